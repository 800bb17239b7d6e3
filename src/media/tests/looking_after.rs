//! Sources, reports, silence, closing: what a stream needs besides audio.

use super::*;
use crate::media::event::Figures;
use crate::media::limits::{ALONE, FRAME, KEEP_OPEN, LISTENERS, MEDIA_SILENCE, REPORT_INTERVAL};
use crate::media::rtcp::{Compound, Part, REPORT_BYTES, Reception, Sender, Terms};

fn voice(number: u16) -> Vec<u8> {
    rtp(8, number, u32::from(number) * 160, &[0x33; 160])
}

fn last_figures(rig: &mut Rig) -> Figures {
    match rig.events().last() {
        Some(Event::Closed { figures, .. }) => **figures,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_source_is_neither_played_nor_taped_nor_learned() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, true);
    rig.command(Command::Record { stream: ANN, call: CALL });
    let thief: SocketAddr = "203.0.113.66:6000".parse().unwrap();
    rig.passes(Duration::from_millis(500));
    for number in 0..20 {
        rig.comes_from(thief, ANN, &voice(number));
    }
    rig.comes_from(thief, ANN, &rtp(EVENTS, 20, 0, &press(1, false, 160)));
    assert_eq!((rig.heard_by(BOB).len(), rig.tape().len(), rig.events().len()), (0, 0, 0));
    assert_eq!(rig.wire.settled, []);
    assert_eq!(rig.stats.packets_refused.get(), 21);
    rig.says(ANN, &voice(50));
    assert_eq!(rig.heard_by(BOB).len(), 1);
    rig.command(Command::Close { stream: ANN });
    let figures = last_figures(&mut rig);
    assert_eq!((figures.packets_received, figures.packets_refused), (1, 21));
}

#[test]
fn nothing_is_accepted_before_connect() {
    let mut rig = Rig::new();
    let local = "127.0.0.1".parse().unwrap();
    rig.command(Command::Open { stream: ANN, local, port: 4_000, seed: 1 });
    rig.says(ANN, &voice(1));
    rig.passes(Duration::from_millis(100));
    assert_eq!((rig.wire.sent.len(), rig.stats.packets_refused.get()), (0, 1));
}

#[test]
fn unknown_payload_types_and_noise_are_refused() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, true);
    rig.says(ANN, &rtp(0, 1, 160, &[0; 160]));
    rig.says(ANN, b"OPTIONS sip:x SIP/2.0");
    rig.says(ANN, &[]);
    rig.says(ANN, &vec![0x80; 4_000]);
    assert_eq!((rig.heard_by(BOB).len(), rig.stats.packets_refused.get()), (0, 4));
}

#[test]
fn another_port_of_the_signalled_host_is_learned_told_and_sent_to() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    let mut mapped = remote(ANN);
    mapped.set_port(61_234);
    for number in 1..=3 {
        rig.comes_from(mapped, ANN, &voice(number));
    }
    assert_eq!(rig.events(), [Event::Latched { stream: ANN, remote: mapped }]);
    assert_eq!(rig.wire.settled, [(0, mapped)]);
    rig.wire.sent.clear();
    rig.passes(Duration::from_millis(20));
    assert_eq!(rig.heard_by(ANN)[0].to, mapped);
    rig.passes(REPORT_INTERVAL * 2);
    let (_, to, _) = rig.wire.reports.iter().find(|(slot, ..)| *slot == 0).unwrap();
    assert_eq!(*to, SocketAddr::new(mapped.ip(), 61_235), "the signalled one would not get through either");
}

#[test]
fn a_new_remote_address_unsettles_the_socket_and_an_old_one_does_not() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    rig.says(ANN, &voice(1));
    let before = rig.wire.unsettled;
    rig.command(Command::Connect { stream: ANN, session: session(ANN, Codec::Pcmu) });
    assert_eq!(rig.wire.unsettled, before);
    let moved = Session { remote: "198.51.100.9:7000".parse().unwrap(), ..session(ANN, Codec::Pcma) };
    rig.command(Command::Connect { stream: ANN, session: moved });
    assert_eq!(rig.wire.unsettled, before + 1);
    rig.says(ANN, &voice(2));
    assert_eq!(rig.stats.packets_refused.get(), 1, "the old address is a stranger now");
}

