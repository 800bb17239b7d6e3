//! Hotline: a bank's telephone front.
//!
//! Two planes that share no memory. The control plane (`engine`, with `sip`, `sdp`, `call`, `ivr`, `acd`) is one
//! thread, sans-IO and deterministic. The data plane (`media`) moves audio by tables it is given.
//! `net` owns all sockets and clocks; `recording` and `store` own the disk; `api` is the outside's door.
//! docs/ARCHITECTURE.md is the map.

pub mod acd;
pub mod api;
pub mod call;
pub mod cli;
pub mod config;
pub mod diagnostic;
pub mod engine;
pub mod grammar;
pub mod ids;
pub mod ivr;
pub mod media;
pub mod moment;
pub mod net;
pub mod observe;
pub mod publishing;
pub mod recording;
pub mod rng;
pub mod sdp;
pub mod server;
pub mod sip;
pub mod store;
