//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::client::Address;
use crate::call::record::MessageId;
use crate::diagnostic::fields::parse_duration;
use crate::engine::limits::{BROADCAST_LEAST, BROADCAST_MOST, NUMBER_BYTES};
use crate::ids::CallId;
use crate::ivr::emergency::out_of_bounds;

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
    /// Print the JSON Schema by which editors complete flows and explain them, or the reference of the language
    #[command(after_help = SCHEMA_HELP)]
    Schema(Schema),
    /// What is remembered of callers, who may wish to be forgotten
    #[command(subcommand)]
    Profile(Profile),
    /// What happened to each call, newest first
    Calls(Calls),
    /// Who wants to be called back, who has waited longest first; and that it is done
    Callbacks(Callbacks),
    /// Publish flows, look what is in force, go back; asks the running server
    Flows(Flows),
    /// List, export and verify recordings
    #[command(subcommand)]
    Recordings(Recordings),
    /// Messages that callers left
    #[command(subcommand)]
    Messages(Messages),
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
    /// Hear the prompts, by a player found on this machine; with =FILE.wav write what is heard to a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub speak: Option<String>,
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
    #[arg(value_parser = number)]
    pub number: String,
    #[command(flatten)]
    pub server: Server,
}

/// A running server, and who speaks to it.
#[derive(Debug, Args)]
pub struct Server {
    /// Its HTTP address
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080")]
    pub server: Address,
    /// Who asks: one of its users whose role allows it
    #[arg(long, global = true, default_value = "admin")]
    pub user: String,
    /// File with the password; default: the environment's HOTLINE_PASSWORD
    #[arg(long, global = true)]
    pub password_file: Option<PathBuf>,
    #[arg(long, global = true)]
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
    #[arg(long = "for", value_name = "DURATION", value_parser = lasts)]
    pub lasts: String,
    /// The time of day that the prompt says, such as 14:30; default: when the broadcast ends
    #[arg(long)]
    pub time: Option<String>,
}

/// A caller's number, which is a piece of an address: a plus in a path is a plus, and no space.
fn number(text: &str) -> Result<String, String> {
    let good = |symbol: char| symbol.is_ascii_alphanumeric() || matches!(symbol, '+' | '-' | '.' | '_');
    let known = (1..=NUMBER_BYTES).contains(&text.len()) && text.chars().all(good);
    if known { Ok(text.to_owned()) } else { Err("not a telephone number".to_owned()) }
}

/// For how long a broadcast is on.
fn lasts(text: &str) -> Result<String, String> {
    let lasts = parse_duration(text).ok_or("expected a duration such as 2h or 1h30m")?;
    let known = (BROADCAST_LEAST..=BROADCAST_MOST).contains(&lasts);
    if known { Ok(text.to_owned()) } else { Err(out_of_bounds(BROADCAST_LEAST, BROADCAST_MOST)) }
}

/// How editors come to know the schema.
const SCHEMA_HELP: &str =
    "Editors with a YAML language server (VS Code with its YAML extension) take the schema from the
first line of a file, which has the way to it from there:

    # yaml-language-server: $schema=flow.schema.json";

#[derive(Debug, Args)]
pub struct Schema {
    /// Of flows, of their tests, or of hotline.yaml
    #[arg(value_parser = ["flow", "test", "config"], default_value = "flow")]
    pub of: String,
    /// Instead, the reference of the language for people, in Markdown
    #[arg(long, conflicts_with = "of")]
    pub reference: bool,
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
    /// Only calls that took this release of the flows
    #[arg(long)]
    pub release: Option<u64>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Callbacks {
    #[command(subcommand)]
    pub command: Option<CallbacksCommand>,
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    /// Those that are done too
    #[arg(long)]
    pub all: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum CallbacksCommand {
    /// Say that a caller has been called back, or need not be
    Done(CallbackDone),
}

#[derive(Debug, Args)]
pub struct CallbackDone {
    /// The wish's number, as `hotline callbacks` shows it
    #[arg(value_parser = row())]
    pub id: u64,
    #[command(flatten)]
    pub server: Server,
}

#[derive(Debug, Args)]
pub struct Flows {
    #[command(subcommand)]
    pub order: Order,
    #[command(flatten)]
    pub server: Server,
}

#[derive(Debug, Subcommand)]
pub enum Order {
    /// What is in force and on trial, what waits for approval, whether the folder differs
    Status,
    /// All releases, newest first
    List,
    /// One release with its files
    Show {
        #[arg(value_parser = row())]
        release: u64,
    },
    /// What is different: from the release in force to the folder, or as named
    Diff {
        /// A release, or `folder`
        #[arg(value_parser = side)]
        from: Option<String>,
        /// Likewise
        #[arg(value_parser = side)]
        to: Option<String>,
    },
    /// Check and test the folder, and put it in force
    Publish {
        /// Why, in one line
        #[arg(long)]
        comment: String,
        /// On trial, for this share of the calls
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
        percent: Option<u8>,
        /// Only if this release is in force
        #[arg(long, value_parser = row())]
        base: Option<u64>,
    },
    /// Agree to what another admin has proposed
    Approve {
        #[arg(value_parser = row())]
        release: u64,
    },
    /// Put in force again what was before
    Rollback {
        /// Which; default: the one before
        #[arg(long, value_parser = row())]
        to: Option<u64>,
        #[arg(long)]
        comment: Option<String>,
    },
    /// Put the release on trial in force for all calls
    Promote,
    /// End the trial
    Abort,
}

/// The largest number that the database gives to anything.
const MOST_ROW: u64 = i64::MAX as u64;

/// The number of a release, or of a wish to be called back.
fn row() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(..=MOST_ROW)
}

/// A side of a comparison.
fn side(text: &str) -> Result<String, String> {
    let known = text == "folder" || text.parse::<u64>().is_ok_and(|number| number <= MOST_ROW);
    if known { Ok(text.to_owned()) } else { Err("a release's number, or `folder`".to_owned()) }
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

#[derive(Debug, Subcommand)]
pub enum Messages {
    /// What callers left, newest first
    List(ListMessages),
    /// Write a message as WAV: the caller, from the tone to the end
    Export(ExportMessage),
}

#[derive(Debug, Args)]
pub struct ListMessages {
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    /// Only those that are not done
    #[arg(long)]
    pub open: bool,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ExportMessage {
    pub id: MessageId,
    /// Where to; default: ID.wav in this folder
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
