//! Bots that callers may talk with: no other program ever hears one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;

use super::Bot;
use super::hosts::{authorities, headers, is_this_machine};
use crate::diagnostic::Findings;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node};

/// Most bots: a bank has a few.
const MAX_BOTS: usize = 32;
/// Longest address, bytes.
const MAX_URL: usize = 500;
/// Most callers that may talk with one bot at once.
const MAX_CALLS: i64 = 1_000;
/// How long a bot may take until it is there: below it nothing answers, beyond it callers think that the line is dead.
const CONNECTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(15);

/// `folder` is where relative paths count from.
pub(super) fn read(node: &Node, folder: &Path, out: &mut Findings) -> BTreeMap<String, Bot> {
    let mut all = BTreeMap::new();
    for (key, node) in out.entries(node, "bots by their names").unwrap_or(&[]) {
        if all.len() == MAX_BOTS {
            out.error("yaml-008", key.span, format!("more than {MAX_BOTS} bots"));
            break;
        }
        if let Some(bot) = bot(key, node, folder, out) {
            all.insert(key.text.clone(), bot);
        }
    }
    all
}

fn bot(key: &Key, node: &Node, folder: &Path, out: &mut Findings) -> Option<Bot> {
    let mut fields = Fields::of(node, key.span, format!("bot `{}`", key.text), out)?;
    let place = fields.need("url");
    let url = place.and_then(|node| url(node, out));
    let authorities = match fields.take("ca") {
        Some(node) => authorities("config-016", node, folder, out),
        None => Some(Arc::default()),
    };
    let headers =
        fields.take("headers").map_or(Some(BTreeMap::new()), |node| headers("config-016", node, out));
    let connect_timeout = match fields.take("connect_timeout") {
        Some(node) => out.duration(node, CONNECTS),
        None => Some(Bot::CONNECT),
    };
    let max_calls = match fields.take("max_calls") {
        Some(node) => out
            .integer(node, "the number of callers at once", 1..=MAX_CALLS)
            .and_then(|number| usize::try_from(number).ok()),
        None => Some(Bot::CALLS),
    };
    fields.finish(out);
    let (url, authorities, headers) = (url?, authorities?, headers?);
    let at = place.map_or(key.span, |node| node.span);
    if url.starts_with("wss:") == authorities.is_empty() {
        let label = if authorities.is_empty() {
            "say by `ca` which file has the certificate of the authority that the bot's was signed by"
        } else {
            "`ca` is for bots with wss"
        };
        out.error("config-016", at, "callers cannot talk with this bot").label(label);
    } else if authorities.is_empty() && !is_this_machine(&url) {
        out.warning("config-017", at, "what callers say would cross the network for everybody to hear")
            .label("wss protects it");
    }
    Some(Bot { url, authorities, headers, connect_timeout: connect_timeout?, max_calls: max_calls? })
}

/// `wss://192.0.2.9:7000/call`, with neither password nor query: Media Streams has none.
fn url(node: &Node, out: &mut Findings) -> Option<String> {
    let text = out.text(node, "an address such as wss://192.0.2.9:7000/call")?;
    let uri: Option<Uri> = text.parse().ok();
    let scheme = uri.as_ref().and_then(|uri| uri.scheme_str());
    let wrong = if text.len() > MAX_URL {
        "too long"
    } else if !matches!(scheme, Some("ws" | "wss")) {
        "expected an address such as wss://192.0.2.9:7000/call"
    } else if text.contains(['?', '#', '@']) {
        "neither `?` nor `#` nor a password belongs here; keys are sent by `headers`"
    } else {
        return Some(text.to_owned());
    };
    // An address may hold a password all the same: it is not repeated.
    out.error("config-016", node.span, "callers cannot talk with this bot").label(wrong);
    None
}
