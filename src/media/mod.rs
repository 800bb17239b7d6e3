//! The data plane: workers that receive, route and send audio by finished tables.
//! Decides nothing about calls; shares no memory with the control plane but prompts.

pub mod codec;
pub mod command;
pub mod dtmf;
pub mod event;
pub mod ports;
pub mod prompts;
pub mod rtcp;
pub mod rtp;
