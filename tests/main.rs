//! The only integration test binary: each further one would link everything once more.

mod calls;
mod ivr;
mod net;
mod office;
mod rfc;
mod sim;
