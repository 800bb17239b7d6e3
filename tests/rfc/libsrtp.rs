//! libsrtp (Debian's libsrtp2-1), which most phones have inside, as the other end: what one protects the other opens,
//! in every suite, both ways, across a turn of the sequence number, reports too.
//!
//! It is loaded when the test runs, so that nothing of it is linked into the server or needed to build.

use std::ffi::{CStr, c_int, c_uint, c_ulong, c_void};
use std::ptr::{null, null_mut};

use hotline::media::rtp::Header;
use hotline::media::srtp::keying::{Keying, MasterKey, Suite};
use hotline::media::srtp::{RTCP_TAG_BYTES, Srtp, TAG_BYTES};
use hotline::rng::Rng;
use nix::libc;

/// The library, as its package names it.
const LIBRARY: &CStr = c"libsrtp2.so.1";

/// As in tests/interop: `1` where the tools are not to be had.
const SKIP: &str = "HOTLINE_SKIP_INTEROP";

/// `srtp_crypto_policy_t`, filled by the library itself.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CryptoPolicy([c_int; 6]);

/// `srtp_policy_t` of libsrtp 2.
#[repr(C)]
struct Policy {
    /// `ssrc_any_inbound` or `ssrc_any_outbound`, and a value that does not matter then.
    ssrc: (c_int, c_uint),
    rtp: CryptoPolicy,
    rtcp: CryptoPolicy,
    key: *const u8,
    keys: *const c_void,
    num_master_keys: c_ulong,
    deprecated_ekt: *const c_void,
    window_size: c_ulong,
    allow_repeat_tx: c_int,
    enc_xtn_hdr: *const c_int,
    enc_xtn_hdr_count: c_int,
    next: *const c_void,
}

type Fill = unsafe extern "C" fn(*mut CryptoPolicy);
type Create = unsafe extern "C" fn(*mut *mut c_void, *const Policy) -> c_int;
type Change = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int;

struct Library(*mut c_void);

