//! Flows: what the checker says, and what callers hear.

mod bad_flows;
mod bank;
mod calls;
mod demo;
mod fuzz;
mod golden;
mod hours;
mod http;
mod humane;
mod messages;
mod nodes;
mod subflows;
mod trial;
mod trial_cli;
mod values;
