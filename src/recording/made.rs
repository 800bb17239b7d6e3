//! Tapes made for tests: folders of their own, frames, tones, a disk that fills up.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::frame::{Inlet, Side, Taped};
use super::tape::{Disk, Files, Sink};
use crate::ids::CallId;
use crate::media::command::Codec;
use crate::moment::Moment;

/// A folder that goes away with the test.
pub struct Folder(pub PathBuf);

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

impl Folder {
    pub fn new() -> Folder {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("hotline-tape-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub const START: Moment = Moment::from_micros(1_795_000_000_000_000);
pub const CALL: CallId = CallId(START.as_micros());

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// 20 ms of G.711; every octet is `octet`.
#[derive(Clone, Copy)]
pub struct Frame {
    pub side: Side,
    pub codec: Codec,
    pub rtp_time: u32,
    pub at: Moment,
    pub made: bool,
    pub octet: u8,
}

/// 20 ms of µ-law.
pub fn frame(side: Side, rtp_time: u32, at: Moment, octet: u8) -> Frame {
    Frame { side, codec: Codec::Pcmu, rtp_time, at, made: false, octet }
}

impl Frame {
    pub fn taped<T>(&self, work: impl FnOnce(&Taped<'_>) -> T) -> T {
        let Frame { side, codec, rtp_time, at, made, octet } = *self;
        work(&Taped { call: CALL, side, codec, rtp_time, at, made, payload: &[octet; 160] })
    }

    /// Puts it into a ring that has room.
    pub fn put(&self, ring: &mut Inlet) {
        self.taped(|taped| ring.put(taped)).expect("the ring has room");
    }
}

/// Files, until somebody says that the disk is full; and the number of writes.
#[derive(Clone, Default)]
pub struct Filling(pub Arc<AtomicBool>, Arc<AtomicU64>);

impl Filling {
    pub fn writes(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }
}

struct FillingSink(Box<dyn Sink>, Filling);

impl Disk for Filling {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Sink>> {
        Ok(Box::new(FillingSink(Files.create(path)?, self.clone())))
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        Files.remove(path)
    }
}

impl Sink for FillingSink {
    /// A full disk takes half of it first.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.1.1.fetch_add(1, Ordering::Relaxed);
        if self.1.0.load(Ordering::Relaxed) {
            self.0.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_at(bytes, offset)
    }
}

/// A disk that takes nothing and says nothing as long as its gate is kept; it knocks when it is asked to.
pub struct Hanging {
    knock: SyncSender<()>,
    shut: Receiver<()>,
}

/// The disk, its knocking, and its gate.
pub fn hanging() -> (Hanging, Receiver<()>, SyncSender<()>) {
    let ((knock, knocked), (gate, shut)) = (sync_channel(1), sync_channel(0));
    (Hanging { knock, shut }, knocked, gate)
}

impl Disk for Hanging {
    fn create(&mut self, _: &Path) -> io::Result<Box<dyn Sink>> {
        // The test looks at the first one only.
        let _ = self.knock.try_send(());
        let _ = self.shut.recv();
        Err(io::ErrorKind::Other.into())
    }

    fn remove(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}
