//! `hotline flows`: publishing, and what is in force, asked of the running server.

use hyper::Method;
use serde_json::{Value, json};

use super::args::{self, Order};
use super::calls::{print_json, utc};
use super::client::Reply;
use super::{CannotRun, Exit, client, print};
use crate::moment::Moment;

const FLOWS: &str = "/api/v1/flows";

pub(super) fn flows(args: &args::Flows) -> Result<Exit, CannotRun> {
    let (method, path, body) = asked(&args.order);
    show(args, &client::ask(&args.server, method, &format!("{FLOWS}{path}"), body)?)
}

fn asked(order: &Order) -> (Method, String, Option<Value>) {
    let get = |path: String| (Method::GET, path, None);
    let post = |path: String, body| (Method::POST, path, Some(body));
    match order {
        Order::Status => get(String::new()),
        Order::List => get("/releases".into()),
        Order::Show { release } => get(format!("/releases/{release}")),
        Order::Diff { from, to } => {
            let side = |name: &str, side: &Option<String>| side.as_ref().map(|side| format!("{name}={side}"));
            let sides: Vec<String> = side("from", from).into_iter().chain(side("to", to)).collect();
            get(format!("/diff?{}", sides.join("&")))
        }
        Order::Publish { comment, percent, base } => {
            post("/publish".into(), json!({ "comment": comment, "percent": percent, "base": base }))
        }
        Order::Approve { release } => post(format!("/releases/{release}/approve"), json!({})),
        Order::Rollback { to, comment } => post("/rollback".into(), json!({ "to": to, "comment": comment })),
        Order::Promote => post("/promote".into(), json!({})),
        Order::Abort => post("/abort".into(), json!({})),
    }
}

fn show(args: &args::Flows, reply: &Reply) -> Result<Exit, CannotRun> {
    if args.server.json {
        print_json(&reply.body)?;
    }
    if !reply.is_fine() {
        if !args.server.json && reply.body["error"] == "flows_refused" {
            print::text(reply.message());
            print::line("The flows are refused; what was in force stays.");
        } else if !args.server.json {
            eprintln!("hotline: {}", reply.message());
        }
        return Ok(Exit::Bad);
    }
    if !args.server.json {
        tell(&args.order, &reply.body);
    }
    Ok(Exit::Fine)
}

fn tell(order: &Order, body: &Value) {
    match order {
        Order::Status => status(body),
        Order::List => {
            print::line(ROW_HEAD);
            list(&body["releases"]).iter().for_each(|release| print::line(&row(release)));
        }
        Order::Show { .. } => {
            print::line(ROW_HEAD);
            print::line(&row(&body["release"]));
            for file in list(&body["files"]) {
                print::line("");
                print::line(&format!("--- {}", text(&file["name"])));
                print::text(text(&file["text"]));
            }
        }
        Order::Diff { .. } => {
            let files = list(&body["files"]);
            files.iter().for_each(|file| print::text(text(&file["diff"])));
            if files.is_empty() {
                print::line("no difference");
            }
        }
        _ => ordered(body),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A time in an answer.
fn at(value: &Value) -> String {
    value.as_u64().map_or_else(String::new, |micros| utc(Moment::from_micros(micros)))
}

const ROW_HEAD: &str = "release  made (UTC)           standing    by            comment";

fn row(release: &Value) -> String {
    let standing = text(&release["standing"]).replace('_', " ");
    let mut row = format!(
        "{:>7}  {:<19}  {standing:<10}  {:<12}  {}",
        release["release"].to_string(),
        at(&release["at"]),
        text(&release["author"]),
        text(&release["comment"]),
    );
    if let Some(again) = release["again"].as_u64() {
        row.push_str(&format!(" (content of release {again})"));
    }
    if let Some(who) = release["approved_by"].as_str() {
        row.push_str(&format!(" (approved by {who})"));
    }
    if let Some(percent) = release["percent"].as_u64() {
        row.push_str(&format!(" (trial with {percent} %)"));
    }
    row
}

fn status(body: &Value) {
    print::line(ROW_HEAD);
    print::line(&row(&body["in_force"]));
    let trial = &body["on_trial"];
    if trial.is_object() {
        print::line(&row(&trial["release"]));
    }
    list(&body["proposed"]).iter().for_each(|release| print::line(&row(release)));
    let tally = |name: &str, tally: &Value| {
        if tally.is_object() {
            print::line(&format!(
                "  {name}: {} calls ended, {} abandoned, {} failed",
                tally["calls"], tally["abandoned"], tally["failed"]
            ));
        }
    };
    if trial.is_object() {
        print::line(&format!("on trial since {}:", at(&trial["since"])));
        tally("new release", &trial["new"]);
        tally("release in force", &trial["old"]);
    }
    for calls in list(&body["calls"]) {
        print::line(&format!("{} calls under way took release {}", calls["calls"], calls["release"]));
    }
    if body["approval"] == true {
        print::line("two admins are needed: one publishes, another approves");
    }
    let folder = text(&body["folder"]);
    match body["folder_differs"].as_str() {
        None => print::line(&format!("the folder {folder} is what is in force")),
        Some(how) => print::line(&format!("the folder {folder} DIFFERS from what is in force: {how}")),
    }
}

fn ordered(body: &Value) {
    print::text(text(&body["warnings"]));
    let release = &body["release"];
    let number = &release["release"];
    let became = match (text(&release["standing"]), release["percent"].as_u64()) {
        ("in_force", _) => "is in force".to_owned(),
        ("on_trial", Some(percent)) => format!("is on trial for {percent} % of the calls"),
        ("proposed", _) => format!("is proposed; another admin: hotline flows approve {number}"),
        (standing, _) => format!("is {}", standing.replace('_', " ")),
    };
    let changed: Vec<&str> = list(&body["changed"]).iter().map(text).collect();
    print::line(&format!("release {number} {became}: {} changed", changed.join(", ")));
    if body["tests"].as_u64().is_some_and(|tests| tests > 0) {
        print::line(&format!("{} tests passed", body["tests"]));
    }
}
