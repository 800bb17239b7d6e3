//! A program that bridges calls, with the fleet around it: started, filled to a number of calls, measured.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hotline::ids::LegId;

use super::Wish;
use crate::load::audio::{Path, Phone, Side};
use crate::load::figures::{Run, millis};
use crate::load::fleet::{Fleet, Stage};
use crate::load::forwarder::{Forwarder, Kind};
use crate::load::process::{self, Usage};
use crate::load::rtpengine::Rtpengine;
use crate::load::server::{self, DESK, Plan, Scratch, Server, Tapes};
use crate::load::window::Window;

/// Time for reports and the like of the set-up to end.
const SETTLE: Duration = Duration::from_millis(1_500);

/// How long after a window's end its last packets are waited for.
const DRAIN: Duration = Duration::from_millis(300);

/// A run beside others that took so much of the server's processor says nothing.
pub const OTHERS_PERCENT: f64 = 2.0;

/// How long calls may take to be all up after the last was dialled.
const PATIENCE: Duration = Duration::from_secs(15);

/// How our server is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Relay and nothing else.
    Plain,
    /// The same, callers' streams on the trunk's shared sockets.
    Shared,
    /// Every call on a sealed tape.
    Sealed,
    /// All audio protected by SRTP.
    Secure,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Hotline(Manner),
    Forwarder(Kind),
    /// With so many threads; `None` as Debian's package sets it.
    Rtpengine(Option<u32>),
    /// Any server that bridges a call to `number` with a phone at our own address.
    Elsewhere {
        at: SocketAddr,
        number: String,
    },
}

impl Subject {
    pub fn name(&self) -> &'static str {
        match self {
            Subject::Hotline(Manner::Plain) => "hotline",
            Subject::Hotline(Manner::Shared) => "hotline, shared sockets for callers",
            Subject::Hotline(Manner::Sealed) => "hotline, recorded and sealed",
            Subject::Hotline(Manner::Secure) => "hotline, SRTP",
            Subject::Forwarder(kind) => kind.name(),
            Subject::Rtpengine(None) => "rtpengine",
            Subject::Rtpengine(Some(_)) => "rtpengine, one thread",
            Subject::Elsewhere { .. } => "the other server",
        }
    }
}

enum Under {
    Hotline { server: Box<Server>, plan: Plan, scratch: Scratch },
    Forwarder(Forwarder),
    Rtpengine(Rtpengine),
    Elsewhere { number: String },
}

/// A program under calls.
pub struct Bridge {
    subject: Subject,
    under: Under,
    pub fleet: Fleet,
    /// Calls so far: their callers.
    phones: Vec<Phone>,
    pub legs: Vec<LegId>,
    empty: Usage,
    rate: u64,
}

impl Bridge {
    /// Starts `subject`, ready for `most` calls.
    pub fn start(subject: &Subject, most: usize, wish: &Wish) -> io::Result<Bridge> {
        let host = server::own_host();
        let mut bridge = match subject {
            Subject::Hotline(manner) => Bridge::hotline(*manner, most, wish)?,
            Subject::Forwarder(kind) => {
                let fleet = Fleet::new(host, (host, 5_060).into())?;
                let [callers, agents] = [Side::Caller, Side::Agent].map(|side| fleet.audio.first(side));
                let forwarder = Forwarder::start(*kind, host, most, callers, agents)?;
                Bridge::of(subject, Under::Forwarder(forwarder), fleet)
            }
            Subject::Rtpengine(threads) => {
                let [port] = server::free_ports(host)?;
                let fleet = Fleet::new(host, (host, 5_060).into())?;
                Bridge::of(subject, Under::Rtpengine(Rtpengine::start(host, port, *threads)?), fleet)
            }
            Subject::Elsewhere { at, number } => {
                let fleet = Fleet::new(Ipv4Addr::LOCALHOST, *at)?;
                eprintln!("phones answer at {}", fleet.sip());
                Bridge::of(subject, Under::Elsewhere { number: number.clone() }, fleet)
            }
        };
        bridge.rate = wish.rate;
        bridge.fleet.busy = true;
        bridge.empty = bridge.usage();
        Ok(bridge)
    }

