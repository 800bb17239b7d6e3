//! Callers who leave a message, on real tapes.

use std::path::PathBuf;
use std::time::Duration;

use hotline::call::cause::Cause;
use hotline::call::record::VoiceMessage;
use hotline::config::Config;
use hotline::engine::happened::{MessageEnd, MessageState, What};
use hotline::engine::input::{Input, World};
use hotline::engine::staff::{Answer, Ask};
use hotline::media::command::Codec;
use hotline::media::event::Event as MediaEvent;
use hotline::moment::Moment;
use hotline::recording::block::Mark;
use hotline::recording::frame::{Side, Taped, ring_of};
use hotline::recording::recorder::{Recorder, TapeCommand, TapeEvent};
use hotline::recording::shelf::Shelf;
use hotline::recording::tape::Files;
use hotline::recording::verify::Verdict;

use crate::office::network::Faults;
use crate::office::{Office, ms, secs, world};

const CALLER: &str = "13812341234";

const FLOW: &str = r##"
flow: main
languages: [zh-CN, en]
start: pin
vars: { pin: secret }
humane: { complaints: said }
nodes:
  pin:
    collect: { into: pin, prompts: pin, min: 6, max: 6, next: said, on_no_input: { then: said }, on_invalid: { then: said } }
  said: { play: { prompts: welcome, next: message } }
  message:
    record: { name: complaint, prompts: leave_msg, max: 30s, min: 1s, next: thanks, on_short: again, on_failed: failed }
  again: { play: { prompts: msg_short, next: message } }
  thanks: { play: { prompts: msg_thanks, next: desk } }
  failed: { play: { prompts: msg_failed, next: desk } }
  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
"##;

fn bank(config: Config) -> World {
    world::with_flow_and(config, FLOW)
}

/// A caller who has typed a secret and is about to be asked for a message.
fn calls(world: World, faults: Faults) -> Office {
    let mut office = Office::with(7, world, faults);
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the call is answered", |office| office.phones[CALLER].is_talking());
    "271828".chars().for_each(|key| office.presses(CALLER, key));
    office
}

/// A caller who may speak now.
fn speaks_by(world: World, faults: Faults) -> Office {
    let mut office = calls(world, faults);
    office.until("the tone is over", |office| speaks(office).is_some());
    office
}

fn speaks(office: &Office) -> Option<Moment> {
    office.journal.iter().rev().find_map(|entry| match entry.what {
        What::MessageBegan { .. } => Some(entry.at),
        _ => None,
    })
}

fn speaks_in_the_demo() -> Office {
    speaks_by(bank(world::demo_config()), Faults::NONE)
}

fn messages(office: &Office) -> Vec<VoiceMessage> {
    office.last_record().messages_left(false).cloned().collect()
}

fn end_of(office: &Office) -> Option<(u64, MessageEnd)> {
    match messages(office)[..] {
        [ref message] => message.ms.zip(message.end),
        _ => None,
    }
}

/// The tapes of an office as the disk thread writes them, with a caller whose voice tells the time: every 20 ms is of
/// another loudness, 1 to 120 and again.
struct Tapes {
    data: PathBuf,
    shelf: Shelf,
    began: Moment,
}

impl Tapes {
    fn of(office: &Office, name: &str) -> Tapes {
        let data = std::env::temp_dir().join(format!("hotline-messages-{}-{name}", std::process::id()));
        let (began, end) = (office.last_record().arrived, office.now);
        let (mut ring, taken) = ring_of(4_000_000);
        let (mut recorder, _events) = Recorder::new(data.clone(), None, vec![taken], Box::new(Files));
        let call = office.last_record().call;
        let mut commands = office.taped.iter().cloned().peekable();
        let (mut records, mut at, mut frame) = (false, began, 0u32);
        while at <= end {
            let due = |command: &TapeCommand| match command {
                TapeCommand::Open { started, .. } => *started <= at,
                TapeCommand::Close { at: then, .. } | TapeCommand::Mark { at: then, .. } => *then <= at,
                TapeCommand::Stop => true,
            };
            let mut now = Vec::new();
            while let Some(command) = commands.next_if(due) {
                // A worker records from its order on, which comes with the mark.
                records = match &command {
                    TapeCommand::Open { .. } | TapeCommand::Mark { mark: Mark::Resume, .. } => true,
                    TapeCommand::Close { .. } | TapeCommand::Mark { mark: Mark::Pause { .. }, .. } => false,
                    _ => records,
                };
                now.push(command);
            }
            if records {
                let payload = [law(frame); 160];
                let taped = Taped {
                    call,
                    side: Side::Caller,
                    codec: Codec::Pcmu,
                    rtp_time: frame * 160,
                    at,
                    made: false,
                    payload: &payload,
                };
                assert!(ring.put(&taped).is_ok());
            }
            recorder.turn(at, now.into_iter());
            (at, frame) = (at + ms(20), frame + 1);
        }
        recorder.turn(end, commands);
        recorder.turn(end + secs(1), std::iter::empty());
        Tapes { shelf: Shelf::new(&data, None), data, began }
    }

