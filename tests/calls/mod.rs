//! The main job, read as telephone calls.

mod agents;
mod main_job;
mod refusals;
mod waiting;