#[test]
fn reports_go_out_every_five_seconds_or_so_and_say_goodbye() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    rig.says(ANN, &voice(1));
    rig.passes(REPORT_INTERVAL * 12);
    let count = rig.wire.reports.iter().filter(|(slot, ..)| *slot == 0).count();
    assert!((8..=20).contains(&count), "{count} in a minute");
    let (_, to, report) = &rig.wire.reports[0];
    assert_eq!(to.port(), 4_001);
    let parts: Vec<_> = Compound::parse(report).unwrap().parts().collect();
    assert!(matches!(parts[0], Part::SenderReport { .. }));
    assert!(parts.iter().any(|p| matches!(p, Part::Cname { cname: b"hotline", .. })));
    rig.command(Command::Close { stream: ANN });
    let (_, _, last) = rig.wire.reports.last().unwrap();
    assert!(Compound::parse(last).unwrap().parts().any(|p| matches!(p, Part::Bye { .. })));
}

#[test]
fn the_peers_report_gives_round_trip_and_loss_and_a_strangers_nothing() {
    for stranger in [false, true] {
        let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
        rig.passes(REPORT_INTERVAL * 2);
        let ours = rig.wire.reports.iter().rfind(|(slot, ..)| *slot == 0).unwrap().2.clone();
        let mut reception = Reception::new(8_000);
        for heard in rig.heard_by(ANN).iter().filter(|h| h.sequence % 4 != 0) {
            reception.packet(rig.now, heard.ssrc, heard.sequence, heard.timestamp);
        }
        for part in Compound::parse(&ours).unwrap().parts() {
            if let Part::SenderReport { ssrc, ntp, .. } = part {
                reception.sender_report(rig.now, ssrc, ntp);
            }
        }
        let mut buffer = [0; REPORT_BYTES];
        let terms = Terms { cname: "ann", leaving: false, extended: Extended::default(), heard: None };
        let length = Sender::new(7, 8_000).write(rig.now, &mut reception, terms, &mut buffer);
        rig.now = rig.now + Duration::from_millis(30);
        let from = if stranger { "203.0.113.1:4001".parse().unwrap() } else { rig.wire.reports[0].1 };
        rig.comes_on(Channel::Rtcp, from, ANN, &buffer[..length]);
        rig.command(Command::Close { stream: ANN });
        let figures = last_figures(&mut rig);
        assert_eq!(figures.round_trip_us.is_some(), !stranger);
        assert_eq!(figures.peer_loss_fraction > 40, !stranger, "a quarter was lost: {figures:?}");
        assert_eq!(figures.packets_refused, u64::from(stranger));
    }
}

#[test]
fn muxed_reports_use_the_rtp_socket_both_ways() {
    let mut rig = Rig::new();
    rig.enters(Session { rtcp: Rtcp::Muxed, ..session(ANN, Codec::Pcma) }, ANN);
    rig.says(ANN, &voice(1));
    rig.passes(REPORT_INTERVAL * 2);
    assert!(rig.wire.reports.is_empty());
    let report = rig.wire.sent.iter().find(|(_, _, d)| (200..=207).contains(&d[1])).unwrap().2.clone();
    rig.says(ANN, &report);
    assert_eq!(rig.stats.reports_received.get(), 1);
    rig.comes_on(Channel::Rtcp, remote(ANN), ANN, &report);
    assert_eq!(rig.stats.reports_received.get(), 1, "not where it was agreed");
}

#[test]
fn silence_is_told_once_and_again_only_after_sound() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    let held = Session { direction: Direction::SendOnly, ..session(BOB, Codec::Pcma) };
    rig.command(Command::Connect { stream: BOB, session: held });
    rig.passes(MEDIA_SILENCE * 2);
    assert_eq!(rig.events(), [Event::Silent { stream: ANN }], "Bob is on hold: nothing is expected of him");
    rig.says(ANN, &voice(1));
    rig.passes(MEDIA_SILENCE + Duration::from_secs(2));
    assert_eq!(rig.events(), [Event::Silent { stream: ANN }]);
}

