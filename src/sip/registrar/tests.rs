use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::sip::message::Message;
use crate::sip::parse::parse;
use crate::sip::transport::Transport;

fn at(secs: u64) -> Moment {
    Moment::from_micros(1_760_000_000_000_000 + secs * 1_000_000)
}

fn flow(port: u16, connection: Option<u64>) -> Flow {
    Flow {
        transport: if connection.is_some() { Transport::Tcp } else { Transport::Udp },
        local: ([192, 0, 2, 1], 5060).into(),
        remote: ([198, 51, 100, 7], port).into(),
        connection: connection.map(ConnectionId),
    }
}

fn register(call_id: &str, cseq: u32, lines: &str) -> Request {
    let text = format!(
        "REGISTER sip:bank.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK{call_id}{cseq}\r\n\
         From: <sip:1001@bank.example>;tag=a\r\nTo: <sip:1001@bank.example>\r\nCall-ID: {call_id}\r\n\
         CSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\n{lines}Content-Length: 0\r\n\r\n"
    );
    match parse(&Bytes::from(text)) {
        Ok(Message::Request(request)) => request,
        other => panic!("not a request: {other:?}"),
    }
}

struct Desk {
    registrar: Registrar,
    agent: AgentId,
}

impl Desk {
    fn new() -> Desk {
        Desk { registrar: Registrar::default(), agent: "1001".into() }
    }

    fn sends(&mut self, secs: u64, request: &Request, flow: Flow) -> (u16, Option<Change>) {
        let (response, change) = self.registrar.register(at(secs), &self.agent, request, flow);
        (response.status, change)
    }

    fn contacts(&self, secs: u64) -> Vec<String> {
        let bindings = self.registrar.bindings(at(secs), &self.agent);
        bindings.iter().map(|b| b.contact.to_string()).collect()
    }

    fn appeared(&self) -> Option<Change> {
        Some(Change::Appeared(self.agent.clone()))
    }

    fn vanished(&self) -> Option<Change> {
        Some(Change::Vanished(self.agent.clone()))
    }
}

const PHONE: &str = "Contact: <sip:1001@10.0.0.2>\r\n";

#[test]
fn a_phone_appears_is_refreshed_and_expires() {
    let mut desk = Desk::new();
    let appeared = desk.appeared();
    assert_eq!(desk.sends(0, &register("one", 1, PHONE), flow(5060, None)), (200, appeared));
    assert_eq!(desk.registrar.next_deadline(), Some(at(3_600)));
    assert_eq!(desk.sends(3_000, &register("one", 2, PHONE), flow(5060, None)), (200, None));
    assert!(desk.registrar.handle_time(at(3_600)).is_empty());
    assert_eq!(desk.contacts(6_599).len(), 1);
    assert!(desk.contacts(6_600).is_empty());
    let vanished = desk.vanished();
    assert_eq!(desk.registrar.handle_time(at(6_600)), Vec::from_iter(vanished));
    assert_eq!(desk.registrar.next_deadline(), None);
}

#[test]
fn the_answer_lists_every_binding_with_the_seconds_left() {
    let mut desk = Desk::new();
    desk.sends(0, &register("one", 1, "Contact: <sip:1001@10.0.0.2>;expires=600\r\n"), flow(5060, None));
    let second = register("two", 1, "Contact: <sip:1001@10.0.0.3>\r\nExpires: 99999\r\n");
    let (response, _) = desk.registrar.register(at(100), &desk.agent, &second, flow(5070, None));
    let contacts: Vec<_> = response.headers.all(&HeaderName::Contact).cloned().collect();
    assert_eq!(contacts, ["<sip:1001@10.0.0.3>;expires=7200", "<sip:1001@10.0.0.2>;expires=500"]);
    assert_eq!(response.headers.text(&HeaderName::Date), Some("Thu, 09 Oct 2025 08:55:00 GMT"));
    let (response, change) =
        desk.registrar.register(at(200), &desk.agent, &register("three", 1, ""), flow(5060, None));
    assert_eq!((response.status, response.headers.all(&HeaderName::Contact).count()), (200, 2));
    assert_eq!(change, None);
}

#[test]
fn star_with_expires_0_removes_all_and_any_other_star_is_refused() {
    let mut desk = Desk::new();
    desk.sends(0, &register("one", 1, PHONE), flow(5060, None));
    for bad in [
        "Contact: *\r\n",
        "Contact: *\r\nExpires: 60\r\n",
        "Contact: *\r\nContact: <sip:a@b>\r\nExpires: 0\r\n",
    ] {
        assert_eq!(desk.sends(1, &register("one", 2, bad), flow(5060, None)), (400, None), "{bad}");
    }
    let star = "Contact: *\r\nExpires: 0\r\n";
    assert_eq!(desk.sends(2, &register("one", 1, star), flow(5060, None)), (500, None));
    let vanished = desk.vanished();
    assert_eq!(desk.sends(2, &register("one", 3, star), flow(5060, None)), (200, vanished));
    assert_eq!(desk.sends(3, &register("one", 4, star), flow(5060, None)), (200, None));
}

