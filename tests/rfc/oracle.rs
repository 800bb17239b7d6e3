//! rsip as a second opinion: what it accepts, it must read as we do, but for the differences listed here.

use bytes::Bytes;
use hotline::sip::message::{Message, Request};
use hotline::sip::parse::parse;
use hotline::sip::uri::Uri;
use rsip::prelude::{HeadersExt, ToTypedHeader};

use super::corpus::{Outcome, cases};

/// Where we refuse what rsip reads, or rsip reads it wrongly.
const EXCEPTIONS: [(&str, &str); 1] =
    [("rfc4475/novelsc", "rsip takes any scheme for sip; to us the rest of a foreign one is opaque")];

/// The parts that matter for routing a request, as text. `None` where the reader has no opinion.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    method: String,
    user: Option<String>,
    host: String,
    call_id: String,
    cseq: u32,
    from_tag: Option<String>,
    to_tag: Option<String>,
}

fn ours(request: &Request) -> Reading {
    let tag = |address: hotline::sip::header::NameAddr| address.tag().map(str::to_owned);
    let (user, host) = match &request.uri {
        Uri::Sip(uri) => (uri.user.as_deref().map(str::to_owned), uri.host.to_string()),
        other => (None, other.to_string()),
    };
    Reading {
        method: request.method.as_str().to_owned(),
        user,
        host,
        call_id: request.headers.call_id().expect("parsed").to_owned(),
        cseq: request.headers.cseq().expect("parsed").number,
        from_tag: tag(request.headers.from().expect("parsed")),
        to_tag: tag(request.headers.to().expect("parsed")),
    }
}

/// `None` if rsip cannot read one of the parts.
fn theirs(bytes: &[u8]) -> Option<Reading> {
    let request = rsip::Request::try_from(bytes).ok()?;
    let from = request.from_header().ok()?.typed().ok()?;
    let to = request.to_header().ok()?.typed().ok()?;
    let cseq = request.cseq_header().ok()?.typed().ok()?;
    let call_id: rsip::headers::CallId = request.call_id_header().ok()?.clone();
    Some(Reading {
        method: request.method.to_string(),
        // rsip keeps escapes; our reader of URIs undoes them.
        user: request.uri.user().map(|user| match Uri::parse(format!("sip:{user}@h").as_bytes()) {
            Ok(Uri::Sip(uri)) => uri.user.map_or_else(String::new, String::from),
            _ => user.to_owned(),
        }),
        host: request.uri.host().to_string().to_ascii_lowercase(),
        call_id: String::from(call_id),
        cseq: cseq.seq,
        from_tag: from.tag().map(|tag| tag.value().to_owned()),
        to_tag: to.tag().map(|tag| tag.value().to_owned()),
    })
}

#[test]
fn the_corpus_is_read_as_rsip_reads_it() {
    let mut compared = 0;
    for case in cases() {
        if EXCEPTIONS.iter().any(|(file, _)| *file == case.file) {
            continue;
        }
        let bytes = case.bytes();
        let Some(theirs) = theirs(&bytes) else { continue };
        match parse(&bytes) {
            Ok(Message::Request(request)) => assert_eq!(ours(&request), theirs, "{}", case.file),
            Ok(Message::Response(_)) => panic!("{}: rsip sees a request", case.file),
            Err(_) => assert_ne!(case.parse, Outcome::Accepted, "{}", case.file),
        }
        compared += 1;
    }
    assert!(compared > 20, "only {compared} messages compared");
}
