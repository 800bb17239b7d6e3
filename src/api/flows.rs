//! Releases of the flows: how things stand, what is different, and the orders by which flows come into force.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::{ApiError, ErrorBody};
use super::named::Named;
use super::role::Right;
use super::who::Who;
use crate::engine::canary;
use crate::engine::happened::Origin;
use crate::engine::staff::Ask;
use crate::ids::ReleaseId;
use crate::publishing::Refused;
use crate::publishing::desk::{Done, Side, Status, Wish};
use crate::publishing::difference::FileDifference;
use crate::publishing::proof::Failure;
use crate::store::releases::{self, origin_word};

/// A release of the flows.
#[derive(Serialize, ToSchema)]
pub struct Release {
    release: u64,
    at: u64,
    author: String,
    comment: String,
    /// What was in force when it was made.
    parent: Option<u64>,
    /// `first_start`, `publish`, `rollback`, `reload` or `watch`.
    origin: String,
    /// For a rollback: whose content it has again.
    again: Option<u64>,
    /// `proposed`, `on_trial`, `in_force`, `replaced`, `aborted` or `taken_back`.
    standing: String,
    approved_by: Option<String>,
    /// The share of the calls that took it on trial, or shall.
    percent: Option<u8>,
}

impl From<releases::Release> for Release {
    fn from(row: releases::Release) -> Release {
        Release {
            release: row.release.0,
            at: row.at.as_micros(),
            author: row.author,
            comment: row.comment,
            parent: row.parent.map(|parent| parent.0),
            origin: origin_word(row.origin).to_owned(),
            again: row.again.map(|again| again.0),
            standing: row.standing.word().to_owned(),
            approved_by: row.approved_by,
            percent: row.percent,
        }
    }
}

/// What became of the calls that took a release.
#[derive(Serialize, ToSchema)]
pub struct Tally {
    /// Calls that have ended.
    calls: u64,
    /// Of these, those whose caller hung up in the menu or a queue.
    abandoned: u64,
    /// Those in which a request to a host, a transfer or the flow itself failed.
    failed: u64,
}

impl From<canary::Tally> for Tally {
    fn from(tally: canary::Tally) -> Tally {
        let canary::Tally { calls, abandoned, failed } = tally;
        Tally { calls, abandoned, failed }
    }
}

/// A release on trial.
#[derive(Serialize, ToSchema)]
pub struct OnTrial {
    release: Release,
    /// Since when it is counted: the trial's begin, or the server's.
    since: Option<u64>,
    new: Option<Tally>,
    /// Of the release in force, in the same time.
    old: Option<Tally>,
}

/// Calls under way that took a release.
#[derive(Serialize, ToSchema)]
pub struct CallsTaking {
    release: u64,
    calls: usize,
}

/// How things stand.
#[derive(Serialize, ToSchema)]
pub struct Flows {
    in_force: Release,
    on_trial: Option<OnTrial>,
    /// Releases that wait for another admin to approve them.
    proposed: Vec<Release>,
    calls: Vec<CallsTaking>,
    /// Two admins are needed to publish.
    approval: bool,
    /// The folder of drafts.
    folder: String,
    /// How it differs from what is in force: files, or why it cannot be read.
    folder_differs: Option<String>,
}

impl From<Status> for Flows {
    fn from(status: Status) -> Flows {
        let view = status.engine.trial;
        let on_trial = status.trial.map(|release| OnTrial {
            release: release.into(),
            since: view.map(|view| view.since.as_micros()),
            new: view.map(|view| view.new.into()),
            old: view.map(|view| view.old.into()),
        });
        let calls = status.engine.calls.into_iter();
        Flows {
            in_force: status.in_force.into(),
            on_trial,
            proposed: status.proposed.into_iter().map(Release::from).collect(),
            calls: calls.map(|(release, calls)| CallsTaking { release: release.0, calls }).collect(),
            approval: status.approval,
            folder: status.folder.display().to_string(),
            folder_differs: status.folder_differs,
        }
    }
}

/// Which releases are in force and on trial, what waits for approval, and whether the folder of drafts differs.
#[utoipa::path(get, path = "/api/v1/flows", tag = "flows", responses(
    (status = 200, body = Flows),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
))]
pub async fn status(State(app): State<App>, who: Who) -> Result<Json<Flows>, ApiError> {
    who.must(Right::SeeFlows)?;
    Ok(Json(app.doors.desk.status().await.map_err(plain)?.into()))
}

#[derive(Serialize, ToSchema)]
pub struct Releases {
    releases: Vec<Release>,
}

/// All releases, the newest first, at most a thousand.
#[utoipa::path(get, path = "/api/v1/flows/releases", tag = "flows", responses(
    (status = 200, body = Releases),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
))]
pub async fn list(State(app): State<App>, who: Who) -> Result<Json<Releases>, ApiError> {
    who.must(Right::SeeFlows)?;
    let releases = app.doors.desk.list().await.map_err(plain)?;
    Ok(Json(Releases { releases: releases.into_iter().map(Release::from).collect() }))
}

