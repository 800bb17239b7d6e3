//! The desk: the one place through which flows come into force. One order at a time; each is checked, stored in one
//! transaction, and then told to the engine, so that a server killed at any point comes up with what the store says.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, MutexGuard, watch};

use super::broadcast;
use super::difference::{FileDifference, between};
use super::draft::Draft;
use super::held::{Held, Issue, SERVER, Seen, apart, place, proven, published, read_folder, try_folder};
use super::{COMMENT, Refused};
use crate::config::Config;
use crate::engine::happened::{Origin, What};
use crate::engine::input::{Input, World};
use crate::engine::releases::FlowsView;
use crate::engine::staff::{Answer, Ask};
use crate::ids::ReleaseId;
use crate::media::prompts::Library;
use crate::net::clock::Clock;
use crate::net::engine_thread::EngineHandle;
use crate::store::Store;
use crate::store::releases::{Change, Changed, NewRelease, Release, Standing};

/// Releases that a listing gives at most; older ones are there by their numbers.
pub const LISTED: u32 = 1_000;

/// Cheap to clone.
#[derive(Clone)]
pub struct Desk(Arc<Room>);

struct Room {
    store: Store,
    engine: EngineHandle,
    clock: Clock,
    held: Mutex<Held>,
    /// The same for those who only look: an order under way may take long.
    seen: watch::Sender<Arc<Seen>>,
}

/// The wish to publish the folder.
#[derive(Clone, Debug)]
pub struct Wish {
    pub author: String,
    pub comment: String,
    pub origin: Origin,
    /// On trial for this share of the calls.
    pub percent: Option<u8>,
    /// The release that the author believes in force; without it, that at the time of asking.
    pub base: Option<ReleaseId>,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub release: Release,
    /// Files that differ from what was in force.
    pub changed: Vec<String>,
    /// As `hotline check` prints them.
    pub warnings: String,
    /// Tests that passed.
    pub tests: usize,
}

/// What came of reading the configuration anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folder {
    /// It is what is in force.
    Same,
    Published(ReleaseId),
    /// It differs and was not taken, and why.
    NotTaken(String),
}

/// How things stand.
#[derive(Clone, Debug)]
pub struct Status {
    pub in_force: Release,
    pub trial: Option<Release>,
    /// Those that somebody may approve now.
    pub proposed: Vec<Release>,
    pub engine: FlowsView,
    pub approval: bool,
    pub folder: PathBuf,
    /// How the folder of drafts differs from what is in force.
    pub folder_differs: Option<String>,
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Release(ReleaseId),
    Folder,
}

impl Desk {
    /// The engine has been told of `held` already.
    pub fn new(store: Store, engine: EngineHandle, clock: Clock, held: Held) -> Desk {
        let seen = watch::Sender::new(Seen::of(&held));
        Desk(Arc::new(Room { store, engine, clock, held: Mutex::new(held), seen }))
    }

    /// The folder comes into force, or on trial, or is proposed where two must agree.
    pub async fn publish(&self, wish: Wish) -> Result<Done, Refused> {
        let seen = wish.base.unwrap_or(self.seen().in_force.release);
        let desk = self.clone();
        wholly(async move { desk.publish_now(wish, seen).await }).await
    }

    /// A proposed release comes into force, or on trial. `user` is not its author.
    pub async fn approve(&self, user: String, release: ReleaseId) -> Result<Done, Refused> {
        let desk = self.clone();
        wholly(async move { desk.approve_now(user, release).await }).await
    }

    /// What was in force before is again, or `to`, as a release of its own; a trial ends. One person is enough, also where two
    /// must agree: what was in force had been agreed to, and at night there is one.
    pub async fn roll_back(
        &self,
        user: String,
        to: Option<ReleaseId>,
        comment: Option<String>,
    ) -> Result<Done, Refused> {
        let desk = self.clone();
        wholly(async move { desk.roll_back_now(user, to, comment).await }).await
    }

    /// The release on trial comes into force.
    pub async fn promote(&self) -> Result<Done, Refused> {
        let desk = self.clone();
        wholly(async move { desk.promote_now().await }).await
    }

    /// The trial ends; calls that took the release keep it.
    pub async fn abort(&self, user: String) -> Result<Done, Refused> {
        let desk = self.clone();
        wholly(async move { desk.abort_now(user).await }).await
    }

