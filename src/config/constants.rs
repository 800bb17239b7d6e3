//! `constants`: what differs from one environment to another and flows must know.

use std::collections::BTreeMap;

use super::Constant;
use crate::diagnostic::Findings;
use crate::diagnostic::yaml::{Node, Value};

/// Most constants.
const MAX_CONSTANTS: usize = 200;
/// Longest text of a constant, bytes: what a flow's variable may be set to.
const MAX_TEXT: usize = 200;

/// Whole numbers without quotes are numbers, everything else is text.
pub(super) fn read(node: &Node, out: &mut Findings) -> BTreeMap<String, Constant> {
    let mut all = BTreeMap::new();
    if matches!(node.value, Value::Null) {
        return all;
    }
    for (key, node) in out.entries(node, "constants with their values").unwrap_or(&[]) {
        if all.len() == MAX_CONSTANTS {
            out.error("yaml-008", key.span, format!("more than {MAX_CONSTANTS} constants"));
            break;
        }
        let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if key.text.is_empty() || !key.text.chars().all(good) {
            out.error("config-007", key.span, format!("`{}` is not the name of a constant", key.text))
                .label("names have letters, digits, `_` and `-`");
        }
        let Some(text) = out.text(node, "a text or a whole number") else { continue };
        if text.len() > MAX_TEXT {
            out.error("yaml-008", node.span, format!("a text of more than {MAX_TEXT} bytes"));
        }
        let plain = matches!(&node.value, Value::Scalar(scalar) if scalar.plain);
        let constant = match text.parse() {
            Ok(number) if plain => Constant::Number(number),
            _ => Constant::Text(text.to_owned()),
        };
        all.insert(key.text.clone(), constant);
    }
    all
}