#[derive(Serialize, ToSchema)]
pub struct File {
    name: String,
    text: String,
}

/// A release with its files.
#[derive(Serialize, ToSchema)]
pub struct WholeRelease {
    release: Release,
    files: Vec<File>,
}

/// One release, with the text of its files.
#[utoipa::path(get, path = "/api/v1/flows/releases/{release}", tag = "flows", params(("release" = String, Path)),
    responses(
    (status = 200, body = WholeRelease),
    (status = 400, body = ErrorBody, description = "Not a number"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such release"),
))]
pub async fn one(
    State(app): State<App>,
    who: Who,
    Named(release): Named,
) -> Result<Json<WholeRelease>, ApiError> {
    who.must(Right::SeeFlows)?;
    let (release, draft) = app.doors.desk.one(number(&release)?).await.map_err(plain)?;
    let file = |(name, text): &(String, String)| File { name: name.clone(), text: text.clone() };
    Ok(Json(WholeRelease { release: release.into(), files: draft.files().iter().map(file).collect() }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Sides {
    /// A release, or `folder`. Default: the release in force.
    from: Option<String>,
    /// Likewise. Default: the folder.
    to: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Difference {
    files: Vec<FileDifference>,
}

/// What is different between two releases, or a release and the folder of drafts.
#[utoipa::path(get, path = "/api/v1/flows/diff", tag = "flows", params(Sides), responses(
    (status = 200, body = Difference),
    (status = 400, body = ErrorBody, description = "Neither a number nor `folder`"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such release"),
    (status = 409, body = ErrorBody, description = "The folder cannot be read"),
))]
pub async fn diff(
    State(app): State<App>,
    who: Who,
    sides: Result<Query<Sides>, QueryRejection>,
) -> Result<Json<Difference>, ApiError> {
    who.must(Right::SeeFlows)?;
    let Query(Sides { from, to }) = sides?;
    let side = |text: Option<String>| text.map(|text| side(&text)).transpose();
    let files = app.doors.desk.difference(side(from)?, side(to)?).await.map_err(plain)?;
    Ok(Json(Difference { files }))
}

fn side(text: &str) -> Result<Side, ApiError> {
    if text == "folder" { Ok(Side::Folder) } else { Ok(Side::Release(number(text)?)) }
}

fn number(text: &str) -> Result<ReleaseId, ApiError> {
    let number = text.parse().ok().filter(|number| i64::try_from(*number).is_ok());
    number.map(ReleaseId).ok_or_else(|| ApiError::Bad(format!("`{text}` is not the number of a release")))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// Why: one line.
    comment: String,
    /// On trial for this share of the calls, 1 to 99, instead of for all.
    percent: Option<u8>,
    /// The release that you believe in force: refused if it is another by now.
    base: Option<u64>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// A release that was in force once. Default: the one before.
    to: Option<u64>,
    comment: Option<String>,
}

/// What came of an order.
#[derive(Serialize, ToSchema)]
pub struct Ordered {
    release: Release,
    /// Files that differ from what was in force.
    changed: Vec<String>,
    /// What `hotline check` would warn of.
    warnings: String,
    /// Tests that passed.
    tests: usize,
}

impl From<Done> for Ordered {
    fn from(done: Done) -> Ordered {
        let Done { release, changed, warnings, tests } = done;
        Ordered { release: release.into(), changed, warnings, tests }
    }
}

/// Why flows were refused.
#[derive(Serialize, ToSchema)]
pub struct FlowsRefused {
    error: String,
    /// As `hotline check` and `hotline test` print it.
    message: String,
    /// As `hotline check --json` prints them.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<serde_json::Value>,
    /// The tests that failed, as `hotline test --json` prints them.
    #[schema(value_type = Vec<Object>)]
    tests: Vec<serde_json::Value>,
}

/// Checks the folder of drafts, performs its tests, and puts it in force as a new release, for all or a share of the calls; where
/// two must agree it is proposed.
#[utoipa::path(post, path = "/api/v1/flows/publish", tag = "flows", request_body = PublishRequest, responses(
    (status = 200, body = Ordered),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 409, body = ErrorBody, description = "Not now: nothing has changed, somebody was first, a trial runs, the broadcast that is on could not be said"),
    (status = 413, body = ErrorBody, description = "Too long"),
    (status = 422, body = FlowsRefused, description = "The flows have mistakes, or tests fail"),
    (status = 504, body = ErrorBody, description = "It takes longer than 30 s and goes on: it may still come into force; see /api/v1/flows"),
))]
pub async fn publish(
    State(app): State<App>,
    who: Who,
    body: Result<Json<PublishRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    who.must(Right::PublishFlows)?;
    let Json(PublishRequest { comment, percent, base }) = body?;
    let author = who.person.user.clone();
    let base = base.map(ReleaseId);
    let wish = Wish { author, comment, origin: Origin::Publish, percent, base };
    let desk = app.doors.desk.clone();
    order(&app, who, "publish", async move { desk.publish(wish).await }).await
}

