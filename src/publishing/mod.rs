//! Publishing flows: from the folder of drafts to what callers hear, and back.
//!
//! The folder `flows` of the configuration holds drafts. A release is a numbered snapshot of all of them (`draft`), checked and
//! tested (`proof`), kept in the store for good, and put into the engine by the `desk`, the one place through which flows come
//! into force. `difference` shows what is different between two of them, `watch` publishes what the demo's user saves.

mod broadcast;
pub mod desk;
pub mod difference;
pub mod draft;
pub mod held;
pub mod proof;
mod shelf;
pub mod watch;

use crate::ids::ReleaseId;
use crate::net::engine_thread::Stopped;
use crate::store::StoreError;
use crate::store::releases::Standing;
use draft::DraftError;
use proof::Failure;

/// Symbols of a release's comment: a sentence, which lists show whole.
pub const COMMENT: usize = 200;

/// Why flows do not come into force. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("nothing to publish: these are the flows of release {0}, which is in force")]
    NoChange(ReleaseId),
    #[error(
        "release {now} by {author} came into force meanwhile; look at it (hotline flows diff {seen} {now}), then try again"
    )]
    Overtaken { seen: ReleaseId, now: ReleaseId, author: String },
    #[error("release {0} is on trial: promote or abort it first")]
    OnTrial(ReleaseId),
    #[error("no release is on trial")]
    NoTrial,
    #[error("the release in force is judged against: a share is from 1 to 99 percent")]
    Percent,
    #[error("say why, in one line of at most {COMMENT} symbols (--comment)")]
    Comment,
    #[error("you proposed release {0} yourself; another admin must approve it")]
    SamePerson(ReleaseId),
    #[error(
        "release {release} was proposed when release {parent} was in force, and now it is {now}: publish anew, so that nobody approves what they have not seen"
    )]
    Stale { release: ReleaseId, parent: ReleaseId, now: ReleaseId },
    #[error("release {release} does not wait for approval: it is {}", .standing.word().replace('_', " "))]
    NotProposed { release: ReleaseId, standing: Standing },
    #[error("there is no release {0}")]
    NoSuchRelease(ReleaseId),
    #[error("release {0} is in force already")]
    InForce(ReleaseId),
    #[error("release {0} was never in force for all calls; publish the folder instead")]
    NeverInForce(ReleaseId),
    #[error("no earlier release was in force: there is nothing to go back to")]
    NothingBefore,
    /// As `hotline check` and `hotline test` print it.
    #[error("the flows are refused:\n\n{}", .0.text)]
    Proof(Box<Failure>),
    #[error(
        "an emergency broadcast is on, and these flows cannot say it: {0}; end it first (hotline emergency stop), or give the flows what it needs"
    )]
    Unsaid(String),
    #[error(transparent)]
    Folder(DraftError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A bug; the log has the rest.
    #[error("something went wrong in the server; its log tells what")]
    Ours,
}

impl From<DraftError> for Refused {
    fn from(error: DraftError) -> Refused {
        match error {
            DraftError::Files(found) => Failure::of(&found).into(),
            error => Refused::Folder(error),
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Refused {
        Refused::Proof(Box::new(failure))
    }
}
