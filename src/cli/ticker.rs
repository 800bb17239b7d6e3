//! What happened, one readable line each, for the demo's screen. Numbers are masked.

use std::fmt::Write as _;

use super::sound;
use crate::acd::AgentState;
use crate::engine::happened::{BotOutcome, Happened, HttpOutcome, OfferEnd, Published, Side, Way, What};
use crate::observe::pii::Masked;

/// The line for `event`; `None` for what would only be noise.
pub fn line(event: &Happened) -> Option<String> {
    let told = tell(event)?;
    let mut line = clock_time(event);
    if let Some(call) = event.call {
        // The tail of the id is enough to tell the calls of a demo apart.
        let id = call.to_string();
        let _ = write!(line, "  call {}", &id[id.len() - 4..]);
    } else {
        line.push_str("           ");
    }
    let _ = write!(line, "  {told}");
    Some(line)
}

/// Universal time of day: `14:03:07.250`.
fn clock_time(event: &Happened) -> String {
    let millis = event.at.as_millis();
    let (seconds, minutes, hours) = (millis / 1_000, millis / 60_000, millis / 3_600_000);
    format!("{:02}:{:02}:{:02}.{:03}", hours % 24, minutes % 60, seconds % 60, millis % 1_000)
}

fn tell(event: &Happened) -> Option<String> {
    let agent = event.agent.as_ref().map_or("?", |agent| agent.as_str());
    Some(match &event.what {
        What::CallArrived { from, dialled } => format!("{} dials {dialled}", Masked(from)),
        What::CallAnswered { flow, release } => format!("answered by flow '{flow}' (release {release})"),
        What::NodeEntered { node } => format!("menu: {node}"),
        What::Remark { name, value } => format!("{name}: {value}"),
        What::HostAnswered { .. } | What::BotJoined { .. } | What::BotLeft { .. } => {
            return asked(&event.what);
        }
        What::QueueEntered { queue, priority } => format!("waits in queue {queue} (priority {priority})"),
        What::QueueLeft { queue, why } => format!("leaves queue {queue}: {why}"),
        What::Offered { .. } | What::OfferEnded { .. } => return offer(agent, &event.what),
        What::AgentAnswered { waited_ms, .. } => {
            format!("talks with agent {agent} after waiting {}", seconds(*waited_ms))
        }
        What::CallbackWanted { queue, number, .. } => {
            format!("{} wants to be called back by queue {queue}", Masked(number))
        }
        What::CallbackDone { wish, user } => format!("{user}: callback {wish} is done"),
        What::Held { by } => format!("put on hold by the {}", word(by)),
        What::Resumed { by } => format!("taken off hold by the {}", word(by)),
        What::Transferred { to } => format!("transferred to {to}"),
        What::VerifyStarted { .. } | What::KeysTyped { .. } | What::VerifyEnded { .. } => {
            return verification(agent, &event.what);
        }
        What::CallEnded { cause, by, talk_ms } => {
            format!("ends: {cause} (by the {}, talked {})", word(by), seconds(*talk_ms))
        }
        What::CallRefused { from, dialled, cause, unnoted } => {
            format!("{} dials {}: refused, {cause}{}", Masked(from), Masked(dialled), before(*unnoted))
        }
        What::MessageBegan { .. }
        | What::MessageLeft { .. }
        | What::MessageShort { .. }
        | What::MessageMarked { .. }
        | What::SurveyBegan { .. }
        | What::Surveyed { .. } => return left_behind(&event.what),
        What::RecordingStarted
        | What::RecordingGap { .. }
        | What::RecordingFailed { .. }
        | What::LegPoor { .. }
        | What::LegBetter { .. }
        | What::LegMeasured(_) => return audio(&event.what),
        What::PhoneRegistered => format!("agent {agent}'s phone is registered"),
        What::PhoneVanished => format!("agent {agent}'s phone is gone"),
        What::StateChanged { state } => return agent_state(agent, state),
        What::ServerStarted { .. } | What::ConfigLoaded { .. } => return None,
        What::ServerStopping => "the server stops: no new calls".to_owned(),
        What::ConfigRefused => "configuration refused; the old one stays".to_owned(),
        What::LoginFailed { source, unnoted } => {
            format!("log-in refused from {source}{}", before(*unnoted))
        }
        What::FlowsInForce { .. }
        | What::FlowsPublished(_)
        | What::FlowsProposed { .. }
        | What::CanaryAborted { .. }
        | What::CanaryTakenBack { .. } => return flows(&event.what),
        What::StaffAction { user, action } => format!("{user}: {action}"),
        What::EmergencyStarted { .. }
        | What::EmergencyHeard { .. }
        | What::EmergencyLeft { .. }
        | What::EmergencyEnded { .. } => return emergency(&event.what),
        What::ProfileRemembered { names, .. } => format!("is remembered: {}", names.join(", ")),
        What::ProfileForgotten { .. } => "a caller's number is forgotten".to_owned(),
        What::Alarm { name, text } => format!("ALARM {name}: {text}"),
        What::AlarmCleared { name } => format!("alarm over: {name}"),
    })
}

