//! The thread that speaks with bots over WebSocket, in the format of Twilio's Media Streams (`stream`). Each conversation is
//! a task; audio comes from and goes to the media worker by the rings of `media::bot`, which nobody waits for.

mod stream;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::Uri;
use hyper::header::HeaderValue;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderName;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use self::stream::{Stream, Told};
use super::inbox::Message;
use super::limits::{BOT_GOODBYE, BOT_KEYS, BOT_MESSAGE, BOT_NONSENSE, BOT_ORDERS, BOT_WRITE};
use crate::config::Bot;
use crate::engine::bot::BotFigures;
use crate::engine::input::Input;
use crate::engine::output::Key;
use crate::ids::{CallId, TalkId};
use crate::ivr::bot::{BotEnd, BotFailure, BotRequest};
use crate::media::bot::Speaker;

/// How often each conversation is looked at: the length of a frame.
const TURN: Duration = Duration::from_millis(20);

/// A conversation to be had.
#[derive(Debug)]
pub(super) struct Talk {
    pub id: TalkId,
    pub call: CallId,
    pub bot: Box<Bot>,
    pub request: Box<BotRequest>,
    pub line: Speaker,
}

/// What the thread is told.
#[derive(Debug)]
enum Order {
    Begin(Talk),
    Key(TalkId, Key),
    End(TalkId),
}

/// The way to the thread. It ends when this is dropped, and all conversations with it.
#[derive(Debug)]
pub(super) struct Bots(mpsc::Sender<Order>);

impl Bots {
    /// Starts the thread; each end goes into `inbox`.
    pub fn spawn(inbox: mpsc::Sender<Message>) -> io::Result<Bots> {
        let (orders, waiting) = mpsc::channel(BOT_ORDERS);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("bots".into()).spawn(move || {
            runtime.block_on(obey(waiting, inbox));
            // The look-up of a name can hang, and cannot be stopped: it is left behind.
            runtime.shutdown_background();
        })?;
        Ok(Bots(orders))
    }

    /// Returns at once; false if too many wait for their turn.
    pub fn begin(&self, talk: Talk) -> bool {
        self.0.try_send(Order::Begin(talk)).is_ok()
    }

    /// A key that finds no room is lost: nobody presses so many.
    pub fn key(&self, id: TalkId, key: Key) {
        let _ = self.0.try_send(Order::Key(id, key));
    }

    /// One that finds no room is not needed: the worker has let go of its end of the line too.
    pub fn end(&self, id: TalkId) {
        let _ = self.0.try_send(Order::End(id));
    }
}

async fn obey(mut orders: mpsc::Receiver<Order>, inbox: mpsc::Sender<Message>) {
    let mut talks: BTreeMap<TalkId, mpsc::Sender<Key>> = BTreeMap::new();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Begin(talk) => {
                let (keys, pressed) = mpsc::channel(BOT_KEYS);
                talks.retain(|_, keys| !keys.is_closed());
                talks.insert(talk.id, keys);
                tokio::spawn(converse(talk, pressed, inbox.clone()));
            }
            Order::Key(id, key) => {
                if let Some(keys) = talks.get(&id) {
                    let _ = keys.try_send(key);
                }
            }
            Order::End(id) => drop(talks.remove(&id)),
        }
    }
}

/// A whole conversation. It is over when `keys` closes.
async fn converse(talk: Talk, mut keys: mpsc::Receiver<Key>, inbox: mpsc::Sender<Message>) {
    let Talk { id, call, bot, request, line } = talk;
    let mut stream = Stream::new(call, id);
    let connected = tokio::select! {
        connected = timeout(bot.connect_timeout, connect(&bot)) => connected.unwrap_or(Err(BotFailure::Timeout)),
        () = gone(&mut keys) => Err(BotFailure::Abandoned),
    };
    let (end, figures, socket) = match connected {
        Err(why) => (BotEnd::Failed(why), BotFigures::default(), None),
        Ok(socket) => {
            let mut session = Session { socket, line, keys, stream: &mut stream, end: None, nonsense: 0 };
            let end = match session.talk(&request).await {
                Ok(end) => end,
                Err(why) => BotEnd::Failed(why),
            };
            let figures = session.figures();
            (end, figures, Some(session.socket))
        }
    };
    // An engine that has ended needs no word.
    let _ = inbox.send(Message::Input(Input::BotDone { id, end, figures })).await;
    if let Some(mut socket) = socket {
        let goodbye = async {
            let stop = Frame::text(stream.stop());
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            socket.send(stop).await?;
            socket.close(Some(frame)).await?;
            while socket.next().await.is_some_and(|frame| frame.is_ok()) {}
            Ok::<(), Error>(())
        };
        // Who does not want to hear it has gone.
        let _ = timeout(BOT_GOODBYE, goodbye).await;
    }
}

/// Waits until the caller has gone. Keys pressed before the bot is there are meant for nobody.
async fn gone(keys: &mut mpsc::Receiver<Key>) {
    while keys.recv().await.is_some() {}
}

/// TCP, or TLS on it.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<W: AsyncRead + AsyncWrite + Unpin + Send> Wire for W {}

type Socket = WebSocketStream<Box<dyn Wire>>;

