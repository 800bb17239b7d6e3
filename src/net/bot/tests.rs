//! Many conversations at once on the one thread.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::accept_async;

use super::*;
use crate::media::bot::{FRAME_BYTES, Line, line};

/// Callers who talk with a bot at once.
const TALKS: u64 = 200;
/// Frames that each of them says: three seconds.
const FRAMES: usize = 150;
/// The orders of a bot are never to clear.
const TURN_OF_SPEECH: u32 = 0;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A bot that says again whatever it hears, for as many as come; on a thread of its own.
fn echo() -> SocketAddr {
    let (say, address) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        runtime().block_on(async {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
            say.send(listener.local_addr().expect("bound")).expect("the test waits");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answers(stream));
            }
        });
    });
    address.recv().expect("it listens")
}

async fn answers(stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut socket = accept_async(stream).await.ok()?;
    while let Some(Ok(frame)) = socket.next().await {
        let Frame::Text(text) = frame else { continue };
        let Some((_, rest)) = text.split_once("\"payload\":\"") else { continue };
        let (payload, _) = rest.split_once('"')?;
        let said = json!({"event": "media", "media": {"payload": payload}}).to_string();
        socket.send(Frame::text(said)).await.ok()?;
    }
    None
}

fn talk(id: u64, url: &str, speaker: Speaker) -> Talk {
    let bot = Bot {
        url: url.to_owned(),
        authorities: [].into(),
        headers: [].into(),
        connect_timeout: Duration::from_secs(10),
        max_calls: 1_000,
    };
    let request = BotRequest { number: 1, bot: "echo".into(), parameters: Vec::new(), max: Duration::ZERO };
    Talk { id: TalkId(id), call: CallId(id), bot: bot.into(), request: request.into(), line: speaker }
}

/// As the worker does: a frame each way every 20 ms. How long each was under way to the bot and back, milliseconds.
async fn speak(lines: &mut [Line]) -> Vec<u64> {
    let began = Instant::now();
    let now = || u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let mut turns = interval_at(Instant::now() + TURN, TURN);
    let mut took = Vec::new();
    // What was said last needs a while to come back.
    for turn in 0..FRAMES + 100 {
        turns.tick().await;
        for line in lines.iter_mut() {
            if turn < FRAMES {
                let mut frame = [0; FRAME_BYTES];
                frame[..8].copy_from_slice(&now().to_be_bytes());
                line.tell(frame);
            }
            if let Some(frame) = line.next(TURN_OF_SPEECH) {
                let said = u64::from_be_bytes(*frame.first_chunk().expect("it is longer"));
                took.push(now().saturating_sub(said) / 1_000);
            }
        }
    }
    took.sort_unstable();
    took
}

/// Processor time of a thread of this process, milliseconds; the kernel counts hundredths of a second.
fn busy_ms(thread: &str) -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let times = tasks.filter_map(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once(") ")?;
        let mut fields = rest.split(' ').skip(11).map_while(|field| field.parse::<u64>().ok());
        name.ends_with(&format!("({thread}")).then(|| fields.by_ref().take(2).sum::<u64>() * 10)
    });
    times.sum()
}

#[test]
fn of_two_hundred_callers_who_talk_with_bots_at_once_nothing_is_lost() {
    let url = format!("ws://{}/", echo());
    let (inbox, mut ends) = mpsc::channel(TALKS as usize);
    let bots = Bots::spawn(inbox).expect("a thread");
    let mut lines = Vec::new();
    for id in 1..=TALKS {
        let (line, speaker) = line();
        assert!(bots.begin(talk(id, &url, speaker)));
        lines.push(line);
    }
    runtime().block_on(async {
        // What is said before the bot is there is meant for nobody: until every bot has said something.
        let mut there = vec![false; lines.len()];
        let mut turns = interval_at(Instant::now() + TURN, TURN);
        while there.contains(&false) {
            turns.tick().await;
            for (line, there) in lines.iter_mut().zip(&mut there) {
                line.tell([0; FRAME_BYTES]);
                *there |= line.next(TURN_OF_SPEECH).is_some();
            }
        }
        // And what was said meanwhile has come back.
        let mut silent = 0;
        while silent < 25 {
            turns.tick().await;
            let heard = lines.iter_mut().filter_map(|line| line.next(TURN_OF_SPEECH)).count();
            silent = if heard == 0 { silent + 1 } else { 0 };
        }
        let before = busy_ms("bots");
        let took = speak(&mut lines).await;
        let busy = busy_ms("bots") - before;
        let at = |hundredth: usize| took.get(took.len() * hundredth / 100).copied().unwrap_or(0);
        println!(
            "{TALKS} talks of {FRAMES} frames: there and back {} ms, at p99 {}, at most {}; the thread was busy for {busy} ms",
            at(50),
            at(99),
            took.last().copied().unwrap_or(0)
        );
        assert_eq!(took.len(), lines.len() * FRAMES, "all came back");
        drop(lines);
        for _ in 0..TALKS {
            let Some(Message::Input(Input::BotDone { end, figures, .. })) = ends.recv().await else {
                panic!("each has an end")
            };
            assert_eq!(end, BotEnd::Failed(BotFailure::Abandoned));
            assert_eq!(figures.unsaid_ms, 0);
        }
    });
}
