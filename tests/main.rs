//! The only integration test binary: each further one would link everything once more.

mod calls;
mod ivr;
mod office;
mod rfc;
mod sim;
mod tidy;
