//! The menus: YAML compiled to a graph, run one event at a time.

pub mod flow;
pub mod run;
