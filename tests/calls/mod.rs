//! The main job, read as telephone calls.

mod agents;
mod assist;
mod attacks;
mod bots;
mod crossings;
mod emergency;
mod flows;
mod hosts;
mod main_job;
mod messages;
mod patience;
mod ports;
mod profile;
mod quality;
mod races;
mod refusals;
mod releases;
mod reload;
mod surveys;
mod transfer;
mod waiting;
