//! Real phones against the real program: `hotline demo`, baresip, SIPp, each test in a network of its own.

mod agents;
mod bank;
mod baresip;
mod callers;
mod codecs;
mod main_job;
mod protected;
pub mod room;
mod sipp;
pub mod sound;
mod strangers;
mod tap;
mod wire;
