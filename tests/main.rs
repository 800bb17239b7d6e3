//! The only integration test binary: each further one would link everything once more.

mod rfc;
