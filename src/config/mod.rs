//! `hotline.yaml`, typed. Read once and on reload; every value has its unit and default here.
//!
//! `load` reads a file, `demo` is the demonstration bank, `flow_sources` the folder of flows.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use crate::ids::{AgentId, FlowId, QueueId, SkillId};
use crate::media::command::Codec;

mod bots;
mod constants;
mod demo;
mod files;
mod hosts;
mod load;
mod people;
mod places;
mod routes;

pub use demo::{bank_port, demo};
pub use files::{flow_sources, load};
pub use load::{Loaded, read};

/// Passwords that begin so are printed by `hotline demo` for everybody to see.
pub const DEMO_PASSWORD: &str = "demo-";

/// Everything the server is told. Built by `load` from a file, or by `demo` in code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub sip: Sip,
    pub media: Media,
    pub http: Http,
    /// Tapes, the database, the journal live below it.
    pub data: PathBuf,
    /// Folder of flows (`*.yaml`).
    pub flows: PathBuf,
    /// Folder of prompts (`zh-CN/`, `en/`, `music/`, `manifest.json`).
    pub prompts: PathBuf,
    pub recording: Recording,
    pub publishing: Publishing,
    /// Dialled number → what answers.
    pub numbers: BTreeMap<String, Number>,
    pub queues: BTreeMap<QueueId, Queue>,
    pub agents: BTreeMap<AgentId, Agent>,
    /// People of the API who are not agents.
    pub users: BTreeMap<String, User>,
    /// Who may call without registering, and what.
    pub trunks: Vec<Trunk>,
    pub limits: Limits,
    /// Programs that callers may talk with (the node `bot`), by the name flows know them by.
    pub bots: BTreeMap<String, Bot>,
    /// What flows are told of where they run, by name.
    pub constants: BTreeMap<String, Constant>,
}

/// A value of the configuration that flows may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant {
    Text(String),
    Number(i64),
}

impl Config {
    /// Prompts must be encoded in a codec that takes time.
    pub fn codecs_take_time(&self) -> bool {
        self.media.codecs.iter().any(|codec| codec.law().is_none())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sip {
    /// UDP and TCP are both served on each.
    pub listen: Vec<SocketAddr>,
    /// Digest realm; also the host of our addresses.
    pub realm: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// What SDP says; the sockets bind to it too.
    pub address: IpAddr,
    /// Even first port, inclusive, to last port: two ports a stream. Default 16384..=32766.
    pub ports: (u16, u16),
    /// Media worker threads. Default 1.
    pub workers: usize,
    /// What is offered, in this order, and what is accepted. Default `pcma`, `pcmu`, `g722`, `opus`.
    pub codecs: Arc<[Codec]>,
    /// First of the ports that streams of trunks share, two for each worker, even, outside `ports`. Default: none is
    /// shared.
    pub trunk_port: Option<u16>,
    /// Default `accepted`.
    pub srtp: Srtp,
}

/// Whether audio is protected by SRTP, with keys in SDP (RFC 4568).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Srtp {
    /// Never; phones that insist on it get 488.
    Off,
    /// Where a phone offers it; ourselves we offer plain audio.
    #[default]
    Accepted,
    /// And we offer it to phones, which may take or leave it (RFC 8643).
    Offered,
    /// All audio; phones and trunks that cannot get 488.
    Required,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    pub listen: SocketAddr,
    /// Servers that flows may ask, by the name flows know them by. Nobody else is asked.
    pub hosts: BTreeMap<String, HttpHost>,
}

/// A server of the bank's that flows may ask (the node `http`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpHost {
    /// What the paths of flows are put behind: `https://192.0.2.7:9090/api`, without a slash at its end.
    pub url: String,
    /// Who may have signed the certificate of a host with https, and nobody else; none for http.
    pub authorities: Arc<[CertificateDer<'static>]>,
    /// Whether it may be sent what callers typed as secret. Default false.
    pub secrets: bool,
    /// Sent with every request, by their names in small letters: keys, mostly.
    pub headers: BTreeMap<String, Secret>,
    /// The longest that a flow may wait for one answer. Default 5s.
    pub timeout: Duration,
    /// Requests under way at once. Beyond it the next fails at once. Default 50.
    pub max_in_flight: usize,
}

impl HttpHost {
    /// What a flow may wait if the configuration does not say.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    /// Requests under way at once if the configuration does not say.
    pub const IN_FLIGHT: usize = 50;
}

/// A program that callers may talk with, by WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// `wss://192.0.2.9:7000/call`.
    pub url: String,
    /// Who may have signed the certificate of a bot with wss, and nobody else; none for ws.
    pub authorities: Arc<[CertificateDer<'static>]>,
    /// Sent when the connection is made, by their names in small letters: keys, mostly.
    pub headers: BTreeMap<String, Secret>,
    /// How long it may take until it is there. Default 3s.
    pub connect_timeout: Duration,
    /// Callers at once. Beyond it the next call's node fails at once. Default 50.
    pub max_calls: usize,
}

impl Bot {
    /// What a caller waits in silence if the configuration does not say.
    pub const CONNECT: Duration = Duration::from_secs(3);
    /// Callers at once if the configuration does not say.
    pub const CALLS: usize = 50;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Default true: every call from answer to end.
    pub enabled: bool,
    /// File with 32 bytes as 64 hexadecimal digits; tapes are sealed with it (AES-256-GCM).
    pub key_file: Option<PathBuf>,
}

/// How flows come into force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Publishing {
    /// Two admins are needed: one publishes, another approves. Default false.
    pub approval: bool,
}

