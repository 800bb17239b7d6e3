//! Which algorithms a phone is challenged with.
//!
//! RFC 8760 §2.4 wants the best first, and that phones pass over what they do not know. Phones older than that RFC often
//! do not: some look at the first challenge only, some give up when any of them is unknown. Such a phone could never
//! register, and would not say why.

use super::credentials::Algorithm;
use crate::sip::message::{HeaderName, Request};

const BEST_FIRST: &[Algorithm] = &[Algorithm::Sha256, Algorithm::Md5];

/// For who looks at the first challenge only. Who knows better may still take the second.
const OLD_FIRST: &[Algorithm] = &[Algorithm::Md5, Algorithm::Sha256];

/// For who gives up at any unknown algorithm, and at a second challenge for the same realm.
const OLD_ONLY: &[Algorithm] = &[Algorithm::Md5];

/// The challenges for who sent `request`, in order. Told apart by User-Agent; who gives none is taken for old.
///
/// An eavesdropper gains nothing by this that the offer of MD5 had not given already.
pub(super) fn algorithms(request: &Request) -> &'static [Algorithm] {
    let Some(agent) = request.headers.text(&HeaderName::UserAgent) else {
        return OLD_FIRST;
    };
    // baresip learned SHA-256 with 3.12.
    if let Some(version) = version(agent, "baresip v") {
        return if version < (3, 12) { OLD_ONLY } else { BEST_FIRST };
    }
    // pjproject passes over unknown algorithms since 2.11.
    if version(agent, "PJSUA v").is_some_and(|version| version < (2, 11)) || agent.starts_with("SIPp") {
        return OLD_FIRST;
    }
    BEST_FIRST
}

/// Major and minor version behind `name` at the beginning of a User-Agent.
fn version(agent: &str, name: &str) -> Option<(u32, u32)> {
    let mut numbers = agent.strip_prefix(name)?.split(|letter: char| !letter.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::sip::message::Message;
    use crate::sip::parse::parse;

    fn challenged(agent: &str) -> &'static [Algorithm] {
        let text = format!(
            "REGISTER sip:bank.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKa\r\n\
             From: <sip:1001@bank.example>;tag=a\r\nTo: <sip:1001@bank.example>\r\nCall-ID: c\r\n\
             CSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n{agent}Content-Length: 0\r\n\r\n"
        );
        match parse(&Bytes::from(text)) {
            Ok(Message::Request(request)) => algorithms(&request),
            other => panic!("not a request: {other:?}"),
        }
    }

    #[test]
    fn old_phones_are_challenged_so_that_they_understand() {
        assert_eq!(challenged("User-Agent: baresip v1.0.0 (x86_64/linux)\r\n"), OLD_ONLY);
        assert_eq!(challenged("User-Agent: baresip v3.12.1 (x86_64/linux)\r\n"), BEST_FIRST);
        assert_eq!(challenged("User-Agent: PJSUA v2.10 Linux\r\n"), OLD_FIRST);
        assert_eq!(challenged("User-Agent: PJSUA v2.15.1 Linux\r\n"), BEST_FIRST);
        assert_eq!(challenged("User-Agent: Somebody else\r\n"), BEST_FIRST);
        assert_eq!(challenged(""), OLD_FIRST, "SIPp, most often");
    }
}
