//! Whether a stream is protected, and by which keys (RFC 4568, RFC 8643).

use super::NotAcceptable;
use crate::media::srtp::keying::{KeySeed, Keying, Suite};
use crate::sdp::crypto::Crypto;
use crate::sdp::session::{Media, SessionDescription};

/// Whether streams are protected by SRTP, with keys in the descriptions (RFC 4568). From weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Security {
    /// Never: offers of `RTP/SAVP` are refused.
    Off,
    /// As the peer offers it; ourselves we offer plain RTP, which every phone takes.
    Accepted,
    /// Our offers are plain RTP with keys, which a phone may take or leave (RFC 8643).
    Offered,
    /// Our offers are `RTP/SAVP`, and plain ones are refused.
    Required,
}

/// Where our keys come from.
#[derive(Clone, Copy, Debug)]
pub enum Keys<'a> {
    /// New ones are drawn. While the peer's key stays as it was in `current`, ours stays too.
    Drawn { seed: KeySeed, current: Option<&'a Keying> },
    /// They are in this offer of ours.
    Offered(&'a [Crypto]),
}

/// Our wish, and the keys for it.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub security: Security,
    pub keys: Keys<'a>,
}

impl<'a> Terms<'a> {
    /// No SRTP at all.
    pub const PLAIN: Terms<'static> = Terms { security: Security::Off, keys: Keys::Offered(&[]) };

    /// Under which an answer to this offer of ours is taken.
    pub fn of_offer(offered: &'a Media) -> Terms<'a> {
        let secure = is_secure(&offered.protocol) == Some(true);
        Terms {
            security: if secure { Security::Required } else { Security::Offered },
            keys: Keys::Offered(&offered.crypto),
        }
    }

    /// The profile of our offers.
    pub fn protocol(&self) -> &'static [u8] {
        if self.security == Security::Required { b"RTP/SAVP" } else { b"RTP/AVP" }
    }

    /// The lines of our offers, one for each suite.
    pub fn lines(&self) -> Vec<Crypto> {
        match self.keys {
            Keys::Drawn { seed, .. } if self.security >= Security::Offered => {
                (1..).zip(Suite::ALL).map(|(tag, suite)| Crypto { tag, key: seed.key(suite) }).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The keys for a stream of the peer's; `None` for plain RTP. Of an offer the suite that we like best is taken; an answer
    /// has one line, which must be one of ours.
    pub fn agree(&self, media: &Media) -> Result<Option<Keying>, NotAcceptable> {
        let secure = is_secure(&media.protocol).ok_or(NotAcceptable::Transport)?;
        match self.security {
            Security::Off if secure => return Err(NotAcceptable::Transport),
            Security::Off => return Ok(None),
            Security::Required if !secure => return Err(NotAcceptable::Transport),
            Security::Accepted | Security::Offered | Security::Required => {}
        }
        let line = match self.keys {
            Keys::Drawn { .. } => media.crypto.iter().min_by_key(|line| line.key.suite()),
            Keys::Offered([]) => None,
            Keys::Offered(_) => media.crypto.first(),
        };
        match line {
            Some(line) => self.keying(line).map(Some).ok_or(NotAcceptable::NoKeys),
            None if secure => Err(NotAcceptable::NoKeys),
            None => Ok(None),
        }
    }

    /// Our key for the peer's line. `None`: it answers a line that we did not offer.
    fn keying(&self, line: &Crypto) -> Option<Keying> {
        let ours = match self.keys {
            Keys::Drawn { current: Some(current), .. } if *current.theirs() == line.key => {
                current.ours().clone()
            }
            Keys::Drawn { seed, .. } => seed.key(line.key.suite()),
            Keys::Offered(lines) => lines.iter().find(|ours| ours.tag == line.tag)?.key.clone(),
        };
        Keying::new(ours, line.key.clone())
    }
}

/// Transports that we can serve, and whether they must be protected. SRTP by DTLS (`UDP/TLS/RTP/SAVPF`) gets its arm
/// here when it is built; until then it is refused, for a stream must never be weaker than it was asked to be.
pub(super) fn is_secure(protocol: &[u8]) -> Option<bool> {
    // The F only adds feedback that we need not send (RFC 4585, RFC 5124).
    let known: [(&[u8], bool); 4] =
        [(b"RTP/AVP", false), (b"RTP/AVPF", false), (b"RTP/SAVP", true), (b"RTP/SAVPF", true)];
    known.iter().find(|(name, _)| protocol.eq_ignore_ascii_case(name)).map(|(_, secure)| *secure)
}

/// How strong a description of ours is: a later offer must not be weaker.
pub fn security_of(ours: &SessionDescription) -> Security {
    let audio = ours.media.iter().filter(|media| media.is_audio() && !media.crypto.is_empty());
    let strength = |media: &Media| match is_secure(&media.protocol) {
        Some(true) => Security::Required,
        _ => Security::Offered,
    };
    audio.map(strength).max().unwrap_or(Security::Off)
}

/// The line of an offer that was taken, with its tag and our key (RFC 4568 §5.1.2).
pub(super) fn taken(offered: &Media, keying: Option<&Keying>) -> Option<Crypto> {
    let keying = keying?;
    let taken = offered.crypto.iter().find(|line| line.key == *keying.theirs())?;
    Some(Crypto { tag: taken.tag, key: keying.ours().clone() })
}

#[cfg(test)]
mod tests;
