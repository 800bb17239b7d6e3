//! Trying flows without a phone: the run that serves callers, on a clock that is turned by hand.
//!
//! `Stage` has the flows, marked (`ivr::chart`), and the prompts' words. `call` is one caller there: time, prompts and
//! keys on one side, the run on the other. `script` reads tests from YAML, `mock` stands for the hosts that flows ask, `play` performs a test, `coverage` tells
//! which nodes and ways none of them took. `hotline dial` is a person in the script's place.

use std::sync::Arc;
use std::time::Duration;

use super::chart::{self, Stop};
use super::emergency::Broadcast;
use super::flow::Flow;
use super::{Catalogue, Compiled, Flows, World};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::ids::FlowId;
use crate::media::prompts::{PromptId, Wordbook};

mod bot;
pub mod call;
pub mod coverage;
pub mod mock;
pub mod path;
pub mod play;
pub mod script;
pub mod told;

impl Catalogue for Wordbook {
    fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        Wordbook::find(self, language, name)
    }

    fn duration(&self, prompt: PromptId) -> Duration {
        Wordbook::duration(self, prompt)
    }

    fn names(&self, language: &str) -> Vec<String> {
        Wordbook::names(self, language).map(str::to_owned).collect()
    }
}

/// Everything that is on trial.
pub struct Stage<'a> {
    pub world: &'a World<'a>,
    /// The prompts that `world` has as its catalogue.
    pub words: &'a Wordbook,
    /// Marked.
    flows: Flows,
}

impl<'a> Stage<'a> {
    /// Compiles `sources`, all or none.
    ///
    /// # Errors
    /// As `ivr::compile`.
    pub fn set(
        sources: &[Arc<Source>],
        world: &'a World<'a>,
        words: &'a Wordbook,
    ) -> Result<Stage<'a>, Vec<Diagnostic>> {
        let checked = super::compile(sources, world)?;
        let Compiled { flows, .. } = super::compile_as(sources, world, Some(&checked.flows))?;
        Ok(Stage { world, words, flows })
    }

    pub fn flow(&self, id: &FlowId) -> Option<&Arc<Flow>> {
        self.flows.get(id)
    }

    /// All flows, by name.
    pub fn flows(&self) -> impl Iterator<Item = (&FlowId, &Arc<Flow>)> {
        self.flows.iter()
    }

    /// A node by the name that runs give it: of the flow the call began in, or `verify/pin` of one that was called.
    fn node<'f>(&'f self, on: &'f Flow, name: &str) -> Option<(&'f Flow, &'f Stop)> {
        let (flow, name) = match name.split_once('/') {
            Some((flow, name)) => (&**self.flows.get(&FlowId::from(flow))?, name),
            None => (on, name),
        };
        flow.chart.stop(name).map(|stop| (flow, stop))
    }

    /// `file:line` of a node; nothing if there is none of this name.
    pub fn place_of(&self, on: &Flow, node: &str) -> String {
        self.node(on, node).map_or(String::new(), |(flow, stop)| flow.place(stop.span))
    }

    /// The name of a node where a marked flow names it or the mark before it.
    fn named(&self, value: String) -> String {
        let way = chart::mark(&value).and_then(|(flow, way)| {
            let chart = &self.flows.get(&flow)?.chart;
            chart.stops.get(chart.ways.get(way)?.to.0)
        });
        way.map_or(value, |stop| stop.name.clone())
    }

    /// As the server checks a broadcast before it is on.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn check_broadcast(&self, broadcast: &Broadcast) -> Result<(), String> {
        broadcast.check(&self.flows, self.words)
    }

    /// A prompt as people read it: its name, and what it says.
    pub fn told(&self, prompt: PromptId) -> String {
        let name = self.words.name(prompt);
        match self.words.words(prompt) {
            Some(words) => format!("{name}  \"{words}\""),
            None => name.to_owned(),
        }
    }
}

impl Flow {
    /// `file:line` of a place.
    fn place(&self, span: Span) -> String {
        self.chart.source.place(span.start)
    }
}
