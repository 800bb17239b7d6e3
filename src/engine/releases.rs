//! Releases of the flows: which is in force, and which is on trial among a share of the callers.
//!
//! The engine is told the state as a whole (`Publication`), never a step, so that it cannot differ from what the store says
//! but for one thing: a trial that goes badly it ends by itself, at once, and says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::Engine;
use super::canary::{self, Measure, Tally};
use super::happened::What;
use crate::call::cause::Cause;
use crate::call::customer::{Call, Taken};
use crate::config::Number;
use crate::ids::{FlowId, ReleaseId};
use crate::ivr::Flows;
use crate::ivr::flow::Flow;
use crate::ivr::run::Event as RunEvent;
use crate::media::prompts::Library;
use crate::moment::Moment;

/// The alarm of a trial that went badly; it lasts until flows are published again.
const ALARM: &str = "canary";

/// The flows that calls take from now on.
#[derive(Clone, Debug)]
pub struct Publication {
    pub release: ReleaseId,
    pub flows: Flows,
    pub trial: Option<Trial>,
    /// For the journal, if anything has changed.
    pub note: Option<Box<What>>,
}

/// A release that a share of the callers takes.
#[derive(Clone, Debug)]
pub struct Trial {
    pub release: ReleaseId,
    pub flows: Flows,
    /// What their prompts are counted in.
    pub library: Arc<Library>,
    pub percent: u8,
}

/// Releases as they are in force.
#[derive(Debug, Default)]
pub(super) struct Releases {
    pub in_force: ReleaseId,
    running: Option<Running>,
    alarmed: bool,
}

#[derive(Debug)]
struct Running {
    trial: Trial,
    since: Moment,
    new: Tally,
    old: Tally,
}

/// Releases seen from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowsView {
    pub in_force: ReleaseId,
    pub trial: Option<TrialView>,
    /// Calls under way, by the release that they took.
    pub calls: BTreeMap<ReleaseId, usize>,
}

/// How a trial goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrialView {
    pub release: ReleaseId,
    pub percent: u8,
    pub since: Moment,
    pub new: Tally,
    /// Of the release in force, since the trial began.
    pub old: Tally,
}

/// Where a number leads a call.
pub(super) struct Leading {
    pub name: String,
    pub flow: Arc<Flow>,
    pub library: Arc<Library>,
    pub taken: Taken,
}

impl Engine {
    pub(super) fn publish(&mut self, now: Moment, publication: Publication) {
        let Publication { release, flows, trial, note } = publication;
        let before = self.releases.running.take();
        // A trial that goes on, with flows compiled anew after a reload, keeps its counts.
        self.releases.running = trial.map(|trial| match before {
            Some(before) if before.trial.release == trial.release => Running { trial, ..before },
            _ => Running { trial, since: now, new: Tally::default(), old: Tally::default() },
        });
        self.releases.in_force = release;
        self.world.flows = flows;
        if let Some(note) = note {
            let published = matches!(*note, What::FlowsPublished(_));
            self.happened(now, None, None, *note);
            if published && std::mem::take(&mut self.releases.alarmed) {
                self.alarm(now, ALARM, None);
            }
        }
    }

    pub(super) fn flows_view(&self) -> FlowsView {
        let mut calls = BTreeMap::new();
        for call in self.calls.values() {
            *calls.entry(call.taken.release).or_insert(0) += 1;
        }
        let trial = self.releases.running.as_ref().map(|running| {
            let Running { trial, since, new, old } = running;
            TrialView { release: trial.release, percent: trial.percent, since: *since, new: *new, old: *old }
        });
        FlowsView { in_force: self.releases.in_force, trial, calls }
    }

    /// Where a number leads a new call with this seed.
    pub(super) fn leads(&self, number: &str, seed: u64) -> Option<Leading> {
        let running = self.releases.running.as_ref();
        let takes = |trial: &Trial| canary::takes(seed, trial.release, trial.percent);
        self.leads_by(number, running.filter(|running| takes(&running.trial)))
    }

    /// Where a number leads a call that comes from another: to the release on trial only if it was there already.
    pub(super) fn leads_on(&self, number: &str, call: &Call) -> Option<Leading> {
        let running = self.releases.running.as_ref();
        let leading =
            self.leads_by(number, running.filter(|running| running.trial.release == call.taken.release))?;
        // It ends for the release that it began with.
        Some(Leading { taken: call.taken, ..leading })
    }

    /// The flow that a call under way is to go through next: what fails there is counted for the release that it took.
    pub(super) fn flow_for(&self, call: &Call, name: &FlowId) -> Option<(Arc<Flow>, Arc<Library>)> {
        let running = self.releases.running.as_ref();
        let trial = running.map(|running| &running.trial).filter(|trial| trial.release == call.taken.release);
        let on_trial = trial.and_then(|trial| Some((trial.flows.get(name)?, &trial.library)));
        let in_force = || Some((self.world.flows.get(name)?, &self.world.library));
        on_trial.or_else(in_force).map(|(flow, library)| (flow.clone(), library.clone()))
    }

    fn leads_by(&self, number: &str, running: Option<&Running>) -> Option<Leading> {
        let Number { flow: name, .. } = self.world.config.numbers.get(number)?;
        let beside = self.releases.running.as_ref().map(|running| running.trial.release);
        let on_trial = running.and_then(|running| Some((&running.trial, running.trial.flows.get(name)?)));
        let (release, flow, library) = match on_trial {
            Some((trial, flow)) => (trial.release, flow, &trial.library),
            None => (self.releases.in_force, self.world.flows.get(name)?, &self.world.library),
        };
        let taken = Taken { release, trial: beside, failed: false };
        Some(Leading { name: name.to_string(), flow: flow.clone(), library: library.clone(), taken })
    }

    /// A call has ended: counted if it was part of the trial, which may be over by that.
    pub(super) fn count_ending(&mut self, now: Moment, taken: Taken, cause: Cause) {
        let Some(running) = &mut self.releases.running else { return };
        // A call that the server itself ended says nothing of its flow.
        if taken.trial != Some(running.trial.release) || cause == Cause::ServerStopped {
            return;
        }
        let is_new = taken.release == running.trial.release;
        let tally = if is_new { &mut running.new } else { &mut running.old };
        tally.add(matches!(cause, Cause::LeftMenu | Cause::Abandoned), taken.failed);
        let (release, new, old) = (running.trial.release, running.new, running.old);
        let Some(measure) = canary::worse(new, old) else { return };
        self.releases.running = None;
        self.happened(now, None, None, What::CanaryTakenBack { release, measure, new, old });
        self.releases.alarmed = true;
        let what = match measure {
            Measure::Abandoned => "callers hang up more often",
            Measure::Failed => "more calls meet failures",
        };
        let text = format!(
            "release {release} of the flows was taken back: {what} than with release {}",
            self.releases.in_force
        );
        self.alarm(now, ALARM, Some(text));
    }
}

/// Whether a flow is told of a failure that its release may be to blame for.
pub(super) fn is_failure(event: &RunEvent) -> bool {
    match event {
        RunEvent::TransferFailed | RunEvent::HttpDone(Err(_)) => true,
        RunEvent::HttpDone(Ok(response)) => response.status >= 500,
        _ => false,
    }
}
