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

/// A word of letters, digits and `-`, never empty: what no reader can be in two minds about.
fn word(bytes: &[u8]) -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    let tail = bytes.iter().take(20).map(|b| char::from(letters[usize::from(*b) % letters.len()]));
    std::iter::once('x').chain(tail).collect()
}

#[test]
fn simple_messages_are_read_as_rsip_reads_them() {
    let methods = ["INVITE", "BYE", "OPTIONS", "REGISTER", "INFO", "UPDATE", "CANCEL"];
    let check = bolero::check!().with_type::<(u8, u32, [Vec<u8>; 6], u16)>().with_iterations(1_000);
    check.for_each(|(shape, number, words, port)| {
        let [user, host, call_id, from, to, more] = words.each_ref().map(|bytes| word(bytes));
        let method = methods[usize::from(*shape) % methods.len()];
        let to_tag = if shape & 8 == 0 { String::new() } else { format!(";tag={to}") };
        let uri = if shape & 16 == 0 {
            format!("sip:{user}@{host}.example:{port}")
        } else {
            format!("sip:{host};lr")
        };
        let display = if shape & 32 == 0 { String::new() } else { format!("\"{more}\" ") };
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{more}\r\n\
             From: {display}<sip:{user}@{host};user=phone>;tag={from}\r\nTo: <sip:{user}@{host}>{to_tag}\r\n\
             Call-ID: {call_id}@{host}\r\nCSeq: {} {method}\r\nContent-Length: 0\r\n\r\n",
            number >> 1
        );
        let Ok(Message::Request(request)) = parse(&Bytes::from(text.clone())) else { panic!("{text}") };
        assert_eq!(Some(ours(&request)), theirs(text.as_bytes()), "{text}");
    });
}
