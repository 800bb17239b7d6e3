//! Debian's rtpengine without its kernel module, spoken to in its NG protocol: bencoded dictionaries over UDP.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::{Child, Stdio};
use std::time::Duration;

use super::process;

/// How long it may take to answer, and how often it is asked while it starts.
const PATIENCE: Duration = Duration::from_millis(500);
const TRIES: usize = 20;

pub struct Rtpengine {
    child: Child,
    control: UdpSocket,
    cookie: u64,
}

impl Rtpengine {
    /// At `host`, its media between the same ports as the others'. `threads` that move packets, or as many as it likes.
    pub fn start(host: Ipv4Addr, control_port: u16, threads: Option<u32>) -> io::Result<Rtpengine> {
        let mut command = process::pinned("rtpengine", Some(process::SERVER_CPU));
        command.arg("--config-file=none").arg("--table=-1").arg("--foreground").arg("--log-stderr");
        command.arg(format!("--interface={host}")).arg(format!("--listen-ng={host}:{control_port}"));
        command.args(["--port-min=10000", "--port-max=60000", "--log-level=3"]);
        // As soon awake as the server's workers: who is woken late finds more packets at once, and each costs less.
        command.args(["--scheduling=rr", "--priority=1"]);
        command.args(threads.map(|threads| format!("--num-threads={threads}")));
        command.arg("--timeout=600").arg("--silent-timeout=600");
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn()?;
        let control = UdpSocket::bind((host, 0))?;
        control.connect((host, control_port))?;
        control.set_read_timeout(Some(PATIENCE))?;
        let mut engine = Rtpengine { child, control, cookie: 0 };
        for _ in 0..TRIES {
            if engine.asks("d7:command4:pinge").is_ok_and(|answer| answer.contains("pong")) {
                return Ok(engine);
            }
            pause();
        }
        Err(io::Error::other("rtpengine does not answer: is Debian's rtpengine-daemon there?"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A call between two phones: where the caller sends, and where the agent does.
    pub fn bridges(
        &mut self,
        call: usize,
        caller: SocketAddrV4,
        agent: SocketAddrV4,
    ) -> io::Result<(SocketAddrV4, SocketAddrV4)> {
        let (from, to) = (format!("from-{call}"), format!("to-{call}"));
        let offer = sdp(caller);
        let call = format!("call-{call}");
        let tell = [("call-id", call.as_str()), ("command", "offer"), ("from-tag", &from), ("sdp", &offer)];
        // What is offered to the agent is where the agent sends.
        let for_agent = address(&self.asks(&dictionary(&tell))?)?;
        let answer = sdp(agent);
        let tell = [
            ("call-id", call.as_str()),
            ("command", "answer"),
            ("from-tag", &from),
            ("sdp", &answer),
            ("to-tag", &to),
        ];
        let for_caller = address(&self.asks(&dictionary(&tell))?)?;
        Ok((for_caller, for_agent))
    }

    fn asks(&mut self, what: &str) -> io::Result<String> {
        self.cookie += 1;
        let cookie = format!("{} ", self.cookie);
        self.control.send(format!("{cookie}{what}").as_bytes())?;
        let mut answer = [0; 8_192];
        loop {
            let length = self.control.recv(&mut answer)?;
            let text = String::from_utf8_lossy(&answer[..length]);
            // An answer to an earlier question may come late.
            if let Some(text) = text.strip_prefix(&cookie) {
                return Ok(text.to_owned());
            }
        }
    }
}

impl Drop for Rtpengine {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another program starts meanwhile, and there is nothing else to do"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

/// Bencode: `d`, each key and value as length, colon, text; keys in order; `e`.
fn dictionary(pairs: &[(&str, &str)]) -> String {
    let text = |text: &str| format!("{}:{text}", text.len());
    let inside: String = pairs.iter().map(|(key, value)| text(key) + &text(value)).collect();
    format!("d{inside}e")
}

fn sdp(phone: SocketAddrV4) -> String {
    let (address, port) = (phone.ip(), phone.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\na=sendrecv\r\n"
    )
}

/// Where the description in an answer takes RTP.
fn address(answer: &str) -> io::Result<SocketAddrV4> {
    let word = |start: &str| answer.split_once(start)?.1.split_whitespace().next().map(str::to_owned);
    let found = word("c=IN IP4 ").zip(word("m=audio "));
    let parsed =
        found.and_then(|(host, port)| Some(SocketAddrV4::new(host.parse().ok()?, port.parse().ok()?)));
    parsed.ok_or_else(|| io::Error::other(format!("rtpengine says {answer}")))
}
