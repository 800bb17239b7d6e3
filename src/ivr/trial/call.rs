//! One caller on trial: what plays, what time it is, where the call stands.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Stage;
use super::mock::Mock;
use super::path::{Path, Pressed, Rung};
use crate::ids::{AgentId, FlowId, QueueId};
use crate::ivr::assisted::Verdict;
use crate::ivr::bot::{BotEnd, BotFailure, BotRequest};
use crate::ivr::chart;
use crate::ivr::emergency::Broadcast;
use crate::ivr::flow::Flow;
use crate::ivr::http::{HttpFailure, HttpRequest};
use crate::ivr::profile::Remembered;
use crate::ivr::run::{Action, Caller, Event, MessageEnd, Run, Shown, TransferTo};
use crate::media::prompts::PromptId;
use crate::moment::Moment;

mod others;

/// Most prompts and deadlines of one call. No real call has as many; beyond it the call stands still, so that a flow
/// which goes on by itself for ever cannot hold a test up.
pub const MAX_TURNS: usize = 10_000;
/// Most things that are noted of one call. No real call has as many; beyond it the call stands still as well, so that
/// keys without end cannot fill the memory of a server whose flows are being published.
pub const MAX_RUNGS: usize = 20_000;

/// Where the call stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    InFlow,
    InQueue {
        queue: QueueId,
        priority: Option<u8>,
    },
    Transferred(TransferTo),
    /// An agent has picked up.
    WithAgent(AgentId),
    /// With the agent who sent them into the flow.
    Back(Verdict),
    Over,
}

/// A call in a flow, with its caller's ears and clock.
pub struct Call<'s> {
    stage: &'s Stage<'s>,
    on: &'s Arc<Flow>,
    run: Run,
    began: Moment,
    now: Moment,
    playing: Option<Playing>,
    standing: Standing,
    node: String,
    path: Path,
    /// Since the caller last did something: prompts heard to their end.
    heard: Vec<PromptId>,
    /// Since then: what the flow remarked.
    remarks: Vec<(String, String)>,
    /// Ways taken, by flow and place in its chart.
    ways: Vec<(FlowId, usize)>,
    turns: usize,
    /// The message being spoken, and since when.
    message: Option<(Arc<str>, Moment)>,
    /// Since the caller last did something: messages left, and ratings.
    left: Left,
    /// With how often each has answered.
    mocks: Vec<(&'s Mock, usize)>,
    /// What a host has been asked.
    asked: Asked,
    /// What is on, until the caller has heard it.
    broadcast: Option<Broadcast>,
    /// In the queue: callers before this one, and the wait that is expected.
    place: (usize, Option<Duration>),
    /// Numbers to be called back, by queue, since the caller last did something.
    wishes: Vec<(QueueId, String)>,
    /// What is remembered of the caller.
    profile: Remembered,
}

/// What the caller has left behind.
#[derive(Default)]
pub(super) struct Left {
    pub messages: Vec<String>,
    pub ratings: Vec<Option<u8>>,
}

/// How it stands with a question to a host.
enum Asked {
    Nothing,
    /// A mock answers then.
    Mocked {
        due: Moment,
        answer: Event,
    },
    /// Nobody stands for the host: who tries the flow must say what it answers.
    Unanswered {
        request: String,
        by_bot: bool,
    },
}

struct Playing {
    /// The first one plays now.
    prompts: VecDeque<PromptId>,
    /// When it ends.
    until: Moment,
}

/// What the run prints of itself, which is neither keys nor numbers.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut call = f.debug_struct("Call");
        call.field("run", &self.run).field("node", &self.node).field("standing", &self.standing);
        call.finish_non_exhaustive()
    }
}

