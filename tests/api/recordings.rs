//! Tapes over HTTP: in ranges, as players ask for them.

use std::path::Path;
use std::time::Duration;

use hotline::engine::happened::What;
use hotline::ids::CallId;
use hotline::media::command::Codec;
use hotline::moment::Moment;
use hotline::recording::block::Mark;
use hotline::recording::frame::{Side, Taped, ring_of};
use hotline::recording::recorder::{Recorder, TapeCommand};
use hotline::recording::tape::Files;

use super::messages::{FROM, LENGTH};
use super::{ApiUnderTest, until};

pub const START: Moment = Moment::from_micros(1_795_000_000_000_000);
pub const CALL: CallId = CallId(START.as_micros());

/// Bytes of a WAV file's header.
const HEADER: usize = 44;

/// Puts a tape of so many frames of 20 ms on the server's shelf; the caller's voice is a ramp.
pub fn make_tape(api: &ApiUnderTest, frames: u32) {
    write_tape(&api.data, frames);
}

fn write_tape(data: &Path, frames: u32) {
    let (mut ring, taken) = ring_of(frames as usize * 184);
    let (mut recorder, _events) = Recorder::new(data.to_owned(), None, vec![taken], Box::new(Files));
    let at = |frame: u32| START + Duration::from_millis(20) * frame;
    for frame in 0..frames {
        let taped = Taped {
            call: CALL,
            side: Side::Caller,
            codec: Codec::Pcmu,
            rtp_time: frame * 160,
            at: at(frame),
            made: false,
            payload: &[0x80 | (frame % 100) as u8; 160],
        };
        assert!(ring.put(&taped).is_ok(), "the ring is as long as the tape");
    }
    recorder.turn(at(frames), [TapeCommand::Open { call: CALL, started: START }].into_iter());
    // A message lies in the middle of it.
    let (from, over) = (START + FROM, START + FROM + LENGTH);
    let began =
        TapeCommand::Mark { call: CALL, at: from, mark: Mark::Message { number: 1, name: "any".into() } };
    let mark = Mark::MessageOver { number: 1, why: "key".into() };
    recorder.turn(at(frames), [began, TapeCommand::Mark { call: CALL, at: over, mark }].into_iter());
    recorder.turn(at(frames), [TapeCommand::Close { call: CALL, at: at(frames) }].into_iter());
    recorder.turn(at(frames) + Duration::from_secs(5), std::iter::empty());
}

fn path() -> String {
    format!("/api/v1/recordings/{CALL}/audio")
}

#[test]
fn a_tape_is_listed_verified_and_played() {
    let api = ApiUnderTest::start();
    make_tape(&api, 100);
    let token = api.login("quality");
    let listed = api.get("/api/v1/recordings?limit=5").bearer(&token).send().json();
    assert_eq!(listed["recordings"][0]["call"], CALL.to_string());
    let verified = api.get(&format!("/api/v1/recordings/{CALL}")).bearer(&token).send().json();
    assert_eq!(verified["report"]["verdict"], "whole");
    assert_eq!(verified["report"]["caller"]["audio_ms"], 2_000);
    let played = api.get(verified["audio"].as_str().expect("an address")).bearer(&token).send();
    assert_eq!((played.status, played.field("content-type")), (200, "audio/wav"));
    assert_eq!(played.body.len(), HEADER + 100 * 160 * 4);
    assert_eq!(played.field("content-length"), played.body.len().to_string());
    assert_eq!(&played.body[..4], b"RIFF");
    let samples = played.body[HEADER..].chunks_exact(4);
    assert!(samples.clone().any(|pair| pair[..2] != [0, 0]), "the caller is heard on the left");
    assert!(samples.into_iter().all(|pair| pair[2..] == [0, 0]), "nobody spoke on the right");
}

#[test]
fn any_range_is_the_same_bytes_as_in_the_whole() {
    let api = ApiUnderTest::start();
    // Longer than one piece of the stream, so that pieces are joined.
    make_tape(&api, 300);
    let token = api.login("super");
    let whole = api.get(&path()).bearer(&token).send().body;
    let length = whole.len();
    assert!(length > 2 * 64 * 1024);
    let last = length - 1;
    for (range, from, to) in [
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=40-50".to_owned(), 40, 51),
        ("bytes=45-70001".to_owned(), 45, 70_002),
        (format!("bytes={}-", length - 7), length - 7, length),
        ("bytes=-9".to_owned(), length - 9, length),
        (format!("bytes=1000-{}", length * 2), 1_000, length),
    ] {
        let part = api.get(&path()).bearer(&token).field("Range", &range).send();
        assert_eq!(part.status, 206, "{range}");
        assert!(part.body == whole[from..to], "{range}");
        assert_eq!(part.field("content-range"), format!("bytes {from}-{}/{length}", to - 1));
        assert_eq!(part.field("accept-ranges"), "bytes");
    }
    let outside = api.get(&path()).bearer(&token).field("Range", &format!("bytes={length}-")).send();
    assert_eq!((outside.status, outside.error().as_str()), (416, "range_not_satisfiable"));
    assert_eq!(outside.field("content-range"), format!("bytes */{length}"));
    let edge = api.get(&path()).bearer(&token).field("Range", &format!("bytes={last}-")).send();
    assert_eq!((edge.status, edge.body.len()), (206, 1));
}

#[test]
fn a_range_is_given_only_of_the_tape_that_was_meant() {
    let api = ApiUnderTest::start();
    make_tape(&api, 100);
    let token = api.login("super");
    let head = api.request("HEAD", &path()).bearer(&token).send();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("content-length"), (HEADER + 64_000).to_string());
    let tag = head.field("etag").to_owned();
    let ranged = |known: &str| {
        let request = api.get(&path()).bearer(&token).field("Range", "bytes=0-9");
        request.field("If-Range", known).send()
    };
    assert_eq!(ranged(&tag).status, 206);
    assert_eq!(ranged("\"another\"").status, 200, "all of it, since the player has another tape");
    let known = api.get(&path()).bearer(&token).field("If-None-Match", &tag).send();
    assert_eq!((known.status, known.body.len()), (304, 0));
}

#[test]
fn who_plays_a_recording_is_journalled_once_for_all_its_ranges() {
    let api = ApiUnderTest::start();
    make_tape(&api, 100);
    let token = api.login("quality");
    let mut happened = api.engine.listen();
    for range in ["bytes=0-99", "bytes=100-199", "bytes=200-"] {
        assert_eq!(api.get(&path()).bearer(&token).field("Range", range).send().status, 206);
    }
    // What comes after shows that nothing else came before.
    api.try_login("quality", "wrong");
    let mut played = Vec::new();
    until("the wrong log-in is told", || {
        let event = happened.try_recv().ok()?;
        if event.call == Some(CALL) {
            played.push(event.what.clone());
        }
        matches!(event.what, What::LoginFailed { .. }).then_some(())
    });
    let expected = What::StaffAction { user: "quality".to_owned(), action: "play_recording".to_owned() };
    assert_eq!(played, [expected]);
}
