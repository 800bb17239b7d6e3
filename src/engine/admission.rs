//! Who may call whom: judged before a knock becomes a call.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use super::Engine;
use super::happened::What;
use super::limits::{NUMBER_BYTES, RETRY_AFTER_SECS};
use super::pressure::Turn;
use super::route::{Destination, route};
use crate::call::cause::Cause;
use crate::config::{self, Config};
use crate::ids::AgentId;
use crate::moment::Moment;
use crate::sip::digest::{Ha1, Verdict};
use crate::sip::endpoint::{Happening, ServerTx};
use crate::sip::message::{HeaderName, Request, Response};
use crate::sip::transport::Flow;
use crate::sip::triage::{Urgency, dialled};
use crate::sip::uri::Uri;

/// A caller who has been let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    /// The number shown to agents and kept in records.
    pub from: String,
    pub dialled: String,
    pub to: Destination,
    /// Who proved to be an agent.
    pub agent: Option<AgentId>,
    /// Comes by a trunk whose streams share sockets.
    pub shares_sockets: bool,
}

/// How many calls there may be, and how many more a second. A token bucket that holds one second's worth.
#[derive(Debug)]
pub(super) struct Gate {
    limits: config::Limits,
    /// Thousandths of a call that may still come in now.
    tokens: u64,
    filled: Moment,
}

impl Gate {
    pub(super) fn new(now: Moment, limits: &config::Limits) -> Gate {
        Gate { limits: limits.clone(), tokens: u64::from(limits.calls_per_second) * 1_000, filled: now }
    }

    pub(super) fn configure(&mut self, limits: &config::Limits) {
        self.limits = limits.clone();
    }

    /// Whether one more would be let in now.
    pub(super) fn has_room(&mut self, now: Moment, calls: usize) -> bool {
        let rate = u64::from(self.limits.calls_per_second);
        let millis = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        self.tokens = self.tokens.saturating_add(millis.saturating_mul(rate)).min(rate * 1_000);
        self.filled = self.filled + Duration::from_millis(millis);
        calls < self.limits.calls && self.tokens >= 1_000
    }

    pub(super) fn lets_in(&mut self, now: Moment, calls: usize) -> bool {
        let room = self.has_room(now, calls);
        if room {
            self.tokens -= 1_000;
        }
        room
    }

    /// What was let in became no call: its place is for the next.
    fn gives_back(&mut self) {
        self.tokens = (self.tokens + 1_000).min(u64::from(self.limits.calls_per_second) * 1_000);
    }
}

/// The agents' secrets as digests; the passwords themselves are not needed again.
pub(super) fn secrets(config: &Config) -> BTreeMap<AgentId, Ha1> {
    let realm = &config.sip.realm;
    let ha1 = |id: &AgentId, agent: &config::Agent| Ha1::new(id.as_str(), realm, &agent.password.0);
    config.agents.iter().map(|(id, agent)| (id.clone(), ha1(id, agent))).collect()
}

pub(super) fn has_to_tag(request: &Request) -> bool {
    request.headers.to().is_ok_and(|to| to.tag().is_some())
}

/// A header block for a 503: come back later.
pub(super) fn retry_after() -> [(HeaderName, Bytes); 1] {
    [(HeaderName::RetryAfter, Bytes::from(RETRY_AFTER_SECS.to_string()))]
}

/// Whether `address` lies in `network/prefix`.
fn contains(network: IpAddr, prefix: u8, address: IpAddr) -> bool {
    let (network, address, width) = match (network.to_canonical(), address.to_canonical()) {
        (IpAddr::V4(n), IpAddr::V4(a)) => (u128::from(n.to_bits()), u128::from(a.to_bits()), 32),
        (IpAddr::V6(n), IpAddr::V6(a)) => (n.to_bits(), a.to_bits(), 128),
        _ => return false,
    };
    let host_bits = width - u32::from(prefix).min(width);
    network.checked_shr(host_bits).unwrap_or(0) == address.checked_shr(host_bits).unwrap_or(0)
}

impl Engine {
    /// A message. One that would begin a call goes no further than its refusal while the server is behind, or if
    /// it is for a number of ours and there is no room for calls: at three times the load that is served, two of three
    /// end here.
    pub(super) fn received(&mut self, now: Moment, flow: Flow, bytes: Bytes, waited: Duration) {
        if Urgency::of(&bytes) == Urgency::Patient {
            let turn = self.pressure.waited(now, waited);
            self.say_pressure(now, turn);
            let shut = self.pressure.is_behind() || (!self.has_room(now) && self.is_for_hotline(&bytes));
            self.endpoint.turn_away(shut.then_some(RETRY_AFTER_SECS));
        }
        self.endpoint.receive(now, flow, bytes);
    }

