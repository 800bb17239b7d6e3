//! The menus: YAML compiled to a graph, run one event at a time.

pub mod flow;
pub mod run;
pub type Flows = std::collections::BTreeMap<crate::ids::FlowId, std::sync::Arc<flow::Flow>>;
