//! Session keys and the two transforms: AES-GCM (RFC 7714) and AES counter mode with HMAC-SHA1 (RFC 3711 §4).
//! Key schedules are made once; a packet costs no allocation.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::keying::{MasterKey, Suite};

/// Bytes of an AES-GCM tag.
const GCM_TAG: usize = 16;

/// Bytes of an HMAC-SHA1 tag in SRTCP, and of the longer one in SRTP.
const CM_TAG: usize = 10;

/// Bytes of the HMAC-SHA1 key (RFC 3711 §5.2).
const AUTH_KEY: usize = 20;

/// Bytes of an SRTCP packet's header, which stay readable.
pub const RTCP_HEADER: usize = 8;

/// Bytes of the word with the E bit and the index at the end of SRTCP.
pub const RTCP_INDEX: usize = 4;

/// The bit that says that an SRTCP packet is encrypted.
pub const E_BIT: u32 = 1 << 31;

/// What a session key is derived for: labels of RFC 3711 §4.3.2 for encryption; authentication and salt follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Rtp = 0,
    Rtcp = 3,
}

/// The keys of one direction for RTP or for RTCP.
pub enum Cipher {
    Gcm {
        key: LessSafeKey,
        salt: [u8; 12],
    },
    Cm {
        /// Boxed, as the next: with AES-CM a leg is four times as large.
        key: Box<EncryptingKey>,
        salt: [u8; 14],
        auth: Box<hmac::Key>,
        /// Bytes of the tag.
        tag: usize,
    },
}

/// Key, salt and, for AES-CM, the authentication key of a session.
pub struct SessionKeys {
    pub key: [u8; 32],
    pub salt: [u8; 14],
    pub auth: [u8; AUTH_KEY],
}

impl SessionKeys {
    /// RFC 3711 §4.3 with a key derivation rate of 0; RFC 6188 §3 for keys of 256 bits.
    pub fn derived(master: &MasterKey, purpose: Purpose) -> SessionKeys {
        let label = purpose as u8;
        let prf = counter_mode(master.key());
        let mut keys = SessionKeys { key: [0; 32], salt: [0; 14], auth: [0; AUTH_KEY] };
        derive(&prf, master.salt(), label, &mut keys.key[..master.suite().key_bytes()]);
        derive(&prf, master.salt(), label + 1, &mut keys.auth);
        derive(&prf, master.salt(), label + 2, &mut keys.salt[..master.suite().salt_bytes()]);
        keys
    }
}

/// The stream of the pseudo-random function: counter mode from `label` set into the salt.
fn derive(prf: &EncryptingKey, salt: &[u8; 14], label: u8, out: &mut [u8]) {
    let mut start = [0; 16];
    start[..14].copy_from_slice(salt);
    start[7] ^= label;
    run(prf, start, out);
}

fn counter_mode(key: &[u8]) -> EncryptingKey {
    let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
    let key = UnboundCipherKey::new(algorithm, key).expect("a suite's key is of 16 or 32 bytes");
    EncryptingKey::ctr(key).expect("AES has counter mode")
}

/// Adds the key stream that begins at counter `start`.
fn run(key: &EncryptingKey, start: [u8; 16], bytes: &mut [u8]) {
    let context = EncryptionContext::Iv128(FixedLength::from(start));
    key.less_safe_encrypt(bytes, context).expect("counter mode takes any length from any counter");
}

impl Cipher {
    pub fn new(master: &MasterKey, purpose: Purpose) -> Cipher {
        Cipher::of(master.suite(), purpose, &SessionKeys::derived(master, purpose))
    }

