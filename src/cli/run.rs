//! `hotline demo` and `hotline serve`: the server, until it is told to stop.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use super::args;
use super::{CannotRun, Exit, demo_bank, print, ticker};
use crate::config::{self, Config};
use crate::diagnostic::render_all;
use crate::net::clock::Clock;
use crate::publishing::Refused;
use crate::publishing::desk::Folder;
use crate::publishing::watch::{told, watch};
use crate::server::load::{self, Loaded};
use crate::server::{CannotStart, Server};

/// The demo bank on loopback.
pub(super) fn demo(args: args::Demo) -> Result<Exit, CannotRun> {
    // The screen tells the operator already.
    log_to_stderr("warn,hotline::net::operator=off");
    let config = demo_config(&args);
    let loaded = loaded(config)?;
    run(async {
        let mut signals = Signals::new()?;
        let config = loaded.world.config.clone();
        let clock = Clock::start();
        let bank = SocketAddr::new(config.http.listen.ip(), config::bank_port(config.http.listen.port()));
        if let Err(error) = demo_bank::open(bank, clock).await {
            print::line(&format!(
                "The bank's systems cannot listen at {bank} ({error}): menus do without them."
            ));
        }
        let server = start(loaded).await?;
        take_folder(&server).await;
        print::text(&welcome(&config));
        let watching = tokio::spawn(watch(server.desk.clone(), config.flows.clone(), print::text));
        let ticking = tokio::spawn(tick(server.engine.listen()));
        // A demo is over when its user says so: nobody waits for callers to finish.
        tokio::select! {
            () = signals.stop() => {
                print::line("Stopping.");
                server.stop().await;
            }
            () = server.engine.ended() => {}
        }
        let ended = server.ended().await;
        watching.abort();
        ticking.abort();
        ended.map(|()| Exit::Fine).map_err(|error| CannotRun(error.to_string()))
    })
}

/// The demo bank with its flows and prompts where they are to be found.
pub(super) fn demo_config(args: &args::Demo) -> Config {
    let mut config = config::demo(&args.data, args.sip_port, args.http_port);
    config.flows = at_hand(&config.flows);
    config.prompts = at_hand(&config.prompts);
    config
}

/// Where an installed demo has its flows and prompts.
const SHARE: &str = "/usr/share/hotline";

/// A folder of the demo: in the folder it is started in, or else above the program, as in a checkout, or where packages
/// put it. As it was if it is nowhere: what is missing is then said with the name one would expect.
fn at_hand(folder: &Path) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let above = program.ancestors().skip(1).map(|place| place.join(folder));
    let places = std::iter::once(folder.to_owned()).chain(above).chain([Path::new(SHARE).join(folder)]);
    let mut found = places.filter(|place| place.is_dir());
    found.next().unwrap_or_else(|| folder.to_owned())
}

/// Production.
pub(super) fn serve(args: &args::Serve) -> Result<Exit, CannotRun> {
    log_to_stderr("info");
    run(async {
        // First of all: a hangup that comes while prompts are still being read asks for a reload, not for the end.
        let mut signals = Signals::new()?;
        let Some(config) = configured(&args.config)? else {
            return Ok(Exit::CannotRun);
        };
        let loaded = loaded(config)?;
        let server = start(loaded).await?;
        tracing::info!("ready");
        let mut draining = false;
        loop {
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Reload => reload(&args.config, &server).await,
                    Wish::Stop if draining => server.stop().await,
                    Wish::Stop => {
                        tracing::info!("draining: no new calls; a second signal ends the running ones");
                        server.drain().await;
                        draining = true;
                    }
                },
                () = server.engine.ended() => break,
            }
        }
        server.ended().await.map(|()| Exit::Fine).map_err(|error| CannotRun(error.to_string()))
    })
}

/// Runs the server. A thread that reads from a disk that hangs must not keep a process whose server has ended.
fn run(serving: impl Future<Output = Result<Exit, CannotRun>>) -> Result<Exit, CannotRun> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CannotRun::because("no runtime", error))?;
    let ended = runtime.block_on(serving);
    runtime.shutdown_background();
    ended
}

async fn start(loaded: Loaded) -> Result<Server, CannotRun> {
    Server::start(loaded.world, Clock::start()).await.map_err(|error| match error {
        CannotStart::Flows(Refused::Proof(failure)) => {
            eprint!("{}", failure.text);
            CannotRun("the flows are refused".to_owned())
        }
        error => CannotRun(error.to_string()),
    })
}

