//! Ports that other programs hold, and a media worker that is slow: nobody who is answered loses the call by them.

use hotline::acd::AgentState;
use hotline::call::cause::Cause;
use hotline::engine::happened::{Party, What};
use hotline::engine::input::Input;
use hotline::engine::staff::{Answer, Ask};
use hotline::media::event::Event as MediaEvent;

use super::races::waits;
use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::world;
use crate::office::{Office, ladder, ms, secs};

const ANN: &str = "13800000001";
const BOB: &str = "13800000002";

/// An office with so many pairs of ports, from 20000.
fn with_ports(seed: u64, pairs: u16) -> Office {
    let mut config = world::demo_config();
    config.media.ports = (20_000, 20_000 + 2 * pairs - 1);
    Office::with(seed, world::build(config), Faults::NONE)
}

fn pairs(range: std::ops::Range<u16>) -> Vec<u16> {
    range.map(|pair| 20_000 + 2 * pair).collect()
}

/// Ann has dialled, and the worker does not get round to her stream.
fn knocks(seed: u64) -> Office {
    let mut office = Office::seeded(seed);
    office.sound.stuck = true;
    dials(&mut office, ANN);
    assert_eq!(office.snapshot().calls[0].stage, "arriving");
    office
}

fn dials(office: &mut Office, caller: &str) {
    office.caller(caller);
    office.dials(caller, "95500");
    office.run(ms(500));
}

fn refused_with(office: &mut Office, name: &str) -> Option<u16> {
    let who = name.to_owned();
    office.until("the phone is idle", |office| office.phones[&who].is_idle());
    office.phones[name].last_status()
}

/// The worker wakes up, and everything is over in the end.
fn goes_on_and_ends(office: &mut Office) {
    let now = office.now;
    office.sound.goes_on(now);
    office.run(secs(60));
    assert_eq!((office.sound.streams.len(), office.snapshot().calls.len()), (0, 0));
    assert!(office.engine.is_idle());
}

fn answered(office: &Office) -> bool {
    office.journal.iter().any(|entry| matches!(entry.what, What::CallAnswered { .. }))
}

#[test]
fn ports_that_somebody_else_has_cost_no_call() {
    for seed in 0..8 {
        let mut office = with_ports(400 + seed, 8);
        office.sound.taken = pairs(0..7);
        office.caller(ANN);
        office.dials(ANN, "95500");
        office.until("she is answered", |office| office.hears(ANN, "main"));
        assert_eq!(office.phones[ANN].remote_port(), Some(20_014));
    }
}

#[test]
fn ports_that_somebody_else_has_keep_no_phone_from_ringing() {
    for seed in 0..8 {
        let mut office = with_ports(410 + seed, 9);
        office.sound.taken = pairs(1..8);
        office.agent("1001", Manner::Answers(secs(1)));
        waits(&mut office, ANN);
        office.until("they talk", |office| office.talk_together(ANN, "1001"));
        let failed = office.journal.iter().any(|entry| {
            matches!(entry.what, What::StateChanged { state: AgentState::NotReady { ref reason, .. } } if reason == "no_port")
        });
        assert!(!failed);
    }
}

#[test]
fn a_caller_for_whom_every_port_is_taken_is_told_to_come_later() {
    let mut office = with_ports(420, 100);
    office.sound.taken = pairs(0..100);
    office.caller(ANN);
    office.dials(ANN, "95500");
    assert_eq!(refused_with(&mut office, ANN), Some(503));
    let refusal = office.network.ladder.iter().find(|(_, sent, _)| sent.bytes.starts_with(b"SIP/2.0 503"));
    let text = String::from_utf8_lossy(&refusal.expect("a refusal").1.bytes).into_owned();
    assert!(text.contains("Retry-After: 5"), "{text}");
    assert_eq!(office.last_cause(), Some(Cause::MediaFailed));
    assert!(!answered(&office));
    goes_on_and_ends(&mut office);
}

#[test]
fn a_port_that_was_taken_is_not_tried_again_by_the_next_caller() {
    let mut office = with_ports(421, 9);
    office.sound.taken = pairs(0..8);
    // Whatever the first comes upon is left alone afterwards, so that the second finds the one that is free.
    for caller in [ANN, BOB] {
        office.caller(caller);
        office.dials(caller, "95500");
        office.run(secs(1));
        office.hangs_up(caller);
        office.run(secs(6));
    }
    assert!(answered(&office));
}

