//! A test performed: its caller goes through the flow, and the first expectation that fails ends it.

use super::Stage;
use super::call::{Call, Standing};
use super::path::{Path, Rung, destination};
use super::script::{Doing, Expectation, Holds, Line, Step, Test, Variable};
use crate::diagnostic::{Diagnostic, Findings, Span};
use crate::ids::{FlowId, QueueId};
use crate::ivr::run::Shown;

/// What came of a test.
#[derive(Debug)]
pub struct Outcome {
    /// What was expected and what happened instead.
    pub failure: Option<Diagnostic>,
    /// Everything that happened to the caller.
    pub path: Path,
    pub(super) flow: FlowId,
    /// Ways taken, by flow and place in its chart.
    pub(super) ways: Vec<(FlowId, usize)>,
}

/// Why a step cannot be right.
struct Fault {
    code: &'static str,
    /// If a narrower place than the step is to blame.
    span: Option<Span>,
    message: String,
    label: String,
}

impl Fault {
    /// Something else was expected.
    fn expected(message: String, label: String) -> Fault {
        Fault { code: "test-020", span: None, message, label }
    }

    /// Nobody can do this where the call stands.
    fn out_of_place(message: &str, label: String) -> Fault {
        Fault { code: "test-021", span: None, message: message.to_owned(), label }
    }

    fn at(self, span: Span) -> Fault {
        Fault { span: Some(span), ..self }
    }
}

/// Performs a test. `None` if its flow is not on stage.
pub fn play(test: &Test, stage: &Stage<'_>) -> Option<Outcome> {
    let on = stage.flow(&test.flow)?;
    let known = (test.broadcast.clone(), test.profile.clone());
    let mut call = Call::begin(stage, on, &test.mocks, known, test.caller.clone(), test.seed, test.at);
    let failed = test.steps.iter().enumerate().find_map(|(at, step)| {
        let done = match &step.line {
            Line::Does(doing) => does(doing, &mut call),
            Line::Expects(expectation) => check(expectation, &mut call),
        };
        nobody_answers(&call).or(done.err()).map(|fault| (at, fault))
    });
    let failure = failed.map(|(at, fault)| report(test, &test.steps[..=at], fault, call.path()));
    Some(Outcome { failure, path: call.path().clone(), flow: test.flow.clone(), ways: call.ways().to_vec() })
}

/// Points at the step that failed. Keys that went into a secret are not shown, should they stand on its line.
fn report(test: &Test, played: &[Step], fault: Fault, path: &Path) -> Diagnostic {
    let presses = played.iter().filter(|step| matches!(step.line, Line::Does(Doing::Presses { .. })));
    let pressed = path.rungs().iter().filter_map(|(_, rung)| match rung {
        Rung::Presses(pressed) => Some(pressed),
        _ => None,
    });
    let secret: Vec<Span> =
        presses.zip(pressed).filter(|(_, pressed)| pressed.secret).map(|(step, _)| step.span).collect();
    let mut out = Findings::new(&test.source);
    out.mask(&secret);
    let span = fault.span.or(played.last().map(|step| step.span)).unwrap_or(test.span);
    let message = format!("{}: {}", test.name, fault.message);
    out.error(fault.code, span, message).label(fault.label).clone()
}

/// A test asks nobody outside: what a flow asks must have a mock.
fn nobody_answers(call: &Call<'_>) -> Option<Fault> {
    let request = call.unanswered()?;
    let message = format!("the flow asks {request}, and no mock answers");
    let label = format!("asked at `{}` ({})", call.node(), call.place());
    Some(Fault { code: "test-022", span: None, message, label })
}

