//! `hotline profile`: what is remembered of callers, on a running server.

use hyper::Method;

use super::args::Forget;
use super::calls::print_json;
use super::{CannotRun, Exit, client, print};

pub(super) fn forget(args: &Forget) -> Result<Exit, CannotRun> {
    let path = format!("/api/v1/profiles/{}", args.number);
    let reply = client::ask(&args.server, Method::DELETE, &path, None)?;
    if !reply.is_fine() {
        eprintln!("hotline: {}", reply.message());
        return Ok(Exit::Bad);
    }
    if args.server.json {
        return print_json(&serde_json::json!({ "forgotten": true }));
    }
    print::line("Nothing is remembered of this number any more.");
    Ok(Exit::Fine)
}
