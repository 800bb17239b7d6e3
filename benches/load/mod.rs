//! A load generator on the product's own SIP core: callers and agents with real sockets, in one thread.
//!
//! `fleet`: the phones and their loop. `register`: how agents' phones log in. `line`: a phone's audio.
//! `server`: the program under test as a child, and what the kernel says about it. `figures`: how numbers are put.

pub mod figures;
pub mod fleet;
pub mod line;
pub mod register;
pub mod server;
