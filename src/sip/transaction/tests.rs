//! Each machine alone with a clock: every timer of RFC 3261 Table 4, and L and M of RFC 6026.

use std::time::Duration;

use super::client::Client;
use super::invite_client::InviteClient;
use super::invite_server::{Answer, InviteServer};
use super::server::Server;
use super::*;
use crate::moment::Moment;
use crate::sip::message::{HeaderName, Message, Method, Response};
use crate::sip::parse::parse;

fn ms(millis: u64) -> Moment {
    Moment::from_micros(millis * 1_000)
}

/// What a machine did when time passed.
#[derive(Debug, PartialEq, Eq)]
enum Did {
    Sent,
    Cancelled,
    TimedOut,
    Told(ServerTell),
    Ended,
}

trait Timed {
    fn deadline(&self) -> Option<Moment>;
    fn tick(&mut self, now: Moment) -> Vec<Did>;
    fn is_over(&self) -> bool;
}

fn client_did(turn: ClientTurn) -> Vec<Did> {
    assert!(!turn.pass, "time brings no response");
    let mut did = Vec::new();
    did.extend(turn.send.map(|_| Did::Sent));
    did.extend(turn.cancel.map(|_| Did::Cancelled));
    did.extend(turn.timed_out.then_some(Did::TimedOut));
    did
}

fn server_did(turn: ServerTurn) -> Vec<Did> {
    turn.send.map(|_| Did::Sent).into_iter().chain(turn.tell.map(Did::Told)).collect()
}

macro_rules! timed {
    ($machine:ty, $did:ident) => {
        impl Timed for $machine {
            fn deadline(&self) -> Option<Moment> {
                <$machine>::deadline(self)
            }
            fn tick(&mut self, now: Moment) -> Vec<Did> {
                $did(self.handle_time(now))
            }
            fn is_over(&self) -> bool {
                <$machine>::is_over(self)
            }
        }
    };
}

timed!(InviteClient, client_did);
timed!(Client, client_did);
timed!(InviteServer, server_did);
timed!(Server, server_did);

/// Lets time pass until the machine has no timer left; what it did, and at which millisecond.
fn rest(machine: &mut impl Timed) -> Vec<(u64, Did)> {
    let mut story = Vec::new();
    while let Some(at) = machine.deadline() {
        story.extend(machine.tick(at).into_iter().map(|did| (at.as_millis(), did)));
        if machine.is_over() {
            story.push((at.as_millis(), Did::Ended));
        }
        assert!(machine.deadline() != Some(at) || machine.is_over(), "a timer fires once");
        assert!(story.len() < 100, "a machine comes to rest");
    }
    story
}

fn sent_at(story: &[(u64, Did)]) -> Vec<u64> {
    story.iter().filter(|(_, did)| *did == Did::Sent).map(|(at, _)| *at).collect()
}

fn invite() -> (Request, Bytes) {
    let text = "INVITE sip:1001@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport\r\n\
        Route: <sip:edge.example;lr>\r\nFrom: <sip:95500@bank.example>;tag=us\r\nTo: <sip:1001@bank.example>\r\n\
        Call-ID: c1\r\nCSeq: 7 INVITE\r\nMax-Forwards: 70\r\nRequire: 100rel\r\nContent-Length: 0\r\n\r\n";
    let bytes = Bytes::from_static(text.as_bytes());
    match parse(&bytes) {
        Ok(Message::Request(request)) => (request, bytes),
        other => panic!("not a request: {other:?}"),
    }
}

fn inviting(reliable: bool) -> InviteClient {
    let (request, bytes) = invite();
    InviteClient::new(ms(0), request, bytes, reliable)
}

fn answer(status: u16) -> Response {
    invite().0.response(status).with_to_tag("them")
}

const SAY: Bytes = Bytes::from_static(b"said");

fn inviting_server(reliable: bool) -> InviteServer {
    InviteServer::new(Bytes::from_static(b"trying"), reliable)
}

fn request_of(bytes: &Bytes) -> Request {
    match parse(bytes) {
        Ok(Message::Request(request)) => request,
        other => panic!("not a request: {other:?}"),
    }
}

// INVITE client.

