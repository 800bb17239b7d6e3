//! Two ends: order, loss, repetition, turns of the sequence number, new keys.

use super::*;
use crate::media::limits::{SRTP_SOURCES, SRTP_WINDOW};

#[test]
fn what_one_end_protects_the_other_opens_and_what_lies_open_is_the_header() {
    for suite in Suite::ALL {
        let (mut ann, mut bob) = pair(suite);
        let plain = packet(SSRC, 1);
        let there = sealed(&mut ann, &plain).unwrap();
        assert_eq!(there.len(), plain.len() + suite.tag_bytes(), "{suite:?}");
        assert_eq!(there[..12], plain[..12]);
        assert!(there[12..].windows(8).all(|bytes| bytes != [1; 8]));
        assert_eq!(opened(&mut bob, &there), Ok(plain));
        let back = sealed(&mut bob, &packet(9, 1)).unwrap();
        assert_eq!(opened(&mut ann, &back), Ok(packet(9, 1)));
        assert_eq!(opened(&mut bob, &back), Err(Refused::Forged), "what comes back from a mirror");
    }
}

#[test]
fn sources_and_extension_in_the_header_stay_readable_and_are_authenticated() {
    for suite in Suite::ALL {
        let (mut ann, mut bob) = pair(suite);
        let mut plain = bytes("9108 0001 00000007 cafebabe 11111111 bede0001 22222222");
        plain.extend_from_slice(b"voice");
        let there = sealed(&mut ann, &plain).unwrap();
        assert_eq!(there[..24], plain[..24]);
        let mut turned = there.clone();
        turned[21] ^= 1;
        assert_eq!(opened(&mut bob, &turned), Err(Refused::Forged));
        assert_eq!(opened(&mut bob, &there), Ok(plain));
    }
}

#[test]
fn packets_lost_late_and_out_of_order_are_opened_once_across_turns_of_the_sequence() {
    for suite in Suite::ALL {
        let (mut ann, mut bob) = pair(suite);
        let mut rng = Rng::seeded(3711);
        let mut arrived = 0;
        // Three turns and a half, in twenties that are shuffled on the way; a tenth is lost, a tenth comes twice.
        for first in (60_000..290_000u32).step_by(20) {
            let plain: Vec<_> = (first..first + 20).map(|number| packet(SSRC, number as u16)).collect();
            let mut there: Vec<_> =
                plain.iter().map(|plain| sealed(&mut ann, plain).unwrap()).zip(&plain).collect();
            for left in (1..there.len()).rev() {
                there.swap(left, rng.below(left as u64 + 1) as usize);
            }
            for (there, plain) in there {
                let luck = rng.below(10);
                if luck == 0 {
                    continue;
                }
                assert_eq!(opened(&mut bob, &there).as_ref(), Ok(plain));
                if luck == 1 {
                    assert_eq!(opened(&mut bob, &there), Err(Refused::Repeated));
                }
                arrived += 1;
            }
        }
        assert!(arrived > 200_000, "{suite:?}: {arrived}");
    }
}

#[test]
fn late_within_the_window_is_taken_and_beyond_it_is_not() {
    for suite in Suite::ALL {
        let (mut ann, mut bob) = pair(suite);
        let sent: Vec<_> = (0..200).map(|n| sealed(&mut ann, &packet(SSRC, n)).unwrap()).collect();
        assert!(opened(&mut bob, &sent[199]).is_ok());
        let oldest = 200 - SRTP_WINDOW as usize;
        assert!(opened(&mut bob, &sent[oldest]).is_ok());
        assert_eq!(opened(&mut bob, &sent[oldest]), Err(Refused::Repeated));
        assert_eq!(opened(&mut bob, &sent[oldest - 1]), Err(Refused::Repeated));
    }
}

#[test]
fn an_index_is_never_used_for_two_packets() {
    let (mut ann, _) = pair(Suite::AeadAes128Gcm);
    let mut first = packet(SSRC, 9);
    sealed(&mut ann, &first).unwrap();
    first[100] ^= 1;
    assert_eq!(sealed(&mut ann, &first), Err(Unsendable::Repeated));
    assert_eq!(sealed(&mut ann, &packet(4, 10)), Err(Unsendable::Source));
    let keys = [keying(Suite::AeadAes128Gcm, 2), keying(Suite::AeadAes128Gcm, 1)];
    keys.iter().for_each(|keying| ann.rekey(keying));
    assert_eq!(sealed(&mut ann, &first), Err(Unsendable::Repeated), "back at the first key");
    assert_eq!(ann.protect(&mut packet(SSRC, 10), 172), Err(Unsendable::NoRoom));
    assert!(sealed(&mut ann, &packet(SSRC, 10)).is_ok(), "it was not used up by that");
}

