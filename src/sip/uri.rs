//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966).

use std::fmt;
use std::net::IpAddr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Ip(IpAddr),
    /// Lower-cased.
    Name(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uri {
    Sip(SipUri),
    /// RFC 3966: the number as written (visual separators kept) and its parameters.
    Tel {
        number: Box<str>,
        params: Box<str>,
    },
    /// A scheme we do not serve: 416.
    Other {
        scheme: Box<str>,
        rest: Box<str>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipUri {
    pub secure: bool,
    /// Percent-decoded; without any password.
    pub user: Option<Box<str>>,
    pub host: Host,
    pub port: Option<u16>,
    /// In order; names lower-cased, values percent-decoded.
    pub params: Vec<(Box<str>, Option<Box<str>>)>,
    /// After `?`, as written.
    pub headers: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URI at byte {at}: {why}")]
pub struct UriError {
    pub at: usize,
    pub why: &'static str,
}

impl SipUri {
    /// `sip:user@host:port`, without parameters.
    pub fn new(user: Option<&str>, address: std::net::SocketAddr) -> SipUri {
        SipUri {
            secure: false,
            user: user.map(Into::into),
            host: Host::Ip(address.ip()),
            port: Some(address.port()),
            params: Vec::new(),
            headers: None,
        }
    }

    pub fn param(&self, name: &str) -> Option<Option<&str>> {
        self.params.iter().find(|(n, _)| &**n == name).map(|(_, v)| v.as_deref())
    }
}

impl Uri {
    pub fn parse(bytes: &[u8]) -> Result<Uri, UriError> {
        todo!()
    }

    /// The dialled number or user: the user part of a SIP URI, the digits of a tel URI
    /// (separators removed). `None` for other schemes or no user.
    pub fn user(&self) -> Option<std::borrow::Cow<'_, str>> {
        todo!()
    }
}

/// Escapes what must be (RFC 3261 §25.1); what `parse` accepts, `Display` writes so that it parses to the same.
impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// RFC 3261 §19.1.4.
pub fn equivalent(a: &Uri, b: &Uri) -> bool {
    todo!()
}
