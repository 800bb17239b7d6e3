//! Whether flows may be published: checked against the configuration, and their tests performed.

use std::path::Path;

use crate::config::Config;
use crate::diagnostic::{self, Diagnostic, Source, Span, suggest};
use crate::ivr::trial::Stage;
use crate::ivr::trial::play::play;
use crate::ivr::trial::script;
use crate::ivr::trial::told::{Told, json};
use crate::ivr::{self, Flows, World};
use crate::media::prompts::{Library, Wordbook};

use super::draft::Draft;

/// Flows that may be published.
#[derive(Debug)]
pub struct Proven {
    pub flows: Flows,
    pub warnings: Vec<Diagnostic>,
    /// Tests that passed.
    pub tests: usize,
}

/// Why they may not: as `hotline check` and `hotline test` print it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    pub text: String,
    pub findings: Vec<serde_json::Value>,
    /// The tests that failed.
    pub tests: Vec<Told>,
}

impl Failure {
    pub(super) fn of(found: &[Diagnostic]) -> Failure {
        let findings = found.iter().filter_map(json).collect();
        Failure { text: diagnostic::render_all(found), findings, tests: Vec::new() }
    }
}

/// Checks `draft` as if it stood in `place`, against this configuration and its prompts.
pub fn check(draft: &Draft, place: &Path, config: &Config, library: &Library) -> Result<Proven, Failure> {
    let sources = draft.flows(place);
    let compiled =
        ivr::compile(&sources, &World::of(config, library)).map_err(|found| Failure::of(&found))?;
    let missing: Vec<Diagnostic> = missing(&compiled.flows, place, config).collect();
    if !missing.is_empty() {
        return Err(Failure::of(&missing));
    }
    Ok(Proven { flows: compiled.flows, warnings: compiled.warnings, tests: 0 })
}

/// Numbers that would lead nowhere.
fn missing<'a>(
    flows: &'a Flows,
    place: &'a Path,
    config: &'a Config,
) -> impl Iterator<Item = Diagnostic> + 'a {
    let lost = config.numbers.iter().filter(|(_, number)| !flows.contains_key(&number.flow));
    lost.map(move |(dialled, number)| {
        let source = Source::new(place.display().to_string(), "");
        let message = format!("the number {dialled} leads to `{}`, and there is no such flow", number.flow);
        let mut missing = Diagnostic::error("flow-080", &source, Span::default(), message);
        match suggest::nearest(number.flow.as_str(), flows.keys().map(|flow| flow.as_str())) {
            Some(guess) => missing.label(format!("did you mean `{guess}`?")),
            None => missing.label("no file of this name"),
        };
        missing
    })
}

/// As `check`, and performs the tests beside the flows.
pub fn prove(draft: &Draft, place: &Path, config: &Config, library: &Library) -> Result<Proven, Failure> {
    let proven = check(draft, place, config, library)?;
    let words = Wordbook::read(&config.prompts)
        .map_err(|error| Failure { text: format!("{error}\n"), ..Failure::default() })?;
    let world = World::of(config, &words);
    let stage = Stage::set(&draft.flows(place), &world, &words).map_err(|found| Failure::of(&found))?;
    let tests = perform(draft, place, &stage)?;
    Ok(Proven { tests, ..proven })
}

/// Most that may happen in all tests of a release together, as `ivr::trial` notes it: other orders wait meanwhile, and who
/// gave this one waits for the answer.
const MOST_RUNGS: usize = 1_000_000;

/// How many tests passed.
fn perform(draft: &Draft, place: &Path, stage: &Stage<'_>) -> Result<usize, Failure> {
    let mut failure = Failure::default();
    let (mut passed, mut rungs) = (0, 0);
    for source in draft.tests(place) {
        let tests = match script::read(&source, stage) {
            Ok(tests) => tests,
            Err(found) => {
                let Failure { text, findings, .. } = Failure::of(&found);
                failure.text.push_str(&text);
                failure.findings.extend(findings);
                continue;
            }
        };
        for test in &tests {
            let (Some(outcome), Some(on)) = (play(test, stage), stage.flow(&test.flow)) else { continue };
            rungs += outcome.path.rungs().len();
            if rungs > MOST_RUNGS {
                failure.text.push_str(&format!(
                    "the tests are given up: more than {MOST_RUNGS} things happen in them; \
                     `hotline test` performs them all\n"
                ));
                return Err(failure);
            }
            let told = Told::of(test, &outcome, stage, on);
            if told.passed {
                passed += 1;
            } else {
                failure.text.push_str(&told.text);
                failure.text.push('\n');
                failure.tests.push(told);
            }
        }
    }
    if failure.text.is_empty() { Ok(passed) } else { Err(failure) }
}
