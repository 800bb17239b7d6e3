//! What flows ask for, as their files say it: who answers that comes further than who presses just anything.

use std::collections::BTreeMap;
use std::path::Path;

use hotline::rng::Rng;
use serde_json::Value;

/// The key for a person: who wants to do it without one does not press it.
const PERSON: &str = "9";
/// From so many digits on an account is a card, whose last digit is seldom met by chance.
const CARD: u64 = 16;

/// Answers that fit, by node: `cards/menu`.
pub struct Asked(BTreeMap<String, Fitting>);

enum Fitting {
    OneOf(Vec<String>),
    /// So many digits, at least and at most.
    Digits(u64, u64),
}

impl Asked {
    /// By all flows in the folder.
    pub fn by(flows: &Path) -> Asked {
        let mut asked = BTreeMap::new();
        for entry in std::fs::read_dir(flows).expect("the flows' folder") {
            let file = entry.expect("an entry").path();
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(flow) = name.strip_suffix(".yaml").filter(|flow| !flow.contains('.')) else { continue };
            let text = std::fs::read_to_string(&file).expect("a flow");
            let read: Value = serde_saphyr::from_str(&text).expect("YAML");
            for (node, kind) in read["nodes"].as_object().into_iter().flatten() {
                if let Some(fitting) = Fitting::of(kind) {
                    asked.insert(format!("{flow}/{node}"), fitting);
                }
            }
        }
        Asked(asked)
    }

    /// Keys that the node takes, if it asks.
    pub fn fitting(&self, node: &str, rng: &mut Rng) -> Option<String> {
        match self.0.get(node)? {
            Fitting::OneOf(all) => all.get(rng.below(all.len() as u64) as usize).cloned(),
            Fitting::Digits(least, most) => {
                let length = least + rng.below(most - least + 1);
                let digits: String = (0..length).map(|_| rng.below(10).to_string()).collect();
                Some(digits + "#")
            }
        }
    }
}

impl Fitting {
    fn of(kind: &Value) -> Option<Fitting> {
        if let Some(keys) = kind["menu"]["keys"].as_object() {
            return Some(Fitting::OneOf(keys.keys().filter(|key| *key != PERSON).cloned().collect()));
        }
        let collect = &kind["collect"];
        if let Some(listed) = collect["check"]["one_of"].as_array() {
            return Some(Fitting::OneOf(listed.iter().map(|value| format!("{value}#")).collect()));
        }
        let most = collect["max"].as_u64()?.min(CARD - 1);
        Some(Fitting::Digits(collect["min"].as_u64().unwrap_or(1), most))
    }
}
