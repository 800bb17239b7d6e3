//! The data plane: workers that receive, route and send audio by finished tables.
//! Decides nothing about calls; shares no memory with the control plane but prompts.

pub mod bot;
mod bridge;
pub mod codec;
pub mod command;
pub mod dtmf;
mod ear;
pub mod event;
mod feed;
pub mod histogram;
mod latch;
pub mod limits;
mod load;
pub mod mixer;
mod outbox;
mod pacing;
pub mod ports;
pub mod priority;
pub mod prompts;
pub mod quality;
mod relay;
mod report;
pub mod rtcp;
pub mod rtp;
mod shared;
mod sockets;
pub mod srtp;
pub mod stats;
mod stream;
mod switch;
mod table;
mod tape_tap;
mod timeline;
pub mod voice;
mod wire;
pub mod worker;

#[cfg(test)]
mod tests;