    pub fn of(suite: Suite, purpose: Purpose, keys: &SessionKeys) -> Cipher {
        let key = &keys.key[..suite.key_bytes()];
        let gcm = match suite {
            Suite::AeadAes128Gcm => &AES_128_GCM,
            Suite::AeadAes256Gcm => &AES_256_GCM,
            Suite::AesCm128Sha1Tag80 | Suite::AesCm128Sha1Tag32 => {
                let tag = if purpose == Purpose::Rtcp { CM_TAG } else { suite.tag_bytes() };
                let auth = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &keys.auth);
                return Cipher::Cm {
                    key: Box::new(counter_mode(key)),
                    salt: keys.salt,
                    auth: Box::new(auth),
                    tag,
                };
            }
        };
        let key = UnboundKey::new(gcm, key).expect("a suite's key has its cipher's length");
        let salt = *keys.salt.first_chunk().expect("12 of 14 bytes");
        Cipher::Gcm { key: LessSafeKey::new(key), salt }
    }

    /// Bytes of the tag.
    pub fn tag_bytes(&self) -> usize {
        match self {
            Cipher::Gcm { .. } => GCM_TAG,
            Cipher::Cm { tag, .. } => *tag,
        }
    }

    /// Encrypts an RTP packet of `length` bytes behind its `header` and puts the tag after it. The new length; `None` if
    /// `buffer` has no room for the tag.
    pub fn seal(
        &self,
        header: usize,
        ssrc: u32,
        index: u64,
        buffer: &mut [u8],
        length: usize,
    ) -> Option<usize> {
        let (packet, room) = buffer.split_at_mut_checked(length)?;
        let tag = room.get_mut(..self.tag_bytes())?;
        let (head, payload) = packet.split_at_mut_checked(header)?;
        match self {
            Cipher::Gcm { key, salt } => {
                let sealed =
                    key.seal_in_place_separate_tag(nonce(salt, ssrc, index), Aad::from(head), payload);
                tag.copy_from_slice(sealed.ok()?.as_ref());
            }
            Cipher::Cm { key, salt, auth, .. } => {
                run(key, counter(salt, ssrc, index), payload);
                authenticate(auth, packet, rollover(index), tag);
            }
        }
        Some(length + self.tag_bytes())
    }

    /// Checks and decrypts an RTP packet. The length without tag; `None` if it is not authentic, and then the bytes behind
    /// the header may be spoilt.
    pub fn open(&self, header: usize, ssrc: u32, index: u64, packet: &mut [u8]) -> Option<usize> {
        let length = packet.len().checked_sub(self.tag_bytes()).filter(|length| *length >= header)?;
        match self {
            Cipher::Gcm { key, salt } => {
                let (head, sealed) = packet.split_at_mut(header);
                key.open_in_place(nonce(salt, ssrc, index), Aad::from(head), sealed).ok()?;
            }
            Cipher::Cm { key, salt, auth, .. } => {
                let (packet, tag) = packet.split_at_mut(length);
                check(auth, packet, rollover(index), tag)?;
                run(key, counter(salt, ssrc, index), &mut packet[header..]);
            }
        }
        Some(length)
    }

    /// As `seal`, for an RTCP compound. The word with the index comes after GCM's tag (RFC 7714 §9.3), before HMAC's.
    pub fn seal_rtcp(&self, ssrc: u32, index: u32, buffer: &mut [u8], length: usize) -> Option<usize> {
        let end = length + self.tag_bytes() + RTCP_INDEX;
        let (packet, rest) = buffer.get_mut(..end)?.split_at_mut_checked(length)?;
        let (head, payload) = packet.split_first_chunk_mut::<RTCP_HEADER>()?;
        let word = (E_BIT | index).to_be_bytes();
        match self {
            Cipher::Gcm { key, salt } => {
                let aad = Aad::from(rtcp_aad(head, word));
                let sealed =
                    key.seal_in_place_separate_tag(nonce(salt, ssrc, u64::from(index)), aad, payload);
                rest[..GCM_TAG].copy_from_slice(sealed.ok()?.as_ref());
                rest[GCM_TAG..].copy_from_slice(&word);
            }
            Cipher::Cm { key, salt, auth, .. } => {
                run(key, counter(salt, ssrc, u64::from(index)), payload);
                rest[..RTCP_INDEX].copy_from_slice(&word);
                authenticate(auth, packet, word, &mut rest[RTCP_INDEX..]);
            }
        }
        Some(end)
    }

    /// Where the word with the E bit and the index stands in an SRTCP packet, read. `None` if it is too short.
    pub fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        let end = match self {
            Cipher::Gcm { .. } => packet.len(),
            Cipher::Cm { tag, .. } => packet.len().checked_sub(*tag)?,
        };
        packet.get(..end)?.last_chunk().map(|word| u32::from_be_bytes(*word))
    }

    /// As `open`, for an encrypted SRTCP packet whose `rtcp_word` has this `index`.
    pub fn open_rtcp(&self, ssrc: u32, index: u32, packet: &mut [u8]) -> Option<usize> {
        let length = packet.len().checked_sub(self.tag_bytes() + RTCP_INDEX)?;
        let word = (E_BIT | index).to_be_bytes();
        let (head, sealed) = packet.split_first_chunk_mut::<RTCP_HEADER>()?;
        match self {
            Cipher::Gcm { key, salt } => {
                let end = sealed.len().checked_sub(RTCP_INDEX)?;
                let aad = Aad::from(rtcp_aad(head, word));
                key.open_in_place(nonce(salt, ssrc, u64::from(index)), aad, &mut sealed[..end]).ok()?;
            }
            Cipher::Cm { key, salt, auth, .. } => {
                let (packet, rest) = packet.split_at_mut(length);
                check(auth, packet, word, &rest[RTCP_INDEX..])?;
                run(key, counter(salt, ssrc, u64::from(index)), packet.get_mut(RTCP_HEADER..)?);
            }
        }
        (length >= RTCP_HEADER).then_some(length)
    }
}

