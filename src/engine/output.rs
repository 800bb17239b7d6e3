//! Everything the engine may ask for.

use bytes::Bytes;

use super::happened::Happened;
use super::input::AskId;
use super::staff::Answer;
use crate::config::HttpHost;
use crate::ids::RequestId;
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
    /// For one worker; `None` for all.
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
    Happened(Happened),
    Answer {
        id: AskId,
        answer: Answer,
    },
}
