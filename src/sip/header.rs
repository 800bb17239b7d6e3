//! Headers, typed on demand. `names`: their names. `via`, `address`, `credentials`: their shapes. `scan`: the cursor.

mod address;
mod credentials;
mod names;
pub(crate) mod scan;
pub(crate) mod via;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use self::scan::Scan;
use super::message::{HeaderName, Headers, Method};
use super::transport::Transport;
use super::uri::{Host, Uri};

/// A header that is missing or cannot be read: the sender's fault, answered with 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("header {0} is missing")]
    Missing(&'static str),
    #[error("header {name} is malformed at byte {at}: {why}")]
    Malformed { name: &'static str, at: usize, why: &'static str },
}

/// RFC 3261 §20.42, with `rport` (RFC 3581).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// `None` for a transport we do not speak (SCTP, TLS before it comes): answered along the flow all the same.
    pub transport: Option<Transport>,
    pub host: Host,
    pub port: Option<u16>,
    /// Empty when absent (RFC 2543 peers).
    pub branch: Box<str>,
    pub received: Option<IpAddr>,
    /// `Some(None)`: asked for; `Some(Some(p))`: filled in.
    pub rport: Option<Option<u16>>,
}

/// RFC 3261 §20.10, §20.20, §20.39: `"Name" <uri>;params` or bare `uri;params`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// Unescaped; `None` when absent.
    pub display: Option<Box<str>>,
    pub uri: Uri,
    /// Header parameters in order; names lower-cased, values unquoted.
    pub params: Vec<(Box<str>, Option<Box<str>>)>,
}

impl NameAddr {
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| &**n == name).and_then(|(_, v)| v.as_deref())
    }

    pub fn tag(&self) -> Option<&str> {
        self.param("tag")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// 0..2^31 (§8.1.1.5).
    pub number: u32,
    pub method: Method,
}

/// A scheme and its parameters in order: `Digest` and `username`, `realm`, ...
pub type Credentials = (Box<str>, Vec<(Box<str>, Box<str>)>);

/// The first value of the first Via.
pub fn top_via(headers: &Headers) -> Result<Via, HeaderError> {
    via::top(headers)
}

/// The first address of that name; a Contact of `*` is passed over. From, To and Refer-To may hold only one.
pub fn name_addr(headers: &Headers, name: &HeaderName) -> Result<NameAddr, HeaderError> {
    address::first(headers, name)
}

/// Every address of a header that may repeat or hold commas (Contact, Route, Record-Route, Path).
/// A Contact of `*` is passed over.
pub fn name_addrs(headers: &Headers, name: &HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
    address::all(headers, name)
}

/// RFC 3261 §20.16.
pub fn cseq(headers: &Headers) -> Result<CSeq, HeaderError> {
    let value = headers.get(&HeaderName::CSeq).ok_or(HeaderError::Missing("CSeq"))?;
    let mut scan = Scan::new("CSeq", value);
    scan.spaces();
    let number = decimal(&mut scan)?;
    if number >= 1 << 31 {
        return Err(HeaderError::Malformed { name: "CSeq", at: 0, why: "number is 2^31 or more" });
    }
    if !scan.peek().is_some_and(scan::is_space) {
        return Err(scan.fail("expected a space"));
    }
    scan.spaces();
    let method = scan.token("expected a method")?;
    scan.spaces();
    if scan.peek().is_some() {
        return Err(scan.fail("expected the end"));
    }
    Ok(CSeq { number, method: Method::from_token(&scan::text(method)) })
}

/// RFC 3261 §20.8. Any visible characters: peers put more into it than the grammar has.
pub fn call_id(headers: &Headers) -> Result<&str, HeaderError> {
    let value = headers.get(&HeaderName::CallId).ok_or(HeaderError::Missing("Call-ID"))?;
    let malformed = |at, why| HeaderError::Malformed { name: "Call-ID", at, why };
    if value.is_empty() {
        return Err(malformed(0, "is empty"));
    }
    if let Some(at) = value.iter().position(|b| *b <= b' ' || *b == 0x7f) {
        return Err(malformed(at, "holds a space or control character"));
    }
    std::str::from_utf8(value).map_err(|error| malformed(error.valid_up_to(), "is not UTF-8"))
}

/// A header whose value is one unsigned number; parameters and a comment behind it are passed over, so that
/// Session-Expires and Retry-After can be read too. A number beyond `u32` is malformed.
pub fn number(headers: &Headers, name: &HeaderName) -> Result<u32, HeaderError> {
    let value = headers.get(name).ok_or(HeaderError::Missing(name.standard()))?;
    let mut scan = Scan::new(name.standard(), value);
    scan.spaces();
    let number = decimal(&mut scan)?;
    scan.spaces();
    match scan.peek() {
        None | Some(b';' | b'(') => Ok(number),
        Some(_) => Err(scan.fail("expected the end")),
    }
}

fn decimal(scan: &mut Scan<'_>) -> Result<u32, HeaderError> {
    let digits = scan.take_while(|b| b.is_ascii_digit());
    if digits.is_empty() {
        return Err(scan.fail("expected a number"));
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|d| d.parse().ok())
        .ok_or_else(|| scan.fail("number is too large"))
}

/// Adds `;tag=` to To unless it has one or cannot be read.
pub fn add_to_tag(headers: &mut Headers, tag: &str) {
    address::add_tag(headers, tag);
}

/// Writes `received` and a filled-in `rport` into the top Via (RFC 3261 §18.2.1, RFC 3581 §4): `received` where
/// the source differs from the Via's host or `rport` asks. What the peer itself had claimed there is overwritten.
pub fn stamp_top_via(headers: &mut Headers, from: SocketAddr) -> Result<(), HeaderError> {
    via::stamp(headers, from)
}

/// The scheme as written and its `key=value` list, such as digest credentials: names lower-cased, values unquoted.
pub fn auth_params(value: &Bytes) -> Result<Credentials, HeaderError> {
    credentials::read(value)
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> Headers {
        let mut headers = Headers::default();
        headers.push(name, value);
        headers
    }

    #[test]
    fn a_cseq_may_have_leading_zeros_and_spaces_but_stays_below_two_to_the_31() {
        let read = |value| cseq(&headers(HeaderName::CSeq, value));
        assert_eq!(read("0009   INVITE"), Ok(CSeq { number: 9, method: Method::Invite }));
        assert_eq!(read("2147483647 BYE").map(|c| c.number), Ok(2_147_483_647));
        for bad in [
            "2147483648 BYE",
            "36893488147419103232 REGISTER",
            "INVITE",
            "1",
            "1 ",
            "-1 BYE",
            "1 BYE x",
            "1BYE",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_call_id_may_hold_odd_characters_but_no_spaces() {
        let odd = "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{";
        assert_eq!(call_id(&headers(HeaderName::CallId, odd)), Ok(odd));
        assert!(call_id(&headers(HeaderName::CallId, "a b")).is_err());
        assert!(call_id(&headers(HeaderName::CallId, "")).is_err());
        assert_eq!(call_id(&Headers::default()), Err(HeaderError::Missing("Call-ID")));
    }

    #[test]
    fn numbers_are_read_before_parameters_and_comments() {
        let read = |value| number(&headers(HeaderName::SessionExpires, value), &HeaderName::SessionExpires);
        assert_eq!(read("1800;refresher=uac"), Ok(1800));
        assert_eq!(read("18000 (in a meeting)"), Ok(18_000));
        assert_eq!(read("0068"), Ok(68));
        for bad in ["", "-1", "4294967296", "12x", "1.5"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
