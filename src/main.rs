//! Arguments in, exit code out; everything else is in the library.

mod wipe;

use std::process::ExitCode;

use clap::Parser as _;
use hotline::cli::{self, args::Cli};

#[global_allocator]
static ALLOCATOR: wipe::Wiping = wipe::Wiping;

fn main() -> ExitCode {
    cli::run(Cli::parse().command).into()
}
