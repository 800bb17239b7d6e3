//! The engine's thread stands still while people talk.

use std::time::Duration;

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::load::fleet::Stage;
use super::{Bank, PATIENCE, call, register, stages};

const TALKS: usize = 4;
const STILL: Duration = Duration::from_secs(2);

/// A thread of a child that stands still until this is dropped (ptrace(2)): the program has no hook for it.
struct Stopped(Pid);

impl Stopped {
    fn thread(process: u32, name: &str) -> Stopped {
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("a running process");
        let is_it = |path: &std::path::PathBuf| {
            std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name)
        };
        let path = threads.map(|thread| thread.expect("readable").path()).find(is_it).expect("the thread");
        let number = path.file_name().and_then(|name| name.to_str()?.parse().ok()).expect("a number");
        let thread = Pid::from_raw(number);
        ptrace::seize(thread, ptrace::Options::empty()).expect("our child");
        ptrace::interrupt(thread).expect("seized");
        waitpid(thread, Some(WaitPidFlag::__WALL)).expect("it stops");
        Stopped(thread)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // If it cannot be let go, the server is gone, and the test says so.
        let _ = ptrace::detach(self.0, None);
    }
}

#[test]
fn an_engine_that_stands_still_for_two_seconds_is_not_heard_and_forgets_nothing() {
    let bank = Bank::open("stalled", TALKS + 1);
    let mut fleet = bank.fleet();
    register(&mut fleet, &bank.plan);
    call(&mut fleet, TALKS, TALKS);
    let in_menu = fleet.dials("13800000001", "95500").expect("an RTP port");
    assert!(fleet.run_until(PATIENCE, |fleet| fleet.talking(false) == TALKS + 1), "{:#?}", stages(&fleet));

    let stopped = Stopped::thread(bank.server.pid(), "engine");
    fleet.open_window();
    fleet.presses(in_menu, '9');
    let new = fleet.dials("13800000002", "95500").expect("an RTP port");
    fleet.run(STILL);
    fleet.close_window();
    // What was sent last is still on its way.
    fleet.run(Duration::from_millis(200));
    assert_eq!(fleet.talks[&new].stage, Stage::Calling, "it does not stand still");
    let (callers, agents) = (fleet.counts(false), fleet.counts(true));
    assert!(agents.sent as usize > TALKS * 80, "{agents:?}");
    assert_eq!(callers.received, agents.sent, "the agents' voices reach the callers, each packet of them");
    drop(stopped);

    let all = fleet
        .run_until(PATIENCE, |fleet| fleet.hears_voice(in_menu) && fleet.talks[&new].stage == Stage::Talking);
    assert!(all, "the key or the call was lost: {:#?}", stages(&fleet));
    assert_eq!(fleet.talking(true), TALKS + 1);
}
