//! What the operator reads in the server's log: what went wrong and what is well again, as it happens.

use std::time::Duration;

use crate::engine::happened::{Happened, Published, What};
use crate::moment::Moment;

/// Logs `happened` if it concerns the operator. None of these entries names a caller.
pub fn tell(happened: &Happened) {
    let call = happened.call.map(|call| call.0);
    match &happened.what {
        What::Alarm { name, text } => tracing::error!(name, "ALARM: {text}"),
        What::AlarmCleared { name } => tracing::warn!(name, "the alarm is over"),
        What::RecordingFailed { why } => tracing::error!(call, "recording failed, the call goes on: {why}"),
        What::RecordingGap { why, frames } => {
            tracing::warn!(call, "the recording has a gap of {frames} packets: {why}");
        }
        What::ConfigRefused => tracing::error!("configuration refused; the old one stays"),
        What::FlowsPublished(published) => {
            let Published { release, author, comment, percent, .. } = &**published;
            match percent {
                None => tracing::info!("flows: release {release} by {author} is in force: {comment}"),
                Some(percent) => {
                    tracing::info!(
                        "flows: release {release} by {author} is on trial for {percent} %: {comment}"
                    );
                }
            }
        }
        What::CanaryTakenBack { release, new, old, .. } => {
            tracing::error!("flows: release {release} was taken back: {new}; release in force: {old}");
        }
        What::CanaryAborted { release, author } => {
            tracing::info!("flows: {author} ended the trial of release {release}");
        }
        What::ServerStopping => tracing::warn!("the server is stopping: no new calls"),
        _ => {}
    }
}

/// Lost events are told of this often at most: a journal that is full loses hundreds a second.
pub const LOSSES_EVERY: Duration = Duration::from_secs(1);

/// Events that the journal had no room for, counted until it is time to say so.
#[derive(Debug, Default)]
pub struct Losses {
    untold: u64,
    told: Option<Moment>,
}

impl Losses {
    pub fn add(&mut self) {
        self.untold = self.untold.saturating_add(1);
    }

    /// How many to tell of now, if any.
    pub fn due(&mut self, now: Moment) -> Option<u64> {
        let quiet = self.told.is_none_or(|told| now.since(told) >= LOSSES_EVERY);
        if self.untold == 0 || !quiet {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::ids::CallId;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What the log says of it, without the time.
    fn logged(what: What) -> String {
        let paper = Paper::default();
        let writer = paper.clone();
        let log = tracing_subscriber::fmt().without_time().with_ansi(false).with_target(false);
        let log = log.with_writer(move || writer.clone()).finish();
        let at = Moment::from_micros(0);
        tracing::subscriber::with_default(log, || {
            tell(&Happened { seq: 1, at, call: Some(CallId(7)), agent: None, what });
        });
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().trim().to_owned()
    }

    #[test]
    fn the_operator_reads_what_went_wrong_and_what_is_well_again() {
        let name = "recording".to_owned();
        let why = "no space".to_owned();
        for (what, line) in [
            (
                What::Alarm { name: name.clone(), text: why.clone() },
                "ERROR ALARM: no space name=\"recording\"",
            ),
            (What::AlarmCleared { name }, "WARN the alarm is over name=\"recording\""),
            (
                What::RecordingFailed { why: why.clone() },
                "ERROR recording failed, the call goes on: no space call=7",
            ),
            (
                What::RecordingGap { why, frames: 9 },
                "WARN the recording has a gap of 9 packets: no space call=7",
            ),
            (What::ConfigRefused, "ERROR configuration refused; the old one stays"),
            (What::ServerStopping, "WARN the server is stopping: no new calls"),
        ] {
            assert_eq!(logged(what), line);
        }
    }

    #[test]
    fn what_callers_do_is_not_in_the_log() {
        let (from, dialled) = ("13812341234".to_owned(), "95500".to_owned());
        assert_eq!(logged(What::CallArrived { from, dialled }), "");
    }

    #[test]
    fn lost_events_are_told_of_once_a_second_with_their_number() {
        let start = Moment::from_micros(0);
        let mut losses = Losses::default();
        assert_eq!(losses.due(start), None);
        losses.add();
        assert_eq!(losses.due(start), Some(1));
        (0..300).for_each(|_| losses.add());
        assert_eq!(losses.due(start + Duration::from_millis(999)), None);
        assert_eq!(losses.due(start + LOSSES_EVERY), Some(300));
        assert_eq!(losses.due(start + LOSSES_EVERY * 2), None);
    }
}
