//! `hotline profile`: what is remembered of callers, on a running server.

use hyper::Method;

use super::args::Forget;
use super::calls::print_json;
use super::remote::{Remote, Reply};
use super::{CannotRun, Exit, print};

pub(super) fn forget(args: &Forget) -> Result<Exit, CannotRun> {
    let good = |symbol: char| symbol.is_ascii_alphanumeric() || matches!(symbol, '+' | '-' | '.' | '_');
    if args.number.is_empty() || !args.number.chars().all(good) {
        return Err(CannotRun(format!("`{}` is not a telephone number", args.number)));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CannotRun::because("no runtime", error))?;
    runtime.block_on(async {
        let remote = Remote::log_in(&args.server).await?;
        // A plus in a path is a plus, and no space.
        let reply = remote.ask(Method::DELETE, &format!("/api/v1/profiles/{}", args.number), None).await?;
        remote.log_out().await;
        match reply {
            Reply::Done(_) if args.server.json => print_json(&serde_json::json!({ "forgotten": true })),
            Reply::Done(_) => {
                print::line("Nothing is remembered of this number any more.");
                Ok(Exit::Fine)
            }
            Reply::Refused(why) => {
                eprintln!("hotline: {why}");
                Ok(Exit::Bad)
            }
        }
    })
}
