//! Packets of those who have no key: no state, nothing opened, no panic.

use super::*;

#[test]
fn two_hundred_thousand_forged_packets_leave_no_state_and_open_nothing() {
    for suite in Suite::ALL {
        let (mut ann, mut bob) = pair(suite);
        let known = sealed(&mut ann, &packet(SSRC, 1)).unwrap();
        assert!(opened(&mut bob, &known).is_ok());
        let mut rng = Rng::seeded(7);
        let mut forged = [0; 188];
        for number in 0..200_000u32 {
            rng.fill(&mut forged[12..]);
            let ssrc = rng.u32();
            let header =
                Header { marker: false, payload_type: 8, sequence: number as u16, timestamp: 0, ssrc };
            header.write(forged.first_chunk_mut().unwrap());
            if number % 2 == 0 {
                assert_eq!(bob.unprotect(&mut forged), Err(Refused::Forged));
            } else {
                forged[1] = 200;
                let end = forged.len();
                // With the E bit wherever a suite may look for it.
                forged[end - 4] |= 0x80;
                forged[end - 14] |= 0x80;
                assert_eq!(bob.unprotect_rtcp(&mut forged), Err(Refused::Forged));
            }
        }
        assert_eq!(bob.sources(), 1, "{suite:?}");
        let there = sealed(&mut ann, &packet(SSRC, 2)).unwrap();
        assert!(opened(&mut bob, &there).is_ok(), "the call goes on");
    }
}

#[test]
fn each_bit_of_a_packet_counts() {
    for suite in Suite::ALL {
        let (mut ann, mut bob) = pair(suite);
        let there = sealed(&mut ann, &packet(SSRC, 1)).unwrap();
        for bit in 0..there.len() * 8 {
            let mut turned = there.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&mut bob, &turned).is_err(), "{suite:?}: bit {bit}");
        }
        assert_eq!(bob.sources(), 0);
        assert!(opened(&mut bob, &there).is_ok());
    }
}

/// Any bytes, at an end that knows a source, in the midst of a change of keys, or neither.
#[test]
fn any_bytes_are_refused_without_panic() {
    bolero::check!().with_type::<(u8, Vec<u8>)>().for_each(|(how, any)| {
        let suite = Suite::ALL[usize::from(how % 4)];
        let (mut ann, mut bob) = pair(suite);
        if how & 4 != 0 {
            let there = sealed(&mut ann, &packet(SSRC, 1)).unwrap();
            assert!(opened(&mut bob, &there).is_ok());
        }
        if how & 8 != 0 {
            bob.rekey(&keying(suite, 2).swapped());
        }
        let before = bob.sources();
        assert!(opened(&mut bob, any).is_err() && opened_report(&mut bob, any).is_err());
        // Half of random bytes are not of version 2: these are.
        let mut any = any.clone();
        if let Some(first) = any.first_mut() {
            *first = 0x80 | *first & 0x3F;
        }
        assert!(opened(&mut bob, &any).is_err() && opened_report(&mut bob, &any).is_err());
        assert_eq!(bob.sources(), before);
        // And what is sent need not be a packet either.
        let _ = (sealed(&mut bob, &any), sealed_report(&mut bob, &any));
    });
}
