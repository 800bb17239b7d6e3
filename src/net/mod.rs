//! All sockets and clocks of the control plane's edge: SIP over UDP and TCP, and the thread that drives the engine.

mod bot;
pub mod clock;
pub mod engine_thread;
mod http;
pub mod inbox;
pub mod limits;
pub mod operator;
pub mod tcp;
pub mod udp;
