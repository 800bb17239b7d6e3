//! When each call must be looked at again: one ordered queue.

use std::collections::BTreeSet;

use crate::call::customer::{Call, Stage};
use crate::engine::limits;
use crate::ids::CallId;
use crate::moment::Moment;

#[derive(Debug, Default)]
pub(super) struct Timetable(BTreeSet<(Moment, CallId)>);

impl Timetable {
    pub(super) fn next(&self) -> Option<Moment> {
        self.0.first().map(|(at, _)| *at)
    }

    /// The next call whose time has come; taken off the table.
    pub(super) fn due(&mut self, now: Moment) -> Option<CallId> {
        let (at, call) = *self.0.first()?;
        if at > now {
            return None;
        }
        self.0.remove(&(at, call));
        Some(call)
    }

    /// Notes when `call` next needs a look, by its stage.
    pub(super) fn put(&mut self, call: &mut Call) {
        self.remove(call);
        let life = call.arrived + limits::CALL_LIFE;
        let stage = match &call.stage {
            Stage::Menu { .. } => {
                let assist = call.assist.as_ref().map(|assist| assist.until);
                call.run.next_deadline().into_iter().chain(assist).min()
            }
            Stage::Transferring { until, .. } => Some(*until),
            // While a phone rings nothing new is said.
            Stage::Waiting(waiting) if waiting.ringing.is_none() => call.run.next_deadline(),
            Stage::Waiting(_) | Stage::Talking(_) => None,
        };
        let wake = stage.into_iter().chain(call.speaks_at).fold(life, Moment::min);
        call.wake = Some(wake);
        self.0.insert((wake, call.id));
    }

    pub(super) fn remove(&mut self, call: &mut Call) {
        if let Some(wake) = call.wake.take() {
            self.0.remove(&(wake, call.id));
        }
    }
}