    /// Frames of the caller's voice in an exported message, by the numbers they were made with.
    fn heard(&self, office: &Office, number: u32) -> Vec<u8> {
        let record = office.last_record();
        let out = self.data.join("message.wav");
        self.shelf.export_message(record.call, number, &out).expect("a message");
        let mut wav = hound::WavReader::open(&out).expect("a WAV file");
        assert_eq!((wav.spec().channels, wav.spec().sample_rate), (1, 8_000));
        let samples: Vec<i16> = wav.samples().map(|sample| sample.expect("whole")).collect();
        let levels = (0..120).map(|frame| decoded(law(frame))).collect::<Vec<_>>();
        let frames = samples.chunks(160).map(|chunk| {
            let level = chunk[chunk.len() / 2];
            levels.iter().position(|known| *known == level).map_or(u8::MAX, |place| place as u8)
        });
        frames.collect()
    }

    /// The number of the frame that arrived at a time.
    fn frame_at(&self, at: Moment) -> u8 {
        (at.since(self.began).as_millis().div_ceil(20) % 120) as u8
    }
}

impl Drop for Tapes {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// An octet of μ-law that is silence for no number.
fn law(frame: u32) -> u8 {
    0x80 | (frame % 120) as u8
}

/// G.711 §2: what the octet stands for.
fn decoded(octet: u8) -> i16 {
    let octet = !octet;
    let (exponent, mantissa) = (i32::from(octet >> 4 & 7), i32::from(octet & 15));
    let magnitude = (((mantissa << 3) + 132) << exponent) - 132;
    let signed = if octet & 0x80 != 0 { -magnitude } else { magnitude };
    i16::try_from(signed).expect("14 bits")
}

#[test]
fn what_is_exported_was_said_after_the_tone_and_before_the_key_and_nothing_else() {
    let mut office = speaks_in_the_demo();
    let since = speaks(&office).expect("it began");
    office.run(ms(5_000));
    // Keys that end nothing mean nothing.
    "1*90".chars().for_each(|key| office.presses(CALLER, key));
    office.presses(CALLER, '#');
    let over = office.now;
    office.until("they are thanked", |office| office.hears(CALLER, "msg_thanks"));
    office.run(secs(3));
    office.hangs_up(CALLER);
    office.run(secs(1));
    let left = &messages(&office)[0];
    assert_eq!((left.name.as_str(), left.began, left.ms), ("complaint", since, Some(5_000)));
    assert_eq!((left.end, left.state), (Some(MessageEnd::Key), MessageState::New));
    let tapes = Tapes::of(&office, "key");
    let heard = tapes.heard(&office, 1);
    // Frames of 20 ms do not begin with the mark: one may be cut at each end.
    assert!((250..=251).contains(&heard.len()), "{}", heard.len());
    let (first, last) = (tapes.frame_at(since), tapes.frame_at(over));
    let begins = heard.iter().position(|frame| *frame == first).expect("the first words are there");
    assert!(begins <= 1, "something was heard before the tone was over: {heard:?}");
    let ends =
        heard.iter().rposition(|frame| *frame == (last + 119) % 120).expect("the last words are there");
    assert!(heard.len() - ends <= 2, "something was heard after the key: {heard:?}");
    let report = tapes.shelf.verify(office.last_record().call, office.last_record().ended).expect("a tape");
    assert_eq!((report.verdict, report.missing_ms), (Verdict::Whole, 0));
}

#[test]
fn who_hangs_up_in_the_middle_has_left_what_they_said_also_where_packets_are_lost() {
    for (faults, name) in [(Faults::NONE, "hung"), (Faults::ROUGH, "lossy")] {
        let mut office = speaks_by(bank(world::demo_config()), faults);
        let since = speaks(&office).expect("it began");
        office.run(ms(4_000));
        office.hangs_up(CALLER);
        office.until("the call is over", |office| office.last_record().ended.is_some());
        let (length, end) = end_of(&office).expect("one message");
        assert_eq!(end, MessageEnd::CallEnded);
        assert_eq!(office.last_cause(), Some(Cause::LeftMenu));
        let ended = office.last_record().ended.expect("it ended");
        assert_eq!(u128::from(length), ended.since(since).as_millis());
        let tapes = Tapes::of(&office, name);
        let heard = tapes.heard(&office, 1).len() as u64 * 20;
        assert!(heard.abs_diff(length) <= 40, "{heard} of {length} ms");
    }
}

#[test]
fn half_a_word_is_no_message_and_the_caller_is_asked_again() {
    let mut office = speaks_in_the_demo();
    office.run(ms(600));
    office.presses(CALLER, '#');
    office.until("they are asked again", |office| office.hears(CALLER, "msg_short"));
    assert_eq!(messages(&office), []);
    let first = office.now;
    office.until("the tone is over again", |office| speaks(office).is_some_and(|at| at > first));
    office.run(secs(2));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_record().ended.is_some());
    assert_eq!(messages(&office)[0].number, 2, "the first was none");
}

