//! What is in force, as the desk holds it: each release with its flows compiled for the present configuration and prompts.

use std::path::PathBuf;
use std::sync::Arc;

use super::Refused;
use super::draft::{Draft, DraftError};
use super::proof::{Proven, check, prove};
use crate::config::Config;
use crate::diagnostic::{Diagnostic, render_all};
use crate::engine::happened::{Origin, Published, What};
use crate::engine::releases::{Publication, Trial};
use crate::ids::ReleaseId;
use crate::ivr::Flows;
use crate::media::prompts::Library;
use crate::moment::Moment;
use crate::store::Store;
use crate::store::releases::{Change, Changed, Current, NewRelease, Release, Standing};

/// Who is named as the author of what the server does by itself.
pub(super) const SERVER: &str = "server";

/// A release with its flows.
#[derive(Clone, Debug)]
pub(super) struct Issue {
    pub row: Release,
    pub draft: Draft,
    pub flows: Flows,
}

/// Everything in force.
#[derive(Debug)]
pub struct Held {
    pub(super) config: Arc<Config>,
    pub(super) library: Arc<Library>,
    pub(super) in_force: Issue,
    pub(super) trial: Option<Issue>,
    /// What the author of what is in force should hear, at start.
    warnings: Vec<Diagnostic>,
}

/// What is in force and on trial, as the last order left it.
pub(super) struct Seen {
    pub config: Arc<Config>,
    pub in_force: Release,
    pub draft: Draft,
    pub trial: Option<Release>,
}

impl Seen {
    pub fn of(held: &Held) -> Arc<Seen> {
        Arc::new(Seen {
            config: Arc::clone(&held.config),
            in_force: held.in_force.row.clone(),
            draft: held.in_force.draft.clone(),
            trial: held.trial.as_ref().map(|trial| trial.row.clone()),
        })
    }
}

/// Where the files of a release are said to stand.
pub(super) fn place(release: ReleaseId) -> PathBuf {
    PathBuf::from(format!("release-{release}"))
}

/// Checks away from the thread that serves.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "flows could not be read, checked or compared");
        Refused::Ours
    })
}

/// The folder of drafts as it is now.
pub(super) async fn read_folder(config: &Arc<Config>) -> Result<Draft, Refused> {
    Ok(try_folder(config).await??)
}

/// The same for who wants to tell in a line why it cannot be read.
pub(super) async fn try_folder(config: &Arc<Config>) -> Result<Result<Draft, DraftError>, Refused> {
    let config = Arc::clone(config);
    apart(move || Draft::read(&config.flows)).await
}

/// Checks, and performs the tests if `tests`.
pub(super) async fn proven(
    draft: &Draft,
    place: PathBuf,
    (config, library): (&Arc<Config>, &Arc<Library>),
    tests: bool,
) -> Result<Proven, Refused> {
    let (draft, config, library) = (draft.clone(), Arc::clone(config), Arc::clone(library));
    let way = if tests { prove } else { check };
    Ok(apart(move || way(&draft, &place, &config, &library)).await??)
}

impl Held {
    /// What is in force when a server starts: what was, or on the first start the folder. A release that does not fit the
    /// configuration any more gives way to the folder if that does, unless two must agree: a server that does not start
    /// is the worse harm.
    ///
    /// # Errors
    /// Neither can be used.
    pub async fn open(
        store: &Store,
        config: Arc<Config>,
        library: Arc<Library>,
        now: Moment,
    ) -> Result<Held, Refused> {
        let current = store.current_releases().await?;
        let ground = (&config, &library);
        let Some(in_force) = current.in_force else {
            let comment = "the folder as it was found at the first start";
            let (in_force, warnings) =
                found(store, ground, now, (Origin::FirstStart, comment), current).await?;
            return Ok(Held { config, library, in_force, trial: None, warnings });
        };
        let kept = issue(store, ground, in_force).await;
        let (in_force, warnings) = match kept {
            Err(Refused::Proof(failure)) if !config.publishing.approval => {
                let comment = format!("release {in_force} does not fit the configuration");
                match found(store, ground, now, (Origin::Reload, &comment), current).await {
                    Ok((issue, warnings)) => {
                        tracing::warn!("{comment}: the folder is published as release {}", issue.row.release);
                        return Ok(Held { config, library, in_force: issue, trial: None, warnings });
                    }
                    Err(_) => return Err(Refused::Proof(failure)),
                }
            }
            kept => kept?,
        };
        let trial = match current.on_trial {
            None => None,
            Some(release) => match issue(store, ground, release).await {
                Ok((issue, _)) => Some(issue),
                Err(error) => {
                    tracing::warn!("the trial of release {release} is over: {error}");
                    let moves = vec![(release, Standing::Aborted)];
                    store.change_releases(&Change { seen: current, moves, ..Change::default() }).await?;
                    None
                }
            },
        };
        Ok(Held { config, library, in_force, trial, warnings })
    }

