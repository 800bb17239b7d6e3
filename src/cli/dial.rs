//! `hotline dial`: be the caller, in the terminal. Prompts are read instead of heard, time is turned by hand.

use std::io::{BufRead, IsTerminal as _, Write as _};
use std::path::Path;

use super::args;
use super::ground::{Ground, Place, stem};
use super::speak::Speaker;
use super::{CannotRun, Exit, print};
use crate::diagnostic::fields::parse_duration;
use crate::diagnostic::render_all;
use crate::ids::FlowId;
use crate::ivr::bot::{BotEnd, BotFailure, BotResult};
use crate::ivr::emergency::{Broadcast, Level};
use crate::ivr::flow::Flow;
use crate::ivr::http::{HttpFailure, HttpResponse};
use crate::ivr::profile::Remembered;
use crate::ivr::run::{Caller, QueueExit, TransferTo};
use crate::ivr::trial::call::{Call, Standing};
use crate::ivr::trial::path::Rung;
use crate::ivr::trial::{Stage, script};
use crate::moment::Moment;

const HELP: &str =
    "keys such as 1 or 123#   press them        empty or .   silence, until the flow gives up waiting
+10s   time passes       v   variables     w   where in the file       q   hang up";

/// When calls begin unless told otherwise: a Monday morning, the bank open.
const AT: &str = "2026-03-02 10:00";

/// What is broadcast if only a level is given.
const USUAL_BROADCAST: &str = "emg_sys";

/// Most flows of one call, one after the other, as in the server.
const FLOWS: usize = 8;

pub(super) fn dial(args: &args::Dial) -> Result<Exit, CannotRun> {
    let place = match (&args.config, &args.to) {
        (Some(path), _) => Place::named(path),
        (None, Some(to)) if Path::new(to).is_file() => Place::named(to.as_ref()),
        (None, _) => Ok(Place::demo()),
    };
    let place = match place {
        Ok(place) => place,
        Err(found) => return Ok(refused(&render_all(&found))),
    };
    let ground = Ground::of(&place)?;
    let named = place.file.as_deref().map(stem);
    let mut speaker =
        Speaker::of(args.speak.as_deref().map(Path::new), &ground.config.prompts, &ground.words)?;
    match ground.stage(|stage| Desk { args, ground: &ground, stage }.connect(named, &mut speaker)) {
        Ok(exit) => speaker.finish().map(|()| exit),
        Err(found) => Ok(refused(&render_all(&found))),
    }
}

fn refused(why: &str) -> Exit {
    print::text(why);
    Exit::Bad
}

/// What connects the caller to a flow.
struct Desk<'d> {
    args: &'d args::Dial,
    ground: &'d Ground,
    stage: &'d Stage<'d>,
}

/// What comes after a call in a flow.
enum After {
    Over,
    /// Another of the bank's numbers takes it, at that time.
    Number(String, Moment),
}

impl Desk<'_> {
    /// The flow that was asked for, until the call is over.
    fn connect(&self, file: Option<&str>, speaker: &mut Speaker) -> Exit {
        let numbers = &self.ground.config.numbers;
        let asked = self.args.flow.as_deref().or(file).or(self.args.to.as_deref());
        let first = numbers.keys().next().map(String::as_str);
        let Some(asked) = asked.or(first) else { return refused("there is no number to dial") };
        let (mut flow, mut dialled, mut language) = match numbers.get(asked) {
            Some(number) => (number.flow.clone(), asked.to_owned(), Some(number.language.clone())),
            None => (FlowId::from(asked), first.unwrap_or_default().to_owned(), None),
        };
        let mut began = None;
        let mut broadcast = match self.broadcast() {
            Ok(broadcast) => broadcast,
            Err(why) => return refused(&why),
        };
        for _ in 0..FLOWS {
            let Some(on) = self.stage.flow(&flow) else {
                let flows: Vec<&str> = self.stage.flows().map(|(id, _)| id.as_str()).collect();
                return refused(&format!("there is no flow or number `{flow}`; flows: {}", flows.join(", ")));
            };
            let spoken = self.args.language.clone().or(language);
            let caller = Caller {
                number: self.args.caller.clone(),
                dialled: dialled.clone(),
                language: spoken.unwrap_or_default(),
            };
            let at = self.args.at.as_deref().unwrap_or(AT);
            let Some(at) = began.or_else(|| script::moment(at, on)) else {
                return refused(&format!("`{at}` is not a date and a time such as 2026-11-28 09:30"));
            };
            let call = Call::begin(
                self.stage,
                on,
                &[],
                (broadcast.take(), Remembered::new()),
                caller,
                self.args.seed,
                at,
            );
            let mut telephone = Telephone { call, stage: self.stage, on, told: 0, speaker: &mut *speaker };
            let after = telephone.talk();
            let Telephone { call, speaker, .. } = telephone;
            speaker.call_over(call.path().rungs(), call.lasts());
            match after {
                After::Over => return Exit::Fine,
                After::Number(number, at) => {
                    let Some(next) = numbers.get(&number) else { return refused("nobody has that number") };
                    (flow, language) = (next.flow.clone(), Some(next.language.clone()));
                    (dialled, began) = (number, Some(at));
                }
            }
        }
        refused("the call was transferred too often")
    }
}

