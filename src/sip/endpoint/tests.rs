//! One endpoint and raw messages: matching, reply paths, races.

use bytes::Bytes;

use super::*;
use crate::sip::message::Method;
use crate::sip::transport::Transport;

struct Bench {
    endpoint: Endpoint,
    now: Moment,
}

/// What came out, in words: a status or method sent and where to, or a happening.
#[derive(Debug, PartialEq, Eq)]
enum Out {
    Sent(String, SocketAddr),
    New(ServerTx, Method),
    Cancelled(ServerTx),
    Ack,
    Response(ClientTx, u16),
    Failed(ClientTx, Failure),
    Other,
}

const PEER: &str = "198.51.100.7:1024";

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("a test writes good addresses")
}

fn udp() -> Flow {
    Flow { transport: Transport::Udp, local: addr("192.0.2.1:5060"), remote: addr(PEER), connection: None }
}

fn tcp(connection: Option<u64>) -> Flow {
    Flow { transport: Transport::Tcp, connection: connection.map(ConnectionId), ..udp() }
}

fn message(method: &str, via: &str, to_tag: &str) -> String {
    format!(
        "{method} sip:95500@bank.example SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nFrom: <sip:c@example.org>;tag=f\r\n\
         To: <sip:95500@bank.example>{to_tag}\r\nCall-ID: call\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n\
         Contact: <sip:c@10.0.0.2>\r\nContent-Length: 0\r\n\r\n"
    )
}

const VIA: &str = "10.0.0.2:5062;branch=z9hG4bKone;rport";

impl Bench {
    fn new() -> Bench {
        let endpoint = Endpoint::new("Hotline", Rng::seeded(11));
        Bench { endpoint, now: Moment::from_micros(1_000_000) }
    }

    fn gets(&mut self, text: &str) -> Vec<Out> {
        self.gets_on(udp(), text)
    }

    fn gets_on(&mut self, flow: Flow, text: &str) -> Vec<Out> {
        self.endpoint.receive(self.now, flow, Bytes::copy_from_slice(text.as_bytes()));
        self.outs()
    }

    fn outs(&mut self) -> Vec<Out> {
        self.happenings().into_iter().map(in_words).collect()
    }

    fn happenings(&mut self) -> Vec<Happening> {
        std::iter::from_fn(|| self.endpoint.poll()).collect()
    }

    /// A new request, and its transaction.
    fn takes(&mut self, text: &str) -> (ServerTx, Request) {
        self.endpoint.receive(self.now, udp(), Bytes::copy_from_slice(text.as_bytes()));
        let found = self.happenings().into_iter().find_map(|h| match h {
            Happening::Request { tx, request, .. } => Some((tx, request)),
            _ => None,
        });
        found.expect("a new request is reported")
    }

    fn answers(&mut self, tx: ServerTx, request: &Request, status: u16) -> Vec<Out> {
        self.endpoint.respond(self.now, tx, request.response(status).with_to_tag("us"));
        self.outs()
    }

    /// Sends `request` on `flow`; the transaction and what went on the wire.
    fn asks(&mut self, request: Request, flow: Flow) -> (ClientTx, Flow, Request) {
        let tx = self.endpoint.request(self.now, request, flow);
        match self.happenings().as_slice() {
            [Happening::Transmit { flow, bytes }] => (tx, *flow, parsed(bytes)),
            other => panic!("one message goes out: {other:?}"),
        }
    }

    /// The far end answers `wired`.
    fn is_told(&mut self, flow: Flow, wired: &Request, status: u16) -> Vec<Out> {
        let response = write::response(&wired.response(status).with_to_tag("them"));
        self.endpoint.receive(self.now, flow, response);
        self.outs()
    }
}

fn parsed(bytes: &Bytes) -> Request {
    match parse::parse(bytes) {
        Ok(Message::Request(request)) => request,
        other => panic!("not a request: {other:?}"),
    }
}

fn in_words(happening: Happening) -> Out {
    match happening {
        Happening::Transmit { flow, bytes } => {
            let line = String::from_utf8_lossy(&bytes);
            let word = line.split(' ').find(|w| !w.starts_with("SIP/")).unwrap_or_default();
            Out::Sent(word.to_owned(), flow.remote)
        }
        Happening::Request { tx, request, .. } => Out::New(tx, request.method),
        Happening::Cancelled { tx } => Out::Cancelled(tx),
        Happening::Ack { .. } => Out::Ack,
        Happening::Response { tx, response, .. } => Out::Response(tx, response.status),
        Happening::Failed { tx, failure } => Out::Failed(tx, failure),
        Happening::NeverAcked { .. } | Happening::NeverPracked { .. } | Happening::TurnedAway { .. } => {
            Out::Other
        }
    }
}

