//! What the journal of a whole day must tell: each thing once, in an order that makes sense.

use std::collections::{BTreeMap, BTreeSet};

use hotline::engine::happened::{Happened, OfferEnd, Party, What};
use hotline::ids::{AgentId, CallId};

use crate::office::Office;

/// A call as far as the journal has told it.
#[derive(Default)]
struct Told {
    ended: bool,
    queued: bool,
    /// Whose offer is open.
    offered: Option<AgentId>,
    /// Who may answer: offered and answered, or transferred to.
    may_answer: Option<AgentId>,
    verifying: bool,
    answered: bool,
    held: BTreeSet<&'static str>,
}

pub fn is_complete_and_true(office: &mut Office) -> Result<(), String> {
    let mut calls: BTreeMap<CallId, Told> = BTreeMap::new();
    let mut phones: BTreeSet<AgentId> = BTreeSet::new();
    for entry in &office.journal {
        let told = match entry.call {
            Some(call) => one(&mut calls, call, entry),
            None => staff(&mut phones, entry),
        };
        told.map_err(|why| format!("{why}: {entry:?}"))?;
    }
    match calls.iter().find(|(_, told)| !told.ended) {
        Some((call, _)) => Err(format!("{call} arrived and never ended")),
        None => Ok(()),
    }
}

fn must(so: bool, else_why: &'static str) -> Result<(), &'static str> {
    if so { Ok(()) } else { Err(else_why) }
}

/// Of every agent, the first phone comes before the last one goes, and so on.
fn staff(phones: &mut BTreeSet<AgentId>, entry: &Happened) -> Result<(), &'static str> {
    let Some(agent) = entry.agent.clone() else {
        return Ok(());
    };
    match entry.what {
        What::PhoneRegistered => must(phones.insert(agent), "registered twice"),
        What::PhoneVanished => must(phones.remove(&agent), "vanished twice"),
        _ => Ok(()),
    }
}

fn one(calls: &mut BTreeMap<CallId, Told>, call: CallId, entry: &Happened) -> Result<(), &'static str> {
    if matches!(entry.what, What::CallArrived { .. }) {
        return must(calls.insert(call, Told::default()).is_none(), "arrived twice");
    }
    let told = calls.get_mut(&call).ok_or("has not arrived")?;
    must(!told.ended, "has ended")?;
    match &entry.what {
        What::QueueEntered { .. } => {
            must(!std::mem::replace(&mut told.queued, true), "is in a queue already")
        }
        What::QueueLeft { .. } => {
            must(told.offered.is_none(), "left while a phone rings")?;
            must(std::mem::replace(&mut told.queued, false), "is in no queue")
        }
        What::CallEnded { talk_ms, .. } => {
            told.ended = true;
            must(told.offered.is_none(), "ended while a phone rings")?;
            must(!told.verifying, "ended, and nobody says how the typing ended")?;
            must(told.answered || *talk_ms == 0, "talked with nobody")
        }
        _ => with_agent(told, entry),
    }
}

fn with_agent(told: &mut Told, entry: &Happened) -> Result<(), &'static str> {
    match &entry.what {
        What::Offered { .. } => {
            must(told.queued, "offered from no queue")?;
            must(told.offered.is_none(), "offered twice")?;
            told.offered.clone_from(&entry.agent);
        }
        What::OfferEnded { why, .. } => {
            let whose = told.offered.take();
            must(whose.is_some() && whose == entry.agent, "no such offer is open")?;
            told.may_answer = whose.filter(|_| *why == OfferEnd::Answered);
        }
        What::Transferred { .. } => told.may_answer.clone_from(&entry.agent),
        What::AgentAnswered { .. } => {
            let who = told.may_answer.take();
            must(who.is_some() && who == entry.agent, "was neither offered nor transferred")?;
            told.queued = false;
            told.answered = true;
            told.held.clear();
        }
        What::VerifyStarted { .. } => {
            must(told.answered, "nobody talks with them")?;
            must(!std::mem::replace(&mut told.verifying, true), "is typing already")?;
        }
        What::VerifyEnded { .. } => must(std::mem::replace(&mut told.verifying, false), "was not typing")?,
        What::Held { by } => must(told.held.insert(word(*by)), "held twice")?,
        What::Resumed { by } => must(told.held.remove(word(*by)), "was not held")?,
        _ => {}
    }
    Ok(())
}

fn word(party: Party) -> &'static str {
    match party {
        Party::Caller => "caller",
        Party::Agent => "agent",
        Party::Flow | Party::Staff | Party::Server => "nobody on a phone",
    }
}
