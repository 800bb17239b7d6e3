//! Agents and other users, their skills and passwords.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Agent, DEMO_PASSWORD, Role, Secret, User, places};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node, Value};
use crate::diagnostic::{Findings, Span, suggest};
use crate::ids::{AgentId, SkillId};

/// Shortest password, characters (NIST SP 800-63B §5.1.1.2).
const MIN_PASSWORD: usize = 8;
/// Longest: hashing time grows with it.
const MAX_PASSWORD: usize = 256;
/// Most skills of a person.
const MAX_SKILLS: usize = 64;

/// An agent, and where the password stands.
pub(super) struct Found {
    pub agent: Agent,
    pub name_at: Span,
    password_at: Span,
}

pub(super) struct FoundUser {
    pub user: User,
    password_at: Span,
}

pub(super) fn agents(node: &Node, out: &mut Findings) -> BTreeMap<AgentId, Found> {
    let mut all = BTreeMap::new();
    for (key, node) in out.entries(node, "agents by their names").unwrap_or(&[]) {
        places::user_name(&key.text, key.span, out);
        if let Some(found) = agent(key, node, out) {
            all.insert(key.text.as_str().into(), found);
        }
    }
    all
}

fn agent(key: &Key, node: &Node, out: &mut Findings) -> Option<Found> {
    let mut fields = Fields::of(node, key.span, format!("agent `{}`", key.text), out)?;
    let name = name(key, &mut fields, out);
    let password = fields.need("password").and_then(|node| password(key, node, out));
    let skills = fields.need("skills").map(|node| levels(node, out));
    let ready_on_register = fields.take("ready_on_register").map_or(Some(false), |node| out.truth(node));
    fields.finish(out);
    // With an error the configuration is refused; until then the agent exists, with skills that queues ask for.
    let (password, password_at) = password.unwrap_or((Secret(String::new()), key.span));
    let agent = Agent {
        name: name.unwrap_or_default(),
        password,
        skills: skills.unwrap_or_default(),
        ready_on_register: ready_on_register.unwrap_or_default(),
    };
    Some(Found { agent, name_at: key.span, password_at })
}

pub(super) fn users(
    node: &Node,
    agents: &BTreeMap<AgentId, Found>,
    out: &mut Findings,
) -> BTreeMap<String, FoundUser> {
    let mut all = BTreeMap::new();
    for (key, node) in out.entries(node, "users by their names").unwrap_or(&[]) {
        places::user_name(&key.text, key.span, out);
        if let Some(agent) = agents.get(&key.text.as_str().into()) {
            let message = format!("`{}` is the name of an agent too", key.text);
            out.error("config-008", key.span, message).see(agent.name_at, "the agent");
        }
        if let Some(user) = user(key, node, out) {
            all.insert(key.text.clone(), user);
        }
    }
    all
}

fn user(key: &Key, node: &Node, out: &mut Findings) -> Option<FoundUser> {
    // Agents stand under `agents`; everybody else has one of these.
    const ROLES: [(&str, Role); 4] = [
        ("supervisor", Role::Supervisor),
        ("quality", Role::Quality),
        ("admin", Role::Admin),
        ("auditor", Role::Auditor),
    ];
    let mut fields = Fields::of(node, key.span, format!("user `{}`", key.text), out)?;
    let name = name(key, &mut fields, out);
    let password = fields.need("password").and_then(|node| password(key, node, out));
    let role = fields.need("role").and_then(|node| {
        let text = out.text(node, "a role")?;
        let role = ROLES.iter().find(|(name, _)| *name == text).map(|(_, role)| *role);
        if role.is_none() {
            let label = suggest::nearest(text, ROLES.map(|(name, _)| name))
                .map_or("expected supervisor, quality, admin or auditor".to_owned(), |guess| {
                    format!("did you mean `{guess}`?")
                });
            out.error("yaml-006", node.span, format!("there is no role `{text}`")).label(label);
        }
        role
    });
    fields.finish(out);
    let (password, password_at) = password?;
    Some(FoundUser { user: User { name: name?, password, role: role? }, password_at })
}

