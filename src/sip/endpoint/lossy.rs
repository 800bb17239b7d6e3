//! Two endpoints and a network that loses, doubles and reorders: whatever it does, each request ends
//! once at its client and nothing stays behind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::sip::message::Method;
use crate::sip::transport::Transport;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Caller,
    Callee,
}

#[derive(Debug)]
enum Event {
    Arrives(Side, Bytes),
    Answers { tx: ServerTx, request: Box<Request>, status: u16 },
    Cancels(ClientTx),
}

/// What the two do, where chance is not to choose.
#[derive(Clone, Copy, Debug)]
struct Script {
    method: &'static str,
    status: u16,
    /// After this many ms.
    cancel: Option<u64>,
}

/// What befalls the first message that begins with these words and holds that CSeq method.
#[derive(Clone, Copy, Debug)]
struct Mishap {
    line: &'static str,
    cseq: &'static str,
    /// 0: it is lost. 2: it is doubled.
    copies: usize,
}

/// How a request ended at its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Status(u16),
    Failed,
}

struct World {
    seed: u64,
    rng: Rng,
    now: Moment,
    caller: Endpoint,
    callee: Endpoint,
    agenda: BTreeMap<(Moment, u64), Event>,
    serial: u64,
    loss_percent: u64,
    double_percent: u64,
    ends: BTreeMap<ClientTx, Vec<End>>,
    seen: BTreeSet<Vec<u8>>,
    answered: BTreeSet<ServerTx>,
    invites: BTreeMap<ServerTx, Box<Request>>,
    cancelled: BTreeSet<ServerTx>,
    acks: usize,
    script: Option<Script>,
    mishap: Option<Mishap>,
}

fn flow(side: Side) -> Flow {
    let (caller, callee) = (([192, 0, 2, 1], 5060).into(), ([192, 0, 2, 2], 5060).into());
    let (local, remote) = match side {
        Side::Caller => (caller, callee),
        Side::Callee => (callee, caller),
    };
    Flow { transport: Transport::Udp, local, remote, connection: None }
}

