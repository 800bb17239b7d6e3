//! How numbers are put: a table for people, JSON for programs; medians and ranges of repetitions.

use std::collections::BTreeMap;

/// What share `part` is of `whole`, in percent; zero of nothing.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Nanoseconds as milliseconds.
pub fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// One measured number.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub key: &'static str,
    pub what: &'static str,
    pub unit: &'static str,
    pub value: f64,
}

/// What one measurement of one program at one load gave.
#[derive(Clone, Debug)]
pub struct Run {
    pub subject: String,
    /// Calls at once, or a second, as the scenario says.
    pub load: usize,
    pub figures: Vec<Figure>,
    /// The generator kept time.
    pub valid: bool,
}

impl Run {
    pub fn new(subject: &str, load: usize) -> Run {
        Run { subject: subject.to_owned(), load, figures: Vec::new(), valid: true }
    }

    pub fn put(&mut self, key: &'static str, what: &'static str, unit: &'static str, value: f64) {
        self.figures.push(Figure { key, what, unit, value });
    }

    pub fn get(&self, key: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.key == key).map(|figure| figure.value)
    }
}

/// A figure over repetitions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    /// `None` of nothing.
    pub fn of(mut values: Vec<f64>) -> Option<Spread> {
        values.sort_by(f64::total_cmp);
        let (low, high) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Some(Spread { low, median, high })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (low, median, high) = (digits(self.low), digits(self.median), digits(self.high));
        if low == high { f.write_str(&median) } else { write!(f, "{median} ({low} to {high})") }
    }
}

/// Three digits that say something; whole numbers whole.
pub fn digits(value: f64) -> String {
    match value.abs() {
        size if value.fract() == 0.0 || size >= 1_000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Something the issue promises, and whether it holds.
#[derive(Clone, Debug)]
pub struct Promise {
    pub text: String,
    pub seen: String,
    pub kept: bool,
}

/// A scenario's runs and promises.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub scenario: String,
    pub title: String,
    pub runs: Vec<Run>,
    pub promises: Vec<Promise>,
}

impl Report {
    pub fn titled(scenario: &str, title: &str) -> Report {
        Report { scenario: scenario.to_owned(), title: title.to_owned(), ..Report::default() }
    }

    /// A figure over the repetitions; runs in which the generator was late do not count, unless all were.
    pub fn spread(&self, subject: &str, load: usize, key: &str) -> Option<Spread> {
        let ours = |run: &&Run| run.subject == subject && run.load == load;
        let values = |valid: bool| -> Vec<f64> {
            let runs = self.runs.iter().filter(ours).filter(|run| run.valid == valid);
            runs.filter_map(|run| run.get(key)).collect()
        };
        Spread::of(values(true)).or_else(|| Spread::of(values(false)))
    }

    pub fn median(&self, subject: &str, load: usize, key: &str) -> Option<f64> {
        self.spread(subject, load, key).map(|spread| spread.median)
    }

    /// Loads and subjects in the order they were first run, lightest load first.
    pub fn groups(&self) -> Vec<(usize, String)> {
        let mut first = BTreeMap::new();
        for (place, run) in self.runs.iter().enumerate() {
            first.entry((run.load, run.subject.clone())).or_insert(place);
        }
        let mut groups: Vec<_> = first.into_iter().collect();
        groups.sort_by_key(|((load, _), place)| (*load, *place));
        groups.into_iter().map(|(group, _)| group).collect()
    }

    pub fn promise(&mut self, text: &str, seen: Option<f64>, kept: impl Fn(f64) -> bool) {
        let shown = seen.map_or_else(|| "not measured".to_owned(), digits);
        self.promises.push(Promise { text: text.to_owned(), seen: shown, kept: seen.is_some_and(kept) });
    }

    /// What was not measured on purpose is no broken promise.
    pub fn promise_if(&mut self, text: &str, seen: Option<f64>, kept: impl Fn(f64) -> bool) {
        if seen.is_some() {
            self.promise(text, seen, kept);
        }
    }

    pub fn kept(&self) -> bool {
        self.promises.iter().all(|promise| promise.kept) && self.runs.iter().all(|run| run.valid)
    }

    pub fn print(&self, json: bool) -> bool {
        if json {
            println!("{}", self.json());
            return self.kept();
        }
        println!("{}: {}", self.scenario, self.title);
        for (load, subject) in self.groups() {
            println!("  {subject}, {load}");
            for (key, what, unit) in self.keys(&subject, load) {
                if let Some(spread) = self.spread(&subject, load, key) {
                    println!("    {what:<44} {spread} {unit}");
                }
            }
            let ours = |run: &&Run| run.subject == subject && run.load == load;
            let invalid = self.runs.iter().filter(ours).filter(|run| !run.valid).count();
            if invalid > 0 {
                println!("    INVALID: in {invalid} runs the generator was late");
            }
        }
        for Promise { text, seen, kept } in &self.promises {
            println!("  {} {text}: {seen}", if *kept { "kept    " } else { "NOT KEPT" });
        }
        println!();
        self.kept()
    }

    /// Figures of a group in their order.
    pub fn keys(&self, subject: &str, load: usize) -> Vec<(&'static str, &'static str, &'static str)> {
        let run = self.runs.iter().find(|run| run.subject == subject && run.load == load);
        run.map_or_else(Vec::new, |run| run.figures.iter().map(|f| (f.key, f.what, f.unit)).collect())
    }

    fn json(&self) -> serde_json::Value {
        let run = |run: &Run| {
            let mut object: serde_json::Map<String, serde_json::Value> =
                run.figures.iter().map(|figure| (figure.key.to_owned(), figure.value.into())).collect();
            object.insert("subject".into(), run.subject.clone().into());
            object.insert("load".into(), run.load.into());
            object.insert("valid".into(), run.valid.into());
            serde_json::Value::Object(object)
        };
        let promise = |promise: &Promise| serde_json::json!({ "promise": promise.text, "seen": promise.seen, "kept": promise.kept });
        serde_json::json!({
            "scenario": self.scenario,
            "title": self.title,
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
            "promises": self.promises.iter().map(promise).collect::<Vec<_>>(),
        })
    }
}
