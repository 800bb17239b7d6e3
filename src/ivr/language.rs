//! `language`: asks once in which language the call goes on.
//!
//! A node of its own and not a menu with a `set` behind each key: the question is put once, silence and a wrong key
//! are an answer (the default) and not a failure, and its prompts are spoken before there is a language to speak.

use std::time::Duration;

use super::flow::{Ask, Failed, LanguageId, Spoken, Step};
use super::input;
use super::nodes::{barge_in, next};
use super::scope::{By, Scope};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::Node;

pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let prompts = fields.need("prompts").and_then(|node| scope.prompts(node));
    let keys = fields.need("keys");
    let default = fields.need("default").and_then(|node| spoken(node, scope));
    let timeout = input::duration("timeout", Duration::from_secs(5), fields, scope);
    let barge_in = barge_in(fields, scope);
    let next = next("next", By::Itself, fields, scope);
    let keys =
        input::keys(keys?, "keys with their languages, such as `1: zh-CN`", scope, |_, node, scope| {
            spoken(node, scope)
        });
    let next = next?;
    let on = || Failed { prompts: Spoken::default(), then: next };
    let ask = Ask {
        prompts: prompts?,
        barge_in: barge_in?,
        timeout: timeout?,
        retries: 0,
        on_no_input: on(),
        on_invalid: on(),
    };
    Some(Step::Language { ask, keys: keys?, default: default?, next })
}

fn spoken(node: &Node, scope: &mut Scope<'_>) -> Option<LanguageId> {
    let name = scope.out.text(node, "a language")?;
    let found = scope.language(name);
    if found.is_none() {
        scope.unknown_language(name, node.span);
    }
    found
}
