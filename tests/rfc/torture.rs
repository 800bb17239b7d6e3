//! Each torture message, as a datagram and on a stream.

use std::collections::BTreeSet;

use bytes::Bytes;
use hotline::sip::framing::{Frame, Framer};
use hotline::sip::header;
use hotline::sip::message::{HeaderName, Message, Method, Request, Response};
use hotline::sip::parse::{Reject, parse};
use hotline::sip::uri::{Host, Uri};

use super::corpus::{Case, Outcome, cases, folder, outcome, refusal};

/// Messages that never end on a stream, since the connection might still bring the rest.
const ENDLESS: [&str; 2] = ["rfc4475/clerr", "rfc4475/baddn"];

#[test]
fn every_file_has_its_row_and_every_row_its_file() {
    let mut files = BTreeSet::new();
    for rfc in ["rfc4475", "rfc5118"] {
        for entry in std::fs::read_dir(folder().join(rfc)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            files.insert(format!("{rfc}/{}", name.strip_suffix(".dat").expect("only .dat files")));
        }
    }
    let rows: BTreeSet<String> = cases().map(|case| case.file.to_owned()).collect();
    assert_eq!(rows, files);
    assert_eq!(cases().count(), 49 + 12);
}

#[test]
fn a_datagram_meets_the_outcome_of_its_section() {
    let wrong: Vec<String> = cases()
        .filter(|case| outcome(&case.bytes()) != case.parse)
        .map(|case| format!("{} (§{}, {}): {:?}", case.file, case.section, case.why, parse(&case.bytes())))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_parser_refuses_is_what_the_server_answers() {
    for case in cases() {
        match case.parse {
            Outcome::Answer(status) => assert_eq!(case.answer, Some(status), "{}", case.file),
            Outcome::Drop => assert_eq!(case.answer, None, "{}", case.file),
            Outcome::Accepted => {}
        }
    }
}

#[test]
fn a_stream_meets_the_same_outcome() {
    for case in cases() {
        let mut framer = Framer::default();
        framer.push(&case.bytes());
        let seen = match framer.next_frame() {
            None => {
                assert!(ENDLESS.contains(&case.file), "{} never ends", case.file);
                continue;
            }
            Some(Frame::Message(message)) => outcome(&message),
            Some(Frame::Broken(reject)) => refusal(&reject),
            Some(Frame::Ping) => panic!("{} is a ping", case.file),
        };
        assert_eq!(seen, case.parse, "{} (§{}, {})", case.file, case.section, case.why);
    }
}

#[test]
fn both_requests_of_a_double_datagram_are_read_from_a_stream() {
    let mut framer = Framer::default();
    framer.push(&case("rfc4475/dblreq").bytes());
    // The second one's body is longer than it says: what is left over belongs to no message.
    let methods: Vec<Method> = std::iter::from_fn(|| framer.next_frame())
        .take(2)
        .filter_map(|frame| match frame {
            Frame::Message(message) => Some(read(&message).method),
            Frame::Ping | Frame::Broken(_) => None,
        })
        .collect();
    assert_eq!(methods, [Method::Register, Method::Invite]);
}

#[test]
fn a_refusal_carries_back_what_the_request_had() {
    for case in cases().filter(|case| matches!(case.parse, Outcome::Answer(_))) {
        let Err(Reject::Answer(answer)) = parse(&case.bytes()) else { panic!("{}", case.file) };
        let sent: BTreeSet<&str> = answer.headers.0.iter().map(|header| header.name.as_str()).collect();
        let expected: &[&str] = match case.file {
            "rfc4475/insuf" => &["CSeq", "Via"],
            _ => &["CSeq", "Call-ID", "From", "To", "Via"],
        };
        assert_eq!(sent, expected.iter().copied().collect(), "{}", case.file);
    }
}

fn case(file: &str) -> &'static Case {
    cases().find(|case| case.file == file).expect("a file of the table")
}

