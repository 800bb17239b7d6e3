//! Releases of the flows: which is in force, which is on trial, and which ones calls under way took.

use prometheus_client::registry::Registry;

use super::metrics::{family, gauge};
use crate::engine::releases::FlowsView;
use crate::ids::ReleaseId;

/// What a release is to new calls. Numbers of releases would be labels without end.
const STANDINGS: [&str; 3] = ["current", "canary", "earlier"];

/// Registers the figures of releases as they stand.
pub fn flows(registry: &mut Registry, view: &FlowsView) {
    gauge(registry, "flows_release", "The release of the flows in force", view.in_force.0);
    let trial = view.trial.as_ref();
    let (release, percent) = trial.map_or((0, 0), |trial| (trial.release.0, u64::from(trial.percent)));
    gauge(registry, "flows_canary_release", "The release on trial; 0 if none is", release);
    gauge(registry, "flows_canary_percent", "Share of new calls that take it, in hundredths", percent);
    let zero = STANDINGS.iter().map(|standing| ((*standing).to_owned(), 0));
    let calls =
        view.calls.iter().map(|(release, calls)| (standing(view, *release).to_owned(), *calls as u64));
    family(
        registry,
        "flows_calls_live",
        "Calls under way, by what the release that they took is now",
        "release",
        zero.chain(calls),
    );
}

fn standing(view: &FlowsView, release: ReleaseId) -> &'static str {
    let [current, canary, earlier] = STANDINGS;
    if release == view.in_force {
        current
    } else if view.trial.is_some_and(|trial| trial.release == release) {
        canary
    } else {
        earlier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::canary::Tally;
    use crate::engine::releases::TrialView;
    use crate::moment::Moment;

    fn text(view: &FlowsView) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        flows(&mut registry, view);
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        text
    }

    #[test]
    fn calls_are_told_apart_by_what_their_release_is_now_however_many_there_were() {
        let (since, new, old) = (Moment::ZERO, Tally::default(), Tally::default());
        let trial = TrialView { release: ReleaseId(9), percent: 10, since, new, old };
        let calls = [(1, 5), (2, 1), (8, 40), (9, 4)].map(|(release, calls)| (ReleaseId(release), calls));
        let view = FlowsView { in_force: ReleaseId(8), trial: Some(trial), calls: calls.into() };
        let told = text(&view);
        for line in [
            "flows_release 8",
            "flows_canary_release 9",
            "flows_canary_percent 10",
            "flows_calls_live{release=\"current\"} 40",
            "flows_calls_live{release=\"canary\"} 4",
            "flows_calls_live{release=\"earlier\"} 6",
        ] {
            assert!(told.contains(&format!("{line}\n")), "{line} is not in\n{told}");
        }
        let over = text(&FlowsView { trial: None, ..view });
        assert!(over.contains("flows_canary_release 0\n") && over.contains("flows_canary_percent 0\n"));
        assert!(over.contains("flows_calls_live{release=\"canary\"} 0\n"), "{over}");
        assert!(over.contains("flows_calls_live{release=\"earlier\"} 10\n"), "{over}");
    }
}
