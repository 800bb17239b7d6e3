//! SRTP legs, and strangers at all legs.

use super::*;
use crate::media::limits::REPORT_INTERVAL;
use crate::media::rtcp::{Compound, Part, REPORT_BYTES, Reception, Sender, Terms};
use crate::media::srtp::keying::{Keying, MasterKey, Suite};
use crate::media::srtp::{RTCP_TAG_BYTES, Srtp, TAG_BYTES};
use crate::recording::frame::Side;
use crate::rng::Rng;

pub fn keying(suite: Suite, seed: u64) -> Keying {
    let mut rng = Rng::seeded(seed);
    let (ours, theirs) = (MasterKey::drawn(suite, &mut rng), MasterKey::drawn(suite, &mut rng));
    Keying::new(ours, theirs).unwrap()
}

pub fn secure(stream: StreamId, codec: Codec, keying: &Keying) -> Session {
    Session { srtp: Some(Box::new(keying.clone())), ..session(stream, codec) }
}

/// `datagram` as a phone with these keys sends it.
pub fn sealed(phone: &mut Srtp, datagram: &[u8]) -> Vec<u8> {
    phone.protected(datagram, &mut vec![0; datagram.len() + TAG_BYTES]).unwrap().to_vec()
}

fn opened(phone: &mut Srtp, datagram: &[u8]) -> Vec<u8> {
    let mut packet = datagram.to_vec();
    let length = phone.unprotect(&mut packet).unwrap();
    packet.truncate(length);
    packet
}

fn voice(number: u16) -> Vec<u8> {
    rtp(8, number, u32::from(number) * 160, &[number as u8; 160])
}

/// Ann's phone speaks SRTP, Bob's does not; they hear each other.
fn ann_protected(suite: Suite) -> (Rig, Srtp) {
    let keying = keying(suite, 1);
    let mut rig = Rig::new();
    rig.enters(secure(ANN, Codec::Pcma, &keying), ANN);
    rig.enters(session(BOB, Codec::Pcma), BOB);
    rig.hears(ANN, Source::Peer { stream: BOB, digits: true });
    rig.hears(BOB, Source::Peer { stream: ANN, digits: true });
    (rig, Srtp::new(&keying.swapped()))
}

/// What left for `stream`'s far end, as it was on the wire.
fn sent_to(rig: &mut Rig, stream: StreamId) -> Vec<Vec<u8>> {
    let slot = rig.slot(stream);
    let sent = rig.wire.sent.iter().filter(|(s, ..)| *s == slot).map(|(_, _, d)| d.clone()).collect();
    rig.wire.sent.retain(|(s, ..)| *s != slot);
    sent
}

#[test]
fn a_protected_and_a_plain_phone_hear_each_other_and_tape_and_digits_are_plain() {
    for suite in Suite::ALL {
        let (mut rig, mut phone) = ann_protected(suite);
        rig.command(Command::Record { stream: ANN, call: CALL });
        let words = sealed(&mut phone, &voice(1));
        rig.says(ANN, &words);
        let digit = sealed(&mut phone, &rtp(EVENTS, 2, 160, &press(5, false, 160)));
        rig.says(ANN, &digit);
        rig.says(BOB, &voice(7));
        let heard = rig.heard_by(BOB);
        assert_eq!(heard[0].payload, [1; 160], "{suite:?}");
        assert_eq!((heard.len(), heard[1].payload_type), (2, EVENTS));
        let answer = sent_to(&mut rig, ANN);
        assert_eq!(answer[0].len(), 172 + suite.tag_bytes());
        assert_eq!(opened(&mut phone, &answer[0])[12..], [7; 160]);
        let tape: Vec<_> = rig.tape().iter().map(|f| (f.side, f.payload[..160].to_vec())).collect();
        assert_eq!(tape, [(Side::Caller, vec![1; 160]), (Side::Bank, vec![7; 160])]);
        assert!(matches!(rig.events()[..], [Event::Digit { symbol: '5', .. }]));
    }
}

#[test]
fn each_who_hears_a_protected_phone_gets_the_same_words() {
    let third = StreamId(3);
    let (mut rig, mut phone) = ann_protected(Suite::AeadAes128Gcm);
    let keys = keying(Suite::AesCm128Sha1Tag80, 3);
    let mut listener = Srtp::new(&keys.swapped());
    rig.enters(secure(third, Codec::Pcmu, &keys), third);
    rig.hears(third, Source::Peer { stream: ANN, digits: false });
    rig.hears(ANN, Source::Peer { stream: ANN, digits: false });
    for number in 1..=3 {
        let words = sealed(&mut phone, &voice(number));
        rig.says(ANN, &words);
        assert_eq!(rig.heard_by(BOB)[0].payload, [number as u8; 160]);
        let mut other_law = [number as u8; 160];
        Codec::Pcma.transcode(Codec::Pcmu, &mut other_law);
        let sent = sent_to(&mut rig, third).pop().unwrap();
        assert_eq!(opened(&mut listener, &sent)[12..], other_law);
        let echo = sent_to(&mut rig, ANN).pop().unwrap();
        assert_eq!(opened(&mut phone, &echo)[12..], [number as u8; 160]);
    }
}

