//! SIP over TCP.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use super::{Wire, options};

/// Reads until `count` messages that begin with `begin` have come, or the stream ends.
fn heard(stream: &mut TcpStream, begin: &str, count: usize) -> usize {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    while text.matches(begin).count() < count {
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..length])),
            _ => break,
        }
    }
    text.matches(begin).count()
}

/// The server has closed this connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
    }
}

#[test]
fn a_thousand_messages_in_one_piece_are_all_answered() {
    let wire = Wire::up("piece");
    let mut stream = wire.tcp();
    let all: String = (1..=1_000).map(|number| options("TCP", number, "")).collect();
    stream.write_all(all.as_bytes()).unwrap();
    assert_eq!(heard(&mut stream, "SIP/2.0 200", 1_000), 1_000);
}

#[test]
fn a_message_that_comes_byte_by_byte_is_answered() {
    let wire = Wire::up("bytes");
    let mut stream = wire.tcp();
    stream.set_nodelay(true).unwrap();
    for byte in options("TCP", 1, "").bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(heard(&mut stream, "SIP/2.0 200", 1), 1);
}

#[test]
fn a_peer_that_never_reads_is_closed_and_nobody_else_suffers() {
    let wire = Wire::up("deaf");
    let mut deaf = wire.tcp();
    // The answer repeats the Via, so it is as large as the question.
    let large = "x".repeat(30_000);
    // Far more than both kernels and the server hold for it.
    let end = (1..=10_000).find_map(|number| {
        let question = options("TCP", number, "").replace("rport;", &format!("rport;p={large};"));
        deaf.write_all(question.as_bytes()).err()
    });
    let end = end.map(|error| error.kind());
    assert!(matches!(end, Some(ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)), "{end:?}");
    assert!(wire.is_well());
}

#[test]
fn what_is_not_sip_is_closed_at_once() {
    let wire = Wire::up("garbage");
    for garbage in [&b"\x16\x03\x01\x02\x00"[..], b"\0\0\0\0", b"{\"a\":1}"] {
        let mut stream = wire.tcp();
        stream.write_all(garbage).unwrap();
        assert!(is_closed(&mut stream), "{garbage:?}");
    }
    assert!(wire.is_well());
}

#[test]
fn a_ping_is_answered_and_half_a_message_at_the_end_is_forgotten() {
    let wire = Wire::up("ping");
    let mut stream = wire.tcp();
    stream.write_all(b"\r\n\r\n").unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n");
    stream.write_all(&options("TCP", 1, "").as_bytes()[..100]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(is_closed(&mut stream));
    assert!(wire.is_well());
}