#[test]
fn reports_are_opened_once_and_never_unencrypted() {
    for suite in Suite::ALL {
        let (mut ann, mut bob) = pair(suite);
        let there = sealed_report(&mut ann, &report()).unwrap();
        assert_ne!(there[8..32], report()[8..32]);
        let mut turned = there.clone();
        turned[4] ^= 1;
        assert_eq!(opened_report(&mut bob, &turned), Err(Refused::Forged));
        assert_eq!(opened_report(&mut bob, &there).as_ref(), Ok(&report()));
        assert_eq!(opened_report(&mut bob, &there), Err(Refused::Repeated));
        let later = sealed_report(&mut ann, &report()).unwrap();
        for at in 8..later.len() {
            let mut bit = later.clone();
            bit[at] ^= 0x80;
            assert!(opened_report(&mut bob, &bit).is_err(), "{suite:?}: byte {at}");
        }
        assert!(opened_report(&mut bob, &later).is_ok());
    }
}

#[test]
fn new_keys_go_on_where_the_old_ones_were_and_old_packets_are_taken_until_the_first_new_one() {
    for suite in Suite::ALL {
        let (mut ann, mut bob) = pair(suite);
        // Far enough that the rollover counter is 1.
        for number in 30_000..70_000u32 {
            let there = sealed(&mut ann, &packet(SSRC, number as u16)).unwrap();
            assert!(opened(&mut bob, &there).is_ok());
        }
        let last = sealed(&mut ann, &packet(SSRC, 4_465)).unwrap();
        let late = sealed(&mut ann, &packet(SSRC, 4_466)).unwrap();
        let new = keying(suite, 2);
        bob.rekey(&new.swapped());
        assert!(opened(&mut bob, &last).is_ok(), "it was under way");
        assert_eq!(opened(&mut bob, &last), Err(Refused::Repeated));
        ann.rekey(&new);
        let there = sealed(&mut ann, &packet(SSRC, 4_467)).unwrap();
        assert_eq!(opened(&mut bob, &there), Ok(packet(SSRC, 4_467)), "{suite:?}");
        assert_eq!(opened(&mut bob, &late), Err(Refused::Forged), "the old key is over");
        let back = sealed(&mut bob, &packet(5, 1)).unwrap();
        assert_eq!(opened(&mut ann, &back), Ok(packet(5, 1)));
    }
}

#[test]
fn an_end_that_begins_anew_with_its_new_key_is_understood() {
    let suite = Suite::AeadAes128Gcm;
    let (mut ann, mut bob) = pair(suite);
    for number in 30_000..70_000u32 {
        let there = sealed(&mut ann, &packet(SSRC, number as u16)).unwrap();
        assert!(opened(&mut bob, &there).is_ok());
    }
    let new = keying(suite, 2);
    bob.rekey(&new.swapped());
    let there = sealed(&mut Srtp::new(&new), &packet(SSRC, 4_465)).unwrap();
    assert_eq!(opened(&mut bob, &there), Ok(packet(SSRC, 4_465)), "its rollover counter is 0");
}

#[test]
fn the_same_keys_again_change_nothing() {
    let (mut ann, mut bob) = pair(Suite::AesCm128Sha1Tag80);
    let there = sealed(&mut ann, &packet(SSRC, 1)).unwrap();
    assert!(opened(&mut bob, &there).is_ok());
    bob.rekey(&keying(Suite::AesCm128Sha1Tag80, 1).swapped());
    assert_eq!(opened(&mut bob, &there), Err(Refused::Repeated));
}

#[test]
fn of_many_sources_the_one_silent_longest_is_forgotten() {
    let keying = keying(Suite::AeadAes128Gcm, 1);
    let mut bob = Srtp::new(&keying.swapped());
    for ssrc in 0..100 {
        let there = sealed(&mut Srtp::new(&keying), &packet(ssrc, 1)).unwrap();
        assert!(opened(&mut bob, &there).is_ok());
        assert_eq!(opened(&mut bob, &there), Err(Refused::Repeated));
        assert!(bob.sources() <= SRTP_SOURCES);
    }
}

#[test]
fn keys_are_never_printed() {
    let keying = keying(Suite::AeadAes128Gcm, 1);
    let printed = format!("{keying:?} {:?} {:#?}", Srtp::new(&keying), keying.ours());
    assert_eq!(printed.matches("MasterKey(AEAD_AES_128_GCM, ..)").count(), 3);
    assert!(!printed.chars().any(|c| c == '['), "{printed}");
}
