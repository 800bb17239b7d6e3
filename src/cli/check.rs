//! `hotline check`: what is wrong with flows and configurations, before anybody hears it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args;
use super::ground::{Ground, Place};
use super::run::demo_config;
use super::{CannotRun, Exit, print};
use crate::config::{self, Config};
use crate::diagnostic::{Diagnostic, Source, codes, render_all};
use crate::ivr::trial::script;
use crate::ivr::{self, humane::Reach};
use crate::media::prompts::Library;
use crate::publishing::draft::DraftError;
use crate::server::load::{self, LoadError};

pub(super) fn check(args: &args::Check) -> Result<Exit, CannotRun> {
    if let Some(code) = &args.explain {
        return Ok(explain(code));
    }
    let Examined { found, reaches } = examine(&args.paths)?;
    let (errors, warnings) = crate::diagnostic::split(found);
    let exit = if errors.is_empty() { Exit::Fine } else { Exit::Bad };
    if args.json || args.format == "json" {
        let all: Vec<_> = errors.iter().chain(&warnings).map(Diagnostic::to_json).collect();
        let json = serde_json::to_string_pretty(&all)
            .map_err(|error| CannotRun::because("the findings cannot be written", error))?;
        print::json(&json);
    } else {
        let found = format!("{}{}", render_all(&errors), render_all(&warnings));
        let reaches: String = reaches.iter().map(|reach| format!("{reach}\n")).collect();
        let (errors, warnings) = (counted(errors.len(), "error"), counted(warnings.len(), "warning"));
        print::text(&format!("{found}{reaches}{errors}, {warnings}"));
    }
    Ok(exit)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn explain(code: &str) -> Exit {
    match codes::explain(code) {
        Some(text) => {
            print::text(&text);
            Exit::Fine
        }
        None => {
            eprintln!("hotline: no diagnostic has the code `{code}`");
            Exit::Bad
        }
    }
}

/// What was found in all paths, and how far a person is in the flows that are right.
#[derive(Default)]
struct Examined {
    found: Vec<Diagnostic>,
    reaches: Vec<Reach>,
}

/// Everything found in all paths. A configuration brings its own flows and prompts; flows named by themselves are
/// checked against the demo's queues, agents and prompts.
fn examine(paths: &[PathBuf]) -> Result<Examined, CannotRun> {
    let mut examined = Examined::default();
    let mut flows: Vec<Arc<Source>> = Vec::new();
    for path in paths {
        if path.is_dir() {
            flows.extend(folder(path, &mut examined.found)?);
        } else if load::is_tests(path) {
            examine_tests(path, &mut examined.found)?;
        } else if is_configuration(path) {
            examine_configuration(path, &mut examined)?;
        } else {
            flows.push(load::source(path).map_err(|error| CannotRun(error.to_string()))?);
        }
    }
    add_called(&mut flows)?;
    if !flows.is_empty() {
        examine_flows(&flows, &demo_config(&args::Demo::default()), &mut examined)?;
    }
    Ok(examined)
}

/// The flows of a folder, or what is wrong with its files.
fn folder(path: &Path, found: &mut Vec<Diagnostic>) -> Result<Vec<Arc<Source>>, CannotRun> {
    match load::sources(path) {
        Err(LoadError::Folder(DraftError::Files(refused))) => {
            found.extend(refused);
            Ok(Vec::new())
        }
        read => read.map_err(|error| CannotRun(error.to_string())),
    }
}

/// A flow named by itself is checked together with those beside it that it calls.
fn add_called(flows: &mut Vec<Arc<Source>>) -> Result<(), CannotRun> {
    let mut next = 0;
    while let Some(flow) = flows.get(next).cloned() {
        next += 1;
        add_shared(&flow, flows)?;
        for name in ivr::called_by(&flow) {
            let path = Path::new(&flow.name).with_file_name(format!("{name}.yaml"));
            let known = flows.iter().any(|flow| Path::new(&flow.name) == path);
            if !known && path.is_file() {
                flows.push(load::source(&path).map_err(|error| CannotRun(error.to_string()))?);
            }
        }
    }
    Ok(())
}

/// And with the snippets beside it, if it uses any.
fn add_shared(flow: &Arc<Source>, flows: &mut Vec<Arc<Source>>) -> Result<(), CannotRun> {
    let folder = Path::new(&flow.name).parent().filter(|folder| !folder.as_os_str().is_empty());
    if !flow.text.contains("use:") {
        return Ok(());
    }
    let beside =
        load::sources(folder.unwrap_or(Path::new("."))).map_err(|error| CannotRun(error.to_string()))?;
    for file in beside {
        let same =
            |known: &Arc<Source>| Path::new(&known.name).file_name() == Path::new(&file.name).file_name();
        if ivr::is_shared(&file) && !flows.iter().any(same) {
            flows.push(file);
        }
    }
    Ok(())
}

/// A file with `sip:` or `numbers:` at its left edge; a flow has neither.
pub(super) fn is_configuration(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.starts_with("sip:") || line.starts_with("numbers:"))
}

fn examine_configuration(path: &Path, examined: &mut Examined) -> Result<(), CannotRun> {
    match config::load(path) {
        Ok(read) => {
            examined.found.extend(read.warnings);
            let flows = folder(&read.config.flows, &mut examined.found)?;
            examine_flows(&flows, &read.config, examined)
        }
        Err(diagnostics) => {
            examined.found.extend(diagnostics);
            Ok(())
        }
    }
}

/// Tests are read against the flows beside them.
fn examine_tests(path: &Path, found: &mut Vec<Diagnostic>) -> Result<(), CannotRun> {
    let source = load::source(path).map_err(|error| CannotRun(error.to_string()))?;
    let read = match Place::named(path) {
        Ok(place) => Ground::of(&place)?.stage(|stage| script::read(&source, stage).err()),
        Err(diagnostics) => Err(diagnostics),
    };
    found.extend(read.unwrap_or_else(Some).unwrap_or_default());
    Ok(())
}

fn examine_flows(flows: &[Arc<Source>], config: &Config, examined: &mut Examined) -> Result<(), CannotRun> {
    let (library, _) = Library::load(&config.prompts).map_err(|error| CannotRun(error.to_string()))?;
    match ivr::compile(flows, &ivr::World::of(config, &library)) {
        Ok(compiled) => {
            examined.found.extend(compiled.warnings);
            examined.reaches.extend(compiled.reaches);
        }
        Err(diagnostics) => examined.found.extend(diagnostics),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_named_by_itself_is_checked_with_those_it_calls() {
        let folder = std::env::temp_dir().join(format!("hotline-called-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let flow = |name: &str, node: &str| {
            let text = format!(
                "flow: {name}\nlanguages: [en]\nstart: a\nnodes:\n  a: {{ {node} }}\n  b: {{ hangup: }}\n"
            );
            let path = folder.join(format!("{name}.yaml"));
            std::fs::write(&path, text).expect("written");
            path
        };
        let first = flow("first", "call: { flow: second, next: b }");
        flow("second", "call: { flow: third, next: b }");
        flow("unrelated", "goto: nowhere");
        let mut flows = vec![load::source(&first).expect("it is there")];
        add_called(&mut flows).expect("all are there");
        assert_eq!(flows.len(), 2, "the third does not exist, and the checker will say so");
        assert!(flows[1].name.ends_with("second.yaml"));
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