    /// One more call would be let in.
    fn has_room(&mut self, now: Moment) -> bool {
        let calls = self.knocking.len() + self.calls.len();
        !self.draining && !self.crowded && self.gate.has_room(now, calls)
    }

    fn is_for_hotline(&self, message: &[u8]) -> bool {
        let dialled = dialled(message).and_then(|user| std::str::from_utf8(user).ok());
        dialled.is_some_and(|user| route(&self.world.config, user) == Destination::Hotline)
    }

    /// A new call got its 503 without being looked at further.
    pub(super) fn turned_away(&mut self, now: Moment, request: &Request) {
        if self.pressure.is_behind() {
            self.pressure.turned_away();
        }
        if let Some(unnoted) = self.refusals.takes(now) {
            let dialled = presentable(&request.uri.user().unwrap_or_default());
            let (from, cause) = (calling_number(request), Cause::Overloaded);
            self.happened(now, None, None, What::CallRefused { from, dialled, cause, unnoted });
        }
    }

    pub(super) fn say_pressure(&mut self, now: Moment, turn: Turn) {
        match turn {
            Turn::Nothing => {}
            Turn::Overloaded => {
                let text = "new calls wait too long for their turn and are turned away".to_owned();
                self.alarm(now, "overload", Some(text));
            }
            Turn::Over => self.alarm(now, "overload", None),
        }
    }

    /// An INVITE outside any dialog: let in, challenged, or refused.
    pub(super) fn knock(&mut self, now: Moment, tx: ServerTx, request: Request, flow: Flow) {
        match self.admit(now, &request, flow) {
            Ok(admitted) => {
                let knocking = Happening::Request { tx, request, flow };
                // What comes back is never an INVITE: the legs take or answer each.
                let _ = self.legs.handle(now, &mut self.endpoint, knocking);
                match self.legs.poll_invitation() {
                    Some(invitation) => self.arrive(now, invitation, admitted),
                    // Malformed, or a second copy: else a few of those a second would keep real callers out.
                    None if admitted.to == Destination::Hotline => self.gate.gives_back(),
                    None => {}
                }
            }
            Err(response) => self.refuse(now, tx, *response),
        }
    }

    fn admit(&mut self, now: Moment, request: &Request, flow: Flow) -> Result<Admitted, Box<Response>> {
        if matches!(request.uri, Uri::Other { .. }) {
            return Err(request.response(416).into());
        }
        let dialled = request.uri.user().unwrap_or_default().into_owned();
        let from = calling_number(request);
        let to = route(&self.world.config, &dialled);
        let source = flow.remote.ip();
        let claims_agent = self.secrets.contains_key(&AgentId::from(from.as_str()));
        let proves = claims_agent || request.headers.get(&HeaderName::Authorization).is_some();
        let agent = match &to {
            Destination::Hotline if !claims_agent && self.trunk_allows(source, &dialled) => None,
            // Star codes are for agents' phones, which may share the trunk's addresses: challenged below. Any other
            // number is alike to a trunk, an agent's or nobody's: the answer must not tell which agents there are.
            Destination::Hotline | Destination::Agent(_) | Destination::Nobody
                if !proves && self.is_trunk(source) =>
            {
                return Err(self.refusal(now, request, &from, &dialled, Cause::UnknownNumber));
            }
            _ => Some(self.prove(now, request, flow)?),
        };
        match to {
            Destination::Nobody => {
                return Err(self.refusal(now, request, &from, &dialled, Cause::UnknownNumber));
            }
            Destination::Agent(_) => {
                return Err(self.refusal(now, request, &from, &dialled, Cause::Forbidden));
            }
            Destination::Hotline | Destination::Star(_) => {}
        }
        if to == Destination::Hotline
            && (self.draining
                || self.crowded
                || self.streams.all_overloaded()
                || !self.gate.lets_in(now, self.knocking.len() + self.calls.len()))
        {
            return Err(self.refusal(now, request, &from, &dialled, Cause::Overloaded));
        }
        let from = agent.as_ref().map_or(from, |agent| agent.to_string());
        let shares_sockets = agent.is_none() && self.trunks_at(source).any(|trunk| trunk.shared_sockets);
        Ok(Admitted { from, dialled, to, agent, shares_sockets })
    }

    /// The trunks that `source` may be.
    fn trunks_at(&self, source: IpAddr) -> impl Iterator<Item = &config::Trunk> {
        let at = move |trunk: &&config::Trunk| {
            trunk.sources.iter().any(|(network, prefix)| contains(*network, *prefix, source))
        };
        self.world.config.trunks.iter().filter(at)
    }

    fn is_trunk(&self, source: IpAddr) -> bool {
        self.trunks_at(source).next().is_some()
    }

