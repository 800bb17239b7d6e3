//! Calls and their legs. Never mentions sockets.

pub mod cause;
pub mod customer;
pub mod leg;
pub mod legs;
pub mod record;
