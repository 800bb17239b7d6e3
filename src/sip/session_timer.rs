//! Session timers (RFC 4028) as rules: who refreshes, how often, when to give up. Nothing here keeps time.

use std::time::Duration;

use bytes::Bytes;

use super::message::{HeaderName, Headers};

/// The shortest interval we accept, in seconds: the least RFC 4028 §4 allows. Below it: 422.
pub const MIN_SECS: u32 = 90;

/// The interval we ask for, in seconds (§4 recommends it).
pub const OFFERED_SECS: u32 = 1_800;

/// The longest interval we keep, in seconds. A longer one is cut to a day, so that a dead peer is noticed.
pub const MAX_SECS: u32 = 86_400;

/// Who sends the refreshes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    Us,
    Peer,
}

/// What both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// `MIN_SECS..=MAX_SECS`.
    pub secs: u32,
    pub refresher: Refresher,
}

/// What a request's timer headers ask of us as its UAS (§9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Answer 422 with `Min-SE: MIN_SECS`.
    TooShort,
    /// Put `Agreement::in_response` into the 2xx.
    Agreed(Agreement),
    /// The peer has no session timers and nobody asked for one.
    Without,
}

/// `refresher=`, seen from the transaction that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Uac,
    Uas,
}

/// §9 and its table 2. Without a choice of the peer's we refresh ourselves.
pub fn judge(headers: &Headers) -> Judgement {
    let supported = headers.has_option(&HeaderName::Supported, "timer")
        || headers.has_option(&HeaderName::Require, "timer");
    match (session_expires(headers), supported) {
        (Some((secs, _)), true) if secs < MIN_SECS => Judgement::TooShort,
        (Some((secs, Some(Role::Uac))), true) => {
            Judgement::Agreed(Agreement { secs: bounded(secs), refresher: Refresher::Peer })
        }
        (Some((secs, _)), _) => {
            Judgement::Agreed(Agreement { secs: bounded(secs), refresher: Refresher::Us })
        }
        (None, true) => Judgement::Agreed(Agreement {
            secs: bounded(OFFERED_SECS.max(min_se(headers))),
            refresher: Refresher::Us,
        }),
        (None, false) => Judgement::Without,
    }
}

/// What a 2xx to our request settled (§7.2); `None` when it holds no Session-Expires: then nothing expires.
pub fn of_response(headers: &Headers) -> Option<Agreement> {
    let (secs, role) = session_expires(headers)?;
    let refresher = if role == Some(Role::Uas) { Refresher::Peer } else { Refresher::Us };
    Some(Agreement { secs: bounded(secs), refresher })
}

/// Min-SE in seconds; `MIN_SECS` when absent or unreadable (§5).
pub fn min_se(headers: &Headers) -> u32 {
    number_and_params(headers, &HeaderName::MinSe).map_or(MIN_SECS, |(secs, _)| secs.max(MIN_SECS))
}

impl Agreement {
    /// What we ask for in our INVITE: that we refresh, at `OFFERED_SECS` or the peer's larger minimum.
    pub fn proposal(min_secs: u32) -> Agreement {
        Agreement { secs: bounded(OFFERED_SECS.max(min_secs)), refresher: Refresher::Us }
    }

    /// The same with an interval of at least `min_secs`, after a 422.
    pub fn at_least(self, min_secs: u32) -> Agreement {
        Agreement { secs: bounded(self.secs.max(min_secs)), ..self }
    }

    /// Session-Expires in a request of ours.
    pub fn in_request(self) -> Bytes {
        self.header(self.refresher == Refresher::Us)
    }

    /// Session-Expires in a 2xx of ours. With the peer as refresher it goes with `Require: timer` (§9).
    pub fn in_response(self) -> Bytes {
        self.header(self.refresher == Refresher::Peer)
    }

    fn header(self, by_uac: bool) -> Bytes {
        format!("{};refresher={}", self.secs, if by_uac { "uac" } else { "uas" }).into()
    }

    /// From the last refresh to the next (§10).
    pub fn refresh_after(self) -> Duration {
        Duration::from_secs(u64::from(self.secs / 2))
    }

