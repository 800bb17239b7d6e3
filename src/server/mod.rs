//! The running server: which threads there are, what each is given, how they begin and end.
//!
//! One engine (with the SIP sockets), `n` media workers, one disk thread for tapes, and the thread that calls this,
//! whose runtime serves the API and writes the journal.

pub mod load;

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::api;
use crate::call::cause::Cause;
use crate::config::Config;
use crate::engine::Engine;
use crate::engine::input::{Input, World};
use crate::media::worker::{Worker, WorkerConfig, WorkerHandle};
use crate::net::clock::Clock;
use crate::net::engine_thread::{self, Bound, EngineHandle, Planes};
use crate::net::tcp::Connections;
use crate::net::udp::Sockets;
use crate::publishing::Refused;
use crate::publishing::desk::{Desk, Folder};
use crate::publishing::held::Held;
use crate::recording::frame;
use crate::recording::recorder::{Recorder, RecorderHandle};
use crate::recording::seal::TapeKey;
use crate::recording::shelf::Shelf;
use crate::rng::Rng;
use crate::store::Store;
use crate::store::journal::{CAPACITY, Journal};

/// Why the server did not start. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    #[error("{what} {address}: {source}; is another server running, or the address not this machine's?")]
    Address {
        what: &'static str,
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("sip.listen {0}: name one address of this machine for each network; phones are told it")]
    Unspecified(SocketAddr),
    #[error("the data folder {path}: {source}")]
    Data {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the data folder {0} is in use by another server")]
    InUse(PathBuf),
    #[error("the key file {path}: {why}")]
    Key { path: PathBuf, why: String },
    #[error("the database: {0}")]
    Store(#[from] crate::store::StoreError),
    #[error(transparent)]
    Flows(#[from] Refused),
    #[error("the system gives no {what}: {source}")]
    System {
        what: &'static str,
        #[source]
        source: io::Error,
    },
}

/// How long media workers may take to close their streams when the server ends. One that takes longer stands still: it is
/// left behind, and the process ends with an error.
pub const SOUND_ENDS: Duration = Duration::from_secs(2);

/// How long the journal's last events may take to be written and the database to be closed when the server ends: some
/// tries at a disk that refuses. Beyond it the disk hangs, and the process ends with an error.
pub const STORE_CLOSES: Duration = Duration::from_secs(10);

/// Why a running server ended although nobody wished it.
#[derive(Debug, thiserror::Error)]
#[error("the server cannot go on: {0}; start it again")]
pub struct Failed(String);

/// A server that runs.
pub struct Server {
    pub engine: EngineHandle,
    pub store: Store,
    pub shelf: Shelf,
    pub desk: Desk,
    journal: Journal,
    thread: JoinHandle<io::Result<()>>,
    workers: Vec<JoinHandle<()>>,
    api: api::Running,
    config: watch::Sender<Arc<Config>>,
    /// Held until the end, so that no second server writes the same journal.
    _lock: Flock<std::fs::File>,
}

impl Server {
    /// Starts everything, or nothing. `clock` is everybody's. Of `world` the flows are not looked at: which are in force,
    /// the store says, or on the first start the folder.
    pub async fn start(world: World, clock: Clock) -> Result<Server, CannotStart> {
        raise_descriptors();
        let config = Arc::clone(&world.config);
        let lock = lock(&config.data)?;
        try_tapes(&config.data)?;
        let key = key(&config)?;
        let bound = bind(&config)?;
        let http = api::bind(config.http.listen).map_err(|source| CannotStart::Address {
            what: "http.listen",
            address: config.http.listen,
            source,
        })?;
        let shelf = Shelf::new(&config.data, key.clone());
        let store = Store::open(&config.data.join("hotline.db")).await?;
        store.close_open_calls(Cause::ServerRestarted, |call| shelf.last_heard(call)).await?;
        let held = Held::open(&store, Arc::clone(&config), Arc::clone(&world.library), clock.now()).await?;
        let (broadcast, profiles) = (store.broadcast().await?, store.profiles().await?);
        let (journal, journal_handle) = Journal::spawn(&store, CAPACITY).await?;
        let media = Media::start(&world, clock, key)?;
        let planes = Planes {
            clock,
            workers: media.handles,
            media_events: media.wake,
            recorder: media.recorder,
            journal: journal_handle.clone(),
        };
        let mut engine = Engine::new(clock.now(), world, unguessable()?);
        engine.handle(clock.now(), Input::Profiles(profiles));
        if let Some((started, heard, left)) = broadcast {
            engine.handle(clock.now(), Input::Broadcast { started: Box::new(started), heard, left });
        }
        // Before there is anybody who could call.
        let publication = held.publication(Some(held.in_force()));
        engine.handle(clock.now(), Input::Publish(Box::new(publication)));
        held.tell_operator();
        let (handle, thread) = engine_thread::spawn(engine, bound, planes)
            .map_err(|source| CannotStart::System { what: "engine thread", source })?;
        let desk = Desk::new(store.clone(), handle.clone(), clock, held);
        tokio::spawn(desk.clone().follow());
        let (config, configured) = watch::channel(config);
        let api = api::serve(
            http,
            api::Doors {
                engine: handle.clone(),
                store: store.clone(),
                shelf: shelf.clone(),
                desk: desk.clone(),
                config: configured,
                clock,
                journal: journal_handle,
                media: media.stats,
                tapes: media.figures,
            },
        );
        let workers = media.threads;
        Ok(Server { engine: handle, store, shelf, desk, journal, thread, workers, api, config, _lock: lock })
    }

    /// Waits for the engine to end (told to, or because something failed), then for everything else, in order; who stands
    /// still then is waited for no longer than `SOUND_ENDS` and `STORE_CLOSES`, and left behind.
    /// `Err`: the server did not end because somebody wished it, or not in order; the process should end too, and be
    /// started anew.
    pub async fn ended(self) -> Result<(), Failed> {
        let Server { engine, journal, thread, workers, api, store, .. } = self;
        engine.ended().await;
        let engine = join(vec![thread], SOUND_ENDS, "the engine's thread").await;
        let engine = engine.and_then(|ends| {
            ends.into_iter().try_for_each(|end| end.map_err(|error| Failed(error.to_string())))
        });
        let sound = join(workers, SOUND_ENDS, "a media worker").await.map(drop);
        api.stop().await;
        let closed = timeout(STORE_CLOSES, async {
            journal.close().await;
            store.close().await;
        });
        let closed = closed.await.map_err(|_| Failed("the database's disk stands still".into()));
        engine.and(sound).and(closed)
    }

    /// A checked configuration takes effect, everywhere; addresses, folders and threads stay as they were at start.
    /// Says what became of the folder of flows.
    ///
    /// # Errors
    /// The flows do not fit the configuration: everything stays as it was.
    pub async fn reload(&self, world: World) -> Result<Folder, Refused> {
        let folder = self.desk.reload(Arc::clone(&world.config), world.library).await?;
        self.config.send_replace(world.config);
        Ok(folder)
    }

    /// Notes that a configuration was refused and the old one stays.
    pub async fn reload_refused(&self) {
        let _ = self.engine.put(Input::ConfigRefused).await;
    }

    /// No new calls; returns at once. The engine ends when the last call has.
    pub async fn drain(&self) {
        // An engine that has ended is as drained as can be.
        let _ = self.engine.put(Input::Drain).await;
    }

    /// Every call ends now; returns at once.
    pub async fn stop(&self) {
        let _ = self.engine.put(Input::Stop).await;
    }
}

/// What threads came to that end within `patience`. Those that do not are left behind: they end with the process.
async fn join<T: Send + 'static>(
    threads: Vec<JoinHandle<T>>,
    patience: Duration,
    who: &str,
) -> Result<Vec<T>, Failed> {
    let (say, ends) = oneshot::channel();
    // A thread of its own, and none of the runtime's: that one would wait for it in the end.
    let waiting = std::thread::Builder::new().name("ending".into()).spawn(move || {
        let ends: Result<Vec<T>, _> = threads.into_iter().map(JoinHandle::join).collect();
        // Who asked may have lost patience.
        let _ = say.send(ends.ok());
    });
    waiting.map_err(|error| Failed(format!("the system gives no thread to wait for {who}: {error}")))?;
    match timeout(patience, ends).await {
        Ok(Ok(Some(ends))) => Ok(ends),
        Ok(_) => Err(Failed(format!("{who} panicked"))),
        Err(_) => Err(Failed(format!("{who} stands still"))),
    }
}

/// The data plane and the tapes.
struct Media {
    handles: Vec<WorkerHandle>,
    threads: Vec<JoinHandle<()>>,
    stats: Vec<Arc<crate::media::stats::WorkerStats>>,
    wake: Arc<EventFd>,
    recorder: RecorderHandle,
    figures: Arc<crate::recording::recorder::Figures>,
}

impl Media {
    fn start(world: &World, clock: Clock, key: Option<TapeKey>) -> Result<Media, CannotStart> {
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        let wake = EventFd::from_flags(flags)
            .map_err(|error| CannotStart::System { what: "event descriptor", source: error.into() })?;
        let wake = Arc::new(wake);
        let (mut handles, mut threads, mut rings) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..world.config.media.workers.max(1) {
            let (tape, ring) = frame::ring();
            rings.push(ring);
            let config = WorkerConfig {
                name: format!("media-{number}"),
                number,
                cname: world.config.sip.realm.clone(),
                clock,
                library: Arc::clone(&world.library),
                tape,
                engine_wake: Arc::clone(&wake),
            };
            let (handle, thread) = Worker::spawn(config)
                .map_err(|source| CannotStart::System { what: "media worker", source })?;
            handles.push(handle);
            threads.push(thread);
        }
        let data = world.config.data.clone();
        let recorder = Recorder::spawn(data, key, rings, move || clock.now())
            .map_err(|source| CannotStart::System { what: "disk thread", source })?;
        let stats = handles.iter().map(|handle| Arc::clone(&handle.stats)).collect();
        let figures = Arc::clone(&recorder.figures);
        Ok(Media { handles, threads, stats, wake, recorder, figures })
    }
}

/// Each call takes four descriptors for sound and one for its tape: as many as the system lets us have, instead of the
/// thousand that a shell gives.
fn raise_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(soft, hard, %error, "the limit of open files cannot be raised");
    }
}

