//! Every torture message to the whole engine, as a datagram and on a stream: what the finished server answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;

use bytes::Bytes;
use hotline::engine::input::{Input, World};
use hotline::engine::output::Output;
use hotline::sip::framing::{Frame, Framer};
use hotline::sip::parse::Reject;
use hotline::sip::transport::{ConnectionId, Flow, Transport};

use super::corpus::{self, Case, Outcome};
use crate::office::network::Faults;
use crate::office::{Office, world};

fn flow(transport: Transport) -> Flow {
    Flow {
        transport,
        local: SocketAddr::from((Ipv4Addr::LOCALHOST, 5060)),
        remote: SocketAddr::from((Ipv4Addr::new(127, 0, 9, 9), 5060)),
        connection: (transport == Transport::Tcp).then_some(ConnectionId(1)),
    }
}

/// The statuses of all answers to `bytes`, in order.
fn answers(office: &mut Office, transport: Transport, bytes: Bytes) -> Vec<u16> {
    office.engine.handle(
        office.now,
        Input::Received { flow: flow(transport), bytes, waited: std::time::Duration::ZERO },
    );
    let mut statuses = Vec::new();
    while let Some(output) = office.engine.poll_output() {
        if let Output::Transmit { bytes, .. } = output {
            statuses.extend(status(&bytes));
        }
    }
    statuses
}

/// Of a response's first line: the headers of a refusal are as bad as those of what it refuses.
fn status(bytes: &[u8]) -> Option<u16> {
    let line = bytes.strip_prefix(b"SIP/2.0 ")?;
    std::str::from_utf8(line.get(..3)?).ok()?.parse().ok()
}

/// The demo bank, with the users that the messages call, so that more is wrong with them than the number.
fn office() -> Office {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        let mut config = world::demo_config();
        let number = config.numbers["95500"].clone();
        config.numbers.insert("user".to_owned(), number);
        config.trunks[0].numbers.push("user".to_owned());
        world::build(config)
    });
    Office::with(1, world.clone(), Faults::NONE)
}

/// What the engine answers to a message in a stream, as the connection's task would have it.
fn answers_on_stream(office: &mut Office, bytes: &Bytes) -> Vec<u16> {
    let mut framer = Framer::default();
    framer.push(bytes);
    let mut statuses = Vec::new();
    while let Some(frame) = framer.next_frame() {
        match frame {
            Frame::Message(bytes) => statuses.extend(answers(office, Transport::Tcp, bytes)),
            Frame::Broken(Reject::Answer(response)) => statuses.push(response.status),
            Frame::Broken(_) => break,
            Frame::Ping => {}
        }
        if statuses.len() > 8 {
            break;
        }
    }
    statuses
}

fn final_status(statuses: &[u16]) -> Option<u16> {
    statuses.iter().copied().find(|status| *status >= 200)
}

fn check(case: &Case, answered: Option<u16>, how: &str, wrong: &mut Vec<String>) {
    let right = match (case.answer, case.parse) {
        (Some(owed), _) => answered == Some(owed),
        (None, Outcome::Drop) => answered.is_none(),
        // A response, which nobody answers, or a request that whoever is called deserves to hear of.
        (None, _) => answered.is_none_or(|status| (200..700).contains(&status) && status != 500),
    };
    if !right {
        wrong.push(format!(
            "{} over {how}: {answered:?} instead of {:?} ({})",
            case.file, case.answer, case.why
        ));
    }
}

#[test]
fn every_torture_message_gets_its_answer_as_a_datagram() {
    let mut wrong = Vec::new();
    for case in corpus::cases() {
        let statuses = answers(&mut office(), Transport::Udp, case.bytes());
        check(case, final_status(&statuses), "UDP", &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_torture_message_gets_its_answer_on_a_stream() {
    /// On a stream the rest of a short body may yet come, so nothing is owed.
    const UNFINISHED: [&str; 2] = ["rfc4475/clerr", "rfc4475/baddn"];
    let mut wrong = Vec::new();
    for case in corpus::cases().filter(|case| !UNFINISHED.contains(&case.file)) {
        let statuses = answers_on_stream(&mut office(), &case.bytes());
        check(case, final_status(&statuses), "TCP", &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_engine_serves_a_call_after_all_of_them() {
    let mut office = Office::seeded(1);
    for case in corpus::cases() {
        answers(&mut office, Transport::Udp, case.bytes());
        answers_on_stream(&mut office, &case.bytes());
    }
    office.caller("138");
    office.dials("138", "95500");
    office.until("the call is answered", |office| office.phones["138"].is_talking());
}
