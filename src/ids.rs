//! Names of things that live in tables. Each is its own type, so that a leg
//! cannot be looked up among the calls.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);
    };
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                $name(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

number_id!(
    /// One SIP leg of a call; unique within a process.
    LegId
);
number_id!(
    /// One RTP endpoint in a media worker; unique within a process.
    StreamId
);
number_id!(
    /// One playing of a list of prompts; unique within a process.
    PlayId
);
number_id!(
    /// A release of the flows: 1, 2, 3 …; 0 where none was ever published.
    #[derive(Default)]
    ReleaseId
);
number_id!(
    /// One request to a host; unique within a process.
    RequestId
);
number_id!(
    /// One conversation of a caller with a bot; unique within a process.
    TalkId
);
name_id!(
    /// An agent's user name, which is also the number their phone registers as.
    AgentId
);
name_id!(
    /// A queue, as named in the configuration.
    QueueId
);
name_id!(
    /// A skill or language, as named in the configuration (`loan.sme`, `lang.zh`).
    SkillId
);
name_id!(
    /// A flow, named by its file without the ending.
    FlowId
);

impl ReleaseId {
    /// None where flows ran that were never published.
    pub fn published(self) -> Option<ReleaseId> {
        (self.0 != 0).then_some(self)
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A call: the microsecond it arrived at, nudged so that no two are equal.
/// It therefore sorts by arrival and is unique across restarts. Its tape bears the same id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CallId(pub u64);

/// Crockford's base 32 without I, L, O and U: readable over a telephone.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 11 symbols of 5 bits hold 55 bits of microseconds: enough until the year 3111.
const SYMBOLS: usize = 11;

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..SYMBOLS).rev() {
            let symbol = ALPHABET[(self.0 >> (place * 5)) as usize & 31];
            write!(f, "{}", char::from(symbol))?;
        }
        Ok(())
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {self}")
    }
}

/// The text is not a call's id: eleven letters and digits, as `hotline calls` prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a call id: expected {SYMBOLS} letters and digits as `hotline calls` prints them")]
pub struct NotACallId;

impl std::str::FromStr for CallId {
    type Err = NotACallId;

    fn from_str(text: &str) -> Result<Self, NotACallId> {
        if text.len() != SYMBOLS {
            return Err(NotACallId);
        }
        text.bytes().try_fold(CallId(0), |id, byte| {
            let value = ALPHABET.iter().position(|s| *s == byte.to_ascii_lowercase());
            value.map(|v| CallId(id.0 << 5 | v as u64)).ok_or(NotACallId)
        })
    }
}

impl From<CallId> for String {
    fn from(id: CallId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for CallId {
    type Error = NotACallId;

    fn try_from(text: String) -> Result<Self, NotACallId> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_reads_back_what_it_writes() {
        let id = CallId(1_795_000_000_123_456);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("nonsense".parse::<CallId>(), Err(NotACallId));
        assert_eq!("il000000000".parse::<CallId>(), Err(NotACallId));
    }

    #[test]
    fn later_calls_sort_later_as_text_too() {
        assert!(CallId(99).to_string() < CallId(100_000).to_string());
    }
}
