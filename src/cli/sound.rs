//! What a leg sounded like, in words for somebody who was woken by it.

use crate::engine::happened::{LegFigures, Side, Sound};

/// Lines about one leg.
pub(super) fn lines(leg: &LegFigures) -> Vec<String> {
    let who = side(leg.leg);
    let codec = leg.codec.as_deref().unwrap_or("never connected");
    let mut lines = vec![
        format!("sound of the {who} ({codec})"),
        format!("  from it: {}", received(leg)),
        format!("  to it:   {}", sent(leg)),
    ];
    if leg.passed > 0 {
        lines.push(format!(
            "  inside the server: half of its packets within {}, 99 of 100 within {}, the longest {}",
            millis(leg.inside_p50_us),
            millis(leg.inside_p99_us),
            millis(leg.inside_max_us)
        ));
    }
    if leg.packets_shed > 0 {
        lines.push(format!(
            "  {} OF THE LOST WERE DROPPED HERE: the server had more to do than it could",
            leg.packets_shed
        ));
    }
    if leg.packets_refused > 0 {
        lines.push(format!(
            "  {} packets refused: from another address than agreed, or not the audio agreed on",
            leg.packets_refused
        ));
    }
    lines
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Caller => "caller",
        Side::Phone => "agent's phone",
    }
}

/// `good, MOS 4.38`.
pub(super) fn verdict(mos_hundredths: u16) -> String {
    format!("{}, MOS {}.{:02}", grade(mos_hundredths), mos_hundredths / 100, mos_hundredths % 100)
}

/// The categories of G.107 Annex B, in fewer words.
fn grade(mos_hundredths: u16) -> &'static str {
    match mos_hundredths {
        403.. => "good",
        360.. => "fair, some would complain",
        310.. => "POOR, many would complain",
        258.. => "BAD, nearly all would complain",
        _ => "UNUSABLE",
    }
}

fn sound(sound: Option<Sound>) -> String {
    let Some(sound) = sound else { return "not known how it sounded".to_owned() };
    let worst = sound.worst_mos_hundredths.filter(|worst| worst + 20 < sound.mos_hundredths);
    let worst = worst.map_or_else(String::new, |worst| format!(", at its worst {}", verdict(worst)));
    format!("{}{worst}", verdict(sound.mos_hundredths))
}

fn received(leg: &LegFigures) -> String {
    if leg.packets_received == 0 {
        return "NOTHING CAME: a firewall or a wrong address between, or the phone was mute".to_owned();
    }
    let permille = leg.missing_permille();
    format!(
        "{}; {} packets, {} lost and {} late ({}.{} %) in {} bursts, jitter {} (at most {})",
        sound(leg.heard),
        leg.packets_received,
        leg.packets_lost,
        leg.packets_late,
        permille / 10,
        permille % 10,
        leg.bursts,
        millis(leg.jitter_us),
        millis(leg.jitter_max_us)
    )
}

fn sent(leg: &LegFigures) -> String {
    let Some(lost) = leg.peer_packets_lost else {
        return format!("{} packets; it never reported what arrived", leg.packets_sent);
    };
    let trip = leg.round_trip_us.map_or_else(
        || "round trip not known".to_owned(),
        |trip| format!("round trip {} (at most {})", millis(trip), millis(leg.round_trip_max_us)),
    );
    format!(
        "{}; {} packets, it lost {lost}, jitter {}, {trip}",
        sound(leg.told),
        leg.packets_sent,
        millis(leg.peer_jitter_us)
    )
}

/// `0.03 ms`, `12 ms`.
fn millis(micros: u32) -> String {
    if micros >= 10_000 {
        format!("{} ms", (micros + 500) / 1_000)
    } else {
        format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg() -> LegFigures {
        let sound = |mos_hundredths, worst| {
            Some(Sound { r_tenths: 900, mos_hundredths, worst_mos_hundredths: Some(worst) })
        };
        LegFigures {
            leg: Side::Caller,
            codec: Some("PCMA".to_owned()),
            packets_received: 2_941,
            packets_sent: 2_950,
            packets_lost: 50,
            packets_shed: 0,
            packets_late: 9,
            packets_repeated: 0,
            packets_refused: 0,
            bursts: 3,
            jitter_us: 3_140,
            jitter_max_us: 41_000,
            round_trip_us: Some(48_000),
            round_trip_max_us: 95_499,
            peer_packets_lost: Some(0),
            peer_jitter_us: 900,
            heard: sound(412, 305),
            told: sound(438, 438),
            passed: 2_941,
            inside_p50_us: 32,
            inside_p99_us: 128,
            inside_max_us: 1_900,
        }
    }

    #[test]
    fn a_leg_is_told_in_words() {
        assert_eq!(
            lines(&leg()),
            [
                "sound of the caller (PCMA)",
                "  from it: good, MOS 4.12, at its worst BAD, nearly all would complain, MOS 3.05; 2941 packets, 50 lost \
                 and 9 late (1.9 %) in 3 bursts, jitter 3.14 ms (at most 41 ms)",
                "  to it:   good, MOS 4.38; 2950 packets, it lost 0, jitter 0.90 ms, round trip 48 ms (at most 95 ms)",
                "  inside the server: half of its packets within 0.03 ms, 99 of 100 within 0.12 ms, the longest 1.90 ms",
            ]
        );
    }

    #[test]
    fn silence_from_a_phone_and_a_phone_that_never_reports_are_said_so() {
        let mute = LegFigures {
            packets_received: 0,
            peer_packets_lost: None,
            heard: None,
            told: None,
            passed: 0,
            packets_refused: 7,
            packets_shed: 3,
            ..leg()
        };
        let lines = lines(&mute);
        assert!(lines[1].contains("NOTHING CAME"), "{lines:?}");
        assert!(lines[2].contains("it never reported what arrived"), "{lines:?}");
        assert!(lines[3].contains("3 OF THE LOST WERE DROPPED HERE"), "{lines:?}");
        assert!(lines[4].contains("7 packets refused"), "{lines:?}");
    }
}
