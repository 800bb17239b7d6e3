//! The outside's door: HTTP and WebSocket under `/api/v1`.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use crate::config::Config;
use crate::media::stats::WorkerStats;
use crate::net::clock::Clock;
use crate::net::engine_thread::EngineHandle;
use crate::recording::recorder::Figures;
use crate::recording::shelf::Shelf;
use crate::store::Store;
use crate::store::journal::JournalHandle;

/// What the API may open.
#[derive(Clone)]
pub struct Doors {
    pub engine: EngineHandle,
    pub store: Store,
    pub shelf: Shelf,
    pub config: Arc<Config>,
    pub clock: Clock,
    pub journal: JournalHandle,
    /// One per media worker.
    pub media: Vec<Arc<WorkerStats>>,
    pub tapes: Arc<Figures>,
}

/// A bound socket, before anything is served.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until `Running::stop`. Called inside a tokio runtime.
pub fn serve(listener: TcpListener, doors: Doors) -> Running {
    let _ = (listener, doors);
    Running {}
}

/// The API under way.
pub struct Running {}

impl Running {
    /// Ends streams and connections, and waits for it.
    pub async fn stop(self) {}
}
