//! From a file to a `Config`: the sections and what holds between them.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{
    Config, Http, Limits, Media, Publishing, Recording, Role, Sip, Srtp, bots, constants, hosts, people,
    places, routes,
};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{self, Node};
use crate::diagnostic::{self, Diagnostic, Findings, Source, Span};
use crate::media::command::Codec;

/// Most workers: more than any machine's cores, and a bound on threads.
const MAX_WORKERS: i64 = 256;
/// Most addresses listened on.
const MAX_LISTEN: usize = 16;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// What somebody should look at.
    pub warnings: Vec<Diagnostic>,
}

/// Types and checks a configuration. `folder` is where relative paths count from; `flows` lists the names
/// of the flows in a folder.
///
/// # Errors
/// Everything that is wrong, warnings among them, in the order of the file.
pub fn read(
    source: &Arc<Source>,
    folder: &Path,
    flows: &dyn Fn(&Path) -> io::Result<Vec<String>>,
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut out = Findings::new(source);
    let config = config(&mut out, folder, flows);
    let (errors, warnings) = diagnostic::split(out.into_sorted());
    match config {
        Some(config) if errors.is_empty() => Ok(Loaded { config, warnings }),
        _ => Err(errors.into_iter().chain(warnings).collect()),
    }
}

fn config(
    out: &mut Findings,
    folder: &Path,
    flows_in: &dyn Fn(&Path) -> io::Result<Vec<String>>,
) -> Option<Config> {
    let root = yaml::parse(out);
    let passwords = match &root {
        Some(root) => people::secret_places(root),
        None => people::secret_lines(&out.source().text),
    };
    out.mask(&passwords);
    let root = root?;
    let mut top = Fields::of(&root, Span::new(root.span.start, root.span.start), "the configuration", out)?;
    let sip = section("sip", &mut top, out).and_then(|fields| sip(fields, out));
    let media = section("media", &mut top, out).and_then(|fields| media(fields, out));
    let http = section("http", &mut top, out).and_then(|fields| http(fields, folder, out));
    let data = path("data", &mut top, folder, out);
    let flows = path("flows", &mut top, folder, out);
    let flows_place = top.place("flows");
    let prompts = path("prompts", &mut top, folder, out);
    let recording = recording(&mut top, folder, out);
    let flow_names = flows.as_deref().map(|folder| {
        flows_in(folder).map_err(|error| {
            let message = format!("the folder {} cannot be read: {error}", folder.display());
            out.error("yaml-011", flows_place, message);
        })
    });
    let flow_names = flow_names.and_then(Result::ok);
    let numbers = top.need("numbers").map(|node| routes::numbers(node, flow_names.as_deref(), out));
    let agents = top.take("agents").map(|node| people::agents(node, out)).unwrap_or_default();
    let queues = top.need("queues").map(|node| routes::queues(node, flow_names.as_deref(), &agents, out));
    let listens = listens(sip.as_ref(), http.as_ref());
    let users = top.take("users").map(|node| people::users(node, &agents, out)).unwrap_or_default();
    let trunks = match (top.take("trunks"), &numbers) {
        (Some(node), Some(numbers)) => {
            let may_share = media.as_ref().is_none_or(|media| media.trunk_port.is_some());
            routes::trunks(node, numbers, may_share, out)
        }
        _ => Vec::new(),
    };
    let limits = limits(&mut top, out);
    let constants = top.take("constants").map(|node| constants::read(node, out)).unwrap_or_default();
    let admins = users.values().filter(|user| user.user.role == Role::Admin).count();
    let publishing = publishing(&mut top, admins, out);
    let bots = top.take("bots").map(|node| bots::read(node, folder, out)).unwrap_or_default();
    people::refuse_demo_passwords(&listens, &agents, &users, out);
    top.finish(out);
    Some(Config {
        sip: sip?,
        media: media?,
        http: http?,
        data: data?,
        flows: flows?,
        prompts: prompts?,
        recording: recording?,
        publishing: publishing?,
        numbers: numbers?,
        queues: queues?,
        agents: agents.into_iter().map(|(id, agent)| (id, agent.agent)).collect(),
        users: users.into_iter().map(|(id, user)| (id, user.user)).collect::<BTreeMap<_, _>>(),
        trunks,
        limits: limits?,
        bots,
        constants,
    })
}

fn listens(sip: Option<&Sip>, http: Option<&Http>) -> Vec<SocketAddr> {
    let sip = sip.map(|sip| sip.listen.clone()).unwrap_or_default();
    sip.into_iter().chain(http.map(|http| http.listen)).collect()
}

/// A section that must be there.
fn section<'t>(name: &'static str, top: &mut Fields<'t>, out: &mut Findings) -> Option<Fields<'t>> {
    let node = top.need(name)?;
    Fields::of(node, top.place(name), format!("`{name}`"), out)
}

fn sip(mut fields: Fields<'_>, out: &mut Findings) -> Option<Sip> {
    let listen = fields.need("listen").and_then(|node| {
        let items = out.items(node, "an address such as 192.0.2.1:5060")?;
        if items.is_empty() || items.len() > MAX_LISTEN {
            out.error("yaml-008", node.span, format!("from 1 to {MAX_LISTEN} addresses must be given"));
        }
        let all: Vec<Option<SocketAddr>> = items.iter().map(|item| places::socket(item, out)).collect();
        all.into_iter().collect::<Option<Vec<_>>>()
    });
    let realm = fields.need("realm").and_then(|node| places::host(node, out));
    fields.finish(out);
    Some(Sip { listen: listen?, realm: realm? })
}

