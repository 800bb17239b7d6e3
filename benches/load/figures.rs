//! How numbers are put: percentiles, a table for people, JSON for programs.

/// The least value that at least `share` (0 to 1) of `values` do not exceed; zero of none. Sorts them.
pub fn percentile(values: &mut [u64], share: f64) -> u64 {
    values.sort_unstable();
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// Microseconds as milliseconds, for a table.
pub fn millis(micros: u64) -> String {
    format!("{:.3} ms", micros as f64 / 1_000.0)
}

/// What share `part` is of `whole`, in percent; zero of nothing.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// A table that grows line by line, and the same as JSON.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<(String, String)>,
    json: serde_json::Map<String, serde_json::Value>,
    /// Figures that are not as promised.
    pub broken: Vec<String>,
}

impl Report {
    pub fn titled(title: &str) -> Report {
        let mut report = Report::default();
        report.json.insert("scenario".into(), title.into());
        report.lines.push((title.to_owned(), String::new()));
        report
    }

    pub fn put(&mut self, key: &str, what: &str, shown: impl ToString, value: impl Into<serde_json::Value>) {
        self.lines.push((format!("  {what}"), shown.to_string()));
        self.json.insert(key.to_owned(), value.into());
    }

    /// Keeps in mind that a promise does not hold.
    pub fn expect(&mut self, holds: bool, promise: &str) {
        if !holds {
            self.broken.push(promise.to_owned());
        }
    }

    pub fn print(mut self, json: bool) -> bool {
        let kept = self.broken.is_empty();
        self.json.insert("broken".into(), self.broken.clone().into());
        if json {
            println!("{}", serde_json::Value::Object(self.json));
            return kept;
        }
        for (what, shown) in &self.lines {
            println!("{what:<44} {shown}");
        }
        for promise in &self.broken {
            println!("  NOT KEPT: {promise}");
        }
        println!();
        kept
    }
}
