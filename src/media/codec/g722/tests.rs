use super::*;

/// CRC-32 as in zip files.
fn crc32(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xEDB8_8320 };
        }
    }
    !crc
}

/// Checksum of a test sequence as the ITU distributes it: words of 16 bits, little-endian.
fn crc_of_words(words: &[u16]) -> u32 {
    crc32(words.iter().flat_map(|word| word.to_le_bytes()))
}

/// Words at both ends of a sequence that say "reset": their lowest bit is set.
const RESETS: usize = 16;

/// What a codec does with a sequence: resets stay resets, the others are coded, their lowest bit clear.
fn through(sequence: &[u16], mut code: impl FnMut(u16) -> u16) -> Vec<u16> {
    sequence.iter().map(|word| if word & 1 == 1 { 1 } else { code(*word) }).collect()
}

/// `T1C2.XMT`, the sequence that overloads the encoder (G.722 Appendix II): the extremes of 15 bits in turn, then two
/// low samples to one high one.
fn overload() -> Vec<u16> {
    let mut words = vec![1; RESETS];
    words.extend((0..640).map(|place| if place % 2 == 0 { 0x8000 } else { 0x7FFE }));
    *words.last_mut().unwrap() = 0;
    words.extend([0xB1E0, 0xC000]);
    words.extend([0x8000, 0x7FFE, 0x8000].repeat(42));
    words.extend([1; RESETS]);
    words
}

/// The ITU's sequence through the bands without the filters, as its Appendix II has it. The expected files are known by
/// the checksums that the ITU publishes with them (G.722 test sequences, version 2.0 of 2012, `g722-ts-le`).
#[test]
fn the_overload_sequence_of_the_itu_is_coded_to_the_bit() {
    let input = overload();
    assert_eq!(crc_of_words(&input), 0x2D60_4685, "bt1c2.xmt");
    let mut encoder = Encoder::new();
    let coded = through(&input, |word| {
        let sample = i32::from(word.cast_signed() >> 1);
        u16::from(encoder.pair(sample, sample)) << 8
    });
    assert_eq!(crc_of_words(&coded), 0x344E_A5D0, "bt2r2.cod");
    let mut decoder = Decoder::new();
    let mut high = Vec::new();
    let low = through(&coded, |word| {
        let (low, upper) = decoder.pair((word >> 8) as u8);
        high.push((upper << 1) as u16);
        (low << 1) as u16
    });
    assert_eq!(crc_of_words(&low), 0xAF00_F31F, "bt3l2.rc1");
    let mut heard = high.into_iter();
    let high = through(&coded, |_| heard.next().unwrap());
    assert_eq!(crc_of_words(&high), 0x5330_AE2E, "bt3h2.rc0");
}

/// Ten seconds of low-passed noise in sixteen loudnesses, up to two thirds of the range; integers only, so that any program can repeat it.
fn noise() -> Vec<i16> {
    let (mut state, mut low) = (1u32, 0i32);
    (0..160_000)
        .map(|n| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            low += ((state >> 16) as i32 - 32_768 - low) >> 2;
            ((low * (n >> 10 & 15)) >> 4) as i16
        })
        .collect()
}

/// What SpanDSP 0.0.6 (Debian's libspandsp2 0.0.6+dfsg-2, `g722_encode` and `g722_decode` at 64,000 bit/s) makes of the
/// same noise and of its own bytes. Unlike the ITU's sequences, these pass through the filters too. Only where the filters
/// overflow the bands' 15 bits do the two differ: we limit there.
#[test]
fn ten_seconds_of_noise_are_coded_as_spandsp_codes_them() {
    let noise = noise();
    let mut payload = vec![0; 80_000];
    assert_eq!(Encoder::new().encode(&noise, &mut payload), 80_000);
    assert_eq!(crc32(payload.iter().copied()), 0x19FD_B3AA);
    let mut samples = vec![0; 160_000];
    assert_eq!(Decoder::new().decode(&payload, &mut samples), 160_000);
    assert_eq!(crc32(samples.iter().flat_map(|sample| sample.to_le_bytes())), 0x3D6C_95A9);
}

#[test]
fn pieces_of_any_length_are_coded_as_the_whole() {
    let noise = &noise()[80_000..84_000];
    let mut whole = [0; 2_000];
    Encoder::new().encode(noise, &mut whole);
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let (mut pieces, mut samples) = (Vec::new(), Vec::new());
    for piece in noise.chunks(246) {
        let (mut bytes, mut heard) = ([0; 123], [0; 246]);
        let count = encoder.encode(piece, &mut bytes);
        pieces.extend_from_slice(&bytes[..count]);
        let count = decoder.decode(&bytes[..count], &mut heard);
        samples.extend_from_slice(&heard[..count]);
    }
    assert_eq!(pieces, whole);
    let mut at_once = vec![0; 4_000];
    Decoder::new().decode(&whole, &mut at_once);
    assert_eq!(samples, at_once);
}

#[test]
fn silence_is_silent_at_once_and_within_a_tenth_of_a_second_after_noise() {
    let silence = [SILENCE; FRAME_BYTES];
    let mut samples = [9; 2 * FRAME_BYTES];
    Decoder::new().decode(&silence, &mut samples);
    assert!(samples.iter().all(|sample| sample.unsigned_abs() <= 1));
    let mut payload = vec![0; 80_000];
    Encoder::new().encode(&noise(), &mut payload);
    let mut decoder = Decoder::new();
    decoder.decode(&payload[..79_000], &mut vec![0; 158_000]);
    for _ in 0..5 {
        decoder.decode(&silence, &mut samples);
    }
    decoder.decode(&silence, &mut samples);
    assert!(samples.iter().all(|sample| sample.unsigned_abs() < 64), "{samples:?}");
}

#[test]
fn a_room_too_small_ends_the_work() {
    assert_eq!(Encoder::new().encode(&[0; 10], &mut [0; 3]), 3);
    assert_eq!(Decoder::new().decode(&[0; 10], &mut [0; 7]), 6);
    assert_eq!(Encoder::new().encode(&[1], &mut [0; 3]), 0);
}
