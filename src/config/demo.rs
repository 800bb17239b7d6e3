//! The demonstration bank: everything `hotline demo` serves, on loopback only.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::{
    Agent, Config, DEMO_PASSWORD, Http, HttpHost, Limits, Media, Number, Publishing, Queue, Recording, Role,
    Secret, Sip, Srtp, Trunk, User,
};
use crate::ids::{QueueId, SkillId};
use crate::media::command::Codec;

/// The host that the demo's menus ask: a stand-in for the bank's own systems, which the demo starts beside itself.
const BANK: &str = "bank";

/// The port of the bank's systems: the one above that of the web pages.
pub fn bank_port(http_port: u16) -> u16 {
    http_port.saturating_add(1)
}

fn bank(at: SocketAddr) -> HttpHost {
    HttpHost {
        url: format!("http://{at}"),
        authorities: [].into(),
        secrets: true,
        headers: BTreeMap::new(),
        timeout: HttpHost::TIMEOUT,
        max_in_flight: HttpHost::IN_FLIGHT,
    }
}

/// The demo bank's number.
const HOTLINE: &str = "95500";

/// Skills with levels.
type Skills = &'static [(&'static str, u8)];

/// Agents with the skills they have, and how well.
const AGENTS: [(&str, &str, Skills); 6] = [
    (
        "1001",
        "Cards and urgent desk",
        &[
            ("general", 8),
            ("lang.zh", 10),
            ("lang.en", 6),
            ("card", 8),
            ("urgent", 8),
            ("fraud", 6),
            ("ebank", 8),
            ("vip", 8),
        ],
    ),
    (
        "1002",
        "Small business desk",
        &[("general", 6), ("lang.zh", 10), ("loan.sme", 9), ("loan.rural", 8), ("loan", 6), ("complaint", 5)],
    ),
    (
        "1003",
        "Urgent and senior desk",
        &[("general", 7), ("lang.zh", 10), ("urgent", 10), ("senior", 8), ("fraud", 8)],
    ),
    (
        "1004",
        "English desk",
        &[("general", 7), ("lang.zh", 5), ("lang.en", 10), ("card", 6), ("urgent", 5), ("ebank", 6)],
    ),
    (
        "1005",
        "Complaints desk",
        &[
            ("general", 5),
            ("lang.zh", 10),
            ("complaint", 9),
            ("senior", 9),
            ("loan.sme", 4),
            ("loan.rural", 5),
            ("loan", 7),
            ("vip", 9),
        ],
    ),
    ("1006", "Trainee desk", &[("general", 3), ("lang.zh", 10), ("lang.en", 4), ("card", 3), ("urgent", 3)]),
];

/// Queues with the skill they ask for and their priority.
const QUEUES: [(&str, &str, u8); 11] = [
    ("general", "general", 50),
    ("urgent", "urgent", 90),
    ("fraud", "fraud", 80),
    ("cards", "card", 50),
    ("sme", "loan.sme", 50),
    ("complaint", "complaint", 60),
    ("senior", "senior", 70),
    ("loan", "loan", 50),
    ("ebank", "ebank", 50),
    ("rural_loan", "loan.rural", 55),
    ("vip", "vip", 80),
];

/// The second ring: callers who have waited too long for the general desk are anybody's. No skill is asked for.
const OVERFLOW: &str = "overflow";

/// How long callers wait for the desk of a subject before the general desk takes them.
const SUBJECT_WAIT: Duration = Duration::from_secs(120);
/// Valued customers are to be answered within ten seconds: who is not has thirty, and then more agents.
const VIP_WAIT: Duration = Duration::from_secs(30);
/// For the general desk, and once more for anybody; a message follows.
const LAST_WAIT: Duration = Duration::from_secs(300);

/// Shorter than a working day's 10 s of notes, so that a newcomer with one phone need not wait for himself.
const WRAP_UP: Duration = Duration::from_secs(5);

/// Queues whose callers are asked how it was. Not those of 9 and 0: whoever tries the demo with two phones wants a call
/// to end when the agent hangs up.
const SURVEYED: [&str; 2] = ["cards", "complaint"];

const USERS: [(&str, &str, Role); 3] = [
    ("super", "Supervisor", Role::Supervisor),
    ("quality", "Quality", Role::Quality),
    ("admin", "Administrator", Role::Admin),
];

