//! The session timer of one dialog: when to refresh, when to give up (RFC 4028 §10).

use super::limits::REFRESH_AGAIN;
use crate::moment::Moment;
use crate::sip::endpoint::ClientTx;
use crate::sip::message::{HeaderName, Headers, Method};
use crate::sip::session_timer::{Agreement, Refresher};

#[derive(Debug)]
pub(crate) enum Clock {
    Off,
    Running {
        agreed: Agreement,
        /// `None` while the peer refreshes.
        refresh: Option<Moment>,
        expiry: Moment,
        /// Our UPDATE without SDP, until it is answered.
        update: Option<ClientTx>,
    },
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Refresh,
    Expiry,
}

impl Clock {
    /// Starts anew with what a 2xx settled.
    pub fn started(now: Moment, agreed: Option<Agreement>) -> Clock {
        let Some(agreed) = agreed else { return Clock::Off };
        let refresh = (agreed.refresher == Refresher::Us).then(|| now + agreed.refresh_after());
        Clock::Running { agreed, refresh, expiry: now + agreed.expires_after(), update: None }
    }

    pub fn deadline(&self) -> Option<Moment> {
        match self {
            Clock::Off => None,
            Clock::Running { refresh, expiry, .. } => Some(refresh.map_or(*expiry, |at| at.min(*expiry))),
        }
    }

    /// What is due; a refresh is due again a little later unless the clock is started anew.
    pub fn due(&mut self, now: Moment) -> Due {
        match self {
            Clock::Running { expiry, .. } if *expiry <= now => Due::Expiry,
            Clock::Running { refresh: Some(at), update: None, .. } if *at <= now => {
                *at = now + REFRESH_AGAIN;
                Due::Refresh
            }
            Clock::Running { refresh: Some(at), .. } if *at <= now => {
                *at = now + REFRESH_AGAIN;
                Due::Nothing
            }
            _ => Due::Nothing,
        }
    }

    /// A longer interval, after 422; the refresh is due at once.
    pub fn lengthen(&mut self, now: Moment, min_secs: u32) {
        if let Clock::Running { agreed, refresh, update, .. } = self {
            *agreed = agreed.at_least(min_secs);
            *refresh = Some(now);
            *update = None;
        }
    }

    pub fn awaits(&self, tx: ClientTx) -> bool {
        matches!(self, Clock::Running { update: Some(held), .. } if *held == tx)
    }

    pub fn set_update(&mut self, tx: Option<ClientTx>) {
        if let Clock::Running { update, .. } = self {
            *update = tx;
        }
    }

    /// Session-Expires for a request of ours.
    pub fn write_request(&self, headers: &mut Headers) {
        if let Clock::Running { agreed, .. } = self {
            headers.push(HeaderName::SessionExpires, agreed.in_request());
        }
    }
}

/// Session-Expires for a 2xx of ours to an INVITE or UPDATE (RFC 4028 §9).
pub(crate) fn write_response(agreed: Option<Agreement>, headers: &mut Headers) {
    let Some(agreed) = agreed else { return };
    headers.push(HeaderName::SessionExpires, agreed.in_response());
    if agreed.refresher == Refresher::Peer {
        headers.push(HeaderName::Require, "timer");
    }
}

/// Whether the peer says that it serves `method`.
pub(crate) fn allows(headers: &Headers, method: &Method) -> bool {
    headers.has_option(&HeaderName::Allow, method.as_str())
}
