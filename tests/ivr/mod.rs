//! Flows: what the checker says, and what callers hear.

mod assisted;
mod bad_flows;
mod bank;
mod bodies;
mod bots;
mod calls;
mod demo;
mod digits;
mod emergency;
mod fuzz;
mod golden;
mod grammar;
mod hours;
mod http;
mod humane;
mod messages;
mod nodes;
mod profile;
mod random_callers;
mod snippets;
mod speak;
mod subflows;
mod trial;
mod trial_cli;
mod values;
mod waits;
