//! Digest authentication, server side (RFC 7616, RFC 8760): SHA-256 offered first, then MD5, unless the phone is known
//! to stumble over that (`phones`).

mod credentials;
mod nonce;
mod phones;
#[cfg(test)]
mod tests;
pub mod throttle;

use std::net::IpAddr;

use aws_lc_rs::{constant_time, digest};
use md5::Digest as _;

use self::credentials::{Algorithm, Credentials, Found};
use self::nonce::Nonces;
use self::throttle::Throttle;
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
        let text = format!("{user}:{realm}:{password}");
        Ha1 { sha256: sha256(text.as_bytes()), md5: md5(text.as_bytes()) }
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
    /// Answer 401 with these WWW-Authenticate values (407 with Proxy-Authenticate where the credentials were looked for
    /// in Proxy-Authorization), the one to use first.
    /// `wrong`: credentials were given with a good nonce and did not fit. Never told to the peer.
    Challenge { challenges: Vec<String>, stale: bool, wrong: bool },
    /// Too many wrong answers: 403 with Retry-After, alike for known and unknown users. Not 401, which asks the phone
    /// to try again at once; not 503, which sends it and every proxy to another server (RFC 3263 §4.3); and SIP's 429
    /// means something else (RFC 3892). Other users behind the same address are not affected while they answer rightly.
    Throttled { retry_after_secs: u32 },
    /// The credentials cannot be read: 400.
    Malformed(&'static str),
}

impl Verdict {
    /// Whether somebody answered wrongly, or goes on answering while slowed down for it. Credentials that are merely
    /// old, or none, are no failure.
    pub fn is_failure(&self) -> bool {
        matches!(self, Verdict::Challenge { wrong: true, .. } | Verdict::Throttled { .. })
    }
}

/// Nonces, their counts and the throttle. Nonces carry their time of issue under a MAC, so unused ones cost no memory.
#[derive(Debug)]
pub struct Authenticator {
    realm: Box<str>,
    nonces: Nonces,
    throttle: Throttle,
    /// The secret of users who do not exist: nobody knows a password that leads to it.
    nobody: Ha1,
}

impl Authenticator {
    pub fn new(realm: &str, mut rng: Rng) -> Authenticator {
        let mut nobody = Ha1 { sha256: [0; 32], md5: [0; 16] };
        rng.fill(&mut nobody.sha256);
        rng.fill(&mut nobody.md5);
        let throttle = Throttle::new(rng.fork());
        Authenticator { realm: realm.into(), nonces: Nonces::new(rng), throttle, nobody }
    }

    /// Judges the credentials in `header` (Authorization or Proxy-Authorization) of `request`, which came from `source`.
    ///
    /// `ha1_of` gives a user's secret, `None` for an unknown user (who is treated the same, in time and answer).
    pub fn check(
        &mut self,
        now: Moment,
        source: IpAddr,
        request: &Request,
        header: &HeaderName,
        ha1_of: impl Fn(&str) -> Option<Ha1>,
    ) -> Verdict {
        let credentials = match credentials::find(request, header, &self.realm) {
            Found::Ours(credentials) => credentials,
            Found::None => return self.challenge(now, source, request, Why::Asked),
            Found::Malformed(why) => return Verdict::Malformed(why),
        };
        // Before the password is looked at: else old nonces would let a guesser try without being counted, and
        // a forger of source addresses could have others throttled without ever seeing a challenge.
        let Some(stamp) = self.nonces.read(now, source, &credentials.nonce) else {
            return self.challenge(now, source, request, Why::Stale);
        };
        if let Some(wait) = self.throttle.refuses(now, source, &credentials.user) {
            return Verdict::Throttled { retry_after_secs: wait };
        }
        let known = ha1_of(&credentials.user);
        let right = matches(&credentials, request.method.as_str(), known.as_ref().unwrap_or(&self.nobody));
        // Both are always computed; that a user exists shows in no answer.
        if !(right & known.is_some()) {
            return match self.throttle.wrong(now, source, &credentials.user) {
                Some(wait) => Verdict::Throttled { retry_after_secs: wait },
                None => self.challenge(now, source, request, Why::Wrong),
            };
        }
        if !self.nonces.spend(now, stamp, credentials.count) {
            return self.challenge(now, source, request, Why::Stale);
        }
        self.throttle.right(now, source, &credentials.user);
        Verdict::Known { user: credentials.user }
    }

    fn challenge(&mut self, now: Moment, source: IpAddr, request: &Request, why: Why) -> Verdict {
        let nonce = self.nonces.issue(now, source);
        let realm = quoted(&self.realm);
        let (stale, wrong) = (why == Why::Stale, why == Why::Wrong);
        let stale_param = if stale { ", stale=true" } else { "" };
        let challenges = phones::algorithms(request).iter().map(|algorithm| {
            let name = algorithm.name();
            format!("Digest realm={realm}, nonce=\"{nonce}\", algorithm={name}, qop=\"auth\"{stale_param}")
        });
        Verdict::Challenge { challenges: challenges.collect(), stale, wrong }
    }
}

/// Why a challenge goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// There were no credentials.
    Asked,
    /// The nonce has served its time, or its count was spent.
    Stale,
    Wrong,
}

/// RFC 7616 §3.4.1 with qop=auth, compared in constant time.
fn matches(credentials: &Credentials, method: &str, ha1: &Ha1) -> bool {
    let expected = response(credentials, method, ha1);
    constant_time::verify_slices_are_equal(expected.as_bytes(), credentials.response.as_bytes()).is_ok()
}

/// The `response` that these credentials should hold, in lower-case hexadecimal.
fn response(credentials: &Credentials, method: &str, ha1: &Ha1) -> String {
    let a2 = format!("{method}:{}", credentials.uri);
    let data = |ha1: String, ha2: String| {
        let Credentials { nonce, count_text, cnonce, .. } = credentials;
        format!("{ha1}:{nonce}:{count_text}:{cnonce}:auth:{ha2}")
    };
    match credentials.algorithm {
        Algorithm::Sha256 => hex(&sha256(data(hex(&ha1.sha256), hex(&sha256(a2.as_bytes()))).as_bytes())),
        Algorithm::Md5 => hex(&md5(data(hex(&ha1.md5), hex(&md5(a2.as_bytes()))).as_bytes())),
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    md5::Md5::digest(bytes).into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// RFC 3261 §25.1 quoted-string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
