//! Asking a host: the request filled in, tried, tried again, and its answer taken into variables.

use super::{Action, Compared, Held, Run, State, Typed};
use crate::ivr::flow::{NodeId, Step, VariableId};
use crate::ivr::http::{Dip, HttpFailure, HttpRequest, HttpResponse, Json, Piece, Verdict, encode};
use crate::moment::Moment;

/// A body as first laid out, bytes: nearly all fit, so that no copy with a secret in it is left behind by growing.
const BODY_BYTES: usize = 4_096;

/// What a try needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Try {
    path: Typed,
    body: Option<Typed>,
    /// Tries after it.
    left: u8,
}

impl Run {
    /// The number of the request whose answer the run waits for. An answer to any other comes too late.
    pub fn awaits(&self) -> Option<u64> {
        match &self.state {
            State::Requesting { number, .. } => Some(*number),
            _ => None,
        }
    }

    /// Asks. Where the call goes instead, if the request cannot be filled in.
    pub(super) fn dip(&mut self, now: Moment, dip: &Dip, actions: &mut Vec<Action>) -> Option<NodeId> {
        let filled = self.path(dip).and_then(|path| Ok((path, self.body(dip)?)));
        match filled {
            Ok((path, body)) => {
                if let Some(json) = &dip.body {
                    self.wipe_secrets(json);
                }
                self.ask_host(now, dip, Try { path, body, left: dip.retries }, actions);
                None
            }
            Err(why) => {
                actions.push(Action::Remark { name: "http".into(), value: why.to_owned() });
                Some(dip.on_failed)
            }
        }
    }

    /// One try.
    fn ask_host(&mut self, now: Moment, dip: &Dip, what: Try, actions: &mut Vec<Action>) {
        self.requests += 1;
        let request = HttpRequest {
            number: self.requests,
            host: dip.host.clone(),
            method: dip.method,
            path: what.path.0.clone(),
            body: what.body.as_ref().map(|body| body.0.clone()),
            timeout: dip.timeout,
        };
        actions.push(Action::Http { request: Box::new(request) });
        let again = what.left.checked_sub(1).map(|left| Box::new(Try { left, ..what }));
        self.state = State::Requesting { number: self.requests, until: now + dip.timeout, again };
    }

    /// The answer, or why there is none. Means nothing while none is awaited.
    pub(super) fn http_done(
        &mut self,
        now: Moment,
        result: &Result<HttpResponse, HttpFailure>,
        actions: &mut Vec<Action>,
    ) {
        let flow = self.flow.clone();
        let Step::Http(dip) = &flow.node(self.node).step else { return };
        let State::Requesting { again, .. } = &mut self.state else { return };
        let again = again.take();
        let next = match (dip.verdict(result), again) {
            (Verdict::To(node), _) => node,
            (Verdict::Good(body), _) => match dip.taken(body) {
                Some(brought) => {
                    self.fill(brought);
                    dip.next
                }
                None => {
                    let value = "the answer lacks what the flow wants".to_owned();
                    actions.push(Action::Remark { name: "http".into(), value });
                    dip.on_failed
                }
            },
            (Verdict::Failed { may_pass: true }, Some(again)) => {
                return self.ask_host(now, dip, *again, actions);
            }
            (Verdict::Failed { .. }, _) => dip.on_failed,
        };
        self.state = State::Over;
        self.go(now, next, actions);
    }

    pub(super) fn fill(&mut self, brought: Vec<(VariableId, Held)>) {
        for (VariableId(place), value) in brought {
            self.variables[place] = value;
        }
    }

    /// Fails where a value would make it the path of something else.
    fn path(&self, dip: &Dip) -> Result<Typed, &'static str> {
        let mut path = String::new();
        for piece in &dip.path {
            match piece {
                Piece::Written(text) => path.push_str(text),
                Piece::Value(operand) => {
                    let before = path.len();
                    match self.value(operand) {
                        Compared::Text(text) => encode(text, &mut path),
                        Compared::Number(number) => encode(&number.to_string(), &mut path),
                        Compared::Quantity(quantity) => encode(&quantity.to_string(), &mut path),
                        Compared::Nothing => {}
                    }
                    if path.len() == before && !path.contains('?') {
                        return Err("not asked: a part of the path would be empty");
                    }
                }
            }
        }
        let way = path.split('?').next().unwrap_or_default();
        if way.split('/').any(|part| matches!(part, "." | "..")) {
            return Err("not asked: the path would lead elsewhere");
        }
        Ok(Typed(path))
    }

    fn body(&self, dip: &Dip) -> Result<Option<Typed>, &'static str> {
        let Some(json) = &dip.body else { return Ok(None) };
        let mut text = Typed(String::with_capacity(BODY_BYTES));
        self.write(json, &mut text.0)?;
        Ok(Some(text))
    }

    /// By hand, so that a secret is copied once.
    fn write(&self, json: &Json, text: &mut String) -> Result<(), &'static str> {
        match json {
            Json::Value(operand) => match self.value(operand) {
                Compared::Text(value) => quote(value, text),
                Compared::Number(number) => text.push_str(&number.to_string()),
                Compared::Quantity(quantity) => quote(&quantity.to_string(), text),
                Compared::Nothing => text.push_str("null"),
            },
            Json::Truth(truth) => text.push_str(if *truth { "true" } else { "false" }),
            Json::Secret(VariableId(place)) => match &self.variables[*place] {
                // Keys of a telephone need no escapes.
                Held::Secret(typed) if !typed.0.is_empty() => {
                    text.push('"');
                    text.push_str(&typed.0);
                    text.push('"');
                }
                _ => return Err("not asked: the secret was never typed, or has been sent before"),
            },
            Json::Map(entries) => {
                for (at, (name, value)) in entries.iter().enumerate() {
                    text.push(if at == 0 { '{' } else { ',' });
                    quote(name, text);
                    text.push(':');
                    self.write(value, text)?;
                }
                text.push_str(if entries.is_empty() { "{}" } else { "}" });
            }
        }
        Ok(())
    }

    /// What has been sent is not kept.
    fn wipe_secrets(&mut self, json: &Json) {
        match json {
            Json::Secret(VariableId(place)) => {
                if let Held::Secret(typed) = &mut self.variables[*place] {
                    *typed = Typed::default();
                }
            }
            Json::Map(entries) => entries.iter().for_each(|(_, value)| self.wipe_secrets(value)),
            Json::Value(_) | Json::Truth(_) => {}
        }
    }
}

/// As a JSON string (RFC 8259 §7).
fn quote(value: &str, text: &mut String) {
    text.push('"');
    for symbol in value.chars() {
        match symbol {
            '"' | '\\' => text.extend(['\\', symbol]),
            control if control < ' ' => text.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => text.push(other),
        }
    }
    text.push('"');
}
