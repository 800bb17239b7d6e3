//! What no telephone does on purpose and every network does sometimes: messages twice, and in pieces.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use super::bank::{Bank, SIP};
use super::room::alone;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(5));

fn request(method: &str, transport: &str, from: &str, branch: &str, tail: &str) -> String {
    format!(
        "{method} sip:95500@{SIP} SIP/2.0\r\nVia: SIP/2.0/{transport} {from};branch=z9hG4bK{branch}\r\n\
         From: <sip:13700009999@127.0.0.1>;tag=f\r\nCall-ID: twice\r\nMax-Forwards: 70\r\n\
         Contact: <sip:13700009999@{from}>\r\n{tail}"
    )
}

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                     m=audio 30000 RTP/AVP 8\r\n";

#[test]
fn an_invite_sent_three_times_is_one_call() {
    alone(&[], |room| {
        let mut bank = Bank::opens(room);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(PATIENCE).expect("a time");
        let own = socket.local_addr().expect("an address").to_string();
        let length = OFFER.len();
        let tail = format!(
            "To: <sip:95500@127.0.0.1>\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\
             Content-Length: {length}\r\n\r\n{OFFER}"
        );
        let invite = request("INVITE", "UDP", &own, "a", &tail);
        for _ in 0..3 {
            socket.send_to(invite.as_bytes(), SIP).expect("sent");
        }
        let mut tags = std::collections::BTreeSet::new();
        let mut buffer = [0; 4_096];
        for _ in 0..3 {
            let to = loop {
                let length = socket.recv(&mut buffer).expect("an answer");
                let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if answer.starts_with("SIP/2.0 200") {
                    break answer.lines().find(|line| line.starts_with("To:")).expect("a To").to_owned();
                }
            };
            tags.insert(to);
        }
        assert_eq!(tags.len(), 1, "one dialog: {tags:?}");
        let to = tags.first().expect("one");
        let none = "Content-Length: 0\r\n\r\n";
        let ack = request("ACK", "UDP", &own, "b", &format!("{to}\r\nCSeq: 1 ACK\r\n{none}"));
        let bye = request("BYE", "UDP", &own, "c", &format!("{to}\r\nCSeq: 2 BYE\r\n{none}"));
        socket.send_to(ack.as_bytes(), SIP).expect("sent");
        socket.send_to(bye.as_bytes(), SIP).expect("sent");
        bank.shows("ends: left_menu");
        bank.closes();
        assert_eq!(bank.calls().len(), 1);
    });
}

#[test]
fn messages_in_pieces_and_pieces_with_two_messages_are_read() {
    alone(&[], |room| {
        let _bank = Bank::opens(room);
        let mut stream = TcpStream::connect(SIP).expect("SIP over TCP");
        stream.set_read_timeout(PATIENCE).expect("a time");
        stream.set_nodelay(true).expect("small pieces");
        let own = stream.local_addr().expect("an address").to_string();
        let ask = |number: u32| {
            let tail =
                format!("To: <sip:95500@127.0.0.1>\r\nCSeq: {number} OPTIONS\r\nContent-Length : 0\r\n\r\n");
            request("OPTIONS", "TCP", &own, &number.to_string(), &tail)
        };
        for piece in ask(1).as_bytes().chunks(7) {
            stream.write_all(piece).expect("sent");
        }
        stream.write_all(format!("\r\n\r\n{}{}", ask(2), ask(3)).as_bytes()).expect("sent");
        let (mut answers, mut buffer) = (String::new(), [0; 4_096]);
        while answers.matches("SIP/2.0 200").count() < 3 || !answers.contains("CSeq: 3 OPTIONS") {
            let length = stream.read(&mut buffer).unwrap_or_else(|error| panic!("{error}; got {answers}"));
            assert!(length > 0, "closed after {answers}");
            answers.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    });
}
