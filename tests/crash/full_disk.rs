//! A disk that is full.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hotline::engine::happened::What;
use hotline::store::Store;

use super::load::fleet::Fleet;
use super::load::server::{PROGRAM, Plan, Scratch, Server};
use super::{PATIENCE, call, json, plan, register};

/// Room for the database with its log, and for the tapes; what the calls leave of it something else takes.
const DISK: &str = "size=16m";

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
    let Some(mut server) = on_a_small_disk(&plan, &config) else {
        return;
    };
    let mut fleet = Fleet::new(plan.host, plan.sip()).expect("a fleet");
    register(&mut fleet, &plan);
    let callers = call(&mut fleet, 2, 2);
    let inside = format!("/proc/{}/root{}", server.pid(), plan.data.display());
    let filler = Path::new(&inside).join("filler");
    fill(&filler);
    until(&mut fleet, "both tapes fail", || http_get(&plan, "/readyz").contains("2 tapes cannot be written"));

    both_talk(&mut fleet);
    // A new caller is served as before, though not a byte of the tape can be kept.
    let third = fleet.dials("13700000003", "95500").expect("an RTP port");
    let answered = fleet.run_until(PATIENCE, |fleet| fleet.talks[&third].answered.is_some());
    assert!(answered, "{:?}", fleet.talks[&third].stage);
    until(&mut fleet, "the third fails", || http_get(&plan, "/readyz").contains("3 tapes cannot be written"));
    fleet.hangs_up(third);
    until(&mut fleet, "the third ends", || http_get(&plan, "/readyz").contains("2 tapes cannot be written"));
    until(&mut fleet, "the journal fails", || {
        http_get(&plan, "/readyz").contains("journal cannot be written")
    });
    until(&mut fleet, "the log tells", || {
        server.listen();
        server.said.iter().any(|line| line.contains("the journal cannot be written"))
    });
    let health = http_get(&plan, "/healthz");
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");

    // Room again: what happened is told. Events that waited are written, the tapes of those who talk go on.
    std::fs::remove_file(&filler).expect("the filler");
    until(&mut fleet, "all is well", || http_get(&plan, "/readyz").starts_with("HTTP/1.1 200"));
    both_talk(&mut fleet);
    callers.into_iter().for_each(|leg| fleet.hangs_up(leg));
    until(&mut fleet, "the records are closed", || {
        let records = records(&server, &plan);
        records.len() == 3 && records.iter().all(|record| record["ended"].is_u64())
    });
    let records = records(&server, &plan);
    assert!(records.iter().all(|record| record["recording_failed"].is_string()), "{records:#?}");
    let (code, out, _) = beside(&server, &["recordings", "verify", "--json"], &plan);
    assert_eq!(code, 0, "what is on the tapes is sound: {out}");
    assert_eq!(json(&out).len(), 2, "the third call has no tape, not a stub of one: {out}");
    assert_eq!(
        alarms(Path::new(&inside), scratch.path()),
        [("journal", [1, 1]), ("recording", [1, 1])].map(owned)
    );
}

fn owned((name, count): (&str, [usize; 2])) -> (String, [usize; 2]) {
    (name.to_owned(), count)
}

/// Calls go on while we wait. Looks now and then only: some looks start a process.
fn until(fleet: &mut Fleet, what: &str, mut seen: impl FnMut() -> bool) {
    let mut looks = 0;
    while !seen() {
        looks += 1;
        assert!(looks < 300, "never: {what}");
        fleet.run(Duration::from_millis(200));
    }
}

/// Both callers and both agents send and hear, for so many packets.
fn both_talk(fleet: &mut Fleet) {
    fleet.open_window();
    let sent =
        fleet.run_until(PATIENCE, |fleet| [false, true].iter().all(|side| fleet.counts(*side).sent > 200));
    fleet.close_window();
    let heard = fleet.run_until(PATIENCE, |fleet| {
        [false, true].map(|side| fleet.counts(side)).iter().all(|c| c.received * 100 >= c.sent * 98)
    });
    assert!(sent && heard, "{:?}", [false, true].map(|side| fleet.counts(side)));
}

fn records(server: &Server, plan: &Plan) -> Vec<serde_json::Value> {
    let (code, out, err) = beside(server, &["calls", "--json"], plan);
    assert_eq!(code, 0, "{err}");
    json(&out)
}

/// One of the program's commands where the server's disk is to be seen. The way through /proc is closed to it: SQLite
/// takes that link for a path of our own file system.
fn beside(server: &Server, args: &[&str], plan: &Plan) -> (i32, String, String) {
    let mut command = Command::new("nsenter");
    command.args(["--user", "--mount", "--preserve-credentials", "--target", &server.pid().to_string()]);
    let done = command.arg(PROGRAM).args(args).arg("--data").arg(&plan.data).output().expect("nsenter runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr))
}

/// How often each alarm was raised and was over, by a journal that is sound. `scratch`: for a copy of it.
fn alarms(data: &Path, scratch: &Path) -> Vec<(String, [usize; 2])> {
    for name in ["hotline.db", "hotline.db-wal"] {
        std::fs::copy(data.join(name), scratch.join(name)).expect("a copy");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let events = runtime.block_on(async {
        let store = Store::open_existing(&scratch.join("hotline.db")).await.expect("the store opens");
        let proof = store.verify_journal().await.expect("readable");
        assert_eq!((proof.missing, proof.first_bad), (0, None));
        store.events_since(0, 0).await.expect("readable")
    });
    let mut alarms = BTreeMap::<String, [usize; 2]>::new();
    for event in events {
        match event.what {
            What::Alarm { name, .. } => alarms.entry(name).or_default()[0] += 1,
            What::AlarmCleared { name } => alarms.entry(name).or_default()[1] += 1,
            _ => {}
        }
    }
    alarms.into_iter().collect()
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
