//! The program under test as a child process, and what the kernel says about it.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline::net::clock::Clock;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The program, as cargo built it for this run.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hotline");

/// Lines of a child kept and not read: it would block beyond them.
const LINES: usize = 100_000;

/// How long a server may take to be there, and to be gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ticks of processor time in a second, as Linux tells them to programs (USER_HZ).
const TICKS: f64 = 100.0;

/// A running server.
pub struct Server {
    child: Child,
    pub sip: SocketAddr,
    pub http: SocketAddr,
    lines: Receiver<String>,
    /// Everything it wrote and we have looked at.
    pub said: Vec<String>,
}

/// The kernel's account of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds of processor time.
    pub user: f64,
    pub system: f64,
    /// Resident memory, KiB.
    pub rss_kib: u64,
}

impl Server {
    /// `hotline demo` with its data in `data`; on processor `cpu`, if one is given.
    pub fn demo(data: &Path, sip_port: u16, http_port: u16, cpu: Option<usize>) -> io::Result<Server> {
        let mut command = pinned(cpu);
        command.args(["demo", "--sip-port", &sip_port.to_string(), "--http-port", &http_port.to_string()]);
        command.arg("--data").arg(data);
        let host = Ipv4Addr::LOCALHOST;
        Server::start(command, (host, sip_port).into(), (host, http_port).into())
    }

    /// `hotline serve` by a configuration written by `Plan::write`.
    pub fn serve(plan: &Plan, config: &Path, cpu: Option<usize>) -> io::Result<Server> {
        let mut command = pinned(cpu);
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
        usage(self.child.id()).unwrap_or_default()
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

fn pinned(cpu: Option<usize>) -> Command {
    let Some(cpu) = cpu else {
        return Command::new(PROGRAM);
    };
    let mut command = Command::new("taskset");
    command.args(["-c", &cpu.to_string(), PROGRAM]);
    command
}

/// Keeps this process, and what it starts from now on, on one processor.
pub fn pin_self(cpu: usize) -> io::Result<()> {
    let pid = std::process::id().to_string();
    let done = Command::new("taskset").args(["-a", "-c", "-p", &cpu.to_string(), &pid]).output()?;
    if done.status.success() { Ok(()) } else { Err(io::Error::other("taskset refused")) }
}

/// By proc(5): `stat` has user and system time as its 14th and 15th words, `status` the resident memory.
fn usage(pid: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything; the rest begins behind its closing bracket.
    let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user = words.next()?.parse::<f64>().ok()? / TICKS;
    let system = words.next()?.parse::<f64>().ok()? / TICKS;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let rss_kib = rss.trim().trim_end_matches(" kB").parse().ok()?;
    Some(Usage { user, system, rss_kib })
}

/// Datagrams that the kernel dropped because the buffer of a socket at `host` was full, of the sockets there are now
/// (proc(5), `net/udp`: the local address is the second word, in hexadecimal as it lies in memory, drops are the last).
pub fn udp_drops(host: Ipv4Addr) -> u64 {
    let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let ours = format!("{:08X}:", u32::from_ne_bytes(host.octets()));
    let lines =
        table.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(|at| at.starts_with(&ours)));
    lines.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum()
}

/// Ports that nothing has at `host` now, for UDP and TCP alike.
pub fn free_ports<const N: usize>(host: Ipv4Addr) -> io::Result<[u16; N]> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let (listener, socket) = loop {
            let listener = TcpListener::bind((host, 0))?;
            if let Ok(socket) = UdpSocket::bind(listener.local_addr()?) {
                break (listener, socket);
            }
        };
        *port = listener.local_addr()?.port();
        held.push((listener, socket));
    }
    Ok(ports)
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
}

/// The first agent's number.
pub const FIRST_AGENT: usize = 200_001;

impl Plan {
    /// The demo's flow and prompts on an address of its own.
    pub fn new(data: &Path, agents: usize) -> io::Result<Plan> {
        let host = own_host();
        let ports = free_ports(host)?;
        Ok(Plan { host, ports, data: data.to_owned(), agents, short_prompts: false })
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
        let mut text = format!(
            "sip:\n  listen: [{}]\n  realm: {host}\nmedia:\n  address: {host}\nhttp:\n  listen: {}\n\
             data: {}\nflows: {here}/ivr-flows\nprompts: {prompts}\n\
             numbers:\n  \"95500\": {{ flow: main, language: zh-CN }}\nqueues:\n",
            self.sip(),
            self.http(),
            self.data.display(),
        );
        for queue in ["general", "urgent", "cards", "sme", "complaint", "senior"] {
            let _ = writeln!(text, "  {queue}: {{ requires: {{ general: 1 }}, wrap_up: 1s }}");
        }
        text.push_str("agents:\n");
        for name in self.agent_names() {
            let _ = writeln!(
                text,
                "  \"{name}\": {{ name: A{name}, password: load-{name}, skills: {{ general: 5 }}, ready_on_register: true }}"
            );
        }
        text.push_str("trunks:\n  - name: loopback\n    sources: [127.0.0.0/8]\n    numbers: [\"95500\"]\n");
        let path = folder.join("hotline.yaml");
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

/// Every prompt that ships by its name, a second of silence at 8 kHz; the folder they are in.
fn short_prompts(folder: &Path) -> io::Result<String> {
    let to = folder.join("prompts");
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    for language in ["zh-CN", "en", "music"] {
        std::fs::create_dir_all(to.join(language))?;
        for file in std::fs::read_dir(Path::new("prompts").join(language))? {
            let name = file?.file_name();
            let mut wav =
                hound::WavWriter::create(to.join(language).join(name), format).map_err(io::Error::other)?;
            for _ in 0..8_000 {
                wav.write_sample(0_i16).map_err(io::Error::other)?;
            }
            wav.finalize().map_err(io::Error::other)?;
        }
    }
    Ok(to.display().to_string())
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
