//! Calls and their legs. Never mentions sockets.

pub mod cause;
pub mod legs;
pub mod record;
