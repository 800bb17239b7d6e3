//! Callers who press anything, or nothing, at any time, through every flow that a number, a queue or an agent may lead to: each comes to a
//! person or a goodbye, soon after they have given up at the latest.
//!
//! Whatever flows stand in `ivr-flows/` are called, and hosts answer what the mocks beside them answer, or something
//! worse. A failure prints the seed and the call, as `hotline test` prints calls.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hotline::config;
use hotline::diagnostic::render_all;
use hotline::ivr::World;
use hotline::ivr::emergency::{Broadcast, Level};
use hotline::ivr::flow::Flow;
use hotline::ivr::http::{HttpFailure, HttpResponse};
use hotline::ivr::run::{Caller, QueueExit, TransferTo};
use hotline::ivr::trial::Stage;
use hotline::ivr::trial::call::{Call, Standing};
use hotline::ivr::trial::path::Rung;
use hotline::media::prompts::Wordbook;
use hotline::moment::Moment;
use hotline::rng::Rng;

use super::asked::Asked;
use super::bodies::Bodies;

/// Callers of each flow.
const CALLERS: u64 = 10_000;
/// A caller does so much at most, and then keeps silent.
const MOST_ACTS: u64 = 40;
/// From the last thing that a caller does, so long and no longer until somebody takes the call or it ends: the longest
/// menu twice with silence after it, what is said on the way, and a message as long as may be. Time in queues is not counted.
const PATIENCE: Duration = Duration::from_secs(300);
/// Questions that a silent caller may be left alone with in that time, repeats counted.
const SILENCES: usize = 6;
/// Queues and transfers that may fail one after the other.
const EXITS: usize = 12;
/// Waits, answers and exits after the last key: a call that goes on longer goes round.
const MOST_ROUNDS: usize = 100;
/// Nodes that so many callers come to at least, in percent, of the flows that they come to: all but one of nine.
const NODES_PERCENT: usize = 88;
/// From so many digits on, finding them somewhere is no accident.
const TELLING: usize = 6;
/// Every moment of 2026, from 1 January in Shanghai on: nights, holidays, moved working days.
const YEAR_BEGINS: u64 = 1_767_196_800;
const YEAR_SECONDS: u64 = 365 * 24 * 3_600;

/// What the flows' folder says of its questions and of the answers of hosts.
struct Folder {
    asked: Asked,
    bodies: Bodies,
}

/// One caller of a flow.
struct Wanderer<'s> {
    call: Call<'s>,
    /// The flow that they called.
    on: &'s Flow,
    rng: Rng,
    world: &'s World<'s>,
    folder: &'s Folder,
    temper: Temper,
    /// Digits that went into secrets, by entry.
    secrets: Vec<String>,
    /// Digits typed in one go, whatever for.
    entries: Vec<String>,
    exits: usize,
    queued: Duration,
    met_person: bool,
}

/// What somebody is like.
#[derive(Clone, Copy)]
enum Temper {
    Silent,
    /// Presses whatever is under the thumb.
    Wild,
    /// Listens, and answers what is asked.
    Patient,
    /// Knows the menus, and types ahead.
    Hasty,
    /// Has a lot to do, and gives what is asked for.
    Diligent,
}

/// What is wrong with a call.
type Fault = String;