fn does(doing: &Doing, call: &mut Call<'_>) -> Result<(), Fault> {
    if matches!(call.standing(), Standing::Over | Standing::Back(_)) {
        return Err(Fault::out_of_place("nobody is there to do this", "the call is over".to_owned()));
    }
    let possible = match doing {
        Doing::Presses { keys, after } => {
            call.waits(*after);
            call.presses(keys);
            Ok(())
        }
        Doing::Silence(None) => {
            let waited = call.stays_silent();
            waited.then_some(()).ok_or("the flow does not wait for the caller here")
        }
        Doing::Silence(Some(time)) => {
            call.is_silent_for(*time);
            Ok(())
        }
        Doing::HangsUp => {
            call.hangs_up();
            Ok(())
        }
        Doing::Speaks(time) => {
            let records = call.speaks(*time);
            records.then_some(()).ok_or("nobody listens to a message here")
        }
        Doing::MessageFails => {
            let records = call.message_fails();
            records.then_some(()).ok_or("no message is being recorded here")
        }
        Doing::QueueLeaves(why) => {
            call.listens();
            call.leaves_queue(*why).then_some(()).ok_or("the caller is in no queue here")
        }
        Doing::Position(ahead) => {
            call.listens();
            call.is_at(*ahead).then_some(()).ok_or("the caller is in no queue here")
        }
        Doing::Estimate(wait) => {
            call.listens();
            call.expects(*wait).then_some(()).ok_or("the caller is in no queue here")
        }
        Doing::AgentAnswers(agent) => {
            call.listens_for_queue();
            call.agent_answers(agent).then_some(()).ok_or("the caller waits for no agent here")
        }
        Doing::TransferFails => {
            call.listens();
            call.transfer_fails().then_some(()).ok_or("the caller is not being transferred here")
        }
    };
    possible.map_err(|message| Fault::out_of_place(message, stands(call)))
}

fn check(expectation: &Expectation, call: &mut Call<'_>) -> Result<(), Fault> {
    call.lets_hosts_answer();
    match expectation {
        Expectation::Hears { prompts, more } => hears(prompts, *more, call),
        Expectation::Queue { to, priority } => {
            call.listens();
            let right = match call.standing() {
                Standing::InQueue { queue, priority: with } => {
                    queue == to && (priority.is_none() || priority == with)
                }
                _ => false,
            };
            let with = priority.map_or(String::new(), |priority| format!(" with priority {priority}"));
            ensure(right, || format!("expected the queue {to}{with}"), call)
        }
        Expectation::Transfer(to) => {
            call.listens();
            let right = *call.standing() == Standing::Transferred(to.clone());
            ensure(right, || format!("expected a transfer to {}", destination(to)), call)
        }
        Expectation::Callback { to, number } => {
            call.listens();
            let right = |(queue, called): &(QueueId, String)| {
                queue == to && number.as_ref().is_none_or(|number| number == called)
            };
            let at = number.as_ref().map_or(String::new(), |number| format!(" at {number}"));
            let right = call.wishes().iter().any(right);
            ensure(right, || format!("expected a wish to be called back by {to}{at}"), call)
        }
        Expectation::Ends => {
            call.listens();
            let right = call.path().rungs().last().is_some_and(|(_, rung)| *rung == Rung::Ends);
            ensure(right, || "expected the flow to hang up".to_owned(), call)
        }
        Expectation::AgentReturn(verdict) => {
            call.listens();
            let right = *call.standing() == Standing::Back(*verdict);
            ensure(right, || format!("expected the caller back with the agent: {}", verdict.word()), call)
        }
        Expectation::At(node) => {
            ensure(call.node() == node, || format!("expected the caller at `{node}`"), call)
        }
        Expectation::Remark { name, value } => remark(name, value.as_deref(), call),
        Expectation::Language(language) => {
            let is = call.language();
            let fault = || {
                Fault::expected(format!("expected the language {language}"), format!("the call speaks {is}"))
            };
            if is == language { Ok(()) } else { Err(fault()) }
        }
        Expectation::Message(name) => {
            let left = call.left().messages.iter().any(|known| known == name);
            ensure(left, || format!("expected a message to be left: {name}"), call)
        }
        Expectation::Survey(score) => {
            let expected = score.map_or("none".to_owned(), |score| score.to_string());
            ensure(call.left().ratings.contains(score), || format!("expected the rating: {expected}"), call)
        }
        Expectation::Variables(variables) => variables.iter().try_for_each(|variable| holds(variable, call)),
    }
}

