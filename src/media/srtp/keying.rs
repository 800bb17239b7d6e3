//! Suites and master keys: what two ends agree on before they speak SRTP. A key has no way into a log: its `Debug`
//! says that it is one, and there is no `Display`.

use crate::rng::Rng;

/// Longest master key of all suites, bytes.
const KEY_BYTES: usize = 32;

/// Longest master salt of all suites, bytes.
const SALT_BYTES: usize = 14;

/// What encrypts and authenticates. In the order in which we like them: AES-GCM costs a third of AES-CM, whose HMAC
/// is by SHA-1; a tag of 32 bits is the least that RFC 3711 §7.5 lets audio have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// RFC 7714, tag of 16 bytes.
    AeadAes128Gcm,
    /// RFC 7714, tag of 16 bytes.
    AeadAes256Gcm,
    /// RFC 3711, tag of 10 bytes.
    AesCm128Sha1Tag80,
    /// RFC 3711, tag of 4 bytes, but of 10 in SRTCP (RFC 4568 §6.2.2).
    AesCm128Sha1Tag32,
}

impl Suite {
    /// All we have, the best first.
    pub const ALL: [Suite; 4] =
        [Suite::AeadAes128Gcm, Suite::AeadAes256Gcm, Suite::AesCm128Sha1Tag80, Suite::AesCm128Sha1Tag32];

    /// As IANA registered it for `a=crypto` (RFC 4568 §6.2, RFC 7714 §14.1).
    pub fn name(self) -> &'static str {
        match self {
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Suite::AesCm128Sha1Tag80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128Sha1Tag32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Bytes of the master key.
    pub fn key_bytes(self) -> usize {
        match self {
            Suite::AeadAes256Gcm => 32,
            Suite::AeadAes128Gcm | Suite::AesCm128Sha1Tag80 | Suite::AesCm128Sha1Tag32 => 16,
        }
    }

    /// Bytes of the master salt.
    pub fn salt_bytes(self) -> usize {
        match self {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 12,
            Suite::AesCm128Sha1Tag80 | Suite::AesCm128Sha1Tag32 => 14,
        }
    }

    /// Bytes by which SRTP lengthens a packet.
    pub fn tag_bytes(self) -> usize {
        match self {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 16,
            Suite::AesCm128Sha1Tag80 => 10,
            Suite::AesCm128Sha1Tag32 => 4,
        }
    }
}

/// The master key and salt of one direction.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    key: [u8; KEY_BYTES],
    salt: [u8; SALT_BYTES],
    suite: Suite,
}

impl MasterKey {
    /// Reads key and salt, one behind the other as `a=crypto` has them. `None` if `suite` wants another length.
    pub fn of(suite: Suite, bytes: &[u8]) -> Option<MasterKey> {
        let (key, salt) = bytes.split_at_checked(suite.key_bytes())?;
        if salt.len() != suite.salt_bytes() {
            return None;
        }
        let mut master = MasterKey { key: [0; KEY_BYTES], salt: [0; SALT_BYTES], suite };
        master.key[..key.len()].copy_from_slice(key);
        master.salt[..salt.len()].copy_from_slice(salt);
        Some(master)
    }

    /// A new one. It is as secret as `rng` was seeded.
    pub fn drawn(suite: Suite, rng: &mut Rng) -> MasterKey {
        let mut master = MasterKey { key: [0; KEY_BYTES], salt: [0; SALT_BYTES], suite };
        rng.fill(&mut master.key[..suite.key_bytes()]);
        rng.fill(&mut master.salt[..suite.salt_bytes()]);
        master
    }

    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.suite.key_bytes()]
    }

    /// Zeros behind the salts that are shorter (RFC 7714 §11).
    pub(super) fn salt(&self) -> &[u8; SALT_BYTES] {
        &self.salt
    }

    /// Key and salt, one behind the other: for the description that goes to the peer, and for nobody else.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.key(), &self.salt[..self.suite.salt_bytes()]].concat()
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({}, ..)", self.suite.name())
    }
}

/// What the keys of one description are drawn from: one for each suite, so that none serves two.
#[derive(Clone, Copy)]
pub struct KeySeed([u8; 32]);

impl KeySeed {
    pub fn drawn(rng: &mut Rng) -> KeySeed {
        let mut seed = [0; 32];
        rng.fill(&mut seed);
        KeySeed(seed)
    }

    /// The same each time.
    pub fn key(&self, suite: Suite) -> MasterKey {
        let mut rng = Rng::from_seed(self.0);
        let before = Suite::ALL.iter().take_while(|other| **other != suite);
        before.for_each(|_| drop(rng.fork()));
        MasterKey::drawn(suite, &mut rng.fork())
    }
}

impl std::fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySeed(..)")
    }
}

/// What two ends agreed on: each direction has a key of its own, both are of one suite (RFC 4568 §7.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keying {
    ours: MasterKey,
    theirs: MasterKey,
}

impl Keying {
    /// `ours`: of what we send. `theirs`: of what we receive. `None` if they are of different suites.
    pub fn new(ours: MasterKey, theirs: MasterKey) -> Option<Keying> {
        (ours.suite == theirs.suite).then_some(Keying { ours, theirs })
    }

    pub fn suite(&self) -> Suite {
        self.ours.suite
    }

    pub fn ours(&self) -> &MasterKey {
        &self.ours
    }

    pub fn theirs(&self) -> &MasterKey {
        &self.theirs
    }

    /// The same as the other end sees it.
    pub fn swapped(&self) -> Keying {
        Keying { ours: self.theirs.clone(), theirs: self.ours.clone() }
    }
}