async fn connect(bot: &Bot) -> Result<Socket, BotFailure> {
    let unreachable = |_| BotFailure::Unreachable;
    let uri: Uri = bot.url.parse().map_err(|_| BotFailure::Unreachable)?;
    let host = uri.host().ok_or(BotFailure::Unreachable)?.trim_matches(['[', ']']).to_owned();
    let tls = uri.scheme_str() == Some("wss");
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(unreachable)?;
    // Frames of audio must not wait for each other.
    stream.set_nodelay(true).map_err(unreachable)?;
    let wire: Box<dyn Wire> =
        if tls { Box::new(protect(stream, host, &bot.authorities).await?) } else { Box::new(stream) };
    let mut request = bot.url.as_str().into_client_request().map_err(|_| BotFailure::Unreachable)?;
    for (name, value) in &bot.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| BotFailure::Unreachable)?;
        let mut value = HeaderValue::from_str(&value.0).map_err(|_| BotFailure::Unreachable)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    let limits = WebSocketConfig::default()
        .max_message_size(Some(BOT_MESSAGE))
        .max_frame_size(Some(BOT_MESSAGE))
        .write_buffer_size(0)
        .max_write_buffer_size(BOT_MESSAGE);
    let made = client_async_with_config(request, wire, Some(limits)).await;
    made.map(|(socket, _)| socket).map_err(|_| BotFailure::Unreachable)
}

async fn protect(
    stream: TcpStream,
    host: String,
    authorities: &Arc<[CertificateDer<'static>]>,
) -> Result<impl Wire + use<>, BotFailure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| BotFailure::Untrusted)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host).map_err(|_| BotFailure::Unreachable)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(rustls::Error::InvalidCertificate(_)) => BotFailure::Untrusted,
            _ => BotFailure::Unreachable,
        }
    })
}

/// A bot that is there.
struct Session<'s> {
    socket: Socket,
    line: Speaker,
    keys: mpsc::Receiver<Key>,
    stream: &'s mut Stream,
    /// How it ends when all that the bot said has been played.
    end: Option<BotEnd>,
    nonsense: usize,
}

impl Session<'_> {
    async fn talk(&mut self, request: &BotRequest) -> Result<BotEnd, BotFailure> {
        for message in self.stream.begins(request) {
            self.send(message).await?;
        }
        // What was said while nobody listened is no beginning.
        while self.line.hear().is_some() {}
        let mut turns = interval_at(Instant::now() + TURN, TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The bot has closed; what it said is still to be played.
        let mut closed = false;
        loop {
            tokio::select! {
                _ = turns.tick() => {
                    if self.line.is_gone() {
                        return Err(BotFailure::Abandoned);
                    }
                    self.turn(closed).await?;
                    if self.stream.is_silent(&self.line)
                        && (closed || self.hands_over())
                        && let Some(end) = self.end.take()
                    {
                        return Ok(end);
                    }
                }
                key = self.keys.recv() => match key {
                    None => return Err(BotFailure::Abandoned),
                    // Impatient with the bot's last words.
                    Some(_) if closed || self.hands_over() => self.stream.clears(&mut self.line),
                    Some(Key(key)) => {
                        let key = self.stream.key(key);
                        self.send(key).await?;
                    }
                },
                frame = self.socket.next(), if !closed => closed = self.frame(frame)?,
            }
        }
    }

    /// The bot wants a person to take the call.
    fn hands_over(&self) -> bool {
        matches!(&self.end, Some(BotEnd::Result(result)) if result.person)
    }

    /// 20 ms: what the caller said goes out, what the bot said goes on.
    async fn turn(&mut self, closed: bool) -> Result<(), BotFailure> {
        while let Some(frame) = self.line.hear() {
            if !closed {
                let media = self.stream.media(&frame);
                self.send(media).await?;
            }
        }
        self.stream.speaks(&mut self.line);
        while let Some(mark) = self.stream.mark(&self.line) {
            if !closed {
                self.send(mark).await?;
            }
        }
        Ok(())
    }

    /// One frame of the bot's. True if it has closed.
    fn frame(&mut self, frame: Option<Result<Frame, Error>>) -> Result<bool, BotFailure> {
        let told = match frame {
            Some(Ok(Frame::Text(text))) => self.stream.heard(&text, &mut self.line),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => Told::Fine,
            Some(Ok(Frame::Binary(_))) => Told::Nonsense,
            Some(Ok(Frame::Close(why))) => return self.closed(why.map(|why| why.code)),
            Some(Err(Error::Capacity(_) | Error::Utf8(_))) => return Err(BotFailure::Nonsense),
            Some(Err(_)) | None => return Err(BotFailure::Broken),
        };
        match told {
            Told::Fine => self.stream.speaks(&mut self.line),
            Told::Cleared => {}
            Told::Result(result) => self.end = Some(BotEnd::Result(result)),
            Told::Nonsense => {
                self.nonsense += 1;
                if self.nonsense > BOT_NONSENSE {
                    return Err(BotFailure::Nonsense);
                }
            }
        }
        Ok(false)
    }

    fn closed(&mut self, code: Option<CloseCode>) -> Result<bool, BotFailure> {
        match code {
            None | Some(CloseCode::Normal | CloseCode::Away | CloseCode::Status) => {
                self.end.get_or_insert(BotEnd::Closed);
                Ok(true)
            }
            Some(_) => Err(BotFailure::Broken),
        }
    }

    async fn send(&mut self, text: String) -> Result<(), BotFailure> {
        let sent = timeout(BOT_WRITE, self.socket.send(Frame::text(text))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            // It closes; its last word comes by the other way.
            Ok(Err(Error::ConnectionClosed | Error::Protocol(_))) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(BotFailure::Broken),
        }
    }

    fn figures(&self) -> BotFigures {
        let frame_ms = u64::try_from(TURN.as_millis()).unwrap_or(0);
        BotFigures { unheard_ms: self.line.shed() * frame_ms, unsaid_ms: self.stream.unsaid_ms() }
    }
}
