//! What is wrong with one flow, told where it can be mended, and how far a person is in it at worst.

use std::collections::BTreeSet;
use std::time::Duration;

use super::country::Near;
use super::outcome::{Far, Outcome, worst};
use super::rings::{Ring, rings};
use super::walk::{Beyond, CALLERS, Caller, Walk, Walker};
use super::ways::How;
use super::{DEPTH, Reach, Rules, Way};
use crate::diagnostic::fields::write_duration;
use crate::diagnostic::{Findings, Span};
use crate::ivr::World;
use crate::ivr::flow::Step;

pub(super) struct Judge<'j, B> {
    pub walker: &'j Walker,
    pub beyond: &'j B,
    pub world: &'j World<'j>,
    pub out: &'j mut Findings,
}

/// What a caller suffers at a node.
enum Fault {
    NoPerson,
    /// Whose entries are turned down is asked for others without end.
    Endless,
    /// Whose entries are turned down is sent away after a number of them.
    GivenUp,
    Questions(usize),
    Prompts(Duration),
}

impl Fault {
    fn code(&self) -> &'static str {
        match self {
            Fault::NoPerson => "flow-070",
            Fault::Questions(_) => "flow-071",
            Fault::Prompts(_) => "flow-072",
            Fault::Endless | Fault::GivenUp => "flow-131",
        }
    }
}

/// Where callers may be, by state.
struct Whereabouts {
    in_hours: Vec<bool>,
    /// They came there by doing something.
    chosen: Vec<bool>,
}

/// How far a person is for one caller, as it becomes known.
struct Worst {
    /// `None`: some reach nobody.
    way: Option<Way>,
    owed: Option<Far>,
}

impl Worst {
    fn further(&mut self, way: Option<Way>) {
        self.way =
            self.way.zip(way).map(|(worst, way)| worst.worst(way)).or(self.way.filter(|_| way.is_none()));
    }
}

/// The states that a caller comes to from these, and these.
fn ahead(mut left: Vec<usize>, leads: &[Vec<usize>]) -> Vec<bool> {
    let mut seen = vec![false; leads.len()];
    while let Some(state) = left.pop() {
        if !std::mem::replace(&mut seen[state], true) {
            left.extend(&leads[state]);
        }
    }
    seen
}

