//! Queues as callers live them, and wishes to be called back: what the checker refuses, and what a run says when.

use std::time::Duration;

use hotline::diagnostic::{Source, render_all};
use hotline::ids::AgentId;
use hotline::ivr::run::{Action, Event, Music, QueueExit};
use hotline::ivr::{self, Catalogue};
use hotline::media::prompts::PromptId;

use super::bank;
use super::caller::Call;
use super::faults::{self, Fault};
use crate::office::secs;

const FLOW: &str = include_str!("waits.yaml");

const FAULTS: &[Fault] = &[
    ("music: welcome", "music: «wellcome", "flow-008"),
    ("music: welcome", "music: «only_zh", "flow-008"),
    ("music: welcome", "music: «[welcome, main]", "yaml-006"),
    ("music: none", "musik: none", "yaml-004 musik"),
    ("[comfort, antifraud]", "[comfort, «antifroud]", "flow-008"),
    ("comfort: none", "comfort: «silence", "yaml-006"),
    (", every: 30s }", ", every: «3s }", "yaml-008"),
    (", every: 30s }", ", every: «1h }", "yaml-008"),
    ("[comfort, antifraud], every: 30s", "[comfort, antifraud]", "yaml-005 { prompts: [comfort"),
    (", every: 60s }", ", every: «1s }", "yaml-008"),
    (", every: 60s }", ", evry: 60s }", "yaml-004 evry"),
    ("position: true", "position: «yes", "yaml-006"),
    ("estimate: true", "estimate: «5m", "yaml-006"),
    ("{ position: true, estimate: true, every: 60s }", "«{ position: false, estimate: false }", "flow-086"),
    ("{ \"*\": menu }", "{ \"*\": «menue }", "flow-003"),
    ("{ \"*\": menu }", "{ «x: menu }", "flow-011"),
    ("{ \"*\": menu }", "«{}", "yaml-008"),
    ("after: 60s, estimate: 120s, keys", "keys", "flow-088 { prompts: cb_offer"),
    ("after: 60s", "after: «5s", "yaml-008"),
    ("estimate: 120s", "estimate: «2h", "yaml-008"),
    ("{ 1: wish }", "{ 1: «wich }", "flow-003"),
    (", keys: { 1: wish }", "", "yaml-005 { prompts: cb_offer"),
    ("prompts: cb_offer", "prompts: «cb_ofer", "flow-008"),
    ("stay: 2", "stay: «22", "flow-011"),
    // Keys that mean two things.
    ("stay: 2", "stay: 1", "flow-085 { prompts: cb_offer"),
    ("stay: 2", "stay: \"*\"", "flow-085 { prompts: cb_offer"),
    ("{ 1: wish }", "{ 1: wish, \"*\": wish }", "flow-085 { prompts: cb_offer"),
    ("agent_id: true", "agent_id: «1001", "yaml-006"),
    // Comfort that is drowned, or drowns the music.
    ("every: 60s", "every: 30s", "flow-089 comfort: { prompts"),
    // A callback.
    ("number: $number", "number: «number", "yaml-006"),
    ("number: $number", "number: «$nummer", "flow-009"),
    ("number: $number", "number: «$tries", "flow-010"),
    ("number: $number", "number: «$pin", "flow-019"),
    ("number: $number, queue: general", "number: $number, queue: «genral", "flow-005"),
    ("queue: general, next: bye", "queue: general, next: «by", "flow-003"),
    (", on_refused: menu", "", "yaml-005 callback:"),
    ("callback: { number: $number, ", "callback: { ", "yaml-005 callback:"),
    (", queue: general, next", ", next", "yaml-005 callback:"),
];

/// As right as the flow itself.
const VARIANTS: &[(&str, &str)] = &[
    ("music: welcome", "music: none"),
    ("comfort: { prompts: [comfort, antifraud], every: 30s }", "comfort: { prompts: comfort, every: 10s }"),
    ("tell: {}", "tell: { position: false }"),
    ("tell: {}", "tell: { estimate: false, every: 10s }"),
    (", every: 60s", ""),
    ("after: 60s, ", ""),
    ("estimate: 120s, ", ""),
    (", stay: 2", ""),
    ("{ \"*\": menu }", "{ \"*\": menu, 0: plain, \"#\": bye }"),
    ("agent_id: true", "agent_id: false"),
    ("number: $number, queue: general", "number: $caller, queue: urgent"),
];

#[test]
fn the_flow_is_right_and_so_are_its_variants() {
    // What a variant no longer uses is not its point.
    faults::are_none(FLOW, VARIANTS, &["flow-024"]);
}

