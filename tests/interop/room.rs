//! A room of its own for each test: a network and process namespace in which every port is free, and which takes
//! everything that was started in it away when the test ends, however it ends.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Names the room's folder to the test that runs inside.
const INSIDE: &str = "HOTLINE_ROOM";

/// Set to `1` where the tools are not to be had: the tests that need them are passed over.
const SKIP: &str = "HOTLINE_SKIP_INTEROP";

/// Longest life of a test in its room.
const LONGEST: Duration = Duration::from_secs(240);

/// Lines of output that may wait to be looked at; a process that says more stands still until they are.
const LINES: usize = 65_536;

/// Where a test's files are, and what runs there.
pub struct Room {
    pub folder: PathBuf,
}

/// Runs `test` in a room of its own, if the machine has `tools`.
///
/// On a machine without them the test fails, unless `SKIP` says that this is known: a green line must mean that real
/// phones have called.
pub fn alone<T: Fn(&Room)>(tools: &[&str], test: T) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return test(&Room { folder: folder.into() });
    }
    let name = name_of::<T>();
    let needed = ["unshare", "ip"];
    if let Some(tool) = needed.iter().chain(tools).find(|tool| !is_installed(tool)) {
        let skipped = std::env::var(SKIP).as_deref() == Ok("1");
        assert!(skipped, "{name} needs {tool}: `make deps` installs it, {SKIP}=1 passes such tests over");
        return println!("*** NOT TESTED: {name} needs {tool}, which is not installed (`make deps`) ***");
    }
    let folder = Folder::new(&name);
    let (said, passed) = run_inside(&name, &folder.0);
    assert!(passed, "in the room of {name}:\n{said}");
    println!("{said}");
}

/// The test's path, from the type of its closure: `main::interop::calls::a_test::{{closure}}`.
fn name_of<T>() -> String {
    let path = std::any::type_name::<T>();
    let path = path.split("::{{closure}}").next().unwrap_or(path);
    path.split_once("::").map_or(path, |(_, rest)| rest).to_owned()
}

fn is_installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir| dir.join(tool).is_file())
}

fn run_inside(name: &str, folder: &Path) -> (String, bool) {
    let exe = std::env::current_exe().expect("this test runs from a file");
    let mut command = Command::new("unshare");
    let owner = std::fs::metadata("/proc/self").expect("Linux").uid();
    if owner != 0 {
        command.arg("--map-root-user");
    }
    command.args(["--net", "--pid", "--fork", "--kill-child", "sh", "-c"]);
    command.arg("PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && exec \"$@\" 2>&1").arg("sh").arg(exe);
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(INSIDE, folder);
    let mut running = Running::start(command);
    let ended = running.ends(LONGEST);
    let said = running.seen.join("\n");
    let passed = ended && said.contains("test result: ok. 1 passed");
    (said, passed)
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("hotline-{}-{}", std::process::id(), name.replace("::", "-"));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Room {
    /// A new folder in the room's.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::create_dir_all(&path).expect("the room's folder takes another");
        path
    }
}

/// A process whose output is read line by line; killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Every line taken so far.
    pub seen: Vec<String>,
    /// How many of them `shows` has passed.
    passed: usize,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, lines) = sync_channel(LINES);
        read_lines(child.stdout.take().expect("piped"), sender.clone());
        read_lines(child.stderr.take().expect("piped"), sender);
        Running { child, lines, seen: Vec::new(), passed: 0 }
    }

    /// The process's id in this room.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the next line that holds `text`.
    pub fn shows(&mut self, text: &str, within: Duration) -> String {
        let deadline = now() + within;
        loop {
            while self.passed < self.seen.len() {
                self.passed += 1;
                if self.seen[self.passed - 1].contains(text) {
                    return self.seen[self.passed - 1].clone();
                }
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(now())) {
                Ok(line) => self.seen.push(line),
                Err(why) => panic!("{why:?} while waiting for `{text}`; seen:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// Waits for the end of its output. False if it goes on.
    pub fn ends(&mut self, within: Duration) -> bool {
        let deadline = now() + within;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// The exit code, after `ends`.
    pub fn code(&mut self) -> Option<i32> {
        self.child.wait().ok().and_then(|status| status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(from: impl Read + Send + 'static, to: SyncSender<String>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(from);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if to.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// Real phones keep real time.
#[expect(clippy::disallowed_methods, reason = "real phones, real time: only deadlines are taken from it")]
pub fn now() -> Instant {
    Instant::now()
}