    /// A configuration read anew takes effect with its prompts, and the folder with it if nobody has to agree, nothing is on
    /// trial, and it is not something that was left behind: a reload for a new agent must not undo a rollback.
    ///
    /// # Errors
    /// The flows do not fit the configuration: both stay as they were.
    pub async fn reload(&self, config: Arc<Config>, library: Arc<Library>) -> Result<Folder, Refused> {
        let desk = self.clone();
        wholly(async move { desk.reload_now(config, library).await }).await
    }

    async fn publish_now(&self, wish: Wish, seen: ReleaseId) -> Result<Done, Refused> {
        let mut held = self.begin().await?;
        let now = held.in_force.row.release;
        if now != seen {
            return Err(Refused::Overtaken { seen, now, author: held.in_force.row.author.clone() });
        }
        self.nothing_on_trial(&held)?;
        if wish.percent.is_some_and(|percent| !(1..=99).contains(&percent)) {
            return Err(Refused::Percent);
        }
        let comment = comment(&wish.comment)?;
        let draft = read_folder(&held.config).await?;
        let changed = held.in_force.draft.changed(&draft);
        if changed.is_empty() {
            return Err(Refused::NoChange(now));
        }
        let folder = held.config.flows.clone();
        let proof = proven(&draft, folder, (&held.config, &held.library), true).await?;
        let proposed = held.config.publishing.approval && wish.origin == Origin::Publish;
        if !proposed {
            broadcast::said(&self.0.engine, &proof.flows, &held.library).await?;
        }
        let standing = match wish.percent {
            _ if proposed => Standing::Proposed,
            Some(_) => Standing::OnTrial,
            None => Standing::InForce,
        };
        let new = NewRelease {
            at: self.0.clock.now(),
            author: wish.author,
            comment,
            origin: wish.origin,
            again: None,
            standing,
            percent: wish.percent,
        };
        let moves = replaced(&held, standing);
        let row = self.store_new(&held, moves, &new, &draft).await?;
        let issue = Issue { row: row.clone(), draft, flows: proof.flows };
        let note = self.place_issue(&mut held, issue);
        self.tell_engine(&held, note).await?;
        Ok(Done { release: row, changed, warnings: rendered(&proof.warnings), tests: proof.tests })
    }

    async fn approve_now(&self, user: String, release: ReleaseId) -> Result<Done, Refused> {
        let mut held = self.begin().await?;
        let row = self.0.store.release(release).await?.ok_or(Refused::NoSuchRelease(release))?;
        if row.standing != Standing::Proposed {
            return Err(Refused::NotProposed { release, standing: row.standing });
        }
        if row.author == user {
            return Err(Refused::SamePerson(release));
        }
        let now = held.in_force.row.release;
        let parent = row.parent.unwrap_or_default();
        if parent != now {
            return Err(Refused::Stale { release, parent, now });
        }
        self.nothing_on_trial(&held)?;
        let draft = Draft::of(self.0.store.release_files(release).await?);
        let proof = proven(&draft, place(release), (&held.config, &held.library), true).await?;
        broadcast::said(&self.0.engine, &proof.flows, &held.library).await?;
        let standing = if row.percent.is_some() { Standing::OnTrial } else { Standing::InForce };
        let mut moves = replaced(&held, standing);
        moves.push((release, standing));
        let change = Change { seen: held.current(), moves, approved: Some((release, &user)), new: None };
        self.change(&held, &change).await?;
        let row = Release { standing, approved_by: Some(user), ..row };
        let changed = held.in_force.draft.changed(&draft);
        let note = self.place_issue(&mut held, Issue { row: row.clone(), draft, flows: proof.flows });
        self.tell_engine(&held, note).await?;
        Ok(Done { release: row, changed, warnings: rendered(&proof.warnings), tests: proof.tests })
    }

