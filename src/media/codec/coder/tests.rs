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
