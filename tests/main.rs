//! The only integration test binary: each further one would link everything once more.

mod api;
mod calls;
mod crash;
mod interop;
mod ivr;
mod media;
mod net;
mod office;
mod rfc;
mod secrets;
mod sim;
mod tidy;
mod tutorial;
