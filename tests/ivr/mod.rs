//! Flows: what the checker says, and what callers hear.

mod bad_flows;
mod bank;
mod bodies;
mod calls;
mod demo;
mod digits;
mod fuzz;
mod golden;
mod http;
mod humane;
mod nodes;
mod random_callers;
mod subflows;
mod trial;
mod trial_cli;
mod values;
