//! Asking a host: the request filled in, tried, tried again, and its answer taken into variables.

use super::{Action, Compared, Held, Run, State, wipe};
use crate::ivr::flow::{NodeId, Step, VariableId};
use crate::ivr::http::{Brought, Dip, HttpFailure, HttpRequest, HttpResponse, Json, Piece, Verdict, encode};
use crate::moment::Moment;

/// A body as first laid out, bytes: nearly all fit, so that no copy with a secret in it is left behind by growing.
const BODY_BYTES: usize = 4_096;

impl Run {
    /// The number of the request whose answer the run waits for. An answer to any other comes too late.
    pub fn awaits(&self) -> Option<u64> {
        match &self.state {
            State::Requesting { request, .. } => Some(request.number),
            _ => None,
        }
    }

    /// Asks. Where the call goes instead, if the request cannot be filled in.
    pub(super) fn dip(&mut self, now: Moment, dip: &Dip, actions: &mut Vec<Action>) -> Option<NodeId> {
        let filled = self.path(dip).and_then(|path| Ok((path, self.body(dip)?)));
        let (path, body) = match filled {
            Ok(filled) => filled,
            Err(why) => {
                actions.push(Action::Remark { name: "http".into(), value: why.to_owned() });
                return Some(dip.on_failed);
            }
        };
        if let Some(json) = &dip.body {
            self.wipe_secrets(json);
        }
        let request = HttpRequest {
            number: 0,
            host: dip.host.clone(),
            method: dip.method,
            path,
            body,
            timeout: dip.timeout,
        };
        self.ask_host(now, Box::new(request), dip.retries, actions);
        None
    }

    /// One try.
    fn ask_host(
        &mut self,
        now: Moment,
        mut request: Box<HttpRequest>,
        retries: u8,
        actions: &mut Vec<Action>,
    ) {
        self.requests += 1;
        request.number = self.requests;
        let until = now + request.timeout;
        actions.push(Action::Http { request: request.clone() });
        self.state = State::Requesting { request, retries, until };
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
        let (mut request, retries) = match std::mem::replace(&mut self.state, State::Over) {
            State::Requesting { request, retries, .. } => (request, retries),
            other => {
                self.state = other;
                return;
            }
        };
        let next = match dip.verdict(result) {
            Verdict::To(node) => node,
            Verdict::Good(body) => match dip.taken(body) {
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
            Verdict::Failed { may_pass: true } if retries > 0 => {
                return self.ask_host(now, request, retries - 1, actions);
            }
            Verdict::Failed { .. } => dip.on_failed,
        };
        if let Some(body) = &mut request.body {
            wipe(body);
        }
        self.go(now, next, actions);
    }

    fn fill(&mut self, brought: Vec<(VariableId, Brought)>) {
        for (VariableId(place), value) in brought {
            self.variables[place] = match value {
                Brought::Text(text) => Held::Text(text),
                Brought::Number(number) => Held::Number(number),
            };
        }
    }

    /// Fails where a value would make it the path of something else.
    fn path(&self, dip: &Dip) -> Result<String, &'static str> {
        let mut path = String::new();
        for piece in &dip.path {
            match piece {
                Piece::Written(text) => path.push_str(text),
                Piece::Value(operand) => {
                    let before = path.len();
                    match self.value(operand) {
                        Compared::Text(text) => encode(text, &mut path),
                        Compared::Number(number) => encode(&number.to_string(), &mut path),
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
        Ok(path)
    }

    fn body(&self, dip: &Dip) -> Result<Option<String>, &'static str> {
        let Some(json) = &dip.body else { return Ok(None) };
        let mut text = String::with_capacity(BODY_BYTES);
        self.write(json, &mut text)?;
        Ok(Some(text))
    }

    /// By hand, so that a secret is copied once.
    fn write(&self, json: &Json, text: &mut String) -> Result<(), &'static str> {
        match json {
            Json::Value(operand) => match self.value(operand) {
                Compared::Text(value) => quote(value, text),
                Compared::Number(number) => text.push_str(&number.to_string()),
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
                    wipe(&mut typed.0);
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