/// Hosts and bots.
fn asked(what: &What) -> Option<String> {
    Some(match what {
        What::HostAnswered { host, node, outcome, ms } => match outcome {
            HttpOutcome::Status(status) => format!("{host} answers {status} to {node} after {ms} ms"),
            HttpOutcome::Failed(why) => format!("{host} does not answer {node}: {} after {ms} ms", word(why)),
        },
        What::BotJoined { bot, .. } => format!("talks with the bot {bot}"),
        What::BotLeft { bot, outcome, ms, .. } => match outcome {
            BotOutcome::Closed => format!("the bot {bot} ends after {ms} ms"),
            BotOutcome::Result => format!("the bot {bot} ends with a result after {ms} ms"),
            BotOutcome::Person => format!("the bot {bot} hands over to a person after {ms} ms"),
            BotOutcome::Failed(why) => format!("the bot {bot} fails: {} after {ms} ms", word(why)),
        },
        _ => return None,
    })
}

/// Phones that ring.
fn offer(agent: &str, what: &What) -> Option<String> {
    Some(match what {
        What::Offered { reasons, .. } => {
            format!("agent {agent} rings (idle {})", seconds(reasons.idle_ms))
        }
        What::OfferEnded { why: OfferEnd::CallerLeft, .. } => {
            format!("agent {agent} stops ringing: the caller has gone")
        }
        What::OfferEnded { why: OfferEnd::Failed(why), .. } => {
            format!("agent {agent} did not take the call: {}; the caller stays at the head", word(why))
        }
        _ => return None,
    })
}

/// A caller who proves who they are.
fn verification(agent: &str, what: &What) -> Option<String> {
    Some(match what {
        What::VerifyStarted { flow } => format!("agent {agent} has the caller prove who they are: {flow}"),
        What::KeysTyped { keys, of } => format!("secret keys typed: {keys}/{of}"),
        What::VerifyEnded { result, .. } => format!("back with agent {agent}: {}", result.word()),
        _ => return None,
    })
}

/// Messages and ratings.
fn left_behind(what: &What) -> Option<String> {
    Some(match what {
        What::MessageBegan { name, .. } => format!("speaks a message: {name}"),
        What::MessageLeft { name, ms, .. } => format!("has left a message of {}: {name}", seconds(*ms)),
        What::MessageShort { .. } => "left no message: too short".to_owned(),
        What::MessageMarked { number, state, user } => {
            format!("message {number}: {} by {user}", state.word())
        }
        What::SurveyBegan { .. } => "is asked how it was".to_owned(),
        // What a caller thinks of an agent is not for everybody in the room.
        What::Surveyed { score: Some(_), .. } => "has rated the talk".to_owned(),
        What::Surveyed { score: None, .. } => "has not rated the talk".to_owned(),
        _ => return None,
    })
}

/// Tapes, and what legs sound like.
fn audio(what: &What) -> Option<String> {
    Some(match what {
        What::RecordingStarted => "is being recorded".to_owned(),
        What::RecordingGap { why, frames } => format!("recording has a gap of {frames} packets: {why}"),
        What::RecordingFailed { why } => format!("RECORDING FAILED, the call goes on: {why}"),
        What::LegPoor { leg, way, mos_hundredths } => {
            format!("{} POOR ({})", direction(*leg, *way), sound::verdict(*mos_hundredths))
        }
        What::LegBetter { leg, way, mos_hundredths } => {
            format!("{} better again ({})", direction(*leg, *way), sound::verdict(*mos_hundredths))
        }
        _ => return None,
    })
}

