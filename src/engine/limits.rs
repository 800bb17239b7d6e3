//! The engine's limits. What operators may set is in `config::Limits`; these are fixed, with their reasons.

use std::time::Duration;

/// What a refused caller's phone is told to wait before it tries again (Retry-After), in seconds.
pub const RETRY_AFTER_SECS: u32 = 5;

/// How long a new call may wait for its turn before the server counts as behind and new calls get 503: a fifth of the
/// 500 ms (T1, RFC 3261 §17.1.1.1) after which phones repeat themselves and make more work, and room for some hundred
/// who call in the same moment. Calls under way do not wait with them.
pub const KNOCK_WAIT: Duration = Duration::from_millis(100);

/// Behind as it is, the server takes new calls again when one has waited for less than this.
pub const KNOCK_CALM: Duration = Duration::from_millis(20);

/// The alarm that the server is overloaded ends when it was not behind for so long.
pub const OVERLOAD_ENDS: Duration = Duration::from_secs(5);

/// How long an agent rings when a flow transfers straight to them: a queue has its own time.
pub const TRANSFER_RING: Duration = Duration::from_secs(20);

/// How long a caller may be in a flow that their agent sent them to: typing a card's number and a PIN takes half of it,
/// and the agent hears music meanwhile. Beyond it the caller is told so, and the agent has them back.
pub const ASSIST_TIME: Duration = Duration::from_secs(60);

/// How long telling the caller what came of it may take, in case its end is never reported.
pub const VERDICT_TIME: Duration = Duration::from_secs(10);

/// How long after the star of a code its digit counts, on the phone of an agent who talks.
pub const STAR_TIME: Duration = Duration::from_secs(3);

/// How long the tape rests after a secret has been typed: the last key may still sound, where keys are tones. People
/// hold one for a tenth of a second to half of one; of who holds it longer the worker, which hears it, waits for the end.
pub const HUSH_TAIL: Duration = Duration::from_millis(500);

/// Phones of one agent that ring at once; a browser, a desk phone and a mobile. More are left silent.
pub const PHONES_PER_OFFER: usize = 4;

/// Flows a call may be transferred through by number, so that two numbers cannot send it round for ever.
pub const NUMBER_TRANSFERS: usize = 8;

/// Messages that one call may begin, those included that were too short: a caller has one or two things to say.
/// Beyond it the flow goes on as if recording had failed.
pub const MESSAGES_PER_CALL: u32 = 20;

/// Ports tried for one stream before it is given up: other programs hold ports here and there, and eight in a row
/// only where the range is theirs.
pub const PORT_TRIES: usize = 8;

/// How long a media worker may take to open a stream, all tries together: it needs microseconds, and a caller who
/// hears nothing is better sent elsewhere. Beyond it the stream is given up.
pub const OPEN_WAIT: Duration = Duration::from_secs(2);

/// Longest life of a call, in case everything else fails to end it.
pub const CALL_LIFE: Duration = Duration::from_secs(8 * 3600);

/// A service call (star code) lives no longer: the confirmation takes two seconds.
pub const SERVICE_LIFE: Duration = Duration::from_secs(30);

/// Longest caller's number believed, and most of a dialled one that is noted, in bytes: E.164 has 15 digits, names in
/// a user part are seldom longer than 30. Beyond it the caller is anonymous: a number of kilobytes would be copied
/// into the journal, and into INVITEs that agents' phones then never get.
pub const NUMBER_BYTES: usize = 64;

/// Packets, received or sent, from which on a leg's figures are kept: one second of audio. Of less there is nothing to
/// say, and a flood of calls that end at once would double what the journal has to write.
pub const MEASURED_PACKETS: u64 = 50;

/// Legs that must be poor at once before it is an alarm: fewer are their own access lines' matter.
pub const POOR_LEGS: usize = 5;

/// And the share of all legs that they must be, in percent: of many thousand some are always poor. Half of both ends
/// the alarm.
pub const POOR_SHARE: usize = 10;

/// Refused attempts that are noted in the journal in a second. Forged messages cost nothing to send; noting each
/// would fill the journal, and a journal that is behind keeps real callers out. Beyond it they are counted only.
pub const REFUSALS_NOTED: u32 = 20;

/// Wrong passwords that are noted in the journal in a second, for the same reason. Beyond it they are counted only.
pub const LOGIN_FAILURES_NOTED: u32 = 20;

/// The shortest emergency broadcast: a shorter one is a slip of the hand.
pub const BROADCAST_LEAST: Duration = Duration::from_secs(60);

/// The longest: one that is forgotten must not turn callers away for more than a day. It can be started anew.
pub const BROADCAST_MOST: Duration = Duration::from_secs(24 * 3600);

/// Numbers of which something is remembered, each about 300 bytes: the callers of some months. Beyond it the one of whom
/// something was remembered longest ago is forgotten.
pub const PROFILES: usize = 100_000;

/// How long something is remembered after it was last said anew: a year and a month, so that who calls once a year is
/// known. Personal data is not kept for longer than it is of use.
pub const PROFILE_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);