fn media(mut fields: Fields<'_>, out: &mut Findings) -> Option<Media> {
    let address = fields.need("address").and_then(|node| {
        let address = places::address(node, out)?;
        if address.is_unspecified() {
            out.error("config-001", node.span, format!("`{address}` is no address a phone could send to"))
                .label("the server's own address, as phones reach it");
            return None;
        }
        Some(address)
    });
    let ports = fields.take("ports").map_or(Some((16_384, 32_766)), |node| places::ports(node, out));
    let workers = match fields.take("workers") {
        Some(node) => {
            out.integer(node, "the number of workers", 1..=MAX_WORKERS).and_then(|n| usize::try_from(n).ok())
        }
        None => Some(1),
    };
    let codecs = match fields.take("codecs") {
        Some(node) => places::codecs(node, out),
        None => Some(Codec::ALL.into()),
    };
    let (taken, count) = (ports.unwrap_or((1, 0)), workers.unwrap_or(1));
    let trunk_port = match fields.take("trunk_port") {
        Some(node) => places::trunk_port(node, taken, count, out).map(Some),
        None => Some(None),
    };
    let srtp = fields.take("srtp").map_or(Some(Srtp::default()), |node| srtp(node, out));
    fields.finish(out);
    let address: Option<IpAddr> = address;
    let (codecs, trunk_port, srtp) = (codecs?, trunk_port?, srtp?);
    Some(Media { address: address?, ports: ports?, workers: workers?, codecs, trunk_port, srtp })
}

fn srtp(node: &Node, out: &mut Findings) -> Option<Srtp> {
    const WORDS: [(&str, Srtp); 4] = [
        ("off", Srtp::Off),
        ("accepted", Srtp::Accepted),
        ("offered", Srtp::Offered),
        ("required", Srtp::Required),
    ];
    let text = out.text(node, "off, accepted, offered or required")?;
    let srtp = WORDS.iter().find(|(name, _)| *name == text).map(|(_, srtp)| *srtp);
    if srtp.is_none() {
        let label = diagnostic::suggest::nearest(text, WORDS.map(|(name, _)| name))
            .map_or("expected off, accepted, offered or required".to_owned(), |guess| {
                format!("did you mean `{guess}`?")
            });
        out.error("yaml-006", node.span, format!("there is no way `{text}` to treat SRTP")).label(label);
    }
    srtp
}

fn http(mut fields: Fields<'_>, folder: &Path, out: &mut Findings) -> Option<Http> {
    let listen = fields.need("listen").and_then(|node| places::socket(node, out));
    let hosts = fields.take("hosts").map(|node| hosts::hosts(node, folder, out)).unwrap_or_default();
    fields.finish(out);
    Some(Http { listen: listen?, hosts })
}

fn recording(top: &mut Fields<'_>, folder: &Path, out: &mut Findings) -> Option<Recording> {
    let Some(node) = top.take("recording") else {
        return Some(Recording { enabled: true, key_file: None });
    };
    let mut fields = Fields::of(node, top.place("recording"), "`recording`", out)?;
    let enabled = fields.take("enabled").map_or(Some(true), |node| out.truth(node));
    let key_file = match fields.take("key_file") {
        Some(node) => Some(Some(folder.join(out.text(node, "the path of a file")?))),
        None => Some(None),
    };
    fields.finish(out);
    Some(Recording { enabled: enabled?, key_file: key_file? })
}

fn publishing(top: &mut Fields<'_>, admins: usize, out: &mut Findings) -> Option<Publishing> {
    let Some(node) = top.take("publishing") else { return Some(Publishing::default()) };
    let mut fields = Fields::of(node, top.place("publishing"), "`publishing`", out)?;
    let approval = fields.take("approval").map_or(Some(false), |node| out.truth(node));
    if approval == Some(true) && admins < 2 {
        out.error("config-012", fields.place("approval"), "with `approval: true` nobody could ever publish")
            .label(format!("two users with the role admin are needed, there are {admins}"));
    }
    fields.finish(out);
    Some(Publishing { approval: approval? })
}

fn limits(top: &mut Fields<'_>, out: &mut Findings) -> Option<Limits> {
    let Some(node) = top.take("limits") else { return Some(Limits::default()) };
    let mut fields = Fields::of(node, top.place("limits"), "`limits`", out)?;
    let usual = Limits::default();
    let calls = match fields.take("calls") {
        Some(node) => {
            out.integer(node, "the number of calls", 1..=100_000).and_then(|n| usize::try_from(n).ok())
        }
        None => Some(usual.calls),
    };
    let rate = match fields.take("calls_per_second") {
        Some(node) => out.integer(node, "new calls a second", 1..=10_000).and_then(|n| u32::try_from(n).ok()),
        None => Some(usual.calls_per_second),
    };
    fields.finish(out);
    Some(Limits { calls: calls?, calls_per_second: rate? })
}

fn path(name: &'static str, top: &mut Fields<'_>, folder: &Path, out: &mut Findings) -> Option<PathBuf> {
    let node: &Node = top.need(name)?;
    let text = out.text(node, "the path of a folder")?;
    if text.is_empty() {
        out.error("yaml-006", node.span, "the path of a folder is expected");
        return None;
    }
    Some(folder.join(text))
}
