//! The commands of `hotline`: what they take, what they print, how they end.

pub mod args;
mod calls;
mod check;
mod demo_bank;
mod dial;
mod emergency;
mod ground;
pub mod print;
mod profile;
mod recordings;
mod remote;
mod run;
mod sound;
mod test;
pub mod ticker;

use std::process::ExitCode;

use args::{Command, Recordings};

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
        Command::Profile(args::Profile::Forget(forget)) => profile::forget(&forget),
        Command::Calls(calls) => calls::calls(&calls),
        Command::Recordings(Recordings::List(list)) => recordings::list(&list),
        Command::Recordings(Recordings::Export(export)) => recordings::export(&export),
        Command::Recordings(Recordings::Verify(verify)) => recordings::verify(&verify),
    };
    done.unwrap_or_else(|error| {
        eprintln!("hotline: {error}");
        Exit::CannotRun
    })
}
