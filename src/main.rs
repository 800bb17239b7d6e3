//! Arguments in, exit code out; everything else is in the library.

use std::process::ExitCode;

use clap::Parser as _;
use hotline::cli::{self, args::Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse().command).into()
}