#[test]
fn a_mute_phone_that_was_connected_anew_is_asked_again_after_each_silence() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    let second = Duration::from_secs(1);
    for _ in 0..3 {
        rig.says(BOB, &voice(1));
        rig.passes(MEDIA_SILENCE - second);
        assert_eq!(rig.events(), []);
        rig.says(BOB, &voice(1));
        rig.passes(2 * second);
        assert_eq!(rig.events(), [Event::Silent { stream: ANN }]);
        rig.command(Command::Connect { stream: ANN, session: session(ANN, Codec::Pcma) });
    }
}

#[test]
fn a_silent_peer_is_bridged_by_a_frame_now_and_then() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    rig.passes(KEEP_OPEN * 10);
    let heard = rig.heard_by(ANN).len();
    assert!((4..=11).contains(&heard), "{heard} in ten seconds");
    rig.says(BOB, &voice(1));
    assert!(rig.heard_by(ANN)[0].marker);
}

#[test]
fn closing_gives_figures_and_leaves_the_other_in_silence() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    for number in [1, 2, 4, 5] {
        rig.says(ANN, &voice(number));
        rig.says(BOB, &voice(number));
    }
    rig.command(Command::Close { stream: ANN });
    let figures = last_figures(&mut rig);
    assert_eq!((figures.packets_received, figures.packets_sent, figures.packets_lost), (4, 4, 1));
    rig.wire.sent.clear();
    rig.passes(Duration::from_millis(40));
    assert_eq!(rig.heard_by(BOB).len(), 2);
    assert_eq!(rig.stats.streams.get(), 1);
}

#[test]
fn a_port_that_is_bound_is_told_once() {
    let mut rig = Rig::new();
    let local = "127.0.0.1".parse().unwrap();
    for _ in 0..2 {
        rig.command(Command::Open { stream: ANN, local, port: 4_000, seed: 1 });
    }
    assert_eq!(rig.events(), [Event::Opened { stream: ANN }]);
}

#[test]
fn a_stream_whose_port_could_not_be_had_opens_at_the_next() {
    let mut rig = Rig::new();
    let local = "127.0.0.1".parse().unwrap();
    rig.wire.refuse_open = Some(98);
    rig.command(Command::Open { stream: ANN, local, port: 4_000, seed: 1 });
    rig.wire.refuse_open = None;
    rig.command(Command::Open { stream: ANN, local, port: 4_002, seed: 1 });
    let failed = Event::OpenFailed { stream: ANN, port: 4_000, errno: 98 };
    assert_eq!(rig.events(), [failed, Event::Opened { stream: ANN }]);
}

#[test]
fn a_port_that_cannot_be_had_is_told() {
    let mut rig = Rig::new();
    rig.wire.refuse_open = Some(98);
    rig.enters(session(ANN, Codec::Pcma), ANN);
    assert_eq!(rig.events(), [Event::OpenFailed { stream: ANN, port: 4_000, errno: 98 }]);
    assert_eq!(rig.stats.commands_ignored.get(), 1, "the Connect that followed");
}

#[test]
fn commands_about_unknown_or_known_streams_are_counted_and_ignored() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    let local = "127.0.0.1".parse().unwrap();
    rig.command(Command::Open { stream: ANN, local, port: 4_002, seed: 1 });
    rig.command(Command::Close { stream: StreamId(9) });
    rig.hears(ANN, Source::Peer { stream: StreamId(9), digits: false });
    assert_eq!(rig.stats.commands_ignored.get(), 3);
    rig.passes(Duration::from_millis(20));
    assert_eq!(rig.heard_by(ANN).len(), 1, "silence instead of a stream that is not there");
}

