//! Calls and their legs. Never mentions sockets.

pub mod cause;
pub mod leg;
pub mod legs;
pub mod record;
