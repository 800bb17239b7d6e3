use super::*;

#[test]
fn each_codec_gives_back_a_frame_for_a_frame_at_every_rate() {
    for codec in Codec::ALL {
        for rate in [Rate::Narrow, Rate::Wide, Rate::Full] {
            let (mut encoder, mut decoder) = (Encoder::new(*codec, rate), Decoder::new(*codec, rate));
            let speech = vec![1_000; encoder.rate().frame()];
            for _ in 0..5 {
                let mut payload = [0; PAYLOAD_BYTES];
                let length = encoder.encode(&speech, &mut payload);
                assert!(length > 0);
                assert_eq!(codec.lasts(&payload[..length]), codec.frame_units());
                let mut samples = [0; Rate::LONGEST];
                assert_eq!(decoder.decode(&payload[..length], &mut samples), decoder.rate().frame());
            }
            assert!(*codec != Codec::Opus || (encoder.rate(), decoder.rate()) == (rate, rate));
        }
    }
}

#[test]
fn only_opus_conceals_by_itself() {
    for codec in Codec::ALL {
        let mut decoder = Decoder::new(*codec, Rate::Narrow);
        let mut samples = [7; 320];
        let count = decoder.rate().frame();
        assert_eq!(decoder.conceal(&mut samples[..count]), *codec == Codec::Opus);
        assert!(*codec == Codec::Opus || samples == [7; 320]);
    }
}

#[test]
fn what_is_foretold_of_a_packet_is_what_it_decodes_to_and_changes_nothing() {
    let mut rng = crate::rng::Rng::seeded(722);
    for codec in Codec::ALL {
        let (mut encoder, mut decoder) =
            (Encoder::new(*codec, Rate::Narrow), Decoder::new(*codec, Rate::Narrow));
        for _ in 0..20 {
            let noise: Vec<i16> = (0..encoder.rate().frame()).map(|_| rng.u32() as i16 / 8).collect();
            let mut payload = [0; PAYLOAD_BYTES];
            let length = encoder.encode(&noise, &mut payload);
            let (mut foretold, mut again, mut decoded) = ([0; 960], [0; 960], [0; 960]);
            let count = decoder.foretell(&payload[..length], &mut foretold);
            assert_eq!(decoder.foretell(&payload[..length], &mut again), count);
            let made = decoder.decode(&payload[..length], &mut decoded);
            assert_eq!(count, if *codec == Codec::Opus { 0 } else { made });
            assert_eq!(foretold[..count], decoded[..count]);
        }
    }
}
