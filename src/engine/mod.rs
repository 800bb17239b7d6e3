//! The control plane: one thread, no IO, no clock, deterministic.
//!
//! `handle(now, input)`, then drain `poll_output`; come back at `next_deadline` with `Input::Time`.
//! This file owns the order in which the parts are heard; what each happening means is in
//! `admission` (may this call in?), `registration`, `arrival` (the way to the answer), `customer` (the stages of a call), `waiting` (what callers in a queue hear and press),
//! `offers` (agents' phones), `assist` (secrets typed during a talk), `messages` (what callers leave behind), `negotiation` (audio of a leg under way), `http` (what flows ask of hosts),
//! `bot` (callers who talk with bots), `releases` (which flows calls take), `emergency` (the broadcast), `profiles` (what is remembered of callers), `service` (star codes),
//! `staff` (the API's wishes), `quality` (what legs sound like).

mod admission;
mod arrival;
mod assist;
pub mod bot;
pub mod canary;
mod customer;
pub mod emergency;
pub mod happened;
mod http;
pub mod input;
pub mod limits;
mod messages;
mod negotiation;
mod noting;
mod offers;
pub mod output;
mod pressure;
mod profiles;
mod quality;
mod registration;
pub mod releases;
mod route;
mod service;
pub mod staff;
pub mod streams;
mod timetable;
pub mod view;
mod waiting;

use std::collections::BTreeMap;

use crate::acd::{self, Acd};
use crate::call::cause::Cause;
use crate::call::customer::Call;
use crate::call::legs::{LegEvent, Legs};
use crate::ids::{AgentId, CallId, LegId};
use crate::media::command::Command;
use crate::media::event::Event as MediaEvent;
use crate::moment::Moment;
use crate::recording::block::Mark;
use crate::recording::recorder::{TapeCommand, TapeEvent};
use crate::rng::Rng;
use crate::sip::digest::{Authenticator, Ha1};
use crate::sip::endpoint::{Endpoint, Happening};
use crate::sip::message::Method;
use crate::sip::registrar::Registrar;

use admission::Gate;
use arrival::Knock;
use bot::Talks;
use emergency::Emergency;
use happened::{Happened, What};
use http::Requests;
use input::{Input, World};
use noting::Noting;
use output::Output;
use pressure::Pressure;
use profiles::Profiles;
use quality::PoorLegs;
use releases::Releases;
use service::Service;
use streams::{Outputs, Owner, Streams};
use timetable::Timetable;

/// Product token of Server and User-Agent.
const PRODUCT: &str = concat!("Hotline/", env!("CARGO_PKG_VERSION"));

/// Whose leg it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Caller(CallId),
    Phone(CallId),
    Service,
}

/// Everything that decides.
#[derive(Debug)]
pub struct Engine {
    world: World,
    secrets: BTreeMap<AgentId, Ha1>,
    rng: Rng,
    endpoint: Endpoint,
    legs: Legs,
    registrar: Registrar,
    authenticator: Authenticator,
    acd: Acd,
    gate: Gate,
    pressure: Pressure,
    refusals: Noting,
    login_failures: Noting,
    streams: Streams,
    /// Calls that are not answered yet.
    knocking: BTreeMap<CallId, Knock>,
    calls: BTreeMap<CallId, Call>,
    services: BTreeMap<LegId, Service>,
    roles: BTreeMap<LegId, Role>,
    timetable: Timetable,
    draining: bool,
    /// The journal is behind.
    crowded: bool,
    last_call: CallId,
    next_play: u64,
    poor: PoorLegs,
    requests: Requests,
    emergency: Emergency,
    releases: Releases,
    talks: Talks,
    profiles: Profiles,
    seq: u64,
    out: Outputs,
}

impl Engine {
    /// `rng`: seeded by the operating system in production, by a number in tests.
    pub fn new(now: Moment, world: World, mut rng: Rng) -> Engine {
        let config = &world.config;
        let mut engine = Engine {
            secrets: admission::secrets(config),
            endpoint: Endpoint::new(PRODUCT, rng.fork()),
            legs: Legs::new(rng.fork()),
            registrar: Registrar::default(),
            authenticator: Authenticator::new(&config.sip.realm, rng.fork()),
            acd: Acd::new(config.queues.clone(), config.agents.clone()),
            gate: Gate::new(now, &config.limits),
            pressure: Pressure::default(),
            refusals: Noting::refusals(now),
            login_failures: Noting::login_failures(now),
            streams: Streams::new(&config.media, &mut rng),
            knocking: BTreeMap::new(),
            calls: BTreeMap::new(),
            services: BTreeMap::new(),
            roles: BTreeMap::new(),
            timetable: Timetable::default(),
            draining: false,
            crowded: false,
            last_call: CallId(0),
            next_play: 1,
            poor: PoorLegs::default(),
            requests: Requests::default(),
            emergency: Emergency::default(),
            releases: Releases::default(),
            talks: Talks::default(),
            profiles: Profiles::default(),
            seq: 0,
            out: Outputs::default(),
            world,
            rng,
        };
        engine.happened(now, None, None, What::ServerStarted { version: env!("CARGO_PKG_VERSION").into() });
        engine
            .out
            .push(Output::Media { worker: None, command: Command::Prompts(engine.world.library.clone()) });
        engine
    }

