//! Real calls for which a real server is asked over HTTP, and what it may do without harm to anybody else.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline::config::{Config, HttpHost, Secret};
use hotline::engine::happened::{Happened, HttpFailure, HttpOutcome, What};
use hotline::engine::input::World;
use hotline::ids::CallId;
use hotline::net::clock::Clock;
use hotline::rng::Rng;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::sync::broadcast::Receiver;

use super::{PATIENCE, Wire};
use crate::office::network::Datagram;
use crate::office::phone::Phone;
use crate::office::world;

const FLOW: &str = r#"
flow: main
languages: [zh-CN]
start: lookup
vars: { segment: text }
nodes:
  lookup:
    http: { method: post, to: bank, path: "/customers/{$caller}", body: { dialled: $dialled }, timeout: 5s,
            answer: { segment: $segment }, next: which, on_status: { 404: stranger }, on_failed: desk }
  which: { switch: { cases: [ { when: "$segment == 'vip'", then: vip } ], else: desk } }
  vip: { queue: { to: senior, on_timeout: bye, on_full: bye } }
  stranger: { queue: { to: urgent, on_timeout: bye, on_full: bye } }
  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
"#;

/// The bank's own server: answers by who is asked about.
struct Bank {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// Heads and bodies of the requests.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Bank {
    fn open() -> Bank {
        Bank::serving(serve)
    }

    /// Behind TLS, with the certificate of `tests/net/tls/`.
    fn open_with_tls() -> Bank {
        let chain = vec![CertificateDer::from_pem_slice(include_bytes!("tls/bank.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/bank.key")).unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .unwrap();
        let config = Arc::new(config);
        Bank::serving(move |stream, notes| {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(StreamOwned::new(tls, stream), notes);
        })
    }

    fn serving(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Clone + Send + 'static) -> Bank {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (count, notes) = (Arc::clone(&connections), Arc::clone(&seen));
        // Both kinds of threads end with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let (notes, serve) = (Arc::clone(&notes), serve.clone());
                std::thread::spawn(move || serve(stream, &notes));
            }
        });
        Bank { address, connections, seen }
    }

    fn world(&self, config: Config) -> World {
        self.world_trusting("http", None, config)
    }

    fn world_trusting(&self, scheme: &str, authority: Option<&[u8]>, mut config: Config) -> World {
        let authorities = authority.iter().map(|pem| CertificateDer::from_pem_slice(pem).unwrap());
        let host = HttpHost {
            url: format!("{scheme}://{}/api", self.address),
            authorities: authorities.collect(),
            secrets: false,
            headers: [("authorization".to_owned(), Secret("Bearer key".to_owned()))].into(),
            timeout: HttpHost::TIMEOUT,
            max_in_flight: 10,
        };
        config.http.hosts.insert("bank".to_owned(), host);
        world::with_flow_and(config, FLOW)
    }
}

/// One connection, request by request.
fn serve(stream: impl Read + Write, notes: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let who =
            head.split(' ').nth(1).and_then(|path| path.strip_prefix("/api/customers/")).unwrap_or_default();
        let answer = match who {
            "1380" => ok(r#"{"segment": "vip"}"#),
            "1390" => ok(r#"{"segment": "mass"}"#),
            "1370" => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "1601" => ok(&format!(r#"{{"segment": "vip", "more": "{}"}}"#, "x".repeat(100_000))),
            "1602" => return,
            "1603" => b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd".to_vec(),
            // A page of a proxy's, in a coding of its country.
            "1605" => b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n\xd5\xd2\xb2\xbb".to_vec(),
            "1606" => b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\n\xb4\xed\xce\xf3".to_vec(),
            "1604" => b"SIP/2.0 200 OK\r\n\r\n".to_vec(),
            // Never an answer; the connection stays.
            _ => Vec::new(),
        };
        notes.lock().unwrap().push(head + &String::from_utf8(body).unwrap());
        let writer = reader.get_mut();
        if writer.write_all(&answer).and_then(|()| writer.flush()).is_err() {
            return;
        }
    }
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Telephones on loopback, and what the server says happened.
struct Town<'w> {
    wire: &'w Wire,
    clock: Clock,
    phones: BTreeMap<String, (Phone, UdpSocket)>,
    news: Receiver<Arc<Happened>>,
    happened: Vec<Arc<Happened>>,
}

impl Town<'_> {
    fn of(wire: &Wire) -> Town<'_> {
        let news = wire.engine.listen();
        Town { wire, clock: Clock::start(), phones: BTreeMap::new(), news, happened: Vec::new() }
    }

    fn dials(&mut self, number: &str) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let seed = number.parse().unwrap();
        let mut phone =
            Phone::new(number, socket.local_addr().unwrap(), self.wire.sip, None, Rng::seeded(seed));
        phone.dials(self.clock.now(), "95500");
        self.phones.insert(number.to_owned(), (phone, socket));
    }

    /// The phones' turn.
    fn turn(&mut self) {
        for (phone, socket) in self.phones.values_mut() {
            for datagram in phone.outgoing() {
                socket.send_to(&datagram.bytes, datagram.to).unwrap();
            }
            let mut bytes = [0; 4_096];
            if let Ok((length, from)) = socket.recv_from(&mut bytes) {
                let bytes = bytes[..length].to_vec().into();
                phone.receive(self.clock.now(), Datagram { from, to: phone.address, bytes });
            }
            phone.handle_time(self.clock.now());
        }
        while let Ok(happened) = self.news.try_recv() {
            self.happened.push(happened);
        }
    }

    /// The call of this number.
    fn call(&self, number: &str) -> Option<CallId> {
        let arrived = |what: &What| matches!(what, What::CallArrived { from, .. } if from == number);
        self.happened.iter().find(|entry| arrived(&entry.what))?.call
    }

    /// The queue that this number waits in.
    fn queue(&self, number: &str) -> Option<String> {
        let call = self.call(number)?;
        self.happened.iter().filter(|entry| entry.call == Some(call)).find_map(|entry| match &entry.what {
            What::QueueEntered { queue, .. } => Some(queue.to_string()),
            _ => None,
        })
    }

    /// How the request for this number ended.
    fn end(&self, number: &str) -> Option<HttpOutcome> {
        let call = self.call(number)?;
        self.happened.iter().filter(|entry| entry.call == Some(call)).find_map(|entry| match entry.what {
            What::HostAnswered { outcome, .. } => Some(outcome),
            _ => None,
        })
    }

    fn until(&mut self, what: &str, seen: impl Fn(&Self) -> bool) {
        let limit = self.clock.now() + PATIENCE;
        while !seen(self) {
            assert!(self.clock.now() < limit, "waited in vain until {what}: {:#?}", self.happened);
            self.turn();
        }
    }

    /// The queue that `number` comes to.
    fn comes_to(&mut self, number: &str) -> String {
        self.dials(number);
        self.until("the caller waits", |town| town.queue(number).is_some());
        self.queue(number).unwrap_or_default()
    }
}

