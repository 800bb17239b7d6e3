//! Two servers facing each other, or one facing a script, on a virtual clock and a virtual network.

mod calls;
mod early;
mod ends;
mod offers;
mod script;
mod storm;
mod strangers;
mod timers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::call::cause::Cause;
use crate::call::legs::{EndedBy, Invitation, Invite, LegEvent, Legs};
use crate::ids::LegId;
use crate::moment::Moment;
use crate::rng::Rng;
use crate::sip::endpoint::{Endpoint, Happening};
use crate::sip::transport::{Flow, Transport};
use crate::sip::uri::Uri;

/// The server that calls, in the two-sided tests.
const A: usize = 0;
/// The server that is called.
const B: usize = 1;

const OFFER: &[u8] = b"v=0 offer";
const ANSWER: &[u8] = b"v=0 answer";

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn address(node: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, node as u8 + 1], 5060))
}

/// One server: its endpoint, its legs, and what they said.
struct Node {
    endpoint: Endpoint,
    legs: Legs,
    events: Vec<(LegId, LegEvent)>,
    invitations: Vec<Invitation>,
    /// What legs gave back.
    others: Vec<Happening>,
}

struct Packet {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Bytes,
}

/// What the network does to packets, in percent, and its delay.
#[derive(Clone, Copy)]
struct Weather {
    loss: u64,
    copies: u64,
    delay_ms: (u64, u64),
}

const CALM: Weather = Weather { loss: 0, copies: 0, delay_ms: (5, 5) };

struct World {
    now: Moment,
    nodes: Vec<Node>,
    air: BTreeMap<(Moment, u64), Packet>,
    sent: u64,
    rng: Rng,
    weather: Weather,
    /// Packets that begin so are lost, that many times.
    lost: Vec<(String, usize)>,
    /// What went to addresses that are no nodes, and when.
    mail: Vec<(Moment, String)>,
    ladder: Vec<String>,
}

impl World {
    fn new(nodes: usize) -> World {
        World::seeded(nodes, 7, CALM)
    }

    fn seeded(nodes: usize, seed: u64, weather: Weather) -> World {
        let mut rng = Rng::seeded(seed);
        let nodes = (0..nodes)
            .map(|_| Node {
                endpoint: Endpoint::new("hotline", rng.fork()),
                legs: Legs::new(rng.fork()),
                events: Vec::new(),
                invitations: Vec::new(),
                others: Vec::new(),
            })
            .collect();
        World {
            now: Moment::ZERO + secs(1_000_000),
            nodes,
            air: BTreeMap::new(),
            sent: 0,
            rng,
            weather,
            lost: Vec::new(),
            mail: Vec::new(),
            ladder: Vec::new(),
        }
    }

    /// The next `times` packets that begin with `start` never arrive.
    fn lose(&mut self, start: &str, times: usize) {
        self.lost.push((start.into(), times));
    }

    fn drain(&mut self, node: usize) {
        let World { now, nodes, .. } = self;
        let own = &mut nodes[node];
        let mut out = Vec::new();
        while let Some(happening) = own.endpoint.poll() {
            match own.legs.handle(*now, &mut own.endpoint, happening) {
                Some(Happening::Transmit { flow, bytes }) => out.push((flow, bytes)),
                Some(other) => own.others.push(other),
                None => {}
            }
        }
        while let Some(event) = own.legs.poll_event() {
            own.events.push(event);
        }
        while let Some(invitation) = own.legs.poll_invitation() {
            own.invitations.push(invitation);
        }
        for (flow, bytes) in out {
            self.transmit(Packet { from: flow.local, to: flow.remote, bytes });
        }
    }

    fn transmit(&mut self, packet: Packet) {
        let text = String::from_utf8_lossy(&packet.bytes).into_owned();
        let line = text.lines().next().unwrap_or_default();
        let dropped =
            self.lost.iter_mut().find(|(start, times)| *times > 0 && text.starts_with(start.as_str()));
        let fate = match dropped {
            Some((_, times)) => {
                *times -= 1;
                0
            }
            None if self.rng.below(100) < self.weather.loss => 0,
            None if self.rng.below(100) < self.weather.copies => 2,
            None => 1,
        };
        let mark = if fate == 0 { "  LOST" } else { "" };
        self.ladder.push(format!("{:?} {} > {} {line}{mark}", self.now, packet.from, packet.to));
        for _ in 0..fate {
            let (least, most) = self.weather.delay_ms;
            let at = self.now + ms(least + self.rng.below(most - least + 1));
            self.sent += 1;
            let copy = Packet { from: packet.from, to: packet.to, bytes: packet.bytes.clone() };
            self.air.insert((at, self.sent), copy);
        }
    }

    fn deliver(&mut self, packet: Packet) {
        let node = (0..self.nodes.len()).find(|node| address(*node) == packet.to);
        let Some(node) = node else {
            self.mail.push((self.now, String::from_utf8_lossy(&packet.bytes).into_owned()));
            return;
        };
        let flow =
            Flow { transport: Transport::Udp, local: packet.to, remote: packet.from, connection: None };
        self.nodes[node].endpoint.receive(self.now, flow, packet.bytes);
        self.drain(node);
    }

    fn next_moment(&self) -> Option<Moment> {
        let timers = self
            .nodes
            .iter()
            .flat_map(|node| node.endpoint.next_deadline().into_iter().chain(node.legs.next_deadline()));
        timers.chain(self.air.keys().next().map(|(at, _)| *at)).min()
    }

