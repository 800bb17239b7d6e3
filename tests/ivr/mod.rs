//! Flows: what the checker says, and what callers hear.

mod bad_flows;
mod bank;
mod calls;
mod demo;
mod emergency;
mod fuzz;
mod golden;
mod http;
mod humane;
mod nodes;
mod profile;
mod snippets;
mod subflows;
mod trial;
mod trial_cli;
mod values;