/// The name people read; the user name if left out.
fn name(key: &Key, fields: &mut Fields<'_>, out: &mut Findings) -> Option<String> {
    match fields.take("name") {
        Some(node) => out.text(node, "a name").map(str::to_owned),
        None => Some(key.text.clone()),
    }
}

fn password(key: &Key, node: &Node, out: &mut Findings) -> Option<(Secret, Span)> {
    // The text of a wrong one is not repeated in a message, and masked in the line that is shown.
    let text = out.text(node, "a password")?;
    let length = text.chars().count();
    let one_character = text.chars().next().is_some_and(|first| text.chars().all(|c| c == first));
    let wrong = if length < MIN_PASSWORD {
        Some(format!("a password of fewer than {MIN_PASSWORD} characters is guessed in no time"))
    } else if length > MAX_PASSWORD {
        Some(format!("a password has at most {MAX_PASSWORD} characters"))
    } else if text == key.text || one_character || text.eq_ignore_ascii_case("password") {
        Some("this password is the first that anybody tries".to_owned())
    } else {
        None
    };
    if let Some(wrong) = wrong {
        out.error("config-002", node.span, wrong);
        return None;
    }
    Some((Secret(text.to_owned()), node.span))
}

/// Words behind which a file has what nobody may read: passwords, and the keys sent to hosts.
const SECRET: [&str; 2] = ["password", "headers"];

/// Where the secrets of a file stand.
pub(super) fn secret_places(root: &Node) -> Vec<Span> {
    match &root.value {
        Value::List(items) => items.iter().flat_map(secret_places).collect(),
        Value::Map(entries) => entries
            .iter()
            .flat_map(|(key, node)| match &node.value {
                // Names of headers are no secret, and mistakes in them are to be seen.
                Value::Map(inner) if key.text == "headers" => {
                    inner.iter().map(|(_, value)| value.span).collect()
                }
                _ if SECRET.contains(&key.text.as_str()) => vec![node.span],
                _ => secret_places(node),
            })
            .collect(),
        Value::Scalar(_) | Value::Null | Value::Refused => Vec::new(),
    }
}

/// The same for a file that is not YAML: whatever follows such a word, to the end of its line and of the lines below
/// that are indented deeper.
pub(super) fn secret_lines(text: &str) -> Vec<Span> {
    let words = SECRET.iter().flat_map(|word| text.match_indices(word));
    words.map(|(at, word)| Span::new(at + word.len(), block_end(text, at))).collect()
}

/// Where the block ends that begins on the line of `at`.
fn block_end(text: &str, at: usize) -> usize {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let mut lines = text[begin..].split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let depth = indent(first);
    let below = lines.take_while(|line| line.trim().is_empty() || indent(line) > depth);
    let length = first.len() + below.map(str::len).sum::<usize>();
    begin + text[begin..begin + length].trim_end_matches('\n').len()
}

/// Skill → level 1 to 10.
pub(super) fn levels(node: &Node, out: &mut Findings) -> BTreeMap<SkillId, u8> {
    let mut all = BTreeMap::new();
    for (key, node) in out.entries(node, "skills with levels, such as `cards: 5`").unwrap_or(&[]) {
        if all.len() == MAX_SKILLS {
            out.error("yaml-008", key.span, format!("more than {MAX_SKILLS} skills"));
            break;
        }
        let level = out.integer(node, "a level", 1..=10).and_then(|level| u8::try_from(level).ok());
        all.insert(key.text.as_str().into(), level.unwrap_or(1));
    }
    all
}

/// Everybody knows the demo's passwords: they must not stand where others can reach the server.
pub(super) fn refuse_demo_passwords(
    listens: &[SocketAddr],
    agents: &BTreeMap<AgentId, Found>,
    users: &BTreeMap<String, FoundUser>,
    out: &mut Findings,
) {
    let Some(open) = listens.iter().find(|listen| !listen.ip().is_loopback()) else { return };
    let agents = agents.values().map(|found| (&found.agent.password, found.password_at));
    let users = users.values().map(|found| (&found.user.password, found.password_at));
    for (password, at) in agents.chain(users) {
        if password.0.starts_with(DEMO_PASSWORD) {
            out.error("config-002", at, "a demonstration password, and the server can be reached by others")
                .label(format!("refused because of the address {open}"));
        }
    }
}