fn lock(data: &Path) -> Result<Flock<std::fs::File>, CannotStart> {
    let no_data = |source| CannotStart::Data { path: data.to_owned(), source };
    // Conversations and who had them: nobody else's business, whatever the umask says. A folder that is there already
    // keeps the rights that its owner gave it.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(no_data)?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(data.join("lock"));
    let file = file.map_err(no_data)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| CannotStart::InUse(data.to_owned()))
}

/// Whether tapes can be made at all: better said at start than by the first call that goes unrecorded.
fn try_tapes(data: &Path) -> Result<(), CannotStart> {
    let tapes = data.join("tapes");
    let no_tapes = |source| CannotStart::Data { path: tapes.clone(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&tapes).map_err(no_tapes)?;
    let trial = tapes.join(".trial");
    std::fs::File::create(&trial).and_then(|_| std::fs::remove_file(&trial)).map_err(no_tapes)
}

/// The key that seals tapes, if one is configured.
pub fn key(config: &Config) -> Result<Option<TapeKey>, CannotStart> {
    config.recording.key_file.as_deref().map(read_key).transpose()
}

/// Reads a key file: 64 hexadecimal digits.
pub fn read_key(path: &Path) -> Result<TapeKey, CannotStart> {
    let bad = |why: String| CannotStart::Key { path: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    TapeKey::from_hex(text.trim()).map_err(|error| bad(error.to_string()))
}

fn bind(config: &Config) -> Result<Bound, CannotStart> {
    let listen = &config.sip.listen;
    if let Some(address) = listen.iter().find(|address| address.ip().is_unspecified()) {
        return Err(CannotStart::Unspecified(*address));
    }
    let taken = |what| move |(address, source)| CannotStart::Address { what, address, source };
    let udp = Sockets::bind(listen).map_err(taken("SIP over UDP on"))?;
    let tcp = Connections::bind(listen).map_err(taken("SIP over TCP on"))?;
    Ok(Bound { udp, tcp })
}

fn unguessable() -> Result<Rng, CannotStart> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| CannotStart::System { what: "randomness", source: io::Error::other(error) })?;
    Ok(Rng::from_seed(seed))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[tokio::test]
    async fn a_thread_that_stands_still_is_left_behind_and_one_that_panicked_is_named() {
        let long = Duration::from_secs(60);
        let spawn = |end: fn() -> u8| std::thread::spawn(end);
        assert_eq!(join(vec![spawn(|| 1), spawn(|| 2)], long, "x").await.map_err(|e| e.0), Ok(vec![1, 2]));
        let panics = join(vec![spawn(|| 1), spawn(|| panic!("on purpose"))], long, "a worker").await;
        assert_eq!(panics.map_err(|error| error.0), Err("a worker panicked".into()));
        let (gate, shut) = sync_channel::<()>(0);
        let still = std::thread::spawn(move || shut.recv().is_ok());
        let left = join(vec![still], Duration::from_millis(20), "a worker").await;
        assert_eq!(left.map_err(|error| error.0), Err("a worker stands still".into()));
        drop(gate);
    }
}