/// The demonstration bank. Flows and prompts are in the folder it is started in, until the caller knows better.
pub fn demo(data: impl Into<PathBuf>, sip_port: u16, http_port: u16) -> Config {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let password = |name: &str| Secret(format!("{DEMO_PASSWORD}{name}"));
    let agent = |(id, name, skills): &(&'static str, &'static str, Skills)| {
        let skills = skills.iter().map(|(skill, level)| (SkillId::from(*skill), *level)).collect();
        let agent = Agent { name: (*name).into(), password: password(id), skills, ready_on_register: true };
        ((*id).into(), agent)
    };
    let user = |(id, name, role): &(&str, &str, Role)| {
        ((*id).to_owned(), User { name: (*name).into(), password: password(id), role: *role })
    };
    Config {
        // The realm is what phones put behind the @: an address they can reach.
        sip: Sip { listen: vec![SocketAddr::new(loopback, sip_port)], realm: loopback.to_string() },
        media: Media {
            address: loopback,
            ports: (16_384, 32_766),
            workers: 1,
            codecs: Codec::ALL.into(),
            trunk_port: None,
            srtp: Srtp::default(),
        },
        bots: BTreeMap::new(),
        http: Http {
            listen: SocketAddr::new(loopback, http_port),
            hosts: BTreeMap::from([(BANK.to_owned(), bank(SocketAddr::new(loopback, bank_port(http_port))))]),
        },
        data: data.into(),
        flows: "ivr-flows".into(),
        prompts: "prompts".into(),
        recording: Recording { enabled: true, key_file: None },
        publishing: Publishing::default(),
        numbers: BTreeMap::from([(
            HOTLINE.to_owned(),
            Number { flow: "main".into(), language: "zh-CN".to_owned() },
        )]),
        queues: QUEUES.iter().map(queue).chain([overflow()]).collect(),
        agents: AGENTS.iter().map(agent).collect(),
        users: USERS.iter().map(user).collect(),
        trunks: vec![Trunk {
            name: "loopback".to_owned(),
            sources: vec![
                (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
                (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
            ],
            numbers: vec![HOTLINE.to_owned()],
            shared_sockets: false,
        }],
        limits: Limits::default(),
        constants: BTreeMap::new(),
    }
}

fn queue((id, skill, priority): &(&str, &str, u8)) -> (QueueId, Queue) {
    let requires = BTreeMap::from([(SkillId::from(*skill), 1)]);
    let survey = SURVEYED.contains(id).then(|| "survey".into());
    let max_wait = Some(match *id {
        "general" => LAST_WAIT,
        "vip" => VIP_WAIT,
        _ => SUBJECT_WAIT,
    });
    (
        (*id).into(),
        Queue { requires, priority: *priority, wrap_up: WRAP_UP, survey, max_wait, ..Queue::default() },
    )
}

fn overflow() -> (QueueId, Queue) {
    (OVERFLOW.into(), Queue { wrap_up: WRAP_UP, max_wait: Some(LAST_WAIT), ..Queue::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_the_contract() {
        let config = demo("data", 5060, 8080);
        assert!(
            config.sip.listen.iter().chain([&config.http.listen]).all(|listen| listen.ip().is_loopback())
        );
        assert_eq!(config.numbers["95500"].flow, "main".into());
        for number in 1001..=1006 {
            let agent = &config.agents[&number.to_string().as_str().into()];
            assert_eq!(agent.password.0, format!("demo-{number}"));
            assert!(agent.ready_on_register && agent.skills.contains_key(&"general".into()));
        }
        for name in ["super", "quality", "admin"] {
            assert_eq!(config.users[name].password.0, format!("demo-{name}"));
        }
        assert_eq!(config.trunks[0].numbers, ["95500"]);
    }

    #[test]
    fn nobody_waits_for_one_desk_for_ever() {
        let config = demo("data", 0, 0);
        assert!(config.queues.values().all(|queue| queue.max_wait.is_some()));
        assert!(config.queues[&"vip".into()].max_wait < config.queues[&"loan".into()].max_wait);
        assert!(config.queues[&"overflow".into()].requires.is_empty(), "the second ring is everybody");
    }

    #[test]
    fn every_demo_queue_has_agents_for_it() {
        let config = demo("data", 0, 0);
        for (id, queue) in &config.queues {
            let able = config.agents.values().filter(|agent| {
                queue
                    .requires
                    .iter()
                    .all(|(skill, level)| agent.skills.get(skill).is_some_and(|has| has >= level))
            });
            assert!(able.count() >= 2, "{id}");
        }
    }
}