#[test]
fn a_message_ends_at_its_longest_and_the_call_goes_on() {
    let mut office = speaks_in_the_demo();
    office.until("they are thanked", |office| office.hears(CALLER, "msg_thanks"));
    assert_eq!(end_of(&office), Some((30_000, MessageEnd::Longest)));
    office.agent("1001", crate::office::phone::Manner::Answers(ms(500)));
    office.until("a person answers", |office| office.talk_together(CALLER, "1001"));
}

#[test]
fn a_caller_whose_message_meets_a_full_disk_is_told_so() {
    let mut office = speaks_in_the_demo();
    office.run(secs(5));
    let call = office.last_record().call;
    office.input(Input::Tape(TapeEvent::Failed { call, why: "no space left".into() }));
    assert!(office.hears(CALLER, "msg_failed"));
    assert_eq!(end_of(&office), Some((5_000, MessageEnd::Failed)), "what was said is kept");
    assert!(!office.hears(CALLER, "msg_thanks"));
}

#[test]
fn nobody_is_let_speak_to_a_tape_that_fails_already_or_a_worker_that_cannot_keep_up() {
    for overloaded in [false, true] {
        let mut office = calls(bank(world::demo_config()), Faults::NONE);
        let call = office.last_record().call;
        if overloaded {
            office.media_event(MediaEvent::Overloaded { worker: 0 });
        } else {
            office.input(Input::Tape(TapeEvent::Failed { call, why: "no space left".into() }));
        }
        office.until("they are told", |office| office.hears(CALLER, "msg_failed"));
        assert_eq!((speaks(&office), messages(&office)), (None, vec![]));
    }
}

#[test]
fn a_tape_that_is_written_again_takes_messages() {
    let mut office = calls(bank(world::demo_config()), Faults::NONE);
    let call = office.last_record().call;
    office.input(Input::Tape(TapeEvent::Failed { call, why: "no space left".into() }));
    office.input(Input::Tape(TapeEvent::Recovered { call, frames: 3 }));
    office.until("the tone is over", |office| speaks(office).is_some());
}

#[test]
fn a_bank_that_records_no_calls_has_the_message_and_nothing_of_the_rest() {
    let mut config = world::demo_config();
    config.recording.enabled = false;
    let mut office = speaks_by(bank(config), Faults::NONE);
    assert_eq!(office.tapes.len(), 1);
    office.run(ms(3_000));
    office.presses(CALLER, '#');
    office.until("they are thanked", |office| office.hears(CALLER, "msg_thanks"));
    assert_eq!(office.taped(CALLER), None, "nothing is recorded any more");
    office.run(secs(5));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_record().ended.is_some());
    assert!(office.tapes.values().all(|open| !open), "the tape is closed");
    assert!(office.last_record().recorded, "its record promises a tape");
    let tapes = Tapes::of(&office, "only");
    let heard = tapes.heard(&office, 1).len();
    assert!((149..=151).contains(&heard), "{heard}");
    let report = tapes.shelf.verify(office.last_record().call, office.last_record().ended).expect("a tape");
    assert_eq!(report.verdict, Verdict::Whole);
    assert!(report.caller.audio_ms <= 3_020, "more than the message: {report:?}");
    assert!(report.caller.pause_ms >= 4_900, "the rest is not recorded, on purpose: {report:?}");
}

