//! Headers, typed on demand.

use std::net::IpAddr;

use bytes::Bytes;

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

pub fn top_via(headers: &Headers) -> Result<Via, HeaderError> {
    todo!()
}

pub fn name_addr(headers: &Headers, name: &HeaderName) -> Result<NameAddr, HeaderError> {
    todo!()
}

/// Every address of a header that may repeat or hold commas (Contact, Route, Record-Route, Path).
pub fn name_addrs(headers: &Headers, name: &HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
    todo!()
}

pub fn cseq(headers: &Headers) -> Result<CSeq, HeaderError> {
    todo!()
}

pub fn call_id(headers: &Headers) -> Result<&str, HeaderError> {
    todo!()
}

pub fn number(headers: &Headers, name: &HeaderName) -> Result<u32, HeaderError> {
    todo!()
}

pub fn add_to_tag(headers: &mut Headers, tag: &str) {
    todo!()
}

/// Writes `received` and a filled-in `rport` into the top Via (RFC 3261 §18.2.1, RFC 3581 §4).
pub fn stamp_top_via(headers: &mut Headers, from: std::net::SocketAddr) -> Result<(), HeaderError> {
    todo!()
}

/// `key=value` lists such as digest credentials: names lower-cased, values unquoted.
pub fn auth_params(value: &Bytes) -> Result<(Box<str>, Vec<(Box<str>, Box<str>)>), HeaderError> {
    todo!()
}