    fn of(subject: &Subject, under: Under, fleet: Fleet) -> Bridge {
        let (phones, legs) = (Vec::new(), Vec::new());
        Bridge { subject: subject.clone(), under, fleet, phones, legs, empty: Usage::default(), rate: 100 }
    }

    fn hotline(manner: Manner, most: usize, wish: &Wish) -> io::Result<Bridge> {
        let scratch = Scratch::new("bench")?;
        let tapes = if manner == Manner::Sealed { Tapes::Sealed } else { Tapes::None };
        let plan = Plan::bench(&scratch.path().join("data"), most, tapes)?;
        let plan = Plan {
            rate: wish.limit,
            shared: manner == Manner::Shared,
            secure: manner == Manner::Secure,
            ..plan
        };
        let config = plan.write(scratch.path())?;
        let server = started(&plan, &config)?;
        let mut fleet = Fleet::new(plan.host, plan.sip())?;
        fleet.secure = plan.secure;
        register(&mut fleet, &plan)?;
        let under = Under::Hotline { server: Box::new(server), plan, scratch };
        Ok(Bridge::of(&Subject::Hotline(manner), under, fleet))
    }

    pub fn pid(&self) -> Option<u32> {
        match &self.under {
            Under::Hotline { server, .. } => Some(server.pid()),
            Under::Forwarder(forwarder) => Some(forwarder.pid()),
            Under::Rtpengine(engine) => Some(engine.pid()),
            Under::Elsewhere { .. } => None,
        }
    }

    fn usage(&self) -> Usage {
        self.pid().map(process::usage).unwrap_or_default()
    }

    /// Where the server keeps its data, if it is ours.
    pub fn plan(&self) -> Option<(&Plan, &Scratch)> {
        match &self.under {
            Under::Hotline { plan, scratch, .. } => Some((plan, scratch)),
            _ => None,
        }
    }

    /// More calls at the stated rate, until there are `calls` whose callers hear agents.
    pub fn grow(&mut self, calls: usize) -> io::Result<()> {
        self.dial(calls)?;
        let legs = std::mem::take(&mut self.legs);
        let all = self.fleet.run_until(PATIENCE, |fleet| legs.iter().all(|leg| fleet.hears_voice(*leg)));
        let talking = legs.iter().filter(|leg| self.fleet.hears_voice(**leg)).count();
        self.legs = legs;
        if all { Ok(()) } else { Err(io::Error::other(format!("only {talking} of {calls} hear an agent"))) }
    }

    /// The same where what is heard cannot be told: until as many agents have picked up.
    pub fn grow_unheard(&mut self, calls: usize) -> io::Result<()> {
        self.dial(calls)?;
        let all = self.fleet.run_until(PATIENCE, |fleet| fleet.talking(true) == calls);
        let talking = self.fleet.talking(true);
        if all { Ok(()) } else { Err(io::Error::other(format!("only {talking} of {calls} agents talk"))) }
    }

    fn dial(&mut self, calls: usize) -> io::Result<()> {
        let pause = Duration::from_micros(1_000_000 / self.rate);
        for call in self.calls()..calls {
            match &mut self.under {
                Under::Hotline { .. } => {
                    self.legs.push(self.fleet.dials(&format!("138{call:08}"), DESK)?);
                }
                Under::Elsewhere { number } => {
                    let number = number.clone();
                    self.legs.push(self.fleet.dials(&format!("138{call:08}"), &number)?);
                }
                Under::Forwarder(forwarder) => {
                    let ends = forwarder.ends(call);
                    self.pair(|_, _| Ok(ends))?;
                }
                Under::Rtpengine(_) => self.pair(|under, phones| match under {
                    Under::Rtpengine(engine) => engine.bridges(call, phones.0, phones.1),
                    _ => Err(io::ErrorKind::Unsupported.into()),
                })?,
            }
            self.fleet.run(pause);
        }
        Ok(())
    }

