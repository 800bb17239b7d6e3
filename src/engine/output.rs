//! Everything the engine may ask for.

use bytes::Bytes;

use super::happened::Happened;
use super::input::AskId;
use super::staff::Answer;
use crate::config::{Bot, HttpHost};
use crate::ids::{CallId, RequestId, StreamId, TalkId};
use crate::ivr::bot::BotRequest;
use crate::ivr::http::HttpRequest;
use crate::media::command::Command;
use crate::recording::recorder::TapeCommand;
use crate::sip::transport::Flow;

/// One thing to be done, in order.
#[derive(Debug)]
pub enum Output {
    Transmit {
        flow: Flow,
        bytes: Bytes,
    },
    /// For one worker; `None` for all, which are told of nothing but prompts.
    Media {
        worker: Option<usize>,
        command: Command,
    },
    Tape(TapeCommand),
    /// To be sent to `host`; `Input::HttpDone` is due within the request's time.
    Http {
        id: RequestId,
        host: Box<HttpHost>,
        request: Box<HttpRequest>,
    },
    Bot(BotOrder),
    Happened(Happened),
    Answer {
        id: AskId,
        answer: Answer,
    },
}

/// What is asked of who speaks with bots.
#[derive(Debug)]
pub enum BotOrder {
    /// The far end of `stream` is to talk with `bot`; `Input::BotDone` is due when it is over.
    Begin {
        id: TalkId,
        call: CallId,
        worker: usize,
        stream: StreamId,
        bot: Box<Bot>,
        request: Box<BotRequest>,
    },
    /// The caller pressed a key.
    Key { id: TalkId, key: Key },
    /// The caller has gone.
    End { id: TalkId },
}

/// A key of a telephone, for a bot. Not printed: it may be one of a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(pub char);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}
