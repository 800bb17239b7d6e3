//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::ids::CallId;

/// A contact centre: SIP in, menus, skills, agents, recordings.
#[derive(Debug, Parser)]
#[command(name = "hotline", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the demo bank on this machine: prints what to dial, then what happens
    Demo(Demo),
    /// Run the server by a configuration file
    Serve(Serve),
    /// Check configuration and flows; says what is wrong, where, and what was probably meant
    Check(Check),
    /// Perform the tests that stand beside flows (*.test.yaml)
    Test(Test),
    /// Be the caller, in the terminal: read prompts, press keys, let time pass
    Dial(Dial),
    /// Tell all callers of an emergency, or that it is over
    #[command(subcommand)]
    Emergency(Emergency),
    /// What is remembered of callers, who may wish to be forgotten
    #[command(subcommand)]
    Profile(Profile),
    /// What happened to each call, newest first
    Calls(Calls),
    /// List, export and verify recordings
    #[command(subcommand)]
    Recordings(Recordings),
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder for the database and the tapes
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    /// SIP over UDP and TCP, on 127.0.0.1
    #[arg(long, default_value_t = 5060)]
    pub sip_port: u16,
    /// The web pages and the API, on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    pub http_port: u16,
}

impl Default for Demo {
    fn default() -> Demo {
        Demo { data: "./data".into(), sip_port: 5060, http_port: 8080 }
    }
}

#[derive(Debug, Args)]
pub struct Serve {
    /// hotline.yaml
    #[arg(long)]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Flows, configurations, or folders of them
    #[arg(required_unless_present = "explain")]
    pub paths: Vec<PathBuf>,
    /// How to print what was found
    #[arg(long, value_parser = ["text", "json"], default_value = "text")]
    pub format: String,
    /// As --format json
    #[arg(long)]
    pub json: bool,
    /// Explain a diagnostic's code, such as flow-003
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
}

#[derive(Debug, Args)]
pub struct Test {
    /// Folders, configurations, flows or files of tests; default: the demo's flows
    pub paths: Vec<PathBuf>,
    #[arg(long)]
    pub json: bool,
    /// Name the nodes and branches that no test took
    #[arg(long)]
    pub coverage: bool,
    /// Fail if less of the nodes is tested, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub least_nodes: Option<u8>,
    /// Fail if less of the branches (ways out of nodes) is tested, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub least_branches: Option<u8>,
}

#[derive(Debug, Args)]
pub struct Dial {
    /// A number, a flow, or a flow's file; default: the first number
    pub to: Option<String>,
    /// The flow, whatever the number
    #[arg(long)]
    pub flow: Option<String>,
    /// hotline.yaml; default: the demo's
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Who calls
    #[arg(long, default_value = "13800138000")]
    pub caller: String,
    /// zh-CN or en; default: the number's
    #[arg(long)]
    pub language: Option<String>,
    /// What parts callers at `percent`: another seed, another way
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// When, such as "2026-11-28 09:30"
    #[arg(long)]
    pub at: Option<String>,
    /// While this emergency broadcast is on: info, deflect or full, perhaps with its prompt: full:emg_sys
    #[arg(long, value_name = "LEVEL[:PROMPT]")]
    pub emergency: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Emergency {
    /// From now on every caller hears it, in place of what is on
    Start(StartEmergency),
    /// It is over; who is hearing it hears it to its end
    Stop(Server),
    /// What is on, who started it, how many heard it and hung up
    Status(Server),
}

#[derive(Debug, Subcommand)]
pub enum Profile {
    /// Nothing is remembered of this number any more
    Forget(Forget),
}

#[derive(Debug, Args)]
pub struct Forget {
    /// As the calls have it
    pub number: String,
    #[command(flatten)]
    pub server: Server,
}

/// A running server, and who speaks to it.
#[derive(Debug, Args)]
pub struct Server {
    /// Its HTTP address
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// A supervisor or administrator; the password is taken from HOTLINE_PASSWORD, or else from a line of the input
    #[arg(long)]
    pub user: String,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct StartEmergency {
    #[command(flatten)]
    pub server: Server,
    /// info: callers go on; deflect: with the reduced menu; full: the call ends, but 0 still reports a loss
    #[arg(long, value_parser = ["info", "deflect", "full"])]
    pub level: String,
    /// What is said; more than one in order
    #[arg(long = "prompt", value_name = "PROMPT", required = true)]
    pub prompts: Vec<String>,
    /// How long, such as 2h: from 1m to 24h
    #[arg(long = "for", value_name = "DURATION")]
    pub lasts: String,
    /// The time of day that the prompt says, such as 14:30; default: when the broadcast ends
    #[arg(long)]
    pub time: Option<String>,
}

#[derive(Debug, Args)]
pub struct Calls {
    /// One call in full, with everything that happened to it
    pub call: Option<CallId>,
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Only calls that this agent talked to
    #[arg(long)]
    pub agent: Option<String>,
    /// Only calls that waited in this queue
    #[arg(long)]
    pub queue: Option<String>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Recordings {
    /// What is recorded, newest first
    List(ListRecordings),
    /// Write a recording as stereo WAV: the caller left, the bank right
    Export(ExportRecording),
    /// Prove that recordings are whole and unaltered
    Verify(VerifyRecordings),
}

#[derive(Debug, Args)]
pub struct ListRecordings {
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ExportRecording {
    pub call: CallId,
    /// Where to; default: CALL.wav in this folder
    #[arg(long, short)]
    pub out: Option<PathBuf>,
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    /// The key of sealed tapes, as in the configuration
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct VerifyRecordings {
    /// One call's; default: all
    pub call: Option<CallId>,
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    #[arg(long)]
    pub json: bool,
}