fn sent(word: &str) -> Out {
    Out::Sent(word.into(), addr(PEER))
}

/// Our own INVITE or other request, with `body` bytes of body.
fn ours(method: &str, body: usize) -> Request {
    let mut request = parsed(&Bytes::from(message(method, VIA, "")));
    request.headers.remove(&HeaderName::Via);
    request.headers.remove(&HeaderName::MaxForwards);
    request.body = Bytes::from(vec![b'x'; body]);
    request
}

#[test]
fn an_invite_gets_100_at_once_and_is_reported_with_its_true_source() {
    let mut bench = Bench::new();
    bench.endpoint.receive(bench.now, udp(), message("INVITE", VIA, "").into());
    let happenings = bench.happenings();
    let Happening::Request { request, .. } = &happenings[1] else { panic!("{happenings:?}") };
    let via = request.headers.via().expect("the Via is good");
    assert_eq!((via.received, via.rport), (Some(udp().remote.ip()), Some(Some(1024))));
    assert_eq!(in_words(happenings[0].clone()), sent("100"));
}

#[test]
fn copies_are_absorbed_and_answered_with_the_latest_response() {
    let mut bench = Bench::new();
    let (tx, request) = bench.takes(&message("INVITE", VIA, ""));
    assert_eq!(bench.gets(&message("INVITE", VIA, "")), [sent("100")]);
    assert_eq!(bench.answers(tx, &request, 180), [sent("180")]);
    assert_eq!(bench.gets(&message("INVITE", VIA, "")), [sent("180")]);
    assert_eq!(bench.answers(tx, &request, 486), [sent("486")]);
    assert_eq!(bench.gets(&message("INVITE", VIA, "")), [sent("486")]);
    assert_eq!(bench.answers(tx, &request, 200), []);
}

#[test]
fn the_same_branch_from_another_sent_by_or_for_another_method_is_another_transaction() {
    let mut bench = Bench::new();
    let (first, _) = bench.takes(&message("INVITE", VIA, ""));
    let (second, _) = bench.takes(&message("INVITE", "10.0.0.3:5062;branch=z9hG4bKone;rport", ""));
    let (third, _) = bench.takes(&message("OPTIONS", VIA, ""));
    assert!(first != second && second != third);
    assert_eq!(bench.endpoint.transactions(), 3);
}

#[test]
fn peers_without_branches_are_matched_by_everything_else() {
    for via in ["10.0.0.2:1024", "10.0.0.2:1024;branch=z9hG4bK", "10.0.0.2:1024;branch=7"] {
        let mut bench = Bench::new();
        let (tx, request) = bench.takes(&message("INVITE", via, ""));
        assert_eq!(bench.gets(&message("INVITE", via, "")), [sent("100")], "{via}");
        assert_eq!(bench.gets(&message("CANCEL", via, "")), [sent("200"), Out::Cancelled(tx)], "{via}");
        assert_eq!(bench.answers(tx, &request, 487), [sent("487")]);
        assert_eq!(bench.gets(&message("ACK", via, ";tag=us")), [], "{via}");
        let (next, _) = bench.takes(&message("INVITE", via, "").replace("1 INVITE", "2 INVITE"));
        assert_ne!(next, tx);
    }
}

#[test]
fn replies_go_to_the_source_port_only_where_rport_asks_for_it() {
    let mut bench = Bench::new();
    let without = bench.gets(&message("OPTIONS", "10.0.0.2:5062;branch=z9hG4bKa", ""));
    let Out::New(tx, _) = without[0] else { panic!("{without:?}") };
    let request = ours("OPTIONS", 0);
    assert_eq!(bench.answers(tx, &request, 200), [Out::Sent("200".into(), addr("198.51.100.7:5062"))]);
    let portless = bench.gets(&message("INVITE", "10.0.0.2;branch=z9hG4bKb", ""));
    assert_eq!(portless[0], Out::Sent("100".into(), addr("198.51.100.7:5060")));
}

