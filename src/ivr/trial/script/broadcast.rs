//! `emergency`: the broadcast that is on while a test's caller is there.

use crate::diagnostic::Findings;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::suggest;
use crate::diagnostic::yaml::Node;
use crate::ivr::emergency::{Broadcast, Level};
use crate::ivr::trial::Stage;

/// `{ level: full, prompts: emg_sys, time: "14:30" }`
pub(super) fn read(node: &Node, out: &mut Findings, stage: &Stage<'_>) -> Option<Broadcast> {
    let mut fields = Fields::of(node, node.span, "`emergency`", out)?;
    let (level, prompts) = (fields.need("level"), fields.need("prompts"));
    let time = fields.take("time");
    fields.finish(out);
    let level = level.and_then(|node| level_of(node, out));
    let mut names = Vec::new();
    for item in out.items(prompts?, "a prompt or a list of prompts")? {
        names.push(out.text(item, "the name of a prompt")?.to_owned());
    }
    let time = match time {
        Some(node) => Some(out.text(node, "a time of day such as 14:30")?.to_owned()),
        None => None,
    };
    let broadcast = Broadcast { level: level?, prompts: names, time };
    if let Err(why) = stage.check_broadcast(&broadcast) {
        out.error("test-015", node.span, format!("this cannot be broadcast: {why}"));
        return None;
    }
    Some(broadcast)
}

fn level_of(node: &Node, out: &mut Findings) -> Option<Level> {
    let word = out.text(node, "info, deflect or full")?;
    let found = Level::read(word);
    if found.is_none() {
        let guess = suggest::nearest(word, Level::names());
        let label =
            guess.map_or("expected info, deflect or full".to_owned(), |g| format!("did you mean `{g}`?"));
        out.error("test-015", node.span, format!("there is no level `{word}`")).label(label);
    }
    found
}