    /// Calls dialled so far.
    pub fn calls(&self) -> usize {
        self.legs.len() + self.phones.len()
    }

    fn pair(
        &mut self,
        ends: impl FnOnce(
            &mut Under,
            (std::net::SocketAddrV4, std::net::SocketAddrV4),
        ) -> io::Result<(std::net::SocketAddrV4, std::net::SocketAddrV4)>,
    ) -> io::Result<()> {
        let ssrc = self.phones.len() as u32;
        let audio = &mut self.fleet.audio;
        let caller = audio.open(Side::Caller, 0x1000_0000 + ssrc);
        let agent = audio.open(Side::Agent, 0x2000_0000 + ssrc);
        let (for_caller, for_agent) = ends(&mut self.under, (audio.address(caller), audio.address(agent)))?;
        audio.connect(caller, Path::plain(for_caller));
        audio.connect(agent, Path::plain(for_agent));
        self.phones.push(caller);
        Ok(())
    }

    /// One window of `time` over the calls there are.
    pub fn measure(&mut self, time: Duration) -> Run {
        self.fleet.run(SETTLE);
        process::hurry(true);
        let (before, drops) = (self.usage(), process::all_udp_drops());
        let worked = process::worked();
        self.fleet.open_window();
        let began = self.fleet.now();
        self.fleet.run(time);
        self.fleet.close_window();
        let seconds = self.fleet.now().since(began).as_secs_f64();
        let worked = process::worked() - worked;
        let (after, dropped) = (self.usage(), process::all_udp_drops() - drops);
        self.fleet.run(DRAIN);
        let calls = self.calls();
        let mut run = Run::new(self.subject.name(), calls);
        if !self.legs.is_empty() {
            let up = self.fleet.talking(false);
            let failed = self.fleet.callers().filter(|(_, talk)| talk.stage != Stage::Talking).count();
            run.put("established", "calls established", "", up as f64);
            run.put("failed", "calls failed", "", failed as f64);
            let setup = &self.fleet.seen.setup;
            run.put("setup_p50_ms", "INVITE to 200, p50", "ms", millis(setup.value_at_quantile(0.5)));
            run.put("setup_p99_ms", "INVITE to 200, p99", "ms", millis(setup.value_at_quantile(0.99)));
        }
        if self.pid().is_some() {
            cost(
                &mut run,
                after.since(before),
                self.empty,
                seconds,
                calls,
                self.fleet.window().packets_received(),
            );
        }
        heard(&mut run, &self.fleet);
        if self.pid().is_some() {
            let others = (worked - (after.busy - before.busy)).max(0.0) * 100.0 / seconds;
            run.put("others_percent", "other programs on the server's processor", "% of a core", others);
            run.valid &= others < OTHERS_PERCENT;
        }
        run.put("drops", "dropped by the kernel for a full socket", "", dropped as f64);
        run
    }

    /// Everybody hangs up and the server ends, so that its tapes are whole.
    pub fn end(mut self) -> io::Result<Option<(Plan, Scratch)>> {
        let legs = std::mem::take(&mut self.legs);
        for leg in legs {
            self.fleet.hangs_up(leg);
            self.fleet.run(Duration::from_micros(500));
        }
        self.fleet.run(Duration::from_millis(1_500));
        let Under::Hotline { mut server, plan, scratch } = self.under else { return Ok(None) };
        server.signal(nix::sys::signal::Signal::SIGTERM);
        server.ended()?;
        Ok(Some((plan, scratch)))
    }
}

/// A server that is ready, alone on its processor; the generator is on the other.
pub fn started(plan: &Plan, config: &std::path::Path) -> io::Result<Server> {
    let mut server = Server::serve(plan, config, Some(process::SERVER_CPU))?;
    process::pin_self(process::LOAD_CPU)?;
    if server.says("ready") {
        process::wait_until_calm(server.pid());
        process::hurry(true);
        Ok(server)
    } else {
        Err(io::Error::other(format!("the server did not start: {:?}", server.said)))
    }
}