#[test]
fn the_ack_of_a_refusal_ends_here_and_that_of_a_2xx_is_reported() {
    let mut bench = Bench::new();
    let (tx, request) = bench.takes(&message("INVITE", VIA, ""));
    bench.answers(tx, &request, 404);
    assert_eq!(bench.gets(&message("ACK", VIA, ";tag=us")), []);
    assert_eq!(bench.gets(&message("ACK", VIA, ";tag=us")), []);
    let other = "10.0.0.2:5062;branch=z9hG4bKtwo;rport";
    let (tx, request) = bench.takes(&message("INVITE", other, ""));
    bench.answers(tx, &request, 200);
    assert_eq!(bench.gets(&message("ACK", "10.0.0.2:5062;branch=z9hG4bKack;rport", ";tag=us")), [Out::Ack]);
    bench.endpoint.acked(bench.now, tx);
    bench.now = bench.now + std::time::Duration::from_secs(4);
    bench.endpoint.handle_time(bench.now);
    assert_eq!(bench.outs(), []);
}

#[test]
fn a_cancel_is_answered_and_told_once_with_the_tag_of_the_answers() {
    let mut bench = Bench::new();
    let (tx, request) = bench.takes(&message("INVITE", VIA, ""));
    bench.answers(tx, &request, 180);
    bench.endpoint.receive(bench.now, udp(), message("CANCEL", VIA, "").into());
    let happenings = bench.happenings();
    let Happening::Transmit { bytes, .. } = &happenings[0] else { panic!("{happenings:?}") };
    assert!(String::from_utf8_lossy(bytes).contains("To: <sip:95500@bank.example>;tag=us\r\n"));
    assert_eq!(happenings[1..], [Happening::Cancelled { tx }]);
    assert_eq!(bench.gets(&message("CANCEL", VIA, "")), [sent("200")]);
    assert_eq!(bench.answers(tx, &request, 487), [sent("487")]);
}

#[test]
fn a_cancel_that_crosses_the_answer_gets_200_and_changes_nothing() {
    let mut bench = Bench::new();
    let (tx, request) = bench.takes(&message("INVITE", VIA, ""));
    bench.answers(tx, &request, 200);
    assert_eq!(bench.gets(&message("CANCEL", VIA, "")), [sent("200")]);
}

#[test]
fn a_cancel_for_nothing_gets_481() {
    let mut bench = Bench::new();
    assert_eq!(bench.gets(&message("CANCEL", VIA, "")), [sent("481")]);
}

#[test]
fn malformed_requests_are_answered_and_broken_or_stray_responses_dropped() {
    let mut bench = Bench::new();
    let bad = message("OPTIONS", VIA, "").replace("CSeq: 1 OPTIONS", "CSeq: x OPTIONS");
    assert_eq!(bench.gets(&bad), [sent("400")]);
    assert_eq!(bench.gets("SIP/2.0 200 OK\r\n\r\n"), []);
    assert_eq!(bench.gets("\r\n\r\n"), []);
    assert_eq!(bench.gets("garbage"), []);
    let stray = ours("INVITE", 0).response(200);
    bench.endpoint.receive(bench.now, udp(), write::response(&stray));
    assert_eq!(bench.outs(), []);
    assert!(bench.endpoint.tables.is_clean());
}

#[test]
fn a_full_house_answers_503_with_retry_after_and_remembers_nothing() {
    let mut bench = Bench::new();
    bench.endpoint.most = 1;
    let (tx, request) = bench.takes(&message("INVITE", VIA, ""));
    bench.endpoint.receive(bench.now, udp(), message("OPTIONS", VIA, "").into());
    let happenings = bench.happenings();
    let [Happening::Transmit { bytes, .. }] = happenings.as_slice() else { panic!("{happenings:?}") };
    let text = String::from_utf8_lossy(bytes);
    assert!(text.starts_with("SIP/2.0 503 ") && text.contains("Retry-After: 40\r\n"), "{text}");
    assert_eq!(bench.endpoint.transactions(), 1);
    assert_eq!(bench.gets(&message("CANCEL", VIA, "")), [sent("200"), Out::Cancelled(tx)]);
    assert_eq!(bench.answers(tx, &request, 487), [sent("487")]);
}

#[test]
fn a_flood_of_options_leaves_room_for_calls() {
    let mut bench = Bench::new();
    bench.endpoint.most = 4;
    for number in 0..6 {
        let via = VIA.replace("branch=", &format!("branch=z9hG4bK{number}"));
        bench.endpoint.receive(bench.now, udp(), message("OPTIONS", &via, "").into());
    }
    assert_eq!(bench.endpoint.transactions(), 2);
    bench.happenings();
    bench.takes(&message("INVITE", VIA, ""));
    assert_eq!(bench.endpoint.transactions(), 3);
}

