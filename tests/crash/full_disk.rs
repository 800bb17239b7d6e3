//! A disk that is full.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::load::server::{self, PROGRAM, Plan, Scratch, Server};
use super::{PATIENCE, call, json, plan, register};

/// Room for the database and some seconds of a tape.
const DISK: &str = "size=1536k";

/// A server whose data folder is a disk of its own, which others do not even see. Needs to be root, or to be allowed
/// user namespaces.
fn on_a_small_disk(plan: &Plan, config: &Path) -> Option<Server> {
    let script = "mount -t tmpfs -o \"$1\" tmpfs \"$2\" && exec \"$3\" serve --config \"$4\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", script, "sh", DISK]);
    command.arg(&plan.data).arg(PROGRAM).arg(config);
    let mut server = Server::start(command, plan.sip(), plan.http()).ok()?;
    if server.says("ready") {
        return Some(server);
    }
    let denied = |line: &String| line.contains("unshare") || line.contains("mount");
    assert!(server.said.iter().any(denied), "{:#?}", server.said);
    eprintln!("not run: this machine gives no disk to fill: {:?}", server.said);
    None
}

#[test]
fn a_full_disk_stops_the_recording_and_never_the_call() {
    let scratch = Scratch::new("full-disk").expect("a scratch folder");
    let plan = plan(&scratch, 2);
    std::fs::create_dir_all(&plan.data).expect("a data folder");
    let config = plan.write(scratch.path()).expect("a configuration");
    let Some(server) = on_a_small_disk(&plan, &config) else {
        return;
    };
    let mut fleet = super::load::fleet::Fleet::new(plan.host, plan.sip()).expect("a fleet");
    register(&mut fleet, &plan);
    let callers = call(&mut fleet, 2, 2);
    // The tapes of two calls are 32 kB a second; something else takes the rest of the disk.
    let inside = format!("/proc/{}/root{}", server.pid(), plan.data.display());
    fill(Path::new(&inside).join("filler").as_path());
    fleet.run(Duration::from_secs(8));

    // Both still talk, in both directions.
    fleet.open_window();
    fleet.run(Duration::from_secs(3));
    fleet.close_window();
    fleet.run(Duration::from_millis(300));
    for side in [false, true] {
        let counts = fleet.counts(side);
        assert!(counts.sent > 200 && counts.received * 1_000 >= counts.sent * 990, "{side}: {counts:?}");
    }
    // A new caller is served as before.
    let third = fleet.dials("13700000003", "95500").expect("an RTP port");
    let answered = fleet.run_until(PATIENCE, |fleet| fleet.talks[&third].answered.is_some());
    assert!(answered, "{:?}", fleet.talks[&third].stage);
    let health = http_get(&plan, "/healthz");
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");

    // Room again: what happened is told. Records that waited are written.
    std::fs::remove_file(Path::new(&inside).join("filler")).expect("the filler");
    fleet.run(Duration::from_secs(3));
    for leg in callers.into_iter().chain([third]) {
        fleet.hangs_up(leg);
    }
    fleet.run(Duration::from_secs(2));
    let inside = inside.as_str();
    let (code, out, err) = server::command(&["calls", "--json", "--data", inside]).expect("calls runs");
    assert_eq!(code, 0, "{err}");
    let records = json(&out);
    assert_eq!(records.len(), 3, "{out}");
    let failed = records.iter().filter(|record| record["recording_failed"].is_string()).count();
    assert!(failed >= 2, "both tapes failed, and the records say so: {out}");
    assert!(records.iter().all(|record| record["ended"].is_u64()), "{out}");
    let (code, out, _) =
        server::command(&["recordings", "verify", "--json", "--data", inside]).expect("verify runs");
    assert_eq!(code, 0, "what is on the tapes is sound: {out}");
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path).expect("a file on the small disk");
    let block = [0; 4_096];
    while file.write_all(&block).is_ok() {}
    while file.write_all(&[0]).is_ok() {}
}

fn http_get(plan: &Plan, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(plan.http()).expect("the API listens");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: bank\r\nConnection: close\r\n\r\n").expect("a request");
    let mut text = String::new();
    // What has come until an error is what there is.
    let _ = stream.read_to_string(&mut text);
    text
}
