//! The main job, read as telephone calls.

mod agents;
mod attacks;
mod emergency;
mod flows;
mod hosts;
mod main_job;
mod ports;
mod profile;
mod quality;
mod races;
mod refusals;
mod reload;
mod transfer;
mod waiting;