impl<'s> Wanderer<'s> {
    fn calls(stage: &'s Stage<'s>, on: &'s Arc<Flow>, folder: &'s Folder, seed: u64) -> Wanderer<'s> {
        let mut rng = Rng::seeded(seed);
        let of = |rng: &mut Rng, list: &[&str]| list[rng.below(list.len() as u64) as usize].to_owned();
        // Who calls shows in the last digit: 1 is a private client, 2 is over sixty, 4 waits for something, 9 is blocked.
        let number = match rng.below(12) {
            0 => String::new(),
            1 => "anonymous".to_owned(),
            2 => "+4930123456".to_owned(),
            _ => format!("1380000{:04}", rng.below(10_000)),
        };
        let numbers: Vec<&str> = stage.world.numbers.keys().map(String::as_str).collect();
        let languages: Vec<&str> = on.languages().collect();
        let caller = Caller { number, dialled: of(&mut rng, &numbers), language: of(&mut rng, &languages) };
        let at = Moment::from_micros((YEAR_BEGINS + rng.below(YEAR_SECONDS)) * 1_000_000);
        let broadcast = broadcast(&mut rng);
        let known = ["zh-CN", "en", "fr"].get(rng.below(6) as usize);
        let profile =
            known.map(|language| ("language".to_owned(), (*language).to_owned())).into_iter().collect();
        let temper = match rng.below(12) {
            0 => Temper::Silent,
            1..=2 => Temper::Wild,
            3..=5 => Temper::Patient,
            6..=7 => Temper::Hasty,
            _ => Temper::Diligent,
        };
        Wanderer {
            call: Call::begin(stage, on, &[], (broadcast, profile), caller, seed, at),
            rng,
            on,
            world: stage.world,
            folder,
            temper,
            secrets: Vec::new(),
            entries: Vec::new(),
            exits: 0,
            queued: Duration::ZERO,
            met_person: false,
        }
    }

    /// Does one thing after the other, then nothing, until the call is over or somebody has taken it.
    fn goes_through(&mut self) -> Result<(), Fault> {
        let acts = match self.temper {
            Temper::Silent => 0,
            Temper::Diligent => MOST_ACTS,
            _ => self.rng.below(MOST_ACTS),
        };
        for _ in 0..acts {
            if !self.is_under_way()? {
                return self.has_ended_well();
            }
            if self.call.standing() == &Standing::InFlow && self.call.unanswered().is_none() {
                self.acts();
            }
        }
        let (last, silences) = (self.call.lasts().saturating_sub(self.queued), self.silences());
        let mut rounds = 0;
        while self.is_under_way()? {
            rounds += 1;
            if rounds > MOST_ROUNDS {
                return Err(format!("the call goes round at `{}`", self.call.node()));
            }
            self.call.listens();
            let waits = self.call.standing() == &Standing::InFlow && self.call.unanswered().is_none();
            if waits && !self.call.stays_silent() {
                return Err(format!("the call hangs at `{}`", self.call.node()));
            }
            let quiet = self.call.lasts().saturating_sub(self.queued).saturating_sub(last);
            if quiet > PATIENCE {
                return Err(format!(
                    "{quiet:?} after the last key the caller is still at `{}`",
                    self.call.node()
                ));
            }
        }
        let silences = self.silences() - silences;
        if silences > SILENCES {
            return Err(format!("a silent caller was left alone with {silences} questions"));
        }
        self.has_ended_well()
    }

    /// What is not the caller's to decide happens: queues, transfers, hosts. False once the call is over, or taken.
    fn is_under_way(&mut self) -> Result<bool, Fault> {
        match self.call.standing().clone() {
            Standing::Over => return Ok(false),
            Standing::InQueue { queue, .. } => {
                if !self.world.queues.contains(&queue) {
                    return Err(format!("there is no queue {queue}"));
                }
                self.waits_in_queue();
                self.is_taken_or(|wanderer| {
                    let exits = [QueueExit::Timeout, QueueExit::Full, QueueExit::Empty];
                    let exit = exits[wanderer.rng.below(3) as usize];
                    wanderer.call.leaves_queue(exit);
                });
            }
            // A host may name an agent whom nobody knows.
            Standing::Transferred(TransferTo::Agent(agent)) if !self.world.agents.contains(&agent) => {
                self.exits += 1;
                self.call.transfer_fails();
            }
            Standing::Transferred(_) => self.is_taken_or(|wanderer| {
                wanderer.call.transfer_fails();
            }),
            Standing::WithAgent(_) | Standing::Back(_) => self.met_person = true,
            Standing::InFlow => self.host_answers(),
        }
        if self.exits > EXITS {
            return Err(format!("{EXITS} queues and transfers failed, and the call is not over"));
        }
        Ok(!self.met_person)
    }

    /// A person answers, or the call comes back.
    fn is_taken_or(&mut self, comes_back: impl FnOnce(&mut Self)) {
        if self.rng.below(3) == 0 {
            self.met_person = true;
        } else {
            self.exits += 1;
            comes_back(self);
        }
    }

    /// Hears of their place, waits, presses keys that lead out.
    fn waits_in_queue(&mut self) {
        let before = self.call.lasts();
        for _ in 0..self.rng.below(4) {
            let time = Duration::from_secs(self.rng.below(60));
            match self.rng.below(4) {
                0 => drop(self.call.is_at(self.rng.below(30) as usize)),
                1 => drop(self.call.expects(Some(time * 10))),
                2 => self.call.waits(time),
                _ => self.call.presses(&self.rng.below(10).to_string()),
            }
        }
        self.queued += self.call.lasts().saturating_sub(before);
    }

    /// Speaks, or finds that nobody listens.
    fn leaves_message(&mut self) {
        if self.rng.below(10) == 0 {
            self.call.message_fails();
        } else {
            self.call.speaks(Duration::from_millis(self.rng.below(40_000)));
        }
    }

    /// The host that was asked answers, or does not.
    fn host_answers(&mut self) {
        let Some(request) = self.call.unanswered().map(str::to_owned) else { return };
        let delay = [0, 5, 40, 200, 400, 700, 900, 2_500, 20_000][self.rng.below(9) as usize];
        self.call.waits(Duration::from_millis(delay));
        // Too late: the flow has gone on, or asks once more.
        if self.call.unanswered() != Some(request.as_str()) {
            return;
        }
        let failures = [
            HttpFailure::Unreachable,
            HttpFailure::Timeout,
            HttpFailure::Busy,
            HttpFailure::TooLarge,
            HttpFailure::Malformed,
        ];
        let answer = match self.rng.below(12) {
            0 => Err(failures[self.rng.below(5) as usize]),
            1 => {
                let status = [200, 204, 301, 401, 404, 409, 423, 500, 503][self.rng.below(9) as usize];
                let body = self.folder.bodies.any(&mut self.rng);
                Ok(HttpResponse { status, body })
            }
            _ => {
                let (status, body) = self.folder.bodies.to(&request, &mut self.rng);
                Ok(HttpResponse { status, body })
            }
        };
        self.call.host_answers(answer);
    }

    /// Something that a caller may do.
    fn acts(&mut self) {
        let wild = matches!(self.temper, Temper::Wild);
        match self.rng.below(100) {
            0 => return self.call.hangs_up(),
            1..=4 => {
                self.call.stays_silent();
            }
            // Into the middle of a prompt, or of a pause.
            5..=20 => {
                let pause = self.rng.below(if wild { 2_000 } else { 12_000 });
                self.call.waits(Duration::from_millis(pause));
            }
            _ if !wild => self.call.listens(),
            _ => {}
        }
        if self.call.standing() != &Standing::InFlow || self.call.unanswered().is_some() {
            return;
        }
        if self.call.records() {
            self.leaves_message();
        }
        let keys = self.keys();
        let digits: String = keys.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= TELLING {
            self.entries.push(digits);
        }
        let mut secret = String::new();
        for key in keys.chars() {
            if self.call.asks_secret() && key.is_ascii_digit() {
                secret.push(key);
            }
            self.call.presses(key.encode_utf8(&mut [0; 4]));
        }
        if secret.len() >= TELLING {
            self.secrets.push(secret);
        }
    }

    fn keys(&mut self) -> String {
        let one = |rng: &mut Rng, keys: &str| {
            let at = rng.below(keys.len() as u64) as usize;
            keys[at..=at].to_owned()
        };
        let digits = |rng: &mut Rng, least: u64, most: u64| -> String {
            let length = least + rng.below(most - least + 1);
            (0..length).map(|_| one(rng, "0123456789")).collect()
        };
        if matches!(self.temper, Temper::Diligent) {
            let node = self.call.node();
            let whole = if node.contains('/') { node.to_owned() } else { format!("{}/{node}", self.on.id()) };
            if let Some(keys) = self.folder.asked.fitting(&whole, &mut self.rng) {
                return keys;
            }
        }
        let rng = &mut self.rng;
        match (self.temper, self.call.asks_secret()) {
            (Temper::Silent, _) => String::new(),
            (Temper::Wild, _) => {
                let length = 1 + rng.below(30);
                (0..length).map(|_| one(rng, "0123456789*#ABCD")).collect()
            }
            (_, true) if rng.below(10) > 0 => digits(rng, 6, 6),
            (Temper::Hasty, false) if rng.below(2) == 0 => {
                let menu = one(rng, "0123456789");
                format!("{menu}{}#{}", digits(rng, 8, 19), digits(rng, 6, 6))
            }
            _ => match rng.below(9) {
                0..=2 => format!("{}#", digits(rng, 8, 19)),
                3 => format!("{}#", digits(rng, 1, 6)),
                _ => one(rng, "01234567890123456789*#A"),
            },
        }
    }

    fn silences(&self) -> usize {
        let rungs = self.call.path().rungs().iter();
        rungs.filter(|(_, rung)| matches!(rung, Rung::Silence)).count()
    }

    /// What was said and done on the way.
    fn has_ended_well(&self) -> Result<(), Fault> {
        let rungs = self.call.path().rungs();
        for (_, rung) in rungs {
            if let Rung::Remark { name, value } = rung {
                // A run that is stopped from outside has not ended by itself.
                if name == "ended" {
                    return Err(format!("the call was ended for the flow: {value}"));
                }
                if let Some(typed) = self.entries.iter().find(|typed| value.contains(typed.as_str())) {
                    return Err(format!("the remark {name} tells what was typed, {} keys", typed.len()));
                }
            }
        }
        let left = rungs.iter().any(|(_, rung)| matches!(rung, Rung::Ends | Rung::HangsUp));
        if !left && !self.met_person {
            return Err("the call is over, and nobody ended it".to_owned());
        }
        Ok(())
    }

    /// No digit of a secret stands in what is printed of a call.
    fn keeps_secrets(&self, lines: &[String]) -> Result<(), Fault> {
        let printed = format!("{:?}", self.call);
        for secret in &self.secrets {
            for text in lines.iter().chain([&printed]) {
                let mut numbers = numbers(text);
                if numbers.any(|number| number.contains(secret.as_str()) && !is_moment(number)) {
                    return Err(format!(
                        "a secret of {} keys is printed: {}",
                        secret.len(),
                        around(text, secret)
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What a secret was found in, without it.
fn around(text: &str, secret: &str) -> String {
    let (before, after) = text.split_once(secret).unwrap_or_default();
    let from = before.char_indices().rev().nth(60).map_or(0, |(at, _)| at);
    format!("{}…{}", &before[from..], after.chars().take(20).collect::<String>())
}

fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|symbol: char| !symbol.is_ascii_digit() && symbol != '.')
}

/// Seconds since 1970 with six digits behind the point: a PIN by chance, now and then in so many calls.
fn is_moment(number: &str) -> bool {
    number.split_once('.').is_some_and(|(seconds, micros)| (seconds.len(), micros.len()) == (10, 6))
}

/// One caller in ten hears of an emergency.
fn broadcast(rng: &mut Rng) -> Option<Broadcast> {
    let level = [Level::Info, Level::Deflect, Level::Full].get(rng.below(30) as usize)?;
    Some(Broadcast { level: *level, prompts: vec!["emg_sys".to_owned()], time: Some("14:30".to_owned()) })
}

/// Everything is called that a number may lead to.
fn on_stage(with: impl FnOnce(&Stage<'_>, &Folder)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = Wordbook::read(&root.join("prompts")).expect("the prompts");
    let bank = config::demo("data", 0, 0);
    let world = World::of(&bank, &words);
    let sources = config::flow_sources(&root.join("ivr-flows")).expect("the flows");
    let stage = Stage::set(&sources, &world, &words);
    let stage = stage.unwrap_or_else(|found| panic!("{}", render_all(&found)));
    let flows = root.join("ivr-flows");
    with(&stage, &Folder { asked: Asked::by(&flows), bodies: Bodies::beside(&flows) });
}

#[test]
fn ten_thousand_random_callers_of_each_flow_come_to_a_person_or_a_goodbye_in_bounded_time() {
    on_stage(|stage, folder| {
        let mut entered = BTreeSet::new();
        let (mut called, mut met) = (0, 0);
        for (id, on) in stage.flows().filter(|(_, on)| on.takes_calls() || on.is_assisted()) {
            for seed in 0..CALLERS {
                let mut wanderer = Wanderer::calls(stage, on, folder, seed);
                let done = wanderer.goes_through();
                // Secrets are looked for in all that would be printed, which takes its time.
                let lines = if done.is_err() || !wanderer.secrets.is_empty() {
                    wanderer.call.path().lines(stage, on)
                } else {
                    Vec::new()
                };
                if let Err(fault) = done.and_then(|()| wanderer.keeps_secrets(&lines)) {
                    panic!("{id}, seed {seed}: {fault}\n{}", lines.join("\n"));
                }
                met += u64::from(wanderer.met_person);
                for (_, rung) in wanderer.call.path().rungs() {
                    if let Rung::Enters(node) = rung {
                        let whole = if node.contains('/') { node.clone() } else { format!("{id}/{node}") };
                        entered.insert(whole);
                    }
                }
            }
            called += CALLERS;
            println!("{id}: {CALLERS} callers");
        }
        assert!(called >= CALLERS, "no flow takes calls");
        assert!(met > called / 4, "of {called} callers only {met} came to a person");
        callers_were_everywhere(stage, &entered);
    });
}

/// Callers who never leave the first menu would prove nothing.
fn callers_were_everywhere(stage: &Stage<'_>, entered: &BTreeSet<String>) {
    for (id, flow) in stage.flows() {
        // Marks of ways are no nodes.
        let nodes: Vec<String> =
            flow.nodes().filter(|node| !node.starts_with('→')).map(|node| format!("{id}/{node}")).collect();
        let missing: Vec<&String> = nodes.iter().filter(|node| !entered.contains(*node)).collect();
        // A flow that no number leads to is nobody's.
        if missing.len() < nodes.len() {
            let percent = (nodes.len() - missing.len()) * 100 / nodes.len();
            assert!(percent >= NODES_PERCENT, "nobody came to {missing:?}");
        }
    }
}
