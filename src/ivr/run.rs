//! One caller's walk through a flow. Pure: events in, actions out, time as an argument.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::bot::{BotEnd, BotFailure};
use super::emergency::Level;
use super::expression::Compared;
use super::flow::{
    Destination, Flow, Kind, LanguageId, NodeId, Operand, PRIORITIES, Saying, Step, VariableId,
};
use super::http::HttpFailure;
use super::value::{Money, Quantity};
use crate::media::prompts::PromptId;
use crate::moment::Moment;

mod answer;
mod assisted;
mod bot;
mod broadcast;
mod calls;
mod exchange;
mod http;
mod message;
mod remember;
mod set;
mod shown;
mod typed;
mod waiting;

use answer::Failure;
use calls::fresh;
pub use exchange::{Action, Event, QueueExit, TransferTo};
use http::Try;
pub use message::MessageEnd;
pub use shown::Shown;
use typed::Typed;
use waiting::Patience;
pub use waiting::{ESTIMATE_SAID, Music, PLACE_PAUSE};

/// What the run is told.
/// Facts about the caller that flows may use.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    pub number: String,
    pub dialled: String,
    /// `zh-CN` or `en`.
    pub language: String,
}

/// Without the caller's number.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("dialled", &self.dialled)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

/// The remark of a run that ended because it was at a loss; its value says why.
pub const ENDED: &str = "ended";

/// Longest life of a run without a key from the caller; beyond it: goodbye. Callers in a queue don't count.
pub const MAX_IDLE: Duration = Duration::from_secs(600);

/// Most nodes walked through in answer to one event: all keys typed ahead, each through thirty nodes. The checker forbids
/// circles without a key; should it be met all the same, the call ends rather than the server.
pub const MAX_STEPS: usize = 1_000;
/// Most actions in answer to one event: each step adds at most two, and the last a few more.
pub const MAX_ACTIONS: usize = 2 * MAX_STEPS + 4;
/// Most keys kept that were pressed before their question. More are dropped: nobody plans further ahead.
pub const TYPE_AHEAD: usize = 32;

/// A call in a flow.
#[derive(Clone)]
pub struct Run {
    flow: Arc<Flow>,
    caller: Caller,
    language: LanguageId,
    variables: Vec<Held>,
    node: NodeId,
    /// The flows that wait for this one to return, the outermost first; fewer than `subflow::MAX_DEPTH`.
    callers: Vec<Suspended>,
    /// What parts callers at `percent`.
    seed: u64,
    state: State,
    /// Keys pressed before their question.
    ahead: Typed,
    /// The last sign of life: a key, or coming back from a queue or transfer.
    alive: Moment,
    /// An entry has just ended by its length: a terminator pressed after it belongs to it.
    late_terminator: Option<(char, Moment)>,
    /// Requests to hosts so far.
    requests: u64,
}

/// A flow that waits at a call.
#[derive(Clone)]
struct Suspended {
    flow: Arc<Flow>,
    variables: Vec<Held>,
    /// The node of the call.
    node: NodeId,
}

/// What the run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// The prompts of a play or say; then on.
    Speaking {
        barge_in: bool,
        next: NodeId,
    },
    /// Silence, which no key ends.
    Pausing {
        next: NodeId,
        until: Moment,
    },
    /// A question is being asked, `failures` answers have failed.
    Asking {
        failures: u8,
    },
    /// The question has been asked; the first key is due by `until`.
    Listening {
        failures: u8,
        until: Moment,
    },
    /// An entry has begun; the next key is due by `until`.
    Typing {
        failures: u8,
        typed: Typed,
        until: Moment,
    },
    /// The prompts before a queue, transfer or the end.
    Announcing,
    /// What is said before a message, and the tone.
    Cueing,
    /// The caller speaks a message.
    Recording {
        since: Moment,
        until: Moment,
    },
    Queued(Box<Patience>),
    Transferring,
    /// A host has been asked; the answer is due by `until`.
    Requesting {
        number: u64,
        until: Moment,
        /// What the next try needs; none is left if there is none.
        again: Option<Box<Try>>,
    },
    /// Something that the engine knows will be said at once.
    Inquiring,
    /// The broadcast plays. When it has, the caller has until then to report a loss, if the call is to end.
    Warned {
        level: Level,
        until: Option<Moment>,
    },
    /// The caller talks with a bot, at most until then.
    WithBot {
        number: u64,
        until: Moment,
    },
    Over,
}

/// A variable's value.
#[derive(Clone)]
pub(super) enum Held {
    /// A quantity that nobody has set: not said, and no comparison with it holds. A nought would be an answer,
    /// and a wrong one.
    Nothing,
    Text(String),
    Number(i64),
    Quantity(Quantity),
    /// Read only where a request is filled in for a host that may have it; moved to parameters that are secrets too.
    Secret(Typed),
}