impl<B: Beyond> Judge<'_, B> {
    pub fn judge(mut self) -> (Reach, Near) {
        let walker = self.walker;
        let depths = walker.depths(self.beyond);
        let places =
            Whereabouts { in_hours: walker.reached(|how| how != How::Closed), chosen: walker.chosen() };
        let walks = CALLERS.map(|caller| walker.walk(caller, self.beyond));
        let mut told = BTreeSet::new();
        let mut worsts = [0, 1, 2].map(|caller| self.people_are_near(&walks[caller], &places, &mut told));
        let [_, confused, _] = &walks;
        for ring in rings(walker, confused, self.beyond, |state| places.in_hours[state]) {
            self.ring(&ring, &mut worsts[1], &mut told);
        }
        self.deep_menus(&depths);
        self.complaints_in_main_menu();
        let depth = depths.iter().flatten().copied().max().unwrap_or(0);
        let owed = [0, 1, 2].map(|caller| worsts[caller].owed);
        let [silent, confused, asking] = worsts.map(|worst| worst.way);
        (Reach { flow: walker.flow().id().clone(), silent, confused, asking, depth }, Near { owed, depth })
    }

    fn rules(&self) -> &Rules {
        &self.walker.flow().rules
    }

    fn place(&self, node: usize) -> (String, Span) {
        let stop = &self.walker.flow().chart.stops[node];
        (stop.name.clone(), stop.span)
    }

    /// Follows a caller from each question, from the start and from wherever they come by doing something. What is wrong
    /// with a node is told once, of the first caller who suffers from it.
    fn people_are_near(
        &mut self,
        walk: &Walk,
        places: &Whereabouts,
        told: &mut BTreeSet<(usize, &'static str)>,
    ) -> Worst {
        let walker = self.walker;
        let explained = walker.are_explained_further_on(walk);
        let mut worst_of_all = Worst { way: Some(Way::default()), owed: None };
        let mut states: Vec<usize> = (0..walker.states()).collect();
        states.sort_by_key(|state| walker.node(*state));
        let mut faults = Vec::new();
        let begins = |state: &usize| walker.asks(*state) || places.chosen[*state] || *state == 0;
        let relevant = ahead(states.iter().copied().filter(begins).collect(), &walk.leads);
        for state in states {
            let outcome = walk.outcomes[state];
            let asks = walker.asks(state);
            if asks {
                worst_of_all.owed = worst(worst_of_all.owed, outcome.back);
            }
            let lost = self.is_lost(state, walk, places.in_hours[state]);
            if lost {
                worst_of_all.way = None;
                if !explained[state] {
                    faults.push((state, Fault::NoPerson));
                }
            }
            // Who is refused before any question, or after hours, is not lost, and hides nobody else.
            if relevant[state] {
                worst_of_all.further(outcome.way().filter(|_| !outcome.nobody));
                if !lost {
                    faults.extend(self.too_far(state, outcome, walk).into_iter().map(|fault| (state, fault)));
                }
            }
        }
        self.tell_worst(faults, walk.caller, told);
        worst_of_all
    }

    /// Whether something is asked here and not all reach a person.
    fn is_lost(&self, state: usize, walk: &Walk, in_hours: bool) -> bool {
        let (walker, outcome) = (self.walker, walk.outcomes[state]);
        if walker.asks(state) {
            return outcome.nobody || (outcome.goodbye && in_hours);
        }
        if let Some(to) = walker.leaves_the_queue(state, walk.caller) {
            return walk.outcomes[to].loses() && in_hours;
        }
        // What a flow was for is done, or not, when it comes back: if some reach a person behind it, it may be those.
        let owed = walker.owed(state, walk, self.beyond);
        owed.is_some_and(|owed| owed.nobody || (owed.goodbye && in_hours && owed.way().is_none()))
    }

    /// What is too far and is not so from the next node on.
    fn too_far(&self, state: usize, outcome: Outcome, walk: &Walk) -> Vec<Fault> {
        let Some(way) = outcome.way().filter(|_| !outcome.nobody) else { return Vec::new() };
        let further = walk.leads[state].iter().map(|to| walk.outcomes[*to]).reduce(Outcome::worst);
        let further = further.and_then(|further| further.way()).unwrap_or_default();
        self.beyond_limits(way, further)
    }

    fn beyond_limits(&self, way: Way, further: Way) -> Vec<Fault> {
        let rules = self.rules();
        let mut faults = Vec::new();
        if way.questions > rules.questions && further.questions <= rules.questions {
            faults.push(Fault::Questions(way.questions));
        }
        if way.prompts > rules.prompts && further.prompts <= rules.prompts {
            faults.push(Fault::Prompts(way.prompts));
        }
        faults
    }

    /// Of a node with several counts the worst is told.
    fn tell_worst(
        &mut self,
        faults: Vec<(usize, Fault)>,
        caller: Caller,
        told: &mut BTreeSet<(usize, &'static str)>,
    ) {
        let weight = |fault: &Fault| match fault {
            Fault::Questions(questions) => u128::try_from(*questions).unwrap_or(0),
            Fault::Prompts(prompts) => prompts.as_nanos(),
            _ => 0,
        };
        let mut worst: Vec<(usize, Fault)> = Vec::new();
        for (state, fault) in faults {
            let node = self.walker.node(state);
            match worst
                .iter_mut()
                .rev()
                .take_while(|(other, _)| *other == node)
                .find(|(_, f)| f.code() == fault.code())
            {
                Some((_, known)) if weight(known) < weight(&fault) => *known = fault,
                Some(_) => {}
                None => worst.push((node, fault)),
            }
        }
        for (node, fault) in worst {
            if told.insert((node, fault.code())) {
                self.tell(node, caller, &fault);
            }
        }
    }

    fn ring(&mut self, ring: &Ring, worst: &mut Worst, told: &mut BTreeSet<(usize, &'static str)>) {
        let faults = match ring.outcome {
            Outcome { nobody: true, .. } => vec![Fault::Endless],
            Outcome { goodbye: true, .. } => vec![Fault::GivenUp],
            outcome => outcome.way().map(|way| self.beyond_limits(way, Way::default())).unwrap_or_default(),
        };
        match ring.outcome.loses() {
            true => worst.way = None,
            false => worst.further(ring.outcome.way()),
        }
        let faults = faults.into_iter().map(|fault| (ring.state, fault)).collect();
        self.tell_worst(faults, Caller::Mistaken, told);
    }

    fn tell(&mut self, node: usize, caller: Caller, fault: &Fault) {
        let (name, span) = self.place(node);
        let (questions_most, prompts_most) = (self.rules().questions, self.rules().prompts);
        match fault {
            Fault::NoPerson => {
                let talks = matches!(self.walker.flow().nodes[node].step, Step::Bot(_));
                let who = match caller {
                    Caller::Asking if talks => "who asks for a person".to_owned(),
                    caller => caller.to_string(),
                };
                let message = format!("at `{name}`, a caller {who} reaches no person");
                let added = self.out.warning(fault.code(), span, message);
                added.help("let silence, wrong keys and the key for a person lead to a queue or a transfer");
            }
            Fault::Endless => {
                let message = format!("at `{name}`, a caller {caller} is asked again without end");
                let added = self.out.warning(fault.code(), span, message);
                added.help(
                    "count: `set: { tries: $tries + 1 }`, and let a `switch` lead to a person after a few",
                );
            }
            Fault::GivenUp => {
                let message = format!("at `{name}`, a caller {caller} is sent away and reaches no person");
                let added = self.out.warning(fault.code(), span, message);
                added.help("after the last try, let the call lead to a queue or a transfer");
            }
            Fault::Questions(questions) => {
                let message = format!(
                    "from `{name}`, a caller {caller} is asked {questions} times before a person answers"
                );
                let added = self.out.warning(fault.code(), span, message);
                let plural = if questions_most == 1 { "" } else { "s" };
                added.label(format!("more than {questions_most} question{plural}"));
            }
            Fault::Prompts(prompts) => {
                let seconds = prompts.as_secs_f64();
                let message = format!(
                    "from `{name}`, a caller {caller} hears {seconds:.0} s of prompts before a person answers"
                );
                let added = self.out.warning(fault.code(), span, message);
                added.label(format!("more than {}", write_duration(prompts_most)));
                added.help(
                    "fewer retries or shorter prompts; or `humane: { prompts: ... }` at the top of the flow",
                );
            }
        }
    }

    fn deep_menus(&mut self, depths: &[Option<usize>]) {
        for (node, depth) in depths.iter().enumerate() {
            let Some(depth) = depth.filter(|depth| *depth > DEPTH) else { continue };
            let (name, span) = self.place(node);
            let message = format!("at `{name}` callers are {depth} menus deep");
            let added = self.out.warning("flow-073", span, message);
            added.label(format!("more than {DEPTH}: people lose their way"));
        }
    }

    /// The first menu that callers meet must have a key for complaints (PBoC Order 2020 No. 5).
    fn complaints_in_main_menu(&mut self) {
        let (walker, flow) = (self.walker, self.walker.flow());
        let Some(main) = walker.main_menu() else { return };
        let (main_name, main_span) = self.place(walker.node(main));
        let Some((complaints, span)) = flow.rules.complaints else {
            if self.world.entries.contains(flow.id()) {
                let message = format!("no way for complaints is named, and `{main_name}` is a main menu");
                let added = self.out.warning("flow-074", flow.rules.name, message);
                added.help(
                    "write `humane: { complaints: NODE }`, and give the main menu a key that leads there",
                );
            }
            return;
        };
        if !walker.has_key_for(main, complaints) {
            let message = format!("no key of the main menu `{main_name}` leads to complaints");
            self.out.warning("flow-074", span, message).see(main_span, "the main menu");
        }
    }
}