    async fn roll_back_now(
        &self,
        user: String,
        to: Option<ReleaseId>,
        said: Option<String>,
    ) -> Result<Done, Refused> {
        let mut held = self.begin().await?;
        let now = &held.in_force.row;
        let to = match to {
            Some(to) => to,
            // A second step back goes on from where the first has led.
            None => {
                let from = now.again.unwrap_or(now.release);
                self.0.store.release_before(from).await?.ok_or(Refused::NothingBefore)?
            }
        };
        if to == now.release || now.again == Some(to) {
            return Err(Refused::InForce(to));
        }
        let old = self.0.store.release(to).await?.ok_or(Refused::NoSuchRelease(to))?;
        if old.standing != Standing::Replaced {
            return Err(Refused::NeverInForce(to));
        }
        if old.content == now.content {
            return Err(Refused::InForce(to));
        }
        let draft = Draft::of(self.0.store.release_files(to).await?);
        let proof = proven(&draft, place(to), (&held.config, &held.library), false).await?;
        let unsaid = broadcast::warning(&self.0.engine, &proof.flows, &held.library).await?;
        let new = NewRelease {
            at: self.0.clock.now(),
            author: user,
            comment: comment(&said.unwrap_or_else(|| format!("back to release {to}")))?,
            origin: Origin::Rollback,
            again: Some(to),
            standing: Standing::InForce,
            percent: None,
        };
        let mut moves = replaced(&held, Standing::InForce);
        moves.extend(held.trial.as_ref().map(|trial| (trial.row.release, Standing::Aborted)));
        let row = self.store_new(&held, moves, &new, &draft).await?;
        let changed = held.in_force.draft.changed(&draft);
        held.trial = None;
        let note = self.place_issue(&mut held, Issue { row: row.clone(), draft, flows: proof.flows });
        self.tell_engine(&held, note).await?;
        let warnings = rendered(&proof.warnings) + &unsaid;
        Ok(Done { release: row, changed, warnings, tests: 0 })
    }

    async fn promote_now(&self) -> Result<Done, Refused> {
        let mut held = self.begin().await?;
        let trial = held.trial.clone().ok_or(Refused::NoTrial)?;
        broadcast::said(&self.0.engine, &trial.flows, &held.library).await?;
        let mut moves = replaced(&held, Standing::InForce);
        moves.push((trial.row.release, Standing::InForce));
        let change = Change { seen: held.current(), moves, ..Change::default() };
        self.change(&held, &change).await?;
        let row = Release { standing: Standing::InForce, ..trial.row.clone() };
        let changed = held.in_force.draft.changed(&trial.draft);
        held.trial = None;
        let note = self.place_issue(&mut held, Issue { row: row.clone(), ..trial });
        self.tell_engine(&held, note).await?;
        Ok(Done { release: row, changed, warnings: String::new(), tests: 0 })
    }

    async fn abort_now(&self, user: String) -> Result<Done, Refused> {
        let mut held = self.begin().await?;
        let trial = held.trial.clone().ok_or(Refused::NoTrial)?;
        let release = trial.row.release;
        let moves = vec![(release, Standing::Aborted)];
        self.change(&held, &Change { seen: held.current(), moves, ..Change::default() }).await?;
        let changed = held.in_force.draft.changed(&trial.draft);
        held.trial = None;
        self.tell_engine(&held, What::CanaryAborted { release, author: user }).await?;
        let row = Release { standing: Standing::Aborted, ..trial.row };
        Ok(Done { release: row, changed, warnings: String::new(), tests: 0 })
    }

    async fn reload_now(&self, config: Arc<Config>, library: Arc<Library>) -> Result<Folder, Refused> {
        let mut held = self.begin().await?;
        let draft = read_folder(&config).await?;
        let ground = (&config, &library);
        let mut note = None;
        let folder = match self.why_not_taken(&held, &config, &draft).await? {
            None => {
                let proof = proven(&draft, config.flows.clone(), ground, true).await?;
                let new = NewRelease {
                    at: self.0.clock.now(),
                    author: "reload".to_owned(),
                    comment: "the folder, with the configuration read anew".to_owned(),
                    origin: Origin::Reload,
                    again: None,
                    standing: Standing::InForce,
                    percent: None,
                };
                let moves = replaced(&held, Standing::InForce);
                let row = self.store_new(&held, moves, &new, &draft).await?;
                let release = row.release;
                note = Some(self.place_issue(&mut held, Issue { row, draft, flows: proof.flows }));
                Folder::Published(release)
            }
            Some(why) => {
                // All that calls may take must fit, before anything is changed.
                let in_force = &held.in_force;
                let flows = proven(&in_force.draft, place(in_force.row.release), ground, false).await?.flows;
                let trial = match &held.trial {
                    Some(trial) => {
                        Some(proven(&trial.draft, place(trial.row.release), ground, false).await?.flows)
                    }
                    None => None,
                };
                held.in_force.flows = flows;
                if let (Some(trial), Some(flows)) = (&mut held.trial, trial) {
                    trial.flows = flows;
                }
                why
            }
        };
        held.config = Arc::clone(&config);
        held.library = Arc::clone(&library);
        let world = World { config, flows: held.in_force.flows.clone(), library };
        self.0.engine.put(Input::Configure(Box::new(world))).await?;
        self.put(&held, note).await?;
        Ok(folder)
    }

