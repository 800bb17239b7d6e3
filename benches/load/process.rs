//! Processes on processors, and the kernel's account of them (proc(5)).

use std::fs::File;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use nix::libc;

/// Processors: the program's under test and the generator's.
pub const SERVER_CPU: usize = 0;
pub const LOAD_CPU: usize = 1;

/// Ticks of processor time in a second, as Linux tells them to programs (USER_HZ).
const TICKS: f64 = 100.0;

/// A program is calm that has used less than so many seconds of processor in each of so many looks, so far apart.
const CALM_SECONDS: f64 = 0.005;
const CALM_LOOKS: usize = 3;
const CALM_EVERY: Duration = Duration::from_millis(200);

/// Looks before it is taken as it is: two minutes.
const CALM_TRIES: usize = 600;

/// The kernel's account of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds of processor time, to a hundredth; the kernel samples the split.
    pub user: f64,
    pub system: f64,
    /// Seconds of processor time, exactly.
    pub busy: f64,
    /// Resident memory, KiB.
    pub rss_kib: u64,
}

impl Usage {
    /// What was used since `earlier`; memory as it is now.
    pub fn since(self, earlier: Usage) -> Usage {
        Usage {
            user: self.user - earlier.user,
            system: self.system - earlier.system,
            busy: self.busy - earlier.busy,
            rss_kib: self.rss_kib,
        }
    }
}

/// Nothing of a process that is gone.
pub fn usage(pid: u32) -> Usage {
    read_usage(pid).unwrap_or_default()
}

fn read_usage(pid: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything; the rest begins behind its closing bracket. User and system time are words 14 and 15.
    let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user = words.next()?.parse::<f64>().ok()? / TICKS;
    let system = words.next()?.parse::<f64>().ok()? / TICKS;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let rss_kib = rss.trim().trim_end_matches(" kB").parse().ok()?;
    Some(Usage { user, system, busy: busy(pid).unwrap_or(user + system), rss_kib })
}

/// Of all its threads, also those that have ended (clock_getcpuclockid(3)).
fn busy(pid: u32) -> Option<f64> {
    let (mut clock, mut time) = (0, libc::timespec { tv_sec: 0, tv_nsec: 0 });
    // SAFETY: both are ours to write.
    let read = unsafe {
        libc::clock_getcpuclockid(pid.cast_signed(), &raw mut clock) == 0
            && libc::clock_gettime(clock, &raw mut time) == 0
    };
    read.then(|| time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// Waits until a program that has just started has done what it does by itself (ours encodes its prompts for seconds).
#[expect(clippy::disallowed_methods, reason = "the program works meanwhile, and there is nothing else to do")]
pub fn wait_until_calm(pid: u32) {
    let mut calm = 0;
    for _ in 0..CALM_TRIES {
        let before = busy(pid);
        std::thread::sleep(CALM_EVERY);
        let used = busy(pid).zip(before).map_or(0.0, |(now, before)| now - before);
        calm = if used < CALM_SECONDS { calm + 1 } else { 0 };
        if calm == CALM_LOOKS {
            return;
        }
    }
}

/// Datagrams that the kernel dropped because the buffer of a socket at `host` was full, of the sockets there are now
/// (`net/udp`: the local address is the second word, in hexadecimal as it lies in memory, drops are the last).
pub fn udp_drops(host: Ipv4Addr) -> u64 {
    let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let ours = format!("{:08X}:", u32::from_ne_bytes(host.octets()));
    let lines =
        table.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(|at| at.starts_with(&ours)));
    lines.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum()
}

/// The same for all sockets of this machine, ever (`net/snmp`, RcvbufErrors): quickly read.
pub fn all_udp_drops() -> u64 {
    let table = std::fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    let mut lines = table.lines().filter(|line| line.starts_with("Udp:"));
    let names = lines.next().unwrap_or_default().split_whitespace();
    let values = lines.next().unwrap_or_default().split_whitespace();
    let found = names.zip(values).find(|(name, _)| *name == "RcvbufErrors");
    found.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
}

/// Seconds that the server's processor has worked since the machine started, for whomever: by `stat`, all but idle and
/// waiting for disks, in ticks.
pub fn worked() -> f64 {
    let table = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let name = format!("cpu{SERVER_CPU} ");
    let words = table.lines().find_map(|line| line.strip_prefix(&name));
    let values = words.unwrap_or_default().split_whitespace().enumerate();
    let works = |place: usize| place != 3 && place != 4 && place < 8;
    values.filter(|(place, _)| works(*place)).filter_map(|(_, word)| word.parse::<f64>().ok()).sum::<f64>()
        / TICKS
}

/// Processors that do not halt: the kernel is asked for wake-ups without delay (PM QoS, `/dev/cpu_dma_latency`) as long as
/// this lives, and idles by looking whether there is work. A processor that halts, above all a virtual one, takes its
/// host's time to wake: that shows as latency, and as cost of whoever wakes it or is woken.
pub struct Awake(#[expect(dead_code, reason = "what counts is that it is open")] File);

impl Awake {
    /// Errors: the system has no such device, or does not let us have it.
    pub fn ask() -> io::Result<Awake> {
        let mut device = File::options().write(true).open("/dev/cpu_dma_latency")?;
        device.write_all(&0_i32.to_ne_bytes())?;
        Ok(Awake(device))
    }
}

/// A child of the bench is killed when the bench is gone, however that went.
pub fn end_with_parent() {
    // SAFETY: takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// The generator goes before others on its processor (as far as it may), or no longer: what it starts would inherit that.
pub fn hurry(hurries: bool) {
    let nice = if hurries { -20 } else { 0 };
    // SAFETY: takes numbers only. Who is not root is refused, and is late more often.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
}

/// `program` as a command, on processor `cpu` if one is given.
pub fn pinned(program: &str, cpu: Option<usize>) -> Command {
    let Some(cpu) = cpu else {
        return Command::new(program);
    };
    hurry(false);
    let mut command = Command::new("taskset");
    command.args(["-c", &cpu.to_string(), program]);
    command
}

/// The number of this process' thread of that name.
fn thread(name: &str) -> io::Result<String> {
    for thread in std::fs::read_dir("/proc/self/task")? {
        let path = thread?.path();
        if std::fs::read_to_string(path.join("comm"))?.trim() == name {
            return Ok(path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default());
        }
    }
    Err(io::Error::other(format!("no thread `{name}`")))
}

/// Moves a thread of this process to one processor.
pub fn pin_thread(name: &str, cpu: usize) -> io::Result<()> {
    let done = Command::new("taskset").args(["-c", "-p", &cpu.to_string(), &thread(name)?]).output()?;
    if done.status.success() { Ok(()) } else { Err(io::Error::other("taskset refused")) }
}

/// Seconds of processor time of a thread of this process; zero of none.
pub fn thread_busy(name: &str) -> f64 {
    let read = || {
        let text =
            std::fs::read_to_string(format!("/proc/self/task/{}/schedstat", thread(name).ok()?)).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    read().unwrap_or(0.0) / 1e9
}

/// Keeps this process, and what it starts from now on, on one processor.
pub fn pin_self(cpu: usize) -> io::Result<()> {
    let pid = std::process::id().to_string();
    let done = Command::new("taskset").args(["-a", "-c", "-p", &cpu.to_string(), &pid]).output()?;
    if done.status.success() { Ok(()) } else { Err(io::Error::other("taskset refused")) }
}
