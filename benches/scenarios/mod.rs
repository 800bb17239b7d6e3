//! What the benchmark does: one module a kind of work, each with the promises it checks.

pub mod bridge;
pub mod menus;
pub mod mixer;
pub mod prompts;
pub mod recorded;
pub mod relay;
pub mod setup;
pub mod sipp;
pub mod srtp;
pub mod stall;
pub mod transcode;

use std::net::SocketAddr;
use std::time::Duration;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Length of a window of measurement.
    pub window: Duration,
    pub repeat: usize,
    /// Calls a second while they are set up.
    pub rate: u64,
    /// Calls a second that the server is set to take.
    pub limit: u32,
    /// Other loads than usual.
    pub loads: Option<Vec<usize>>,
    /// Only these subjects, by parts of their names.
    pub only: Vec<String>,
    /// Another server, and the number to call there.
    pub against: Option<(SocketAddr, String)>,
    pub quick: bool,
}

impl Wish {
    pub fn loads(&self, usual: &[usize]) -> Vec<usize> {
        self.loads.clone().filter(|loads| !loads.is_empty()).unwrap_or_else(|| usual.to_vec())
    }

    pub fn wants(&self, subject: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| subject.contains(part.as_str()))
    }
}
