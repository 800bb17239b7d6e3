//! Reading what a REGISTER wants (RFC 3261 §10.2).

use std::time::Duration;

use crate::sip::header::{NameAddr, name_addrs};
use crate::sip::message::{HeaderName, Request};
use crate::sip::uri::Uri;

/// Shorter wishes get 423 with Min-Expires (§10.3 step 7), lest phones drown us in refreshes.
pub const SHORTEST: Duration = Duration::from_secs(60);

/// Where the phone wishes nothing, or nothing readable (§10.2.1.1).
const USUAL: Duration = Duration::from_secs(3_600);

/// Longer wishes are cut to this, so that a phone that dies silently is not rung for a day.
const LONGEST: Duration = Duration::from_secs(7_200);

/// Most contacts in one REGISTER. Beyond it: 400.
const CONTACTS: usize = super::BINDINGS;

/// A REGISTER, read.
#[derive(Debug)]
pub struct Ask {
    pub call_id: Box<str>,
    pub cseq: u32,
    pub wanted: Wanted,
}

#[derive(Debug)]
pub enum Wanted {
    /// No Contact: tell what is bound (§10.2.3).
    List,
    /// `Contact: *` with `Expires: 0` (§10.2.2).
    RemoveAll,
    Contacts(Vec<Contact>),
}

#[derive(Debug)]
pub struct Contact {
    pub uri: Uri,
    /// Zero: remove it.
    pub lifetime: Duration,
    pub instance: Option<(Box<str>, Box<str>)>,
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed(&'static str),
    TooBrief,
    /// A CSeq not above that of an earlier REGISTER with the same Call-ID: this one was overtaken.
    OutOfOrder,
}

pub fn read(request: &Request) -> Result<Ask, Refusal> {
    let headers = &request.headers;
    let call_id = headers.call_id().map_err(|_| Refusal::Malformed("Bad Call-ID"))?.into();
    let cseq = headers.cseq().map_err(|_| Refusal::Malformed("Bad CSeq"))?.number;
    Ok(Ask { call_id, cseq, wanted: wanted(request)? })
}

fn wanted(request: &Request) -> Result<Wanted, Refusal> {
    let headers = &request.headers;
    let mut values = headers.all(&HeaderName::Contact);
    let Some(first) = values.next() else { return Ok(Wanted::List) };
    let star = |value: &[u8]| value.trim_ascii() == b"*";
    if star(first) || values.any(|value| star(value)) {
        let alone = headers.all(&HeaderName::Contact).count() == 1;
        let zero = headers.number(&HeaderName::Expires) == Ok(0);
        return match alone && zero {
            true => Ok(Wanted::RemoveAll),
            false => Err(Refusal::Malformed("Contact * Needs Expires 0 And No Other Contact")),
        };
    }
    let addresses = name_addrs(headers, &HeaderName::Contact);
    let addresses = addresses.map_err(|_| Refusal::Malformed("Bad Contact"))?;
    if addresses.len() > CONTACTS {
        return Err(Refusal::Malformed("Too Many Contacts"));
    }
    let default = match headers.get(&HeaderName::Expires) {
        Some(_) => headers.number(&HeaderName::Expires).map_or(USUAL, secs),
        None => USUAL,
    };
    let contacts: Result<Vec<_>, _> = addresses.into_iter().map(|a| contact(a, default)).collect();
    contacts.map(Wanted::Contacts)
}

fn contact(address: NameAddr, default: Duration) -> Result<Contact, Refusal> {
    if !matches!(address.uri, Uri::Sip(_)) {
        return Err(Refusal::Malformed("Contact Is No SIP URI"));
    }
    let asked = match address.param("expires") {
        Some(text) => text.parse().map_or(USUAL, secs),
        None => default,
    };
    if !asked.is_zero() && asked < SHORTEST {
        return Err(Refusal::TooBrief);
    }
    let reg_id = address.param("reg-id").unwrap_or_default();
    let instance = address.param("+sip.instance").map(|id| (id.into(), reg_id.into()));
    Ok(Contact { lifetime: asked.min(LONGEST), instance, uri: address.uri })
}

fn secs(secs: u32) -> Duration {
    Duration::from_secs(secs.into())
}