impl Held {
    /// What a variable holds when the call begins.
    fn at_first(kind: Kind) -> Held {
        match kind {
            Kind::Text => Held::Text(String::new()),
            Kind::Number => Held::Number(0),
            Kind::Money | Kind::Date | Kind::Time | Kind::Duration => Held::Nothing,
            Kind::Secret => Held::Secret(Typed::default()),
        }
    }

    /// What a caller typed, as the kind wants it. The checker lets no other kinds be collected, and no entry be
    /// longer than 15 digits for a number or an amount.
    fn of_keys(kind: Kind, mut typed: Typed) -> Held {
        let number = |typed: &Typed| typed.0.parse().unwrap_or(i64::MAX);
        match kind {
            Kind::Number => Held::Number(number(&typed)),
            Kind::Money => Held::Quantity(Quantity::Money(Money::of_keys(number(&typed)))),
            Kind::Secret => Held::Secret(typed),
            Kind::Text => Held::Text(std::mem::take(&mut typed.0)),
            Kind::Date | Kind::Time | Kind::Duration => Held::Nothing,
        }
    }
}

impl Run {
    /// Starts at the flow's first node. A language that the flow does not speak becomes its first one.
    /// The same `seed` takes the same ways at `percent`.
    pub fn start(now: Moment, flow: Arc<Flow>, caller: Caller, seed: u64) -> (Run, Vec<Action>) {
        let spoken = flow.languages().position(|language| language == caller.language);
        let mut run = Run {
            variables: fresh(&flow),
            language: LanguageId(spoken.unwrap_or(0)),
            node: flow.start,
            callers: Vec::new(),
            seed,
            state: State::Over,
            ahead: Typed::default(),
            alive: now,
            late_terminator: None,
            requests: 0,
            caller,
            flow,
        };
        let mut actions = Vec::new();
        run.go(now, run.node, &mut actions);
        (run, actions)
    }