impl<'s> Call<'s> {
    /// The caller arrives in the flow. The first of the mocks that fits a request answers it; `seed` is what parts
    /// callers at `percent`.
    pub fn begin(
        stage: &'s Stage<'s>,
        on: &'s Arc<Flow>,
        mocks: &'s [Mock],
        (broadcast, profile): (Option<Broadcast>, Remembered),
        caller: Caller,
        seed: u64,
        now: Moment,
    ) -> Call<'s> {
        let (run, actions) = Run::start(now, Arc::clone(on), caller, seed);
        let mut call = Call {
            stage,
            on,
            run,
            began: now,
            now,
            playing: None,
            standing: Standing::InFlow,
            node: String::new(),
            path: Path::default(),
            heard: Vec::new(),
            remarks: Vec::new(),
            ways: Vec::new(),
            turns: 0,
            message: None,
            left: Left::default(),
            mocks: mocks.iter().map(|mock| (mock, 0)).collect(),
            asked: Asked::Nothing,
            broadcast,
            place: (0, None),
            wishes: Vec::new(),
            profile,
        };
        call.obey(actions);
        call
    }

    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long the call lasts so far.
    pub fn lasts(&self) -> Duration {
        self.now.since(self.began)
    }

    pub fn now(&self) -> Moment {
        self.now
    }

    /// The node the caller is at, `verify/pin` in a flow that was called.
    pub fn node(&self) -> &str {
        &self.node
    }

    pub fn language(&self) -> &str {
        self.run.language()
    }

    /// Whether what is pressed now belongs to a secret.
    pub fn asks_secret(&self) -> bool {
        self.standing == Standing::InFlow && self.run.asks_secret()
    }

    /// The flow's variables with what may be shown of them.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Shown<'_>)> {
        self.run.shown()
    }

    /// `file:line` of the node the caller is at.
    pub fn place(&self) -> String {
        self.stage.place_of(self.on, &self.node)
    }

    /// The names of the prompts heard to their end since the caller last did something.
    pub(super) fn heard(&self) -> impl Iterator<Item = &str> {
        self.heard.iter().map(|prompt| self.stage.words.name(*prompt))
    }

    pub(super) fn remarks(&self) -> &[(String, String)] {
        &self.remarks
    }

    /// What the caller has left since they last did something.
    pub(super) fn left(&self) -> &Left {
        &self.left
    }

    /// The caller may speak a message now.
    pub fn records(&self) -> bool {
        self.standing == Standing::InFlow && self.run.records()
    }

    pub(super) fn wishes(&self) -> &[(QueueId, String)] {
        &self.wishes
    }

    pub(super) fn ways(&self) -> &[(FlowId, usize)] {
        &self.ways
    }

    pub(super) fn plays(&self) -> bool {
        self.playing.is_some()
    }

    /// So many of the prompts heard were expected.
    pub(super) fn has_dealt_with(&mut self, prompts: usize) {
        self.heard.drain(..prompts.min(self.heard.len()));
    }

    /// The caller does something: what is heard and remarked from now on comes after it.
    fn acts(&mut self) {
        self.heard.clear();
        self.remarks.clear();
        self.left = Left::default();
        self.wishes.clear();
    }

    /// Presses keys, one after the other, at this moment.
    pub fn presses(&mut self, keys: &str) {
        self.acts();
        if self.stands_still() {
            return;
        }
        let pressed = Pressed { keys: String::new(), ahead: false, secret: false };
        self.note(Rung::Presses(pressed));
        for key in keys.chars() {
            if self.stands_still() {
                return;
            }
            let (asked, secret) = (self.run.asks(), self.asks_secret());
            let actions = self.run.handle(self.now, Event::Digit(key));
            let ahead = !asked || self.run.keys_kept() > 0;
            if let Some(pressed) = self.path.last_pressed() {
                pressed.keys.push(key);
                pressed.ahead |= ahead;
                if secret || pressed.secret {
                    pressed.hide();
                }
            }
            self.obey(actions);
        }
    }

    /// Listens until it is the caller's turn, or somebody else's.
    pub fn listens(&mut self) {
        while self.goes_on() && self.turn() {}
    }

    /// Listens until an agent can pick up.
    pub(super) fn listens_for_queue(&mut self) {
        while self.standing == Standing::InFlow && self.goes_on() && self.turn() {}
    }

    /// Lets mocks answer.
    pub(super) fn lets_hosts_answer(&mut self) {
        while matches!(self.asked, Asked::Mocked { .. }) && self.turn() {}
    }

    /// The flow goes on without the caller: something plays, a mock is about to answer, a pause passes.
    fn goes_on(&self) -> bool {
        match self.standing {
            Standing::InFlow => {
                let waits = self.run.asks() && self.playing.is_none();
                !waits && self.unanswered().is_none()
            }
            // In a queue what is due is said, and no time passes by itself.
            Standing::InQueue { .. } => {
                self.playing.is_some() || self.due().is_some_and(|due| due <= self.now)
            }
            Standing::WithAgent(_) => self.playing.is_some(),
            Standing::Transferred(_) | Standing::Back(_) | Standing::Over => false,
        }
    }

    /// The request that no mock answers, if there is one.
    pub fn unanswered(&self) -> Option<&str> {
        match &self.asked {
            Asked::Unanswered { request, .. } => Some(request),
            _ => None,
        }
    }

    /// Listens until so many prompts have been heard to their end since the caller last did something.
    pub(super) fn listens_to(&mut self, prompts: usize) {
        while self.heard.len() < prompts && self.goes_on() && self.turn() {}
    }

    /// Lets time pass, with everything that falls due in it.
    pub fn waits(&mut self, time: Duration) {
        let end = self.now + time;
        while self.due().is_some_and(|due| due <= end) && self.turn() {}
        self.now = end;
    }

    /// Hears what plays to its end and then does nothing until the flow gives up waiting. False if it does not wait.
    pub fn stays_silent(&mut self) -> bool {
        self.listens();
        let waited_for = self.standing == Standing::InFlow && self.run.next_deadline().is_some();
        if waited_for {
            self.acts();
            self.turn();
        }
        waited_for
    }

    /// Does nothing for so long.
    pub fn is_silent_for(&mut self, time: Duration) {
        self.acts();
        self.waits(time);
    }

    /// Speaks for so long. False if nobody listens to a message.
    pub fn speaks(&mut self, time: Duration) -> bool {
        self.listens();
        let records = self.records();
        if records {
            self.is_silent_for(time);
        }
        records
    }

    /// Gives up.
    pub fn hangs_up(&mut self) {
        self.acts();
        self.note(Rung::HangsUp);
        let last_words = self.run.hung_up(self.now);
        self.obey(last_words);
        self.standing = Standing::Over;
        self.playing = None;
    }

    /// When something happens next by itself.
    fn due(&self) -> Option<Moment> {
        let plays = self.playing.as_ref().map(|playing| playing.until);
        match self.standing {
            Standing::InFlow | Standing::InQueue { .. } => {}
            Standing::WithAgent(_) => return plays,
            Standing::Transferred(_) | Standing::Back(_) | Standing::Over => return None,
        }
        let answer = match &self.asked {
            Asked::Mocked { due, .. } => Some(*due),
            _ => None,
        };
        plays.into_iter().chain(answer).chain(self.run.next_deadline()).min()
    }

    /// Turns the clock to what happens next. False if nothing does.
    fn turn(&mut self) -> bool {
        let Some(due) = self.due().filter(|_| !self.stands_still()) else { return false };
        self.turns += 1;
        self.now = self.now.max(due);
        if self.playing.as_ref().is_some_and(|playing| playing.until <= due) {
            self.prompt_ends();
        } else if let Asked::Mocked { due: then, answer } = &self.asked
            && *then <= due
        {
            let answer = answer.clone();
            self.answered(answer);
        } else {
            self.time_is_over();
        }
        true
    }

    fn prompt_ends(&mut self) {
        let Some(playing) = &mut self.playing else { return };
        self.heard.extend(playing.prompts.pop_front());
        if let Some(next) = playing.prompts.front().copied() {
            playing.until = playing.until + self.stage.words.duration(next);
            self.note(Rung::Hears(next));
            return;
        }
        self.playing = None;
        if matches!(self.standing, Standing::WithAgent(_)) {
            return;
        }
        let actions = self.run.handle(self.now, Event::Played);
        self.obey(actions);
    }

    /// A deadline of the flow has come: the caller's, or a host's.
    fn time_is_over(&mut self) {
        if self.run.awaits().is_some() {
            self.note(Rung::Answered(Err(HttpFailure::Timeout)));
            self.asked = Asked::Nothing;
        } else if self.run.talks().is_some() {
            self.note(Rung::of_bot(&BotEnd::Failed(BotFailure::TooLong)));
            self.asked = Asked::Nothing;
        } else if self.run.asks() && !self.run.records() {
            self.note(Rung::Silence);
        }
        let actions = self.run.handle(self.now, Event::Time);
        self.obey(actions);
    }

    /// Does what the run asks for.
    fn obey(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Play { prompts } => self.plays_now(prompts.into()),
                Action::Announce { prompts } if prompts.is_empty() => {
                    if self.playing.take().is_some() {
                        self.note(Rung::Interrupts);
                    }
                }
                Action::Announce { prompts } => self.plays_now(prompts.into()),
                Action::LeaveQueue => {
                    self.note(Rung::LeavesByKey);
                    self.standing = Standing::InFlow;
                    self.playing = None;
                }
                Action::Callback { queue, number } => {
                    self.note(Rung::WantsCallback { queue: queue.clone(), number: number.clone() });
                    self.wishes.push((queue, number));
                }
                Action::StopPlaying => {
                    if self.playing.take().is_some() {
                        self.note(Rung::Interrupts);
                    }
                }
                Action::Queue { queue, priority, leave_when_empty: _ } => {
                    self.note(Rung::Waits { queue: queue.clone(), priority });
                    self.standing = Standing::InQueue { queue, priority };
                    self.place = (0, None);
                }
                Action::Transfer { to } => {
                    self.note(Rung::Transfers(to.clone()));
                    self.standing = Standing::Transferred(to);
                }
                Action::Http { request } => self.asks(&request),
                Action::AskBroadcast => self.hears_broadcast(),
                Action::Record { name } => {
                    self.note(Rung::Speaks(name.to_string()));
                    self.message = Some((name, self.now));
                }
                Action::MessageOver { end } => self.message_over(end),
                Action::Surveyed { score } => {
                    self.note(Rung::Rates(score));
                    self.left.ratings.push(score);
                }
                Action::AgentReturn { verdict, .. } => {
                    self.note(Rung::Returns(verdict));
                    self.standing = Standing::Back(verdict);
                    self.playing = None;
                }
                Action::Typed { .. } => {}
                Action::Bot { request } => self.talks(&request),
                Action::Recall => {
                    let actions = self.run.handle(self.now, Event::Recalled(self.profile.clone()));
                    self.obey(actions);
                }
                Action::Remember { values } => self.remembers(values),
                Action::Hangup => {
                    self.note(Rung::Ends);
                    self.standing = Standing::Over;
                    self.playing = None;
                }
                Action::Entered { node } => self.enters(&node),
                Action::Remark { name, value } => {
                    let value = self.stage.named(value);
                    self.remarks.push((name.to_string(), value.clone()));
                    self.note(Rung::Remark { name: name.to_string(), value });
                }
            }
        }
    }

    fn message_over(&mut self, end: MessageEnd) {
        let Some((name, since)) = self.message.take() else { return };
        let (name, lasts) = (name.to_string(), self.now.since(since));
        if end != MessageEnd::Short {
            self.left.messages.push(name.clone());
        }
        self.note(Rung::MessageOver { name, lasts, end });
    }

    fn plays_now(&mut self, prompts: VecDeque<PromptId>) {
        let Some(first) = prompts.front().copied() else { return };
        self.note(Rung::Hears(first));
        let until = self.now + self.stage.words.duration(first);
        self.playing = Some(Playing { prompts, until });
    }

    fn remembers(&mut self, values: Remembered) {
        self.profile.extend(values);
        self.profile.retain(|_, value| !value.is_empty());
    }

    /// Each caller hears a broadcast once, as in the server.
    fn hears_broadcast(&mut self) {
        let broadcast = self.broadcast.take();
        let notice = broadcast.and_then(|broadcast| broadcast.notice(self.stage.words, self.run.language()));
        let actions = self.run.handle(self.now, Event::Broadcast(notice));
        self.obey(actions);
    }

    fn asks(&mut self, request: &HttpRequest) {
        let (host, method) = (request.host.to_string(), request.method.word());
        let told = format!("{host}: {method} {}", request.path);
        self.note(Rung::Asks { host, method, path: request.path.clone() });
        let found = self.mocks.iter_mut().find_map(|(mock, answered)| match mock {
            Mock::Host(mock) if mock.fits(request, *answered) => Some((mock, answered)),
            _ => None,
        });
        self.asked = match found {
            Some((mock, answered)) => {
                *answered += 1;
                // Nothing comes in time: the flow's own patience ends it.
                let delay = match mock.answer {
                    Err(HttpFailure::Timeout) => request.timeout,
                    _ => mock.delay,
                };
                Asked::Mocked { due: self.now + delay, answer: Event::HttpDone(mock.answer.clone()) }
            }
            None => Asked::Unanswered { request: told, by_bot: false },
        };
    }

    fn talks(&mut self, request: &BotRequest) {
        self.note(Rung::Talks { bot: request.bot.to_string() });
        let found = self.mocks.iter_mut().find_map(|(mock, talked)| match mock {
            Mock::Bot(mock) if mock.fits(request, *talked) => Some((mock, talked)),
            _ => None,
        });
        self.asked = match found {
            Some((mock, talked)) => {
                *talked += 1;
                // One that goes on and on is ended by the flow.
                let after = match mock.end {
                    BotEnd::Failed(BotFailure::TooLong) => request.max,
                    _ => mock.after,
                };
                Asked::Mocked { due: self.now + after, answer: Event::BotDone(mock.end.clone()) }
            }
            None => Asked::Unanswered { request: format!("the bot {}", request.bot), by_bot: true },
        };
    }

    /// Arrives at a node, or passes the mark before one.
    fn enters(&mut self, node: &str) {
        if let Some(way) = chart::mark(node) {
            self.ways.push(way);
            return;
        }
        if self.stage.node(self.on, node).is_some_and(|(_, stop)| stop.secret) {
            self.path.hide_ahead();
        }
        node.clone_into(&mut self.node);
        self.note(Rung::Enters(node.to_owned()));
    }

    /// Nothing more comes of it: no call lasts so long.
    fn stands_still(&self) -> bool {
        self.turns >= MAX_TURNS || self.path.rungs().len() >= MAX_RUNGS
    }

    fn note(&mut self, rung: Rung) {
        self.path.push(self.began, self.now, rung);
    }
}
