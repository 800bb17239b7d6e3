//! Callers with Opus talk with agents who have G.711, beside the same calls relayed and beside libopus alone.

use std::io;
use std::time::Duration;

use hotline::media::command::Codec;

use super::Wish;
use super::bridge::{Bridge, Manner, Subject};
use super::relay::line;
use crate::load::audio::Side;
use crate::load::figures::{Report, Run};
use crate::load::speech::{OpusTimes, Speech};

const CALLS: [usize; 2] = [50, 100];

/// Frames of a second.
const FRAMES: f64 = 50.0;

const RELAYED: &str = "relayed";
const TRANSCODED: &str = "transcoded";
const LIBRARY: &str = "libopus alone";

pub fn transcode(wish: &Wish) -> io::Result<Report> {
    let loads = wish.loads(&CALLS);
    let title = format!("{loads:?} callers with Opus and agents with A-law, {} s", wish.window.as_secs());
    let mut report = Report::titled("transcode", &title);
    let Some(opus) = codec("opus") else {
        return Err(io::Error::other("the server has no Opus"));
    };
    let speech = Speech::new()?;
    for _ in 0..wish.repeat {
        for subject in [RELAYED, TRANSCODED] {
            let mut bridge = Bridge::start(
                &Subject::Hotline(Manner::Plain),
                loads.iter().copied().max().unwrap_or(0),
                wish,
            )?;
            bridge.fleet.audio.speech = Some(speech.clone());
            if subject == TRANSCODED {
                bridge.fleet.codecs[Side::Caller as usize] = opus;
            }
            for load in &loads {
                bridge.grow_unheard(*load)?;
                let mut run = bridge.measure(wish.window);
                run.subject = subject.to_owned();
                let window = bridge.fleet.window();
                run.put("callers_heard", "frames that callers heard", "", window.callers.heard as f64);
                run.put("agents_heard", "frames that agents heard", "", window.agents.heard as f64);
                let expected = *load as f64 * FRAMES * wish.window.as_secs_f64();
                let least = window.callers.heard.min(window.agents.heard) as f64;
                run.put("heard_percent", "of those expected, the worse side", "%", least * 100.0 / expected);
                eprintln!("{}", line(&run));
                report.runs.push(run);
            }
            bridge.end()?;
        }
        for load in &loads {
            report.runs.push(library(&speech, *load)?);
        }
    }
    promises(&mut report, &loads);
    Ok(report)
}

/// What libopus takes by itself for what the server must do for each of so many calls 50 times a second.
fn library(speech: &Speech, calls: usize) -> io::Result<Run> {
    let mut run = Run::new(LIBRARY, calls);
    let OpusTimes { encode, decode } = OpusTimes::measure(speech, calls)?;
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    run.put("encode_us", "encoding 20 ms of an agent", "µs", micros(encode));
    run.put("decode_us", "decoding 20 ms of a caller", "µs", micros(decode));
    let percent = micros(encode + decode) * FRAMES / 1e4;
    run.put("cpu_per_call_percent", "both, 50 times a second", "% of a core", percent);
    Ok(run)
}

fn promises(report: &mut Report, loads: &[usize]) {
    for load in loads {
        let library = report.median(LIBRARY, *load, "cpu_per_call_percent");
        let cpu = |subject| report.median(subject, *load, "cpu_per_100_calls").map(|cpu| cpu / 100.0);
        let ratio = cpu(TRANSCODED).and_then(|transcoded| Some((transcoded - cpu(RELAYED)?) / library?));
        let heard = report.median(TRANSCODED, *load, "heard_percent");
        let text = format!("{load} calls: what transcoding adds at most 1.2 × libopus' own time");
        report.promise(&text, ratio, |ratio| ratio <= 1.2);
        let text = format!("{load} calls: frames heard, percent of those expected");
        report.promise(&text, heard, |percent| percent > 99.5);
    }
}

/// The codec of that name alone, if the server knows it.
fn codec(name: &str) -> Option<&'static [Codec]> {
    let place = Codec::ALL.iter().position(|codec| codec.name().eq_ignore_ascii_case(name))?;
    Some(&Codec::ALL[place..=place])
}
