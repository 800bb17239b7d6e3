//! `/api/v1/events`: what happens, as it happens, over a WebSocket.
//!
//! The first message is a snapshot. It is taken after listening began, so that nothing falls between the two; an event
//! may be told that the snapshot knows already. A reader who is too slow misses events and is told how many.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{MissedTickBehavior, interval, timeout};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::{ApiError, ErrorBody};
use super::limits::{FOLLOWED, PING_EVERY, SEND_TIME, SILENCE, SOCKET_MESSAGE};
use super::role::{Reach, Right};
use super::shown::{self, Event, Eyes, Snapshot};
use super::who::Who;
use crate::engine::happened::{Happened, What};
use crate::engine::view;
use crate::ids::{AgentId, CallId};
use crate::moment::Moment;

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Of this call only.
    call: Option<String>,
    /// Of this kind only: `call_arrived`, `state_changed` …
    kind: Option<String>,
}

/// A message of the stream.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Told {
    First {
        snapshot: Snapshot,
    },
    Happened(Event),
    /// So many events were not told, because the reader was too slow.
    Missed {
        missed: u64,
    },
}

/// What happens, as it happens. Agents are told what concerns them, with numbers masked.
#[utoipa::path(get, path = "/api/v1/events", tag = "live", params(Wanted), responses(
    (status = 101, body = Told, description = "A WebSocket of JSON messages: a snapshot first, then events"),
    (status = 400, body = ErrorBody, description = "No WebSocket asked for, or not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 503, body = ErrorBody, description = "Too many streams"),
))]
pub async fn events(
    State(app): State<App>,
    who: Who,
    wanted: Result<Query<Wanted>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let reach = who.may(Right::SeeLive)?;
    let Query(wanted) = wanted?;
    let call = wanted.call.as_deref().map(super::live::call_id).transpose()?;
    let upgrade = upgrade.map_err(|rejection| ApiError::Bad(rejection.body_text()))?;
    let place = Arc::clone(&app.sockets).try_acquire_owned().map_err(|_| ApiError::Busy("event streams"))?;
    let happened = app.doors.engine.listen();
    let snapshot = app.snapshot().await?;
    let only = who.person.agent.clone().filter(|_| reach == Reach::Own);
    let chosen = Chosen { call, kind: wanted.kind, only: only.map(|agent| Theirs::of(agent, &snapshot)) };
    let upgrade = upgrade.max_message_size(SOCKET_MESSAGE);
    Ok(upgrade.on_upgrade(async move |socket| {
        let stream = Stream { app, who, chosen, socket };
        stream.run(&snapshot, happened).await;
        drop(place);
    }))
}

/// Which events a reader gets.
struct Chosen {
    call: Option<CallId>,
    kind: Option<String>,
    only: Option<Theirs>,
}

/// What concerns one agent: themselves, and calls from offer to end.
struct Theirs {
    agent: AgentId,
    calls: VecDeque<CallId>,
}

impl Theirs {
    fn of(agent: AgentId, snapshot: &view::Snapshot) -> Theirs {
        let calls = snapshot.calls.iter().filter(|call| call.agent.as_ref() == Some(&agent));
        let calls = calls.map(|call| call.call).take(FOLLOWED).collect();
        Theirs { agent, calls }
    }

    fn concerns(&mut self, happened: &Happened) -> bool {
        let Happened { call, agent, what, .. } = happened;
        let known = call.is_some_and(|call| self.calls.contains(&call));
        let named = agent.as_ref() == Some(&self.agent);
        if let Some(call) = *call {
            // An offer that came to nothing takes the caller elsewhere.
            // What a caller says of the agent is not for that agent.
            let over =
                matches!(what, What::CallEnded { .. } | What::SurveyBegan { .. } | What::Surveyed { .. })
                    || (named && matches!(what, What::OfferEnded { why, .. } if !answered(*why)));
            if over {
                self.calls.retain(|followed| *followed != call);
            } else if named && !known {
                if self.calls.len() == FOLLOWED {
                    self.calls.pop_front();
                }
                self.calls.push_back(call);
            }
        }
        (known || named) && !matches!(what, What::Surveyed { .. })
    }
}

fn answered(why: crate::engine::happened::OfferEnd) -> bool {
    why == crate::engine::happened::OfferEnd::Answered
}

impl Chosen {
    fn takes(&mut self, happened: &Happened) -> bool {
        // Asked first and always: it learns from what it sees.
        let theirs = self.only.as_mut().is_none_or(|only| only.concerns(happened));
        theirs && self.call.is_none_or(|call| happened.call == Some(call))
    }
}

struct Stream {
    app: App,
    who: Who,
    chosen: Chosen,
    socket: WebSocket,
}

