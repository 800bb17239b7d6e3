//! What is written to docs/benchmarks/: a page of tables for each scenario, and plots of what grows with the load.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::figures::{Promise, Report};
use super::plot::{Series, svg};

const FOLDER: &str = "docs/benchmarks";

/// What is drawn: the figure, what stands on its axis, the end of the file's name.
const PLOTS: [(&str, &str, &str); 2] = [
    ("cpu_per_100_calls", "% of a core per 100 calls", "cpu"),
    ("latency_p99_ms", "one-way latency p99, ms", "latency"),
];

/// Writes the scenario's page and plots, by the name of the scenario.
pub fn write(report: &Report, machine: &str) -> io::Result<()> {
    let folder = Path::new(FOLDER);
    let scenario = &report.scenario;
    let mut text =
        format!("# {scenario}\n\n{}. {machine} Medians, with the range in brackets.\n", report.title);
    if !report.promises.is_empty() {
        text.push_str("\n| promise | seen | kept |\n|---|---|---|\n");
        for Promise { text: promise, seen, kept } in &report.promises {
            let _ = writeln!(text, "| {promise} | {seen} | {} |", if *kept { "yes" } else { "**no**" });
        }
    }
    for (key, axis, ending) in PLOTS {
        let series = series(report, key);
        if series.iter().any(|series| series.points.len() > 1) {
            let name = format!("{scenario}-{ending}.svg");
            std::fs::write(folder.join(&name), svg(&format!("{scenario}: {axis}"), "calls", axis, &series))?;
            let _ = write!(text, "\n![{axis}]({name})\n");
        }
    }
    for load in loads(report) {
        table(&mut text, report, load);
    }
    std::fs::write(folder.join(format!("{scenario}.md")), text)
}

fn loads(report: &Report) -> Vec<usize> {
    let mut loads: Vec<usize> = report.groups().into_iter().map(|(load, _)| load).collect();
    loads.dedup();
    loads
}

/// A row a figure, a column a subject.
fn table(text: &mut String, report: &Report, load: usize) {
    let subjects: Vec<String> =
        report.groups().into_iter().filter(|(other, _)| *other == load).map(|(_, subject)| subject).collect();
    let _ = write!(
        text,
        "\n## {load}\n\n| | {} |\n|---|{}\n",
        subjects.join(" | "),
        "---|".repeat(subjects.len())
    );
    let mut rows: Vec<(&str, &str, &str)> = Vec::new();
    for subject in &subjects {
        for row in report.keys(subject, load) {
            if !rows.iter().any(|known| known.0 == row.0) {
                rows.push(row);
            }
        }
    }
    for (key, what, unit) in rows {
        let cell = |subject: &String| {
            report.spread(subject, load, key).map(|spread| spread.to_string()).unwrap_or_default()
        };
        let cells: Vec<String> = subjects.iter().map(cell).collect();
        let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
        let _ = writeln!(text, "| {what}{unit} | {} |", cells.join(" | "));
    }
    let late = |subject: &String| {
        let runs: Vec<_> =
            report.runs.iter().filter(|run| run.load == load && run.subject == *subject).collect();
        let valid = runs.iter().filter(|run| run.valid).count();
        format!("{valid} of {}", runs.len())
    };
    let cells: Vec<String> = subjects.iter().map(late).collect();
    let _ = writeln!(text, "| runs in which the generator kept time | {} |", cells.join(" | "));
}

fn series(report: &Report, key: &str) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for (load, subject) in report.groups() {
        let Some(spread) = report.spread(&subject, load, key) else { continue };
        let point = (load as f64, [spread.low, spread.median, spread.high]);
        match all.iter_mut().find(|series| series.name == subject) {
            Some(series) => series.points.push(point),
            None => all.push(Series { name: subject, points: vec![point] }),
        }
    }
    all
}

/// The machine, in a sentence.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("", |pair| pair.1);
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    format!("{cores} processors ({model}), Linux {}.", read("/proc/sys/kernel/osrelease").trim())
}