/// RFC 7714 §8.1 and §9.1: zeros, SSRC and the 48 bits of the index, with the salt.
fn nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> Nonce {
    let mut bytes = *salt;
    add(&mut bytes[2..6], &ssrc.to_be_bytes());
    add(&mut bytes[6..], &index.to_be_bytes()[2..]);
    Nonce::assume_unique_for_key(bytes)
}

/// RFC 3711 §4.1.1: the salt with SSRC and index, above 16 bits that count blocks.
fn counter(salt: &[u8; 14], ssrc: u32, index: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..14].copy_from_slice(salt);
    add(&mut bytes[4..8], &ssrc.to_be_bytes());
    add(&mut bytes[8..14], &index.to_be_bytes()[2..]);
    bytes
}

/// Adds bit by bit.
fn add(to: &mut [u8], bytes: &[u8]) {
    to.iter_mut().zip(bytes).for_each(|(to, byte)| *to ^= byte);
}

fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// RFC 7714 §9.2: what stays readable, and the word that follows the tag.
fn rtcp_aad(head: &[u8; RTCP_HEADER], word: [u8; RTCP_INDEX]) -> [u8; RTCP_HEADER + RTCP_INDEX] {
    let mut aad = [0; RTCP_HEADER + RTCP_INDEX];
    aad[..RTCP_HEADER].copy_from_slice(head);
    aad[RTCP_HEADER..].copy_from_slice(&word);
    aad
}

/// RFC 3711 §4.2: over the packet and the rollover counter (SRTCP: the word with the index), cut to the tag's length.
fn hash(auth: &hmac::Key, packet: &[u8], end: [u8; 4]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(auth);
    context.update(packet);
    context.update(&end);
    context.sign()
}

fn authenticate(auth: &hmac::Key, packet: &[u8], end: [u8; 4], tag: &mut [u8]) {
    let length = tag.len();
    tag.copy_from_slice(&hash(auth, packet, end).as_ref()[..length]);
}

fn check(auth: &hmac::Key, packet: &[u8], end: [u8; 4], tag: &[u8]) -> Option<()> {
    verify_slices_are_equal(hash(auth, packet, end).as_ref().get(..tag.len())?, tag).ok()
}