/// Why a stream ends.
enum Over {
    /// The reader is gone, or does not take what is sent.
    Gone,
    /// We end it, and say so.
    Ended(u16, &'static str),
}

impl Stream {
    async fn run(mut self, snapshot: &view::Snapshot, happened: broadcast::Receiver<Arc<Happened>>) {
        if let Err(Over::Ended(code, reason)) = self.tell_all(snapshot, happened).await {
            let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            // A reader who does not take even this is gone.
            let _ = timeout(SEND_TIME, self.socket.send(close)).await;
        }
    }

    async fn tell_all(
        &mut self,
        snapshot: &view::Snapshot,
        mut happened: broadcast::Receiver<Arc<Happened>>,
    ) -> Result<(), Over> {
        let snapshot = shown::snapshot(snapshot, Eyes::of(&self.who, &self.app.config()));
        self.tell(&Told::First { snapshot }).await?;
        let mut stopping = self.app.stopping.clone();
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = self.app.now();
        loop {
            tokio::select! {
                () = super::told_to_stop(&mut stopping) => {
                    return Err(Over::Ended(close_code::AWAY, "the server is stopping"));
                }
                event = happened.recv() => self.tell_event(event).await?,
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over::Gone),
                    // Nothing but being there is expected of a reader.
                    Some(Ok(_)) => heard = self.app.now(),
                },
                _ = ping.tick() => self.look_after(heard).await?,
            }
        }
    }

    async fn tell_event(&mut self, event: Result<Arc<Happened>, RecvError>) -> Result<(), Over> {
        let happened = match event {
            Ok(happened) => happened,
            Err(RecvError::Lagged(missed)) => return self.tell(&Told::Missed { missed }).await,
            Err(RecvError::Closed) => return Err(Over::Ended(close_code::AWAY, "the server is stopping")),
        };
        if !self.chosen.takes(&happened) {
            return Ok(());
        }
        let event = shown::event(&happened, Eyes::of(&self.who, &self.app.config()));
        let kind = event.event.get("kind").and_then(|kind| kind.as_str());
        if self.chosen.kind.as_deref().is_some_and(|wanted| kind != Some(wanted)) {
            return Ok(());
        }
        self.tell(&Told::Happened(event)).await
    }

    async fn look_after(&mut self, heard: Moment) -> Result<(), Over> {
        let now = self.app.now();
        if now.since(heard) > SILENCE {
            return Err(Over::Gone);
        }
        if self.app.sessions().find(now, self.who.session).is_none() {
            return Err(Over::Ended(close_code::POLICY, "the session is over"));
        }
        self.send(Message::Ping(Default::default())).await
    }

    async fn tell(&mut self, told: &Told) -> Result<(), Over> {
        // Maps with text keys and numbers: nothing in them that JSON cannot say.
        let text = serde_json::to_string(told).map_err(|_| Over::Ended(close_code::ERROR, "internal"))?;
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match timeout(SEND_TIME, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over::Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::cause::Cause;
    use crate::engine::happened::{OfferEnd, Party};

    fn happened(call: u64, agent: Option<&str>, what: What) -> Happened {
        let agent = agent.map(Into::into);
        Happened { seq: 1, at: Moment::ZERO, call: Some(CallId(call)), agent, what }
    }

    #[test]
    fn an_agent_follows_a_call_from_its_offer_to_its_end_and_no_other() {
        let mut theirs = Theirs { agent: "1001".into(), calls: VecDeque::new() };
        let node = || What::NodeEntered { node: "x".into() };
        let ended = What::CallEnded { cause: Cause::CallerHungUp, by: Party::Caller, talk_ms: 0 };
        let offer_ended = |why| What::OfferEnded { queue: "general".into(), why };
        assert!(!theirs.concerns(&happened(1, None, node())), "not theirs yet");
        assert!(theirs.concerns(&happened(1, Some("1001"), offer_ended(OfferEnd::Answered))));
        assert!(theirs.concerns(&happened(1, None, node())));
        assert!(!theirs.concerns(&happened(2, Some("1002"), node())), "another's");
        assert!(theirs.concerns(&happened(1, None, ended)));
        assert!(!theirs.concerns(&happened(1, None, node())), "it is over");
        assert!(theirs.concerns(&happened(3, Some("1001"), offer_ended(OfferEnd::CallerLeft))));
        assert!(!theirs.concerns(&happened(3, None, node())), "the offer came to nothing");
        assert!(theirs.concerns(&happened(4, Some("1001"), offer_ended(OfferEnd::Answered))));
        let asked = What::SurveyBegan { queue: "cards".into(), flow: "survey".into(), talk_ms: 5 };
        assert!(theirs.concerns(&happened(4, Some("1001"), asked)));
        let rated = What::Surveyed { queue: Some("cards".into()), score: Some(1) };
        assert!(!theirs.concerns(&happened(4, Some("1001"), rated)), "not how they were rated");
        assert!(!theirs.concerns(&happened(4, None, node())), "nor where that leads");
    }
}
