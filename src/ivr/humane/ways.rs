//! Where a call may go from each kind of node, and what makes it go there.

use crate::ivr::flow::{NodeId, Step};

/// What makes a call take a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Nothing that a caller does, or that they do nothing, or something wrong.
    Itself,
    /// A key that means something there.
    Key,
    /// An entry that is right as far as a telephone can tell.
    Typed,
    /// A key of one who waits for a person already.
    Waits,
    /// Nobody works.
    Closed,
}

pub(super) fn ways(step: &Step) -> Vec<(How, usize)> {
    let way = |how: How| move |to: &NodeId| (how, to.0);
    let by_itself = way(How::Itself);
    match step {
        Step::Play { next, .. }
        | Step::Say { next, .. }
        | Step::Set { next, .. }
        | Step::Event { next, .. }
        | Step::Wait { next, .. }
        | Step::Goto(next) => vec![by_itself(next)],
        Step::Percent(ways) => ways.open().map(by_itself).collect(),
        Step::Http(dip) => dip.ways().map(by_itself).collect(),
        Step::Callback(wish) => [&wish.next, &wish.on_refused].map(by_itself).into(),
        Step::Bot(talk) => talk.ways().map(by_itself).collect(),
        Step::Call(call) => call.next.iter().map(by_itself).collect(),
        Step::Language { next, .. } => [How::Itself, How::Key].map(|how| way(how)(next)).into(),
        Step::Menu { ask, keys } => {
            let keys = keys.iter().flatten().map(way(How::Key));
            keys.chain([&ask.on_no_input.then, &ask.on_invalid.then].map(by_itself)).collect()
        }
        Step::Collect { ask, next, .. } => {
            let fails = [&ask.on_no_input.then, &ask.on_invalid.then].map(by_itself);
            [way(How::Typed)(next)].into_iter().chain(fails).collect()
        }
        Step::Switch { cases, otherwise } => {
            cases.iter().map(|(_, then)| then).chain([otherwise]).map(by_itself).collect()
        }
        Step::Hours { open, closed, .. } => vec![by_itself(open), way(How::Closed)(closed)],
        Step::Queue(waiting) => {
            let empty = waiting.on_empty.as_ref();
            let offer = waiting.meanwhile.offer.as_ref();
            let keys = offer.into_iter().flat_map(|offer| &offer.keys).chain(&waiting.meanwhile.keys);
            let ends = [&waiting.on_timeout, &waiting.on_full].into_iter().chain(empty);
            let keys = keys.flatten().map(way(How::Waits));
            ends.map(by_itself).chain(keys).collect()
        }
        Step::Transfer { on_failed, .. } => vec![by_itself(on_failed)],
        Step::Profile(profile) => {
            [&profile.next].into_iter().chain(&profile.on_unknown).map(by_itself).collect()
        }
        Step::Emergency(emergency) => {
            let aside = [&emergency.next, &emergency.deflect].map(by_itself);
            aside.into_iter().chain([way(How::Key)(&emergency.loss)]).collect()
        }
        Step::Record(message) => [&message.next, &message.on_short, &message.on_failed].map(by_itself).into(),
        Step::Survey { ask, scores } => {
            let low = scores.low.as_ref().map(|(_, then)| then);
            [&scores.next, &ask.on_no_input.then].into_iter().chain(low).map(by_itself).collect()
        }
        Step::Hangup { .. } | Step::Return(_) | Step::AgentReturn { .. } => Vec::new(),
    }
}
