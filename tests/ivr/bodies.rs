//! What the bank's hosts may answer: what the mocks beside the flows answer, and what becomes of that on a bad day.

use std::path::Path;

use hotline::rng::Rng;

/// Texts that no flow expects.
const STRANGE: [&str; 8] = [
    "",
    "null",
    "[]",
    "{}",
    "<html>Bad Gateway</html>",
    "{\"segment\": 7, \"available\": \"a lot\", \"last4\": {}}",
    "{\"last4\": \"../..\", \"number\": \"\", \"segment\": \"vip\u{0}\"}",
    "{\"unclosed\": ",
];

#[derive(PartialEq, Eq)]
struct Body {
    host: String,
    method: Option<String>,
    path: String,
    status: u16,
    text: String,
}

pub struct Bodies(Vec<Body>);

impl Bodies {
    /// Those of all tests in the folder.
    pub fn beside(flows: &Path) -> Bodies {
        let entries = std::fs::read_dir(flows).expect("the flows' folder");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|file| file.to_string_lossy().ends_with(".test.yaml"));
        files.sort();
        let mut found = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a file of tests");
            let tests: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
            collect(&tests["mocks"], &mut found);
            let each = tests["tests"].as_array();
            each.into_iter().flatten().for_each(|test| collect(&test["mocks"], &mut found));
        }
        Bodies(found)
    }

    /// One that fits the request, `bank: get /callers/138`, sometimes damaged.
    pub fn to(&self, request: &str, rng: &mut Rng) -> (u16, String) {
        let (host, rest) = request.split_once(": ").unwrap_or_default();
        let (method, path) = rest.split_once(' ').unwrap_or_default();
        let fits = |body: &&Body| {
            body.host == host
                && body.method.as_deref().is_none_or(|known| known.eq_ignore_ascii_case(method))
                && is_alike(&body.path, path)
        };
        let fitting: Vec<&Body> = self.0.iter().filter(fits).collect();
        match rng.below(fitting.len() as u64) as usize {
            _ if fitting.is_empty() => (404, String::new()),
            place if rng.below(12) == 0 => (fitting[place].status, damaged(&fitting[place].text, rng)),
            place => (fitting[place].status, fitting[place].text.clone()),
        }
    }

    pub fn any(&self, rng: &mut Rng) -> String {
        let place = rng.below((self.0.len() + STRANGE.len()) as u64) as usize;
        STRANGE
            .get(place)
            .map_or_else(|| self.0[place - STRANGE.len()].text.clone(), |text| (*text).to_owned())
    }
}

fn collect(mocks: &serde_json::Value, found: &mut Vec<Body>) {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    for mock in mocks.as_array().into_iter().flatten() {
        let Some(status) = mock["status"].as_u64() else { continue };
        let body = Body {
            host: text(&mock["host"]).unwrap_or_default(),
            method: text(&mock["method"]),
            path: text(&mock["path"]).unwrap_or_default(),
            status: status as u16,
            text: text(&mock["body"]).unwrap_or_else(|| mock["body"].to_string()),
        };
        // Failures are what tests are about: what many of them have in common counts once.
        if !found.contains(&body) {
            found.push(body);
        }
    }
}

/// The mock is for requests of this kind: as many parts, with the same at both ends.
fn is_alike(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    let alike = |place: usize| match pattern[place].split_once('*') {
        Some((before, after)) => path[place].starts_with(before) && path[place].ends_with(after),
        None => pattern[place] == path[place] || place > 1 && place + 1 < pattern.len(),
    };
    pattern.len() == path.len() && (0..path.len()).all(alike)
}

/// Some bytes less, or others.
fn damaged(text: &str, rng: &mut Rng) -> String {
    let mut symbols: Vec<char> = text.chars().collect();
    for _ in 0..=rng.below(3) {
        let at = rng.below(symbols.len() as u64 + 1) as usize;
        match rng.below(3) {
            0 => symbols.truncate(at),
            1 => symbols.insert(at, ['"', '}', '0', '\u{0}', '长'][rng.below(5) as usize]),
            _ => {
                if at < symbols.len() {
                    symbols[at] = 'x';
                }
            }
        }
    }
    symbols.into_iter().collect()
}
