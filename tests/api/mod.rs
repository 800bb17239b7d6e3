//! The API as its users meet it: a real server on loopback, asked over sockets.

mod callbacks;
mod emergency;
mod events;
mod flows;
pub mod http;
mod legs;
mod login;
mod messages;
mod phone;
mod recordings;
mod robust;
mod roles;
mod routes;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use hotline::config::{self, Config, Role, Secret, User};
use hotline::engine::input::{Input, World};
use hotline::engine::staff::{Answer, Ask};
use hotline::net::clock::Clock;
use hotline::net::engine_thread::EngineHandle;
use hotline::server::{CannotStart, Server};
use serde_json::json;

use self::http::{Reply, Request};

/// Ports are free when we look and may be taken when we bind.
const TRIES: usize = 20;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A demo bank of its own, in a folder of its own, that goes away with the test.
pub struct ApiUnderTest {
    pub http: SocketAddr,
    pub sip: SocketAddr,
    pub data: PathBuf,
    pub engine: EngineHandle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ApiUnderTest {
    pub fn start() -> ApiUnderTest {
        ApiUnderTest::start_as(|_| {}, |_| {})
    }

    /// With a configuration that differs from the demo's.
    pub fn start_with(adjust: impl Fn(&mut Config)) -> ApiUnderTest {
        ApiUnderTest::start_as(adjust, |_| {})
    }

    /// With what `prepare` puts into the data folder before.
    pub fn start_after(prepare: impl FnOnce(&Path)) -> ApiUnderTest {
        ApiUnderTest::start_as(|_| {}, prepare)
    }

    fn start_as(adjust: impl Fn(&mut Config), prepare: impl FnOnce(&Path)) -> ApiUnderTest {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let data = std::env::temp_dir().join(format!("hotline-api-{}-{number}", std::process::id()));
        prepare(&data);
        ApiUnderTest::start_on(data, adjust)
    }

    /// With what another server left in this folder.
    pub fn start_in(data: PathBuf) -> ApiUnderTest {
        ApiUnderTest::start_on(data, |_| {})
    }

    fn start_on(data: PathBuf, adjust: impl Fn(&mut Config)) -> ApiUnderTest {
        for _ in 0..TRIES {
            let (sip, http) = (free_port(), free_port());
            let (say, started) = mpsc::sync_channel(1);
            let (stop, stopped) = tokio::sync::oneshot::channel();
            let world = world(&data, sip, http, &adjust);
            let thread = std::thread::spawn(move || serve(world, &say, stopped));
            match started.recv().expect("the server's thread says how it went") {
                Ok(engine) => {
                    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                    let (stop, thread) = (Some(stop), Some(thread));
                    return ApiUnderTest { http: at(http), sip: at(sip), data, engine, stop, thread };
                }
                Err(CannotStart::Address { .. }) => thread.join().expect("ended"),
                Err(error) => panic!("{error}"),
            }
        }
        panic!("no free ports in {TRIES} tries");
    }

    pub fn get(&self, path: &str) -> Request<'_> {
        Request::new(self.http, "GET", path)
    }

    pub fn post(&self, path: &str) -> Request<'_> {
        Request::new(self.http, "POST", path)
    }

    pub fn request<'a>(&self, method: &'a str, path: &str) -> Request<'a> {
        Request::new(self.http, method, path)
    }

    pub fn try_login(&self, user: &str, password: &str) -> Reply {
        self.post("/api/v1/login").json(&json!({"user": user, "password": password})).send()
    }

    /// Logs a demo user or agent in; gives the token.
    pub fn login(&self, user: &str) -> String {
        let reply = self.try_login(user, &format!("demo-{user}"));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["token"].as_str().expect("a token").to_owned()
    }

    /// Asks the engine itself.
    pub fn ask(&self, ask: Ask) -> Answer {
        runtime().block_on(self.engine.ask(ask)).expect("the engine runs")
    }

    /// As `ask`, one after the other.
    pub fn ask_all(&self, asks: impl Iterator<Item = Ask>) {
        runtime().block_on(async {
            for ask in asks {
                self.engine.ask(ask).await.expect("the engine runs");
            }
        });
    }

    pub fn put(&self, input: Input) {
        runtime().block_on(self.engine.put(input)).expect("the engine runs");
    }

    /// Ends the server in order, and waits for it.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ended without panic");
        }
    }
}

impl Drop for ApiUnderTest {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A second panic would hide the first.
            self.stop.take();
            self.thread.take();
            return;
        }
        self.stop();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// Looks again and again until `found`.
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let clock = Clock::start();
    let started = clock.now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(clock.now().since(started) < PATIENCE, "in vain: {what}");
        std::thread::yield_now();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn serve(
    world: World,
    say: &mpsc::SyncSender<Result<EngineHandle, CannotStart>>,
    stopped: tokio::sync::oneshot::Receiver<()>,
) {
    runtime().block_on(async {
        match Server::start(world, Clock::start()).await {
            Err(error) => say.send(Err(error)).expect("the test waits"),
            Ok(server) => {
                say.send(Ok(server.engine.clone())).expect("the test waits");
                // A test that failed is gone; the server ends all the same.
                let _ = stopped.await;
                server.stop().await;
                server.ended().await.expect("the server ends in order");
            }
        }
    });
}

/// The demo bank with these ports, with prompts of silence, and an auditor besides.
fn world(data: &Path, sip: u16, http: u16, adjust: &impl Fn(&mut Config)) -> World {
    let mut config = config::demo(data, sip, http);
    // Nobody listens there: the port above ours may be another test's.
    for host in config.http.hosts.values_mut() {
        host.url = "http://127.0.0.1:9".to_owned();
    }
    let password = Secret("demo-auditor".to_owned());
    let auditor = User { name: "Auditor".to_owned(), password, role: Role::Auditor };
    config.users.insert("auditor".to_owned(), auditor);
    adjust(&mut config);
    World { config: config.into(), ..crate::office::world::demo() }
}

/// A port that nobody had a moment ago, for UDP and TCP.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = tcp.local_addr().expect("bound").port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