    /// From the last refresh to our BYE: a little before the interval ends (§10).
    pub fn expires_after(self) -> Duration {
        Duration::from_secs(u64::from(self.secs - (self.secs / 3).min(32)))
    }
}

fn bounded(secs: u32) -> u32 {
    secs.clamp(MIN_SECS, MAX_SECS)
}

/// `None` when absent or unreadable: such a header is as good as none.
fn session_expires(headers: &Headers) -> Option<(u32, Option<Role>)> {
    let (secs, params) = number_and_params(headers, &HeaderName::SessionExpires)?;
    let role = params.split(';').find_map(|param| {
        let (name, value) = param.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("refresher") {
            return None;
        }
        match value.trim() {
            role if role.eq_ignore_ascii_case("uac") => Some(Role::Uac),
            role if role.eq_ignore_ascii_case("uas") => Some(Role::Uas),
            _ => None,
        }
    });
    Some((secs, role))
}

fn number_and_params<'a>(headers: &'a Headers, name: &HeaderName) -> Option<(u32, &'a str)> {
    let text = headers.text(name)?;
    let (number, params) = text.split_once(';').unwrap_or((text, ""));
    Some((number.trim().parse().ok()?, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(HeaderName, &'static str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in lines {
            headers.push(name.clone(), *value);
        }
        headers
    }

    #[test]
    fn a_short_interval_is_refused_only_to_a_peer_that_understands_the_refusal() {
        let asked = (HeaderName::SessionExpires, "60");
        let supported = (HeaderName::Supported, "100rel, timer");
        assert_eq!(judge(&headers(&[asked.clone(), supported])), Judgement::TooShort);
        let agreed = Agreement { secs: MIN_SECS, refresher: Refresher::Us };
        assert_eq!(judge(&headers(&[asked])), Judgement::Agreed(agreed));
    }

    #[test]
    fn the_peers_choice_of_refresher_stands() {
        let supported = (HeaderName::Supported, "timer");
        for (asked, refresher) in [
            ("300;refresher=uac", Refresher::Peer),
            ("300 ; Refresher = UAS", Refresher::Us),
            ("300", Refresher::Us),
            ("300;refresher=nobody", Refresher::Us),
        ] {
            let judged = judge(&headers(&[(HeaderName::SessionExpires, asked), supported.clone()]));
            assert_eq!(judged, Judgement::Agreed(Agreement { secs: 300, refresher }), "{asked}");
        }
    }

    #[test]
    fn without_timers_at_the_peer_nothing_expires() {
        assert_eq!(judge(&headers(&[])), Judgement::Without);
        assert_eq!(of_response(&headers(&[])), None);
    }

    #[test]
    fn a_timer_is_proposed_to_a_peer_that_knows_them() {
        let told = headers(&[(HeaderName::Supported, "timer"), (HeaderName::MinSe, "3600")]);
        let agreed = Agreement { secs: 3_600, refresher: Refresher::Us };
        assert_eq!(judge(&told), Judgement::Agreed(agreed));
    }

    #[test]
    fn roles_turn_with_the_direction() {
        let ours = Agreement { secs: 1_800, refresher: Refresher::Us };
        assert_eq!(ours.in_request(), "1800;refresher=uac");
        assert_eq!(ours.in_response(), "1800;refresher=uas");
        let told = headers(&[(HeaderName::SessionExpires, "1800;refresher=uas")]);
        assert_eq!(of_response(&told), Some(Agreement { secs: 1_800, refresher: Refresher::Peer }));
    }

    #[test]
    fn expiry_comes_before_the_interval_ends_and_after_the_refresh() {
        for secs in [90, 91, 180, 1_800, MAX_SECS] {
            let agreed = Agreement { secs, refresher: Refresher::Us };
            assert!(agreed.refresh_after() < agreed.expires_after());
            assert!(agreed.expires_after() < Duration::from_secs(u64::from(secs)));
        }
    }

    #[test]
    fn absurd_intervals_are_bounded() {
        let told = headers(&[(HeaderName::SessionExpires, "4294967295;refresher=uas")]);
        assert_eq!(of_response(&told).map(|a| a.secs), Some(MAX_SECS));
        assert_eq!(Agreement::proposal(10).at_least(2_000).secs, 2_000);
    }
}