    /// Takes one thing that happened and everything that follows from it at once.
    pub fn handle(&mut self, now: Moment, input: Input) {
        match input {
            Input::Received { flow, bytes, waited } => self.received(now, flow, bytes, waited),
            Input::Unreachable { transport, remote, connection } => {
                self.unreachable(now, transport, remote, connection);
            }
            Input::Media { event } => self.media(now, event),
            Input::Tape(event) => self.tape(now, event),
            Input::HttpDone { id, result } => self.http_done(now, id, result),
            Input::BotDone { id, end, figures } => self.bot_done(now, id, end, figures),
            Input::Ask { id, ask } => self.answer(now, id, ask),
            Input::Configure(world) => self.configure(now, *world),
            Input::Publish(publication) => self.publish(now, *publication),
            Input::ConfigRefused => self.happened(now, None, None, What::ConfigRefused),
            Input::Broadcast { started, heard, left } => self.resume_broadcast(now, *started, heard, left),
            Input::Profiles(kept) => self.resume_profiles(now, kept),
            Input::Drain => self.drain(now),
            Input::Stop => self.stop(now),
            Input::JournalCrowded(crowded) => self.crowded = crowded,
            Input::JournalFailing(why) => self.alarm(now, "journal", why),
            Input::Time => self.time(now),
        }
        self.settle(now);
    }

