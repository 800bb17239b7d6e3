//! What phones and trunks send although no torture document has it, each as a datagram and on a stream.

use bytes::Bytes;
use hotline::sip::framing::{Frame, Framer};
use hotline::sip::header;
use hotline::sip::message::{HeaderName, Message, Request};
use hotline::sip::parse::{self, Reject};
use hotline::sip::uri::Uri;

use super::corpus::{Outcome, outcome, refusal};

/// Replaces one line of a plain INVITE, or adds to it.
struct Invite(Vec<(&'static str, Vec<u8>)>);

impl Invite {
    fn new() -> Invite {
        let lines: [(&str, &str); 7] = [
            ("start", "INVITE sip:95500@bank.example SIP/2.0"),
            ("Via", "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"),
            ("From", "From: <sip:alice@example.com>;tag=1"),
            ("To", "To: <sip:95500@bank.example>"),
            ("Call-ID", "Call-ID: 1@192.0.2.1"),
            ("CSeq", "CSeq: 1 INVITE"),
            ("Content-Length", "Content-Length: 4"),
        ];
        Invite(lines.into_iter().map(|(name, line)| (name, line.as_bytes().to_vec())).collect())
    }

    /// Without the line if `line` is empty.
    fn with(mut self, name: &'static str, line: impl AsRef<[u8]>) -> Invite {
        match self.0.iter().position(|(known, _)| *known == name) {
            Some(at) if line.as_ref().is_empty() => {
                self.0.remove(at);
            }
            Some(at) => self.0[at].1 = line.as_ref().to_vec(),
            None => self.0.push((name, line.as_ref().to_vec())),
        }
        self
    }

    fn bytes(&self) -> Bytes {
        let mut bytes = Vec::new();
        for (_, line) in &self.0 {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\nbody");
        bytes.into()
    }

    /// Read from a datagram and from a stream; both must agree but for the body where no length was given.
    fn read(&self) -> Request {
        let Ok(Message::Request(request)) = parse::parse(&self.bytes()) else {
            panic!("{:?}", parse::parse(&self.bytes()))
        };
        let mut framer = Framer::default();
        framer.push(&self.bytes());
        let Some(Frame::Message(message)) = framer.next_frame() else { panic!("no frame") };
        let Ok(Message::Request(streamed)) = parse::parse(&message) else { panic!("{message:?}") };
        assert_eq!(streamed.headers, request.headers);
        request
    }

    fn outcomes(&self) -> (Outcome, Option<Outcome>) {
        let mut framer = Framer::default();
        framer.push(&self.bytes());
        let stream = framer.next_frame().map(|frame| match frame {
            Frame::Message(message) => outcome(&message),
            Frame::Broken(reject) => refusal(&reject),
            Frame::Ping => panic!("ping"),
        });
        (outcome(&self.bytes()), stream)
    }

    fn is_refused(&self) {
        assert_eq!(self.outcomes(), (Outcome::Answer(400), Some(Outcome::Answer(400))));
    }
}

#[test]
fn content_length_may_have_spaces_folds_and_twins() {
    for line in [
        "Content-Length : 4",
        "Content-Length:\r\n 4",
        "l:4",
        "L\t:\t4",
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4\r\nl: 04",
    ] {
        assert_eq!(Invite::new().with("Content-Length", line).read().body, &b"body"[..], "{line}");
    }
}

#[test]
fn without_content_length_a_datagram_s_body_is_the_rest_and_a_stream_s_is_none() {
    let invite = Invite::new().with("Content-Length", "");
    assert_eq!(invite.read().body, &b"body"[..]);
    let mut framer = Framer::default();
    framer.push(&invite.bytes());
    let Some(Frame::Message(message)) = framer.next_frame() else { panic!() };
    assert!(message.ends_with(b"\r\n\r\n"));
}

#[test]
fn a_length_that_is_unclear_is_refused() {
    for line in [
        "Content-Length: -1",
        "Content-Length: 4\r\nl: 5",
        "l:",
        "l: four",
        "l: 4;x",
        "l: 99999999999999999999",
    ] {
        Invite::new().with("Content-Length", line).is_refused();
    }
}

#[test]
fn a_longer_datagram_is_trimmed_and_a_shorter_refused() {
    assert_eq!(Invite::new().with("Content-Length", "l: 2").read().body, &b"bo"[..]);
    let short = Invite::new().with("Content-Length", "l: 5");
    assert_eq!(short.outcomes(), (Outcome::Answer(400), None));
}

#[test]
fn line_ends_before_a_request_are_passed_over() {
    let mut bytes = b"\r\n\r\n\r\n".to_vec();
    bytes.extend_from_slice(&Invite::new().bytes());
    assert_eq!(outcome(&bytes.clone().into()), Outcome::Accepted);
    let mut framer = Framer::default();
    framer.push(&bytes);
    assert_eq!(framer.next_frame(), Some(Frame::Ping));
    assert_eq!(framer.next_frame(), Some(Frame::Message(Invite::new().bytes())));
}

#[test]
fn bytes_that_are_not_utf_8_refuse_no_call() {
    // "王" in GBK, as older gateways send it.
    let request = Invite::new().with("From", b"From: \"\xcd\xf5\" <sip:alice@example.com>;tag=1").read();
    let from = request.headers.from().unwrap();
    assert_eq!((from.tag(), from.display.is_some()), (Some("1"), true));
    assert!(request.headers.get(&HeaderName::From).unwrap().contains(&0xcd));
}

#[test]
fn compact_names_folds_and_lists_in_one_line_are_read() {
    let request = Invite::new()
        .with("Via", "v: SIP/2.0/TCP a;branch=z9hG4bK1,\r\n\tSIP / 2.0 / UDP b ;branch=z9hG4bK2")
        .with("From", "f:\r\n \"A\"\r\n <sip:alice@example.com>\r\n ;tag=1")
        .with("Contact", "m: <sip:a@192.0.2.1>, \"x, y\" <sip:b@[2001:db8::1]:5070;transport=tcp>;q=0.1")
        .with("Route", "Route: <sip:p1;lr>,<sip:p2;lr>\r\nroute: <sip:p3;lr>")
        .with("Supported", "k: timer,100rel\r\nSupported: replaces")
        .read();
    assert_eq!(request.headers.via().unwrap().host.to_string(), "a");
    assert_eq!(request.headers.from().unwrap().tag(), Some("1"));
    assert_eq!(header::name_addrs(&request.headers, &HeaderName::Contact).unwrap().len(), 2);
    assert_eq!(header::name_addrs(&request.headers, &HeaderName::Route).unwrap().len(), 3);
    assert!(request.headers.has_option(&HeaderName::Supported, "100rel"));
    assert!(request.headers.has_option(&HeaderName::Supported, "Replaces"));
}

#[test]
fn tel_uris_are_dialled_numbers() {
    let request = Invite::new()
        .with("start", "INVITE tel:+86-10-95500;phone-context=x SIP/2.0")
        .with("To", "To: tel:95500")
        .read();
    assert!(matches!(request.uri, Uri::Tel { .. }));
    assert_eq!(request.uri.user().as_deref(), Some("+861095500"));
    assert_eq!(request.headers.to().unwrap().uri.user().as_deref(), Some("95500"));
}

#[test]
fn old_peers_without_branch_tag_and_max_forwards_are_served() {
    let request = Invite::new().with("Via", "Via: SIP/2.0/UDP gw").with("From", "From: sip:a@b").read();
    assert_eq!((&*request.headers.via().unwrap().branch, request.headers.from().unwrap().tag()), ("", None));
}

#[test]
fn what_must_be_there_and_readable_is_demanded() {
    for (name, line) in [
        ("From", ""),
        ("To", ""),
        ("Call-ID", ""),
        ("CSeq", ""),
        ("From", "From: \"A <sip:a@b>"),
        ("To", "To: <sip:a@b"),
        ("To", "To:"),
        ("Call-ID", "Call-ID: "),
        ("CSeq", "CSeq: 2147483648 INVITE"),
        ("CSeq", "CSeq: 1 BYE"),
        ("CSeq", "CSeq: INVITE"),
        ("Via", "Via: SIP/2.0/UDP 192.0.2.1;;branch=z9hG4bK1"),
        ("Contact", "Contact: <sip:a@b:99999>"),
        ("X", "no colon"),
        ("X", "two words: x"),
        ("X", "X: bare\rreturn"),
        ("Call-ID", "Call-ID: 1\r\ni: 2"),
        ("start", "INVITE sip:a b@c SIP/2.0"),
        ("start", "INVITE  SIP/2.0"),
    ] {
        println!("{line:?} for {name}");
        Invite::new().with(name, line).is_refused();
    }
}

#[test]
fn without_a_readable_via_nothing_is_said() {
    for line in ["", "Via: SIP/2.0", "Via: HTTP/1.1/TCP x", "Via: SIP/2.0/UDP"] {
        let outcomes = Invite::new().with("Via", line).outcomes();
        assert_eq!(outcomes, (Outcome::Drop, Some(Outcome::Drop)), "{line}");
    }
}

#[test]
fn a_malformed_ack_is_never_answered() {
    let ack = Invite::new().with("start", "ACK sip:a@b SIP/2.0");
    assert_eq!(ack.outcomes(), (Outcome::Drop, Some(Outcome::Drop)));
}

#[test]
fn the_refusal_names_the_header() {
    let Err(Reject::Answer(answer)) = parse::parse(&Invite::new().with("CSeq", "CSeq: x INVITE").bytes())
    else {
        panic!()
    };
    assert_eq!(answer.reason, "Bad Request (header CSeq is malformed at byte 0: expected a number)");
}

#[test]
fn lone_line_feeds_end_lines_too() {
    let text = String::from_utf8(Invite::new().bytes().to_vec()).unwrap().replace("\r\n", "\n");
    assert_eq!(outcome(&Bytes::from(text)), Outcome::Accepted);
}
