//! Conferences of three on one media worker, in this process: each party hears the other two, added up.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use hotline::ids::StreamId;
use hotline::media::command::{Codec, Command, Direction, Extended, Rtcp, Session, Source};
use hotline::media::event::Event;
use hotline::media::prompts::Library;
use hotline::media::worker::{Worker, WorkerConfig, WorkerHandle};
use hotline::net::clock::Clock;
use hotline::recording;
use nix::sys::eventfd::EventFd;

use super::Wish;
use super::bridge::OTHERS_PERCENT;
use crate::load::audio::{Path, Phone, Side};
use crate::load::figures::{Report, Run, millis};
use crate::load::fleet::Fleet;
use crate::load::process;
use crate::load::server;
use crate::load::speech::Speech;

/// Conferences promised, of so many parties each.
const CONFERENCES: usize = 100;
const PARTIES: usize = 3;

/// A mixed frame's promised distance from its slot at p99, milliseconds.
const TICK_MS: f64 = 5.0;

/// Linux's name of the worker's thread.
const THREAD: &str = "mixing";

const FIRST_PORT: u16 = 10_000;

/// How long the worker may take to open a stream.
const PATIENCE: Duration = Duration::from_secs(2);

/// Frames of a second.
const FRAMES: f64 = 50.0;

const SUBJECT: &str = "conferences of three";

pub fn mixer(wish: &Wish) -> io::Result<Report> {
    let loads = wish.loads(&[CONFERENCES]);
    let title = format!("{loads:?} conferences of {PARTIES} on one worker, {} s", wish.window.as_secs());
    let mut report = Report::titled("mixer", &title);
    for _ in 0..wish.repeat {
        for load in &loads {
            report.runs.push(Mixing::start(*load)?.measure(wish.window));
        }
    }
    for load in loads {
        let get = |report: &Report, key| report.median(SUBJECT, load, key);
        let (tick, missing) = (get(&report, "slot_p99_ms"), get(&report, "loss_percent"));
        let text = format!("{load} conferences: mixed frames within 5 ms of their tick at p99");
        report.promise(&text, tick, |tick| tick < TICK_MS);
        report
            .promise(&format!("{load} conferences: frames missing under 0.1 %"), missing, |loss| loss < 0.1);
    }
    Ok(report)
}

/// A worker with its parties.
struct Mixing {
    worker: WorkerHandle,
    fleet: Fleet,
    conferences: usize,
}

impl Mixing {
    fn start(conferences: usize) -> io::Result<Mixing> {
        let host = server::own_host();
        process::pin_self(process::LOAD_CPU)?;
        let (tape, _) = recording::frame::ring();
        let config = WorkerConfig {
            number: 0,
            name: THREAD.into(),
            cname: "bench".into(),
            clock: Clock::start(),
            library: Arc::new(Library::builder().build()),
            tape,
            engine_wake: Arc::new(EventFd::new()?),
        };
        let (mut worker, _) = Worker::spawn(config)?;
        let mut fleet = Fleet::new(host, (host, 5_060).into())?;
        fleet.busy = true;
        // The thread gives itself its name.
        fleet.run_until(PATIENCE, |_| process::pin_thread(THREAD, process::SERVER_CPU).is_ok());
        process::hurry(true);
        fleet.audio.speech = Some(Speech::new()?);
        let phones =
            (0..conferences * PARTIES).map(|_| fleet.audio.open(Side::Caller, 7)).collect::<Vec<_>>();
        for (place, phone) in phones.iter().enumerate() {
            join(&mut worker, &mut fleet, host, place, *phone)?;
        }
        for place in 0..phones.len() {
            let first = place / PARTIES * PARTIES;
            let others = (first..first + PARTIES).filter(|other| *other != place).map(stream).collect();
            let source = Source::Mix { streams: others, digits: false };
            tell(&mut worker, Command::Hear { stream: stream(place), source })?;
        }
        // Buffers fill, reports are sent, each phone's grid is learned.
        fleet.run(Duration::from_secs(3));
        Ok(Mixing { worker, fleet, conferences })
    }

    fn measure(mut self, time: Duration) -> Run {
        let (before, worked) = (process::thread_busy(THREAD), process::worked());
        self.fleet.open_window();
        let began = self.fleet.now();
        self.fleet.run(time);
        self.fleet.close_window();
        let seconds = self.fleet.now().since(began).as_secs_f64();
        let used = process::thread_busy(THREAD) - before;
        let worked = process::worked() - worked;
        let parties = self.conferences * PARTIES;
        let mut run = Run::new(SUBJECT, self.conferences);
        run.put("cpu_percent", "the worker's processor", "% of a core", used * 100.0 / seconds);
        let each = used * 1e6 / seconds / FRAMES / parties as f64;
        run.put("micros_per_frame", "per mixed frame, with its packet in and out", "µs", each);
        let (window, expected) = (self.fleet.window(), parties as f64 * FRAMES * seconds);
        run.put("heard", "mixed frames heard", "", window.callers.heard as f64);
        // The window's ends fall between frames.
        let missing = (expected - window.callers.heard as f64 - parties as f64).max(0.0);
        run.put("loss_percent", "frames missing", "%", missing * 100.0 / expected);
        let slot = |share| millis(window.slot_error.value_at_quantile(share));
        run.put("slot_p50_ms", "distance from its tick, p50", "ms", slot(0.5));
        run.put("slot_p99_ms", "distance from its tick, p99", "ms", slot(0.99));
        run.put("slot_p99_9_ms", "distance from its tick, p99.9", "ms", slot(0.999));
        run.put("slot_max_ms", "distance from its tick, max", "ms", millis(window.slot_error.max()));
        let others = (worked - used).max(0.0) * 100.0 / seconds;
        run.put("others_percent", "other programs on the worker's processor", "% of a core", others);
        run.valid = window.is_valid() && others < OTHERS_PERCENT;
        // Events that nobody reads would fill their ring.
        while self.worker.events.pop().is_ok() {}
        run
    }
}

fn stream(place: usize) -> StreamId {
    StreamId(place as u64 + 1)
}

/// Opens a stream for a phone and joins the two.
fn join(
    worker: &mut WorkerHandle,
    fleet: &mut Fleet,
    host: Ipv4Addr,
    place: usize,
    phone: Phone,
) -> io::Result<()> {
    let (stream, port) = (stream(place), FIRST_PORT + 2 * place as u16);
    let seed = place as u64;
    tell(worker, Command::Open { stream, local: IpAddr::V4(host), port, seed })?;
    let opened = fleet.run_until(PATIENCE, |_| !worker.events.is_empty());
    match worker.events.pop() {
        Ok(Event::Opened { .. }) if opened => {}
        other => return Err(io::Error::other(format!("the worker says {other:?}"))),
    }
    let remote = fleet.audio.address(phone);
    let report_to = std::net::SocketAddrV4::new(*remote.ip(), remote.port() + 1);
    let session = Session {
        remote: remote.into(),
        rtcp: Rtcp::At(report_to.into()),
        codec: Codec::Pcma,
        payload_type: 8,
        telephone_event: None,
        direction: Direction::SendRecv,
        in_band_digits: false,
        extended: Extended::default(),
        srtp: None,
    };
    tell(worker, Command::Connect { stream, session })?;
    fleet.audio.connect(phone, Path::plain(std::net::SocketAddrV4::new(host, port)));
    Ok(())
}

fn tell(worker: &mut WorkerHandle, command: Command) -> io::Result<()> {
    worker.command(command).map_err(|_| io::Error::other("the worker takes no more commands"))?;
    worker.wake();
    Ok(())
}
