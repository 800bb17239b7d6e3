//! The torture messages and what should become of each. `torture` holds the parser and the framer to it.
//!
//! Where a document leaves a choice, Hotline is liberal if nothing else could be meant, and strict otherwise.

use std::path::PathBuf;

use bytes::Bytes;
use hotline::sip::parse::{self, Reject};

/// What `parse` makes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// Rejected with this status.
    Answer(u16),
    /// Thrown away without an answer.
    Drop,
}

#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Below `tests/torture/`, without `.dat`.
    pub file: &'static str,
    /// Of the RFC that gives the folder its name.
    pub section: &'static str,
    pub parse: Outcome,
    /// The status the whole server owes, if the document or Hotline's own rules fix one. `None`: no answer
    /// (responses), or whatever the dialled user deserves (404, 200 ...).
    pub answer: Option<u16>,
    /// Why.
    pub why: &'static str,
}

const fn accepted(file: &'static str, section: &'static str, why: &'static str) -> Case {
    Case { file, section, parse: Outcome::Accepted, answer: None, why }
}

/// Read without complaint; the layers above owe `status`.
const fn core(file: &'static str, section: &'static str, status: u16, why: &'static str) -> Case {
    Case { file, section, parse: Outcome::Accepted, answer: Some(status), why }
}

const fn refused(file: &'static str, section: &'static str, status: u16, why: &'static str) -> Case {
    Case { file, section, parse: Outcome::Answer(status), answer: Some(status), why }
}

const fn dropped(file: &'static str, section: &'static str, why: &'static str) -> Case {
    Case { file, section, parse: Outcome::Drop, answer: None, why }
}

/// REGISTER is challenged before anything else in it counts.
const CHALLENGED: u16 = 401;

pub const RFC_4475: [Case; 49] = [
    accepted(
        "rfc4475/wsinv",
        "3.1.1.1",
        "white space, folds, escapes and compact names wherever they may stand",
    ),
    core("rfc4475/intmeth", "3.1.1.2", 501, "every character is legal; nobody knows the method"),
    accepted("rfc4475/esc01", "3.1.1.3", "the user part is sips:user@example.com once unescaped"),
    core("rfc4475/escnull", "3.1.1.4", CHALLENGED, "escaped nulls are part of the user"),
    core("rfc4475/esc02", "3.1.1.5", 501, "% in a method is no escape: this is not REGISTER"),
    accepted("rfc4475/lwsdisp", "3.1.1.6", "no space is needed before <"),
    accepted("rfc4475/longreq", "3.1.1.7", "long values are not too long"),
    core(
        "rfc4475/dblreq",
        "3.1.1.8",
        CHALLENGED,
        "bytes beyond Content-Length are no part of a datagram's request",
    ),
    accepted("rfc4475/semiuri", "3.1.1.9", "the user part is user;par=u@example.net"),
    accepted("rfc4475/transports", "3.1.1.10", "unknown transports in Via are legal"),
    accepted("rfc4475/mpart01", "3.1.1.11", "the body is binary and holds its own line ends"),
    accepted("rfc4475/unreason", "3.1.1.12", "a reason phrase may be any UTF-8"),
    accepted("rfc4475/noreason", "3.1.1.13", "a reason phrase may be empty"),
    refused("rfc4475/badinv01", "3.1.2.1", 400, "empty parameters and values in Via"),
    refused("rfc4475/clerr", "3.1.2.2", 400, "a datagram shorter than its Content-Length"),
    refused("rfc4475/ncl", "3.1.2.3", 400, "a negative Content-Length"),
    refused("rfc4475/scalar02", "3.1.2.4", 400, "CSeq beyond 2^31"),
    dropped("rfc4475/scalarlg", "3.1.2.5", "CSeq beyond 2^31 in a response, which is thrown away"),
    refused("rfc4475/quotbal", "3.1.2.6", 400, "where the quote should end is a guess"),
    refused("rfc4475/ltgtruri", "3.1.2.7", 400, "a Request-URI in <>"),
    refused("rfc4475/lwsruri", "3.1.2.8", 400, "white space inside the Request-URI"),
    accepted("rfc4475/lwsstart", "3.1.2.9", "more spaces than one in the request line mean nothing else"),
    accepted("rfc4475/trws", "3.1.2.10", "spaces after the version mean nothing else"),
    refused("rfc4475/escruri", "3.1.2.11", 400, "headers in a Request-URI"),
    accepted("rfc4475/baddate", "3.1.2.12", "nothing depends on Date"),
    refused("rfc4475/regbadct", "3.1.2.13", 400, "a bare Contact with ? could mean two things"),
    accepted("rfc4475/badaspec", "3.1.2.14", "spaces inside <> mean nothing else"),
    refused("rfc4475/baddn", "3.1.2.15", 400, "a comma in a bare display name"),
    refused("rfc4475/badvers", "3.1.2.16", 505, "SIP/7.0"),
    refused("rfc4475/mismatch01", "3.1.2.17", 400, "CSeq names another method"),
    refused(
        "rfc4475/mismatch02",
        "3.1.2.18",
        501,
        "CSeq names another method and nobody knows this one: 501 is preferred",
    ),
    dropped("rfc4475/bigcode", "3.1.2.19", "a status code of ten digits in a response, which is thrown away"),
    accepted("rfc4475/badbranch", "3.2.1", "a branch of the cookie alone: matched as RFC 2543 did"),
    refused("rfc4475/insuf", "3.3.1", 400, "no From, To or Call-ID"),
    core("rfc4475/unkscm", "3.3.2", 416, "a scheme nobody knows"),
    core("rfc4475/novelsc", "3.3.3", 416, "a scheme Hotline will never serve"),
    core("rfc4475/unksm2", "3.3.4", CHALLENGED, "foreign schemes in From, To and Contact are legal to read"),
    core(
        "rfc4475/bext01",
        "3.3.5",
        420,
        "Require lists what nobody supports; Proxy-Require is not for an endpoint",
    ),
    core("rfc4475/invut", "3.3.6", 415, "a body nobody can read"),
    core("rfc4475/regaut01", "3.3.7", CHALLENGED, "credentials of an unknown scheme are none"),
    refused("rfc4475/multi01", "3.3.8", 400, "two of From, To, Call-ID, CSeq and Max-Forwards"),
    refused("rfc4475/mcl01", "3.3.9", 400, "two Content-Lengths that differ"),
    accepted(
        "rfc4475/bcast",
        "3.3.10",
        "a response to nothing we sent: the transaction layer throws it away",
    ),
    accepted("rfc4475/zeromf", "3.3.11", "an endpoint serves a request whose Max-Forwards is 0"),
    core("rfc4475/cparam01", "3.3.12", CHALLENGED, "the parameter is the header's"),
    core("rfc4475/cparam02", "3.3.13", CHALLENGED, "the parameter is the URI's"),
    core("rfc4475/regescrt", "3.3.14", CHALLENGED, "a Contact may carry headers when it stands in <>"),
    core("rfc4475/sdp01", "3.3.15", 406, "the caller accepts nothing that could be answered with"),
    accepted("rfc4475/inv2543", "3.4.1", "no branch, no From tag, no Max-Forwards, no Content-Length"),
];

