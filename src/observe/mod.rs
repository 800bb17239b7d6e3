//! What operations people look at: masked logs, metrics.

pub mod metrics;
pub mod pii;
mod sound;
