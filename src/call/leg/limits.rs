//! Every limit of a leg, with its reason and what happens beyond it.

use std::time::Duration;

/// 64*T1 of RFC 3261 §17.1.1.1: how long a message may still be under way or repeated.
pub(crate) const SETTLE: Duration = Duration::from_secs(32);

/// How long a given-up INVITE may still be answered: it may wait `SETTLE` for its first provisional before the
/// CANCEL can go out, and `SETTLE` after it. Beyond it: a 2xx gets no ACK, and the peer's own timers clean up.
pub(crate) const GIVEN_UP: Duration = Duration::from_secs(70);

/// How long a re-INVITE of ours may stay unanswered after a provisional. Nobody is asked about re-INVITEs in
/// practice, so a minute is generous. Beyond it: CANCEL, and the offer counts as refused with 408.
pub(crate) const REOFFER: Duration = Duration::from_secs(64);

/// Dialogs one INVITE of ours may fork into; more than any household of phones. Beyond it: early dialogs are
/// ignored, a 2xx still gets its ACK and BYE.
pub(crate) const FORKS: usize = 8;

/// ACKs remembered for one INVITE, one per fork that answered. Beyond it: repeated 2xx of further forks get
/// their ACK and BYE anew instead of a repetition.
pub(crate) const ACKS: usize = 8;

/// How often one offer is tried again after 491 or a 500 that says when. Beyond it: refused.
pub(crate) const RETRIES: u8 = 5;

/// How often an INVITE is sent again with a longer session interval (422). Beyond it: refused.
pub(crate) const LONGER_SESSIONS: u8 = 3;

/// A ringing or progressing INVITE says so again this often, lest proxies give it up (RFC 3261 §13.3.1.1).
pub(crate) const STILL_RINGING: Duration = Duration::from_secs(60);

/// How soon a session refresh that met an obstacle is tried again, until the session runs out.
pub(crate) const REFRESH_AGAIN: Duration = Duration::from_secs(5);

/// The longest Retry-After that an offer waits for. Beyond it: refused.
pub(crate) const RETRY_AFTER_SECS: u32 = 10;

/// INVITEs whose copies are known as such. Half a minute of refusals at 2,000 a second, which is more than one
/// server can say. Beyond it: a refused INVITE is forgotten at once, and a late copy is refused on its own.
pub(crate) const COPIES: usize = 65_536;
