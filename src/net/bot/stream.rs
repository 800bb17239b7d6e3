//! The format of Twilio's Media Streams, both ways, without a connection: what we tell the bot, what it tells us, and its
//! audio and marks until they have been played. <https://www.twilio.com/docs/voice/media-streams/websocket-messages>
//!
//! One message is ours alone: `result`, by which a bot says what came of the call. See docs/bots.md.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::json;

use crate::ids::{CallId, TalkId};
use crate::ivr::bot::{BotRequest, BotResult, Line, MAX_LINE, MAX_LINES, MAX_RESULT};
use crate::media::bot::{FRAME_BYTES, Frame, Speaker};
use crate::net::limits::{BOT_MARKS, BOT_SPEECH};

/// µ-law of no sound.
const SILENT: u8 = 0xFF;
/// What our calls' accounts are called: there is one.
const ACCOUNT: &str = "AC00000000000000000000000000000000";
/// Longest name of a mark, bytes.
const MAX_MARK: usize = 256;
/// Milliseconds of a frame.
const FRAME_MS: u64 = 20;

/// What came of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Fine,
    /// The bot was interrupted, or interrupts itself.
    Cleared,
    Result(Box<BotResult>),
    /// No message of this format.
    Nonsense,
}

/// A call's audio and messages.
#[derive(Debug)]
pub(super) struct Stream {
    stream: String,
    call: String,
    /// Messages sent.
    sequence: u64,
    /// Frames sent.
    chunk: u64,
    /// What the bot said, µ-law, in order.
    speech: VecDeque<u8>,
    /// Bytes of it taken so far, those before included.
    taken: u64,
    /// Where marks stand in it, counted in bytes from the beginning.
    marks: VecDeque<(u64, String)>,
    /// Marks whose audio is in the line: due when so many frames have been played.
    near: VecDeque<(u64, String)>,
    /// Bytes that there was no room for.
    unsaid: u64,
}

#[derive(Deserialize)]
struct Message {
    event: String,
    #[serde(rename = "streamSid")]
    stream: Option<String>,
    media: Option<Media>,
    mark: Option<Mark>,
    result: Option<serde_json::Value>,
    #[serde(default)]
    transcript: Vec<Spoken>,
    #[serde(default)]
    transfer: bool,
}

#[derive(Deserialize)]
struct Media {
    payload: String,
}

#[derive(Deserialize)]
struct Mark {
    name: String,
}

#[derive(Deserialize)]
struct Spoken {
    #[serde(alias = "role", default)]
    who: String,
    #[serde(alias = "content", default)]
    text: String,
}

impl Stream {
    pub fn new(call: CallId, talk: TalkId) -> Stream {
        Stream {
            stream: format!("MZ{:016x}{:016x}", call.0, talk.0),
            call: format!("CA{:032x}", call.0),
            sequence: 0,
            chunk: 0,
            speech: VecDeque::new(),
            taken: 0,
            marks: VecDeque::new(),
            near: VecDeque::new(),
            unsaid: 0,
        }
    }

