//! Which folder may know which, and which must not know the world.

use super::code::{find_word, line};
use super::tree::{File, Tree};

/// A folder (or file) of `src/` and what of the crate it may name, by the beginning of the path.
/// What everybody may name is in `PLAIN`. Tests may name anything.
const IMPORTS: &[(&str, &[&str])] = &[
    ("sip", &["sip"]),
    // Negotiation speaks the media plane's vocabulary: a codec, a direction, a session.
    ("sdp", &["sdp", "media::command", "media::srtp::keying"]),
    // `customer` owns the leases of its streams, a run of its flow and the prompts it was compiled with; `record` is folded from what happened.
    (
        "call",
        &[
            "call",
            "sip",
            "sdp::session",
            "media::command",
            "media::prompts::Library",
            // How an offer fails is said in the distributor's own words.
            "acd::OfferFailure",
            "ivr::run",
            "ivr::assisted::Verdict",
            // What a bot found out stays with the call.
            "ivr::bot::Handover",
            "engine::streams::Lease",
            "engine::happened",
        ],
    ),
    ("grammar", &["grammar", "diagnostic"]),
    ("ivr", &["ivr", "diagnostic", "grammar", "config", "media::prompts"]),
    // Why a caller leaves a queue is said to the flow in the flow's own words.
    ("acd", &["acd", "config", "ivr::run::QueueExit"]),
    (
        "engine",
        &[
            "engine",
            "sip",
            "sdp",
            "call",
            "ivr",
            "acd",
            "config",
            "media::command",
            "media::event",
            "media::ports",
            "media::prompts",
            // A rating is said in the words of who made it.
            "media::quality::Rating",
            "media::srtp::keying",
            "recording::block::Mark",
            "recording::recorder",
        ],
    ),
    // The worker is a thread of its own and turns by the server's clock.
    ("media", &["media", "recording::frame", "net::clock"]),
    ("recording", &["recording", "media::command", "media::codec"]),
    ("store", &["store", "call::record", "call::cause", "engine::happened"]),
    // A configuration names codecs.
    ("config", &["config", "diagnostic", "media::command"]),
    ("diagnostic", &["diagnostic"]),
    // Metrics count what all the others report.
    (
        "observe",
        &[
            "observe",
            "acd",
            "call::cause",
            "engine::happened",
            "engine::releases::FlowsView",
            "engine::view",
            "media::histogram",
            "media::stats",
            "recording::recorder::Figures",
            "store::journal",
        ],
    ),
    // Flows on their way from the folder into the engine: checked, tested, kept, and told.
    (
        "publishing",
        &[
            "publishing",
            "config",
            "diagnostic",
            "engine",
            "ivr",
            "media::prompts",
            "net::clock",
            "net::engine_thread",
            "store",
        ],
    ),
    // The edge carries out what flows ask of hosts and bots, as the configuration has them.
    (
        "net",
        &[
            "net",
            "engine",
            "sip",
            "media",
            "recording",
            "store",
            "config::HttpHost",
            "config::Bot",
            "ivr::http",
            "ivr::bot",
        ],
    ),
    ("ids.rs", &[]),
    ("moment.rs", &[]),
    ("rng.rs", &[]),
];

/// Plain values that every folder uses.
const PLAIN: [&str; 3] = ["ids", "moment", "rng"];

/// Folders where the same inputs give the same outputs.
const DETERMINISTIC: [&str; 6] = ["sip", "sdp", "call", "ivr", "acd", "engine"];

/// What would make them depend on anything else, or wait.
const WORLD: [&str; 22] = [
    "UdpSocket",
    "TcpListener",
    "TcpStream",
    "std::fs",
    "std::env",
    "std::thread",
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "tokio",
    "tracing",
    "getrandom",
    "HashMap",
    "HashSet",
    "Mutex",
    "RwLock",
    "println!",
    "eprintln!",
    "nix",
    "unsafe",
    "Rc",
];

/// What the packet path must not meet: locks, logs, other runtimes.
const PACKETS: [&str; 6] = ["tokio", "tracing", "Mutex", "RwLock", "println!", "eprintln!"];

