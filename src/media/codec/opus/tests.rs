use super::*;

/// A vowel of a kind: harmonics of 150 Hz that fade.
fn voice(rate: Rate, frames: usize) -> Vec<i16> {
    let step = std::f32::consts::TAU * 150.0 / rate.hertz() as f32;
    (0..frames * rate.frame())
        .map(|n| (1..12).map(|k| (step * (n * k) as f32).sin() * 3_000.0 / k as f32).sum::<f32>() as i16)
        .collect()
}

fn packets(rate: Rate, frames: usize, loss: u8) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(rate);
    encoder.peer_loses(loss);
    voice(rate, frames)
        .chunks(rate.frame())
        .map(|frame| {
            let mut payload = [0; crate::media::codec::coder::PAYLOAD_BYTES];
            let length = encoder.encode(frame, &mut payload);
            payload[..length].to_vec()
        })
        .collect()
}

fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64
}

#[test]
fn a_packet_decodes_at_every_rate_whatever_rate_it_was_encoded_at() {
    for from in [Rate::Narrow, Rate::Wide, Rate::Full] {
        let loud = power(&voice(from, 30));
        for to in [Rate::Narrow, Rate::Wide, Rate::Full] {
            let mut decoder = Decoder::new(to);
            let mut heard = Vec::new();
            for packet in packets(from, 30, 0) {
                assert_eq!(lasts(&packet), 960);
                let mut samples = [0; Rate::LONGEST];
                let count = decoder.decode(&packet, &mut samples);
                assert_eq!(count, to.frame());
                heard.extend_from_slice(&samples[..count]);
            }
            let share = power(&heard[heard.len() / 2..]) / loud;
            assert!((0.5..2.0).contains(&share), "{from:?} to {to:?}: {share}");
        }
    }
}

#[test]
fn the_length_of_a_packet_is_read_as_libopus_reads_it() {
    for first in 0..=u8::MAX {
        for second in [0, 1, 2, 3, 5, 12, 48, 0x81, 0xC3] {
            let packet = [first, second, 0, 0, 0, 0, 0, 0];
            let theirs = ::opus::packet::get_nb_samples(&packet, CLOCK_RATE).unwrap_or(0) as u32;
            assert_eq!(lasts(&packet), theirs, "{first:#04x} {second:#04x}");
        }
    }
    assert_eq!((lasts(&[]), lasts(&[3])), (0, 0));
}

#[test]
fn a_lost_packet_comes_back_from_the_copy_in_the_next() {
    let packets = packets(Rate::Wide, 40, 20);
    let mut decoder = Decoder::new(Rate::Wide);
    let mut whole = Decoder::new(Rate::Wide);
    let mut samples = [0; Rate::LONGEST];
    let mut expected = [0; Rate::LONGEST];
    for packet in &packets[..30] {
        decoder.decode(packet, &mut samples);
        whole.decode(packet, &mut expected);
    }
    whole.decode(&packets[30], &mut expected);
    let frame = Rate::Wide.frame();
    assert!(decoder.recover(&packets[31], &mut samples[..frame]));
    let error: Vec<i16> = samples[..frame].iter().zip(&expected).map(|(a, b)| a.saturating_sub(*b)).collect();
    assert!(power(&error) < power(&expected[..frame]) / 4.0, "the copy sounds as the packet would have");
    assert_eq!(decoder.decode(&packets[31], &mut samples), frame);
}

#[test]
fn a_loss_is_concealed_for_a_while_and_fades() {
    let mut decoder = Decoder::new(Rate::Wide);
    let mut samples = [0; Rate::LONGEST];
    for packet in packets(Rate::Wide, 30, 0) {
        decoder.decode(&packet, &mut samples);
    }
    let frame = &mut samples[..Rate::Wide.frame()];
    assert!(decoder.conceal(frame));
    let first = power(frame);
    for _ in 0..20 {
        assert!(decoder.conceal(frame));
    }
    assert!(first > 1e5 && power(frame) < first / 10.0);
}

#[test]
fn what_is_no_packet_gives_nothing_and_harms_nothing() {
    let mut decoder = Decoder::new(Rate::Narrow);
    let mut samples = [0; Rate::LONGEST];
    assert_eq!(decoder.decode(&[], &mut samples), 0);
    assert_eq!(decoder.decode(&[0xFF, 0xFF, 0xFF], &mut samples), 0);
    let packet = &packets(Rate::Narrow, 1, 0)[0];
    assert_eq!(decoder.decode(packet, &mut samples[..80]), 0, "no room");
    assert_eq!(decoder.decode(packet, &mut samples), 160);
    assert_eq!(Encoder::new(Rate::Narrow).encode(&[0; 80], &mut [0; 320]), 0);
}
