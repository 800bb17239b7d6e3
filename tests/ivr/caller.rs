//! A caller without a phone, on a virtual clock: events into a run, and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use hotline::ivr::flow::Flow;
use hotline::ivr::run::{Action, Caller, Event, Run};
use hotline::moment::Moment;

use super::bank;

/// When all of them call, unless it matters.
pub const NOW: Moment = Moment::from_micros(1_795_000_000_000_000);

/// A caller, and everything the run has asked for since the last look.
pub struct Call {
    pub run: Run,
    pub now: Moment,
    pub new: Vec<Action>,
    pub names: bank::Names,
}

impl Call {
    /// `number` has dialled the bank; `seed` draws what is left to chance.
    pub fn from(number: &str, language: &str, flow: Arc<Flow>, seed: u64) -> Call {
        let caller = Caller { number: number.into(), dialled: "95500".into(), language: language.into() };
        let (run, new) = Run::start(NOW, flow, caller, seed);
        Call { run, now: NOW, new, names: bank::Names::all() }
    }

    /// Somebody has dialled the bank, and there is no chance in the flow.
    pub fn to(flow: Arc<Flow>, language: &str) -> Call {
        Call::from("13800001111", language, flow, 7)
    }

    pub fn event(&mut self, event: Event) -> &mut Self {
        let new = self.run.handle(self.now, event);
        self.new.extend(new);
        self
    }

    /// As `event`, and what was asked for before is forgotten.
    pub fn told(&mut self, event: Event) -> &mut Self {
        self.new.clear();
        self.event(event)
    }

    pub fn presses(&mut self, keys: &str) -> &mut Self {
        for key in keys.chars() {
            self.event(Event::Digit(key));
        }
        self
    }

    /// What plays comes to its end.
    pub fn listens(&mut self) -> &mut Self {
        self.event(Event::Played)
    }

    /// Time passes, and the run is woken when it asked to be.
    pub fn waits(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some(due) = self.run.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.event(Event::Time);
        }
        self.now = end;
        self
    }

    pub fn is_at(&mut self, node: &str) -> &mut Self {
        assert_eq!(self.run.node(), node, "{:?}", self.new);
        self
    }

    /// The last thing asked to be played is exactly this; forgets everything before.
    pub fn hears(&mut self, prompts: &str) -> &mut Self {
        let last = self.new.iter().rev().find_map(|action| match action {
            Action::Play { prompts } => {
                Some(prompts.iter().map(|p| self.names.of(*p)).collect::<Vec<_>>().join(" "))
            }
            _ => None,
        });
        assert_eq!(last.as_deref(), Some(prompts), "{:?}", self.new);
        self.new.clear();
        self
    }
}
