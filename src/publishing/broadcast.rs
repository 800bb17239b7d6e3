//! The emergency broadcast that is on while other flows come into force: they must be able to say it.

use super::Refused;
use crate::engine::staff::{Answer, Ask};
use crate::ivr::Flows;
use crate::media::prompts::Library;
use crate::net::engine_thread::EngineHandle;

/// Why callers of these flows would not hear the broadcast that is on, or not all of it. `None` if none is on, too.
pub(super) async fn unsaid(
    engine: &EngineHandle,
    flows: &Flows,
    library: &Library,
) -> Result<Option<String>, Refused> {
    match engine.ask(Ask::Emergency).await? {
        Answer::Emergency(status) => Ok(status.on.and_then(|on| on.broadcast.check(flows, library).err())),
        _ => Err(Refused::Ours),
    }
}

/// # Errors
/// The broadcast that is on cannot be said.
pub(super) async fn said(engine: &EngineHandle, flows: &Flows, library: &Library) -> Result<(), Refused> {
    unsaid(engine, flows, library).await?.map_or(Ok(()), |why| Err(Refused::Unsaid(why)))
}

/// For who goes back at night: one step, also while a broadcast is on.
pub(super) async fn warning(
    engine: &EngineHandle,
    flows: &Flows,
    library: &Library,
) -> Result<String, Refused> {
    let why = unsaid(engine, flows, library).await?;
    Ok(why.map_or_else(String::new, |why| {
        format!(
            "warning: an emergency broadcast is on, and callers of these flows do not hear it, or not all of it: {why}\n"
        )
    }))
}