    /// The two messages that a stream begins with.
    pub fn begins(&mut self, request: &BotRequest) -> [String; 2] {
        let connected = json!({"event": "connected", "protocol": "Call", "version": "1.0.0"});
        let parameters: serde_json::Map<String, serde_json::Value> = request
            .parameters
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_str().into()))
            .collect();
        let start = json!({
            "event": "start",
            "sequenceNumber": self.next(),
            "start": {
                "streamSid": self.stream,
                "accountSid": ACCOUNT,
                "callSid": self.call,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": parameters,
            },
            "streamSid": self.stream,
        });
        [connected.to_string(), start.to_string()]
    }

    /// What the caller said.
    pub fn media(&mut self, frame: &Frame) -> String {
        let timestamp = self.chunk * FRAME_MS;
        self.chunk += 1;
        let media = json!({
            "track": "inbound",
            "chunk": self.chunk.to_string(),
            "timestamp": timestamp.to_string(),
            "payload": BASE64.encode(frame),
        });
        self.event("media", media)
    }

    pub fn key(&mut self, key: char) -> String {
        self.event("dtmf", json!({"track": "inbound_track", "digit": key.to_string()}))
    }

    pub fn stop(&mut self) -> String {
        self.event("stop", json!({"accountSid": ACCOUNT, "callSid": self.call}))
    }

    fn event(&mut self, event: &str, what: serde_json::Value) -> String {
        let number = self.next();
        json!({"event": event, "sequenceNumber": number, event: what, "streamSid": self.stream}).to_string()
    }

    fn next(&mut self) -> String {
        self.sequence += 1;
        self.sequence.to_string()
    }

    /// A message of the bot's.
    pub fn heard(&mut self, text: &str, line: &mut Speaker) -> Told {
        let Ok(message) = serde_json::from_str::<Message>(text) else { return Told::Nonsense };
        if message.stream.as_ref().is_some_and(|stream| *stream != self.stream) {
            return Told::Nonsense;
        }
        match (message.event.as_str(), message.media, message.mark) {
            ("media", Some(media), _) => match BASE64.decode(media.payload) {
                Ok(payload) => self.says(&payload),
                Err(_) => Told::Nonsense,
            },
            ("mark", _, Some(mark)) if mark.name.len() <= MAX_MARK => self.marks(mark.name, line),
            ("clear", ..) => {
                self.clears(line);
                Told::Cleared
            }
            ("result", ..) => match result(message.result, message.transcript, message.transfer) {
                Some(result) => Told::Result(Box::new(result)),
                None => Told::Nonsense,
            },
            _ => Told::Nonsense,
        }
    }

    fn says(&mut self, payload: &[u8]) -> Told {
        let room = BOT_SPEECH.saturating_sub(self.speech.len());
        let kept = &payload[..payload.len().min(room)];
        self.unsaid += (payload.len() - kept.len()) as u64;
        self.speech.extend(kept);
        Told::Fine
    }

    /// To be told when everything said so far has been played.
    fn marks(&mut self, name: String, line: &Speaker) -> Told {
        if self.marks.len() + self.near.len() >= BOT_MARKS {
            return Told::Nonsense;
        }
        if self.speech.is_empty() {
            self.near.push_back((line.said(), name));
        } else {
            self.marks.push_back((self.taken + self.speech.len() as u64, name));
        }
        Told::Fine
    }

    /// Nothing of what was said is played any more; all marks are due.
    pub fn clears(&mut self, line: &mut Speaker) {
        line.falls_silent();
        self.taken += self.speech.len() as u64;
        self.speech.clear();
        self.near.extend(self.marks.drain(..));
        for (due, _) in &mut self.near {
            *due = 0;
        }
    }

    /// Gives the line as much as it has room for. The end of the speech, if it is no whole frame, goes when nothing else is
    /// left to play: more may come that belongs to it.
    pub fn speaks(&mut self, line: &mut Speaker) {
        while !self.speech.is_empty() {
            let length = self.speech.len().min(FRAME_BYTES);
            if length < FRAME_BYTES && line.played() < line.said() {
                break;
            }
            let mut frame = [SILENT; FRAME_BYTES];
            for (byte, said) in frame.iter_mut().zip(&self.speech) {
                *byte = *said;
            }
            if !line.say(frame) {
                break;
            }
            self.speech.drain(..length);
            self.taken += length as u64;
            while let Some((_, name)) = self.marks.pop_front_if(|(place, _)| *place <= self.taken) {
                self.near.push_back((line.said(), name));
            }
        }
    }

    /// The next mark whose audio has been played, as a message.
    pub fn mark(&mut self, line: &Speaker) -> Option<String> {
        let played = line.played();
        let (_, name) = self.near.pop_front_if(|(due, _)| *due <= played)?;
        Some(self.event("mark", json!({"name": name})))
    }

    /// Everything said has been played.
    pub fn is_silent(&self, line: &Speaker) -> bool {
        self.speech.is_empty() && line.played() >= line.said()
    }

    /// Milliseconds of the bot's audio that there was no room for.
    pub fn unsaid_ms(&self) -> u64 {
        self.unsaid * FRAME_MS / FRAME_BYTES as u64
    }
}

