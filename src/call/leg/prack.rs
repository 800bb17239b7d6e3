//! Reliable provisional responses (RFC 3262), both ways.

use bytes::Bytes;

use crate::sip::message::{HeaderName, Headers, Request, Response};

/// The first RSeq we send. Any below 2^31 would do (§3); counting from one leaves room for all there can be.
const FIRST_RSEQ: u32 = 1;

/// How a provisional of the peer's stands in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Not reliable: take it as it comes.
    Unreliable,
    /// The next one: PRACK it.
    Next(u32),
    /// Repeated, or one before it is missing: neither PRACK nor look at it (§4).
    Astray,
}

/// `last`: the latest RSeq that was PRACKed in this early dialog.
pub(crate) fn in_order(last: Option<u32>, response: &Response) -> Order {
    let headers = &response.headers;
    if response.status == 100 || !headers.has_option(&HeaderName::Require, "100rel") {
        return Order::Unreliable;
    }
    match (headers.number(&HeaderName::RSeq), last) {
        (Ok(rseq), None) => Order::Next(rseq),
        (Ok(rseq), Some(last)) if last.checked_add(1) == Some(rseq) => Order::Next(rseq),
        (Ok(_), Some(_)) => Order::Astray,
        (Err(_), _) => Order::Unreliable,
    }
}

/// What the peer thinks of reliable provisionals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Supported: we send those reliably that hold SDP.
    Welcome,
    /// Required: all but 100.
    Required,
}

/// What an unacknowledged provisional held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Nothing,
    /// Our answer: the 2xx waits for the PRACK (§3).
    Answer,
}

/// What comes when the PRACK has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    Progress(Bytes),
    Accept(Bytes),
}

/// Our reliable provisionals of one INVITE: one unacknowledged at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reliable {
    Unsupported,
    Free { next: u32, need: Need },
    Unacked { rseq: u32, need: Need, held: Held, then: Then },
}

impl Reliable {
    pub fn of_invite(headers: &Headers) -> Reliable {
        if headers.has_option(&HeaderName::Require, "100rel") {
            Reliable::Free { next: FIRST_RSEQ, need: Need::Required }
        } else if headers.has_option(&HeaderName::Supported, "100rel") {
            Reliable::Free { next: FIRST_RSEQ, need: Need::Welcome }
        } else {
            Reliable::Unsupported
        }
    }

    /// The unacknowledged RSeq.
    pub fn unacked(&self) -> Option<u32> {
        match self {
            Reliable::Unacked { rseq, .. } => Some(*rseq),
            Reliable::Unsupported | Reliable::Free { .. } => None,
        }
    }

    /// Whether `rack` names the unacknowledged one of the INVITE numbered `cseq`.
    pub fn matches(&self, rack: Option<(u32, u32)>, cseq: u32) -> bool {
        self.unacked().is_some_and(|rseq| rack == Some((rseq, cseq)))
    }
}

/// RAck (§7.2): RSeq and CSeq number; `None` when absent, unreadable, or not about an INVITE.
pub(crate) fn rack(request: &Request) -> Option<(u32, u32)> {
    let mut parts = request.headers.text(&HeaderName::RAck)?.split_ascii_whitespace();
    let rseq = parts.next()?.parse().ok()?;
    let cseq = parts.next()?.parse().ok()?;
    (parts.next() == Some("INVITE") && parts.next().is_none()).then_some((rseq, cseq))
}
