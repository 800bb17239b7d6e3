//! The thread that asks the bank's own hosts for flows. It may be kept waiting; nobody waits for it.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::inbox::Message;
use super::limits::{ANSWER_BYTES, ANSWER_HEAD_BYTES, HOST_CONNECTIONS, HOST_IDLE, REQUESTS_WAITING};
use crate::config::HttpHost;
use crate::engine::input::Input;
use crate::ids::RequestId;
use crate::ivr::http::{HttpFailure, HttpRequest, HttpResponse};

/// How we name ourselves.
const PRODUCT: &str = concat!("Hotline/", env!("CARGO_PKG_VERSION"));

/// A request to be carried out.
#[derive(Debug)]
pub(super) struct Job {
    pub id: RequestId,
    pub host: Box<HttpHost>,
    pub request: Box<HttpRequest>,
}

/// The way to the thread. It ends when this is dropped, and what is under way with it.
#[derive(Debug)]
pub(super) struct Hosts(mpsc::Sender<Job>);

type Asker = Client<HttpConnector, Full<Bytes>>;

impl Hosts {
    /// Starts the thread; each answer goes into `inbox`.
    pub fn spawn(inbox: mpsc::Sender<Message>) -> io::Result<Hosts> {
        let (jobs, waiting) = mpsc::channel(REQUESTS_WAITING);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("hosts".into()).spawn(move || {
            runtime.block_on(carry_out(waiting, inbox));
            // The look-up of a name can hang, and cannot be stopped: it is left behind.
            runtime.shutdown_background();
        })?;
        Ok(Hosts(jobs))
    }

    /// Returns at once; false if too many wait for their turn.
    pub fn ask(&self, job: Job) -> bool {
        self.0.try_send(job).is_ok()
    }
}

async fn carry_out(mut waiting: mpsc::Receiver<Job>, inbox: mpsc::Sender<Message>) {
    let asker = asker();
    while let Some(Job { id, host, request }) = waiting.recv().await {
        let (asker, inbox) = (asker.clone(), inbox.clone());
        tokio::spawn(async move {
            let result = ask(&asker, &host, *request).await;
            // An engine that has ended needs no answer.
            let _ = inbox.send(Message::Input(Input::HttpDone { id, result })).await;
        });
    }
}

/// Connections are kept for the next request.
fn asker() -> Asker {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(HOST_IDLE)
        .pool_max_idle_per_host(HOST_CONNECTIONS)
        .http1_max_buf_size(ANSWER_HEAD_BYTES)
        .build(connector)
}

async fn ask(asker: &Asker, host: &HttpHost, request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
    // A reload may have made the host's own limit shorter than the flow knew.
    let patience: Duration = request.timeout.min(host.timeout);
    let message = message(host, request).ok_or(HttpFailure::Malformed)?;
    timeout(patience, exchange(asker, message)).await.unwrap_or(Err(HttpFailure::Timeout))
}

/// `None` if an address comes out that is none: the checker and the configuration leave little room for it.
fn message(host: &HttpHost, request: HttpRequest) -> Option<Request<Full<Bytes>>> {
    let uri: Uri = format!("{}{}", host.url, request.path).parse().ok()?;
    let mut message = Request::builder()
        .method(request.method.word())
        .uri(uri)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, PRODUCT);
    if request.body.is_some() {
        message = message.header(CONTENT_TYPE, "application/json");
    }
    for (name, value) in &host.headers {
        let mut value = HeaderValue::from_str(&value.0).ok()?;
        value.set_sensitive(true);
        message = message.header(name, value);
    }
    let body = request.body.map(|body| Bytes::from_owner(Wiped(body.into_bytes()))).unwrap_or_default();
    message.body(Full::new(body)).ok()
}

async fn exchange(asker: &Asker, message: Request<Full<Bytes>>) -> Result<HttpResponse, HttpFailure> {
    let response = asker.request(message).await.map_err(|_| HttpFailure::Unreachable)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => HttpFailure::TooLarge,
        false => HttpFailure::Unreachable,
    })?;
    let body = String::from_utf8(body.to_bytes().into()).map_err(|_| HttpFailure::Malformed)?;
    Ok(HttpResponse { status, body })
}

/// A body that may hold a secret: overwritten when the last who sends it has done so.
struct Wiped(Vec<u8>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.fill(0);
        // Else the compiler may leave out what nobody reads.
        std::hint::black_box(&self.0);
    }
}