#[test]
fn who_hangs_up_while_the_port_is_opened_has_cancelled() {
    let mut office = knocks(430);
    office.hangs_up(ANN);
    office.run(ms(500));
    let told = office.network.ladder.iter().any(|(_, sent, _)| sent.bytes.starts_with(b"SIP/2.0 487"));
    assert!(told, "{}", ladder::print(&office.network));
    assert_eq!(office.last_cause(), Some(Cause::Cancelled));
    assert_eq!(office.last_record().ended_by, Some(Party::Caller));
    goes_on_and_ends(&mut office);
    assert!(!answered(&office));
}

#[test]
fn a_worker_that_never_answers_is_waited_for_two_seconds() {
    let mut office = knocks(431);
    office.run(ms(1_400));
    assert!(!office.phones[ANN].is_idle());
    office.run(ms(200));
    assert_eq!(refused_with(&mut office, ANN), Some(503));
    assert_eq!(office.last_cause(), Some(Cause::MediaFailed));
    goes_on_and_ends(&mut office);
    assert!(!answered(&office));
}

#[test]
fn a_worker_that_is_slow_costs_nothing_but_time() {
    let mut office = knocks(432);
    let now = office.now;
    office.sound.goes_on(now);
    office.until("she is answered", |office| office.hears(ANN, "main"));
    assert!(office.last_record().answered > Some(office.last_record().arrived));
}

#[test]
fn callers_who_knock_count_among_the_calls() {
    let mut config = world::demo_config();
    config.limits.calls = 1;
    let mut office = Office::with(433, world::build(config), Faults::NONE);
    office.sound.stuck = true;
    dials(&mut office, ANN);
    dials(&mut office, BOB);
    assert_eq!(refused_with(&mut office, BOB), Some(503));
    assert!(!office.phones[ANN].is_idle());
}

#[test]
fn a_draining_server_answers_who_knocked_before_and_a_stopping_one_refuses() {
    let mut office = knocks(434);
    office.input(Input::Drain);
    assert!(!office.engine.is_idle());
    let now = office.now;
    office.sound.goes_on(now);
    office.until("she is answered", |office| office.phones[ANN].is_talking());
    let mut office = knocks(435);
    office.input(Input::Stop);
    assert_eq!(refused_with(&mut office, ANN), Some(503));
    assert_eq!(office.last_cause(), Some(Cause::ServerStopped));
    goes_on_and_ends(&mut office);
}

#[test]
fn a_number_that_a_reload_takes_away_while_the_port_is_opened_is_unknown() {
    let mut office = knocks(436);
    let mut config = world::demo_config();
    config.numbers.remove("95500");
    office.reload(world::build(config));
    let now = office.now;
    office.sound.goes_on(now);
    assert_eq!(refused_with(&mut office, ANN), Some(404));
    goes_on_and_ends(&mut office);
}

#[test]
fn staff_may_hang_up_on_who_knocks() {
    let mut office = knocks(437);
    let call = office.snapshot().calls[0].call;
    assert_eq!(office.ask(Ask::HangUp { user: "eve".to_owned(), call }), Answer::Done);
    assert_eq!(refused_with(&mut office, ANN), Some(480));
    assert_eq!(office.last_cause(), Some(Cause::EndedByStaff));
    goes_on_and_ends(&mut office);
}

#[test]
fn what_a_worker_says_twice_or_too_late_moves_nothing() {
    let mut office = Office::seeded(438);
    dials(&mut office, ANN);
    let (stream, port) = office.sound.streams.iter().map(|(id, s)| (*id, s.port)).next().expect("hers");
    let before = office.journal.len();
    office.media_event(MediaEvent::Opened { stream });
    office.media_event(MediaEvent::OpenFailed { stream, port, errno: 98 });
    assert_eq!(office.journal.len(), before);
    assert!(office.phones[ANN].is_talking());
    office.hangs_up(ANN);
    goes_on_and_ends(&mut office);
}

#[test]
fn a_want_of_ours_is_not_put_down_to_the_port() {
    let mut office = with_ports(439, 1);
    office.sound.stuck = true;
    dials(&mut office, ANN);
    let stream = hotline::ids::StreamId(1);
    // EMFILE: the next port would want a descriptor too.
    office.media_event(MediaEvent::OpenFailed { stream, port: 20_000, errno: 24 });
    assert_eq!(refused_with(&mut office, ANN), Some(503));
    office.sound = crate::office::sound::Sound::new(office.world().library.clone());
    office.run(secs(6));
    office.dials(ANN, "95500");
    office.until("the same port serves", |office| office.hears(ANN, "main"));
}

