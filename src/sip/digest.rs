//! Digest authentication, server side (RFC 7616, RFC 8760): SHA-256 offered first, then MD5.

use std::net::IpAddr;

use super::message::{HeaderName, Request};
use crate::moment::Moment;
use crate::rng::Rng;

/// What a user's password boils down to: H(user:realm:password) for each algorithm. Holds no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1 {
    pub sha256: [u8; 32],
    pub md5: [u8; 16],
}

impl Ha1 {
    pub fn new(user: &str, realm: &str, password: &str) -> Ha1 {
        todo!()
    }
}

impl std::fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1(..)")
    }
}

/// The outcome of looking at a request's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right for this user.
    Known { user: String },
    /// Answer 401 with these WWW-Authenticate values, best algorithm first.
    Challenge { challenges: Vec<String>, stale: bool },
    /// Too many wrong answers from this source address: answer 429-like 403? No: 503 with Retry-After,
    /// the same for known and unknown users, and never for a source whose recent answers were right.
    Throttled { retry_after_secs: u32 },
    /// The credentials cannot be read: 400.
    Malformed(&'static str),
}

/// Nonces, their counts and the throttle. Nonces carry their time of issue under a MAC, so unused ones cost no memory.
#[derive(Debug)]
pub struct Authenticator {
    // Private state belongs to this file.
}

impl Authenticator {
    pub fn new(realm: &str, rng: Rng) -> Authenticator {
        todo!()
    }

    /// `ha1_of` gives a user's secret, `None` for an unknown user (who is treated the same, in time and answer).
    pub fn check(
        &mut self,
        now: Moment,
        source: IpAddr,
        request: &Request,
        header: &HeaderName,
        ha1_of: impl Fn(&str) -> Option<Ha1>,
    ) -> Verdict {
        todo!()
    }
}
