//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966). `read` takes them apart, `escape` does the percents.

mod escape;
mod read;

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::net::IpAddr;

pub(crate) use read::{host, port};

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
    /// Percent-decoded (bytes that are not UTF-8 become U+FFFD); without any password.
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
    /// Liberal in what a user or parameter may hold, strict about host and port. Whole input or error:
    /// no white space or `<>` around it.
    pub fn parse(bytes: &[u8]) -> Result<Uri, UriError> {
        read::uri(bytes)
    }

    /// The dialled number or user: the user part of a SIP URI, the digits of a tel URI
    /// (separators removed). `None` for other schemes or no user.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        match self {
            Uri::Sip(sip) => {
                let user = sip.user.as_deref()?;
                if sip.param("user").flatten().is_some_and(|kind| kind.eq_ignore_ascii_case("phone")) {
                    return Some(digits(user.split(';').next().unwrap_or(user)));
                }
                Some(Cow::Borrowed(user))
            }
            Uri::Tel { number, .. } => Some(digits(number)),
            Uri::Other { .. } => None,
        }
    }
}

/// A number without its visual separators (RFC 3966 §3).
fn digits(number: &str) -> Cow<'_, str> {
    let separator = |letter: char| "-.()".contains(letter);
    if number.contains(separator) {
        return Cow::Owned(number.chars().filter(|letter| !separator(*letter)).collect());
    }
    Cow::Borrowed(number)
}

impl fmt::Display for Host {
    /// IPv6 in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            escape::write(f, user, escape::USER)?;
            f.write_char('@')?;
        }
        write!(f, "{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        for (name, value) in &self.params {
            f.write_char(';')?;
            escape::write(f, name, escape::PARAM)?;
            if let Some(value) = value {
                f.write_char('=')?;
                escape::write(f, value, escape::PARAM)?;
            }
        }
        match &self.headers {
            Some(headers) => write!(f, "?{headers}"),
            None => Ok(()),
        }
    }
}

/// Escapes what must be (RFC 3261 §25.1); what `parse` accepts, `Display` writes so that it parses to the same.
impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Sip(sip) => write!(f, "{sip}"),
            Uri::Tel { number, params } if params.is_empty() => write!(f, "tel:{number}"),
            Uri::Tel { number, params } => write!(f, "tel:{number};{params}"),
            Uri::Other { scheme, rest } => write!(f, "{scheme}:{rest}"),
        }
    }
}

/// Parameters that differ by being there at all (RFC 3261 §19.1.4).
const TELLING: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

/// RFC 3261 §19.1.4; tel URIs by RFC 3966 §4 (separators do not count), others as written.
pub fn equivalent(a: &Uri, b: &Uri) -> bool {
    match (a, b) {
        (Uri::Sip(a), Uri::Sip(b)) => {
            (a.secure, &a.user, &a.host, a.port) == (b.secure, &b.user, &b.host, b.port)
                && params_agree(a, b)
                && params_agree(b, a)
                && sorted_headers(a) == sorted_headers(b)
        }
        (Uri::Tel { number: a, params: p }, Uri::Tel { number: b, params: q }) => {
            digits(a).eq_ignore_ascii_case(&digits(b)) && sorted(p, ';') == sorted(q, ';')
        }
        _ => a == b,
    }
}

fn params_agree(a: &SipUri, b: &SipUri) -> bool {
    a.params.iter().all(|(name, value)| match b.param(name) {
        Some(other) => match (value, other) {
            (Some(value), Some(other)) => value.eq_ignore_ascii_case(other),
            (value, other) => value.is_none() == other.is_none(),
        },
        None => !TELLING.contains(&&**name),
    })
}

fn sorted_headers(uri: &SipUri) -> Vec<String> {
    sorted(uri.headers.as_deref().unwrap_or(""), '&')
}

fn sorted(list: &str, separator: char) -> Vec<String> {
    let mut parts: Vec<String> = list.split(separator).map(str::to_ascii_lowercase).collect();
    parts.sort_unstable();
    parts
}

#[cfg(test)]
mod tests;
