//! `hotline emergency`: what all callers are told, on a running server.

use hyper::Method;
use serde_json::{Value, json};

use super::args::{self, StartEmergency};
use super::calls::{print_json, utc};
use super::{CannotRun, Exit, client, print};
use crate::moment::Moment;

const PATH: &str = "/api/v1/emergency";

pub(super) fn emergency(args: &args::Emergency) -> Result<Exit, CannotRun> {
    let (server, method, body) = match args {
        args::Emergency::Start(start) => (&start.server, Method::POST, Some(wished(start))),
        args::Emergency::Stop(server) => (server, Method::DELETE, None),
        args::Emergency::Status(server) => (server, Method::GET, None),
    };
    let reply = client::ask(server, method, PATH, body)?;
    if !reply.is_fine() {
        eprintln!("hotline: {}", reply.message());
        return Ok(Exit::Bad);
    }
    if server.json {
        return print_json(&reply.body);
    }
    lines(&reply.body).iter().for_each(|line| print::line(line));
    Ok(Exit::Fine)
}

fn wished(start: &StartEmergency) -> Value {
    let StartEmergency { level, prompts, lasts, time, .. } = start;
    json!({ "level": level, "prompts": prompts, "for": lasts, "time": time })
}

/// For people.
fn lines(status: &Value) -> Vec<String> {
    let (on, last) = (&status["on"], &status["last"]);
    let mut lines = vec![if on.is_null() {
        "No emergency broadcast is on.".to_owned()
    } else {
        format!("On until {} UTC: {}", moment(&on["until"]), told(on))
    }];
    if !last.is_null() {
        let by = last["by"].as_str().map_or(String::new(), |by| format!(" by {by}"));
        let why = last["why"].as_str().unwrap_or_default();
        lines.push(format!("The last was {why}{by} at {} UTC: {}", moment(&last["ended"]), told(last)));
    }
    lines
}

fn told(broadcast: &Value) -> String {
    let text = |field: &str| broadcast[field].as_str().unwrap_or_default().to_owned();
    let prompts = broadcast["prompts"].as_array().map_or(&[][..], Vec::as_slice);
    let prompts: Vec<&str> = prompts.iter().filter_map(Value::as_str).collect();
    format!(
        "level {}, says {}, started by {} at {} UTC; {} callers heard it, {} hung up during it",
        text("level"),
        prompts.join(", "),
        text("user"),
        moment(&broadcast["since"]),
        broadcast["heard"],
        broadcast["hung_up"],
    )
}

fn moment(value: &Value) -> String {
    utc(Moment::from_micros(value.as_u64().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_names_the_user_the_end_and_the_callers() {
        let on = json!({ "level": "info", "prompts": ["emg_sys"], "user": "super", "since": 0, "until": 3_600_000_000_u64,
            "heard": 7, "hung_up": 2 });
        let lines = lines(&json!({ "on": on, "last": null }));
        let expected = "On until 1970-01-01 01:00:00 UTC: level info, says emg_sys, started by super at \
                        1970-01-01 00:00:00 UTC; 7 callers heard it, 2 hung up during it";
        assert_eq!(lines, [expected]);
        let nothing = super::lines(&json!({ "on": null, "last": null }));
        assert_eq!(nothing, ["No emergency broadcast is on."]);
    }
}
