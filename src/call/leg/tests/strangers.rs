//! Requests that are broken, unknown, doubled or out of place.

use super::script::{Line, header, invite, line, reply};
use super::*;

/// What the peer hears to one request outside any dialog.
fn outside(request: &str) -> String {
    let mut world = World::new(1);
    world.says(request);
    assert!(world.nodes[0].legs.is_empty(), "{request}");
    let mut answers = world.heard("SIP/2.0");
    answers.pop().unwrap_or_default()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn an_invite_that_asks_for_the_impossible_is_refused() {
    let unknown = outside(&invite().with("Require: 100rel, teleport").text());
    assert_eq!((status(&unknown), header(&unknown, "Unsupported").as_str()), ("420", "teleport"));
    assert_eq!(status(&outside(&invite().with("Require: replaces").text())), "420");
    let body = outside(&line("INVITE", 10).body("text/plain", "hello").text());
    assert_eq!((status(&body), header(&body, "Accept").as_str()), ("415", "application/sdp"));
    let coded = outside(&invite().with("Content-Encoding: gzip").text());
    assert_eq!((status(&coded), header(&coded, "Accept-Encoding").as_str()), ("415", "identity"));
    assert_eq!(status(&outside(&invite().with("Accept: text/nothing").text())), "406");
    let elsewhere = invite().text().replacen("sip:95500@10.0.0.1", "soap.beep:95500", 1);
    assert_eq!(status(&outside(&elsewhere)), "416");
    let nowhere = Line { headers: String::new(), ..invite() };
    assert_eq!(status(&outside(&nowhere.text())), "400", "no Contact");
}

#[test]
fn a_body_that_may_be_ignored_is_no_offer() {
    let mut world = World::new(1);
    let optional = "Content-Disposition: render; handling=optional";
    world.says(&line("INVITE", 10).body("text/plain", "hello").with(optional).text());
    assert_eq!(world.nodes[0].invitations.pop().expect("an invitation").offer, None);
}

#[test]
fn an_invite_of_the_old_standard_without_tag_and_contact_is_served() {
    let mut world = World::new(1);
    let old = Line { from_tag: "", headers: String::new(), ..line("INVITE", 10) }.sdp("v=0 offer");
    world.says(&old.text());
    let leg = world.invited(0);
    world.accept(0, leg, ANSWER);
    world.run(ms(20));
    let ok = world.hears("SIP/2.0 200");
    world.says(&Line { from_tag: "", ..line("ACK", 10) }.inside(&ok).text());
    assert_eq!(world.events(0, leg), [LegEvent::Confirmed { answer: None }]);
    world.hang_up(0, leg, Cause::FlowEnded);
    world.run(ms(20));
    world.hears("BYE sip:13812341234@trunk.example");
}

#[test]
fn a_second_copy_by_another_way_is_refused_with_482() {
    let mut world = World::new(1);
    world.says(&invite().text());
    world.says(&invite().text());
    assert!(world.heard("SIP/2.0 482").is_empty(), "a repetition is no copy");
    world.says(&invite().branch("elsewhere").text());
    world.hears("SIP/2.0 482");
    assert_eq!((world.nodes[0].legs.len(), world.nodes[0].invitations.len()), (1, 1));
    let leg = world.invited(0);
    world.hang_up(0, leg, Cause::Busy);
    world.says(&invite().branch("late").text());
    world.hears("SIP/2.0 482");
}

#[test]
fn what_belongs_to_no_dialog_gets_481_and_stray_acks_nothing() {
    for method in ["BYE", "INVITE", "UPDATE", "PRACK", "INFO", "OPTIONS", "NOTIFY", "REFER"] {
        let stray = Line { to_tag: ";tag=unknown".into(), ..line(method, 5) };
        assert_eq!(status(&outside(&stray.text())), "481", "{method}");
    }
    assert_eq!(status(&outside(&line("BYE", 5).text())), "481");
    let ack = Line { to_tag: ";tag=unknown".into(), ..line("ACK", 5) };
    assert_eq!(outside(&ack.text()), "");
    assert_eq!(outside(&line("ACK", 5).text()), "");
}

#[test]
fn requests_outside_dialogs_are_the_engines() {
    let mut world = World::new(1);
    for method in ["OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE", "INFO"] {
        world.says(&line(method, 5).text());
        let given = world.nodes[0].others.pop();
        assert!(matches!(given, Some(Happening::Request { .. })), "{method}");
    }
}

#[test]
fn methods_inside_a_dialog_are_served_or_refused_with_what_is_allowed() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    let mut cseq = 10;
    let mut ask = |world: &mut World, method: &'static str, extra: &str| {
        cseq += 1;
        let mut request = line(method, cseq).inside(&ok);
        if !extra.is_empty() {
            request = request.with(extra);
        }
        world.says(&request.text());
        world.heard("SIP/2.0").pop().expect("an answer")
    };
    assert_eq!(status(&ask(&mut world, "OPTIONS", "")), "200");
    assert_eq!(status(&ask(&mut world, "INFO", "")), "200");
    assert_eq!(status(&ask(&mut world, "NOTIFY", "Event: refer")), "200");
    assert_eq!(status(&ask(&mut world, "NOTIFY", "Event: weather")), "489");
    assert_eq!(status(&ask(&mut world, "REFER", "Refer-To: <sip:x@y>")), "603");
    assert_eq!(status(&ask(&mut world, "OPTIONS", "Require: teleport")), "420");
    for (method, expected) in [("MESSAGE", "405"), ("SUBSCRIBE", "405"), ("DANCE", "501")] {
        let answer = ask(&mut world, method, "");
        assert_eq!(status(&answer), expected, "{method}");
        assert!(header(&answer, "Allow").contains("INVITE"));
    }
    assert_eq!(world.events(0, leg), []);
}

