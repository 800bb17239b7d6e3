use super::*;

fn read(text: &str) -> Result<Message, Reject> {
    parse(&Bytes::copy_from_slice(text.as_bytes()))
}

fn status(text: &str) -> u16 {
    match read(text) {
        Err(Reject::Answer(response)) => response.status,
        other => panic!("{other:?}"),
    }
}

const REST: &str =
    "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n";

fn options(more: &str) -> String {
    format!("OPTIONS sip:c@d SIP/2.0\r\n{REST}CSeq: 1 OPTIONS\r\n{more}\r\n")
}

#[test]
fn a_request_is_read_without_its_content_length() {
    let Ok(Message::Request(request)) = read(&(options("l: 2\r\n") + "hi, beyond")) else { panic!() };
    assert_eq!(request.method, Method::Options);
    assert_eq!(request.body, &b"hi"[..]);
    assert_eq!(request.headers.get(&HeaderName::ContentLength), None);
    assert_eq!(request.headers.0.len(), 5);
}

#[test]
fn values_are_slices_of_the_datagram() {
    let bytes = Bytes::from(options(""));
    let Ok(Message::Request(request)) = parse(&bytes) else { panic!() };
    let value = request.headers.get(&HeaderName::CallId).unwrap();
    assert!(bytes.as_ptr_range().contains(&value.as_ptr()));
}

#[test]
fn other_protocols_and_empty_datagrams_get_no_answer() {
    assert!(matches!(read("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Err(Reject::Drop(_))));
    assert!(matches!(read("jaK"), Err(Reject::Drop(_))));
    for keep_alive in ["", "\r\n\r\n", "\0\0\0\0", "\r\n"] {
        assert_eq!(read(keep_alive), Err(Reject::KeepAlive));
    }
}

#[test]
fn an_answer_carries_what_could_be_read_and_says_what_is_wrong() {
    let Err(Reject::Answer(response)) =
        read(&format!("INVITE sip:c@d SIP/2.0\r\n{REST}CSeq: none\r\nnonsense\r\n\r\n"))
    else {
        panic!()
    };
    assert_eq!(response.status, 400);
    assert!(response.reason.starts_with(b"Bad Request (header line without colon"));
    let names: Vec<_> = response.headers.0.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(names, ["Via", "From", "To", "Call-ID", "CSeq"]);
}

#[test]
fn bad_acks_responses_and_requests_without_via_are_dropped() {
    assert!(matches!(read(&format!("ACK sip:c@d SIP/2.0\r\n{REST}\r\n")), Err(Reject::Drop(_))));
    assert!(matches!(read(&format!("SIP/2.0 200 OK\r\n{REST}\r\n")), Err(Reject::Drop(_))));
    assert!(matches!(read("OPTIONS sip:c@d SIP/2.0\r\nTo: x\r\n\r\n"), Err(Reject::Drop(_))));
}

#[test]
fn limits_are_answered() {
    assert_eq!(status(&options(&"X: y\r\n".repeat(limits::HEADERS))), 400);
    let long = format!(
        "OPTIONS sip:{}@d SIP/2.0\r\n{REST}CSeq: 1 OPTIONS\r\n\r\n",
        "a".repeat(limits::REQUEST_LINE_BYTES)
    );
    assert_eq!(status(&long), 414);
}

#[test]
fn other_versions_get_505_and_none_at_all_400() {
    assert_eq!(status(&format!("OPTIONS sip:c@d SIP/3.0\r\n{REST}\r\n")), 505);
    assert_eq!(status(&format!("OPTIONS sip:c@d\r\n{REST}\r\n")), 400);
}
