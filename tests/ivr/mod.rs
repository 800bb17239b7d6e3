//! Flows: what the checker says, and what callers hear.

mod bad_flows;
mod bank;
mod calls;
mod fuzz;
mod golden;
