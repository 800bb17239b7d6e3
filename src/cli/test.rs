//! `hotline test`: the tests that stand beside flows.

use std::path::Path;

use serde::Serialize;

use super::args;
use super::ground::{Ground, Place};
use super::{CannotRun, Exit, print};
use crate::diagnostic::{self, Diagnostic};
use crate::ivr::flow::Flow;
use crate::ivr::trial::Stage;
use crate::ivr::trial::coverage::{Coverage, Covered, Share};
use crate::ivr::trial::play::{Outcome, play};
use crate::ivr::trial::script::{self, Test};
use crate::ivr::trial::told::{Told, json};
use crate::server::load;

/// Everything that came of a run of tests.
#[derive(Default, Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    tests: Vec<Told>,
    coverage: Vec<Tried>,
    /// What keeps flows or tests from being read.
    findings: Vec<serde_json::Value>,
    #[serde(skip)]
    texts: Vec<String>,
}

/// One flow's coverage.
#[derive(Serialize)]
struct Tried {
    flow: String,
    nodes: Part,
    branches: Part,
}

#[derive(Serialize)]
struct Part {
    taken: usize,
    all: usize,
    percent: usize,
    missing: Vec<String>,
}

impl From<Share> for Part {
    fn from(share: Share) -> Part {
        Part { percent: share.percent(), taken: share.taken, all: share.all, missing: share.missing }
    }
}

impl From<Covered> for Tried {
    fn from(covered: Covered) -> Tried {
        Tried {
            flow: covered.flow.to_string(),
            nodes: covered.nodes.into(),
            branches: covered.branches.into(),
        }
    }
}

pub(super) fn test(args: &args::Test) -> Result<Exit, CannotRun> {
    let mut report = Report::default();
    if args.paths.is_empty() {
        perform(&Place::demo(), &mut report)?;
    }
    for path in &args.paths {
        match Place::named(path) {
            Ok(place) => perform(&place, &mut report)?,
            Err(found) => report.refuse(&found),
        }
    }
    let short = short_of(args, &report.coverage);
    if args.json {
        let json = serde_json::to_string_pretty(&report)
            .map_err(|error| CannotRun::because("the report cannot be written", error))?;
        print::json(&json);
    } else {
        print(args, &report, &short);
    }
    let none = report.tests.is_empty() && report.findings.is_empty();
    if none {
        eprintln!("hotline: no tests (*.test.yaml) were found");
    }
    let bad = none || report.failed > 0 || !report.findings.is_empty() || !short.is_empty();
    Ok(if bad { Exit::Bad } else { Exit::Fine })
}

/// All tests of a place.
fn perform(place: &Place, report: &mut Report) -> Result<(), CannotRun> {
    let ground = Ground::of(place)?;
    let files = place.tests()?;
    let performed = ground.stage(|stage| -> Result<(), CannotRun> {
        let mut coverage = Coverage::default();
        for file in &files {
            perform_file(file, stage, &mut coverage, report)?;
        }
        // Who names one file does not ask about the other flows of its folder.
        let asked = |covered: &Covered| place.file.is_none() || coverage.began_in(&covered.flow);
        report.coverage.extend(coverage.report(stage).into_iter().filter(asked).map(Tried::from));
        Ok(())
    });
    match performed {
        Ok(done) => done,
        Err(found) => {
            report.refuse(&found);
            Ok(())
        }
    }
}

fn perform_file(
    file: &Path,
    stage: &Stage<'_>,
    coverage: &mut Coverage,
    report: &mut Report,
) -> Result<(), CannotRun> {
    let source = load::source(file).map_err(|error| CannotRun(error.to_string()))?;
    match script::read(&source, stage) {
        Err(found) => report.refuse(&found),
        Ok(tests) => {
            for test in &tests {
                if let (Some(outcome), Some(on)) = (play(test, stage), stage.flow(&test.flow)) {
                    coverage.add(&outcome);
                    report.note(test, &outcome, stage, on);
                }
            }
        }
    }
    Ok(())
}

impl Report {
    fn note(&mut self, test: &Test, outcome: &Outcome, stage: &Stage<'_>, on: &Flow) {
        let told = Told::of(test, outcome, stage, on);
        *(if told.passed { &mut self.passed } else { &mut self.failed }) += 1;
        if !told.passed {
            self.texts.push(told.text.clone());
        }
        self.tests.push(told);
    }

    fn refuse(&mut self, found: &[Diagnostic]) {
        self.texts.push(diagnostic::render_all(found));
        self.findings.extend(found.iter().filter_map(json));
    }
}

/// The shares that are smaller than was asked for.
fn short_of(args: &args::Test, coverage: &[Tried]) -> Vec<String> {
    let parts = |flow: &Tried| {
        [
            (flow.flow.clone(), "nodes", flow.nodes.percent, args.least_nodes),
            (flow.flow.clone(), "branches", flow.branches.percent, args.least_branches),
        ]
    };
    let all = coverage.iter().flat_map(parts);
    let short = all.filter(|(_, _, is, least)| least.is_some_and(|least| *is < usize::from(least)));
    short
        .map(|(flow, what, is, least)| {
            format!("{flow}: {is} % of the {what} are tested, and {} % are asked for", least.unwrap_or(0))
        })
        .collect()
}

fn print(args: &args::Test, report: &Report, short: &[String]) {
    report.texts.iter().for_each(|text| print::text(text));
    for flow in &report.coverage {
        let Tried { flow, nodes, branches } = flow;
        print::line(&format!(
            "{flow}: nodes {} of {} ({} %), branches {} of {} ({} %)",
            nodes.taken, nodes.all, nodes.percent, branches.taken, branches.all, branches.percent
        ));
        let tell = args.coverage || !short.is_empty();
        for missing in nodes.missing.iter().chain(&branches.missing).filter(|_| tell) {
            print::line(&format!("  not tested: {missing}"));
        }
    }
    short.iter().for_each(|short| print::line(short));
    print::line(&format!("{} passed, {} failed", report.passed, report.failed));
}
