//! The outside's door: HTTP and WebSocket under `/api/v1`, health and metrics, and the live page.
//!
//! `role` says who may do what, `who` finds out who asks, `shown` is what they get to see, `limits` how much of everything.

pub mod role;

mod callbacks;
mod calls;
mod connections;
mod emergency;
mod error;
mod events;
mod flows;
mod guard;
mod handover;
mod health;
mod legs;
mod limits;
mod live;
mod login;
mod messages;
mod named;
mod openapi;
mod page;
mod profiles;
mod recordings;
mod session;
mod shown;
mod sound;
mod who;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, delete, get, post};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::error::ApiError;
use self::limits::{BODY, LAST_WORDS, READINGS, SOCKETS};
use self::login::Passwords;
use self::session::Sessions;
use self::sound::Sounds;
use crate::config::Config;
use crate::engine::happened::Happened;
use crate::engine::staff::{Answer, Ask};
use crate::engine::view::Snapshot;
use crate::media::stats::WorkerStats;
use crate::moment::Moment;
use crate::net::clock::Clock;
use crate::net::engine_thread::EngineHandle;
use crate::observe::metrics::Counts;
use crate::publishing::desk::Desk;
use crate::recording::recorder::Figures;
use crate::recording::shelf::Shelf;
use crate::rng::Rng;
use crate::sip::digest::throttle::Throttle;
use crate::store::Store;
use crate::store::journal::JournalHandle;

/// What the API may open.
#[derive(Clone)]
pub struct Doors {
    pub engine: EngineHandle,
    pub store: Store,
    pub shelf: Shelf,
    /// Where flows are published.
    pub desk: Desk,
    /// The configuration in force; a reload changes it.
    pub config: watch::Receiver<Arc<Config>>,
    pub clock: Clock,
    pub journal: JournalHandle,
    /// One per media worker.
    pub media: Vec<Arc<WorkerStats>>,
    pub tapes: Arc<Figures>,
}

/// A request's sender.
#[derive(Clone, Copy, Debug)]
struct Peer(SocketAddr);

/// What all requests share.
struct House {
    doors: Doors,
    passwords: Passwords,
    sessions: Mutex<Sessions>,
    gate: Mutex<Throttle>,
    sounds: Mutex<Sounds>,
    counts: Counts,
    sockets: Arc<Semaphore>,
    readings: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
    /// Dropped with the last stream or connection.
    _alive: mpsc::Sender<Infallible>,
}

type App = Arc<House>;

impl House {
    fn now(&self) -> Moment {
        self.doors.clock.now()
    }

    /// The configuration in force now.
    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.doors.config.borrow())
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        whole(&self.sessions)
    }

    fn gate(&self) -> MutexGuard<'_, Throttle> {
        whole(&self.gate)
    }

    fn sounds(&self) -> MutexGuard<'_, Sounds> {
        whole(&self.sounds)
    }

    async fn snapshot(&self) -> Result<Box<Snapshot>, ApiError> {
        match self.doors.engine.ask(Ask::Snapshot).await? {
            Answer::Snapshot(snapshot) => Ok(snapshot),
            _ => Err(ApiError::Ours),
        }
    }
}

/// The tables are whole after each of their methods, even one that panicked.
fn whole<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bound socket, before anything is served.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until `Running::stop`. Called inside a tokio runtime.
///
/// # Panics
/// If the system has no randomness; the engine has had some by then.
pub fn serve(listener: TcpListener, doors: Doors) -> Running {
    let (stop, stopping) = watch::channel(false);
    let (alive, gone) = mpsc::channel(1);
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the engine had randomness a moment ago");
    let app = Arc::new(House {
        passwords: Passwords::new().expect("the engine had randomness a moment ago"),
        sessions: Mutex::default(),
        gate: Mutex::new(Throttle::new(Rng::from_seed(seed))),
        sounds: Mutex::default(),
        counts: Counts::new(),
        sockets: Arc::new(Semaphore::new(SOCKETS)),
        readings: Arc::new(Semaphore::new(READINGS)),
        stopping: stopping.clone(),
        _alive: alive,
        doors,
    });
    // Listening begins here and not when the task first runs: the first call may come sooner.
    let happened = app.doors.engine.listen();
    let counting = tokio::spawn(count(Arc::clone(&app), happened));
    tokio::spawn(end_sessions_of_the_dismissed(Arc::clone(&app)));
    let accepting = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => Some(tokio::spawn(connections::accept(listener, router(app), stopping))),
        Err(error) => {
            tracing::error!(%error, "the API is not served: its socket cannot be watched");
            None
        }
    };
    Running { stop, gone, counting, accepting }
}

