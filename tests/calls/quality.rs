//! What a call sounded like is in its record, and bad sound is told while it lasts.

use hotline::engine::happened::{Side, Way, What};
use hotline::ids::StreamId;
use hotline::media::command::Codec;
use hotline::media::event::{Event, Figures};
use hotline::media::histogram::Passage;
use hotline::media::quality::Rating;

use crate::office::phone::Manner;
use crate::office::{Office, secs};

const CALLER: &str = "13812341234";

fn talks(seed: u64) -> Office {
    let mut office = Office::seeded(seed);
    office.agent("1001", Manner::Answers(secs(1)));
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the menu is heard", |office| office.hears(CALLER, "main"));
    office.presses(CALLER, '9');
    office.until("they talk", |office| office.talk_together(CALLER, "1001"));
    office
}

fn stream_of(office: &Office, phone: &str) -> StreamId {
    let port = office.phones[phone].remote_port().expect("in a call");
    let found = office.sound.streams.iter().find(|(_, stream)| stream.port == port);
    *found.expect("its stream is open").0
}

fn figures() -> Figures {
    Figures {
        packets_received: 3_000,
        packets_sent: 3_010,
        packets_lost: 30,
        jitter_us: 4_000,
        round_trip_us: Some(25_000),
        codec: Some(Codec::Pcma),
        heard: Some(Rating::of(88.0)),
        heard_worst: Some(Rating::of(61.5)),
        passage: Passage { packets: 2_990, p50_us: 32, p99_us: 128, max_us: 2_000 },
        ..Figures::default()
    }
}

#[test]
fn the_record_of_a_call_tells_what_each_leg_sounded_like() {
    let mut office = talks(81);
    office.sound.figures = figures();
    office.hangs_up(CALLER);
    office.until("the record has both legs", |office| office.last_record().legs.len() == 2);
    let record = office.last_record();
    assert!(record.ended.is_some());
    let sides: Vec<_> = record.legs.iter().map(|leg| leg.leg).collect();
    assert!(sides.contains(&Side::Caller) && sides.contains(&Side::Phone), "{sides:?}");
    let leg = &record.legs[0];
    assert_eq!((leg.codec.as_deref(), leg.packets_lost, leg.inside_p99_us), (Some("PCMA"), 30, 128));
    let heard = leg.heard.expect("it was heard");
    assert_eq!((heard.r_tenths, heard.mos_hundredths), (880, Rating::of(88.0).mos_hundredths()));
    assert_eq!(heard.worst_mos_hundredths, Some(Rating::of(61.5).mos_hundredths()));
    assert!(leg.told.is_none(), "the far end never reported");
}

#[test]
fn a_leg_without_sound_leaves_no_figures() {
    let mut office = talks(82);
    office.sound.figures = Figures { packets_sent: 49, ..Figures::default() };
    office.hangs_up(CALLER);
    office.until("all streams are closed", |office| office.sound.streams.is_empty());
    office.run(secs(1));
    assert!(office.last_record().legs.is_empty());
    assert!(!office.journal.iter().any(|entry| matches!(entry.what, What::LegMeasured(_))));
}

#[test]
fn a_poor_leg_is_seen_live_and_noted_when_it_begins_and_ends() {
    let mut office = talks(83);
    let stream = stream_of(&office, "1001");
    let told = |poor, r| Event::Quality { stream, way: Way::Told, rating: Rating::of(r), poor };
    office.media_event(told(true, 55.0));
    assert!(office.snapshot().calls[0].poor);
    office.media_event(told(false, 90.0));
    assert!(!office.snapshot().calls[0].poor);
    let noted: Vec<_> = office
        .journal
        .iter()
        .filter_map(|entry| match entry.what {
            What::LegPoor { leg, way, .. } => Some((leg, way, true)),
            What::LegBetter { leg, way, .. } => Some((leg, way, false)),
            _ => None,
        })
        .collect();
    assert_eq!(noted, [(Side::Phone, Way::Told, true), (Side::Phone, Way::Told, false)]);
    assert!(!office.journal.iter().any(|entry| matches!(entry.what, What::Alarm { .. })), "one is no alarm");
    office.media_event(told(true, 55.0));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.snapshot().calls.is_empty());
}

#[test]
fn many_poor_legs_are_an_alarm_that_ends_with_them() {
    let mut office = Office::seeded(84);
    let callers: Vec<String> = (0..6).map(|n| format!("1381234000{n}")).collect();
    for caller in &callers {
        office.caller(caller);
        office.dials(caller, "95500");
    }
    let hear = |office: &mut Office| callers.iter().all(|caller| office.hears(caller, "main"));
    office.until("all hear the menu", hear);
    let alarms = |office: &Office| -> Vec<bool> {
        let alarm = |what: &What| match what {
            What::Alarm { name, .. } if name == "quality" => Some(true),
            What::AlarmCleared { name } if name == "quality" => Some(false),
            _ => None,
        };
        office.journal.iter().filter_map(|entry| alarm(&entry.what)).collect()
    };
    let mut raised = Vec::new();
    for caller in &callers[..5] {
        let stream = stream_of(&office, caller);
        office.media_event(Event::Quality { stream, way: Way::Heard, rating: Rating::of(40.0), poor: true });
        raised.push(alarms(&office).len());
    }
    assert_eq!(raised, [0, 0, 0, 0, 1]);
    for caller in &callers[..4] {
        office.hangs_up(caller);
    }
    office.until("the alarm is over", |office| alarms(office) == [true, false]);
}
