//! Everything that can happen to the engine from outside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::bot::BotFigures;
use super::happened::{Happened, Kept};
use super::releases::Publication;
use super::staff::Ask;
use crate::config::Config;
use crate::ids::{RequestId, TalkId};
use crate::ivr::Flows;
use crate::ivr::bot::BotEnd;
use crate::ivr::http::{HttpFailure, HttpResponse};
use crate::media::event::Event as MediaEvent;
use crate::media::prompts::Library;
use crate::recording::recorder::TapeEvent;
use crate::sip::transport::{ConnectionId, Flow, Transport};

/// What the server is made of at a time: replaced as a whole on reload.
#[derive(Clone, Debug)]
pub struct World {
    pub config: Arc<Config>,
    pub flows: Flows,
    pub library: Arc<Library>,
}

/// A question's number, made by who asks; the answer bears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// One thing that happened outside.
#[derive(Debug)]
pub enum Input {
    /// A datagram, or a message cut from a stream.
    Received {
        flow: Flow,
        bytes: Bytes,
        /// How long it has waited for its turn.
        waited: Duration,
    },
    /// `transport` could not deliver to `remote`, or the connection is closed.
    Unreachable {
        transport: Transport,
        remote: SocketAddr,
        connection: Option<ConnectionId>,
    },
    Media {
        event: MediaEvent,
    },
    Tape(TapeEvent),
    /// What came of `Output::Http`, once for each.
    HttpDone {
        id: RequestId,
        result: Result<HttpResponse, HttpFailure>,
    },
    /// How the conversation of `BotOrder::Begin` ended, once for each.
    BotDone {
        id: TalkId,
        end: BotEnd,
        figures: BotFigures,
    },
    Ask {
        id: AskId,
        ask: Ask,
    },
    /// A checked configuration takes effect; calls under way keep the flow they began with.
    Configure(Box<World>),
    /// The flows that calls take from now on; calls under way keep theirs.
    Publish(Box<Publication>),
    /// A configuration was refused; for the journal.
    ConfigRefused,
    /// Before anything else: an emergency broadcast was on when the server ended, as the journal says.
    Broadcast {
        started: Box<Happened>,
        heard: u64,
        left: u64,
    },
    /// Before anything else: what the store remembers of callers.
    Profiles(Vec<Kept>),
    /// No new calls; running ones end in their own time.
    Drain,
    /// No new calls, and every running one ends now.
    Stop,
    /// The journal is more than half full, or no longer: new calls are refused meanwhile.
    JournalCrowded(bool),
    /// The disk refuses the journal, and why; `None`: it takes events again.
    JournalFailing(Option<String>),
    /// `next_deadline` has come.
    Time,
}
