//! Digits as telephone-events (RFC 4733 §2.5).

/// Shortest payload: event, flags and volume, duration (RFC 4733 §2.3).
pub const PAYLOAD_BYTES: usize = 4;

/// Digits of event codes 0–15 (RFC 4733 table 3).
const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

/// A timestamp further back than this is a restarted sender, not a late packet, s.
const LATE: u32 = 5;

/// A last packet may leave the duration short by this much, s, where packets were lost.
const SHORT: u32 = 1;

/// Finds each press once among the packets of one stream, however many of them are lost or repeated.
///
/// An event is known by its RTP timestamp, which all of its packets share. So the first packet that comes reports it,
/// be it a start, an update or one of the three copies of the end; and what comes late from an earlier event says
/// nothing new.
#[derive(Clone, Debug)]
pub struct Receiver {
    clock_rate: u32,
    current: Option<Press>,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    /// Of the event, or of its latest segment.
    timestamp: u32,
    code: u8,
    duration: u16,
    ended: bool,
}

impl Receiver {
    /// `clock_rate`: of the RTP timestamps, Hz.
    pub fn new(clock_rate: u32) -> Self {
        Receiver { clock_rate, current: None }
    }

    /// Another clock. What is pressed now is known by its timestamp all the same.
    pub fn set_clock(&mut self, clock_rate: u32) {
        self.clock_rate = clock_rate;
    }

    /// Takes a packet's RTP timestamp and payload. A digit (`0`–`9`, `*`, `#`, `A`–`D`) is told once, by whichever
    /// of its packets comes first. Other events, malformed payloads and repetitions are `None`.
    pub fn packet(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let (code, ended, duration) = match payload {
            [code, flags, high, low, ..] => (*code, flags & 0x80 != 0, u16::from_be_bytes([*high, *low])),
            _ => return None,
        };
        let digit = *DIGITS.get(usize::from(code))?;
        let next = Press { timestamp, code, duration, ended };
        if let Some(press) = &mut self.current {
            let ahead = timestamp.wrapping_sub(press.timestamp);
            if ahead == 0 && code == press.code {
                press.ended |= ended;
                press.duration = press.duration.max(duration);
                return None;
            }
            if ahead > u32::MAX - LATE * self.clock_rate {
                return None;
            }
            if press.continues_as(&next, self.clock_rate) {
                self.current = Some(next);
                return None;
            }
        }
        self.current = Some(next);
        Some(char::from(digit))
    }
}

/// Turns the duration of a telephone-event's payload (RFC 4733 §2.3.5) from one RTP clock to another; what no longer
/// fits into its two bytes is as long as they can say.
pub fn rescale(payload: &mut [u8], from: u32, to: u32) {
    if from != to
        && let [_, _, high, low, ..] = payload
    {
        let duration = u64::from(u16::from_be_bytes([*high, *low])) * u64::from(to) / u64::from(from);
        [*high, *low] = u16::try_from(duration).unwrap_or(u16::MAX).to_be_bytes();
    }
}

impl Press {
    /// A press longer than 65,535 timestamp units (8 s at 8 kHz, 1.4 s at 48 kHz) goes on as a further segment, whose timestamp is where this
    /// one ends (RFC 4733 §2.5.1.3). A last packet lost leaves the duration short, so the next start may be some way
    /// beyond it.
    fn continues_as(&self, next: &Press, clock_rate: u32) -> bool {
        let nearly_full = 0xFFFFu32.saturating_sub(SHORT * clock_rate);
        let ahead = next.timestamp.wrapping_sub(self.timestamp);
        self.code == next.code && !self.ended && u32::from(self.duration) >= nearly_full && ahead == 0xFFFF
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(code: u8, end: bool, duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [code, if end { 0x8A } else { 0x0A }, high, low]
    }

    /// Feeds (timestamp, code, end, duration) and collects what is reported.
    fn heard(packets: &[(u32, u8, bool, u16)]) -> String {
        let mut receiver = Receiver::new(8_000);
        packets
            .iter()
            .filter_map(|&(time, code, end, duration)| receiver.packet(time, &payload(code, end, duration)))
            .collect()
    }

    #[test]
    fn a_press_is_reported_once_at_its_start() {
        let mut receiver = Receiver::new(8_000);
        assert_eq!(receiver.packet(800, &payload(5, false, 160)), Some('5'));
        assert_eq!(receiver.packet(800, &payload(5, false, 320)), None);
        for _ in 0..3 {
            assert_eq!(receiver.packet(800, &payload(5, true, 800)), None);
        }
    }

    #[test]
    fn the_end_alone_is_enough() {
        assert_eq!(heard(&[(800, 11, true, 800), (800, 11, true, 800)]), "#");
    }

    #[test]
    fn the_same_key_twice_is_two_presses_even_if_the_first_end_is_lost() {
        assert_eq!(heard(&[(0, 1, false, 160), (1_600, 1, false, 160), (1_600, 1, true, 800)]), "11");
    }

    #[test]
    fn late_packets_of_an_earlier_press_are_not_a_new_press() {
        assert_eq!(
            heard(&[(0, 1, false, 160), (1_600, 2, false, 160), (0, 1, true, 800), (1_600, 2, true, 800)]),
            "12"
        );
    }

    #[test]
    fn a_key_held_for_ten_seconds_is_one_press() {
        let packets = [
            (100, 9, false, 160),
            (100, 9, false, 65_360),
            (100, 9, false, 65_535),
            (65_635, 9, false, 160),
            (65_635, 9, true, 14_000),
        ];
        assert_eq!(heard(&packets), "9");
        let last_lost = [(100, 9, false, 160), (100, 9, false, 65_360), (65_635, 9, false, 160)];
        assert_eq!(heard(&last_lost), "9");
    }

    #[test]
    fn at_48_khz_segments_are_shorter_and_lateness_longer() {
        let mut receiver = Receiver::new(48_000);
        let mut heard = |timestamp, end, duration| receiver.packet(timestamp, &payload(9, end, duration));
        assert_eq!(heard(1_000_000, false, 960), Some('9'));
        assert_eq!(heard(1_000_000, false, 64_800), None);
        assert_eq!(heard(1_065_535, false, 960), None, "the same press, second segment");
        assert_eq!(heard(1_065_535, true, 9_600), None);
        assert_eq!(heard(1_200_000, true, 4_800), Some('9'));
        assert_eq!(heard(1_065_535, true, 9_600), None, "2.8 s late is late");
    }

    #[test]
    fn timestamps_wrap_around_and_senders_restart() {
        assert_eq!(heard(&[(u32::MAX - 100, 3, true, 800), (2_000, 4, true, 800)]), "34");
        assert_eq!(heard(&[(3_000_000_000, 3, true, 800), (5, 4, true, 800)]), "34");
    }

    #[test]
    fn flashes_tones_and_short_payloads_are_not_digits() {
        assert_eq!(heard(&[(0, 16, false, 160), (0, 66, false, 160)]), "");
        assert_eq!(Receiver::new(8_000).packet(0, &[1, 2, 3]), None);
        assert_eq!(Receiver::new(8_000).packet(0, &[]), None);
    }

    #[test]
    fn every_code_has_its_symbol() {
        let packets: Vec<_> = (0..=15).map(|code| (u32::from(code) * 1_600, code, true, 800)).collect();
        assert_eq!(heard(&packets), "0123456789*#ABCD");
    }
}
