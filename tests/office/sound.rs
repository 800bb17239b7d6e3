//! The data plane of an office on a virtual clock: knows who hears what and when a prompt ends; moves no audio.

use std::collections::BTreeMap;
use std::sync::Arc;

use hotline::ids::{CallId, PlayId, StreamId};
use hotline::media::command::{Command, Direction, Session, Source};
use hotline::media::event::{DigitBy, Event, Figures};
use hotline::media::prompts::Library;
use hotline::moment::Moment;

#[derive(Debug)]
pub struct Stream {
    pub port: u16,
    pub session: Option<Session>,
    pub hears: Source,
    pub recorded: Option<CallId>,
}

pub struct Sound {
    library: Arc<Library>,
    pub streams: BTreeMap<StreamId, Stream>,
    /// Prompts under way, by their end.
    plays: BTreeMap<(Moment, StreamId), PlayId>,
    /// What has happened and not been told to the engine.
    events: Vec<Event>,
    /// The worker stands still: what it is told waits.
    pub stuck: bool,
    orders: Vec<Command>,
    /// What every stream that closes is said to have been like.
    pub figures: Figures,
    /// Ports that cannot be bound.
    pub taken: Vec<u16>,
    /// Streams ever opened and closed: equal in the end.
    pub opened: usize,
    pub closed: usize,
}

impl Sound {
    pub fn new(library: Arc<Library>) -> Sound {
        Sound {
            library,
            streams: BTreeMap::new(),
            plays: BTreeMap::new(),
            events: Vec::new(),
            stuck: false,
            orders: Vec::new(),
            figures: Figures::default(),
            taken: Vec::new(),
            opened: 0,
            closed: 0,
        }
    }

    pub fn command(&mut self, now: Moment, command: Command) {
        match command {
            command if self.stuck => self.orders.push(command),
            Command::Open { stream, port, .. } if self.taken.contains(&port) => {
                self.events.push(Event::OpenFailed { stream, port, errno: 98 });
            }
            Command::Open { stream, port, .. } => {
                self.opened += 1;
                let fresh = Stream { port, session: None, hears: Source::Silence, recorded: None };
                assert!(self.streams.insert(stream, fresh).is_none(), "{stream:?} opened twice");
                let same = self.streams.values().filter(|stream| stream.port == port).count();
                assert_eq!(same, 1, "port {port} is leased twice");
                self.events.push(Event::Opened { stream });
            }
            Command::Join { stream, port, .. } => {
                self.opened += 1;
                let fresh = Stream { port, session: None, hears: Source::Silence, recorded: None };
                assert!(self.streams.insert(stream, fresh).is_none(), "{stream:?} opened twice");
                self.events.push(Event::Opened { stream });
            }
            Command::Connect { stream, session } => {
                if self.is_crossed(stream, &session) {
                    self.events.push(Event::Crossed { stream });
                }
                if let Some(stream) = self.streams.get_mut(&stream) {
                    stream.session = Some(session);
                }
            }
            Command::Hear { stream, source } => self.hear(now, stream, source),
            Command::Record { stream, call } => {
                if let Some(stream) = self.streams.get_mut(&stream) {
                    stream.recorded = Some(call);
                }
            }
            Command::StopRecording { stream } => {
                if let Some(stream) = self.streams.get_mut(&stream) {
                    stream.recorded = None;
                }
            }
            Command::Close { stream } => {
                self.plays.retain(|(_, playing), _| *playing != stream);
                if self.streams.remove(&stream).is_some() {
                    self.closed += 1;
                    self.events.push(Event::Closed { stream, figures: Box::new(self.figures) });
                }
            }
            Command::Converse { .. } => unreachable!("lines are made by the edge, which no office has"),
            Command::Prompts(library) => self.library = library,
        }
    }

    /// Another stream at the same port has the same far end.
    fn is_crossed(&self, stream: StreamId, session: &Session) -> bool {
        let port = self.streams.get(&stream).map(|stream| stream.port);
        self.streams.iter().any(|(id, other)| {
            let far_end = other.session.as_ref().map(|session| session.remote);
            *id != stream && Some(other.port) == port && far_end == Some(session.remote)
        })
    }

    /// The worker does all that it was told while it was stuck.
    pub fn goes_on(&mut self, now: Moment) {
        self.stuck = false;
        for command in std::mem::take(&mut self.orders) {
            self.command(now, command);
        }
    }

    fn hear(&mut self, now: Moment, stream: StreamId, source: Source) {
        self.plays.retain(|(_, playing), _| *playing != stream);
        if let Source::Prompts { play, prompts } = &source {
            let end = prompts.iter().fold(now, |at, prompt| at + self.library.duration(*prompt));
            self.plays.insert((end, stream), *play);
        }
        if let Some(stream) = self.streams.get_mut(&stream) {
            stream.hears = source;
        }
    }

    /// The caller presses a key on the phone that talks to our `port`.
    pub fn press(&mut self, port: u16, symbol: char) {
        let found = self.streams.iter().find(|(_, stream)| stream.port == port);
        if let Some((stream, _)) = found {
            self.events.push(Event::Digit { stream: *stream, symbol, by: DigitBy::Event });
        }
    }

    pub fn next(&self, now: Moment) -> Option<Moment> {
        if self.events.is_empty() { self.plays.first_key_value().map(|((at, _), _)| *at) } else { Some(now) }
    }

    pub fn events(&mut self, now: Moment) -> Vec<Event> {
        while let Some(entry) = self.plays.first_entry() {
            let (at, stream) = *entry.key();
            if at > now {
                break;
            }
            let play = entry.remove();
            if let Some(known) = self.streams.get_mut(&stream) {
                known.hears = Source::Silence;
            }
            self.events.push(Event::Played { stream, play });
        }
        std::mem::take(&mut self.events)
    }

    /// Whether the stream at `port` lets its far end hear `other`'s.
    pub fn hears_peer(&self, port: u16, other: u16) -> bool {
        let Some(stream) = self.at(port) else {
            return false;
        };
        let sends = stream
            .session
            .as_ref()
            .is_some_and(|s| matches!(s.direction, Direction::SendRecv | Direction::SendOnly));
        let peer = self.streams.iter().find(|(_, stream)| stream.port == other).map(|(id, _)| *id);
        sends && matches!(stream.hears, Source::Peer { stream, .. } if Some(stream) == peer)
    }

    pub fn at(&self, port: u16) -> Option<&Stream> {
        self.streams.values().find(|stream| stream.port == port)
    }

    /// Whether the far end of the stream at `port` hears one of `prompts` now.
    pub fn hears_any(&self, port: u16, wanted: &[hotline::media::prompts::PromptId]) -> bool {
        match self.at(port).map(|stream| &stream.hears) {
            Some(Source::Prompts { prompts, .. }) => prompts.iter().any(|prompt| wanted.contains(prompt)),
            Some(Source::Loop(prompt)) => wanted.contains(prompt),
            _ => false,
        }
    }
}
