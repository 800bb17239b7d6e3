//! `hotline callbacks`: who wants to be called back, and that somebody has.

use std::path::Path;

use hyper::{Method, StatusCode};

use super::args::{self, CallbackDone};
use super::calls::{open, print_json, utc};
use super::remote::{self, Remote};
use super::{CannotRun, Exit, print};
use crate::observe::pii::Masked;
use crate::store::callbacks::Callback;

pub(super) fn callbacks(args: &args::Callbacks) -> Result<Exit, CannotRun> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CannotRun::because("no runtime", error))?;
    runtime.block_on(async {
        match &args.command {
            Some(args::CallbacksCommand::Done(done)) => mark_done(done).await,
            None => list(&args.data, args.all, args.json).await,
        }
    })
}

async fn list(data: &Path, all: bool, json: bool) -> Result<Exit, CannotRun> {
    let store = open(data).await?;
    let found = store.callbacks(all).await.map_err(|error| CannotRun(error.to_string()))?;
    if json {
        return print_json(&found);
    }
    print::line(&format!(
        "{:>8}  {:<19}  {:<14} {:<10} {:<11}  done",
        "id", "waiting since (UTC)", "number", "queue", "call"
    ));
    for wish in &found {
        print::line(&row(wish));
    }
    Ok(Exit::Fine)
}

fn row(wish: &Callback) -> String {
    let done = match (wish.done, &wish.done_by) {
        (Some(at), Some(by)) => format!("{} by {by}", utc(at)),
        _ => "-".to_owned(),
    };
    format!(
        "{:>8}  {:<19}  {:<14} {:<10} {:<11}  {done}",
        wish.id,
        utc(wish.since),
        Masked(&wish.number).to_string(),
        wish.queue.as_str(),
        wish.call.map_or_else(|| "-".to_owned(), |call| call.to_string()),
    )
}

async fn mark_done(args: &CallbackDone) -> Result<Exit, CannotRun> {
    let password = remote::password(args.password_file.as_deref())?;
    let server = Remote::login(&args.at, &args.user, &password).await?;
    let reply = server.ask(Method::POST, &format!("/api/v1/callbacks/{}/done", args.id), None).await?;
    match reply.status {
        StatusCode::NO_CONTENT if args.json => {
            print_json(&serde_json::json!({ "id": args.id, "done": true }))
        }
        StatusCode::NO_CONTENT => {
            print::line(&format!("callback {} is done", args.id));
            Ok(Exit::Fine)
        }
        _ => {
            eprintln!("hotline: {}", reply.why());
            Ok(Exit::Bad)
        }
    }
}