fn emergency(what: &What) -> Option<String> {
    Some(match what {
        What::EmergencyStarted { user, broadcast, .. } => {
            let (level, prompts) = (broadcast.level.name(), broadcast.prompts.join(", "));
            format!("{user}: emergency broadcast on, {level}: {prompts}")
        }
        What::EmergencyHeard { .. } => "hears the emergency broadcast".to_owned(),
        What::EmergencyLeft { .. } => "hangs up during the emergency broadcast".to_owned(),
        What::EmergencyEnded { why, user, heard, left, .. } => {
            let by = user.as_ref().map_or(String::new(), |user| format!(" by {user}"));
            format!("emergency broadcast over, {}{by}: {heard} heard it, {left} hung up", word(why))
        }
        _ => return None,
    })
}

fn agent_state(agent: &str, state: &AgentState) -> Option<String> {
    Some(match state {
        AgentState::LoggedOut => format!("agent {agent} is logged out"),
        AgentState::Ready { .. } => format!("agent {agent} is ready"),
        AgentState::WrapUp { since, until } => {
            let millis = u64::try_from(until.since(*since).as_millis()).unwrap_or(u64::MAX);
            format!("agent {agent} wraps up for {}", seconds(millis))
        }
        AgentState::NotReady { reason, .. } => format!("agent {agent} is not ready: {reason}"),
        AgentState::Offered { .. } | AgentState::Talking { .. } => return None,
    })
}

/// What happened to releases of the flows.
fn flows(what: &What) -> Option<String> {
    Some(match what {
        What::FlowsInForce { release, trial: None } => format!("flows: release {release} is in force"),
        What::FlowsInForce { release, trial: Some(trial) } => {
            format!("flows: release {release} is in force, release {trial} on trial")
        }
        What::FlowsPublished(published) => publication(published),
        What::FlowsProposed { release, author, comment } => {
            format!("flows: {author} proposes release {release}: {comment}")
        }
        What::CanaryAborted { release, author } => {
            format!("flows: {author} ends the trial of release {release}")
        }
        What::CanaryTakenBack { release, measure, new, old } => {
            format!("flows: release {release} TAKEN BACK, {} too often: {new} against {old}", word(measure))
        }
        _ => return None,
    })
}

fn publication(published: &Published) -> String {
    let Published { release, author, comment, percent, approved_by, .. } = published;
    let share = percent.map_or(String::new(), |percent| format!(" on trial for {percent} % of the calls"));
    let agreed = approved_by.as_ref().map_or(String::new(), |who| format!(", approved by {who}"));
    format!("flows: release {release} by {author}{agreed}{share}: {comment}")
}

fn direction(leg: Side, way: Way) -> String {
    match way {
        Way::Heard => format!("sound from the {} is", sound::side(leg)),
        Way::Told => format!("sound to the {} is", sound::side(leg)),
    }
}

/// Those that came too fast to get lines of their own.
fn before(unnoted: u64) -> String {
    if unnoted == 0 { String::new() } else { format!(" ({unnoted} more before it)") }
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
}

/// An enum's name as JSON has it: `no_answer`, shown as `no answer`.
fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    json.trim_matches('"').replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CallId;
    use crate::moment::Moment;

    fn at_noon(what: What) -> Happened {
        let at = Moment::from_micros((12 * 3600 + 61) * 1_000_000 + 250_000);
        Happened { seq: 1, at, call: Some(CallId(32)), agent: Some("1001".into()), what }
    }

    #[test]
    fn a_line_hides_the_middle_of_the_callers_number() {
        let what = What::CallArrived { from: "13812341234".into(), dialled: "95500".into() };
        assert_eq!(line(&at_noon(what)).as_deref(), Some("12:01:01.250  call 0010  138****1234 dials 95500"));
    }

    #[test]
    fn a_flood_of_guesses_is_one_line_that_says_how_many() {
        let tell = |unnoted| tell(&at_noon(What::LoginFailed { source: "192.0.2.7".into(), unnoted }));
        assert_eq!(tell(0).as_deref(), Some("log-in refused from 192.0.2.7"));
        assert_eq!(tell(980).as_deref(), Some("log-in refused from 192.0.2.7 (980 more before it)"));
    }

    #[test]
    fn a_missed_offer_says_what_becomes_of_the_caller() {
        let why = OfferEnd::Failed(crate::acd::OfferFailure::NoAnswer);
        let what = What::OfferEnded { queue: "general".into(), why };
        let line = line(&at_noon(what)).expect("worth a line");
        assert!(line.ends_with("agent 1001 did not take the call: no answer; the caller stays at the head"));
    }
}
