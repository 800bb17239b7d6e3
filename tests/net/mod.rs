//! The engine's thread with its real sockets: what comes over the wire from who is slow, deaf, hasty or broken.

mod bots;
mod hosts;
mod streams;
mod threads;

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hotline::config::Config;
use hotline::engine::Engine;
use hotline::engine::input::{Input, World};
use hotline::media::worker::{Worker, WorkerConfig};
use hotline::net::clock::Clock;
use hotline::net::engine_thread::{self, Bound, EngineHandle, Planes};
use hotline::recording::frame;
use hotline::recording::recorder::{Recorder, RecorderHandle};
use hotline::recording::tape::{Disk, Files};
use hotline::rng::Rng;
use hotline::store::Store;
use hotline::store::journal::{CAPACITY, Journal};
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::runtime::Runtime;

use crate::office::world;

/// Longest that anything here may take: a failure, not a measure.
const PATIENCE: Duration = Duration::from_secs(20);

/// The demo bank behind sockets on free ports.
pub struct Wire {
    pub sip: SocketAddr,
    pub runtime: Runtime,
    engine: EngineHandle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    sound: Option<JoinHandle<()>>,
    journal: Option<Journal>,
    folder: PathBuf,
}

impl Wire {
    pub fn up(name: &str) -> Wire {
        Wire::up_on(name, Box::new(Files), |_| {})
    }

    /// With `build` making the world of the demo's configuration.
    pub fn up_with(name: &str, build: impl FnOnce(Config) -> World) -> Wire {
        Wire::up_in(name, build, Box::new(Files), |_| {})
    }

    /// With another disk for tapes; `begin` has a word with the disk thread before the engine does.
    pub fn up_on(name: &str, disk: Box<dyn Disk>, begin: impl FnOnce(&RecorderHandle)) -> Wire {
        Wire::up_in(name, world::build, disk, begin)
    }

    fn up_in(
        name: &str,
        build: impl FnOnce(Config) -> World,
        disk: Box<dyn Disk>,
        begin: impl FnOnce(&RecorderHandle),
    ) -> Wire {
        let folder = std::env::temp_dir().join(format!("hotline-{name}-{}", std::process::id()));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock = Clock::start();
        let (tcp, udp) = sockets();
        let sip = udp.local_addr().unwrap();
        let mut config = world::demo_config();
        config.data.clone_from(&folder);
        config.sip.listen = vec![sip];
        let world = build(config);
        let (journal, handle) = runtime.block_on(async {
            let store = Store::open(&folder.join("hotline.db")).await.unwrap();
            Journal::spawn(&store, CAPACITY).await.unwrap()
        });
        let wake = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK).unwrap());
        let (tape, ring) = frame::ring_of(frame::RING_BYTES);
        let worker = WorkerConfig {
            number: 0,
            name: "media".into(),
            cname: "test".into(),
            clock,
            library: Arc::clone(&world.library),
            tape,
            engine_wake: Arc::clone(&wake),
        };
        let (worker, sound) = Worker::spawn(worker).unwrap();
        let recorder =
            Recorder::spawn_on(disk, folder.clone(), None, vec![ring], move || clock.now()).unwrap();
        begin(&recorder);
        let planes = Planes { clock, workers: vec![worker], media_events: wake, recorder, journal: handle };
        let engine = Engine::new(clock.now(), world, Rng::seeded(1));
        let bound = Bound { udp: vec![udp], tcp: vec![tcp] };
        let (engine, thread) = engine_thread::spawn(engine, bound, planes).unwrap();
        let (thread, sound, journal) = (Some(thread), Some(sound), Some(journal));
        Wire { sip, runtime, engine, thread, sound, journal, folder }
    }

    pub fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.sip).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The engine still answers somebody else.
    pub fn is_well(&self) -> bool {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.send_to(options("UDP", 1, "").as_bytes(), self.sip).unwrap();
        let mut answer = [0; 2_048];
        let length = socket.recv(&mut answer).unwrap_or(0);
        answer[..length].starts_with(b"SIP/2.0 200")
    }

    pub fn journal_ends(&mut self) {
        self.runtime.block_on(self.journal.take().unwrap().close());
    }

    /// How the engine's thread ended.
    pub fn end(&mut self) -> Result<(), String> {
        let thread = self.thread.take().unwrap();
        thread.join().map_err(|_| "panicked".to_owned())?.map_err(|error| error.to_string())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.runtime.block_on(self.engine.put(Input::Stop));
            let _ = self.end();
        }
        if let Some(sound) = self.sound.take() {
            let _ = sound.join();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One port for both, as a configuration has it.
fn sockets() -> (TcpListener, UdpSocket) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            tcp.set_nonblocking(true).unwrap();
            udp.set_nonblocking(true).unwrap();
            return (tcp, udp);
        }
    }
}

pub fn options(transport: &str, number: u32, more: &str) -> String {
    format!(
        "OPTIONS sip:bank SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1:9;rport;branch=z9hG4bK{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:bank>\r\nCall-ID: {number}\r\n\
         CSeq: {number} OPTIONS\r\n{more}Content-Length: 0\r\n\r\n"
    )
}