#[test]
fn a_forged_to_tag_makes_no_stranger_a_call() {
    for method in ["OPTIONS", "REGISTER", "MESSAGE"] {
        let mut bench = Bench::new();
        bench.endpoint.most = 4;
        for number in 0..6 {
            let via = VIA.replace("branch=", &format!("branch=z9hG4bK{number}"));
            bench.endpoint.receive(bench.now, udp(), message(method, &via, ";tag=forged").into());
        }
        assert_eq!(bench.endpoint.transactions(), 2, "{method}");
        bench.happenings();
        bench.takes(&message("BYE", VIA, ";tag=ours"));
        assert_eq!(bench.endpoint.transactions(), 3, "{method}");
    }
}

#[test]
fn an_answer_without_a_to_tag_gets_one_and_names_the_product() {
    let mut bench = Bench::new();
    let (tx, request) = bench.takes(&message("OPTIONS", VIA, ""));
    bench.endpoint.respond(bench.now, tx, request.response(200));
    let happenings = bench.happenings();
    let [Happening::Transmit { bytes, .. }] = happenings.as_slice() else { panic!("{happenings:?}") };
    let text = String::from_utf8_lossy(bytes);
    assert!(text.contains("To: <sip:95500@bank.example>;tag="), "{text}");
    assert!(text.contains("Server: Hotline\r\n"), "{text}");
}

#[test]
fn max_forwards_0_is_served_as_an_endpoint_must() {
    let mut bench = Bench::new();
    let zero = message("OPTIONS", VIA, "").replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert!(matches!(bench.gets(&zero)[..], [Out::New(_, Method::Options)]));
}

#[test]
fn our_requests_bear_via_max_forwards_and_product() {
    let mut bench = Bench::new();
    let (_, _, wired) = bench.asks(ours("OPTIONS", 0), udp());
    let via = wired.headers.via().expect("our Via is good");
    assert!(via.branch.starts_with("z9hG4bK") && via.branch.len() > 20);
    assert_eq!((via.port, via.rport), (Some(5060), Some(None)));
    assert_eq!(wired.headers.text(&HeaderName::MaxForwards), Some("70"));
    assert_eq!(wired.headers.text(&HeaderName::UserAgent), Some("Hotline"));
    let (_, _, other) = bench.asks(ours("OPTIONS", 0), udp());
    assert_ne!(other.headers.via().expect("our Via is good").branch, via.branch);
}

#[test]
fn a_large_request_goes_over_tcp_and_back_to_udp_when_refused() {
    let mut bench = Bench::new();
    let (small, _, _) = bench.asks(ours("OPTIONS", 0), udp());
    let (tx, flow, wired) = bench.asks(ours("INVITE", 1_300), udp());
    assert_eq!(flow, tcp(None));
    bench.endpoint.unreachable(bench.now, Transport::Tcp, addr(PEER), None);
    let happenings = bench.happenings();
    let [Happening::Transmit { flow, bytes }] = happenings.as_slice() else { panic!("{happenings:?}") };
    assert_eq!(*flow, udp());
    let again = parsed(bytes);
    let (before, after) = (wired.headers.via().expect("good"), again.headers.via().expect("good"));
    assert_eq!((before.transport, after.transport), (Some(Transport::Tcp), Some(Transport::Udp)));
    assert_eq!(before.branch, after.branch);
    assert_eq!(bench.is_told(udp(), &again, 180), [Out::Response(tx, 180)]);
    bench.endpoint.unreachable(bench.now, Transport::Udp, addr(PEER), None);
    assert_eq!(
        bench.outs(),
        [Out::Failed(small, Failure::Unreachable), Out::Failed(tx, Failure::Unreachable)]
    );
    assert!(bench.endpoint.tables.is_clean());
}

#[test]
fn a_large_request_that_was_heard_over_tcp_does_not_go_out_a_second_time() {
    let mut bench = Bench::new();
    let (tx, _, wired) = bench.asks(ours("INVITE", 1_300), udp());
    assert_eq!(bench.is_told(tcp(Some(4)), &wired, 180), [Out::Response(tx, 180)]);
    bench.endpoint.unreachable(bench.now, Transport::Tcp, addr(PEER), Some(ConnectionId(4)));
    assert_eq!(bench.outs(), [Out::Failed(tx, Failure::Unreachable)]);
    assert!(bench.endpoint.tables.is_clean());
}

#[test]
fn a_connection_that_could_not_be_opened_says_nothing_about_udp_nor_udp_about_it() {
    for (fails, other) in [(Transport::Tcp, udp()), (Transport::Udp, tcp(None))] {
        let mut bench = Bench::new();
        let (_, _, wired) = bench.asks(ours("OPTIONS", 0), other);
        bench.endpoint.unreachable(bench.now, fails, addr(PEER), None);
        assert_eq!(bench.outs(), [], "{fails:?}");
        assert!(matches!(bench.is_told(other, &wired, 200)[..], [Out::Response(_, 200)]));
    }
}

