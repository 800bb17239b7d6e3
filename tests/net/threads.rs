//! What becomes of the server when a part of it dies.

use super::Wire;

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
