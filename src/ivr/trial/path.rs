//! What happened to a caller on trial, in order: nodes, prompts, keys.

use std::time::Duration;

use super::Stage;
use crate::ids::{AgentId, QueueId};
use crate::ivr::assisted::Verdict;
use crate::ivr::bot::{BotEnd, BotFailure};
use crate::ivr::flow::Flow;
use crate::ivr::http::HttpFailure;
use crate::ivr::run::{MessageEnd, QueueExit, TransferTo};
use crate::media::prompts::PromptId;
use crate::moment::Moment;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rung {
    Enters(String),
    /// A prompt begins.
    Hears(PromptId),
    /// A key stops it.
    Interrupts,
    Presses(Pressed),
    /// A time for something to be done has passed.
    Silence,
    Waits {
        queue: QueueId,
        priority: Option<u8>,
    },
    Leaves(QueueExit),
    LeavesByKey,
    WantsCallback {
        queue: QueueId,
        number: String,
    },
    AgentAnswers(AgentId),
    Transfers(TransferTo),
    TransferFails,
    /// To the agent who sent them into the flow.
    Returns(Verdict),
    /// A host is asked. What the body holds is nobody's business.
    Asks {
        host: String,
        method: &'static str,
        path: String,
    },
    /// Its status, or why there is no answer.
    Answered(Result<u16, HttpFailure>),
    /// A bot has the caller now.
    Talks {
        bot: String,
    },
    /// Without what it found out.
    BotCloses,
    BotResult {
        person: bool,
    },
    BotFails(BotFailure),
    Remark {
        name: String,
        value: String,
    },
    /// The tone is over: the caller may speak.
    Speaks(String),
    /// A message is over.
    MessageOver {
        name: String,
        lasts: Duration,
        end: MessageEnd,
    },
    MessageFails,
    /// A rating.
    Rates(Option<u8>),
    /// The flow ends the call.
    Ends,
    HangsUp,
}

/// Keys. Those of a secret are kept as their number only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressed {
    pub(super) keys: String,
    /// Some of them are kept for a question to come: it may ask for a secret.
    pub(super) ahead: bool,
    pub(super) secret: bool,
}

impl Pressed {
    /// Forgets which keys they were.
    pub(super) fn hide(&mut self) {
        self.secret = true;
        self.keys = "*".repeat(self.keys.len());
    }
}

/// Everything that happened, with the time since the call began.
#[derive(Clone, Debug, Default)]
pub struct Path {
    rungs: Vec<(Duration, Rung)>,
}

impl Path {
    pub(super) fn push(&mut self, began: Moment, now: Moment, rung: Rung) {
        self.rungs.push((now.since(began), rung));
    }

    pub fn rungs(&self) -> &[(Duration, Rung)] {
        &self.rungs
    }

    /// A question for a secret comes: keys that may have been meant for it are hidden.
    pub(super) fn hide_ahead(&mut self) {
        for (_, rung) in &mut self.rungs {
            if let Rung::Presses(pressed) = rung
                && pressed.ahead
            {
                pressed.hide();
            }
        }
    }

    pub(super) fn last_pressed(&mut self) -> Option<&mut Pressed> {
        self.rungs.iter_mut().rev().find_map(|(_, rung)| match rung {
            Rung::Presses(pressed) => Some(pressed),
            _ => None,
        })
    }

    /// A line for each thing that happened.
    pub fn lines(&self, stage: &Stage<'_>, on: &Flow) -> Vec<String> {
        let line =
            |(at, rung): &(Duration, Rung)| format!("{:>8.1} s  {}", at.as_secs_f64(), rung.told(stage, on));
        self.rungs.iter().map(line).collect()
    }
}

impl Rung {
    pub(super) fn of_bot(end: &BotEnd) -> Rung {
        match end {
            BotEnd::Closed => Rung::BotCloses,
            BotEnd::Result(result) => Rung::BotResult { person: result.person },
            BotEnd::Failed(why) => Rung::BotFails(*why),
        }
    }

    /// As people read it.
    pub fn told(&self, stage: &Stage<'_>, on: &Flow) -> String {
        match self {
            Rung::Enters(node) => format!("{node}  ({})", stage.place_of(on, node)),
            Rung::Hears(prompt) => format!("  hears {}", stage.told(*prompt)),
            Rung::Interrupts => "  the key stops the prompt".to_owned(),
            Rung::Presses(pressed) if pressed.secret => {
                format!("  presses {} keys, hidden for a secret", pressed.keys.len())
            }
            Rung::Presses(pressed) => format!("  presses {}", pressed.keys),
            Rung::Silence => "  nothing is pressed in time".to_owned(),
            Rung::Waits { queue, priority } => match priority {
                Some(priority) => format!("  waits in the queue {queue} with priority {priority}"),
                None => format!("  waits in the queue {queue} with the queue's priority"),
            },
            Rung::Leaves(why) => format!("  leaves the queue: {}", exit(*why)),
            Rung::LeavesByKey => "  leaves the queue by that key".to_owned(),
            Rung::WantsCallback { queue, number } => {
                format!("  wants to be called back at {number} by the queue {queue}")
            }
            Rung::AgentAnswers(agent) => format!("  the agent {agent} picks up"),
            Rung::Transfers(to) => format!("  is transferred to {}", destination(to)),
            Rung::TransferFails => "  the transfer fails".to_owned(),
            Rung::Returns(verdict) => format!("  goes back to the agent: {}", verdict.word()),
            Rung::Asks { host, method, path } => format!("  asks {host}: {method} {path}"),
            Rung::Answered(Ok(status)) => format!("  the host answers {status}"),
            Rung::Answered(Err(why)) => format!("  the host does not answer: {}", why.word()),
            Rung::Talks { bot } => format!("  talks with the bot {bot}"),
            Rung::BotCloses => "  the bot closes".to_owned(),
            Rung::BotResult { person: false } => "  the bot ends with a result".to_owned(),
            Rung::BotResult { person: true } => "  the bot hands over to a person".to_owned(),
            Rung::BotFails(why) => format!("  the bot fails: {}", why.word()),
            Rung::Remark { name, value } => format!("  remark {name}: {value}"),
            Rung::Speaks(name) => format!("  may speak a message: {name}"),
            Rung::MessageOver { name, end: MessageEnd::Short, .. } => {
                format!("  was too short to leave a message: {name}")
            }
            Rung::MessageOver { name, lasts, end } => {
                format!("  has left a message of {:.1} s ({}): {name}", lasts.as_secs_f64(), end.word())
            }
            Rung::MessageFails => "  the message cannot be recorded".to_owned(),
            Rung::Rates(Some(score)) => format!("  rates the talk: {score}"),
            Rung::Rates(None) => "  does not rate the talk".to_owned(),
            Rung::Ends => "  the flow hangs up".to_owned(),
            Rung::HangsUp => "  hangs up".to_owned(),
        }
    }
}

/// Why a caller leaves a queue, as tests write it.
fn exit(why: QueueExit) -> &'static str {
    match why {
        QueueExit::Timeout => "timeout",
        QueueExit::Full => "full",
        QueueExit::Empty => "empty",
    }
}

pub(super) fn destination(to: &TransferTo) -> String {
    match to {
        TransferTo::Agent(agent) => format!("the agent {agent}"),
        TransferTo::Number(number) => format!("the number {number}"),
    }
}