    /// The next thing to be done, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.0.pop_front()
    }

    /// When `Input::Time` is due.
    pub fn next_deadline(&self) -> Option<Moment> {
        [
            self.endpoint.next_deadline(),
            self.legs.next_deadline(),
            self.acd.next_deadline(),
            self.registrar.next_deadline(),
            self.timetable.next(),
            self.streams.next_deadline(),
            self.pressure.next_deadline(),
            self.next_service_end(),
            self.emergency.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether a draining server has nothing left to do.
    pub fn is_idle(&self) -> bool {
        let calls = !self.calls.is_empty()
            || !self.knocking.is_empty()
            || !self.services.is_empty()
            || !self.legs.is_empty();
        // A BYE that was lost must be repeated, or a phone stays in a call with nobody.
        !calls && !self.endpoint.awaits_answers()
    }

    fn time(&mut self, now: Moment) {
        self.endpoint.handle_time(now);
        self.legs.handle_time(now, &mut self.endpoint);
        self.acd.handle(now, acd::Event::Time);
        for change in self.registrar.handle_time(now) {
            self.phone_changed(now, change);
        }
        self.give_up_openings(now);
        while let Some(call) = self.timetable.due(now) {
            self.wake_call(now, call);
        }
        self.end_old_services(now);
        self.end_old_broadcast(now);
        let turn = self.pressure.handle_time(now);
        self.say_pressure(now, turn);
    }

    /// Hears every part out until all are quiet.
    fn settle(&mut self, now: Moment) {
        loop {
            if let Some(happening) = self.endpoint.poll() {
                self.sip(now, happening);
            } else if let Some((leg, event)) = self.legs.poll_event() {
                self.leg(now, leg, event);
            } else if let Some(decision) = self.acd.poll() {
                self.decided(now, decision);
            } else {
                return;
            }
        }
    }

    fn sip(&mut self, now: Moment, happening: Happening) {
        let happening = match happening {
            Happening::Transmit { flow, bytes } => return self.out.push(Output::Transmit { flow, bytes }),
            Happening::Request { tx, request, flow }
                if request.method == Method::Invite && !admission::has_to_tag(&request) =>
            {
                return self.knock(now, tx, request, flow);
            }
            Happening::TurnedAway { request } => return self.turned_away(now, &request),
            other => other,
        };
        if let Some(Happening::Request { tx, request, flow }) =
            self.legs.handle(now, &mut self.endpoint, happening)
        {
            self.out_of_dialog(now, tx, &request, flow);
        }
    }

    fn leg(&mut self, now: Moment, leg: LegId, event: LegEvent) {
        match self.roles.get(&leg).copied() {
            Some(Role::Caller(call)) => self.caller_event(now, call, leg, event),
            Some(Role::Phone(call)) => self.phone_event(now, call, leg, event),
            Some(Role::Service) => self.service_event(now, leg, event),
            // A leg that we hung up; its last word is of no interest.
            None => {}
        }
    }

    fn media(&mut self, now: Moment, event: MediaEvent) {
        match event {
            MediaEvent::Opened { stream } => self.opened(now, stream),
            MediaEvent::OpenFailed { stream, port, errno } => {
                let failed = (stream, port, errno);
                if let Some(owner) = self.streams.open_failed(now, failed, &mut self.rng, &mut self.out) {
                    self.not_opened(now, stream, owner);
                }
            }
            MediaEvent::Digit { stream, symbol, .. } => match self.streams.owner(stream) {
                Owner::Caller(call) => self.digit(now, call, symbol),
                Owner::Phone(call) => self.agents_digit(now, call, stream, symbol),
                Owner::Service(_) | Owner::Nobody => {}
            },
            MediaEvent::Played { stream, play } => match self.streams.owner(stream) {
                Owner::Caller(call) => self.played(now, call, play),
                Owner::Service(leg) => self.service_played(now, leg),
                Owner::Phone(_) | Owner::Nobody => {}
            },
            MediaEvent::Latched { .. } => {}
            MediaEvent::Silent { stream } => self.silent(now, stream),
            MediaEvent::Quality { stream, way, rating, poor } => {
                self.quality(now, stream, way, rating, poor);
            }
            MediaEvent::Closed { stream, figures } => {
                let owner = self.streams.closed(now, stream);
                self.measured(now, stream, owner, &figures);
            }
            MediaEvent::Crossed { stream } => self.crossed(now, stream),
            MediaEvent::Overloaded { worker } => self.worker_overloaded(now, worker, true),
            MediaEvent::Eased { worker } => self.worker_overloaded(now, worker, false),
            MediaEvent::TapeGap { call, frames } => {
                let why = "tape ring full".to_owned();
                let mark = Mark::Gap { why: why.clone(), frames };
                self.out.push(Output::Tape(TapeCommand::Mark { call, at: now, mark }));
                self.happened(now, Some(call), None, What::RecordingGap { why, frames });
            }
        }
    }

    fn tape(&mut self, now: Moment, event: TapeEvent) {
        match event {
            TapeEvent::Failed { call, why } => {
                self.tape_fails(now, call, true);
                self.happened(now, Some(call), None, What::RecordingFailed { why });
            }
            TapeEvent::Recovered { call, frames } => {
                self.tape_fails(now, call, false);
                let why = "disk refused".to_owned();
                self.happened(now, Some(call), None, What::RecordingGap { why, frames });
            }
            TapeEvent::Closed { .. } => {}
            TapeEvent::Failing { why } => self.alarm(now, "recording", Some(why)),
            TapeEvent::AllWell => self.alarm(now, "recording", None),
        }
    }

    /// `text` says what is wrong; without it the alarm is over.
    fn alarm(&mut self, now: Moment, name: &str, text: Option<String>) {
        let name = name.to_owned();
        let what = match text {
            Some(text) => What::Alarm { name, text },
            None => What::AlarmCleared { name },
        };
        self.happened(now, None, None, what);
    }

    fn drain(&mut self, now: Moment) {
        if !std::mem::replace(&mut self.draining, true) {
            self.happened(now, None, None, What::ServerStopping);
        }
    }

    fn stop(&mut self, now: Moment) {
        self.drain(now);
        while let Some(call) = self.knocking.keys().next().copied() {
            self.end_knock(now, call, Cause::ServerStopped, happened::Party::Server);
        }
        while let Some((_, call)) = self.calls.pop_first() {
            self.end_call(now, call, Cause::ServerStopped, happened::Party::Server);
        }
        for leg in self.services.keys().copied().collect::<Vec<_>>() {
            self.legs.hang_up(now, &mut self.endpoint, leg, Cause::ServerStopped);
        }
    }

    fn configure(&mut self, now: Moment, world: World) {
        let config = &world.config;
        if config.sip.realm != self.world.config.sip.realm {
            // Secrets hold for one realm: challenges for the old one could never be answered.
            self.authenticator = Authenticator::new(&config.sip.realm, self.rng.fork());
        }
        self.secrets = admission::secrets(config);
        self.gate.configure(&config.limits);
        let (queues, agents) = (config.queues.clone(), config.agents.clone());
        self.acd.handle(now, acd::Event::Configure { queues, agents });
        // Else one who is hired again would never be seen to appear.
        for change in self.registrar.retain(|agent| config.agents.contains_key(agent)) {
            self.phone_changed(now, change);
        }
        let (flows, agents) = (world.flows.len(), config.agents.len());
        self.happened(now, None, None, What::ConfigLoaded { flows, agents });
        let command = Command::Prompts(world.library.clone());
        self.out.push(Output::Media { worker: None, command });
        self.world = world;
        self.check_broadcast(now);
    }

    /// Writes an entry of the journal.
    fn happened(&mut self, now: Moment, call: Option<CallId>, agent: Option<AgentId>, what: What) {
        self.seq += 1;
        self.out.push(Output::Happened(Happened { seq: self.seq, at: now, call, agent, what }));
    }
}
