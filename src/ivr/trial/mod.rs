//! Trying flows without a phone: the run that serves callers, on a clock that is turned by hand.
//!
//! `Stage` has the flows, marked (`ivr::chart`), and the prompts' words. `call` is one caller there: time, prompts and
//! keys on one side, the run on the other. `script` reads tests from YAML, `mock` stands for the hosts that flows ask, `play` performs a test, `coverage` tells
//! which nodes and ways none of them took. `hotline dial` is a person in the script's place.

use std::sync::Arc;
use std::time::Duration;

use super::flow::Flow;
use super::{Catalogue, Compiled, Flows, World};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::ids::FlowId;
use crate::media::prompts::{PromptId, Wordbook};

pub mod call;
pub mod coverage;
pub mod mock;
pub mod path;
pub mod play;
pub mod script;

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
        super::compile(sources, world)?;
        let Compiled { flows, .. } = super::compile_as(sources, world, true)?;
        Ok(Stage { world, words, flows })
    }

    pub fn flow(&self, id: &FlowId) -> Option<&Arc<Flow>> {
        self.flows.get(id)
    }

    /// All flows, by name.
    pub fn flows(&self) -> impl Iterator<Item = (&FlowId, &Arc<Flow>)> {
        self.flows.iter()
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
        format!("{}:{}", self.chart.source.name, self.chart.source.position(span.start).0)
    }

    /// `file:line` of a node.
    pub fn place_of(&self, node: &str) -> String {
        let span = self.chart.stop(node).map_or(Span::default(), |(_, stop)| stop.span);
        self.place(span)
    }
}