fn ensure(right: bool, expected: impl Fn() -> String, call: &Call<'_>) -> Result<(), Fault> {
    if right { Ok(()) } else { Err(Fault::expected(expected(), stands(call))) }
}

/// With `more`, listens to as many prompts as are named; otherwise until nothing plays.
fn hears(prompts: &[(String, Span)], more: bool, call: &mut Call<'_>) -> Result<(), Fault> {
    if more {
        call.listens_to(prompts.len());
    } else {
        call.listens();
    }
    let heard: Vec<&str> = call.heard().collect();
    for (at, (name, span)) in prompts.iter().enumerate() {
        match heard.get(at) {
            Some(heard) if heard == name => {}
            Some(heard) => {
                let message = format!("expected to hear `{name}`, heard `{heard}`");
                return Err(Fault::expected(message, format!("heard `{heard}`")).at(*span));
            }
            None => {
                let message = format!("expected to hear `{name}`, and nothing is said");
                return Err(Fault::expected(message, stands(call)).at(*span));
            }
        }
    }
    if let Some(surplus) = heard.get(prompts.len()).filter(|_| !more) {
        let fault = Fault::expected(
            format!("the caller also hears `{surplus}`"),
            "write `...` at the end if it does not matter what follows".to_owned(),
        );
        return Err(match prompts.last() {
            Some((_, span)) => fault.at(*span),
            None => fault,
        });
    }
    call.has_dealt_with(prompts.len());
    Ok(())
}

fn remark(name: &str, value: Option<&str>, call: &Call<'_>) -> Result<(), Fault> {
    let right = |(known, is): &(String, String)| known == name && value.is_none_or(|value| value == is);
    if call.remarks().iter().any(right) {
        return Ok(());
    }
    let value = value.map_or(String::new(), |value| format!(": {value}"));
    let made: Vec<String> = call.remarks().iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let label = if made.is_empty() { "there was none".to_owned() } else { made.join(", ") };
    Err(Fault::expected(format!("expected the remark {name}{value}"), label))
}

fn holds(variable: &Variable, call: &Call<'_>) -> Result<(), Fault> {
    let found = call.variables().find(|(name, _)| *name == variable.name);
    let Some((_, is)) = found else {
        let message = format!("expected `{}` to be seen", variable.name);
        let label = format!("the call is in another flow, at `{}`", call.node());
        return Err(Fault::expected(message, label).at(variable.span));
    };
    let (right, expected) = match (&variable.holds, &is) {
        (Holds::Typed(keys), Shown::Typed(typed)) => (keys == typed, format!("{keys} keys")),
        (Holds::Typed(keys), _) => (false, format!("{keys} keys")),
        (Holds::Value(value), is) => (is.to_string() == *value, format!("`{value}`")),
    };
    if right {
        return Ok(());
    }
    let message = format!("expected `{}` to hold {expected}", variable.name);
    Err(Fault::expected(message, format!("it holds `{is}`")).at(variable.span))
}

/// Where the call stands, for who expected something else.
fn stands(call: &Call<'_>) -> String {
    let node = call.node();
    match call.standing() {
        Standing::InFlow if call.plays() => {
            format!("the caller listens at `{node}` ({})", call.place())
        }
        Standing::InFlow => {
            format!("the flow waits for the caller at `{node}` ({})", call.place())
        }
        Standing::InQueue { queue, priority: Some(priority) } => {
            format!("the caller waits in the queue {queue} with priority {priority}")
        }
        Standing::InQueue { queue, priority: None } => {
            format!("the caller waits in the queue {queue} with the queue's own priority")
        }
        Standing::Transferred(to) => format!("the caller is transferred to {}", destination(to)),
        Standing::WithAgent(agent) => format!("the caller talks with the agent {agent}"),
        Standing::Back(verdict) => format!("the caller is back with the agent: {}", verdict.word()),
        Standing::Over => "the call is over".to_owned(),
    }
}