    /// Events that mean nothing now (a late `Played`, a key in a queue) give no actions.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Digit(key) => self.digit(now, key, &mut actions),
            Event::Played => self.played(now, &mut actions),
            Event::Time => self.time(now, &mut actions),
            Event::Place { ahead, estimate } => self.placed(now, ahead, estimate),
            Event::Comfort { prompts } => self.comforted(now, prompts, &mut actions),
            Event::QueueLeft(why) => self.queue_left(now, why, &mut actions),
            Event::TransferFailed => self.transfer_failed(now, &mut actions),
            Event::MessageFailed => self.message_failed(now, &mut actions),
            Event::HttpDone(result) => self.http_done(now, &result, &mut actions),
            Event::Broadcast(notice) => self.broadcast(now, notice, &mut actions),
            Event::BotDone(end) => self.bot_done(now, &end, &mut actions),
            Event::Recalled(known) => self.recalled(now, &known, &mut actions),
        }
        debug_assert!(actions.len() <= MAX_ACTIONS);
        actions
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        let idle = self.alive + MAX_IDLE;
        match &self.state {
            State::Queued(patience) => patience.next_deadline(),
            State::Transferring | State::Over => None,
            // Who talks presses no keys.
            State::WithBot { until, .. } => Some(*until),
            State::Listening { until, .. }
            | State::Typing { until, .. }
            | State::Pausing { until, .. }
            | State::Requesting { until, .. } => Some(idle.min(*until)),
            State::Warned { until: Some(until), .. } => Some(idle.min(*until)),
            // Who speaks is alive, though no key is pressed.
            State::Recording { until, .. } => Some(*until),
            State::Speaking { .. }
            | State::Asking { .. }
            | State::Announcing
            | State::Cueing
            | State::Inquiring
            | State::Warned { until: None, .. } => Some(idle),
        }
    }

    /// The language chosen so far; prompts in the queue speak it.
    pub fn language(&self) -> &str {
        &self.flow.languages[self.language.0]
    }

    /// Whether the caller is being asked for a secret now: nothing of it may be recorded.
    pub fn asks_secret(&self) -> bool {
        match &self.flow.node(self.node).step {
            Step::Collect { entry, .. } => self.flow.variables[entry.into.0].kind == Kind::Secret,
            _ => false,
        }
    }

    /// The node the caller is at, in whatever flow.
    pub fn node(&self) -> &str {
        &self.flow.node(self.node).name
    }

    /// The node for views and records, with its flow if that is one which was called: `verify/pin`.
    pub fn place(&self) -> Arc<str> {
        match self.callers[..] {
            [] => self.flow.node(self.node).name.clone(),
            [_, ..] => format!("{}/{}", self.flow.id(), self.node()).into(),
        }
    }

    /// Walks on from `node` until something has to be waited for.
    fn go(&mut self, now: Moment, mut node: NodeId, actions: &mut Vec<Action>) {
        for _ in 0..MAX_STEPS {
            // A call or a return puts another flow in its place.
            let flow = self.flow.clone();
            self.node = node;
            actions.push(Action::Entered { node: self.place() });
            match self.enter(now, &flow.node(node).step, actions) {
                Some(next) => node = next,
                None => return,
            }
        }
        actions.push(Action::Remark { name: ENDED.into(), value: "too many steps".to_owned() });
        self.end(actions);
    }

    /// Begins a node: either the next one is returned, or the state says what is waited for.
    fn enter(&mut self, now: Moment, step: &Step, actions: &mut Vec<Action>) -> Option<NodeId> {
        match step {
            Step::Play { prompts, barge_in, next } => {
                self.speak(prompts.of(self.language).to_vec(), *barge_in, *next, actions)
            }
            Step::Say { before, what, after, barge_in, next } => {
                let mut prompts = before.of(self.language).to_vec();
                prompts.extend(self.spell(what));
                prompts.extend_from_slice(after.of(self.language));
                self.speak(prompts, *barge_in, *next, actions)
            }
            Step::Menu { ask, .. } | Step::Collect { ask, .. } | Step::Survey { ask, .. } => {
                self.ask(now, ask, 0, &[], actions)
            }
            Step::Record(message) => self.cue(message, actions),
            Step::Set { language, values, next } => {
                self.set(*language, values, actions);
                Some(*next)
            }
            Step::Switch { cases, otherwise } => {
                let case =
                    cases.iter().find(|(condition, _)| condition.holds(&|operand| self.value(operand)));
                Some(case.map_or(*otherwise, |(_, then)| *then))
            }
            Step::Hours { hours, open, closed } => Some(if hours.open_at(now) { *open } else { *closed }),
            Step::Queue(waiting) => self.announce(now, waiting.prompts.of(self.language).to_vec(), actions),
            Step::Transfer { prompts, .. } | Step::Hangup { prompts } | Step::AgentReturn { prompts, .. } => {
                self.announce(now, prompts.of(self.language).to_vec(), actions)
            }
            Step::Percent(ways) => {
                let way = ways.of(self.seed, &format!("{}/{}", self.flow.id(), self.node()));
                let value = self.flow.node(way).name.to_string();
                actions.push(Action::Remark { name: "way".into(), value });
                Some(way)
            }
            Step::Event { name, value, next } => {
                let value = value.as_ref().map_or(String::new(), |operand| match self.value(operand) {
                    Compared::Text(text) => text.to_owned(),
                    Compared::Number(number) => number.to_string(),
                    Compared::Quantity(quantity) => quantity.to_string(),
                    Compared::Nothing => String::new(),
                });
                actions.push(Action::Remark { name: name.clone(), value });
                Some(*next)
            }
            Step::Wait { pause, next } => {
                self.state = State::Pausing { next: *next, until: now + *pause };
                None
            }
            Step::Language { ask, default, .. } => {
                self.language = *default;
                self.ask(now, ask, 0, &[], actions)
            }
            Step::Call(call) => Some(self.call(call)),
            Step::Return(results) => self.go_back(results, actions),
            Step::Http(dip) => self.dip(now, dip, actions),
            Step::Callback(wish) => Some(self.wishes(wish, actions)),
            Step::Bot(talk) => self.begin_talk(now, talk, actions),
            Step::Goto(next) => Some(*next),
            Step::Emergency(_) => self.ask_broadcast(actions),
            Step::Profile(profile) => self.profile(profile, actions),
        }
    }

    /// Who has typed ahead through prompts that may be interrupted does not hear them.
    fn speak(
        &mut self,
        prompts: Vec<PromptId>,
        barge_in: bool,
        next: NodeId,
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        if prompts.is_empty() || (barge_in && !self.ahead.0.is_empty()) {
            return Some(next);
        }
        actions.push(Action::Play { prompts });
        self.state = State::Speaking { barge_in, next };
        None
    }

    /// Prompts before the run pauses or ends. Nothing to say: at once.
    fn announce(&mut self, now: Moment, prompts: Vec<PromptId>, actions: &mut Vec<Action>) -> Option<NodeId> {
        // Keys meant for a menu that is not coming must not answer a later one.
        self.ahead = Typed::default();
        self.state = State::Announcing;
        if prompts.is_empty() {
            self.announced(now, actions);
        } else {
            actions.push(Action::Play { prompts });
        }
        None
    }

    fn announced(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let flow = self.flow.clone();
        match &flow.node(self.node).step {
            Step::Queue(waiting) => {
                self.state = State::Queued(Box::new(Patience::begin(now, &waiting.meanwhile)));
                actions.push(Action::Queue {
                    queue: waiting.queue.clone(),
                    priority: waiting.priority.as_ref().map(|priority| self.priority(priority)),
                    leave_when_empty: waiting.on_empty.is_some(),
                });
            }
            Step::Transfer { to, .. } => {
                let to = match to {
                    Destination::Agent(agent) => TransferTo::Agent(agent.clone()),
                    Destination::AgentIn(operand) => TransferTo::Agent(self.text(operand).into()),
                    Destination::Number(number) => TransferTo::Number(number.clone()),
                    Destination::NumberIn(operand) => TransferTo::Number(self.text(operand).to_owned()),
                };
                self.state = State::Transferring;
                actions.push(Action::Transfer { to });
            }
            Step::AgentReturn { back, .. } => self.returned(back, actions),
            _ => self.end(actions),
        }
    }

    fn end(&mut self, actions: &mut Vec<Action>) {
        self.state = State::Over;
        actions.push(Action::Hangup);
    }

    fn played(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let next = match &self.state {
            State::Speaking { next, .. } => Some(*next),
            State::Asking { failures } => {
                let failures = *failures;
                self.listen(now, failures, actions)
            }
            State::Announcing => {
                self.announced(now, actions);
                None
            }
            State::Warned { level, until: None } => self.warned(now, *level),
            State::Cueing => self.cued(now, actions),
            State::Queued(_) => self.said(),
            _ => None,
        };
        if let Some(next) = next {
            self.go(now, next, actions);
        }
    }

    fn time(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if self.next_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        if matches!(self.state, State::Queued(_)) {
            return self.speak_up(now, actions);
        }
        if let State::WithBot { .. } = self.state {
            return self.bot_done(now, &BotEnd::Failed(BotFailure::TooLong), actions);
        }
        if now >= self.alive + MAX_IDLE && !self.records() {
            actions.push(Action::Remark { name: ENDED.into(), value: "nobody pressed a key".to_owned() });
            self.end(actions);
            return;
        }
        let next = match &self.state {
            State::Listening { .. } => self.failed(now, Failure::NoInput, actions),
            State::Typing { .. } => self.silence_ends_entry(now, actions),
            State::Pausing { next, .. } => Some(*next),
            State::Warned { until: Some(_), .. } => return self.end(actions),
            State::Recording { .. } => self.message_over(now, MessageEnd::Longest, actions),
            State::Requesting { .. } => {
                return self.http_done(now, &Err(HttpFailure::Timeout), actions);
            }
            _ => None,
        };
        if let Some(next) = next {
            self.go(now, next, actions);
        }
    }

    fn transfer_failed(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let flow = self.flow.clone();
        if self.state != State::Transferring {
            return;
        }
        let Step::Transfer { on_failed, .. } = &flow.node(self.node).step else { return };
        self.alive = now;
        self.go(now, *on_failed, actions);
    }

    fn value<'v>(&'v self, operand: &'v Operand) -> Compared<'v> {
        match operand {
            Operand::Caller => Compared::Text(&self.caller.number),
            Operand::Dialled => Compared::Text(&self.caller.dialled),
            Operand::Language => Compared::Text(self.language()),
            Operand::Text(text) => Compared::Text(text),
            Operand::Number(number) => Compared::Number(*number),
            Operand::Sum(sum) => Compared::Number(sum.total(|operand| match self.value(operand) {
                Compared::Number(number) => number,
                // The checker takes numbers only.
                _ => 0,
            })),
            Operand::Quantity(quantity) => Compared::Quantity(*quantity),
            Operand::Variable(VariableId(place)) => match &self.variables[*place] {
                Held::Text(text) => Compared::Text(text),
                Held::Number(number) => Compared::Number(*number),
                Held::Quantity(quantity) => Compared::Quantity(*quantity),
                Held::Nothing => Compared::Nothing,
                // The checker refuses every use of a secret; what is not there cannot leak.
                Held::Secret(_) => Compared::Text(""),
            },
        }
    }

    /// Of what the checker lets be nothing but a text. Nobody is called by the empty one.
    fn text<'v>(&'v self, operand: &'v Operand) -> &'v str {
        match self.value(operand) {
            Compared::Text(text) => text,
            Compared::Number(_) | Compared::Quantity(_) | Compared::Nothing => "",
        }
    }

    /// Of what the checker lets be nothing but a number.
    fn priority(&self, priority: &Operand) -> u8 {
        match self.value(priority) {
            Compared::Number(number) => {
                u8::try_from(number.clamp(*PRIORITIES.start(), *PRIORITIES.end())).unwrap_or(0)
            }
            Compared::Text(_) | Compared::Quantity(_) | Compared::Nothing => 0,
        }
    }

    fn spell(&self, what: &Saying) -> Vec<PromptId> {
        self.flow.words[self.language.0].say(self.value(&what.value), what.manner)
    }
}
