//! What a leg sounded like, as the API shows it: in the units people speak of.

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::happened::{LegFigures, Side, Sound};

/// One leg of a call that has ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Leg {
    /// `caller` or `phone` (an agent's).
    #[schema(value_type = String)]
    pub leg: Side,
    /// `PCMA`, `PCMU` …; none if it was never connected.
    pub codec: Option<String>,
    /// From the far end to us.
    pub heard: Heard,
    /// From us to the far end, by its RTCP reports.
    pub told: Told,
    /// Milliseconds to the far end and back, last and most; none if never measured.
    pub round_trip_ms: Option<f64>,
    pub round_trip_max_ms: Option<f64>,
    /// How long its packets were inside the server.
    pub inside: Inside,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Heard {
    pub packets: u64,
    pub lost: u64,
    /// Of those lost: dropped because this server could not keep up.
    pub shed: u64,
    /// Came too late for a listener.
    pub late: u64,
    /// Came once more.
    pub repeated: u64,
    /// From another address than agreed, or not the audio agreed on; not among `packets`.
    pub refused: u64,
    /// Stretches of heavy loss (RFC 3611 §4.7.2).
    pub bursts: u64,
    pub jitter_ms: f64,
    pub jitter_max_ms: f64,
    /// None if nothing came.
    pub quality: Option<Quality>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Told {
    pub packets: u64,
    /// None if the far end never reported; so with the others here.
    pub lost: Option<u64>,
    pub jitter_ms: Option<f64>,
    pub quality: Option<Quality>,
}

/// By the E-model (ITU-T G.107).
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Quality {
    /// 0 to 100.
    pub r: f64,
    /// 1 to 4.5.
    pub mos: f64,
    /// Of the worst few seconds; none if the leg was too short.
    pub worst_mos: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Inside {
    /// That were passed on.
    pub packets: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

pub(super) fn leg(figures: &LegFigures) -> Leg {
    let reported = figures.peer_packets_lost;
    Leg {
        leg: figures.leg,
        codec: figures.codec.clone(),
        heard: Heard {
            packets: figures.packets_received,
            lost: figures.packets_lost,
            shed: figures.packets_shed,
            late: figures.packets_late,
            repeated: figures.packets_repeated,
            refused: figures.packets_refused,
            bursts: figures.bursts,
            jitter_ms: millis(figures.jitter_us),
            jitter_max_ms: millis(figures.jitter_max_us),
            quality: figures.heard.map(quality),
        },
        told: Told {
            packets: figures.packets_sent,
            lost: reported,
            jitter_ms: reported.map(|_| millis(figures.peer_jitter_us)),
            quality: figures.told.map(quality),
        },
        round_trip_ms: figures.round_trip_us.map(millis),
        round_trip_max_ms: figures.round_trip_us.map(|_| millis(figures.round_trip_max_us)),
        inside: Inside {
            packets: figures.passed,
            p50_ms: millis(figures.inside_p50_us),
            p99_ms: millis(figures.inside_p99_us),
            max_ms: millis(figures.inside_max_us),
        },
    }
}

fn quality(sound: Sound) -> Quality {
    let hundredths = |hundredths: u16| f64::from(hundredths) / 100.0;
    Quality {
        r: f64::from(sound.r_tenths) / 10.0,
        mos: hundredths(sound.mos_hundredths),
        worst_mos: sound.worst_mos_hundredths.map(hundredths),
    }
}

fn millis(micros: u32) -> f64 {
    f64::from(micros) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_measured_is_null_and_not_zero() {
        let json = r#"{"leg":"phone","packets_received":0,"packets_sent":60,"packets_lost":0,"packets_late":0,
            "packets_repeated":0,"packets_refused":0,"bursts":0,"jitter_us":0,"jitter_max_us":0,
            "round_trip_max_us":0,"peer_jitter_us":0,"passed":0,"inside_p50_us":0,"inside_p99_us":0,"inside_max_us":0}"#;
        let figures: LegFigures = serde_json::from_str(json).unwrap();
        let shown = serde_json::to_value(leg(&figures)).unwrap();
        assert_eq!(shown["leg"], "phone");
        for nothing in ["codec", "round_trip_ms", "round_trip_max_ms"] {
            assert!(shown[nothing].is_null(), "{nothing}: {shown}");
        }
        assert!(shown["told"]["lost"].is_null() && shown["told"]["jitter_ms"].is_null());
        assert!(shown["heard"]["quality"].is_null() && shown["told"]["quality"].is_null());
    }

    #[test]
    fn figures_are_shown_in_milliseconds_and_on_the_scales_of_the_recommendation() {
        let sound = Sound { r_tenths: 912, mos_hundredths: 436, worst_mos_hundredths: Some(301) };
        let quality = quality(sound);
        assert_eq!((quality.r, quality.mos, quality.worst_mos), (91.2, 4.36, Some(3.01)));
        assert_eq!(millis(1_500), 1.5);
    }
}