#[test]
fn one_listener_too_many_hears_silence() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    for number in 0..=LISTENERS as u64 {
        let listener = StreamId(3 + number);
        rig.enters(session(listener, Codec::Pcma), listener);
        rig.hears(listener, Source::Peer { stream: ANN, digits: false });
    }
    assert_eq!(rig.stats.links_refused.get(), 1);
    rig.says(ANN, &voice(1));
    assert_eq!(rig.wire.sent.len(), LISTENERS);
}

#[test]
fn any_bytes_from_the_right_address_are_taken_without_panic() {
    bolero::check!().with_type::<Vec<u8>>().for_each(|bytes| {
        let mut rig = Rig::talking(Codec::Pcma, Codec::Pcmu, true);
        // The second time with a header that passes, so that the payload is judged.
        for kind in [None, Some(8), Some(EVENTS), Some(13)] {
            let mut bytes = bytes.clone();
            if let (Some(payload_type), true) = (kind, bytes.len() > 1) {
                bytes[0] = 0x80 | bytes[0] & 0x3F;
                bytes[1] = payload_type | bytes[1] & 0x80;
            }
            rig.says(ANN, &bytes);
            rig.comes_on(Channel::Rtcp, rig_rtcp(), ANN, &bytes);
        }
        rig.passes(Duration::from_millis(40));
    });
}

fn rig_rtcp() -> SocketAddr {
    SocketAddr::new(remote(ANN).ip(), 4_001)
}

#[test]
fn audio_in_its_time_comes_alone_and_before_or_after_it_others_may_be_behind_it() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, true);
    rig.passes(FRAME);
    rig.says(ANN, &voice(0));
    rig.passes(FRAME);
    assert_eq!(rig.says(ANN, &voice(1)), Next::Elsewhere);
    rig.passes(ALONE.end);
    assert_eq!(rig.says(ANN, &voice(2)), Next::Again);
    rig.passes(FRAME);
    assert_eq!(rig.says(ANN, &voice(3)), Next::Elsewhere);
    assert_eq!(rig.says(ANN, &voice(4)), Next::Again, "before its time");
}

#[test]
fn keys_reports_and_what_is_refused_say_nothing_of_what_comes_behind_them() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, true);
    rig.passes(FRAME);
    rig.says(ANN, &voice(0));
    rig.passes(FRAME);
    assert_eq!(rig.says(ANN, &rtp(EVENTS, 1, 0, &press(1, false, 160))), Next::Again);
    rig.passes(FRAME);
    assert_eq!(rig.says(ANN, &voice(2)), Next::Elsewhere);
    rig.passes(FRAME);
    assert_eq!(rig.says(ANN, b"noise"), Next::Again);
    assert_eq!(rig.comes_from("203.0.113.66:6000".parse().unwrap(), ANN, &voice(3)), Next::Again);
    assert_eq!(rig.comes_on(Channel::Rtcp, remote(ANN), ANN, b"noise"), Next::Again);
}

#[test]
fn who_sends_two_packets_at_once_is_read_until_the_socket_is_empty_from_then_on() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, true);
    rig.passes(FRAME);
    rig.says(ANN, &voice(0));
    for number in (1..101).step_by(2) {
        rig.passes(FRAME);
        let first = rig.says(ANN, &voice(number));
        assert_eq!(first, if number == 1 { Next::Elsewhere } else { Next::Again });
        assert_eq!(rig.says(ANN, &voice(number + 1)), Next::Again);
    }
}

#[test]
fn what_was_left_at_a_socket_is_found_with_the_packet_after_it() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, true);
    rig.passes(FRAME);
    let looks = |rig: &mut Rig, numbers: std::ops::Range<u16>| {
        let again = numbers.filter(|number| {
            let next = rig.says(ANN, &voice(*number));
            rig.passes(FRAME);
            next == Next::Again
        });
        again.count()
    };
    looks(&mut rig, 0..1);
    assert_eq!(looks(&mut rig, 1..60), 0);
    rig.wire.queue.waits = true;
    assert_eq!(looks(&mut rig, 60..120), 1, "the kernel is asked once a second");
    assert_eq!(looks(&mut rig, 120..180), 0);
}