#[test]
fn timers_a_and_b_repeat_an_invite_over_udp_and_give_it_up_after_32_s() {
    let story = rest(&mut inviting(false));
    assert_eq!(sent_at(&story), [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(story[6..], [(32_000, Did::TimedOut), (32_000, Did::Ended)]);
}

#[test]
fn over_tcp_an_invite_is_not_repeated_but_timer_b_runs() {
    let story = rest(&mut inviting(true));
    assert_eq!(story, [(32_000, Did::TimedOut), (32_000, Did::Ended)]);
}

#[test]
fn a_late_clock_makes_one_retransmission_and_no_burst() {
    let mut machine = inviting(false);
    assert_eq!(machine.tick(ms(9_000)), [Did::Sent]);
    assert_eq!(machine.deadline(), Some(ms(10_000)));
}

#[test]
fn a_provisional_stops_the_repeating_and_timer_c_cancels_an_endless_ringing() {
    let mut machine = inviting(false);
    assert!(machine.receive(ms(100), &answer(100)).pass);
    assert!(machine.receive(ms(60_000), &answer(180)).pass);
    let story = rest(&mut machine);
    assert_eq!(story, [(300_000, Did::Cancelled), (332_000, Did::TimedOut), (332_000, Did::Ended)]);
}

#[test]
fn timer_d_acks_each_copy_of_a_refusal_for_32_s() {
    let mut machine = inviting(false);
    let turn = machine.receive(ms(200), &answer(486));
    assert!(turn.pass);
    let ack = turn.send.expect("a refusal is acknowledged");
    let again = machine.receive(ms(700), &answer(486));
    assert_eq!((again.pass, again.send), (false, Some(ack)));
    assert_eq!(machine.receive(ms(800), &answer(200)), ClientTurn::default());
    assert_eq!(rest(&mut machine), [(32_200, Did::Ended)]);
}

#[test]
fn over_tcp_timer_d_is_zero() {
    let mut machine = inviting(true);
    assert!(machine.receive(ms(200), &answer(486)).send.is_some());
    assert!(machine.is_over());
}

#[test]
fn the_ack_of_a_refusal_is_built_from_the_invite_and_the_tag_of_the_answer() {
    let bytes = inviting(false).receive(ms(1), &answer(603)).send.expect("a refusal is acknowledged");
    let (ack, invite) = (request_of(&bytes), invite().0);
    assert_eq!((&ack.method, &ack.uri), (&Method::Ack, &invite.uri));
    for same in [HeaderName::Via, HeaderName::Route, HeaderName::From, HeaderName::CallId] {
        assert_eq!(ack.headers.get(&same), invite.headers.get(&same), "{same:?}");
    }
    assert_eq!(ack.headers.text(&HeaderName::To), Some("<sip:1001@bank.example>;tag=them"));
    assert_eq!(ack.headers.text(&HeaderName::CSeq), Some("7 ACK"));
}

#[test]
fn timer_m_hands_up_every_further_2xx_for_32_s() {
    for reliable in [false, true] {
        let mut machine = inviting(reliable);
        assert_eq!(machine.receive(ms(100), &answer(200)), ClientTurn::pass());
        assert_eq!(machine.receive(ms(600), &answer(200)), ClientTurn::pass());
        assert_eq!(machine.receive(ms(700), &answer(180)), ClientTurn::default());
        assert_eq!(machine.receive(ms(700), &answer(486)), ClientTurn::default());
        assert_eq!(rest(&mut machine), [(32_100, Did::Ended)]);
    }
}

#[test]
fn a_cancel_before_any_provisional_waits_for_one() {
    let mut machine = inviting(false);
    assert_eq!(machine.cancel(ms(10), Some(Bytes::from_static(b"SIP;cause=200"))), ClientTurn::default());
    let turn = machine.receive(ms(900), &answer(100));
    assert!(turn.pass);
    let cancel = turn.cancel.expect("the CANCEL goes out now");
    assert_eq!(cancel.headers.text(&HeaderName::CSeq), Some("7 CANCEL"));
    assert_eq!(cancel.headers.text(&HeaderName::Reason), Some("SIP;cause=200"));
    assert_eq!(cancel.headers.get(&HeaderName::Via), invite().0.headers.get(&HeaderName::Via));
    assert_eq!(cancel.headers.get(&HeaderName::Require), None);
    assert_eq!(rest(&mut machine), [(32_900, Did::TimedOut), (32_900, Did::Ended)]);
}

#[test]
fn a_cancel_is_sent_once() {
    let mut machine = inviting(false);
    machine.receive(ms(1), &answer(180));
    assert!(machine.cancel(ms(2), None).cancel.is_some());
    assert_eq!(machine.cancel(ms(3), None), ClientTurn::default());
    assert_eq!(machine.receive(ms(4), &answer(180)), ClientTurn::pass());
    assert!(machine.receive(ms(5), &answer(487)).send.is_some());
}

#[test]
fn a_cancel_that_waited_too_long_is_never_sent() {
    for status in [200, 486] {
        let mut machine = inviting(false);
        machine.cancel(ms(1), None);
        let turn = machine.receive(ms(2), &answer(status));
        assert!(turn.pass && turn.cancel.is_none());
        assert_eq!(machine.cancel(ms(3), None), ClientTurn::default());
    }
}

#[test]
fn a_200_that_crosses_the_cancel_is_handed_up() {
    let mut machine = inviting(false);
    machine.receive(ms(1), &answer(180));
    machine.cancel(ms(2), None);
    assert_eq!(machine.receive(ms(3), &answer(200)), ClientTurn::pass());
    assert_eq!(rest(&mut machine), [(32_003, Did::Ended)]);
}

// Non-INVITE client.

#[test]
fn timers_e_and_f_repeat_a_request_up_to_every_4_s_and_give_it_up_after_32_s() {
    let story = rest(&mut Client::new(ms(0), SAY, false));
    let times = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(sent_at(&story), times);
    assert_eq!(story[10..], [(32_000, Did::TimedOut), (32_000, Did::Ended)]);
    assert_eq!(rest(&mut Client::new(ms(0), SAY, true)), [(32_000, Did::TimedOut), (32_000, Did::Ended)]);
}

#[test]
fn a_provisional_slows_timer_e_down_to_t2() {
    let mut machine = Client::new(ms(0), SAY, false);
    assert_eq!(machine.receive(ms(100), 100), ClientTurn::pass());
    assert_eq!(machine.receive(ms(200), 180), ClientTurn::pass());
    let story = rest(&mut machine);
    assert_eq!(sent_at(&story)[..3], [500, 4_500, 8_500]);
    assert_eq!(story.last(), Some(&(32_000, Did::Ended)));
}

#[test]
fn timer_k_absorbs_copies_for_5_s_and_is_zero_over_tcp() {
    let mut machine = Client::new(ms(0), SAY, false);
    assert_eq!(machine.receive(ms(100), 200), ClientTurn::pass());
    assert_eq!(machine.receive(ms(200), 200), ClientTurn::default());
    assert_eq!(rest(&mut machine), [(5_100, Did::Ended)]);
    let mut machine = Client::new(ms(0), SAY, true);
    assert_eq!(machine.receive(ms(100), 404), ClientTurn::pass());
    assert!(machine.is_over());
}

// INVITE server.

#[test]
fn copies_of_an_invite_get_the_latest_provisional() {
    let mut machine = inviting_server(false);
    assert_eq!(machine.receive_again().send, Some(Bytes::from_static(b"trying")));
    machine.respond(ms(10), Answer::Provisional, SAY);
    assert_eq!(machine.receive_again().send, Some(SAY));
    assert_eq!(machine.deadline(), None);
}

#[test]
fn timers_g_and_h_repeat_a_refusal_until_its_ack_or_32_s() {
    let mut machine = inviting_server(false);
    assert_eq!(machine.respond(ms(0), Answer::Refusal, SAY), ServerTurn::send(SAY));
    assert_eq!(machine.receive_again().send, Some(SAY));
    let story = rest(&mut machine);
    let times = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(sent_at(&story), times);
    assert_eq!(story[10..], [(32_000, Did::Ended)]);
}

#[test]
fn over_tcp_a_refusal_is_not_repeated_but_waits_for_its_ack() {
    let mut machine = inviting_server(true);
    machine.respond(ms(0), Answer::Refusal, SAY);
    assert_eq!(machine.deadline(), Some(ms(32_000)));
    assert!(!machine.receive_ack(ms(50)));
    assert!(machine.is_over());
}

#[test]
fn timer_i_absorbs_copies_of_the_ack_for_5_s() {
    let mut machine = inviting_server(false);
    machine.respond(ms(0), Answer::Refusal, SAY);
    assert!(!machine.receive_ack(ms(100)));
    assert!(!machine.receive_ack(ms(200)));
    assert_eq!(machine.receive_again(), ServerTurn::default());
    assert_eq!(rest(&mut machine), [(5_100, Did::Ended)]);
}

#[test]
fn a_2xx_is_repeated_on_any_transport_until_never_acked() {
    for reliable in [false, true] {
        let mut machine = inviting_server(reliable);
        machine.respond(ms(0), Answer::Success, SAY);
        let story = rest(&mut machine);
        assert_eq!(sent_at(&story)[..5], [500, 1_500, 3_500, 7_500, 11_500]);
        assert_eq!(story[10..], [(32_000, Did::Told(ServerTell::NeverAcked)), (32_000, Did::Ended)]);
    }
}

#[test]
fn timer_l_keeps_an_acked_invite_silently_for_32_s() {
    let mut machine = inviting_server(false);
    machine.respond(ms(0), Answer::Success, SAY);
    assert!(machine.receive_ack(ms(40)));
    machine.acked();
    assert_eq!(machine.receive_again(), ServerTurn::default());
    assert_eq!(rest(&mut machine), [(32_000, Did::Ended)]);
}

#[test]
fn a_reliable_provisional_is_repeated_without_ceiling_until_never_pracked() {
    let mut machine = inviting_server(true);
    machine.respond(ms(0), Answer::ReliableProvisional, SAY);
    let story = rest(&mut machine);
    assert_eq!(sent_at(&story), [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(story[6..], [(32_000, Did::Told(ServerTell::NeverPracked))]);
    assert_eq!(machine.respond(ms(32_000), Answer::Refusal, SAY), ServerTurn::send(SAY));
}

#[test]
fn a_prack_or_a_final_answer_stops_a_reliable_provisional() {
    let mut machine = inviting_server(false);
    machine.respond(ms(0), Answer::ReliableProvisional, SAY);
    machine.pracked();
    assert_eq!(machine.deadline(), None);
    machine.respond(ms(9), Answer::ReliableProvisional, SAY);
    machine.respond(ms(10), Answer::Success, SAY);
    machine.acked();
    assert_eq!(rest(&mut machine), [(32_010, Did::Ended)]);
}

#[test]
fn a_cancel_is_told_once_and_only_before_the_answer() {
    let mut machine = inviting_server(false);
    assert_eq!(machine.receive_cancel(), ServerTurn::tell(ServerTell::Cancelled));
    assert_eq!(machine.receive_cancel(), ServerTurn::default());
    let mut machine = inviting_server(false);
    machine.respond(ms(0), Answer::Success, SAY);
    assert_eq!(machine.receive_cancel(), ServerTurn::default());
}

#[test]
fn nothing_is_sent_after_the_final_answer() {
    for last in [Answer::Success, Answer::Refusal] {
        let mut machine = inviting_server(false);
        machine.respond(ms(0), last, SAY);
        for next in [Answer::Provisional, Answer::ReliableProvisional, Answer::Success, Answer::Refusal] {
            assert_eq!(machine.respond(ms(1), next, SAY), ServerTurn::default());
        }
    }
}

// Non-INVITE server.

#[test]
fn timer_j_answers_copies_for_32_s_and_is_zero_over_tcp() {
    let mut machine = Server::new(ms(0), false);
    assert_eq!(machine.receive_again(), ServerTurn::default());
    assert_eq!(machine.respond(ms(100), 200, SAY), ServerTurn::send(SAY));
    assert_eq!(machine.respond(ms(101), 500, SAY), ServerTurn::default());
    assert_eq!(machine.receive_again(), ServerTurn::send(SAY));
    assert_eq!(rest(&mut machine), [(32_100, Did::Ended)]);
    let mut machine = Server::new(ms(0), true);
    machine.respond(ms(100), 200, SAY);
    assert!(machine.is_over());
}

#[test]
fn copies_get_the_provisional_and_an_unanswered_request_is_forgotten_with_its_client() {
    let mut machine = Server::new(ms(0), false);
    machine.respond(ms(100), 182, SAY);
    assert_eq!(machine.receive_again(), ServerTurn::send(SAY));
    assert_eq!(rest(&mut machine), [(32_000, Did::Ended)]);
    assert_eq!(rest(&mut Server::new(ms(0), true)), [(32_000, Did::Ended)]);
}

#[test]
fn patience_is_64_times_t1() {
    assert_eq!(timer::PATIENCE, timer::T1 * 64);
    assert!(timer::TIMER_C > Duration::from_secs(180));
}
