//! `emergency`: what every caller is told while something is out of order, and where their call goes then.
//!
//! The flow has the place and the ways; what is said, how long and at which level is the bank's staff's to decide, while
//! calls come in. So the run does not know it: it asks (`Action::AskBroadcast`) and is told at once (`Event::Broadcast`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::flow::{Flow, NodeId, Step};
use super::nodes::next;
use super::say::{self, Manner, Words};
use super::scope::{By, Scope};
use super::value::Kind;
use super::{Catalogue, Flows};
use crate::diagnostic::fields::{Fields, write_duration};
use crate::diagnostic::suggest;
use crate::media::prompts::PromptId;

/// Most prompts of a broadcast: each caller hears all of them.
pub const MAX_PROMPTS: usize = 8;
/// Longest name of a prompt, bytes.
pub const MAX_NAME: usize = 64;
/// Ends of the names of the two halves of a prompt that has a time in its middle.
const HALVES: [&str; 2] = ["_pre", "_post"];

/// What becomes of callers who have heard it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// They go on as ever.
    Info,
    /// They go on with the reduced menu.
    Deflect,
    /// The call ends, except for those who report a loss.
    Full,
}

/// The node.
#[derive(Debug)]
pub(super) struct Emergency {
    pub next: NodeId,
    pub deflect: NodeId,
    /// Where key 0 leads at any level: a lost card always reaches a person.
    pub loss: NodeId,
}

/// What is said to everybody, by the names of prompts. A prompt `x` that is recorded in two halves, `x_pre` and `x_post`,
/// has the time between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    pub level: Level,
    pub prompts: Vec<String>,
    /// Of day, such as `14:30`: when all will be well again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<String>,
}

/// A broadcast in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub level: Level,
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Prompt(PromptId),
    /// Of day, as flows write it.
    Time(String),
}

pub(super) fn read(fields: &mut Fields<'_>, words: &[Words], scope: &mut Scope<'_>) -> Option<Step> {
    // A broadcast may say a time, and nobody is there to be told of a missing word then.
    say::check(words, &scope.languages, Manner::Time, fields.place(""), scope.out);
    let next = next("next", By::Itself, fields, scope);
    let deflect = super::nodes::next("deflect", By::Itself, fields, scope);
    let loss = super::nodes::next("loss", By::Key, fields, scope);
    Some(Step::Emergency(Emergency { next: next?, deflect: deflect?, loss: loss? }))
}

impl Level {
    const ALL: [(&str, Level); 3] =
        [("info", Level::Info), ("deflect", Level::Deflect), ("full", Level::Full)];

    /// By its name.
    pub fn read(word: &str) -> Option<Level> {
        Level::ALL.iter().find(|(name, _)| *name == word).map(|(_, level)| *level)
    }

    pub fn names() -> [&'static str; 3] {
        Level::ALL.map(|(name, _)| name)
    }

    pub fn name(self) -> &'static str {
        Level::names()[self as usize]
    }
}

impl Step {
    /// Where a broadcast of level `deflect` leads.
    pub(super) fn deflects_to(&self) -> Option<NodeId> {
        match self {
            Step::Emergency(emergency) => Some(emergency.deflect),
            _ => None,
        }
    }
}

impl Flow {
    /// Whether its callers hear broadcasts.
    fn broadcasts(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.step, Step::Emergency(_)))
    }
}

impl Broadcast {
    /// What callers who speak `language` hear. `None` if there is nothing to be heard: nobody is sent away without a word.
    pub fn notice(&self, catalogue: &dyn Catalogue, language: &str) -> Option<Notice> {
        let mut pieces = Vec::new();
        for name in &self.prompts {
            if let Some(whole) = catalogue.find(language, name) {
                pieces.push(Piece::Prompt(whole));
            } else if let [Some(pre), Some(post)] = halves(catalogue, language, name) {
                pieces.push(Piece::Prompt(pre));
                pieces.extend(self.time.clone().map(Piece::Time));
                pieces.push(Piece::Prompt(post));
            }
        }
        let said = pieces.iter().any(|piece| matches!(piece, Piece::Prompt(_)));
        said.then_some(Notice { level: self.level, pieces })
    }

    /// Why it cannot be said in all flows that have a place for it and in all their languages.
    ///
    /// # Errors
    /// For the person who wants it said.
    pub fn check(&self, flows: &Flows, catalogue: &dyn Catalogue) -> Result<(), String> {
        if self.prompts.is_empty() || self.prompts.len() > MAX_PROMPTS {
            return Err(format!("prompts: from 1 to {MAX_PROMPTS} are said"));
        }
        if let Some(time) = self.time.as_ref().filter(|time| Kind::Time.quantity(time).is_none()) {
            return Err(format!("time: `{time}` is not {}", Kind::Time.example()));
        }
        let mut places = flows.values().filter(|flow| flow.broadcasts()).peekable();
        if places.peek().is_none() {
            return Err("no flow has an `emergency` node: nobody would hear it".to_owned());
        }
        for flow in places {
            for language in flow.languages() {
                for name in &self.prompts {
                    self.check_prompt(name, language, catalogue)?;
                }
            }
        }
        Ok(())
    }

    fn check_prompt(&self, name: &str, language: &str, catalogue: &dyn Catalogue) -> Result<(), String> {
        if name.len() > MAX_NAME {
            return Err(format!("prompts: a name has at most {MAX_NAME} bytes"));
        }
        if catalogue.find(language, name).is_some() {
            return Ok(());
        }
        match halves(catalogue, language, name) {
            [Some(_), Some(_)] if self.time.is_some() => Ok(()),
            [Some(_), Some(_)] => Err(format!("time: `{name}` says a time, and none is given")),
            _ => {
                let names = catalogue.names(language);
                let whole = names.iter().map(|name| name.strip_suffix(HALVES[0]).unwrap_or(name));
                let guess = suggest::nearest(name, whole);
                let guess = guess.map_or(String::new(), |guess| format!("; did you mean `{guess}`?"));
                Err(format!("prompts: there is no prompt `{name}` in {language}{guess}"))
            }
        }
    }
}

/// What to say to who wants it on for too short or too long.
pub fn out_of_bounds(least: Duration, most: Duration) -> String {
    format!("for: a broadcast is on from {} to {}", write_duration(least), write_duration(most))
}

fn halves(catalogue: &dyn Catalogue, language: &str, name: &str) -> [Option<PromptId>; 2] {
    HALVES.map(|end| catalogue.find(language, &format!("{name}{end}")))
}