fn read(bytes: &Bytes) -> Request {
    match parse(bytes) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn request(file: &str) -> Request {
    read(&case(file).bytes())
}

fn response(file: &str) -> Response {
    match parse(&case(file).bytes()) {
        Ok(Message::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

fn user(uri: &Uri) -> String {
    uri.user().expect("a user").into_owned()
}

#[test]
fn the_short_tortuous_invite_is_understood() {
    let request = request("rfc4475/wsinv");
    assert_eq!(request.headers.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(request.headers.from().unwrap().display.as_deref(), Some(r#"J Rosenberg \""#));
    assert_eq!(request.headers.number(&HeaderName::MaxForwards), Ok(68));
    let cseq = request.headers.cseq().unwrap();
    assert_eq!((cseq.number, cseq.method), (9, Method::Invite));
    let via = request.headers.via().unwrap();
    assert_eq!((via.host, &*via.branch), (Host::Ip("192.0.2.2".parse().unwrap()), "390skdjuw"));
    let contact = request.headers.contact().unwrap();
    assert_eq!(contact.display.as_deref(), Some(r#"Quoted string """#));
    assert_eq!((contact.param("newparam"), contact.param("q")), (Some("newvalue"), Some("0.33")));
    let subject = HeaderName::Other("NewFangledHeader".into());
    assert_eq!(request.headers.text(&subject), Some("newfangled value continued newfangled value"));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn escapes_are_undone_where_they_are_escapes() {
    let esc01 = request("rfc4475/esc01");
    assert_eq!(user(&esc01.uri), "sips:user@example.com");
    assert_eq!(user(&esc01.headers.to().unwrap().uri), "user");
    let Uri::Sip(contact) = esc01.headers.contact().unwrap().uri else { panic!() };
    assert_eq!(contact.param("lr"), Some(None));
    assert_eq!(contact.param("name"), Some(Some("value%41")));

    let esc02 = request("rfc4475/esc02");
    assert_eq!(esc02.method, Method::Other("RE%47IST%45R".into()));
    assert_eq!(esc02.headers.to().unwrap().display.as_deref(), Some("%Z%45"));
    assert_eq!(header::name_addrs(&esc02.headers, &HeaderName::Contact).unwrap().len(), 2);

    let null = request("rfc4475/escnull");
    let contacts = header::name_addrs(&null.headers, &HeaderName::Contact).unwrap();
    assert_eq!(contacts.iter().map(|c| user(&c.uri)).collect::<Vec<_>>(), ["\0", "\0\0"]);
}

#[test]
fn odd_characters_survive() {
    let odd = request("rfc4475/intmeth");
    assert_eq!(odd.method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(user(&odd.headers.to().unwrap().uri), "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert_eq!(odd.headers.from().unwrap().param("fromparam''~+*_!.-%"), Some("работающий"));
    assert_eq!(odd.headers.from().unwrap().tag(), Some("_token~1'+`*%!-."));
}

#[test]
fn responses_keep_their_reason() {
    assert!(response("rfc4475/unreason").reason.ends_with("простое".as_bytes()));
    assert!(response("rfc4475/noreason").reason.is_empty());
}

#[test]
fn parameters_belong_to_the_header_or_to_the_uri() {
    let of_header = request("rfc4475/cparam01").headers.contact().unwrap();
    assert!(of_header.params.iter().any(|(name, _)| &**name == "unknownparam"));
    let Uri::Sip(of_uri) = request("rfc4475/cparam02").headers.contact().unwrap().uri else { panic!() };
    assert_eq!(of_uri.param("unknownparam"), Some(None));
}

#[test]
fn ports_and_addresses_of_ipv6_are_told_apart() {
    let part = |file: &str| match request(file).uri {
        Uri::Sip(uri) => (uri.host.to_string(), uri.port),
        other => panic!("{other:?}"),
    };
    assert_eq!(part("rfc5118/port-ambiguous"), ("[2001:db8::10:5070]".to_owned(), None));
    assert_eq!(part("rfc5118/port-unambiguous"), ("[2001:db8::10]".to_owned(), Some(5070)));
    assert_eq!(part("rfc5118/ipv6-bug-abnf-3-colons"), part("rfc5118/ipv6-correct-abnf-2-colons"));
    for file in ["rfc5118/via-received-param-no-delim", "rfc5118/via-received-param-with-delim"] {
        assert_eq!(request(file).headers.via().unwrap().received, "2001:db8::9:255".parse().ok());
    }
}
