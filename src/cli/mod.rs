//! The commands of `hotline`: what they take, what they print, how they end.

pub mod args;
mod callbacks;
mod calls;
mod check;
mod client;
mod demo_bank;
mod dial;
mod emergency;
mod flows;
mod ground;
mod messages;
pub mod print;
mod profile;
mod recordings;
mod run;
mod schema;
mod sound;
mod speak;
mod test;
pub mod ticker;

use std::process::ExitCode;

use args::{Command, Messages, Recordings};

/// How a command ended; the numbers are part of the outside contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Fine = 0,
    /// The thing checked is bad.
    Bad = 1,
    /// A port taken, a disk full, a database gone.
    CannotRun = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not do its work: one clear line, printed after `hotline: `.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CannotRun(pub String);

impl CannotRun {
    /// What was tried, and what came of it.
    pub fn because(tried: impl std::fmt::Display, error: impl std::fmt::Display) -> CannotRun {
        CannotRun(format!("{tried}: {error}"))
    }
}

/// Runs a command to its end.
pub fn run(command: Command) -> Exit {
    let done = match command {
        Command::Demo(demo) => run::demo(demo),
        Command::Serve(serve) => run::serve(&serve),
        Command::Check(check) => check::check(&check),
        Command::Test(test) => test::test(&test),
        Command::Dial(dial) => dial::dial(&dial),
        Command::Emergency(emergency) => emergency::emergency(&emergency),
        Command::Schema(schema) => schema::print(&schema),
        Command::Flows(flows) => flows::flows(&flows),
        Command::Profile(args::Profile::Forget(forget)) => profile::forget(&forget),
        Command::Calls(calls) => calls::calls(&calls),
        Command::Messages(Messages::List(list)) => messages::list(&list),
        Command::Messages(Messages::Export(export)) => messages::export(&export),
        Command::Callbacks(callbacks) => callbacks::callbacks(&callbacks),
        Command::Recordings(Recordings::List(list)) => recordings::list(&list),
        Command::Recordings(Recordings::Export(export)) => recordings::export(&export),
        Command::Recordings(Recordings::Verify(verify)) => recordings::verify(&verify),
    };
    done.unwrap_or_else(|error| {
        eprintln!("hotline: {error}");
        Exit::CannotRun
    })
}