impl Desk<'_> {
    /// The broadcast that was asked for: `full:emg_sys`, said at the time the call begins if it says one.
    fn broadcast(&self) -> Result<Option<Broadcast>, String> {
        let Some(text) = &self.args.emergency else { return Ok(None) };
        let (level, prompt) = text.split_once(':').unwrap_or((text, USUAL_BROADCAST));
        let level = Level::read(level)
            .ok_or_else(|| format!("there is no level `{level}`: info, deflect or full"))?;
        let time = Some("12:00".to_owned());
        let broadcast = Broadcast { level, prompts: vec![prompt.to_owned()], time };
        let check = self.stage.check_broadcast(&broadcast);
        check.map(|()| Some(broadcast)).map_err(|why| format!("this cannot be broadcast: {why}"))
    }
}

/// A caller's telephone: a line of the keyboard at a time.
struct Telephone<'t> {
    call: Call<'t>,
    stage: &'t Stage<'t>,
    on: &'t Flow,
    /// What of the path has been printed.
    told: usize,
    speaker: &'t mut Speaker,
}

impl Telephone<'_> {
    fn talk(&mut self) -> After {
        print::text(HELP);
        let mut lines = std::io::stdin().lock().lines();
        loop {
            self.call.listens();
            self.tell();
            match self.call.standing() {
                Standing::WithAgent(_) => {
                    print::line("You talk with the agent.");
                    return After::Over;
                }
                Standing::Over | Standing::Back(_) => return After::Over,
                Standing::InQueue { .. } => {
                    print::line(
                        "now:  keys   +70s   place 3   wait 5m   timeout, full or empty to come back   agent 1001   person   q",
                    );
                }
                Standing::Transferred(_) => {
                    print::line("now:  fails to come back   on to go on with that number   person   q");
                }
                Standing::InFlow if self.call.awaits_bot() => {
                    print::line(
                        "now:  what the bot found out, such as {\"intent\": \"loss\"}   person {…} to hand over   closes   fails   timeout   q",
                    );
                }
                Standing::InFlow if self.call.unanswered().is_some() => {
                    print::line(
                        "now:  a status and a body, such as 200 {\"name\": \"Li\"}   fails   timeout   q",
                    );
                }
                Standing::InFlow if self.call.records() => {
                    print::line("now:  +5s to speak for so long   the key that ends it   fails   q");
                }
                Standing::InFlow => {}
            }
            prompt();
            if !std::io::stdin().is_terminal() {
                self.speaker.is_heard_out();
            }
            let line = lines.next();
            self.speaker.falls_silent();
            let Some(Ok(line)) = line else {
                self.call.hangs_up();
                self.tell();
                return After::Over;
            };
            if let Some(after) = self.obey(line.trim()) {
                self.tell();
                return after;
            }
        }
    }

    /// One line of the keyboard. What comes after the call, if it ends by it.
    fn obey(&mut self, line: &str) -> Option<After> {
        match line {
            "q" => {
                self.call.hangs_up();
                return Some(After::Over);
            }
            "v" => self.variables(),
            "w" => print::line(&format!("at {} ({})", self.call.node(), self.call.place())),
            "h" | "?" => print::text(HELP),
            _ => return self.act(line),
        }
        None
    }

    fn act(&mut self, line: &str) -> Option<After> {
        let time = line.strip_prefix('+').and_then(parse_duration);
        match (self.call.standing().clone(), line) {
            (_, _) if time.is_some() => self.call.waits(time.unwrap_or_default()),
            (Standing::InQueue { .. }, line) if self.waits(line) => {}
            (Standing::InQueue { .. }, keys) if is_keys(keys) => self.call.presses(keys),
            (Standing::InQueue { .. }, "timeout" | "t") => self.leaves(QueueExit::Timeout),
            (Standing::InQueue { .. }, "full" | "f") => self.leaves(QueueExit::Full),
            (Standing::InQueue { .. }, "empty" | "e") => self.leaves(QueueExit::Empty),
            (Standing::InQueue { .. } | Standing::Transferred(_), "person" | "p") => {
                print::line("A person takes the call.");
                return Some(After::Over);
            }
            (Standing::Transferred(_), "fails" | "f") => {
                self.call.transfer_fails();
            }
            (Standing::Transferred(TransferTo::Number(number)), "on" | "o") => {
                return Some(After::Number(number, self.call.now()));
            }
            (Standing::InFlow, line) if self.call.awaits_bot() => self.bot_ends(line),
            (Standing::InFlow, line) if self.call.unanswered().is_some() => self.host_answers(line),
            (Standing::InFlow, "fails" | "f") if self.call.records() => {
                self.call.message_fails();
            }
            (Standing::InFlow, "" | ".") => {
                if !self.call.stays_silent() {
                    print::line("The flow does not wait for you.");
                }
            }
            (Standing::InFlow, keys) if is_keys(keys) => self.call.presses(keys),
            _ => print::line("That means nothing here; ? lists what does."),
        }
        None
    }

    /// What the host says that the flow has asked.
    fn host_answers(&mut self, line: &str) {
        let (status, body) = line.split_once(' ').unwrap_or((line, ""));
        match (line, status.parse::<u16>()) {
            ("timeout" | "", _) => drop(self.call.stays_silent()),
            ("fails", _) => self.call.host_answers(Err(HttpFailure::Unreachable)),
            (_, Ok(status @ 100..=599)) => {
                self.call.host_answers(Ok(HttpResponse { status, body: body.to_owned() }));
            }
            _ => print::line("That is no answer of a host."),
        }
    }

    /// Something happens in the queue: `place 3`, `wait 5m`, `agent 1001`. False if the line says something else.
    fn waits(&mut self, line: &str) -> bool {
        match line.split_once(' ') {
            Some(("place", ahead)) => ahead.parse().is_ok_and(|ahead| self.call.is_at(ahead)),
            Some(("wait", wait)) => parse_duration(wait).is_some_and(|wait| self.call.expects(Some(wait))),
            Some(("agent", agent)) => self.call.agent_answers(&agent.into()),
            _ => false,
        }
    }

    /// What the bot found out.
    fn bot_ends(&mut self, line: &str) {
        let (person, slots) = match line.strip_prefix("person") {
            Some(slots) => (true, slots.trim()),
            None => (false, line),
        };
        let slots = if person && slots.is_empty() { "{}" } else { slots };
        match line {
            "closes" => self.call.bot_ends(BotEnd::Closed),
            "fails" => self.call.bot_ends(BotEnd::Failed(BotFailure::Broken)),
            "timeout" | "" => drop(self.call.stays_silent()),
            _ if serde_json::from_str::<serde_json::Map<_, _>>(slots).is_ok() => {
                let result = BotResult { slots: slots.to_owned(), transcript: Vec::new(), person };
                self.call.bot_ends(BotEnd::Result(Box::new(result)));
            }
            _ => print::line("That is no result of a bot."),
        }
    }

    fn leaves(&mut self, why: QueueExit) {
        self.call.leaves_queue(why);
    }

    fn variables(&self) {
        let mut none = true;
        for (name, shown) in self.call.variables() {
            none = false;
            print::line(&format!("{name} = {shown}"));
        }
        print::line(&format!("language = {}", self.call.language()));
        if none {
            print::line("The flow has no variables.");
        }
    }

    /// Prints what has happened since the last time.
    fn tell(&mut self) {
        let rungs = self.call.path().rungs();
        for (at, rung) in &rungs[self.told..] {
            let text = match rung {
                Rung::Hears(prompt) => {
                    let words = self.stage.words.words(*prompt);
                    format!("  {}", words.unwrap_or(self.stage.words.name(*prompt)))
                }
                rung => rung.told(self.stage, self.on),
            };
            print::line(&format!("{:>7.1} s  {text}", at.as_secs_f64()));
        }
        self.speaker.says(&rungs[self.told..]);
        self.told = rungs.len();
    }
}

/// At a terminal: it is the caller's turn.
fn prompt() {
    let mut out = std::io::stdout().lock();
    if std::io::stdin().is_terminal() && out.is_terminal() {
        // A terminal that has gone is noticed by the next line read.
        let _ = write!(out, "> ").and_then(|()| out.flush());
    }
}

fn is_keys(line: &str) -> bool {
    !line.is_empty() && line.chars().all(|key| key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D'))
}
