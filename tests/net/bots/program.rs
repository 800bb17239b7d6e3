//! A bot on loopback, which says what the test tells it to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hotline::media::codec::Law;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, accept};

use super::caller::loudness;

/// What it can be told ahead.
const ORDERS: usize = 100;

enum Does {
    Says(String),
    Closes(u16),
    Dies,
}

/// One conversation at a time.
pub struct Program {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Value>>>,
    closed: Arc<Mutex<bool>>,
    orders: SyncSender<Does>,
}

impl Program {
    pub fn open() -> Program {
        Program::serving(|stream| Some(Box::new(stream)))
    }

    /// Behind TLS, with the certificate of `tests/net/tls/`.
    pub fn open_with_tls() -> Program {
        let chain = vec![CertificateDer::from_pem_slice(include_bytes!("../tls/bank.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("../tls/bank.key")).unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .unwrap();
        let config = Arc::new(config);
        Program::serving(move |stream| {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            Some(Box::new(StreamOwned::new(tls, stream)))
        })
    }

    /// Takes connections and says nothing.
    pub fn that_never_answers() -> Program {
        let kept = Mutex::new(Vec::new());
        Program::serving(move |stream| {
            kept.lock().unwrap().push(stream);
            None
        })
    }

    fn serving(wrap: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + 'static) -> Program {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (orders, ordered) = sync_channel(ORDERS);
        let (heard, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(false)));
        let (notes, over) = (Arc::clone(&heard), Arc::clone(&closed));
        // The thread ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let socket = stream.try_clone().unwrap();
                let Some(wrapped) = wrap(stream) else { continue };
                let Ok(mut websocket) = accept(wrapped) else { continue };
                socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
                talk(&mut websocket, &ordered, &notes);
                *over.lock().unwrap() = true;
            }
        });
        Program { address, heard, closed, orders }
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/call", self.address)
    }

    pub fn says(&self, message: Value) {
        self.says_text(&message.to_string());
    }

    pub fn says_text(&self, text: &str) {
        self.orders.send(Does::Says(text.to_owned())).unwrap();
    }

    pub fn closes(&self) {
        self.closes_with(1000);
    }

    pub fn closes_with(&self, code: u16) {
        self.orders.send(Does::Closes(code)).unwrap();
    }

    /// Its process is gone.
    pub fn dies(&self) {
        self.orders.send(Does::Dies).unwrap();
    }

    pub fn messages(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }

    pub fn first(&self, event: &str) -> Option<Value> {
        self.messages().into_iter().find(|message| message["event"] == event)
    }

    pub fn is_closed(&self) -> bool {
        *self.closed.lock().unwrap()
    }

    /// Whether its last half second is this tone.
    pub fn hears(&self, hertz: f64) -> bool {
        let samples = self.samples();
        samples.len() >= 8_000 && loudness(&samples[samples.len() - 4_000..], hertz) > 4_000.0
    }

    fn samples(&self) -> Vec<i16> {
        let mut samples = Vec::new();
        for message in self.messages().iter().filter(|message| message["event"] == "media") {
            let payload = STANDARD.decode(message["media"]["payload"].as_str().unwrap()).unwrap();
            assert_eq!(payload.len(), 160, "20 ms");
            let mut frame = [0; 160];
            Law::Mu.decode(&payload, &mut frame);
            samples.extend(frame);
        }
        samples
    }

    /// No message and no chunk is missing, and time goes by 20 ms.
    pub fn is_in_sequence(&self) {
        let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
        let messages = self.messages();
        for (place, message) in messages.iter().skip(1).enumerate() {
            assert_eq!(number(&message["sequenceNumber"]), place as u64 + 1);
        }
        for (place, message) in messages.iter().filter(|message| message["event"] == "media").enumerate() {
            assert_eq!(number(&message["media"]["chunk"]), place as u64 + 1);
            assert_eq!(number(&message["media"]["timestamp"]), place as u64 * 20);
        }
    }
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

fn talk(websocket: &mut WebSocket<Box<dyn Stream>>, orders: &Receiver<Does>, notes: &Mutex<Vec<Value>>) {
    loop {
        match websocket.read() {
            Ok(Message::Text(text)) => {
                notes.lock().unwrap().push(serde_json::from_str(&text).unwrap());
            }
            Ok(_) => {}
            Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        while let Ok(order) = orders.try_recv() {
            match order {
                Does::Says(text) => drop(websocket.send(Message::text(text))),
                Does::Closes(code) => {
                    let frame = CloseFrame { code: code.into(), reason: "".into() };
                    let _ = websocket.close(Some(frame));
                }
                Does::Dies => return,
            }
        }
    }
}

/// A sine of `hertz`, from its sample `from` on.
pub fn samples(hertz: f64, from: usize, count: usize) -> Vec<i16> {
    let sample = |at: usize| (at as f64 * hertz * std::f64::consts::TAU / 8_000.0).sin() * 8_000.0;
    (from..from + count).map(|at| sample(at) as i16).collect()
}

/// So many samples of a tone, µ-law.
pub fn tone(hertz: f64, count: usize) -> Vec<u8> {
    let samples = samples(hertz, 0, count);
    let mut payload = vec![0; count];
    Law::Mu.encode(&samples, &mut payload);
    payload
}

pub fn media(payload: &[u8]) -> Value {
    json!({"event": "media", "media": {"payload": STANDARD.encode(payload)}})
}
