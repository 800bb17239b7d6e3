//! The program under test as a child process, and the configuration it is given.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline::net::clock::Clock;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::process::{self, Usage, pinned};

/// The program, as cargo built it for this run.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hotline");

/// Lines of a child kept and not read: it would block beyond them.
const LINES: usize = 100_000;

/// How long a server may take to be there, and to be gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub struct Server {
    child: Child,
    pub sip: SocketAddr,
    pub http: SocketAddr,
    lines: Receiver<String>,
    /// Everything it wrote and we have looked at.
    pub said: Vec<String>,
}

impl Server {
    /// `hotline demo` with its data in `data`; on processor `cpu`, if one is given.
    pub fn demo(data: &Path, sip_port: u16, http_port: u16, cpu: Option<usize>) -> io::Result<Server> {
        let mut command = pinned(PROGRAM, cpu);
        command.args(["demo", "--sip-port", &sip_port.to_string(), "--http-port", &http_port.to_string()]);
        command.arg("--data").arg(data);
        let host = Ipv4Addr::LOCALHOST;
        Server::start(command, (host, sip_port).into(), (host, http_port).into())
    }

    /// `hotline serve` by a configuration written by `Plan::write`.
    pub fn serve(plan: &Plan, config: &Path, cpu: Option<usize>) -> io::Result<Server> {
        let mut command = pinned(PROGRAM, cpu);
        command.arg("serve").arg("--config").arg(config);
        Server::start(command, plan.sip(), plan.http())
    }