/// What answers a dialled number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    pub flow: FlowId,
    /// `zh-CN` or `en`, until the flow changes it.
    pub language: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Every skill an agent must have, with the least level (1..=10).
    pub requires: BTreeMap<SkillId, u8>,
    /// 0..=100, higher first. A flow may raise a call's own. Default 50.
    pub priority: u8,
    /// How long an agent's phone rings before the offer moves on. Default 15s.
    pub ring_timeout: Duration,
    /// Time for notes after a call. Default 10s.
    pub wrap_up: Duration,
    /// Prompt id heard while waiting, in a loop. Default `music/hold`.
    pub music: String,
    /// Prompt said every `comfort_every`. Default `comfort`, 30s.
    pub comfort: Option<String>,
    pub comfort_every: Duration,
    /// The wait after which the caller leaves the queue for the flow's `on_timeout`. None: as long as they like.
    pub max_wait: Option<Duration>,
    /// The flow that asks callers how it was when the agent has hung up. Default: none.
    pub survey: Option<FlowId>,
    /// Most callers waiting. Beyond it: the flow's `on_full`. Default 1000.
    pub max_waiting: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub name: String,
    pub password: Secret,
    /// Skill → level 1..=10. Languages are skills named `lang.zh`, `lang.en`.
    pub skills: BTreeMap<SkillId, u8>,
    /// Ready as soon as the phone registers (the demo's way); otherwise not ready until they say so.
    pub ready_on_register: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub password: Secret,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Agent,
    Supervisor,
    Quality,
    Admin,
    Auditor,
}

/// Who may call unregistered: by source address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    pub name: String,
    /// Address and prefix length.
    pub sources: Vec<(IpAddr, u8)>,
    /// Numbers it may reach; the bank's own only.
    pub numbers: Vec<String>,
    /// Its audio comes from the addresses that it signals, no two calls from the same: it may share sockets at
    /// `media.trunk_port`. Default false.
    pub shared_sockets: bool,
}

/// Limits an operator may set; beyond each, new calls get 503 with Retry-After.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at once. Default 2000.
    pub calls: usize,
    /// New calls a second, all sources. Default 200.
    pub calls_per_second: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { calls: 2_000, calls_per_second: 200 }
    }
}

/// The defaults, for everybody: no skill required.
impl Default for Queue {
    fn default() -> Queue {
        Queue {
            requires: BTreeMap::new(),
            priority: 50,
            ring_timeout: Duration::from_secs(15),
            wrap_up: Duration::from_secs(10),
            music: "music/hold".to_owned(),
            comfort: Some("comfort".to_owned()),
            comfort_every: Duration::from_secs(30),
            max_wait: None,
            survey: None,
            max_waiting: 1_000,
        }
    }
}

/// A password as configured. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests;