    /// The next packet or timer; `false` if there is none until `end`.
    fn tick(&mut self, end: Moment) -> bool {
        let Some(at) = self.next_moment().filter(|at| *at <= end) else { return false };
        self.now = self.now.max(at);
        while let Some(entry) = self.air.first_entry()
            && entry.key().0 <= self.now
        {
            let packet = entry.remove();
            self.deliver(packet);
        }
        for node in 0..self.nodes.len() {
            let own = &mut self.nodes[node];
            own.endpoint.handle_time(self.now);
            own.legs.handle_time(self.now, &mut own.endpoint);
            self.drain(node);
        }
        true
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        let mut steps = 0;
        while self.tick(end) {
            steps += 1;
            assert!(steps < 200_000, "time stands still:\n{}", self.ladder.join("\n"));
        }
        self.now = end;
    }

    /// Does something with a node's legs and sends what comes of it.
    fn act<T>(&mut self, node: usize, act: impl FnOnce(Moment, &mut Legs, &mut Endpoint) -> T) -> T {
        let own = &mut self.nodes[node];
        let value = act(self.now, &mut own.legs, &mut own.endpoint);
        self.drain(node);
        value
    }

    fn call(&mut self, from: usize, to: SocketAddr) -> LegId {
        let invite = Invite {
            target: Uri::parse(format!("sip:1001@{to}").as_bytes()).expect("a URI"),
            to: Uri::parse(b"sip:1001@bank.example").expect("a URI"),
            from_display: Some("Caf\u{e9} \"Bar\"".into()),
            from: Uri::parse(b"sip:95500@bank.example").expect("a URI"),
            flow: Flow { transport: Transport::Udp, local: address(from), remote: to, connection: None },
            offer: Bytes::from_static(OFFER),
            extra: Vec::new(),
        };
        self.act(from, |now, legs, endpoint| legs.invite(now, endpoint, invite))
    }

    fn ring(&mut self, node: usize, leg: LegId) {
        self.act(node, |now, legs, endpoint| legs.ring(now, endpoint, leg));
    }

    fn progress(&mut self, node: usize, leg: LegId, sdp: &'static [u8]) {
        self.act(node, |now, legs, endpoint| legs.progress(now, endpoint, leg, Bytes::from_static(sdp)));
    }

    fn accept(&mut self, node: usize, leg: LegId, sdp: &'static [u8]) {
        self.act(node, |now, legs, endpoint| legs.accept(now, endpoint, leg, Bytes::from_static(sdp)));
    }

    fn hang_up(&mut self, node: usize, leg: LegId, cause: Cause) {
        self.act(node, |now, legs, endpoint| legs.hang_up(now, endpoint, leg, cause));
    }

    fn offer(&mut self, node: usize, leg: LegId, sdp: &'static [u8]) {
        self.act(node, |now, legs, endpoint| legs.offer(now, endpoint, leg, Bytes::from_static(sdp)));
    }

    fn answer_offer(&mut self, node: usize, leg: LegId, answer: Result<&'static [u8], u16>) {
        let answer = answer.map(Bytes::from_static);
        self.act(node, |now, legs, endpoint| legs.answer_offer(now, endpoint, leg, answer));
    }

    /// A's call to B, until B knows of it.
    fn knock(&mut self) -> (LegId, LegId) {
        let ours = self.call(A, address(B));
        self.run(ms(20));
        (ours, self.invited(B))
    }

    /// A's call to B, answered and confirmed.
    fn talk(&mut self) -> (LegId, LegId) {
        let (ours, theirs) = self.knock();
        self.accept(B, theirs, ANSWER);
        self.run(ms(100));
        assert_eq!(self.events(A, ours), [answered(Some(ANSWER))]);
        assert_eq!(self.events(B, theirs), [LegEvent::Confirmed { answer: None }]);
        (ours, theirs)
    }

    /// The leg of the latest invitation.
    fn invited(&mut self, node: usize) -> LegId {
        self.nodes[node]
            .invitations
            .pop()
            .unwrap_or_else(|| panic!("nobody knocked:\n{}", self.ladder.join("\n")))
            .leg
    }

    /// The events of a leg since this was asked last.
    fn events(&mut self, node: usize, leg: LegId) -> Vec<LegEvent> {
        let all = std::mem::take(&mut self.nodes[node].events);
        let (own, rest) = all.into_iter().partition(|(of, _)| *of == leg);
        self.nodes[node].events = rest;
        let own: Vec<(LegId, LegEvent)> = own;
        own.into_iter().map(|(_, event)| event).collect()
    }

    /// How many packets that begin with `start` were sent so far.
    fn count(&self, from: usize, start: &str) -> usize {
        let sent = format!("{} > ", address(from));
        self.ladder.iter().filter(|line| line.contains(&sent) && line.contains(&format!(" {start}"))).count()
    }

    /// After five minutes nothing may be left of anything.
    fn nothing_is_left(&mut self) {
        self.run(secs(300));
        for (place, node) in self.nodes.iter().enumerate() {
            let held = (node.legs.len(), node.legs.entries(), node.endpoint.transactions());
            assert_eq!(
                held,
                (0, 0, 0),
                "node {place} (legs, entries, transactions):\n{}",
                self.ladder.join("\n")
            );
        }
    }
}

fn answered(answer: Option<&'static [u8]>) -> LegEvent {
    LegEvent::Answered { answer: answer.map(Bytes::from_static) }
}

fn ended(cause: Cause, by: EndedBy) -> LegEvent {
    LegEvent::Ended { cause, by, status: None }
}

fn refused(cause: Cause, status: u16) -> LegEvent {
    LegEvent::Ended { cause, by: EndedBy::Peer, status: Some(status) }
}