    fn trunk_allows(&self, source: IpAddr, dialled: &str) -> bool {
        self.trunks_at(source).any(|trunk| trunk.numbers.iter().any(|number| number == dialled))
    }

    /// The agent that the request's credentials prove; otherwise what to answer.
    pub(super) fn prove(
        &mut self,
        now: Moment,
        request: &Request,
        flow: Flow,
    ) -> Result<AgentId, Box<Response>> {
        let secrets = &self.secrets;
        let verdict =
            self.authenticator.check(now, flow.remote.ip(), request, &HeaderName::Authorization, |user| {
                secrets.get(&AgentId::from(user)).cloned()
            });
        if verdict.is_failure() {
            self.login_failed(now, flow.remote.ip().to_canonical().to_string());
        }
        match verdict {
            Verdict::Known { user } => Ok(AgentId::from(user.as_str())),
            Verdict::Challenge { challenges, .. } => {
                let mut response = request.response(401);
                for challenge in challenges {
                    response.headers.push(HeaderName::WwwAuthenticate, challenge);
                }
                Err(response.into())
            }
            Verdict::Throttled { retry_after_secs } => {
                let mut response = request.response(403);
                response.headers.push(HeaderName::RetryAfter, retry_after_secs.to_string());
                Err(response.into())
            }
            Verdict::Malformed(_) => Err(request.response(400).into()),
        }
    }

    fn refusal(
        &mut self,
        now: Moment,
        request: &Request,
        from: &str,
        dialled: &str,
        cause: Cause,
    ) -> Box<Response> {
        if let Some(unnoted) = self.refusals.takes(now) {
            let (from, dialled) = (from.to_owned(), presentable(dialled));
            self.happened(now, None, None, What::CallRefused { from, dialled, cause, unnoted });
        }
        let mut response = request.response(cause.sip_status());
        if cause == Cause::Overloaded {
            for (name, value) in retry_after() {
                response.headers.push(name, value);
            }
        }
        response.into()
    }

    /// Answers a request outside any dialog, with a To tag of its own.
    pub(super) fn refuse(&mut self, now: Moment, tx: ServerTx, response: Response) {
        let tag = self.rng.token(8);
        self.endpoint.respond(now, tx, response.with_to_tag(&tag));
    }
}

/// The number that calls: P-Asserted-Identity (RFC 3325) where a trunk gives it, else From.
fn calling_number(request: &Request) -> String {
    let asserted = crate::sip::header::name_addr(&request.headers, &HeaderName::PAssertedIdentity);
    let caller = asserted.or_else(|_| request.headers.from());
    let user = caller.ok().and_then(|caller| caller.uri.user().map(|user| user.into_owned()));
    let believed = user.filter(|user| user.len() <= NUMBER_BYTES && user.chars().all(is_plain));
    believed.unwrap_or_else(|| "anonymous".to_owned())
}

/// What may stand in a number wherever it is shown: nothing that moves a terminal's cursor or turns its writing round.
fn is_plain(symbol: char) -> bool {
    symbol.is_ascii_graphic() || symbol == ' ' || symbol.is_alphanumeric()
}

/// The beginning of what somebody dialled, fit to be shown.
fn presentable(dialled: &str) -> String {
    let plain = dialled.chars().map(|symbol| if is_plain(symbol) { symbol } else { '\u{fffd}' });
    let mut shown = String::new();
    for symbol in plain {
        if shown.len() + symbol.len_utf8() > NUMBER_BYTES {
            break;
        }
        shown.push(symbol);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(calls: usize, calls_per_second: u32) -> config::Limits {
        config::Limits { calls, calls_per_second }
    }

    #[test]
    fn the_gate_holds_a_second_of_calls_and_refills() {
        let start = Moment::from_micros(1_000_000);
        let mut gate = Gate::new(start, &limits(100, 10));
        assert_eq!((0..20).filter(|_| gate.lets_in(start, 0)).count(), 10);
        let later = start + Duration::from_millis(500);
        assert_eq!((0..20).filter(|_| gate.lets_in(later, 0)).count(), 5);
        assert!(!gate.lets_in(later + Duration::from_secs(9), 100), "full house");
    }

    #[test]
    fn a_network_holds_its_own_addresses_only() {
        let loopback: IpAddr = "127.0.0.0".parse().expect("an address");
        assert!(contains(loopback, 8, "127.9.9.9".parse().expect("an address")));
        assert!(!contains(loopback, 8, "128.0.0.1".parse().expect("an address")));
        assert!(contains(loopback, 8, "::ffff:127.0.0.1".parse().expect("an address")));
        assert!(!contains(loopback, 8, "::1".parse().expect("an address")));
        assert!(contains("0.0.0.0".parse().expect("an address"), 0, "8.8.8.8".parse().expect("an address")));
    }
}