fn request(method: &str, call: u64) -> Request {
    let text = format!(
        "{method} sip:95500@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nFrom: <sip:c@192.0.2.1>;tag=f\r\n\
         To: <sip:95500@192.0.2.2>\r\nCall-ID: {call}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    );
    match parse::parse(&Bytes::from(text)) {
        Ok(Message::Request(mut request)) => {
            request.headers.remove(&HeaderName::Via);
            request
        }
        other => panic!("not a request: {other:?}"),
    }
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = Rng::seeded(seed);
        World {
            seed,
            now: Moment::from_micros(1_000_000),
            caller: Endpoint::new("caller", rng.fork()),
            callee: Endpoint::new("callee", rng.fork()),
            agenda: BTreeMap::new(),
            serial: 0,
            loss_percent: rng.below(70),
            double_percent: rng.below(30),
            rng,
            ends: BTreeMap::new(),
            seen: BTreeSet::new(),
            answered: BTreeSet::new(),
            invites: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            acks: 0,
            script: None,
            mishap: None,
        }
    }

    fn later(&mut self, millis: u64, event: Event) {
        self.serial += 1;
        self.agenda.insert((self.now + Duration::from_millis(millis), self.serial), event);
    }

    fn call(&mut self, number: u64) {
        let method = if self.rng.below(4) == 0 { "OPTIONS" } else { "INVITE" };
        let tx = self.caller.request(self.now, request(method, number), flow(Side::Caller));
        self.ends.insert(tx, Vec::new());
        if method == "INVITE" && self.rng.below(3) == 0 {
            let after = self.rng.below(3_000);
            self.later(after, Event::Cancels(tx));
        }
    }

    /// One request over a network without chance, but for `mishap`.
    fn play(script: Script, mishap: Option<Mishap>) -> World {
        let mut world = World::new(1);
        (world.loss_percent, world.double_percent) = (0, 0);
        (world.script, world.mishap) = (Some(script), mishap);
        let tx = world.caller.request(world.now, request(script.method, 1), flow(Side::Caller));
        world.ends.insert(tx, Vec::new());
        if let Some(after) = script.cancel {
            world.later(after, Event::Cancels(tx));
        }
        world.run();
        world
    }

    fn send(&mut self, to: Side, bytes: Bytes) {
        let text = String::from_utf8_lossy(&bytes);
        let mishap = self.mishap.take_if(|m| text.starts_with(m.line) && text.contains(m.cseq));
        let copies = match self.rng.below(100) {
            _ if mishap.is_some() => mishap.map_or(1, |m| m.copies) as u64,
            roll if roll < self.loss_percent => 0,
            roll if roll >= 100 - self.double_percent => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let delay = if self.script.is_some() { 20 } else { self.rng.below(800) };
            self.later(delay, Event::Arrives(to, bytes.clone()));
        }
    }

    fn drain(&mut self) {
        while let Some(happening) = self.caller.poll() {
            self.caller_hears(happening);
        }
        while let Some(happening) = self.callee.poll() {
            self.callee_hears(happening);
        }
    }

    fn caller_hears(&mut self, happening: Happening) {
        let seed = self.seed;
        match happening {
            Happening::Transmit { bytes, .. } => self.send(Side::Callee, bytes),
            Happening::Response { response, .. } if response.is_provisional() => {}
            Happening::Response { tx, response, .. } => {
                let ends = self.ends.get_mut(&tx).expect("responses are to our requests");
                let invite = response.headers.cseq().expect("it was parsed").method == Method::Invite;
                let copy = response.is_success() && invite && ends.contains(&End::Status(response.status));
                assert!(ends.is_empty() || copy, "seed {seed}: {ends:?} then {}", response.status);
                ends.push(End::Status(response.status));
                if invite && response.is_success() {
                    let ack = request("ACK", tx.0);
                    self.caller.send_ack(self.now, with_call_of(ack, &response), flow(Side::Caller));
                }
            }
            Happening::Failed { tx, .. } => {
                let ends = self.ends.get_mut(&tx).expect("failures are of our requests");
                assert!(ends.is_empty(), "seed {seed}: {ends:?} then failed");
                ends.push(End::Failed);
            }
            other => panic!("seed {seed}: a caller does not hear {other:?}"),
        }
    }

    fn callee_hears(&mut self, happening: Happening) {
        let seed = self.seed;
        match happening {
            Happening::Transmit { bytes, .. } => self.send(Side::Caller, bytes),
            Happening::Request { tx, request, .. } => {
                let request = Box::new(request);
                if request.method == Method::Invite {
                    self.invites.insert(tx, request.clone());
                }
                if let Some(script) = self.script {
                    if request.method == Method::Invite {
                        self.later(100, Event::Answers { tx, request: request.clone(), status: 180 });
                    }
                    return self.later(1_000, Event::Answers { tx, request, status: script.status });
                }
                if request.method == Method::Invite && self.rng.below(2) == 0 {
                    let ring = Event::Answers { tx, request: request.clone(), status: 180 };
                    let after = self.rng.below(500);
                    self.later(after, ring);
                }
                let status = if self.rng.below(2) == 0 { 200 } else { 486 };
                let after = self.rng.below(5_000);
                self.later(after, Event::Answers { tx, request, status });
            }
            Happening::Cancelled { tx } => {
                assert!(self.cancelled.insert(tx), "seed {seed}: cancelled twice");
                assert!(!self.answered.contains(&tx), "seed {seed}: cancelled after the answer");
                let request = self.invites[&tx].clone();
                self.later(0, Event::Answers { tx, request, status: 487 });
            }
            Happening::Ack { request, .. } => {
                self.acks += 1;
                let call = request.headers.call_id().expect("it was parsed").to_owned();
                let of_call = |r: &Request| r.headers.call_id() == Ok(call.as_str());
                let found: Vec<_> =
                    self.invites.iter().filter(|(_, r)| of_call(r)).map(|(tx, _)| *tx).collect();
                found.into_iter().for_each(|tx| self.callee.acked(self.now, tx));
            }
            Happening::NeverAcked { tx } => {
                assert!(self.answered.contains(&tx), "seed {seed}: only answers wait for an ACK");
            }
            other => panic!("seed {seed}: a callee does not hear {other:?}"),
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrives(Side::Caller, bytes) => {
                self.seen.insert(bytes.to_vec());
                self.caller.receive(self.now, flow(Side::Caller), bytes);
            }
            Event::Arrives(Side::Callee, bytes) => self.callee.receive(self.now, flow(Side::Callee), bytes),
            Event::Answers { tx, request, status } => {
                if status < 200 || self.answered.insert(tx) {
                    self.callee.respond(self.now, tx, request.response(status).with_to_tag("t"));
                }
            }
            Event::Cancels(tx) => self.caller.cancel(self.now, tx),
        }
    }

    /// Runs until nothing is under way any more.
    fn run(&mut self) {
        self.drain();
        for _ in 0..100_000 {
            let next = self.agenda.first_key_value().map(|(key, _)| key.0);
            let times = [next, self.caller.next_deadline(), self.callee.next_deadline()];
            let Some(at) = times.into_iter().flatten().min() else { return };
            self.now = at.max(self.now);
            self.caller.handle_time(self.now);
            self.callee.handle_time(self.now);
            if let Some(entry) = self.agenda.first_entry()
                && entry.key().0 <= self.now
            {
                let event = entry.remove();
                self.happens(event);
            }
            self.drain();
        }
        panic!("seed {}: it never ends", self.seed);
    }
}

