//! The engine's thread stands still for two seconds while calls talk.

use std::io;
use std::time::Duration;

use nix::libc;

use super::Wish;
use super::bridge::{self, Bridge, Manner, Subject};
use crate::load::figures::{Report, Run};

const CALLS: usize = 500;
const STILL: Duration = Duration::from_secs(2);

/// Linux's name of the thread.
const THREAD: &str = "engine";

pub fn stall(wish: &Wish) -> io::Result<Report> {
    let calls = wish.loads(&[CALLS])[0];
    let title = format!("the engine's thread stopped for {} s while {calls} calls talk", STILL.as_secs());
    let mut report = Report::titled("stall", &title);
    let mut bridge = Bridge::start(&Subject::Hotline(Manner::Plain), calls, wish)?;
    bridge.grow(calls)?;
    report.runs.push(bridge.measure(Duration::from_secs(4)));
    let thread = engine_thread(bridge.pid().unwrap_or(0))?;
    bridge.fleet.open_window();
    bridge.fleet.run(Duration::from_secs(1));
    let stopped = Stopped::thread(thread)?;
    bridge.fleet.run(STILL);
    drop(stopped);
    bridge.fleet.run(Duration::from_secs(1));
    bridge.fleet.close_window();
    bridge.fleet.run(Duration::from_secs(2));
    let mut run = Run::new("hotline, its engine stopped", calls);
    run.put("established", "calls still up afterwards", "", bridge.fleet.talking(false) as f64);
    bridge::heard(&mut run, &bridge.fleet);
    report.runs.push(run);
    bridge.end()?;
    let get = |key| report.median("hotline, its engine stopped", calls, key);
    let (up, loss, p99) = (get("established"), get("loss_percent"), get("latency_p99_ms"));
    report.promise("all calls are still up", up, |up| up == calls as f64);
    report.promise("no packet is lost", loss, |loss| loss == 0.0);
    report.promise("one-way latency p99 under 2 ms meanwhile", p99, |p99| p99 < 2.0);
    Ok(report)
}

fn engine_thread(pid: u32) -> io::Result<i32> {
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path();
        if std::fs::read_to_string(path.join("comm"))?.trim() == THREAD {
            let name = path.file_name().and_then(|name| name.to_str()?.parse().ok());
            return name.ok_or_else(|| io::Error::other("a thread without a number"));
        }
    }
    Err(io::Error::other(format!("no thread `{THREAD}`")))
}

/// A thread of a child that stands still until this is dropped (ptrace(2): seized, interrupted, let go).
struct Stopped(i32);

impl Stopped {
    fn thread(thread: i32) -> io::Result<Stopped> {
        let nothing = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: these requests take no addresses.
        let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, thread, nothing, nothing) };
        // SAFETY: as above.
        if seized < 0 || unsafe { libc::ptrace(libc::PTRACE_INTERRUPT, thread, nothing, nothing) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let stopped = Stopped(thread);
        let mut status = 0;
        // SAFETY: `status` is ours to write.
        if unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stopped)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let nothing = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: the request takes no addresses; if it fails the server is gone.
        unsafe { libc::ptrace(libc::PTRACE_DETACH, self.0, nothing, nothing) };
    }
}
