//! What a SIP message is (RFC 3261 §7): typed first line, headers as bytes, a body.
//!
//! Header values stay as received (they may be folded, compact, or not UTF-8) and are
//! typed on demand by `header`, because most of them are never looked at.

use bytes::Bytes;

use super::header::{CSeq, HeaderError, NameAddr, Via};
use super::uri::Uri;

/// RFC 3261 §7.1 and its extensions. Unknown methods are kept, so that 405 or 501 can say so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Register,
    Options,
    Prack,
    Update,
    Info,
    Refer,
    Notify,
    Subscribe,
    Message,
    Publish,
    /// As written; methods are case-sensitive.
    Other(Box<str>),
}

impl Method {
    /// As it stands in the request line.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Bye => "BYE",
            Method::Cancel => "CANCEL",
            Method::Register => "REGISTER",
            Method::Options => "OPTIONS",
            Method::Prack => "PRACK",
            Method::Update => "UPDATE",
            Method::Info => "INFO",
            Method::Refer => "REFER",
            Method::Notify => "NOTIFY",
            Method::Subscribe => "SUBSCRIBE",
            Method::Message => "MESSAGE",
            Method::Publish => "PUBLISH",
            Method::Other(name) => name,
        }
    }

    /// Never fails: a token we do not know is `Other`.
    pub fn from_token(token: &str) -> Method {
        match token {
            "INVITE" => Method::Invite,
            "ACK" => Method::Ack,
            "BYE" => Method::Bye,
            "CANCEL" => Method::Cancel,
            "REGISTER" => Method::Register,
            "OPTIONS" => Method::Options,
            "PRACK" => Method::Prack,
            "UPDATE" => Method::Update,
            "INFO" => Method::Info,
            "REFER" => Method::Refer,
            "NOTIFY" => Method::Notify,
            "SUBSCRIBE" => Method::Subscribe,
            "MESSAGE" => Method::Message,
            "PUBLISH" => Method::Publish,
            other => Method::Other(other.into()),
        }
    }
}

/// A header's name. Known ones compare as an integer; compact forms (RFC 3261 §7.3.3) are folded into them.
/// Reading, writing and comparing: `header::names`.
#[derive(Clone, Debug)]
pub enum HeaderName {
    Accept,
    Allow,
    Authorization,
    CallId,
    Contact,
    ContentEncoding,
    ContentLength,
    ContentType,
    CSeq,
    Date,
    Event,
    Expires,
    From,
    MaxForwards,
    MinExpires,
    MinSe,
    Path,
    PAssertedIdentity,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyRequire,
    RAck,
    Reason,
    RecordRoute,
    ReferTo,
    Replaces,
    Require,
    RetryAfter,
    Route,
    RSeq,
    Server,
    SessionExpires,
    Supported,
    Timestamp,
    To,
    Unsupported,
    UserAgent,
    Via,
    Warning,
    WwwAuthenticate,
    /// As written; compared without regard to case.
    Other(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub name: HeaderName,
    /// Without surrounding white space; folds (§7.3.1) are already single spaces.
    pub value: Bytes,
}

/// The headers in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<Header>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: Headers,
    pub body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 100..=699.
    pub status: u16,
    pub reason: Bytes,
    pub headers: Headers,
    pub body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Request(Request),
    Response(Response),
}

impl Headers {
    /// The first header of that name.
    pub fn get(&self, name: &HeaderName) -> Option<&Bytes> {
        self.0.iter().find(|h| h.name == *name).map(|h| &h.value)
    }

    /// The first of that name as text; `None` if absent or not UTF-8.
    pub fn text(&self, name: &HeaderName) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every header of that name, in order; values may hold comma-separated lists.
    pub fn all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a Bytes> {
        self.0.iter().filter(move |h| h.name == *name).map(|h| &h.value)
    }

    /// Adds at the end.
    pub fn push(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        self.0.push(Header { name, value: value.into() });
    }

    /// Adds at the front: a Via on its way out.
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        self.0.insert(0, Header { name, value: value.into() });
    }

    /// Replaces all of that name by one value.
    pub fn set(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        self.remove(&name);
        self.push(name, value);
    }

    /// Removes all of that name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|h| h.name != *name);
    }

    /// Whether a comma-separated header of option tags (Require, Supported) holds `tag`.
    pub fn has_option(&self, name: &HeaderName, tag: &str) -> bool {
        self.all(name).any(|value| {
            value.split(|b| *b == b',').any(|t| t.trim_ascii().eq_ignore_ascii_case(tag.as_bytes()))
        })
    }

    // Typed views, parsed on demand by `header`.

    /// The first value of the first Via.
    pub fn via(&self) -> Result<Via, HeaderError> {
        super::header::top_via(self)
    }

    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        super::header::name_addr(self, &HeaderName::From)
    }

    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        super::header::name_addr(self, &HeaderName::To)
    }

    /// The first Contact that is not `*`.
    pub fn contact(&self) -> Result<NameAddr, HeaderError> {
        super::header::name_addr(self, &HeaderName::Contact)
    }

    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        super::header::cseq(self)
    }

    pub fn call_id(&self) -> Result<&str, HeaderError> {
        super::header::call_id(self)
    }

    /// A header whose value is one unsigned number, such as Expires or Max-Forwards.
    pub fn number(&self, name: &HeaderName) -> Result<u32, HeaderError> {
        super::header::number(self, name)
    }
}

impl Request {
    /// A response to this request with what RFC 3261 §8.2.6.2 copies: Via, From, To, Call-ID, CSeq,
    /// and Timestamp on 100. Without a To tag: who answers adds it (`Response::with_to_tag`).
    pub fn response(&self, status: u16) -> Response {
        let mut headers = Headers::default();
        for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq]
        {
            for value in self.headers.all(&name) {
                headers.push(name.clone(), value.clone());
            }
        }
        if status == 100
            && let Some(stamp) = self.headers.get(&HeaderName::Timestamp)
        {
            headers.push(HeaderName::Timestamp, stamp.clone());
        }
        let reason = Bytes::from_static(super::status::reason(status).as_bytes());
        Response { status, reason, headers, body: Bytes::new() }
    }
}

impl Response {
    /// 1xx.
    pub fn is_provisional(&self) -> bool {
        self.status < 200
    }

    /// 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Adds `;tag=` to To unless it has one.
    pub fn with_to_tag(mut self, tag: &str) -> Response {
        super::header::add_to_tag(&mut self.headers, tag);
        self
    }
}
