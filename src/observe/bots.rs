//! Conversations with bots: how many, how they ended, how long they lasted.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::engine::happened::BotOutcome;

/// The bot, by its name in the configuration, and how it ended.
type Labels = [(&'static str, String); 2];

/// By bot.
type Times = Family<[(&'static str, String); 1], Histogram, fn() -> Histogram>;

/// Upper edges, seconds: from a bot that fails at once to one that has to be ended.
const SECONDS: [f64; 9] = [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0];

/// Conversations that have ended.
#[derive(Clone)]
pub struct BotTalks {
    ended: Family<Labels, Counter>,
    times: Times,
}

impl Default for BotTalks {
    fn default() -> Self {
        let times = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        BotTalks { ended: Family::default(), times }
    }
}

impl BotTalks {
    pub fn count(&self, bot: &str, outcome: BotOutcome, ms: u64) {
        let end = match outcome {
            BotOutcome::Closed => "closed",
            BotOutcome::Result => "result",
            BotOutcome::Person => "person",
            BotOutcome::Failed(why) => why.word(),
        };
        let bot = ("bot", bot.to_owned());
        self.ended.get_or_create(&[bot.clone(), ("end", end.to_owned())]).inc();
        self.times.get_or_create(&[bot]).observe(ms as f64 / 1e3);
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register("bot_talks", "Conversations with bots, by how they ended", self.ended.clone());
        registry.register("bot_talk_seconds", "How long they lasted", self.times.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::happened::BotFailure;

    #[test]
    fn conversations_are_counted_by_bot_and_end_and_their_times_kept() {
        let talks = BotTalks::default();
        talks.count("assistant", BotOutcome::Person, 20_000);
        talks.count("assistant", BotOutcome::Failed(BotFailure::Timeout), 3_000);
        let mut registry = Registry::default();
        talks.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        assert!(text.contains("bot_talks_total{bot=\"assistant\",end=\"person\"} 1\n"), "{text}");
        assert!(text.contains("bot_talks_total{bot=\"assistant\",end=\"timeout\"} 1\n"), "{text}");
        assert!(text.contains("bot_talk_seconds_bucket{le=\"5.0\",bot=\"assistant\"} 1\n"), "{text}");
    }
}
