//! What becomes of the server when a part of it dies.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use hotline::engine::input::Input;
use hotline::ids::CallId;
use hotline::moment::Moment;
use hotline::recording::recorder::TapeCommand;
use hotline::recording::tape::{Disk, Sink};

use super::Wire;

/// A disk that neither takes nor refuses anything, as long as its gate is kept.
struct Hanging(Receiver<()>);

impl Disk for Hanging {
    fn create(&mut self, _: &Path) -> io::Result<Box<dyn Sink>> {
        let _ = self.0.recv();
        Err(io::ErrorKind::Other.into())
    }

    fn remove(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_server_whose_disk_hangs_ends_when_it_is_told_to_and_says_why() {
    let (gate, shut) = sync_channel(0);
    let open = TapeCommand::Open { call: CallId(1), started: Moment::from_micros(0) };
    let mut wire = Wire::up_on("hangs", Box::new(Hanging(shut)), |recorder| {
        recorder.commands.send(open).unwrap();
    });
    // Opened before the wire goes down, or a failure would hang.
    let _gate = gate;
    let engine = wire.engine.clone();
    let ended = async {
        engine.put(Input::Stop).await.unwrap();
        tokio::time::timeout(super::PATIENCE, engine.ended()).await
    };
    assert!(wire.runtime.block_on(ended).is_ok(), "it waits for its disk");
    assert_eq!(wire.end(), Err("the disk thread stands still; look at the disk".to_owned()));
}

#[test]
fn a_server_whose_journal_has_ended_does_not_look_alive() {
    let mut wire = Wire::up("journal");
    assert!(wire.is_well());
    wire.journal_ends();
    assert_eq!(wire.end(), Err("the journal has ended".to_owned()));
}

#[test]
fn everybody_is_told_when_the_engine_has_ended() {
    let mut wire = Wire::up("ended");
    let engine = wire.engine.clone();
    wire.journal_ends();
    let told = wire.runtime.block_on(async { tokio::time::timeout(super::PATIENCE, engine.ended()).await });
    assert!(told.is_ok());
}
