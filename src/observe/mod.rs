//! What operations people look at: masked logs, metrics.

mod bots;
mod flows;
mod hosts;
pub mod metrics;
pub mod pii;
mod sound;