/// Approves what another admin has proposed.
#[utoipa::path(post, path = "/api/v1/flows/releases/{release}/approve", tag = "flows",
    params(("release" = String, Path)), responses(
    (status = 200, body = Ordered),
    (status = 400, body = ErrorBody, description = "Not a number"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such release"),
    (status = 409, body = ErrorBody, description = "Your own, not proposed, another is in force by now, or the broadcast that is on could not be said"),
    (status = 422, body = FlowsRefused, description = "The flows do not fit the configuration any more"),
    (status = 504, body = ErrorBody, description = "It takes longer than 30 s and goes on: it may still come into force; see /api/v1/flows"),
))]
pub async fn approve(State(app): State<App>, who: Who, Named(release): Named) -> Result<Response, ApiError> {
    who.must(Right::PublishFlows)?;
    let (desk, user, release) = (app.doors.desk.clone(), who.person.user.clone(), number(&release)?);
    order(&app, who, "approve", async move { desk.approve(user, release).await }).await
}

/// Puts the content of an earlier release in force again, as a new one. A trial ends.
#[utoipa::path(post, path = "/api/v1/flows/rollback", tag = "flows", request_body = RollbackRequest, responses(
    (status = 200, body = Ordered),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such release"),
    (status = 409, body = ErrorBody, description = "It was never in force, or is"),
    (status = 413, body = ErrorBody, description = "Too long"),
    (status = 422, body = FlowsRefused, description = "It does not fit the configuration any more"),
    (status = 504, body = ErrorBody, description = "It takes longer than 30 s and goes on: it may still come into force; see /api/v1/flows"),
))]
pub async fn roll_back(
    State(app): State<App>,
    who: Who,
    body: Result<Json<RollbackRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    who.must(Right::PublishFlows)?;
    let Json(RollbackRequest { to, comment }) = body?;
    let (desk, user) = (app.doors.desk.clone(), who.person.user.clone());
    let back = async move { desk.roll_back(user, to.map(ReleaseId), comment).await };
    order(&app, who, "rollback", back).await
}

/// Puts the release on trial in force for all calls.
#[utoipa::path(post, path = "/api/v1/flows/promote", tag = "flows", responses(
    (status = 200, body = Ordered),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 409, body = ErrorBody, description = "Nothing is on trial, or it could not say the broadcast that is on"),
    (status = 504, body = ErrorBody, description = "It takes longer than 30 s and goes on: it may still come into force; see /api/v1/flows"),
))]
pub async fn promote(State(app): State<App>, who: Who) -> Result<Response, ApiError> {
    who.must(Right::PublishFlows)?;
    let desk = app.doors.desk.clone();
    order(&app, who, "promote", async move { desk.promote().await }).await
}

/// Ends the trial.
#[utoipa::path(post, path = "/api/v1/flows/abort", tag = "flows", responses(
    (status = 200, body = Ordered),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 409, body = ErrorBody, description = "Nothing is on trial"),
    (status = 504, body = ErrorBody, description = "It takes longer than 30 s and goes on: it may still come into force; see /api/v1/flows"),
))]
pub async fn abort(State(app): State<App>, who: Who) -> Result<Response, ApiError> {
    who.must(Right::PublishFlows)?;
    let (desk, user) = (app.doors.desk.clone(), who.person.user.clone());
    order(&app, who, "abort", async move { desk.abort(user).await }).await
}

/// Gives an order, notes in the journal who did it, or tried, and answers. The note is made also when nobody waits for the
/// answer any more.
async fn order(
    app: &App,
    who: Who,
    word: &'static str,
    work: impl Future<Output = Result<Done, Refused>> + Send + 'static,
) -> Result<Response, ApiError> {
    let engine = app.doors.engine.clone();
    let noted = tokio::spawn(async move {
        let done = work.await;
        let outcome = done.as_ref().map_or("refused".to_owned(), |done| done.release.release.to_string());
        let action = format!("flows_{word}:{outcome}");
        engine.ask(Ask::Note { user: who.person.user, call: None, action }).await?;
        Ok::<_, ApiError>(done)
    });
    // A panic is in the log by its own words.
    let done = noted.await.map_err(|_| ApiError::Ours)??;
    match done {
        Ok(done) => Ok(Json(Ordered::from(done)).into_response()),
        Err(Refused::Proof(failure)) => Ok(refused(*failure).into_response()),
        Err(error) => Err(plain(error)),
    }
}

fn refused(failure: Failure) -> (StatusCode, Json<FlowsRefused>) {
    let tests = failure.tests.iter().filter_map(|test| serde_json::to_value(test).ok()).collect();
    let error = "flows_refused".to_owned();
    let body = FlowsRefused { error, message: failure.text, findings: failure.findings, tests };
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body))
}

fn plain(refused: Refused) -> ApiError {
    match refused {
        Refused::Stopped(_) => ApiError::Stopping,
        Refused::Store(error) => error.into(),
        Refused::Ours => ApiError::Ours,
        Refused::NoSuchRelease(release) => ApiError::NoSuchRelease(release),
        Refused::Comment | Refused::Percent => ApiError::Bad(refused.to_string()),
        other => ApiError::Conflict(other.to_string()),
    }
}