    /// Nothing: a reload takes the folder.
    async fn why_not_taken(
        &self,
        held: &Held,
        config: &Config,
        draft: &Draft,
    ) -> Result<Option<Folder>, Refused> {
        let not = |why: String| Ok(Some(Folder::NotTaken(why)));
        if held.in_force.draft == *draft {
            return Ok(Some(Folder::Same));
        }
        if config.publishing.approval {
            return not("publishing needs approval: hotline flows publish".to_owned());
        }
        if let Some(trial) = &held.trial {
            return not(format!("release {} is on trial", trial.row.release));
        }
        match self.0.store.release_left(&draft.content()).await? {
            Some(left) => not(format!(
                "it holds what release {left} had, which was left behind: hotline flows publish takes it all the same"
            )),
            None => Ok(None),
        }
    }

    // What every order does.

    /// Waits for the turn, and learns of a trial that the engine has ended meanwhile.
    async fn begin(&self) -> Result<MutexGuard<'_, Held>, Refused> {
        let mut held = self.0.held.lock().await;
        self.learn(&mut held).await?;
        Ok(held)
    }

    async fn learn(&self, held: &mut Held) -> Result<(), Refused> {
        if let Some(trial) = &held.trial {
            let release = trial.row.release;
            let running = self.view().await?.trial.map(|trial| trial.release);
            if running != Some(release) {
                let moves = vec![(release, Standing::TakenBack)];
                self.change(held, &Change { seen: held.current(), moves, ..Change::default() }).await?;
                held.trial = None;
                self.0.seen.send_replace(Seen::of(held));
            }
        }
        Ok(())
    }

    /// What is in force; whoever only looks does not wait for an order under way.
    async fn look(&self) -> Result<Arc<Seen>, Refused> {
        let desk = self.clone();
        let learned = async move {
            match desk.0.held.try_lock() {
                Ok(mut held) => desk.learn(&mut held).await,
                Err(_) => Ok(()),
            }
        };
        wholly(learned).await?;
        Ok(self.seen())
    }

    fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.0.seen.borrow())
    }

    async fn view(&self) -> Result<FlowsView, Refused> {
        match self.0.engine.ask(Ask::Flows).await? {
            Answer::Flows(view) => Ok(*view),
            _ => Err(Refused::Ours),
        }
    }

    fn nothing_on_trial(&self, held: &Held) -> Result<(), Refused> {
        held.trial.as_ref().map_or(Ok(()), |trial| Err(Refused::OnTrial(trial.row.release)))
    }

    async fn change(&self, held: &Held, change: &Change<'_>) -> Result<Option<ReleaseId>, Refused> {
        match self.0.store.change_releases(change).await? {
            Changed::Done(release) => Ok(release),
            Changed::Overtaken(current) => {
                let (seen, now) = (held.in_force.row.release, current.in_force.unwrap_or_default());
                Err(Refused::Overtaken { seen, now, author: "another server".to_owned() })
            }
        }
    }

    async fn store_new(
        &self,
        held: &Held,
        moves: Vec<(ReleaseId, Standing)>,
        new: &NewRelease,
        draft: &Draft,
    ) -> Result<Release, Refused> {
        let new = Some((new, draft.files()));
        let change = Change { seen: held.current(), moves, approved: None, new };
        let release = self.change(held, &change).await?.ok_or(Refused::Ours)?;
        self.0.store.release(release).await?.ok_or(Refused::NoSuchRelease(release))
    }

    /// Puts an issue where its standing says; what the journal says of it.
    fn place_issue(&self, held: &mut Held, issue: Issue) -> What {
        let row = issue.row.clone();
        match row.standing {
            Standing::OnTrial => held.trial = Some(issue),
            Standing::InForce => held.in_force = issue,
            _ => {
                let Release { release, author, comment, .. } = row;
                return What::FlowsProposed { release, author, comment };
            }
        }
        published(&row)
    }

    /// Returns when it has taken effect.
    async fn tell_engine(&self, held: &Held, note: What) -> Result<(), Refused> {
        self.put(held, Some(note)).await
    }

    async fn put(&self, held: &Held, note: Option<What>) -> Result<(), Refused> {
        self.0.engine.put(Input::Publish(Box::new(held.publication(note)))).await?;
        self.view().await?;
        self.0.seen.send_replace(Seen::of(held));
        Ok(())
    }

    // What is asked.

    pub async fn status(&self) -> Result<Status, Refused> {
        let seen = self.look().await?;
        let (approval, folder) = (seen.config.publishing.approval, seen.config.flows.clone());
        let folder_differs = match try_folder(&seen.config).await? {
            Err(error) => Some(error.to_string()),
            Ok(now) => {
                let changed = seen.draft.changed(&now);
                (!changed.is_empty()).then(|| changed.join(", "))
            }
        };
        let all = self.0.store.releases(LISTED).await?;
        let waits =
            |row: &Release| row.standing == Standing::Proposed && row.parent == Some(seen.in_force.release);
        let proposed = all.into_iter().filter(waits).collect();
        let engine = self.view().await?;
        // Which the engine has ended while an order is under way.
        let running = engine.trial.map(|trial| trial.release);
        let trial = seen.trial.clone().filter(|trial| running == Some(trial.release));
        let in_force = seen.in_force.clone();
        Ok(Status { in_force, trial, proposed, engine, approval, folder, folder_differs })
    }

    /// The newest first.
    pub async fn list(&self) -> Result<Vec<Release>, Refused> {
        self.look().await?;
        Ok(self.0.store.releases(LISTED).await?)
    }

    pub async fn one(&self, release: ReleaseId) -> Result<(Release, Draft), Refused> {
        let row = self.0.store.release(release).await?.ok_or(Refused::NoSuchRelease(release))?;
        Ok((row, Draft::of(self.0.store.release_files(release).await?)))
    }

    /// What is different; left out, from what is in force to the folder.
    pub async fn difference(
        &self,
        from: Option<Side>,
        to: Option<Side>,
    ) -> Result<Vec<FileDifference>, Refused> {
        let in_force = self.seen().in_force.release;
        let (from, old) = self.side(from.unwrap_or(Side::Release(in_force))).await?;
        let (to, new) = self.side(to.unwrap_or(Side::Folder)).await?;
        apart(move || between((&from, &old), (&to, &new))).await
    }

    async fn side(&self, side: Side) -> Result<(String, Draft), Refused> {
        match side {
            Side::Release(release) => Ok((place(release).display().to_string(), self.one(release).await?.1)),
            Side::Folder => Ok(("folder".to_owned(), read_folder(&self.seen().config).await?)),
        }
    }

    /// Learns of trials that the engine ends, as long as the engine lives.
    pub async fn follow(self) {
        let mut happened = self.0.engine.listen();
        loop {
            match happened.recv().await {
                Ok(event) if !matches!(event.what, What::CanaryTakenBack { .. }) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => {
                    let desk = self.clone();
                    let learned = wholly(async move { desk.begin().await.map(drop) }).await;
                    if let Err(error) = learned {
                        tracing::error!(%error, "the store could not be told that a trial is over");
                    }
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// The folder as it is now, with the server as author, if it differs; for a demo that starts.
    pub async fn take_folder(&self) -> Result<Done, Refused> {
        let comment = "the folder as it was found".to_owned();
        let (author, origin) = (SERVER.to_owned(), Origin::Watch);
        self.publish(Wish { author, comment, origin, percent: None, base: None }).await
    }
}

/// Goes on when who asked waits no more: the store's connection must not be left within a transaction, nor the engine untold.
async fn wholly<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refused>> + Send + 'static,
) -> Result<T, Refused> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "an order about flows failed");
        Err(Refused::Ours)
    })
}

/// Where the release in force goes when another takes this standing.
fn replaced(held: &Held, standing: Standing) -> Vec<(ReleaseId, Standing)> {
    let old = (held.in_force.row.release, Standing::Replaced);
    if standing == Standing::InForce { vec![old] } else { Vec::new() }
}

fn comment(said: &str) -> Result<String, Refused> {
    let said = said.trim();
    let good = !said.is_empty() && said.chars().count() <= COMMENT && !said.chars().any(char::is_control);
    if good { Ok(said.to_owned()) } else { Err(Refused::Comment) }
}

fn rendered(warnings: &[crate::diagnostic::Diagnostic]) -> String {
    crate::diagnostic::render_all(warnings)
}
