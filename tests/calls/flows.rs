//! What flows do, seen from the telephone and the journal.

use hotline::call::cause::Cause;
use hotline::engine::happened::What;

use crate::office::network::Faults;
use crate::office::{Office, ms, secs, world};

const CALLER: &str = "13812341234";

const SPLIT: &str = "flow: main
languages: [zh-CN, en]
start: split
nodes:
  split:
    percent: { ways: [{ share: 50, then: told }, { share: 50, then: silent }] }
  told:
    event: { name: new_way, value: 7, next: silent }
  silent:
    wait: { for: 3s, next: person }
  person:
    queue: { to: general, on_timeout: bye, on_full: bye }
  bye:
    hangup: { prompts: goodbye }
";

const MAIN: &str = "flow: main
languages: [zh-CN, en]
start: sub
nodes:
  sub:
    call: { flow: sub, next: bye }
  bye:
    hangup: { prompts: goodbye }
";

/// Says something, then asks, then comes back.
fn sub(said: &str) -> String {
    format!(
        "flow: sub
languages: [zh-CN, en]
start: wait
nodes:
  wait:
    wait: {{ for: 5s, next: say }}
  say:
    play: {{ prompts: {said}, next: back }}
  back:
    return:
"
    )
}

fn calling(seed: u64, world: hotline::engine::input::World) -> Office {
    let mut office = Office::with(seed, world, Faults::NONE);
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the call is answered", |office| office.phones[CALLER].is_talking());
    office
}

fn remarks(office: &Office) -> Vec<(String, String)> {
    let remark = |what: &What| match what {
        What::Remark { name, value } => Some((name.clone(), value.clone())),
        _ => None,
    };
    office.journal.iter().filter_map(|happened| remark(&happened.what)).collect()
}

#[test]
fn a_caller_who_hangs_up_in_a_pause_leaves_nothing_behind() {
    let mut office = calling(5, world::with_flow(SPLIT));
    office.run(ms(1_000));
    assert!(!office.hears(CALLER, "music/hold"), "the pause is silent");
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::LeftMenu));
    office.run(secs(60));
    let snapshot = office.snapshot();
    assert!(snapshot.calls.is_empty() && office.sound.streams.is_empty());
}

#[test]
fn a_pause_ends_in_the_queue_and_the_journal_tells_the_way_taken() {
    let ways: Vec<Vec<(String, String)>> = (0..12)
        .map(|seed| {
            let mut office = calling(seed, world::with_flow(SPLIT));
            office.run(ms(2_000));
            assert!(!office.hears(CALLER, "music/hold"));
            office.until("music plays", |office| office.hears(CALLER, "music/hold"));
            remarks(&office)
        })
        .collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let (told, silent) = (vec![pair("way", "told"), pair("new_way", "7")], vec![pair("way", "silent")]);
    assert!(ways.iter().all(|remarks| *remarks == told || *remarks == silent), "{ways:?}");
    assert!(ways.contains(&told) && ways.contains(&silent), "both ways are taken: {ways:?}");
    let again = calling(3, world::with_flow(SPLIT));
    assert_eq!(remarks(&again), ways[3], "and by the same callers again");
}

#[test]
fn a_flow_changed_while_a_call_is_in_it_is_for_the_next_call() {
    let files = |said| world::with_flows(&[("main.yaml", MAIN), ("sub.yaml", &sub(said))]);
    let mut office = calling(4, files("closed"));
    office.run(ms(1_000));
    assert_eq!(office.snapshot().calls[0].node, "sub/wait");
    office.reload(files("refuse"));
    office.until("the old prompt is heard", |office| office.hears(CALLER, "closed"));
    office.until("the call comes back", |office| office.hears(CALLER, "goodbye"));
    office.until("the call is over", |office| office.last_cause() == Some(Cause::FlowEnded));
    office.run(secs(5));
    office.dials(CALLER, "95500");
    office.until("the new prompt is heard", |office| office.hears(CALLER, "refuse"));
    let path = office.last_record().path.join(" ");
    assert!(path.contains("sub sub/wait sub/say"), "{path}");
}