pub fn register(fleet: &mut Fleet, plan: &Plan) -> io::Result<()> {
    for name in plan.agent_names() {
        fleet.registers(&name, &format!("load-{name}"));
        fleet.run(Duration::from_millis(2));
    }
    let all = fleet.run_until(PATIENCE, |fleet| fleet.registered() == plan.agents);
    if all { Ok(()) } else { Err(io::Error::other(format!("{} agents registered", fleet.registered()))) }
}

/// What the server used. `packets`: those it passed on.
pub fn cost(run: &mut Run, used: Usage, empty: Usage, seconds: f64, calls: usize, packets: u64) {
    let per_hundred = |part: f64| part * 100.0 / seconds * 100.0 / calls.max(1) as f64;
    // The kernel samples the split, and knows the sum exactly.
    let sampled = (used.user + used.system).max(1e-9);
    run.put("cpu_percent", "server's processor", "% of a core", used.busy * 100.0 / seconds);
    run.put("cpu_per_100_calls", "per 100 calls", "% of a core", per_hundred(used.busy));
    run.put(
        "cpu_user_per_100_calls",
        "of that user",
        "% of a core",
        per_hundred(used.busy) * used.user / sampled,
    );
    run.put(
        "cpu_system_per_100_calls",
        "of that system",
        "% of a core",
        per_hundred(used.busy) * used.system / sampled,
    );
    run.put("micros_per_packet", "per packet in and out", "µs", used.busy * 1e6 / packets.max(1) as f64);
    run.put("rss_kib", "resident memory", "KiB", used.rss_kib as f64);
    let each = used.rss_kib.saturating_sub(empty.rss_kib) as f64 / calls.max(1) as f64;
    run.put("rss_per_call_kib", "per call, above the empty server", "KiB", each);
}

/// How the generator did: a run in which it was late says nothing about the server.
pub fn kept_time(run: &mut Run, window: &Window) {
    let late = millis(window.late.value_at_quantile(0.99));
    run.put("late_p99_ms", "generator's own lateness, p99", "ms", late);
    run.put("late_max_ms", "generator's own lateness, max", "ms", millis(window.late.max()));
    run.put("late_percent", "its packets over 2 ms late", "%", window.late_percent());
    run.valid = window.is_valid();
}

/// How the generator did, and what the phones heard; of speech nothing can be told.
pub fn heard(run: &mut Run, fleet: &Fleet) {
    let window = fleet.window();
    kept_time(run, window);
    if fleet.audio.speech.is_some() {
        return;
    }
    run.put("sent", "RTP packets sent", "", window.packets_sent() as f64);
    run.put("received", "RTP packets received", "", window.packets_received() as f64);
    run.put("loss_percent", "RTP loss", "%", window.loss_percent());
    run.put("misordered", "out of order", "", window.misordered as f64);
    run.put("spoiled", "not as they were sent", "", window.spoiled as f64);
    let latency = |share| millis(window.latency.value_at_quantile(share));
    run.put("latency_p50_ms", "one-way latency, p50", "ms", latency(0.5));
    run.put("latency_p90_ms", "one-way latency, p90", "ms", latency(0.9));
    run.put("latency_p99_ms", "one-way latency, p99", "ms", latency(0.99));
    run.put("latency_p99_9_ms", "one-way latency, p99.9", "ms", latency(0.999));
    run.put("latency_max_ms", "one-way latency, max", "ms", millis(window.latency.max()));
    run.put("jitter_p50_ms", "jitter of a phone, p50", "ms", millis(window.jitter.value_at_quantile(0.5)));
    run.put("jitter_p99_ms", "jitter of a phone, p99", "ms", millis(window.jitter.value_at_quantile(0.99)));
}