impl Library {
    /// `None` if it is not installed.
    fn load() -> Option<Library> {
        // SAFETY: the name is a C string; the library's initialisers do nothing but register ciphers.
        let library = unsafe { libc::dlopen(LIBRARY.as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let library = Library(library);
        // SAFETY: `int srtp_init(void)`.
        let init: unsafe extern "C" fn() -> c_int =
            unsafe { std::mem::transmute(library.symbol(c"srtp_init")) };
        // SAFETY: once per process, by this one test.
        assert_eq!(unsafe { init() }, 0);
        Some(library)
    }

    fn symbol(&self, name: &CStr) -> *mut c_void {
        // SAFETY: the handle is open, the name is a C string.
        let symbol = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        assert!(!symbol.is_null(), "{name:?}");
        symbol
    }

    fn policy(&self, name: &CStr) -> CryptoPolicy {
        let mut policy = CryptoPolicy::default();
        // SAFETY: `void NAME(srtp_crypto_policy_t *)`, which fills six words.
        unsafe { std::mem::transmute::<*mut c_void, Fill>(self.symbol(name))(&mut policy) };
        policy
    }

    fn session(&self, suite: Suite, key: &MasterKey, inbound: bool) -> *mut c_void {
        let (rtp, rtcp) = match suite {
            Suite::AeadAes128Gcm => (c"srtp_crypto_policy_set_aes_gcm_128_16_auth", None),
            Suite::AeadAes256Gcm => (c"srtp_crypto_policy_set_aes_gcm_256_16_auth", None),
            Suite::AesCm128Sha1Tag80 => (c"srtp_crypto_policy_set_rtp_default", None),
            Suite::AesCm128Sha1Tag32 => (
                c"srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32",
                Some(c"srtp_crypto_policy_set_rtcp_default"),
            ),
        };
        let bytes = key.to_bytes();
        let policy = Policy {
            ssrc: (if inbound { 2 } else { 3 }, 0),
            rtp: self.policy(rtp),
            rtcp: self.policy(rtcp.unwrap_or(rtp)),
            key: bytes.as_ptr(),
            keys: null(),
            num_master_keys: 0,
            deprecated_ekt: null(),
            window_size: 128,
            allow_repeat_tx: 0,
            enc_xtn_hdr: null(),
            enc_xtn_hdr_count: 0,
            next: null(),
        };
        let mut session = null_mut();
        // SAFETY: `srtp_create(srtp_t *, const srtp_policy_t *)`; it copies the key.
        let created = unsafe {
            std::mem::transmute::<*mut c_void, Create>(self.symbol(c"srtp_create"))(&mut session, &policy)
        };
        assert_eq!(created, 0, "{suite:?}");
        session
    }

    /// Protects or opens by the function `name`. Its status if it refuses.
    fn change(&self, name: &CStr, session: *mut c_void, packet: &[u8]) -> Result<Vec<u8>, c_int> {
        // The library wants its buffers aligned to words.
        let mut room = [0u64; 256];
        let start = room.as_mut_ptr().cast::<u8>();
        assert!(packet.len() + 64 < size_of_val(&room));
        let mut length = packet.len() as c_int;
        // SAFETY: the room is larger than the packet and what the library adds; `NAME(srtp_t, void *, int *)`.
        let status = unsafe {
            start.copy_from_nonoverlapping(packet.as_ptr(), packet.len());
            std::mem::transmute::<*mut c_void, Change>(self.symbol(name))(session, start.cast(), &mut length)
        };
        if status != 0 {
            return Err(status);
        }
        // SAFETY: within the room.
        Ok(unsafe { std::slice::from_raw_parts(start, length as usize) }.to_vec())
    }
}

fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut bytes = vec![sequence as u8; 172];
    let header = Header { marker: false, payload_type: 8, sequence, timestamp: 7, ssrc };
    header.write(bytes.first_chunk_mut().expect("room for a header"));
    bytes
}

/// A receiver report without blocks, and a source description.
fn report(ssrc: u32) -> Vec<u8> {
    let ssrc = ssrc.to_be_bytes();
    [&[0x80, 201, 0, 1][..], &ssrc, &[0x81, 202, 0, 2], &ssrc, &[1, 1, b'h', 0]].concat()
}

fn talk(library: &Library, suite: Suite) {
    let mut rng = Rng::seeded(suite as u64);
    let (ours, theirs) = (MasterKey::drawn(suite, &mut rng), MasterKey::drawn(suite, &mut rng));
    let mut here = Srtp::new(&Keying::new(ours.clone(), theirs.clone()).expect("one suite"));
    let (hearing, speaking) = (library.session(suite, &ours, true), library.session(suite, &theirs, false));
    for number in 60_000..70_000u32 {
        let plain = packet(number as u16, 0xAAAA);
        let mut room = [0; 172 + TAG_BYTES];
        let sealed = here.protected(&plain, &mut room).expect("it can be protected");
        let heard = library.change(c"srtp_unprotect", hearing, sealed);
        assert_eq!(heard.as_ref(), Ok(&plain), "{suite:?}: packet {number}");
        let plain = packet(number as u16, 0xBBBB);
        let mut there = library.change(c"srtp_protect", speaking, &plain).expect("it can be protected");
        let length = here.unprotect(&mut there).expect("it is authentic");
        assert_eq!(there[..length], plain);
        assert!(here.unprotect(&mut there).is_err());
        if number % 250 == 0 {
            let plain = report(0xAAAA);
            let mut room = [0; 100 + RTCP_TAG_BYTES];
            let sealed = here.protected_report(&plain, &mut room).expect("it can be protected");
            assert_eq!(library.change(c"srtp_unprotect_rtcp", hearing, sealed), Ok(plain), "{suite:?}");
            let plain = report(0xBBBB);
            let there = library.change(c"srtp_protect_rtcp", speaking, &plain).expect("it can be protected");
            let mut there = there;
            let length = here.unprotect_rtcp(&mut there).expect("it is authentic");
            assert_eq!(there[..length], plain);
        }
    }
}

#[test]
fn libsrtp_and_we_understand_each_other() {
    let Some(library) = Library::load() else {
        let skipped = std::env::var(SKIP).as_deref() == Ok("1");
        assert!(skipped, "this needs {LIBRARY:?}: `make deps` installs it, {SKIP}=1 passes such tests over");
        return println!("*** NOT TESTED: {LIBRARY:?} is not installed (`make deps`) ***");
    };
    for suite in Suite::ALL {
        talk(&library, suite);
    }
}
