//! Where on a tape a message is.

use std::ops::Range;

use super::block::Mark;
use super::timeline::{Timeline, samples_between};

/// The samples of the message `number`, from its mark to the next of its end, or to the tape's where the server died.
pub fn span(timeline: &Timeline, number: u32) -> Option<Range<u64>> {
    let tape = timeline.tape();
    let begin = tape
        .marks
        .iter()
        .position(|(_, mark)| matches!(mark, Mark::Message { number: n, .. } if *n == number))?;
    let place =
        |at| u64::try_from(samples_between(tape.header.started, at)).unwrap_or(0).min(timeline.samples());
    let over = |mark: &Mark| matches!(mark, Mark::MessageOver { .. } | Mark::End { .. });
    let end = tape.marks[begin..].iter().find(|(_, mark)| over(mark));
    let end = end.map_or(timeline.samples(), |(at, _)| place(*at));
    let begin = place(tape.marks[begin].0);
    Some(begin..end.max(begin))
}
