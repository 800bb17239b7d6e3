//! Histograms for Prometheus: what legs that ended sounded like, and the times that workers keep.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::engine::happened::{LegFigures, Sound};
use crate::media::histogram::Histogram as Times;
use crate::media::stats::WorkerStats;

/// Codec, and `heard` (from the far end) or `told` (to it).
type Labels = [(&'static str, String); 2];

type Legs = Family<Labels, Histogram, fn() -> Histogram>;

/// By codec.
type Trips = Family<[(&'static str, String); 1], Histogram, fn() -> Histogram>;

/// Upper edges of MOS: the categories of G.107 table B.1, and where an excellent leg lies.
const MOS: [f64; 7] = [2.0, 2.58, 3.1, 3.6, 4.03, 4.34, 4.5];

/// Of what was lost or late, as a share.
const LOSS: [f64; 8] = [0.0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1];

/// Of jitter, seconds.
const JITTER: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];

/// Of round trips, seconds.
const TRIP: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.6];

/// Legs that have ended.
#[derive(Clone)]
pub struct LegSounds {
    mos: Legs,
    loss: Legs,
    jitter: Legs,
    trip: Trips,
}

impl Default for LegSounds {
    fn default() -> Self {
        LegSounds {
            mos: Family::new_with_constructor(|| Histogram::new(MOS)),
            loss: Family::new_with_constructor(|| Histogram::new(LOSS)),
            jitter: Family::new_with_constructor(|| Histogram::new(JITTER)),
            trip: Family::new_with_constructor(|| Histogram::new(TRIP)),
        }
    }
}

impl LegSounds {
    pub fn count(&self, leg: &LegFigures) {
        let codec = leg.codec.as_deref().unwrap_or("none");
        let seconds = |micros: u32| f64::from(micros) / 1e6;
        let heard = leg.heard.map(|sound| (sound, leg.missing_permille() as f64 / 1e3, leg.jitter_us));
        let told = leg
            .told
            .zip(leg.peer_packets_lost)
            .map(|(sound, lost)| (sound, lost as f64 / leg.packets_sent.max(1) as f64, leg.peer_jitter_us));
        for (way, direction) in [("heard", heard), ("told", told)] {
            let Some((sound, loss, jitter)) = direction else { continue };
            let labels = [("codec", codec.to_owned()), ("way", way.to_owned())];
            self.mos.get_or_create(&labels).observe(mos(sound));
            self.loss.get_or_create(&labels).observe(loss);
            self.jitter.get_or_create(&labels).observe(seconds(jitter));
        }
        if let Some(trip) = leg.round_trip_us {
            self.trip.get_or_create(&[("codec", codec.to_owned())]).observe(seconds(trip));
        }
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register("leg_mos", "Mean opinion score of legs that ended (G.107)", self.mos.clone());
        registry.register("leg_loss_ratio", "Packets lost or late, of legs that ended", self.loss.clone());
        registry.register("leg_jitter_seconds", "Jitter when legs ended", self.jitter.clone());
        registry.register("leg_round_trip_seconds", "Last round trip of legs that ended", self.trip.clone());
    }
}

fn mos(sound: Sound) -> f64 {
    f64::from(sound.mos_hundredths) / 100.0
}

type WorkerTime = (&'static str, &'static str, fn(&WorkerStats) -> &Times);

const WORKER_TIMES: [WorkerTime; 3] = [
    ("media_passage_seconds", "From a packet's turn to after it was sent on", |worker| &worker.passages),
    ("media_pacing_error_seconds", "How late generated frames were sent", |worker| &worker.pacing_errors),
    ("media_turn_seconds", "How long turns of the worker took", |worker| &worker.turn_times),
];

/// The workers' own histograms, read when asked for.
#[derive(Debug)]
pub struct WorkerTimes(pub Vec<Arc<WorkerStats>>);

impl Collector for WorkerTimes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, help, read) in WORKER_TIMES {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            for (number, worker) in self.0.iter().enumerate() {
                let labels = [("worker", number.to_string())];
                let times = read(worker);
                let doublings = times.doublings();
                // Of the same reading, so that the count is that of the last bucket.
                let count = doublings.iter().map(|(_, count)| count).sum();
                metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                    times.sum(),
                    count,
                    &doublings,
                    None,
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;
    use crate::engine::happened::Side;

    fn text(fill: impl FnOnce(&mut Registry)) -> String {
        let mut registry = Registry::with_prefix("hotline");
        fill(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).expect("text");
        text
    }

    #[test]
    fn a_leg_is_counted_by_codec_in_each_direction_that_is_known() {
        let sound = |mos_hundredths| Some(Sound { r_tenths: 0, mos_hundredths, worst_mos_hundredths: None });
        let leg = LegFigures {
            leg: Side::Caller,
            codec: Some("PCMA".to_owned()),
            packets_received: 980,
            packets_sent: 1_000,
            packets_lost: 20,
            packets_shed: 0,
            packets_late: 0,
            packets_repeated: 0,
            packets_refused: 0,
            bursts: 1,
            jitter_us: 4_000,
            jitter_max_us: 9_000,
            round_trip_us: Some(30_000),
            round_trip_max_us: 40_000,
            peer_packets_lost: None,
            peer_jitter_us: 0,
            heard: sound(391),
            told: None,
            passed: 980,
            inside_p50_us: 20,
            inside_p99_us: 60,
            inside_max_us: 900,
        };
        let sounds = LegSounds::default();
        sounds.count(&leg);
        let text = text(|registry| sounds.register(registry));
        for line in [
            "hotline_leg_mos_bucket{le=\"3.6\",codec=\"PCMA\",way=\"heard\"} 0",
            "hotline_leg_mos_bucket{le=\"4.03\",codec=\"PCMA\",way=\"heard\"} 1",
            "hotline_leg_mos_count{codec=\"PCMA\",way=\"heard\"} 1",
            "hotline_leg_loss_ratio_bucket{le=\"0.02\",codec=\"PCMA\",way=\"heard\"} 1",
            "hotline_leg_jitter_seconds_bucket{le=\"0.002\",codec=\"PCMA\",way=\"heard\"} 0",
            "hotline_leg_jitter_seconds_bucket{le=\"0.005\",codec=\"PCMA\",way=\"heard\"} 1",
            "hotline_leg_round_trip_seconds_sum{codec=\"PCMA\"} 0.03",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
        }
        assert!(!text.contains("told"), "nobody reported:\n{text}");
    }

    #[test]
    fn workers_times_are_histograms_with_doubling_edges() {
        let workers = vec![Arc::<WorkerStats>::default(), Arc::default()];
        let text = text(|registry| registry.register_collector(Box::new(WorkerTimes(workers))));
        for line in [
            "# TYPE hotline_media_passage_seconds histogram",
            "hotline_media_passage_seconds_count{worker=\"1\"} 0",
            "hotline_media_passage_seconds_bucket{le=\"0.000128\",worker=\"0\"} 0",
            "hotline_media_turn_seconds_bucket{le=\"+Inf\",worker=\"0\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
        }
    }
}
