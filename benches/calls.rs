//! `cargo bench --bench calls -- [options] [scenario …]`: the release binary under calls. docs/benchmarks/README.md tells all.
//!
//! The server has one processor, the generator the other.

#[allow(dead_code, reason = "each user of the generator takes what it needs")]
mod load;
mod scenarios;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use load::figures::Report;
use load::process::Awake;
use load::{forwarder, page};
use scenarios::{Wish, menus, mixer, prompts, recorded, relay, setup, sipp, srtp, stall, transcode};

/// Names of the scenarios, in the order in which all of them are run.
const SCENARIOS: [&str; 12] = [
    "relay",
    "held",
    "recorded",
    "prompts",
    "menus",
    "setup",
    "overload",
    "stall",
    "srtp",
    "transcode",
    "mixer",
    "sipp",
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let Some((first, rest)) = words.split_first()
        && first == forwarder::WORD
    {
        return ended(forwarder::run(rest));
    }
    ended(bench(&words).and_then(|kept| {
        let check = words.iter().any(|word| word == "--check");
        if kept || !check {
            Ok(())
        } else {
            Err(io::Error::other("a promise is not kept, or the generator was late"))
        }
    }))
}

fn ended(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(words: &[String]) -> io::Result<bool> {
    let (wish, names) = wish(words)?;
    let json = words.iter().any(|word| word == "--json");
    let _awake = if words.iter().any(|word| word == "--sleepy") { None } else { awake() };
    let mut kept = true;
    for name in names {
        let report = run(&name, &wish).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
        kept &= report.print(json);
        if words.iter().any(|word| word == "--write") {
            page::write(&report, &page::machine())?;
        }
    }
    Ok(kept)
}

/// Processors that do not halt, if they can be had.
fn awake() -> Option<Awake> {
    let asked = Awake::ask();
    if let Err(error) = &asked {
        eprintln!(
            "processors may halt ({error}): latencies and small loads then show what waking them costs"
        );
    }
    asked.ok()
}

fn run(name: &str, wish: &Wish) -> io::Result<Report> {
    match name {
        "relay" => relay::relay(wish),
        "held" => relay::held(wish),
        "recorded" => recorded::recorded(wish),
        "prompts" => prompts::prompts(wish),
        "menus" => menus::menus(wish),
        "setup" => setup::setup(wish),
        "overload" => setup::overload(wish),
        "stall" => stall::stall(wish),
        "transcode" => transcode::transcode(wish),
        "srtp" => srtp::srtp(wish),
        "mixer" => mixer::mixer(wish),
        "sipp" => sipp::sipp(wish),
        _ => Err(io::Error::other(format!("no such scenario; there are {}", SCENARIOS.join(", ")))),
    }
}

/// The options, and the scenarios named.
fn wish(words: &[String]) -> io::Result<(Wish, Vec<String>)> {
    let quick = words.iter().any(|word| word == "--quick");
    let mut wish = Wish {
        window: Duration::from_secs(if quick { 4 } else { 10 }),
        repeat: if quick { 1 } else { 3 },
        rate: 200,
        limit: 10_000,
        loads: None,
        only: Vec::new(),
        against: None,
        quick,
    };
    let mut names = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| io::Error::other(format!("{word} wants a value")));
        let wrong = |_| io::Error::other(format!("{word}: not a number"));
        match word.as_str() {
            "--quick" | "--json" | "--check" | "--write" | "--sleepy" => {}
            "--seconds" => wish.window = Duration::from_secs(value()?.parse().map_err(wrong)?),
            "--repeat" => wish.repeat = value()?.parse().map_err(wrong)?,
            "--rate" => wish.rate = value()?.parse().map_err(wrong)?,
            "--loads" => {
                let loads: Result<_, _> = value()?.split(',').map(str::parse).collect();
                wish.loads = Some(loads.map_err(wrong)?);
            }
            "--only" => wish.only.extend(value()?.split(',').map(str::to_owned)),
            "--against" => wish.against = Some(server(value()?)?),
            name if !name.starts_with("--") => names.push(name.to_owned()),
            _ => return Err(io::Error::other(format!("what is {word}?"))),
        }
    }
    if names.is_empty() {
        names = SCENARIOS.map(str::to_owned).to_vec();
    }
    Ok((wish, names))
}

/// `sip:NUMBER@HOST:PORT` or `sip:HOST:PORT`.
fn server(text: &str) -> io::Result<(std::net::SocketAddr, String)> {
    let wrong = || io::Error::other(format!("{text} is not sip:NUMBER@ADDRESS:PORT"));
    let rest = text.strip_prefix("sip:").ok_or_else(wrong)?;
    let (number, at) = rest.split_once('@').unwrap_or(("95501", rest));
    Ok((at.parse().map_err(|_| wrong())?, number.to_owned()))
}
