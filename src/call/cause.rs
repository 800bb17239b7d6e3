//! The one table of endings: what it means in a report, on the wire (SIP) and in a Reason header (Q.850).

use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $sip:literal, $q850:literal, $word:literal;)*) => {
        /// Why a call, or a leg of it, ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Cause {
            $($(#[$doc])* $name,)*
        }

        impl Cause {
            pub const ALL: &[Cause] = &[$(Cause::$name),*];

            /// The final status when the INVITE is still unanswered.
            pub fn sip_status(self) -> u16 {
                match self { $(Cause::$name => $sip,)* }
            }

            /// ITU-T Q.850, for the Reason header of BYE and CANCEL (RFC 3326).
            pub fn q850(self) -> u8 {
                match self { $(Cause::$name => $q850,)* }
            }

            /// As reports and `hotline calls` print it; also its name in JSON.
            pub fn word(self) -> &'static str {
                match self { $(Cause::$name => $word,)* }
            }
        }
    };
}

causes! {
    /// The caller hung up after talking with an agent.
    CallerHungUp = 487, 16, "caller_hung_up";
    /// The caller hung up in the menu, before any queue.
    LeftMenu = 487, 16, "left_menu";
    /// The caller hung up while waiting, or while an agent's phone rang.
    Abandoned = 487, 16, "abandoned";
    /// The caller cancelled before we answered.
    Cancelled = 487, 16, "cancelled";
    /// The agent hung up.
    AgentHungUp = 480, 16, "agent_hung_up";
    /// The flow said goodbye.
    FlowEnded = 480, 16, "flow_ended";
    /// A supervisor or the API ended it.
    EndedByStaff = 480, 16, "ended_by_staff";
    /// Nobody has this number.
    UnknownNumber = 404, 1, "unknown_number";
    /// This caller may not call that number.
    Forbidden = 403, 21, "forbidden";
    /// The phone is busy.
    Busy = 486, 17, "busy";
    /// The phone rang and nobody answered in time.
    NoAnswer = 480, 19, "no_answer";
    /// The person declined.
    Declined = 603, 21, "declined";
    /// The phone is not registered, or nothing answers at its address.
    Unreachable = 480, 20, "unreachable";
    /// Another phone or agent took the call first.
    AnsweredElsewhere = 487, 26, "answered_elsewhere";
    /// No codec in common, or an offer that cannot be understood.
    NotAcceptable = 488, 88, "not_acceptable";
    /// We are at a named limit; try again later.
    Overloaded = 503, 42, "overloaded";
    /// No port for audio could be had: other programs hold them.
    MediaFailed = 503, 41, "media_failed";
    /// No audio came for too long.
    MediaLost = 480, 27, "media_lost";
    /// The session timer ran out (RFC 4028 §10).
    SessionExpired = 408, 102, "session_expired";
    /// Our answer was never acknowledged.
    NeverConfirmed = 408, 102, "never_confirmed";
    /// The peer broke the protocol.
    ProtocolError = 400, 111, "protocol_error";
    /// The server was stopped in order.
    ServerStopped = 503, 41, "server_stopped";
    /// The server died and came back; the record was closed on restart.
    ServerRestarted = 503, 41, "server_restarted";
}

impl Cause {
    /// What a refusal of our INVITE means.
    pub fn of_refusal(status: u16) -> Cause {
        match status {
            404 | 484 | 604 => Cause::UnknownNumber,
            403 | 407 | 401 => Cause::Forbidden,
            486 | 600 => Cause::Busy,
            603 => Cause::Declined,
            487 => Cause::Cancelled,
            488 | 415 | 606 => Cause::NotAcceptable,
            408 | 480 => Cause::NoAnswer,
            400 | 420 | 421 | 481 | 482 | 483 => Cause::ProtocolError,
            _ => Cause::Unreachable,
        }
    }

    /// The Reason header's value (RFC 3326 §2).
    pub fn reason_header(self) -> String {
        format!("Q.850;cause={};text=\"{}\"", self.q850(), self.word())
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_failure_status_and_a_word_of_its_own() {
        let mut words: Vec<_> = Cause::ALL.iter().map(|c| c.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Cause::ALL.len());
        assert!(Cause::ALL.iter().all(|c| (400..700).contains(&c.sip_status()) && c.q850() < 128));
    }

    #[test]
    fn the_report_word_is_the_json_name() {
        for cause in Cause::ALL {
            assert_eq!(serde_json::to_string(cause).expect("plain"), format!("\"{}\"", cause.word()));
        }
    }
}
