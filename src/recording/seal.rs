//! Sealing of tapes: AES-256-GCM under a key of each tape's own, derived by HKDF-SHA256 (RFC 5869) from the configured one.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use crate::ids::CallId;

/// Bytes of the configured key.
pub const KEY_BYTES: usize = 32;

/// Which configured key sealed a tape; says nothing about the key itself.
pub type KeyId = [u8; 8];

/// The configured sealing key, as far as it is the same for every tape. Never printed.
#[derive(Clone)]
pub struct TapeKey {
    secret: Prk,
    id: KeyId,
}

/// The text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tape key is 64 hexadecimal digits (32 random bytes, e.g. by `openssl rand -hex 32`)")]
pub struct NotATapeKey;

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl TapeKey {
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        let secret = Salt::new(HKDF_SHA256, b"hotline tape 1").extract(&bytes);
        let mut id = KeyId::default();
        derive(&secret, b"key id", &mut id);
        TapeKey { secret, id }
    }

    /// From 64 hexadecimal digits, as the configuration holds it.
    pub fn from_hex(text: &str) -> Result<Self, NotATapeKey> {
        let digits = text.trim().as_bytes();
        if digits.len() != KEY_BYTES * 2 {
            return Err(NotATapeKey);
        }
        let mut bytes = [0; KEY_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let nibble = |digit: u8| char::from(digit).to_digit(16).ok_or(NotATapeKey);
            *byte = (nibble(pair[0])? << 4 | nibble(pair[1])?) as u8;
        }
        Ok(TapeKey::new(bytes))
    }

    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The seal of one call's tape.
    pub fn seal(&self, call: CallId) -> Seal {
        let mut bytes = [0; KEY_BYTES];
        let mut purpose = *b"tape ........";
        purpose[5..].copy_from_slice(&call.0.to_be_bytes());
        derive(&self.secret, &purpose, &mut bytes);
        let key = UnboundKey::new(&AES_256_GCM, &bytes).expect("an AES-256 key has 32 bytes");
        Seal(LessSafeKey::new(key))
    }
}

fn derive(secret: &Prk, purpose: &[u8], out: &mut [u8]) {
    let info = [purpose];
    let derived = secret.expand(&info, Length(out.len())).expect("at most 255 hashes are asked for");
    derived.fill(out).expect("the length is the one asked for");
}

impl std::fmt::Debug for TapeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TapeKey(..)")
    }
}

/// Seals and opens the blocks of one tape. The nonce is the block's number, which never occurs twice on a tape.
pub struct Seal(LessSafeKey);

/// The block was not sealed with this key, or was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed block does not open: changed since it was written, or sealed with another key")]
pub struct SealBroken;

impl Seal {
    /// Seals `body` in place; the tag returned belongs behind it. `bound` is authenticated along with it.
    pub fn close(&self, number: u64, bound: &[u8], body: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self.0.seal_in_place_separate_tag(nonce(number), Aad::from(bound), body);
        let tag = tag.expect("a block is far below the cipher's limit");
        tag.as_ref().try_into().expect("a tag of AES-GCM has 16 bytes")
    }

    /// Replaces the sealed `body` by what it holds.
    pub fn open(&self, number: u64, bound: &[u8], body: &mut Vec<u8>) -> Result<(), SealBroken> {
        let opened = self.0.open_in_place(nonce(number), Aad::from(bound), body).map_err(|_| SealBroken)?;
        let length = opened.len();
        body.truncate(length);
        Ok(())
    }
}

/// Bytes that sealing adds to a block.
pub const TAG_BYTES: usize = 16;

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_the_same_key_call_number_and_binding() {
        let key = TapeKey::new([7; 32]);
        let mut sealed = b"good morning".to_vec();
        let tag = key.seal(CallId(1)).close(3, b"head", &mut sealed);
        sealed.extend(tag);
        let opens = |seal: Seal, number, bound: &[u8]| seal.open(number, bound, &mut sealed.clone()).is_ok();
        assert!(opens(key.seal(CallId(1)), 3, b"head"));
        assert!(!opens(key.seal(CallId(2)), 3, b"head"));
        assert!(!opens(key.seal(CallId(1)), 4, b"head"));
        assert!(!opens(key.seal(CallId(1)), 3, b"hood"));
        assert!(!opens(TapeKey::new([8; 32]).seal(CallId(1)), 3, b"head"));
    }

    #[test]
    fn a_key_is_read_from_hexadecimal_and_never_printed() {
        let key = TapeKey::from_hex(&"0a".repeat(32)).expect("64 digits");
        assert_eq!(key.id(), TapeKey::new([10; 32]).id());
        assert_ne!(key.id(), TapeKey::new([11; 32]).id());
        assert_eq!(format!("{key:?}"), "TapeKey(..)");
        assert_eq!(TapeKey::from_hex("0a").err(), Some(NotATapeKey));
        assert_eq!(TapeKey::from_hex(&"zz".repeat(32)).err(), Some(NotATapeKey));
    }
}