#[test]
fn callers_come_to_different_queues_by_what_the_bank_answers_over_one_connection() {
    let bank = Bank::open();
    let wire = Wire::up_with("asks", |config| bank.world(config));
    let mut town = Town::of(&wire);
    for (number, queue) in [("1380", "senior"), ("1390", "general"), ("1370", "urgent")] {
        assert_eq!(town.comes_to(number), queue);
    }
    assert_eq!(town.end("1370"), Some(HttpOutcome::Status(404)));
    assert_eq!(bank.connections.load(Ordering::Relaxed), 1, "kept for the next request");
    let seen = bank.seen.lock().unwrap();
    let first = seen[0].to_ascii_lowercase();
    assert!(first.starts_with("post /api/customers/1380 http/1.1\r\n"), "{first}");
    for part in
        ["authorization: bearer key\r\n", "content-type: application/json\r\n", "{\"dialled\":\"95500\"}"]
    {
        assert!(first.contains(part), "{first}");
    }
}

#[test]
fn answers_that_are_too_large_broken_or_none_lead_to_a_person() {
    let bank = Bank::open();
    let wire = Wire::up_with("broken", |config| bank.world(config));
    let mut town = Town::of(&wire);
    for (number, why) in [
        ("1601", HttpFailure::TooLarge),
        ("1602", HttpFailure::Unreachable),
        ("1603", HttpFailure::Malformed),
        ("1604", HttpFailure::Unreachable),
    ] {
        assert_eq!(town.comes_to(number), "general");
        assert_eq!(town.end(number), Some(HttpOutcome::Failed(why)), "{number}");
    }
}

#[test]
fn an_error_page_that_is_no_utf_8_counts_by_its_status() {
    let bank = Bank::open();
    let wire = Wire::up_with("pages", |config| bank.world(config));
    let mut town = Town::of(&wire);
    for (number, queue, status) in [("1605", "urgent", 404), ("1606", "general", 502)] {
        assert_eq!(town.comes_to(number), queue);
        assert_eq!(town.end(number), Some(HttpOutcome::Status(status)), "{number}");
    }
}

#[test]
fn a_bank_that_hangs_for_one_caller_delays_nobody_else() {
    let bank = Bank::open();
    let wire = Wire::up_with("hanging", |config| bank.world(config));
    let mut town = Town::of(&wire);
    town.dials("1999");
    town.until("the bank is asked", |_| !bank.seen.lock().unwrap().is_empty());
    assert_eq!(town.comes_to("1380"), "senior");
    assert!(wire.is_well());
    assert_eq!(town.queue("1999"), None, "still being asked about");
    town.until("its time is over", |town| town.queue("1999").is_some());
    assert_eq!(town.end("1999"), Some(HttpOutcome::Failed(HttpFailure::Timeout)));
}

#[test]
fn a_bank_behind_tls_is_asked_if_the_right_authority_has_signed_for_it() {
    let bank = Bank::open_with_tls();
    for (name, scheme, authority, end, queue) in [
        (
            "signed",
            "https",
            Some(&include_bytes!("tls/authority.pem")[..]),
            HttpOutcome::Status(200),
            "senior",
        ),
        (
            "forged",
            "https",
            Some(&include_bytes!("tls/other.pem")[..]),
            HttpOutcome::Failed(HttpFailure::Untrusted),
            "general",
        ),
        ("plain", "http", None, HttpOutcome::Failed(HttpFailure::Unreachable), "general"),
    ] {
        let wire = Wire::up_with(name, |config| bank.world_trusting(scheme, authority, config));
        let mut town = Town::of(&wire);
        assert_eq!(town.comes_to("1380"), queue, "{name}");
        assert_eq!(town.end("1380"), Some(end), "{name}");
    }
    assert_eq!(bank.seen.lock().unwrap().len(), 1, "what is not trusted is told nothing");
}

#[test]
fn a_server_whose_host_hangs_ends_all_the_same() {
    let bank = Bank::open();
    let mut wire = Wire::up_with("ends", |config| bank.world(config));
    let mut town = Town::of(&wire);
    town.dials("1999");
    town.until("the bank is asked", |_| !bank.seen.lock().unwrap().is_empty());
    let engine = wire.engine.clone();
    wire.runtime.block_on(engine.put(hotline::engine::input::Input::Stop)).unwrap();
    assert_eq!(wire.end(), Ok(()));
}