#[test]
fn prompts_for_a_protected_phone_are_protected() {
    let (mut rig, mut phone) = ann_protected(Suite::AeadAes256Gcm);
    rig.hears(ANN, Source::Silence);
    rig.passes(Duration::from_millis(100));
    let sent = sent_to(&mut rig, ANN);
    assert_eq!(sent.len(), 5);
    let silence = Codec::Pcma.silence();
    assert!(sent.iter().all(|datagram| opened(&mut phone, datagram)[12..] == *silence));
}

#[test]
fn plain_packets_and_repeated_ones_are_refused_where_srtp_was_agreed_on() {
    let (mut rig, mut phone) = ann_protected(Suite::AesCm128Sha1Tag32);
    rig.says(ANN, &voice(1));
    assert_eq!((rig.heard_by(BOB).len(), rig.wire.settled.len()), (0, 0), "not even learned from");
    let words = sealed(&mut phone, &voice(2));
    rig.says(ANN, &words);
    rig.says(ANN, &words);
    assert_eq!(rig.heard_by(BOB).len(), 1);
    assert_eq!((rig.stats.packets_unauthentic.get(), rig.stats.packets_refused.get()), (2, 2));
}

#[test]
fn what_a_plain_phone_sends_twice_is_protected_once() {
    let (mut rig, _) = ann_protected(Suite::AeadAes128Gcm);
    rig.says(BOB, &voice(1));
    let mut twice = voice(1);
    twice[100] ^= 1;
    rig.says(BOB, &twice);
    rig.says(BOB, &voice(2));
    let sent = sent_to(&mut rig, ANN);
    let mut sequences: Vec<_> = sent.iter().map(|datagram| [datagram[2], datagram[3]]).collect();
    sequences.dedup();
    assert_eq!(sequences.len(), sent.len(), "no nonce twice");
}

#[test]
fn an_address_is_learned_from_authentic_packets_only() {
    let (mut rig, mut phone) = ann_protected(Suite::AeadAes128Gcm);
    let mut mapped = remote(ANN);
    mapped.set_port(61_234);
    for number in 1..=10 {
        rig.comes_from(mapped, ANN, &voice(number));
    }
    assert_eq!(rig.wire.settled, []);
    for number in 1..=3 {
        let words = sealed(&mut phone, &voice(number));
        rig.comes_from(mapped, ANN, &words);
    }
    assert_eq!(rig.wire.settled, [(0, mapped)]);
}

#[test]
fn new_keys_keep_the_call_and_the_old_ones_serve_until_then() {
    let (mut rig, mut phone) = ann_protected(Suite::AeadAes128Gcm);
    let first = sealed(&mut phone, &voice(1));
    rig.says(ANN, &first);
    let under_way = sealed(&mut phone, &voice(2));
    let new = keying(Suite::AesCm128Sha1Tag80, 9);
    rig.command(Command::Connect { stream: ANN, session: secure(ANN, Codec::Pcma, &new) });
    rig.says(ANN, &under_way);
    phone.rekey(&new.swapped());
    let words = sealed(&mut phone, &voice(3));
    rig.says(ANN, &words);
    assert_eq!(rig.heard_by(BOB).len(), 3);
    rig.says(BOB, &voice(7));
    let sent = sent_to(&mut rig, ANN).pop().unwrap();
    assert_eq!(opened(&mut phone, &sent)[12..], [7; 160]);
}

