//! Tests of flows as YAML: what a caller does, and what is expected to come of it.
//!
//! ```yaml
//! tests:
//!   - name: silence twice leads to a person
//!     steps:
//!       - hears: [welcome, rec_notice, main]
//!       - silence
//!       - hears: [noinput, main]
//!       - presses: 9
//!       - queue: { to: general }
//! ```
//!
//! `flow`, `caller`, `dialled`, `language`, `at`, `seed`, `emergency`, `profile` and `mocks` may stand in a test, or at the left edge for all tests of the file.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

use super::Stage;
use super::mock::{self, Mock};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{self, Node, Value};
use crate::diagnostic::{Diagnostic, Findings, Source, Span, suggest};
use crate::ids::{AgentId, FlowId, QueueId};
use crate::ivr::assisted::Verdict;
use crate::ivr::emergency::Broadcast;
use crate::ivr::flow::{Flow, Step as FlowStep};
use crate::ivr::profile::Remembered;
use crate::ivr::run::{Caller, QueueExit, TransferTo};
use crate::moment::Moment;

mod broadcast;
mod step;

/// The caller of a test that does not say who calls.
const CALLER: &str = "13800138000";
/// When a test begins that does not say when: a Monday morning, the bank open.
const AT: &str = "2026-03-02 10:00";
/// The zone of times without one, in flows that have no opening hours of their own.
const ZONE: &str = "Asia/Shanghai";

/// One call of a caller who has a plan. Not printed: keys in it may be meant for a secret.
pub struct Test {
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    pub source: Arc<Source>,
    pub flow: FlowId,
    pub(super) caller: Caller,
    /// Parts callers at `percent`.
    pub(super) seed: u64,
    pub(super) at: Moment,
    /// The test's own before those of the file.
    pub(super) mocks: Vec<Mock>,
    /// The emergency broadcast that is on.
    pub(super) broadcast: Option<Broadcast>,
    /// What is remembered of the caller.
    pub(super) profile: Remembered,
    pub(super) steps: Vec<Step>,
}

/// A line of the script.
pub(super) struct Step {
    pub span: Span,
    pub line: Line,
}

pub(super) enum Line {
    Does(Doing),
    Expects(Expectation),
}

/// What the caller does, or what happens to them outside the flow.
pub(super) enum Doing {
    /// So long after what was before.
    Presses {
        keys: String,
        after: Duration,
    },
    /// Until the flow gives up waiting, or so long.
    Silence(Option<Duration>),
    HangsUp,
    /// A message, so long.
    Speaks(Duration),
    MessageFails,
    QueueLeaves(QueueExit),
    /// So many callers are before this one.
    Position(usize),
    /// So long a wait is still expected.
    Estimate(Option<Duration>),
    AgentAnswers(AgentId),
    TransferFails,
}

/// What must be so.
#[derive(Debug)]
pub(super) enum Expectation {
    /// Prompts by name. Without `more`, nothing else is said until the flow waits.
    Hears {
        prompts: Vec<(String, Span)>,
        more: bool,
    },
    Queue {
        to: QueueId,
        priority: Option<u8>,
    },
    Transfer(TransferTo),
    Callback {
        to: QueueId,
        number: Option<String>,
    },
    AgentReturn(Verdict),
    Ends,
    At(String),
    Remark {
        name: String,
        value: Option<String>,
    },
    Language(String),
    /// A message of this name has been left.
    Message(String),
    /// A score, or that none was given.
    Survey(Option<u8>),
    Variables(Vec<Variable>),
}

/// What a variable must hold.
#[derive(Debug)]
pub(super) struct Variable {
    pub span: Span,
    pub name: String,
    pub holds: Holds,
}

#[derive(Debug)]
pub(super) enum Holds {
    Value(String),
    /// So many keys of a secret.
    Typed(usize),
}