#[test]
fn each_fault_is_shown_where_it_is() {
    faults::are_found(FLOW, FAULTS, &[]);
}

/// All prompts but one, in one language.
struct Without(bank::Names, &'static str);

impl Catalogue for Without {
    fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        self.0.find(language, name).filter(|_| language != "en" || name != self.1)
    }

    fn duration(&self, prompt: PromptId) -> Duration {
        self.0.duration(prompt)
    }

    fn names(&self, language: &str) -> Vec<String> {
        self.0.names(language)
    }
}

#[test]
fn words_that_a_language_lacks_are_missed_by_the_checker_and_not_by_a_caller() {
    for (name, code, times) in [
        ("q_next", "flow-087", 2),
        ("q_ahead_one", "flow-087", 2),
        ("q_ahead_pre", "flow-087", 2),
        ("q_ahead_post", "flow-087", 2),
        ("q_wait", "flow-087", 2),
        ("q_busier", "flow-087", 2),
        ("agent_id_pre", "flow-087", 1),
        ("agent_id_post", "flow-087", 1),
        ("num_minutes", "flow-008", 2),
        ("cb_offer", "flow-008", 1),
    ] {
        let (all, lacking) = (bank::Names::all(), Without(bank::Names::all(), name));
        let world = ivr::World { catalogue: &lacking, ..bank::world(&all) };
        let found = ivr::compile(&[Source::new("test.yaml", FLOW)], &world).expect_err("a word is missing");
        let codes: Vec<_> = found.iter().map(|found| found.code).collect();
        assert_eq!(codes, vec![code; times], "{name}\n{}", render_all(&found));
        assert!(found.iter().all(|found| found.message.contains(name) && found.message.contains("en")));
    }
}

#[test]
fn a_comfort_message_longer_than_its_pause_is_a_warning() {
    let (all, slow) = (bank::Names::all(), Slow(bank::Names::all()));
    let world = ivr::World { catalogue: &slow, ..bank::world(&all) };
    let compiled = ivr::compile(&[Source::new("test.yaml", FLOW)], &world).expect("warnings only");
    assert!(compiled.warnings.iter().any(|found| found.code == "flow-089"));
}

/// Prompts of half a minute.
struct Slow(bank::Names);

impl Catalogue for Slow {
    fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        self.0.find(language, name)
    }

    fn duration(&self, _: PromptId) -> Duration {
        Duration::from_secs(30)
    }

    fn names(&self, language: &str) -> Vec<String> {
        self.0.names(language)
    }
}

/// Somebody in the queue of the flow, who has heard where they are led.
fn waiting(flow: &str) -> Call {
    let mut call = Call::to(bank::flow(flow), "en");
    call.told(Event::Played);
    call
}

impl Call {
    fn placed(&mut self, ahead: usize, seconds: Option<u64>) -> &mut Self {
        self.told(Event::Place { ahead, estimate: seconds.map(secs) })
    }

    /// Waits so many seconds more; what was said before is forgotten.
    fn stays(&mut self, seconds: u64) -> &mut Self {
        self.new.clear();
        self.waits(secs(seconds))
    }

    /// What was announced, by name and without its language.
    fn says(&self) -> String {
        let said = self.new.iter().filter_map(|action| match action {
            Action::Announce { prompts } => Some(prompts),
            _ => None,
        });
        let words: Vec<String> = said
            .flatten()
            .map(|prompt| self.names.of(*prompt).replace("en/", "").replace("num_", ""))
            .collect();
        words.join(" ")
    }
}

#[test]
fn nothing_is_said_before_the_place_is_known_and_then_at_once() {
    let mut caller = waiting(FLOW);
    assert_eq!(caller.stays(5).says(), "");
    assert_eq!(caller.placed(3, None).stays(0).says(), "q_ahead_pre 3 q_ahead_post");
    assert_eq!(caller.run.next_deadline(), None, "one thing at a time");
}

#[test]
fn a_place_that_gets_better_is_told_after_a_pause_and_one_that_does_not_is_not() {
    let mut caller = waiting(&FLOW.replace(", every: 60s", ""));
    caller.placed(9, None).stays(0).told(Event::Played);
    assert_eq!(caller.placed(8, None).stays(10).says(), "", "a moment ago it was told");
    assert_eq!(caller.placed(5, None).stays(10).says(), "q_ahead_pre 5 q_ahead_post", "the newest only");
    caller.told(Event::Played);
    assert_eq!(caller.placed(5, None).stays(29).says(), "");
}