#[test]
fn timers_wait_while_the_output_is_full() {
    let mut bench = Bench::new();
    for _ in 0..5 {
        bench.asks(ours("OPTIONS", 0), udp());
    }
    bench.endpoint.most_outputs = 3;
    let due = bench.endpoint.next_deadline().expect("requests are under way");
    bench.endpoint.handle_time(due);
    assert_eq!(bench.outs().len(), 3);
    assert_eq!(bench.endpoint.next_deadline(), Some(due));
    bench.endpoint.handle_time(due);
    assert_eq!(bench.outs().len(), 2);
}

#[test]
fn a_cancel_follows_on_the_connection_that_was_opened() {
    let mut bench = Bench::new();
    let (tx, _, wired) = bench.asks(ours("INVITE", 0), tcp(None));
    assert_eq!(bench.is_told(tcp(Some(3)), &wired, 180), [Out::Response(tx, 180)]);
    bench.endpoint.cancel(bench.now, tx);
    let happenings = bench.happenings();
    let [Happening::Transmit { flow, .. }] = happenings.as_slice() else { panic!("{happenings:?}") };
    assert_eq!(flow.connection, Some(ConnectionId(3)));
    bench.endpoint.unreachable(bench.now, Transport::Tcp, addr(PEER), Some(ConnectionId(3)));
    assert_eq!(bench.outs(), [Out::Failed(tx, Failure::Unreachable)]);
    assert!(bench.endpoint.tables.is_clean());
}

#[test]
fn the_200_to_our_cancel_is_nobodys_business_and_ends_no_invite() {
    let mut bench = Bench::new();
    let (tx, _, wired) = bench.asks(ours("INVITE", 0), udp());
    bench.endpoint.cancel(bench.now, tx);
    assert_eq!(bench.outs(), []);
    assert_eq!(bench.is_told(udp(), &wired, 100), [sent("CANCEL"), Out::Response(tx, 100)]);
    let mut cancel = wired.clone();
    cancel.headers.set(HeaderName::CSeq, "1 CANCEL");
    assert_eq!(bench.is_told(udp(), &cancel, 200), []);
    assert_eq!(bench.is_told(udp(), &wired, 487), [sent("ACK"), Out::Response(tx, 487)]);
    assert_eq!(bench.is_told(udp(), &wired, 487), [sent("ACK")]);
}

#[test]
fn every_copy_of_a_2xx_is_reported_so_that_it_can_be_acknowledged() {
    let mut bench = Bench::new();
    let (tx, _, wired) = bench.asks(ours("INVITE", 0), udp());
    for _ in 0..3 {
        assert_eq!(bench.is_told(udp(), &wired, 200), [Out::Response(tx, 200)]);
    }
    bench.endpoint.send_ack(bench.now, ours("ACK", 0), udp());
    assert_eq!(bench.outs(), [sent("ACK")]);
    assert_eq!(bench.endpoint.transactions(), 1);
}

#[test]
fn an_answer_finds_another_way_when_its_connection_has_closed() {
    let mut bench = Bench::new();
    let flow = tcp(Some(9));
    let outs = bench.gets_on(flow, &message("OPTIONS", "10.0.0.2:5062;branch=z9hG4bKtcp", ""));
    let Out::New(tx, _) = outs[0] else { panic!("{outs:?}") };
    bench.endpoint.unreachable(bench.now, flow.transport, flow.remote, flow.connection);
    bench.endpoint.respond(bench.now, tx, ours("OPTIONS", 0).response(200));
    let happenings = bench.happenings();
    let [Happening::Transmit { flow, .. }] = happenings.as_slice() else { panic!("{happenings:?}") };
    assert_eq!((flow.remote, flow.connection), (addr("198.51.100.7:5062"), None));
    assert!(bench.endpoint.tables.is_clean());
}

#[test]
fn a_request_that_nobody_answers_times_out() {
    let mut bench = Bench::new();
    let (tx, _, _) = bench.asks(ours("OPTIONS", 0), udp());
    let mut outs = Vec::new();
    while let Some(at) = bench.endpoint.next_deadline() {
        bench.endpoint.handle_time(at);
        outs.extend(bench.outs());
    }
    assert_eq!(outs.len(), 11);
    assert_eq!(outs[10], Out::Failed(tx, Failure::TimedOut));
    assert!(bench.endpoint.tables.is_clean());
}