/// Ann waits, the worker stands still, and 1001 is offered her call.
fn offered_but_silent(seed: u64) -> Office {
    let mut office = Office::seeded(seed);
    waits(&mut office, ANN);
    office.sound.stuck = true;
    office.agent("1001", Manner::Answers(ms(100)));
    office.run(ms(500));
    assert!(matches!(office.agent_state("1001"), AgentState::Offered { .. }));
    assert!(office.phones["1001"].is_idle(), "no INVITE without a port to name in it");
    office
}

#[test]
fn a_phone_rings_as_soon_as_its_port_is_open() {
    let mut office = offered_but_silent(440);
    let now = office.now;
    office.sound.goes_on(now);
    office.until("they talk", |office| office.talk_together(ANN, "1001"));
}

#[test]
fn an_offer_withdrawn_while_the_port_is_opened_rings_nobody() {
    let mut office = offered_but_silent(441);
    office.hangs_up(ANN);
    office.run(secs(1));
    assert!(office.is_ready("1001"));
    goes_on_and_ends(&mut office);
    let rung = office.network.ladder.iter().any(|(_, sent, _)| sent.bytes.starts_with(b"INVITE sip:1001"));
    assert!(!rung && office.is_ready("1001"));
}

#[test]
fn an_agent_whose_port_is_never_opened_is_asked_again_soon() {
    let mut office = offered_but_silent(442);
    office.run(secs(2));
    assert!(matches!(office.agent_state("1001"), AgentState::NotReady { reason, .. } if reason == "no_port"));
    let now = office.now;
    office.sound.goes_on(now);
    office.until("they talk in the end", |office| office.talk_together(ANN, "1001"));
}

#[test]
fn a_star_code_is_obeyed_when_it_can_be_confirmed() {
    let mut office = Office::seeded(443);
    office.agent("1001", Manner::LetsRing);
    office.sound.stuck = true;
    office.dials("1001", "*12");
    office.run(ms(500));
    office.hangs_up("1001");
    office.run(secs(1));
    assert!(office.is_ready("1001"), "given up before it was heard");
    office.dials("1001", "*12");
    assert_eq!(refused_with(&mut office, "1001"), Some(503));
    assert!(office.is_ready("1001"));
    let now = office.now;
    office.sound.goes_on(now);
    office.run(secs(1));
    office.dials("1001", "*12");
    office.until("it is obeyed", |office| !office.is_ready("1001"));
    goes_on_and_ends(&mut office);
}

/// An office whose trunk shares the sockets from port 16000.
fn with_a_sharing_trunk(seed: u64) -> Office {
    let mut config = world::demo_config();
    config.media.trunk_port = Some(16_000);
    config.trunks[0].shared_sockets = true;
    Office::with(seed, world::build(config), Faults::NONE)
}

#[test]
fn callers_of_a_trunk_that_shares_sockets_have_one_port_and_their_agents_ports_of_their_own() {
    let mut office = with_a_sharing_trunk(81);
    office.agent("1001", Manner::Answers(ms(500)));
    dials(&mut office, ANN);
    dials(&mut office, BOB);
    let ports: Vec<u16> = office.sound.streams.values().map(|stream| stream.port).collect();
    assert_eq!(ports, [16_000, 16_000]);
    office.presses(ANN, '9');
    office.until("they talk", |office| office.sound.streams.len() == 3);
    assert!(office.sound.streams.values().last().is_some_and(|stream| stream.port >= 16_384));
    office.hangs_up(ANN);
    office.hangs_up(BOB);
    office.run(secs(60));
    assert_eq!((office.sound.streams.len(), office.sound.opened), (0, office.sound.closed));
}

#[test]
fn a_caller_whose_audio_would_come_from_anothers_address_is_hung_up_on() {
    let mut office = with_a_sharing_trunk(82);
    dials(&mut office, ANN);
    let stream = *office.sound.streams.keys().next().expect("hers");
    office.input(Input::Media { event: MediaEvent::Crossed { stream } });
    office.run(secs(60));
    assert_eq!(office.last_cause(), Some(Cause::MediaFailed));
    assert!(office.sound.streams.is_empty() && office.engine.is_idle());
}