#[test]
fn a_secret_typed_before_the_message_is_in_no_part_of_it() {
    let mut office = speaks_in_the_demo();
    office.run(secs(3));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_record().ended.is_some());
    let place = |wanted: fn(&Mark) -> bool| office.marks.iter().position(wanted);
    let pause = place(|mark| matches!(mark, Mark::Pause { reason } if reason == "secret digits"));
    let resume = place(|mark| matches!(mark, Mark::Resume));
    let begin = place(|mark| matches!(mark, Mark::Message { .. }));
    assert!(pause < resume && resume < begin && pause.is_some(), "{:?}", office.marks);
}

#[test]
fn a_server_that_stops_keeps_what_was_said() {
    let mut office = speaks_in_the_demo();
    office.run(secs(4));
    office.input(Input::Stop);
    assert_eq!(end_of(&office), Some((4_000, MessageEnd::CallEnded)));
    assert_eq!(office.last_cause(), Some(Cause::ServerStopped));
}

#[test]
fn a_call_takes_so_many_messages_and_no_more() {
    let mut office = calls(bank(world::demo_config()), Faults::NONE);
    let began = |office: &Office| {
        office.journal.iter().filter(|entry| matches!(entry.what, What::MessageBegan { .. })).count()
    };
    while !office.hears(CALLER, "msg_failed") {
        let before = began(&office);
        office.until("the tone is over, or they are told", |office| {
            began(office) > before || office.hears(CALLER, "msg_failed")
        });
        if began(&office) > before {
            office.presses(CALLER, '#');
        }
    }
    assert_eq!(began(&office), 20);
}

#[test]
fn who_has_listened_to_a_message_is_journalled_with_the_call() {
    let mut office = speaks_in_the_demo();
    office.run(secs(4));
    let call = office.last_record().call;
    let state = MessageState::Heard;
    let mark = Ask::MarkMessage { user: "super".into(), call, number: 1, state };
    assert_eq!(office.ask(mark), Answer::Done);
    let entry = office.journal.last().expect("an entry");
    assert_eq!(
        (entry.call, &entry.what),
        (Some(call), &What::MessageMarked { number: 1, state, user: "super".into() })
    );
}

/// Lets the night come: three o'clock in Shanghai.
fn at_three_in_the_night(office: &mut Office) {
    let day = Duration::from_secs(24 * 3_600);
    let shanghai = 8 * 3_600;
    let second = (office.now.as_micros() / 1_000_000 + shanghai) % day.as_secs();
    office.run(secs((day.as_secs() + 3 * 3_600 - second) % day.as_secs()));
}

#[test]
fn nine_reaches_a_person_at_three_in_the_night() {
    let mut office = Office::seeded(3);
    at_three_in_the_night(&mut office);
    office.agent("1002", crate::office::phone::Manner::Answers(ms(500)));
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the menu is heard", |office| office.hears(CALLER, "main"));
    office.presses(CALLER, '9');
    office.until("a person answers", |office| office.talk_together(CALLER, "1002"));
}

#[test]
fn loans_are_closed_at_three_in_the_night_unless_somebody_is_there() {
    for somebody in [false, true] {
        let mut office = Office::seeded(4);
        at_three_in_the_night(&mut office);
        if somebody {
            office.agent("1002", crate::office::phone::Manner::Answers(ms(500)));
        }
        office.caller(CALLER);
        office.dials(CALLER, "95500");
        office.until("the menu is heard", |office| office.hears(CALLER, "main"));
        office.presses(CALLER, '4');
        if somebody {
            office.until("a person answers", |office| office.talk_together(CALLER, "1002"));
            continue;
        }
        office.until("the night's menu is heard", |office| office.hears(CALLER, "closed_menu"));
        office.presses(CALLER, '3');
        office.until("the tone is over", |office| speaks(office).is_some());
        office.run(secs(9));
        office.presses(CALLER, '#');
        office.until("the call is over", |office| office.last_record().ended.is_some());
        assert_eq!(office.last_cause(), Some(Cause::FlowEnded));
        assert_eq!((messages(&office)[0].name.as_str(), messages(&office)[0].ms), ("message", Some(9_000)));
    }
}
