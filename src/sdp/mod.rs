//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264).

pub mod crypto;
pub mod negotiate;
mod parse;
pub mod session;
mod write;
