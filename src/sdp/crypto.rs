//! Keys in descriptions: `a=crypto` (RFC 4568), `inline` keys of the suites that we have.

use crate::media::srtp::keying::{MasterKey, Suite};

/// Longest lifetime of a key, as a power of two of packets (RFC 3711 §9.2).
const MAX_LIFETIME: u32 = 48;

/// An `a=crypto` line that we can use. Lines that we cannot are not kept: another suite, several keys or a key
/// identifier (MKI), session parameters that change what is protected or that are not known (RFC 4568 §6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    /// Names the line in the answer.
    pub tag: u32,
    /// Of what the describer sends.
    pub key: MasterKey,
}

impl Crypto {
    /// Reads what stands behind `crypto:`. `None` if it is malformed or we cannot do it.
    pub fn parse(value: &[u8]) -> Option<Crypto> {
        let value = std::str::from_utf8(value).ok()?;
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9).and_then(digits)?;
        let name = words.next()?;
        let suite = Suite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))?;
        let key = key(suite, words.next()?)?;
        words.all(is_harmless).then_some(Crypto { tag, key })
    }

    /// What stands behind `crypto:`.
    pub fn write(&self) -> Vec<u8> {
        let key = base64(&self.key.to_bytes());
        format!("{} {} inline:{key}", self.tag, self.key.suite().name()).into_bytes()
    }
}

fn digits(word: &str) -> Option<u32> {
    // `parse` would take a sign.
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

/// `inline:key|lifetime|MKI:length`, the last two optional. An MKI would have to be found in each packet; and it is for
/// several keys, which we do not take.
fn key(suite: Suite, word: &str) -> Option<MasterKey> {
    let (method, info) = word.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") {
        return None;
    }
    let mut parts = info.split('|');
    let key = parts.next().and_then(unbase64)?;
    let lifetime = parts.next().is_none_or(is_lifetime);
    (lifetime && parts.next().is_none()).then(|| MasterKey::of(suite, &key)).flatten()
}

/// `2^20` or a number of packets. It is the peer who must change its key in time.
fn is_lifetime(word: &str) -> bool {
    match word.strip_prefix("2^") {
        Some(power) => digits(power).is_some_and(|power| power <= MAX_LIFETIME),
        None => !word.is_empty() && word.len() <= 15 && word.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Session parameters under which the line means to us what it means without them: the peer's wish for a window, and
/// what begins with `-`, which says itself that it may be passed over (RFC 4568 §6.3.7).
fn is_harmless(word: &str) -> bool {
    word.starts_with('-') || word.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("WSH="))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let six = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= three.len() { char::from(ALPHABET[six]) } else { '=' });
        }
    }
    text
}

/// With or without padding. `None` for other characters, and for lengths and last bits that no bytes have.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    if text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for four in text.chunks(4) {
        let bits = four.iter().try_fold(0u32, |bits, letter| {
            let six = ALPHABET.iter().position(|known| known == letter)?;
            Some(bits << 6 | six as u32)
        })?;
        let bits = bits << (6 * (4 - four.len()));
        let count = four.len() - 1;
        if bits & (0xFF_FFFF >> (8 * count)) != 0 {
            return None;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..=count]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    fn parse(value: &str) -> Option<Crypto> {
        Crypto::parse(value.as_bytes())
    }

    #[test]
    fn a_line_of_the_rfc_is_read_and_written() {
        let crypto = parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20")).unwrap();
        assert_eq!((crypto.tag, crypto.key.suite()), (1, Suite::AesCm128Sha1Tag80));
        assert_eq!(crypto.key.to_bytes(), b"YS___semctl () {\t220;}\n}\nunles");
        let written = crypto.write();
        assert_eq!(written, format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}").into_bytes());
        assert_eq!(Crypto::parse(&written), Some(crypto));
    }

    #[test]
    fn keys_of_each_suite_survive_writing() {
        let mut rng = Rng::seeded(4568);
        for suite in Suite::ALL {
            let crypto = Crypto { tag: 7, key: MasterKey::drawn(suite, &mut rng) };
            assert_eq!(Crypto::parse(&crypto.write()), Some(crypto));
        }
    }

    #[test]
    fn what_we_cannot_do_is_no_line_of_ours() {
        let with = |rest: &str| parse(&format!("1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}{rest}")).is_some();
        for good in ["", "|2^48", "|1048576", " WSH=64", " -any", " -any=1 WSH=128"] {
            assert!(with(good), "{good}");
        }
        let bad = [
            "|1:4",
            "|2^20|1:4",
            "|2^49",
            "|",
            "|2^",
            ";inline:AAAA|2^20|2:4",
            " KDR=1",
            " UNENCRYPTED_SRTP",
            " UNENCRYPTED_SRTCP",
            " UNAUTHENTICATED_SRTP",
            " FEC_ORDER=SRTP_FEC",
            " unheard-of",
            "A",
            "=A",
        ];
        for bad in bad {
            assert!(!with(bad), "{bad}");
        }
        for bad in [
            "",
            "1",
            "1 AES_CM_128_HMAC_SHA1_80",
            "1 AES_CM_128_HMAC_SHA1_80 inline:",
            "x AEAD_AES_128_GCM inline:AA",
            "+1 AES_CM_128_HMAC_SHA1_80 inline:AA",
            "1 F8_128_HMAC_SHA1_80 inline:AA",
            "1 AEAD_AES_128_GCM uri:AA",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse(&format!("1 AEAD_AES_128_GCM inline:{KEY}")), None, "30 bytes are not 28");
    }

    #[test]
    fn any_bytes_are_read_without_panic() {
        bolero::check!().with_type::<(bool, Vec<u8>)>().for_each(|(head, any)| {
            let head: &[u8] = if *head { b"1 AES_CM_128_HMAC_SHA1_80 inline:" } else { b"" };
            if let Some(crypto) = Crypto::parse(&[head, any].concat()) {
                assert_eq!(Crypto::parse(&crypto.write()), Some(crypto));
            }
        });
    }
}
