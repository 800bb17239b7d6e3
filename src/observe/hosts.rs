//! Requests to the bank's own hosts: how often, how they ended, how long they took.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::engine::happened::HttpOutcome;

/// The host, by its name in the configuration, and `2xx` or the word of a failure.
type Labels = [(&'static str, String); 2];

/// By host.
type Times = Family<[(&'static str, String); 1], Histogram, fn() -> Histogram>;

/// Upper edges, seconds: from a host next door to what no caller waits for.
const SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0];

/// Requests that have ended.
#[derive(Clone)]
pub struct HostAnswers {
    ended: Family<Labels, Counter>,
    times: Times,
}

impl Default for HostAnswers {
    fn default() -> Self {
        let times = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        HostAnswers { ended: Family::default(), times }
    }
}

impl HostAnswers {
    pub fn count(&self, host: &str, outcome: HttpOutcome, ms: u64) {
        let end = match outcome {
            HttpOutcome::Status(status) => format!("{}xx", status / 100),
            HttpOutcome::Failed(why) => why.word().to_owned(),
        };
        let host = ("host", host.to_owned());
        self.ended.get_or_create(&[host.clone(), ("end", end)]).inc();
        self.times.get_or_create(&[host]).observe(ms as f64 / 1e3);
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "host_requests",
            "Requests of flows to hosts, by how they ended",
            self.ended.clone(),
        );
        registry.register("host_request_seconds", "How long hosts took", self.times.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::happened::HttpFailure;

    #[test]
    fn requests_are_counted_by_host_and_end_and_their_times_kept() {
        let answers = HostAnswers::default();
        answers.count("bank", HttpOutcome::Status(204), 12);
        answers.count("bank", HttpOutcome::Status(200), 300);
        answers.count("bank", HttpOutcome::Failed(HttpFailure::TooLarge), 1);
        let mut registry = Registry::default();
        answers.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        assert!(text.contains("host_requests_total{host=\"bank\",end=\"2xx\"} 2\n"), "{text}");
        assert!(text.contains("host_requests_total{host=\"bank\",end=\"too_large\"} 1\n"), "{text}");
        assert!(text.contains("host_request_seconds_bucket{le=\"0.25\",host=\"bank\"} 2\n"), "{text}");
    }
}
