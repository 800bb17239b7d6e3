//! Calls protected by SRTP on both legs, beside the same calls without.

use std::io;

use super::Wish;
use super::bridge::{Manner, Subject};
use super::relay::climb;
use crate::load::figures::Report;

const LOADS: [usize; 2] = [500, 1_000];

pub fn srtp(wish: &Wish) -> io::Result<Report> {
    let loads = wish.loads(&LOADS);
    let title = format!("{loads:?} calls, both legs AES-128-GCM by SDES, {} s each", wish.window.as_secs());
    let mut report = Report::titled("srtp", &title);
    let (secure, plain) = (Subject::Hotline(Manner::Secure), Subject::Hotline(Manner::Plain));
    for _ in 0..wish.repeat {
        for subject in [&secure, &plain] {
            let runs = climb(subject, &loads, wish)?;
            report.runs.extend(runs);
        }
    }
    for load in loads {
        let get = |subject: &Subject, key| report.median(subject.name(), load, key);
        let cpu = |subject| get(subject, "cpu_per_100_calls");
        let ratio = cpu(&secure).and_then(|secure| Some(secure / cpu(&plain)?));
        let (loss, spoiled) = (get(&secure, "loss_percent"), get(&secure, "spoiled"));
        let text = format!("CPU per protected call at {load} calls at most 1.6 × the plain");
        report.promise(&text, ratio, |ratio| ratio <= 1.6);
        report.promise(&format!("{load} protected calls: RTP loss under 0.1 %"), loss, |loss| loss < 0.1);
        let text = format!("{load} protected calls: packets not as they were sent");
        report.promise(&text, spoiled, |spoiled| spoiled == 0.0);
    }
    Ok(report)
}