pub const RFC_5118: [Case; 12] = [
    core("rfc5118/ipv6-good", "4.1", CHALLENGED, "a Request-URI with an IPv6 host"),
    refused("rfc5118/ipv6-bad", "4.2", 400, "an IPv6 host without brackets"),
    core("rfc5118/port-ambiguous", "4.3", CHALLENGED, "5070 is part of the address"),
    core("rfc5118/port-unambiguous", "4.4", CHALLENGED, "5070 is the port"),
    core(
        "rfc5118/via-received-param-with-delim",
        "4.5",
        481,
        "received in brackets, as some write it; no such dialog",
    ),
    accepted("rfc5118/via-received-param-no-delim", "4.5", "received without brackets, as the grammar says"),
    accepted("rfc5118/ipv6-in-sdp", "4.6", "IPv6 in SDP"),
    core("rfc5118/mult-ip-in-header", "4.7", 481, "both families in the Vias; no such dialog"),
    accepted("rfc5118/mult-ip-in-sdp", "4.8", "both families in SDP"),
    accepted("rfc5118/ipv4-mapped-ipv6", "4.9", "IPv4 addresses mapped into IPv6"),
    accepted("rfc5118/ipv6-bug-abnf-3-colons", "4.10", "the third colon must be tolerated"),
    accepted("rfc5118/ipv6-correct-abnf-2-colons", "4.10", "the same address with two"),
];

/// All cases of both documents.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    RFC_4475.iter().chain(&RFC_5118)
}

impl Case {
    /// The message, byte for byte.
    pub fn bytes(&self) -> Bytes {
        std::fs::read(folder().join(format!("{}.dat", self.file))).expect(self.file).into()
    }
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

pub fn outcome(bytes: &Bytes) -> Outcome {
    match parse::parse(bytes) {
        Ok(_) => Outcome::Accepted,
        Err(reject) => refusal(&reject),
    }
}

pub fn refusal(reject: &Reject) -> Outcome {
    match reject {
        Reject::Answer(response) => Outcome::Answer(response.status),
        Reject::Drop(_) | Reject::KeepAlive => Outcome::Drop,
    }
}
