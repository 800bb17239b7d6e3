//! What the RFCs and the reference implementation print.

use super::super::cipher::{Cipher, Purpose, SessionKeys};
use super::*;

#[test]
fn session_keys_are_those_of_rfc_3711_b3() {
    let master = bytes("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let master = MasterKey::of(Suite::AesCm128Sha1Tag80, &master).unwrap();
    let keys = SessionKeys::derived(&master, Purpose::Rtp);
    assert_eq!(keys.key[..16], bytes("c61e7a93744f39ee10734afe3ff7a087"));
    assert_eq!(keys.salt.to_vec(), bytes("30cbbc08863d8c85d49db34a9ae1"));
    assert_eq!(keys.auth.to_vec(), bytes("cebe321f6ff7716b6fd4ab49af256a156d38baa4"));
}

#[test]
fn the_key_stream_is_that_of_rfc_3711_b2() {
    let keys = SessionKeys {
        key: [bytes("2b7e151628aed2a6abf7158809cf4f3c"), vec![0; 16]].concat().try_into().unwrap(),
        salt: bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfd").try_into().unwrap(),
        auth: [0; 20],
    };
    let cipher = Cipher::of(Suite::AesCm128Sha1Tag80, Purpose::Rtp, &keys);
    let mut buffer = [0; 48 + 10];
    assert_eq!(cipher.seal(0, 0, 0, &mut buffer, 48), Some(58));
    let stream = "e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab
                  41e95b3bb0a2e8dd477901e4fca894c0";
    assert_eq!(buffer[..48], bytes(stream));
}

/// RFC 7714 §16 and §17: the session keys, not derived.
fn gcm(suite: Suite) -> Cipher {
    let mut keys = SessionKeys { key: [0; 32], salt: [0; 14], auth: [0; 20] };
    keys.key.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
    keys.salt[..12].copy_from_slice(b"Quid pro quo");
    Cipher::of(suite, Purpose::Rtp, &keys)
}

#[test]
fn packets_are_sealed_and_opened_as_in_rfc_7714_16() {
    let plain = [&bytes("8040f17b8041f8d35501a0b2")[..], b"Gallia est omnis divisa in partes tres"].concat();
    let cases = [
        (
            Suite::AeadAes128Gcm,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f
             42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            Suite::AeadAes256Gcm,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3
             b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ];
    for (suite, sealed) in cases {
        let mut buffer = plain.clone();
        buffer.resize(plain.len() + 16, 0);
        let cipher = gcm(suite);
        let length = cipher.seal(12, 0x5501_A0B2, 0xF17B, &mut buffer, plain.len());
        assert_eq!((length, &buffer), (Some(buffer.len()), &bytes(sealed)), "{suite:?}");
        assert_eq!(cipher.open(12, 0x5501_A0B2, 0xF17B, &mut buffer), Some(plain.len()));
        assert_eq!(buffer[..plain.len()], plain);
    }
}

#[test]
fn reports_are_sealed_and_opened_as_in_rfc_7714_17() {
    let plain = bytes(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
         deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    let cases = [
        (
            Suite::AeadAes128Gcm,
            "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1
             730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
        ),
        (
            Suite::AeadAes256Gcm,
            "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1
             110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
        ),
    ];
    for (suite, sealed) in cases {
        let mut buffer = plain.clone();
        buffer.resize(plain.len() + 20, 0);
        let cipher = gcm(suite);
        let length = cipher.seal_rtcp(0x4D61_7273, 0x5D4, &mut buffer, plain.len());
        assert_eq!((length, &buffer), (Some(buffer.len()), &bytes(sealed)), "{suite:?}");
        assert_eq!(cipher.rtcp_word(&buffer), Some(0x8000_05D4));
        assert_eq!(cipher.open_rtcp(0x4D61_7273, 0x5D4, &mut buffer), Some(plain.len()));
        assert_eq!(buffer[..plain.len()], plain);
    }
}

/// Keys and packets of libsrtp's own test driver.
fn libsrtp() -> Keying {
    let key = bytes("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let key = MasterKey::of(Suite::AesCm128Sha1Tag80, &key).unwrap();
    Keying::new(key.clone(), key).unwrap()
}

#[test]
fn a_packet_and_a_report_are_sealed_as_the_reference_implementation_does() {
    let mut end = Srtp::new(&libsrtp());
    let plain = [bytes("800f1234decafbadcafebabe"), vec![0xAB; 16]].concat();
    let expected = "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb";
    assert_eq!(sealed(&mut end, &plain), Ok(bytes(expected)));
    let report = [bytes("81c8000bcafebabe"), vec![0xAB; 16]].concat();
    sealed_report(&mut end, &report).unwrap();
    let expected = "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798";
    assert_eq!(sealed_report(&mut end, &report), Ok(bytes(expected)), "the second has index 1");
}