    /// Any command that ends as one of ours.
    pub fn start(mut command: Command, sip: SocketAddr, http: SocketAddr) -> io::Result<Server> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (sender, lines) = sync_channel(LINES);
        for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Server { child, sip, http, lines, said: Vec::new() })
    }

    /// Waits for a line with `words`; whether it came.
    pub fn says(&mut self, words: &str) -> bool {
        if self.said.iter().any(|line| line.contains(words)) {
            return true;
        }
        let clock = Clock::start();
        let began = clock.now();
        while clock.now().since(began) < PATIENCE {
            match self.lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    let found = line.contains(words);
                    self.said.push(line);
                    if found {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        false
    }

    /// Looks at what it has written so far.
    pub fn listen(&mut self) {
        self.said.extend(self.lines.try_iter());
    }

    pub fn signal(&self, signal: Signal) {
        // It may have ended by itself; whoever waits will see.
        let _ = kill(Pid::from_raw(self.pid().cast_signed()), signal);
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end, and reads what it still had to say.
    pub fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(200)) {
            self.said.push(line);
        }
        Ok(status)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn usage(&self) -> Usage {
        process::usage(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn boxed(pipe: impl io::Read + Send + 'static) -> Box<dyn io::Read + Send> {
    Box::new(pipe)
}

/// Below what systems give to sockets that ask for any port, and below the servers' RTP: who finds a port of these free
/// keeps it until a server binds it.
const PORTS: std::ops::Range<u16> = 10_000..16_000;

/// Even ports that nothing has at `host` now, for UDP and TCP alike; nor the port above each, where a demo has its bank.
pub fn free_ports<const N: usize>(host: Ipv4Addr) -> io::Result<[u16; N]> {
    static NEXT: Mutex<u32> = Mutex::new(0);
    let pairs = u32::from(PORTS.end - PORTS.start) / 2;
    let mut next = NEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut ports = [0; N];
    for port in &mut ports {
        *port = (0..pairs)
            .find_map(|_| {
                *next += 1;
                // Programs beside each other begin at different places.
                let pair = std::process::id().wrapping_mul(97).wrapping_add(*next) % pairs;
                let port = PORTS.start + 2 * u16::try_from(pair).ok()?;
                is_free(host, port).then_some(port)
            })
            .ok_or(io::ErrorKind::AddrInUse)?;
    }
    Ok(ports)
}

fn is_free(host: Ipv4Addr, port: u16) -> bool {
    UdpSocket::bind((host, port)).is_ok()
        && [port, port + 1].iter().all(|port| TcpListener::bind((host, *port)).is_ok())
}

/// A loopback address of one's own, so that servers beside each other do not meet in their RTP ports.
pub fn own_host() -> Ipv4Addr {
    static NEXT: Mutex<u8> = Mutex::new(1);
    let mut next = NEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *next += 1;
    let pid = std::process::id();
    Ipv4Addr::new(127, 64 + (pid >> 8 & 0x3F) as u8, (pid & 0xFF) as u8, *next)
}

/// What a generated configuration holds.
#[derive(Clone, Debug)]
pub struct Plan {
    pub host: Ipv4Addr,
    pub ports: [u16; 2],
    pub data: PathBuf,
    /// Named from `FIRST_AGENT` on; ready as soon as they register.
    pub agents: usize,
    /// Prompts of a second's silence instead of those that ship: a program built without optimisation reads them faster.
    pub short_prompts: bool,
    /// The bench's own flows, short prompts, and limits that are no limits.
    pub bench: bool,
    pub tapes: Tapes,
    /// The trunk's streams share sockets.
    pub shared: bool,
    /// All audio must be SRTP.
    pub secure: bool,
    /// Calls at once, and new ones a second, that the bench's server takes.
    pub calls: usize,
    pub rate: u32,
}

/// What is kept of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tapes {
    None,
    Open,
    Sealed,
}

/// Numbers of the bench's own flows: straight to the agents; a long prompt.
pub const DESK: &str = "95501";
pub const SPEECH: &str = "95502";
/// The queues that the demonstration bank's flows lead to.
const QUEUES: &str = "general urgent fraud cards sme complaint senior loan ebank rural_loan vip overflow";
/// Two menus that lead to each other by one, each with a long prompt of its own.
pub const MENUS: &str = "95503";

const BENCH_NUMBERS: [(&str, &str); 3] = [(DESK, "desk"), (SPEECH, "speech"), (MENUS, "menus")];

/// Length of that prompt, and of those of the menus, seconds.
const SPEECH_SECONDS: usize = 120;
/// What a steady prompt is made of: any level that is not silence.
const STEADY: i16 = 4_000;

/// The first agent's number.
pub const FIRST_AGENT: usize = 200_001;

impl Plan {
    /// The demo's flow and prompts on an address of its own.
    pub fn new(data: &Path, agents: usize) -> io::Result<Plan> {
        let host = own_host();
        let ports = free_ports(host)?;
        Ok(Plan {
            host,
            ports,
            data: data.to_owned(),
            agents,
            short_prompts: false,
            bench: false,
            tapes: Tapes::Open,
            shared: false,
            secure: false,
            calls: 10_000,
            rate: 10_000,
        })
    }

    /// The bench's flows and limits, for `agents` at most.
    pub fn bench(data: &Path, agents: usize, tapes: Tapes) -> io::Result<Plan> {
        Ok(Plan { short_prompts: true, bench: true, tapes, ..Plan::new(data, agents)? })
    }

    pub fn sip(&self) -> SocketAddr {
        (self.host, self.ports[0]).into()
    }

    pub fn http(&self) -> SocketAddr {
        (self.host, self.ports[1]).into()
    }

    pub fn agent_names(&self) -> impl Iterator<Item = String> {
        (FIRST_AGENT..FIRST_AGENT + self.agents).map(|number| number.to_string())
    }

    /// Writes `hotline.yaml` into `folder`; the repository is the folder we run in.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        use std::fmt::Write as _;
        let here = std::env::current_dir()?;
        let (host, here) = (self.host, here.display());
        let prompts = if self.short_prompts { short_prompts(folder)? } else { format!("{here}/prompts") };
        let flows = if self.bench { bench_flows(folder)? } else { format!("{here}/ivr-flows") };
        let srtp = if self.secure { "  srtp: required\n" } else { "" };
        let trunk_port = if self.shared { "  trunk_port: 9000\n" } else { "" };
        let ports = if self.bench { "10000-60000" } else { "16384-32766" };
        let mut text = format!(
            "sip:\n  listen: [{}]\n  realm: {host}\nmedia:\n  address: {host}\n  ports: {ports}\n{trunk_port}{srtp}http:\n  listen: {}\n  hosts: {{ bank: {{ url: \"http://127.0.0.1:9\", secrets: true }} }}\n\
             data: {}\nflows: {flows}\nprompts: {prompts}\n",
            self.sip(),
            self.http(),
            self.data.display(),
        );
        text.push_str(&self.recording(folder)?);
        text.push_str("numbers:\n");
        let numbers: &[(&str, &str)] = if self.bench { &BENCH_NUMBERS } else { &[("95500", "main")] };
        for (number, flow) in numbers {
            let _ = writeln!(text, "  \"{number}\": {{ flow: {flow}, language: zh-CN }}");
        }
        text.push_str("queues:\n");
        for queue in QUEUES.split_whitespace() {
            let _ = writeln!(text, "  {queue}: {{ requires: {{ general: 1 }}, wrap_up: 1s }}");
        }
        text.push_str("agents:\n");
        for name in self.agent_names() {
            let _ = writeln!(
                text,
                "  \"{name}\": {{ name: A{name}, password: load-{name}, skills: {{ general: 5 }}, ready_on_register: true }}"
            );
        }
        let numbers: Vec<String> = numbers.iter().map(|(number, _)| format!("\"{number}\"")).collect();
        let numbers = numbers.join(", ");
        let _ = writeln!(
            text,
            "trunks:\n  - name: loopback\n    sources: [127.0.0.0/8]\n    numbers: [{numbers}]"
        );
        if self.shared {
            text.push_str("    shared_sockets: true\n");
        }
        if self.bench {
            let _ = writeln!(text, "limits:\n  calls: {}\n  calls_per_second: {}", self.calls, self.rate);
        }
        let path = folder.join("hotline.yaml");
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

impl Plan {
    fn recording(&self, folder: &Path) -> io::Result<String> {
        Ok(match self.tapes {
            Tapes::None => "recording:\n  enabled: false\n".to_owned(),
            Tapes::Open => String::new(),
            Tapes::Sealed => {
                let key = folder.join("tape.key");
                std::fs::write(&key, "0123456789abcdef".repeat(4))?;
                std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
                format!("recording:\n  enabled: true\n  key_file: {}\n", key.display())
            }
        })
    }
}

/// `desk` queues callers at once, `speech` plays them the long prompt, `menus` asks them; the folder they are in.
fn bench_flows(folder: &Path) -> io::Result<String> {
    let to = folder.join("flows");
    std::fs::create_dir_all(&to)?;
    let ending = "  bye: { hangup: { prompts: goodbye } }\n";
    let head = |name: &str| format!("flow: {name}\nlanguages: [zh-CN]\nstart: {name}\nnodes:\n");
    let desk = "  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }\n";
    std::fs::write(to.join("desk.yaml"), format!("{}{desk}{ending}", head("desk")))?;
    let speech = "  speech: { play: { prompts: speech, next: bye } }\n";
    std::fs::write(to.join("speech.yaml"), format!("{}{speech}{ending}", head("speech")))?;
    let menu = |name: &str, prompt: &str, other: &str| {
        format!(
            "  {name}: {{ menu: {{ prompts: {prompt}, keys: {{ 1: {other}, 9: desk }}, on_no_input: {{ then: desk }}, on_invalid: {{ then: desk }} }} }}\n"
        )
    };
    let menus = menu("menus", "speech", "other") + &menu("other", "steady", "menus") + desk;
    std::fs::write(to.join("menus.yaml"), format!("{}{menus}{ending}", head("menus")))?;
    Ok(to.display().to_string())
}

/// Every prompt that ships by its name, a second of silence at 8 kHz; the folder they are in.
fn short_prompts(folder: &Path) -> io::Result<String> {
    let to = folder.join("prompts");
    for language in ["zh-CN", "en", "music"] {
        std::fs::create_dir_all(to.join(language))?;
        for file in std::fs::read_dir(Path::new("prompts").join(language))? {
            let name = file?.file_name();
            write_level(&to.join(language).join(name), 1, 0)?;
        }
    }
    write_level(&to.join("zh-CN/speech.wav"), SPEECH_SECONDS, 0)?;
    write_level(&to.join("zh-CN/steady.wav"), SPEECH_SECONDS, STEADY)?;
    Ok(to.display().to_string())
}

fn write_level(path: &Path, seconds: usize, level: i16) -> io::Result<()> {
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, format).map_err(io::Error::other)?;
    for _ in 0..seconds * 8_000 {
        wav.write_sample(level).map_err(io::Error::other)?;
    }
    wav.finalize().map_err(io::Error::other)
}

/// A folder that is gone when this is.
#[derive(Clone, Debug)]
pub struct Scratch(Arc<Folder>);

#[derive(Debug)]
struct Folder(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> io::Result<Scratch> {
        let path = std::env::temp_dir().join(format!("hotline-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Scratch(Arc::new(Folder(path))))
    }

    pub fn path(&self) -> &Path {
        &self.0.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One of the program's commands, to its end: its exit code and what it wrote.
pub fn command(args: &[&str]) -> io::Result<(i32, String, String)> {
    let done = Command::new(PROGRAM).args(args).stdin(Stdio::null()).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((done.status.code().unwrap_or(-1), text(done.stdout), text(done.stderr)))
}