#[test]
fn waits_are_rounded_up_short_and_unknown_ones_are_not_told_and_longer_ones_are_excused() {
    let bare: Vec<&str> =
        FLOW.lines().filter(|line| !line.contains(" offer: {") && !line.contains("antifraud")).collect();
    let mut caller = waiting(&bare.join("\n"));
    let steps = [
        (None, "q_next"),
        (Some(19), "q_next"),
        (Some(20), "q_next q_wait 1 minute"),
        (Some(60), "q_next q_wait 1 minute"),
        (Some(61), "q_next q_busier q_wait 2 minutes"),
        (Some(119), "q_next q_wait 2 minutes"),
        (Some(5), "q_next"),
        (Some(59), "q_next q_wait 1 minute"),
        (Some(3_601), "q_next q_busier q_wait 1 hour and 1 minute"),
    ];
    for (turn, (seconds, said)) in steps.into_iter().enumerate() {
        caller.placed(0, seconds);
        assert_eq!(caller.stays(if turn == 0 { 0 } else { 60 }).says(), said, "{seconds:?}");
        caller.told(Event::Played);
    }
}

#[test]
fn the_queues_own_comfort_gives_way_to_whatever_the_flow_says() {
    let comfort = || Event::Comfort { prompts: vec![PromptId(1_009)] };
    let mut caller = waiting(FLOW);
    assert_eq!(caller.told(comfort()).says(), "", "the node has its own");
    let own = FLOW.replace("      comfort: { prompts: [comfort, antifraud], every: 30s }\n", "");
    let mut caller = waiting(&own);
    assert_eq!(caller.told(comfort()).says(), "comfort");
    assert_eq!(caller.told(comfort()).says(), "", "while something is said");
    caller.told(Event::Played).placed(1, None);
    assert_eq!(caller.told(comfort()).says(), "", "the place is due");
    assert_eq!(caller.stays(0).says(), "q_ahead_one");
}

#[test]
fn keys_of_an_offer_are_good_from_its_first_word_on() {
    let mut caller = waiting(FLOW);
    assert_eq!(caller.told(Event::Digit('1')).new, []);
    assert_eq!(caller.placed(0, Some(121)).stays(0).says(), "q_next q_wait 3 minutes");
    assert_eq!(caller.told(Event::Played).stays(0).says(), "cb_offer");
    // Waits after long: the offer is not made twice.
    let mut patient =
        Call { run: caller.run.clone(), now: caller.now, new: Vec::new(), names: bank::Names::all() };
    patient.told(Event::Played);
    for _ in 0..20 {
        assert!(!patient.stays(30).says().contains("cb_offer"));
        patient.told(Event::Played);
    }
    caller.told(Event::Digit('1'));
    assert_eq!(caller.new[0], Action::LeaveQueue);
    assert_eq!(caller.run.node(), "menu", "no number has been entered: it is refused");
}

#[test]
fn what_comes_late_means_nothing() {
    let mut caller = waiting(FLOW);
    caller.placed(0, None).stays(0).told(Event::QueueLeft(QueueExit::Full));
    assert_eq!(caller.run.node(), "plain");
    caller.told(Event::QueueLeft(QueueExit::Full));
    assert_eq!(caller.run.node(), "bye");
    for late in [Event::Place { ahead: 1, estimate: None }, Event::Comfort { prompts: vec![PromptId(9)] }] {
        assert_eq!(caller.told(late).new, []);
    }
}

#[test]
fn music_and_the_agents_announcement_are_the_nodes() {
    let mut caller = waiting(FLOW);
    let names = bank::Names::all();
    assert_eq!(caller.run.music(), Music::Prompt(names.find("en", "welcome").expect("there")));
    let said: Vec<String> =
        caller.run.introduces(&AgentId::from("1001")).iter().map(|p| names.of(*p)).collect();
    assert_eq!(said, ["en/agent_id_pre", "en/num_1", "en/num_0", "en/num_0", "en/num_1", "en/agent_id_post"]);
    assert_eq!(
        caller.run.introduces(&AgentId::from("reception")),
        [],
        "who has no number is not half announced"
    );
    caller.told(Event::QueueLeft(QueueExit::Full));
    assert_eq!((caller.run.music(), caller.run.introduces(&"1001".into())), (Music::Silence, Vec::new()));
    caller.told(Event::QueueLeft(QueueExit::Full));
    assert_eq!(caller.run.music(), Music::OfQueue);
}