/// Everything the description lists.
fn routes() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/api/v1/login", post(login::login)),
        ("/api/v1/logout", post(login::logout)),
        ("/api/v1/me", get(login::me)),
        ("/api/v1/snapshot", get(live::snapshot)),
        ("/api/v1/calls/live", get(live::calls)),
        ("/api/v1/calls/live/{call}", delete(live::hang_up)),
        ("/api/v1/calls/live/{call}/handover", get(handover::handover)),
        ("/api/v1/queues", get(live::queues)),
        ("/api/v1/agents", get(live::agents)),
        ("/api/v1/agents/{agent}", get(live::agent)),
        ("/api/v1/agents/{agent}/state", post(live::order)),
        ("/api/v1/calls", get(calls::list)),
        ("/api/v1/calls/{call}", get(calls::one)),
        ("/api/v1/calls/{call}/events", get(calls::events)),
        ("/api/v1/emergency", get(emergency::status).post(emergency::start).delete(emergency::stop)),
        ("/api/v1/callbacks", get(callbacks::list)),
        ("/api/v1/callbacks/{id}/done", post(callbacks::done)),
        ("/api/v1/calls/{call}/verify", post(live::verify)),
        ("/api/v1/profiles/{number}", delete(profiles::forget)),
        ("/api/v1/recordings", get(recordings::list)),
        ("/api/v1/recordings/{call}", get(recordings::one)),
        ("/api/v1/recordings/{call}/audio", get(recordings::audio)),
        ("/api/v1/messages", get(messages::list)),
        ("/api/v1/messages/{id}", post(messages::mark)),
        ("/api/v1/messages/{id}/audio", get(messages::audio)),
        ("/api/v1/flows", get(flows::status)),
        ("/api/v1/flows/releases", get(flows::list)),
        ("/api/v1/flows/releases/{release}", get(flows::one)),
        ("/api/v1/flows/releases/{release}/approve", post(flows::approve)),
        ("/api/v1/flows/diff", get(flows::diff)),
        ("/api/v1/flows/publish", post(flows::publish)),
        ("/api/v1/flows/rollback", post(flows::roll_back)),
        ("/api/v1/flows/promote", post(flows::promote)),
        ("/api/v1/flows/abort", post(flows::abort)),
        ("/api/v1/events", get(events::events)),
        ("/api/v1/openapi.json", get(openapi::document)),
        ("/healthz", get(health::healthz)),
        ("/readyz", get(health::readyz)),
        ("/metrics", get(health::metrics)),
    ]
}

fn router(app: App) -> Router {
    let page = Router::new()
        .route("/", get(page::index))
        .route("/live.css", get(page::style))
        .route("/live.js", get(page::script));
    routes()
        .into_iter()
        .fold(page, |router, (path, methods)| router.route(path, methods))
        .fallback(guard::no_such_route)
        .method_not_allowed_fallback(guard::no_such_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(axum::middleware::from_fn(guard::guard))
        .with_state(app)
}

/// After each reload, ends the sessions of people who are no longer known, or no longer what they were.
async fn end_sessions_of_the_dismissed(app: App) {
    let mut config = app.doors.config.clone();
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            () = told_to_stop(&mut stopping) => return,
            changed = config.changed() => if changed.is_err() { return },
        }
        let config = app.config();
        app.sessions().keep_only(|person| login::still_is(&config, person));
    }
}

/// Feeds the counters with what happens.
async fn count(app: App, mut happened: Receiver<Arc<Happened>>) {
    let mut stopping = app.stopping.clone();
    loop {
        let event = tokio::select! {
            () = told_to_stop(&mut stopping) => return,
            event = happened.recv() => event,
        };
        match event {
            Ok(event) => app.counts.count(&event),
            Err(RecvError::Lagged(missed)) => app.counts.missed(missed),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    // Who could tell us being gone means the same.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// The API under way.
pub struct Running {
    stop: watch::Sender<bool>,
    /// Closed when the last stream and connection is.
    gone: mpsc::Receiver<Infallible>,
    counting: JoinHandle<()>,
    accepting: Option<JoinHandle<()>>,
}

impl Running {
    /// Takes no more connections, closes event streams, lets requests under way end; waits `LAST_WORDS` at most.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // Who has not ended by then is cut off with the runtime.
        let _ = timeout(LAST_WORDS, self.gone.recv()).await;
        self.counting.abort();
        if let Some(accepting) = self.accepting {
            accepting.abort();
        }
    }
}