/// What is said once for all tests of a file, or for one.
#[derive(Clone, Default)]
struct Setting<'t> {
    flow: Option<&'t Node>,
    caller: Option<&'t Node>,
    dialled: Option<&'t Node>,
    language: Option<&'t Node>,
    at: Option<&'t Node>,
    seed: Option<&'t Node>,
    emergency: Option<&'t Node>,
    profile: Option<&'t Node>,
}

impl<'t> Setting<'t> {
    fn take(fields: &mut Fields<'t>, usual: &Setting<'t>) -> Setting<'t> {
        Setting {
            flow: fields.take("flow").or(usual.flow),
            caller: fields.take("caller").or(usual.caller),
            dialled: fields.take("dialled").or(usual.dialled),
            language: fields.take("language").or(usual.language),
            at: fields.take("at").or(usual.at),
            seed: fields.take("seed").or(usual.seed),
            emergency: fields.take("emergency").or(usual.emergency),
            profile: fields.take("profile").or(usual.profile),
        }
    }
}

/// Reads the tests of a file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read(source: &Arc<Source>, stage: &Stage<'_>) -> Result<Vec<Test>, Vec<Diagnostic>> {
    let mut out = Findings::new(source);
    let tests = tests(&mut out, stage).unwrap_or_default();
    if out.errors() == 0 { Ok(tests) } else { Err(out.into_sorted()) }
}

fn tests(out: &mut Findings, stage: &Stage<'_>) -> Option<Vec<Test>> {
    let root = yaml::parse(out)?;
    let mut fields = Fields::of(&root, Span::new(root.span.start, root.span.start), "the file", out)?;
    let usual = Setting::take(&mut fields, &Setting::default());
    let mocks = mock::read(fields.take("mocks"), out, stage);
    let list = fields.need("tests");
    fields.finish(out);
    let Value::List(items) = &list?.value else {
        out.error("yaml-006", list?.span, "expected a list of tests").label("begin each test with `- name:`");
        return None;
    };
    let read = items.iter().filter_map(|item| test(item, &usual, out, stage));
    let mut tests: Vec<Test> = read.collect();
    let mocks = mocks?;
    tests.iter_mut().for_each(|test| test.mocks.extend_from_slice(&mocks));
    Some(tests)
}

fn test(item: &Node, usual: &Setting<'_>, out: &mut Findings, stage: &Stage<'_>) -> Option<Test> {
    let mut fields = Fields::of(item, Span::new(item.span.start, item.span.start), "a test", out)?;
    let name = fields.need("name");
    let setting = Setting::take(&mut fields, usual);
    let mocks = mock::read(fields.take("mocks"), out, stage);
    let steps = fields.need("steps");
    fields.finish(out);
    let (name, steps) = (name?, steps?);
    let text = out.text(name, "the name of the test")?.to_owned();
    let (flow, on) = flow(setting.flow, name.span, out, stage)?;
    let caller = caller(&setting, on, out, stage);
    let at = clock(setting.at, on, out);
    let seed = match setting.seed {
        Some(node) => out.integer(node, "a seed", 0..=i64::MAX).and_then(|seed| u64::try_from(seed).ok()),
        None => Some(0),
    };
    let broadcast = match setting.emergency {
        Some(node) => broadcast::read(node, out, stage).map(Some),
        None => Some(None),
    };
    let profile = match setting.profile {
        Some(node) => profile(node, out),
        None => Some(Remembered::new()),
    };
    let Value::List(items) = &steps.value else {
        out.error("yaml-006", steps.span, "expected a list of steps").label("begin each step with `-`");
        return None;
    };
    let steps: Vec<Option<Step>> =
        items.iter().map(|item| step::read(item, &mut step::Scope { out: &mut *out, on, stage })).collect();
    let steps = steps.into_iter().collect::<Option<Vec<_>>>();
    let source = out.source().clone();
    let span = name.span;
    Some(Test {
        name: text,
        span,
        source,
        flow,
        caller: caller?,
        seed: seed?,
        at: at?,
        mocks: mocks?,
        broadcast: broadcast?,
        profile: profile?,
        steps: steps?,
    })
}

