//! The emergency broadcast: what all callers hear while something is out of order. One at a time, never without an end.

use std::time::Duration;

use super::Engine;
use super::customer::Next;
use super::happened::{Broadcast, EmergencyEnd, Happened, What};
use super::limits::{BROADCAST_LEAST, BROADCAST_MOST};
use super::staff::Answer;
use crate::call::customer::Call;
use crate::ivr::emergency::out_of_bounds;
use crate::ivr::run::Event as RunEvent;
use crate::moment::Moment;

/// What is on, and what was before it.
#[derive(Debug, Default)]
pub(super) struct Emergency {
    on: Option<OnAir>,
    last: Option<Over>,
}

/// A broadcast that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnAir {
    /// What the journal calls it.
    pub number: u64,
    /// Who started it.
    pub user: String,
    pub broadcast: Broadcast,
    pub since: Moment,
    pub until: Moment,
    /// Callers who began to hear it.
    pub heard: u64,
    /// Of these, those who hung up meanwhile.
    pub left: u64,
}

/// A broadcast that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    pub was: OnAir,
    pub why: EmergencyEnd,
    pub at: Moment,
    /// Who ended it, if somebody did.
    pub by: Option<String>,
}

/// For staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub on: Option<OnAir>,
    /// Since the server's start.
    pub last: Option<Over>,
}

impl Emergency {
    pub fn next_deadline(&self) -> Option<Moment> {
        self.on.as_ref().map(|on| on.until)
    }

    pub fn status(&self) -> Status {
        Status { on: self.on.clone(), last: self.last.clone() }
    }

    /// The broadcast of that number, whether it is on or the last that was.
    fn numbered(&mut self, number: u64) -> Option<&mut OnAir> {
        let last = self.last.as_mut().map(|last| &mut last.was);
        self.on.iter_mut().chain(last).find(|on| on.number == number)
    }
}

impl Engine {
    /// The next caller hears it: the answer comes when that is so.
    pub(super) fn start_broadcast(
        &mut self,
        now: Moment,
        user: String,
        broadcast: Broadcast,
        lasts: Duration,
    ) -> Answer {
        if !(BROADCAST_LEAST..=BROADCAST_MOST).contains(&lasts) {
            return Answer::Wrong(out_of_bounds(BROADCAST_LEAST, BROADCAST_MOST));
        }
        if let Err(why) = broadcast.check(&self.world.flows, &*self.world.library) {
            return Answer::Wrong(why);
        }
        let before = self.emergency.on.as_ref().map_or(0, |on| on.number);
        self.end_broadcast(now, EmergencyEnd::Replaced, Some(user.clone()));
        let number = now.as_micros().max(before + 1);
        let until = now + lasts;
        let started =
            What::EmergencyStarted { number, user: user.clone(), broadcast: broadcast.clone(), until };
        self.happened(now, None, None, started);
        self.emergency.on = Some(OnAir { number, user, broadcast, since: now, until, heard: 0, left: 0 });
        Answer::Emergency(Box::new(self.emergency.status()))
    }

    /// If none is on, that is as well.
    pub(super) fn stop_broadcast(&mut self, now: Moment, user: String) -> Answer {
        self.end_broadcast(now, EmergencyEnd::Stopped, Some(user));
        Answer::Emergency(Box::new(self.emergency.status()))
    }

    /// Callers who hear it now hear it to its end.
    fn end_broadcast(&mut self, now: Moment, why: EmergencyEnd, by: Option<String>) {
        let Some(was) = self.emergency.on.take() else { return };
        let (heard, left) = (was.heard, was.left);
        let ended = What::EmergencyEnded { number: was.number, why, user: by.clone(), heard, left };
        self.happened(now, None, None, ended);
        self.emergency.last = Some(Over { was, why, at: now, by });
    }

    pub(super) fn end_old_broadcast(&mut self, now: Moment) {
        if self.emergency.next_deadline().is_some_and(|until| until <= now) {
            self.end_broadcast(now, EmergencyEnd::Expired, None);
        }
    }

    /// After a reload: nobody is sent away by a broadcast that says nothing.
    pub(super) fn check_broadcast(&mut self, now: Moment) {
        let Some(on) = &self.emergency.on else { return };
        if on.broadcast.check(&self.world.flows, &*self.world.library).is_err() {
            self.end_broadcast(now, EmergencyEnd::Unsayable, None);
        }
    }

    /// As the journal of the server before this one has it.
    pub(super) fn resume_broadcast(&mut self, now: Moment, started: Happened, heard: u64, left: u64) {
        let since = started.at;
        let What::EmergencyStarted { number, user, broadcast, until } = started.what else { return };
        self.emergency.on = Some(OnAir { number, user, broadcast, since, until, heard, left });
        self.end_old_broadcast(now);
        self.check_broadcast(now);
    }

    /// What this call's caller is to hear: nothing twice.
    pub(super) fn tell_broadcast(&mut self, now: Moment, call: &mut Call) -> Next {
        let nothing = Next::Tell(RunEvent::Broadcast(None));
        let Some(on) = &mut self.emergency.on else { return nothing };
        if now >= on.until || call.warned == Some(on.number) {
            return nothing;
        }
        let Some(notice) = on.broadcast.notice(&*call.library, call.run.language()) else { return nothing };
        on.heard += 1;
        call.warned = Some(on.number);
        let heard = What::EmergencyHeard { number: on.number, level: notice.level };
        self.happened(now, Some(call.id), None, heard);
        Next::Tell(RunEvent::Broadcast(Some(notice)))
    }

    /// The caller of this call has hung up.
    pub(super) fn left_broadcast(&mut self, now: Moment, call: &Call) {
        let Some(number) = call.warned.filter(|_| call.run.hears_broadcast()) else { return };
        if let Some(on) = self.emergency.numbered(number) {
            on.left += 1;
        }
        self.happened(now, Some(call.id), None, What::EmergencyLeft { number });
    }
}