/// The ACK of a 2xx, in the dialog that the response made.
fn with_call_of(mut ack: Request, response: &Response) -> Request {
    for name in [HeaderName::CallId, HeaderName::To] {
        let value = response.headers.get(&name).cloned().unwrap_or_default();
        ack.headers.set(name, value);
    }
    ack
}

#[test]
fn each_request_ends_once_and_both_tables_empty_whatever_the_network_does() {
    let mut failed = 0;
    let mut answered = BTreeSet::new();
    for seed in 0..500 {
        let mut world = World::new(seed);
        (0..3).for_each(|number| world.call(number));
        world.run();
        for (tx, ends) in &world.ends {
            assert!(!ends.is_empty(), "seed {seed}: {tx:?} never ended");
            match ends[0] {
                End::Failed => failed += 1,
                end => {
                    answered.insert(end);
                }
            }
        }
        assert!(world.caller.tables.is_clean() && world.callee.tables.is_clean(), "seed {seed}");
    }
    assert_eq!(answered, [200, 486, 487].map(End::Status).into());
    assert!(failed > 0, "the network is bad enough to lose a request for good");
}

#[test]
fn losing_or_doubling_any_one_message_changes_no_outcome() {
    let answered = Script { method: "INVITE", status: 200, cancel: None };
    let refused = Script { method: "INVITE", status: 486, cancel: None };
    let cancelled = Script { method: "INVITE", status: 200, cancel: Some(500) };
    let asked = Script { method: "OPTIONS", status: 200, cancel: None };
    let plays = [
        (answered, 200, "INVITE ", "1 INVITE"),
        (answered, 200, "SIP/2.0 100", "1 INVITE"),
        (answered, 200, "SIP/2.0 180", "1 INVITE"),
        (answered, 200, "SIP/2.0 200", "1 INVITE"),
        (answered, 200, "ACK ", "1 ACK"),
        (refused, 486, "SIP/2.0 486", "1 INVITE"),
        (refused, 486, "ACK ", "1 ACK"),
        (cancelled, 487, "CANCEL ", "1 CANCEL"),
        (cancelled, 487, "SIP/2.0 200", "1 CANCEL"),
        (cancelled, 487, "SIP/2.0 487", "1 INVITE"),
        (cancelled, 487, "ACK ", "1 ACK"),
        (asked, 200, "OPTIONS ", "1 OPTIONS"),
        (asked, 200, "SIP/2.0 200", "1 OPTIONS"),
    ];
    for (mut script, status, line, cseq) in plays {
        // Time for the CANCEL to be sent again before the answer.
        script.cancel = script.cancel.map(|_| 200);
        for copies in [0, 2] {
            let world = World::play(script, Some(Mishap { line, cseq, copies }));
            let name = format!("{line}of {cseq} times {copies}");
            assert!(world.mishap.is_none(), "{name}: nothing like it was sent");
            let ends: Vec<_> = world.ends.values().flatten().copied().collect();
            assert_eq!(ends.first(), Some(&End::Status(status)), "{name}");
            assert_eq!(world.acks > 0, status == 200 && script.method == "INVITE", "{name}");
            assert!(world.caller.tables.is_clean() && world.callee.tables.is_clean(), "{name}");
        }
    }
}

#[test]
fn a_cancel_that_crosses_the_200_leaves_the_call_answered() {
    let script = Script { method: "INVITE", status: 200, cancel: Some(1_030) };
    let world = World::play(script, None);
    assert_eq!(world.ends.values().next(), Some(&vec![End::Status(200)]));
    assert!(world.cancelled.is_empty() && world.acks == 1);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let runs = [7, 7, 8].map(|seed| {
        let mut world = World::new(seed);
        world.call(1);
        world.run();
        world.seen
    });
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}