#[test]
fn a_wish_under_a_minute_gets_423_and_changes_nothing() {
    let mut desk = Desk::new();
    let brief = "Contact: <sip:1001@10.0.0.2>, <sip:1001@10.0.0.3>;expires=59\r\n";
    let (response, change) =
        desk.registrar.register(at(0), &desk.agent, &register("one", 1, brief), flow(5060, None));
    assert_eq!(response.status, 423);
    assert_eq!(response.headers.text(&HeaderName::MinExpires), Some("60"));
    assert_eq!(change, None);
    assert!(desk.contacts(0).is_empty());
}

#[test]
fn expires_0_removes_one_phone_of_two() {
    let mut desk = Desk::new();
    desk.sends(0, &register("one", 1, PHONE), flow(5060, None));
    desk.sends(0, &register("two", 1, "Contact: <sip:1001@10.0.0.3>\r\n"), flow(5070, None));
    let bye = "Contact: <sip:1001@10.0.0.2>;expires=0\r\n";
    assert_eq!(desk.sends(1, &register("one", 2, bye), flow(5060, None)), (200, None));
    assert_eq!(desk.contacts(1), ["sip:1001@10.0.0.3"]);
}

#[test]
fn an_overtaken_register_changes_nothing() {
    let mut desk = Desk::new();
    desk.sends(0, &register("one", 5, PHONE), flow(5060, None));
    let late = "Contact: <sip:1001@10.0.0.2>;expires=0\r\n";
    assert_eq!(desk.sends(1, &register("one", 4, late), flow(5060, None)), (500, None));
    assert_eq!(desk.sends(1, &register("one", 5, late), flow(5060, None)), (500, None));
    assert_eq!(desk.contacts(1).len(), 1);
}

#[test]
fn a_restarted_phone_with_a_new_call_id_and_flow_replaces_itself() {
    let mut desk = Desk::new();
    desk.sends(0, &register("one", 900, PHONE), flow(5060, None));
    assert_eq!(desk.sends(9, &register("two", 1, PHONE), flow(6000, None)), (200, None));
    let bindings = desk.registrar.bindings(at(9), &desk.agent);
    assert_eq!(bindings.len(), 1);
    assert_eq!((bindings[0].flow, bindings[0].cseq), (flow(6000, None), 1));
}

#[test]
fn the_same_instance_replaces_its_old_contact() {
    let mut desk = Desk::new();
    let contact = |port| {
        format!(
            "Contact: <sip:1001@10.0.0.2:{port};transport=tcp>;+sip.instance=\"<urn:uuid:f8>\";reg-id=1\r\n"
        )
    };
    desk.sends(0, &register("one", 1, &contact(40_001)), flow(40_001, Some(1)));
    desk.sends(5, &register("two", 1, &contact(40_002)), flow(40_002, Some(2)));
    assert_eq!(desk.contacts(5), ["sip:1001@10.0.0.2:40002;transport=tcp"]);
    assert!(desk.registrar.connection_closed(ConnectionId(1)).is_empty());
    assert_eq!(desk.contacts(6).len(), 1);
}

#[test]
fn a_closed_connection_takes_its_bindings_along() {
    let mut desk = Desk::new();
    desk.sends(0, &register("one", 1, PHONE), flow(40_000, Some(7)));
    desk.sends(0, &register("two", 1, "Contact: <sip:1001@10.0.0.3>\r\n"), flow(5060, None));
    assert!(desk.registrar.connection_closed(ConnectionId(7)).is_empty());
    assert_eq!(desk.contacts(1), ["sip:1001@10.0.0.3"]);
    desk.sends(2, &register("three", 1, "Contact: <sip:1001@10.0.0.3>\r\n"), flow(40_001, Some(8)));
    let vanished = desk.vanished();
    assert_eq!(desk.registrar.connection_closed(ConnectionId(8)), Vec::from_iter(vanished));
    assert_eq!(desk.registrar.next_deadline(), None);
    assert!(desk.registrar.connections.is_empty());
}

#[test]
fn the_eleventh_phone_pushes_out_the_stalest() {
    let mut desk = Desk::new();
    for host in 1..=11 {
        let line = format!("Contact: <sip:1001@10.0.0.{host}>\r\n");
        desk.sends(host, &register(&format!("call{host}"), 1, &line), flow(5060, None));
    }
    let contacts = desk.contacts(20);
    assert_eq!(contacts.len(), BINDINGS);
    assert_eq!(contacts[0], "sip:1001@10.0.0.11");
    assert!(!contacts.contains(&"sip:1001@10.0.0.1".to_owned()));
}

#[test]
fn an_expiry_that_nobody_noticed_is_reported_by_the_next_register() {
    let mut desk = Desk::new();
    desk.sends(0, &register("one", 1, "Contact: <sip:1001@10.0.0.2>;expires=60\r\n"), flow(5060, None));
    let late = at(0) + Duration::from_secs(61);
    let (_, change) = desk.registrar.register(late, &desk.agent, &register("one", 2, ""), flow(5060, None));
    assert_eq!(change, desk.vanished());
    assert!(desk.registrar.handle_time(late).is_empty());
}

#[test]
fn unreadable_contacts_are_the_phones_fault() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.sends(0, &register("one", 1, "Contact: <tel:+15550100>\r\n"), flow(5060, None)),
        (400, None)
    );
    let many: String = (0..11).map(|n| format!("Contact: <sip:1001@10.0.1.{n}>\r\n")).collect();
    assert_eq!(desk.sends(0, &register("one", 2, &many), flow(5060, None)), (400, None));
}
