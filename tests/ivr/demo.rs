//! The demonstration bank: its configuration, its flow, what its callers reach.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotline::config;
use hotline::diagnostic::render_all;
use hotline::ids::QueueId;
use hotline::ivr::http::HttpResponse;
use hotline::ivr::run::{Action, Caller, Event, Run};
use hotline::ivr::{self, Catalogue, Flows, World};
use hotline::media::prompts::PromptId;
use hotline::moment::Moment;

use super::bank;

fn demo_flows() -> Flows {
    let mut config = config::demo("data", 5060, 8080);
    config.flows = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-flows");
    let sources =
        config::flow_sources(&config.flows).unwrap_or_else(|found| panic!("{}", render_all(&found)));
    let names = bank::Names::all();
    let compiled = ivr::compile(&sources, &World::of(&config, &names));
    let compiled = compiled.unwrap_or_else(|found| panic!("{}", render_all(&found)));
    assert!(compiled.warnings.is_empty(), "{}", render_all(&compiled.warnings));
    for (number, answer) in &config.numbers {
        assert!(compiled.flows.contains_key(&answer.flow), "{number}");
    }
    compiled.flows
}

/// Where a caller ends who presses these keys during the first prompts and then nothing; the bank's systems are away.
fn reaches(keys: &str) -> Option<QueueId> {
    reaches_if(None, keys)
}

/// The same, if the bank answers everything with this status.
fn reaches_if(status: Option<u16>, keys: &str) -> Option<QueueId> {
    let flow = demo_flows()[&"main".into()].clone();
    let mut now = Moment::from_micros(1_795_000_000_000_000);
    let caller = Caller { number: "13800001111".into(), dialled: "95500".into(), language: "zh-CN".into() };
    let (mut run, mut actions) = Run::start(now, flow, caller, 7);
    assert!(actions.contains(&Action::Recall));
    actions.extend(run.handle(now, Event::Recalled([].into())));
    assert!(actions.contains(&Action::AskBroadcast));
    actions.extend(run.handle(now, Event::Broadcast(None)));
    for key in keys.chars() {
        actions.extend(run.handle(now, Event::Digit(key)));
    }
    for _ in 0..100 {
        if let Some(queue) = actions.iter().find_map(|action| match action {
            Action::Queue { queue, .. } => Some(queue.clone()),
            _ => None,
        }) {
            return Some(queue);
        }
        now = now + Duration::from_secs(3);
        let mut next = match status.filter(|_| run.awaits().is_some()) {
            Some(status) => {
                run.handle(now, Event::HttpDone(Ok(HttpResponse { status, body: String::new() })))
            }
            None => run.handle(now, Event::Played),
        };
        if next.is_empty() {
            now = run.next_deadline()?;
            next = run.handle(now, Event::Time);
        }
        actions.extend(next);
    }
    None
}

#[test]
fn the_demo_passes_its_own_checker_without_a_warning() {
    assert!(demo_flows().contains_key(&"main".into()));
}

/// The files of the prompts folder; decoding them all would take the suite ten seconds.
struct Recorded(PathBuf);

impl Catalogue for Recorded {
    fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        let folder = if name.starts_with("music/") { self.0.clone() } else { self.0.join(language) };
        folder.join(format!("{name}.wav")).is_file().then_some(PromptId(0))
    }

    fn duration(&self, _: PromptId) -> Duration {
        Duration::ZERO
    }

    fn names(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn every_prompt_of_the_demo_is_recorded_in_both_languages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = Recorded(root.join("prompts"));
    let config = config::demo("data", 0, 0);
    let sources = config::flow_sources(&root.join("ivr-flows")).expect("the flows");
    let compiled = ivr::compile(&sources, &World::of(&config, &library));
    let compiled = compiled.unwrap_or_else(|found| panic!("{}", render_all(&found)));
    assert!(compiled.warnings.is_empty(), "{}", render_all(&compiled.warnings));
    for (id, queue) in &config.queues {
        for prompt in queue.comfort.iter().chain([&queue.music]) {
            assert!(
                library.find("zh-CN", prompt).is_some() && library.find("en", prompt).is_some(),
                "{id}: {prompt}"
            );
        }
    }
}

#[test]
fn nine_reaches_a_person_and_nought_the_urgent_desk() {
    assert_eq!(reaches("9"), Some("general".into()));
    assert_eq!(reaches("0"), Some("urgent".into()));
}

#[test]
fn a_locked_account_reaches_the_people_for_fraud_from_wherever_the_pin_is_asked() {
    assert_eq!(reaches_if(Some(423), "110020030#135790"), Some("fraud".into()));
    for key in 1..=5 {
        let keys = format!("2{key}10020030#135790");
        assert_eq!(reaches_if(Some(423), &keys), Some("fraud".into()), "{keys}");
    }
}

#[test]
fn who_proves_no_account_reaches_the_desk_they_had_chosen() {
    assert_eq!(reaches_if(Some(404), "199999999#135790"), Some("general".into()));
    assert_eq!(reaches_if(Some(404), "2199999999#135790"), Some("cards".into()));
}

#[test]
fn every_key_silence_and_confusion_lead_to_people() {
    let table = [
        ("", "general"),
        ("4", "loan"),
        ("5", "ebank"),
        ("1622202123456#", "general"),
        ("29", "cards"),
        ("2", "cards"),
        ("31", "sme"),
        ("34", "sme"),
        ("32", "rural_loan"),
        ("71", "complaint"),
        ("8", "senior"),
        ("2*9", "general"),
        ("##9", "general"),
    ];
    for (keys, queue) in table {
        assert_eq!(reaches(keys), Some(queue.into()), "{keys:?}");
    }
    // Where no key leads from the main menu: a lost card waits for two, valued customers hear no menu, and the second
    // ring is for who has waited long; a locked account has people for fraud.
    let elsewhere = ["urgent", "vip", "overflow", "fraud"].map(QueueId::from);
    let reached: BTreeSet<QueueId> =
        table.iter().map(|(_, queue)| (*queue).into()).chain(elsewhere).collect();
    assert_eq!(reached, config::demo("data", 0, 0).queues.into_keys().collect());
}

#[test]
fn the_sample_configuration_loads_from_the_disk_and_its_flows_compile() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let loaded = config::load(&root.join("hotline.sample.yaml"));
    let loaded = loaded.unwrap_or_else(|found| panic!("{}", render_all(&found)));
    assert!(loaded.warnings.is_empty(), "{}", render_all(&loaded.warnings));
    let sources = config::flow_sources(&loaded.config.flows).expect("the flows");
    let names = bank::Names::all();
    assert!(ivr::compile(&sources, &World::of(&loaded.config, &names)).is_ok());
}