    pub(super) fn current(&self) -> Current {
        let on_trial = self.trial.as_ref().map(|trial| trial.row.release);
        Current { in_force: Some(self.in_force.row.release), on_trial }
    }

    /// For the journal of a server that starts.
    pub fn in_force(&self) -> What {
        let trial = self.trial.as_ref().map(|trial| trial.row.release);
        What::FlowsInForce { release: self.in_force.row.release, trial }
    }

    /// What the engine is told.
    pub fn publication(&self, note: Option<What>) -> Publication {
        let trial = self.trial.as_ref().map(|issue| Trial {
            release: issue.row.release,
            flows: issue.flows.clone(),
            library: Arc::clone(&self.library),
            percent: issue.row.percent.unwrap_or(0),
        });
        Publication {
            release: self.in_force.row.release,
            flows: self.in_force.flows.clone(),
            trial,
            note: note.map(Box::new),
        }
    }

    /// What the log of a server that starts says of its flows.
    pub fn tell_operator(&self) {
        let release = self.in_force.row.release;
        tracing::info!("flows: release {release} is in force, by {}", self.in_force.row.author);
        if !self.warnings.is_empty() {
            tracing::warn!("flows: release {release}:\n{}", render_all(&self.warnings));
        }
        if let Some(trial) = &self.trial {
            tracing::warn!("flows: release {} is on trial", trial.row.release);
        }
        let folder = self.config.flows.display();
        match Draft::read(&self.config.flows) {
            Err(error) => tracing::warn!("flows: the folder of drafts cannot be used: {error}"),
            Ok(draft) => {
                let changed = self.in_force.draft.changed(&draft);
                if !changed.is_empty() {
                    tracing::warn!(
                        "flows: {folder} differs from release {release}, which calls take: {}; see hotline flows diff",
                        changed.join(", ")
                    );
                }
            }
        }
    }
}

/// What the journal says of a release that came into force or on trial.
pub(super) fn published(row: &Release) -> What {
    What::FlowsPublished(Box::new(Published {
        release: row.release,
        origin: row.origin,
        author: row.author.clone(),
        comment: row.comment.clone(),
        parent: row.parent,
        approved_by: row.approved_by.clone(),
        percent: row.percent.filter(|_| row.standing == Standing::OnTrial),
    }))
}

/// A release from the store, compiled.
async fn issue(
    store: &Store,
    ground: (&Arc<Config>, &Arc<Library>),
    release: ReleaseId,
) -> Result<(Issue, Vec<Diagnostic>), Refused> {
    let row = store.release(release).await?.ok_or(Refused::NoSuchRelease(release))?;
    let draft = Draft::of(store.release_files(release).await?);
    let Proven { flows, warnings, .. } = proven(&draft, place(release), ground, false).await?;
    Ok((Issue { row, draft, flows }, warnings))
}

/// The folder as a release in force, in the place of all that was.
async fn found(
    store: &Store,
    ground: (&Arc<Config>, &Arc<Library>),
    now: Moment,
    (origin, comment): (Origin, &str),
    current: Current,
) -> Result<(Issue, Vec<Diagnostic>), Refused> {
    let draft = read_folder(ground.0).await?;
    let Proven { flows, warnings, .. } = proven(&draft, ground.0.flows.clone(), ground, false).await?;
    let new = NewRelease {
        at: now,
        author: SERVER.to_owned(),
        comment: comment.to_owned(),
        origin,
        again: None,
        standing: Standing::InForce,
        percent: None,
    };
    let old = current.in_force.map(|old| (old, Standing::Replaced));
    let moves = old.into_iter().chain(current.on_trial.map(|trial| (trial, Standing::Aborted))).collect();
    let change = Change { seen: current, moves, approved: None, new: Some((&new, draft.files())) };
    // The data folder is locked: there is nobody else.
    let Changed::Done(Some(release)) = store.change_releases(&change).await? else {
        return Err(Refused::Ours);
    };
    let row = store.release(release).await?.ok_or(Refused::NoSuchRelease(release))?;
    Ok((Issue { row, draft, flows }, warnings))
}