/// What is remembered of the caller: `{ language: en }`.
fn profile(node: &Node, out: &mut Findings) -> Option<Remembered> {
    let entries = out.entries(node, "what is remembered, such as `{ language: en }`")?;
    let value =
        |(key, node): &(yaml::Key, Node)| Some((key.text.clone(), out.text(node, "a value")?.to_owned()));
    entries.iter().map(value).collect()
}

/// The flow that is named, or the one the file is called after.
fn flow<'s>(
    named: Option<&Node>,
    test: Span,
    out: &mut Findings,
    stage: &'s Stage<'_>,
) -> Option<(FlowId, &'s Flow)> {
    let file = out.source().name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default().to_owned();
    let (name, span) = match named {
        Some(node) => (out.text(node, "the name of a flow")?.to_owned(), node.span),
        None => (stem, test),
    };
    let id = FlowId::from(name.as_str());
    let found = stage.flow(&id);
    if found.is_none() {
        let known = stage.flows().map(|(id, _)| id.as_str());
        let guess = suggest::nearest(&name, known);
        let added = out.error("test-005", span, format!("there is no flow `{name}`"));
        match guess {
            Some(guess) => added.label(format!("did you mean `{guess}`?")),
            None => {
                added.help("a test is of the flow its file is called after, or names another: `flow: main`")
            }
        };
    }
    Some((id, found?))
}

/// Who calls; left out: anybody, the bank's first number, the flow's first language.
fn caller(setting: &Setting<'_>, on: &Flow, out: &mut Findings, stage: &Stage<'_>) -> Option<Caller> {
    let number = match setting.caller {
        Some(node) => out.text(node, "a telephone number")?.to_owned(),
        None => CALLER.to_owned(),
    };
    let first = || stage.world.numbers.keys().next().cloned().unwrap_or_default();
    let dialled = match setting.dialled {
        Some(node) => out.text(node, "a telephone number")?.to_owned(),
        None => first(),
    };
    let language = match setting.language {
        Some(node) => language(node, on, out)?,
        None => on.languages().next().unwrap_or_default().to_owned(),
    };
    Some(Caller { number, dialled, language })
}

/// One of the flow's languages.
fn language(node: &Node, on: &Flow, out: &mut Findings) -> Option<String> {
    let name = out.text(node, "a language")?;
    if on.languages().any(|known| known == name) {
        return Some(name.to_owned());
    }
    let guess = suggest::nearest(name, on.languages());
    let spoken: Vec<&str> = on.languages().collect();
    let added = out.error("test-011", node.span, format!("the flow does not speak `{name}`"));
    match guess {
        Some(guess) => added.label(format!("did you mean `{guess}`?")),
        None => added.help(format!("it speaks: {}", spoken.join(", "))),
    };
    None
}

/// When the call begins: `2026-11-28 09:30` where the flow's opening hours are, or with an offset.
fn clock(node: Option<&Node>, on: &Flow, out: &mut Findings) -> Option<Moment> {
    let Some(node) = node else { return moment(AT, on) };
    let text = out.text(node, "a date and a time")?;
    let read = moment(text, on);
    if read.is_none() {
        out.error("test-007", node.span, format!("`{text}` is not a date and a time"))
            .label("expected `2026-11-28 09:30`, perhaps with an offset: `2026-11-28 09:30+08:00`");
    }
    read
}

/// Reads a time as tests write it.
pub fn moment(text: &str, on: &Flow) -> Option<Moment> {
    let instant = match text.parse::<Timestamp>() {
        Ok(instant) => instant,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(zone(on)?).ok()?.timestamp(),
    };
    u64::try_from(instant.as_microsecond()).ok().map(Moment::from_micros)
}

/// The zone of the flow's first opening hours.
fn zone(on: &Flow) -> Option<TimeZone> {
    let hours = on.nodes.iter().find_map(|node| match &node.step {
        FlowStep::Hours { hours, .. } => Some(hours.zone().clone()),
        _ => None,
    });
    hours.or_else(|| TimeZone::get(ZONE).ok())
}