/// A demo plays what is in its folder, also what was saved while it was not running.
async fn take_folder(server: &Server) {
    if let Some(line) = told(&server.desk.take_folder().await) {
        print::text(&line);
    }
}

/// Reads the configuration; `None` when it is bad, which has then been said.
fn configured(path: &Path) -> Result<Option<Config>, CannotRun> {
    match config::load(path) {
        Ok(read) => {
            eprint!("{}", render_all(&read.warnings));
            Ok(Some(read.config))
        }
        Err(diagnostics) => {
            eprint!("{}", render_all(&diagnostics));
            Ok(None)
        }
    }
}

/// Loads prompts.
fn loaded(config: Config) -> Result<Loaded, CannotRun> {
    load::load(config).map_err(|error| CannotRun(error.to_string()))
}

/// Reads everything again. What is wrong is said, and the old stays.
async fn reload(path: &Path, server: &Server) {
    match configured(path).and_then(|config| config.map(loaded).transpose()) {
        Ok(Some(loaded)) => {
            if let Some(encoding) = loaded.encoding {
                // The old prompts play on until the new ones are ready for every phone. Its panic would be a bug, told
                // by the runtime; the prompts it leaves behind are heard in G.711.
                let _ = tokio::task::spawn_blocking(|| encoding.join()).await;
            }
            match server.reload(loaded.world).await {
                Ok(folder) => return reloaded(&folder),
                Err(Refused::Proof(failure)) => eprint!("{}", failure.text),
                Err(error) => tracing::error!(%error, "the flows cannot be taken"),
            }
        }
        // Said already.
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "the configuration cannot be read"),
    }
    server.reload_refused().await;
}

fn reloaded(folder: &Folder) {
    tracing::info!("configuration reloaded");
    match folder {
        Folder::Same => {}
        Folder::Published(release) => tracing::info!("flows: the folder is in force as release {release}"),
        Folder::NotTaken(why) => tracing::warn!("flows: the folder differs and is not taken: {why}"),
    }
}

fn log_to_stderr(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HOTLINE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    // A second call, as in tests, keeps the first subscriber.
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    let _ = log.with_writer(std::io::stderr).try_init();
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// What a signal asks for.
enum Wish {
    Stop,
    Reload,
}

impl Signals {
    fn new() -> Result<Signals, CannotRun> {
        let listen =
            |kind| signal(kind).map_err(|error| CannotRun::because("signals cannot be caught", error));
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.hangup.recv() => Wish::Reload,
        }
    }
}

/// One line an event, until the server ends.
async fn tick(
    mut happened: tokio::sync::broadcast::Receiver<std::sync::Arc<crate::engine::happened::Happened>>,
) {
    loop {
        match happened.recv().await {
            Ok(event) => {
                if let Some(line) = ticker::line(&event) {
                    print::line(&line);
                }
            }
            Err(RecvError::Lagged(missed)) => print::line(&format!("... {missed} events not shown")),
            Err(RecvError::Closed) => return,
        }
    }
}

/// What a newcomer needs to see the first call pass.
fn welcome(config: &Config) -> String {
    use std::fmt::Write as _;
    let sip = config.sip.listen.first().map_or_else(String::new, ToString::to_string);
    let mut text = format!(
        "\nHotline demo: the bank is open.\n\n  \
         Dial       sip:95500@{sip}   (any phone on this machine; no registration needed)\n             \
         in the main menu: 9 a person, 0 lost cards, 1 accounts, 2 cards, 3 small business, 7 complaints\n  \
         Watch      http://{}\n  \
         Agents     register any of these at {sip}, realm {}; ready at once:\n",
        config.http.listen, config.sip.realm
    );
    for (id, agent) in &config.agents {
        let skills: Vec<String> =
            agent.skills.iter().map(|(skill, level)| format!("{skill} {level}")).collect();
        let _ = writeln!(text, "             {id}  password {:<10} {}", agent.password.0, skills.join(", "));
    }
    let users: Vec<String> =
        config.users.iter().map(|(user, known)| format!("{user} / {}", known.password.0)).collect();
    let _ = write!(
        text,
        "             *11 ready   *12 not ready   *13 end wrap-up\n  \
         Web users  {}\n  \
         Data       {}   (hotline calls, hotline recordings list)\n  \
         Stop       Ctrl-C\n",
        users.join("   "),
        config.data.display()
    );
    text
}