/// `None` if it is none: larger than any that is kept, or no map.
fn result(slots: Option<serde_json::Value>, said: Vec<Spoken>, person: bool) -> Option<BotResult> {
    let slots = slots.unwrap_or_else(|| json!({}));
    let text = slots.to_string();
    if !slots.is_object() || text.len() > MAX_RESULT {
        return None;
    }
    let passed = said.len().saturating_sub(MAX_LINES);
    let line = |spoken: Spoken| Line { who: cut(spoken.who), text: cut(spoken.text) };
    let transcript = said.into_iter().skip(passed).map(line).collect();
    Some(BotResult { slots: text, transcript, person })
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_LINE));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bot::{Line as Wire, line};

    fn stream() -> (Stream, Wire, Speaker) {
        let (worker, line) = line();
        (Stream::new(CallId(0xABC), TalkId(7)), worker, line)
    }

    fn says(bytes: usize) -> String {
        json!({"event": "media", "media": {"payload": BASE64.encode(vec![0x55; bytes])}}).to_string()
    }

    fn mark(name: &str) -> String {
        json!({"event": "mark", "mark": {"name": name}}).to_string()
    }

    fn named(message: Option<String>) -> Option<String> {
        let message: serde_json::Value = serde_json::from_str(&message?).expect("JSON");
        message["mark"]["name"].as_str().map(str::to_owned)
    }

    #[test]
    fn names_of_streams_and_calls_have_the_shape_that_bots_expect() {
        let (mut stream, _worker, _line) = stream();
        let request =
            BotRequest { number: 1, bot: "x".into(), parameters: Vec::new(), max: std::time::Duration::ZERO };
        let [_, start] = stream.begins(&request);
        let start: serde_json::Value = serde_json::from_str(&start).expect("JSON");
        for (field, prefix) in [("streamSid", "MZ"), ("callSid", "CA"), ("accountSid", "AC")] {
            let name = start["start"][field].as_str().expect("a text");
            assert!(name.starts_with(prefix) && name.len() == 34, "{field}: {name}");
        }
        assert_eq!(start["streamSid"], start["start"]["streamSid"]);
    }

    #[test]
    fn audio_of_any_length_is_cut_into_frames_and_its_end_waits_for_what_belongs_to_it() {
        let (mut stream, _worker, mut line) = stream();
        assert_eq!(stream.heard(&says(100), &mut line), Told::Fine);
        assert_eq!(stream.heard(&says(250), &mut line), Told::Fine);
        stream.speaks(&mut line);
        assert_eq!((line.said(), stream.speech.len()), (2, 30));
        stream.heard(&says(130), &mut line);
        stream.speaks(&mut line);
        assert_eq!((line.said(), stream.speech.len()), (3, 0));
    }

    #[test]
    fn an_end_that_is_no_whole_frame_is_said_when_nothing_else_is_left() {
        let (mut stream, _worker, mut line) = stream();
        stream.heard(&says(30), &mut line);
        stream.heard(&mark("end"), &mut line);
        stream.speaks(&mut line);
        assert_eq!((line.said(), stream.speech.len()), (1, 0));
        assert_eq!(stream.mark(&line), None, "it is not played yet");
    }

    #[test]
    fn marks_wait_for_their_audio_and_come_back_at_once_when_it_is_cleared() {
        let (mut stream, _worker, mut line) = stream();
        stream.heard(&mark("nothing before"), &mut line);
        assert_eq!(named(stream.mark(&line)).as_deref(), Some("nothing before"));
        stream.heard(&says(16_000), &mut line);
        stream.heard(&mark("a"), &mut line);
        stream.heard(&says(160), &mut line);
        stream.heard(&mark("b"), &mut line);
        stream.speaks(&mut line);
        assert_eq!(stream.mark(&line), None);
        assert_eq!(stream.heard(r#"{"event": "clear"}"#, &mut line), Told::Cleared);
        assert_eq!(named(stream.mark(&line)).as_deref(), Some("a"));
        assert_eq!(named(stream.mark(&line)).as_deref(), Some("b"));
        assert_eq!(stream.mark(&line), None);
    }

    #[test]
    fn a_minute_may_wait_and_no_more() {
        let (mut stream, _worker, mut line) = stream();
        for _ in 0..7 {
            stream.heard(&says(80_000), &mut line);
        }
        assert_eq!((stream.speech.len(), stream.unsaid_ms()), (BOT_SPEECH, 10_000));
    }

    #[test]
    fn what_is_no_message_is_told_so() {
        let (mut stream, _worker, mut line) = stream();
        let long = "x".repeat(MAX_MARK + 1);
        for text in [
            "",
            "[]",
            "{}",
            r#"{"event": "media"}"#,
            r#"{"event": "media", "media": {"payload": "%"}}"#,
            r#"{"event": "mark"}"#,
            r#"{"event": "dance"}"#,
            r#"{"event": "clear", "streamSid": "MZ0"}"#,
            r#"{"event": "result", "result": 5}"#,
            &mark(&long),
        ] {
            assert_eq!(stream.heard(text, &mut line), Told::Nonsense, "{text}");
        }
        (0..BOT_MARKS).for_each(|_| assert_eq!(stream.heard(&mark("m"), &mut line), Told::Fine));
        assert_eq!(stream.heard(&mark("m"), &mut line), Told::Nonsense);
    }

    #[test]
    fn a_result_is_cut_to_what_is_kept() {
        let (mut stream, _worker, mut line) = stream();
        let lines: Vec<_> = (0..300)
            .map(|n| json!({"role": "user", "content": format!("{n} {}", "张".repeat(400))}))
            .collect();
        let text = json!({"event": "result", "result": {"a": 1}, "transcript": lines, "transfer": true});
        let Told::Result(result) = stream.heard(&text.to_string(), &mut line) else { panic!("a result") };
        assert_eq!((result.slots.as_str(), result.person), (r#"{"a":1}"#, true));
        assert_eq!(result.transcript.len(), MAX_LINES);
        let first = &result.transcript[0];
        assert!(first.text.starts_with("100 ") && first.text.len() <= MAX_LINE && first.who == "user");
        let empty = stream.heard(r#"{"event": "result", "transfer": true}"#, &mut line);
        assert!(matches!(empty, Told::Result(result) if result.slots == "{}" && result.person));
    }
}