/// Files that may hold `unsafe`, with the reason.
const UNSAFE: [(&str, &str); 6] = [
    ("src/media/priority.rs", "sched_setattr(2), which no safe interface offers"),
    (
        "src/media/shared.rs",
        "many datagrams by one system call, which no safe interface offers without allocating",
    ),
    ("src/media/sockets.rs", "epoll and sockets by descriptor numbers that the table owns"),
    ("src/recording/recorder/courtesy.rs", "the priority of a thread, which no safe crate here sets"),
    ("src/wipe.rs", "an allocator, which only unsafe code can be"),
    ("src/net/engine_thread.rs", "registers a descriptor that an `Arc` keeps open"),
];

pub fn imports(tree: &Tree) -> Vec<String> {
    let mut offences = Vec::new();
    for file in &tree.files {
        let Some((folder, allowed)) = layer(&file.path) else { continue };
        for place in find_word(&file.live, "crate::") {
            let named = path_at(&file.live[place.end..]);
            let may = |list: &[&str]| {
                list.iter().any(|start| {
                    let rest = named.strip_prefix(start);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                })
            };
            if !may(allowed) && !may(&PLAIN) {
                let at = line(&file.live, place.start);
                offences.push(format!("{}:{at}: `{folder}` may not name `crate::{named}`", file.path));
            }
        }
        offences.extend(climbs(file));
    }
    offences
}

fn layer(path: &str) -> Option<(&'static str, &'static [&'static str])> {
    let inside = path.strip_prefix("src/")?;
    let first = inside.split('/').next()?;
    IMPORTS.iter().find(|(folder, _)| *folder == first).map(|(folder, allowed)| (*folder, *allowed))
}

/// The path that stands at the beginning of `code`: `media::command` of `media::command::{Codec, Command}`.
fn path_at(code: &str) -> &str {
    let end = code.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(code.len());
    code[..end].trim_end_matches(':')
}

/// `super::` so often that it leaves the folder: such an import hides from the table.
fn climbs(file: &File) -> Option<String> {
    let depth = file.path.trim_end_matches("/mod.rs").matches('/').count();
    let out = "super::".repeat(depth);
    let at = file.live.find(&out)?;
    Some(format!("{}:{}: `{out}` leaves the folder", file.path, line(&file.live, at)))
}

pub fn worlds(tree: &Tree) -> Vec<String> {
    let mut offences = Vec::new();
    for file in &tree.files {
        let Some(folder) = file.path.strip_prefix("src/").and_then(|inside| inside.split('/').next()) else {
            continue;
        };
        let mut banned: Vec<&str> = Vec::new();
        if DETERMINISTIC.contains(&folder) {
            banned.extend(WORLD);
        } else if !UNSAFE.iter().any(|(path, _)| *path == file.path) {
            banned.push("unsafe");
        }
        if folder == "media" {
            banned.extend(PACKETS);
        }
        for word in banned {
            for place in find_word(&file.live, word) {
                offences.push(format!("{}:{}: `{word}`", file.path, line(&file.live, place.start)));
            }
        }
    }
    offences
}

#[test]
fn an_import_from_above_is_found() {
    let bad = Tree::sample("src/sip/x.rs", "use crate::engine::Engine;\nuse crate::moment::Moment;\n");
    assert_eq!(imports(&bad), ["src/sip/x.rs:1: `sip` may not name `crate::engine::Engine`"]);
    let group = Tree::sample("src/sip/x.rs", "use crate::{engine::Engine};\n");
    assert_eq!(imports(&group).len(), 1, "a group at the crate's root names nothing that is allowed");
    let climbing = Tree::sample("src/sip/x.rs", "use super::super::engine::Engine;\n");
    assert_eq!(imports(&climbing).len(), 1);
    let test = Tree::sample("src/sip/x.rs", "#[cfg(test)]\nmod tests { use crate::engine::Engine; }\n");
    assert!(imports(&test).is_empty(), "tests may");
}

#[test]
fn a_clock_in_the_engine_and_a_lock_in_the_media_plane_are_found() {
    let sample = "use std::time::Duration;\nfn f() { let _ = std::time::Instant::now(); } // Instant\n";
    assert_eq!(worlds(&Tree::sample("src/engine/x.rs", sample)), ["src/engine/x.rs:2: `Instant`"]);
    assert!(worlds(&Tree::sample("src/net/x.rs", sample)).is_empty());
    let lock = "struct S(std::sync::Mutex<u8>);\nunsafe fn f() {}\n";
    assert_eq!(worlds(&Tree::sample("src/media/x.rs", lock)).len(), 2);
}