#[test]
fn an_old_cseq_gets_500() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    world.says(&line("INFO", 20).inside(&ok).text());
    world.hears("SIP/2.0 200");
    world.says(&line("BYE", 19).inside(&ok).text());
    world.hears("SIP/2.0 500");
    assert_eq!(world.events(0, leg), []);
}

#[test]
fn keys_come_by_info() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    let relay = line("INFO", 11).inside(&ok).body("application/dtmf-relay", "Signal=5\r\nDuration=250\r\n");
    world.says(&relay.text());
    world.says(&line("INFO", 12).inside(&ok).body("application/dtmf", "#").text());
    let five = LegEvent::Digit { symbol: '5', millis: 250 };
    let hash = LegEvent::Digit { symbol: '#', millis: 160 };
    assert_eq!(world.events(0, leg), [five, hash]);
    assert_eq!(world.heard("SIP/2.0 200").len(), 2);
    world.says(&line("INFO", 13).inside(&ok).body("application/dtmf-relay", "Signal=99").text());
    world.hears("SIP/2.0 400");
    world.says(&line("INFO", 14).inside(&ok).body("application/photo", "x").text());
    assert!(header(&world.hears("SIP/2.0 415"), "Accept").contains("dtmf-relay"));
}

#[test]
fn routes_are_recorded_and_followed_both_ways() {
    let mut world = World::new(1);
    let routes = "Record-Route: <sip:near.example;lr>, <sip:far.example;lr>";
    let (leg, ok) = world.peer_talks(invite().with(routes));
    assert!(ok.contains("Record-Route: <sip:near.example;lr>, <sip:far.example;lr>"));
    world.hang_up(0, leg, Cause::FlowEnded);
    world.run(ms(20));
    let bye = world.hears("BYE sip:peer@10.0.0.99:5060 SIP/2.0");
    let near = bye.find("near.example").expect("a route");
    assert!(near < bye.find("far.example").expect("a route"), "{bye}");

    let mut world = World::new(1);
    let (leg, invite) = world.rings_peer();
    let routes = "Record-Route: <sip:far.example;lr>\r\nRecord-Route: <sip:strict.example>\r\n";
    world.says(&reply(&invite, "200 OK", "phone", routes, "v=0 answer"));
    let ack = world.hears("ACK sip:strict.example SIP/2.0");
    let far = ack.find("far.example").expect("a route");
    assert!(far < ack.find("<sip:phone@10.0.0.99:5060>").expect("the target comes last"), "{ack}");
    assert_eq!(world.events(0, leg).len(), 1);
}