#[test]
fn reports_are_protected_both_ways_muxed_or_not() {
    for rtcp in [Rtcp::Muxed, session(ANN, Codec::Pcma).rtcp] {
        let keying = keying(Suite::AeadAes128Gcm, 1);
        let mut phone = Srtp::new(&keying.swapped());
        let mut rig = Rig::new();
        rig.enters(Session { rtcp, ..secure(ANN, Codec::Pcma, &keying) }, ANN);
        let words = sealed(&mut phone, &voice(1));
        rig.says(ANN, &words);
        rig.passes(REPORT_INTERVAL * 2);
        let muxed = rig.wire.sent.iter().filter(|(.., datagram)| datagram[1] == 200);
        let sent: Vec<_> = muxed.chain(&rig.wire.reports).cloned().collect();
        let (_, from, mut report) = sent[0].clone();
        assert!(Compound::parse(&report).is_err(), "it is not plain");
        let length = phone.unprotect_rtcp(&mut report).unwrap();
        let parts: Vec<_> = Compound::parse(&report[..length]).unwrap().parts().collect();
        let Part::SenderReport { ssrc, ntp, .. } = parts[0] else { panic!("{parts:?}") };

        let mut reception = Reception::new(8_000);
        reception.packet(rig.now, ssrc, 1, 0);
        reception.sender_report(rig.now, ssrc, ntp);
        let mut buffer = [0; REPORT_BYTES];
        let terms = Terms { cname: "ann", leaving: false, extended: Extended::default(), heard: None };
        let length = Sender::new(0xA11CE, 8_000).write(rig.now, &mut reception, terms, &mut buffer);
        let channel = if rtcp == Rtcp::Muxed { Channel::Rtp } else { Channel::Rtcp };
        rig.comes_on(channel, from, ANN, &buffer[..length]);
        assert_eq!(rig.stats.reports_received.get(), 0, "a plain one is refused");
        let mut room = [0; REPORT_BYTES + RTCP_TAG_BYTES];
        let report = phone.protected_report(&buffer[..length], &mut room).unwrap();
        rig.comes_on(channel, from, ANN, report);
        assert_eq!(rig.stats.reports_received.get(), 1);
        rig.comes_on(channel, from, ANN, report);
        assert_eq!(rig.stats.reports_received.get(), 1, "a repeated one too");
    }
}

/// Where a stranger sends from: other hosts, other ports of the peer's host, and, where only a key can tell, the peer's
/// own address.
fn strange(rng: &mut Rng, peer: SocketAddr, spoofs: bool) -> SocketAddr {
    let host = match rng.below(3) {
        0 => peer.ip(),
        _ => IpAddr::from(rng.u32().to_be_bytes()),
    };
    let port = if spoofs && rng.below(2) == 0 { peer.port() } else { 5_000 + rng.below(60_000) as u16 };
    SocketAddr::new(host, port)
}

#[test]
fn two_hundred_thousand_packets_from_strangers_change_nothing_and_cost_no_memory() {
    for suite in [None, Some(Suite::AeadAes128Gcm), Some(Suite::AesCm128Sha1Tag80)] {
        for settled in [false, true] {
            let keying = suite.map(|suite| keying(suite, 1));
            let mut phone = keying.as_ref().map(|keying| Srtp::new(&keying.swapped()));
            let mut says = |rig: &mut Rig, number| match &mut phone {
                Some(phone) => rig.says(ANN, &sealed(phone, &voice(number))),
                None => rig.says(ANN, &voice(number)),
            };
            let mut rig = Rig::new();
            rig.enters(Session { srtp: keying.map(Box::new), ..session(ANN, Codec::Pcma) }, ANN);
            rig.enters(session(BOB, Codec::Pcma), BOB);
            rig.hears(BOB, Source::Peer { stream: ANN, digits: true });
            rig.command(Command::Record { stream: ANN, call: CALL });
            if settled {
                says(&mut rig, 1);
            }
            let before = rig.heard_by(BOB).len();
            let mut rng = Rng::seeded(66);
            let (mut datagram, peer) = (voice(1), remote(ANN));
            let changes = allocations::allocations(|| {
                for number in 0..200_000 {
                    let from = strange(&mut rng, peer, suite.is_some());
                    let (sequence, ssrc) = (number as u16, rng.u32());
                    Header { marker: false, payload_type: 8, sequence, timestamp: number, ssrc }
                        .write(datagram.first_chunk_mut().unwrap());
                    if number % 8 == 7 {
                        datagram[1] = 200;
                    }
                    let channel = if number % 16 == 7 { Channel::Rtcp } else { Channel::Rtp };
                    rig.switch.on_datagram(rig.now, 0, channel, from, &mut datagram, &mut rig.wire);
                }
            });
            assert_eq!(changes, 0, "{suite:?} {settled}: the allocator was called");
            assert_eq!((before, rig.heard_by(BOB).len()), (usize::from(settled), 0));
            assert_eq!((rig.tape().len(), rig.events().len()), (usize::from(settled), 0));
            assert_eq!(rig.wire.settled.len(), usize::from(settled));
            assert_eq!(rig.stats.packets_refused.get(), 200_000);
            says(&mut rig, 2);
            assert_eq!(rig.heard_by(BOB).len(), 1, "the call goes on");
        }
    }
}
