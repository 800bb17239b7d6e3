//! The thread that asks the bank's own hosts for flows. It may be kept waiting; nobody waits for it.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::inbox::Message;
use super::limits::{ANSWER_BYTES, ANSWER_HEAD_BYTES, ASKERS, HOST_CONNECTIONS, HOST_IDLE, REQUESTS_WAITING};
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

type Asker = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Who may have signed a host's certificate.
type Authorities = Arc<[CertificateDer<'static>]>;

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
    let mut askers = Askers::default();
    while let Some(Job { id, host, request }) = waiting.recv().await {
        let (asker, inbox) = (askers.trusting(&host.authorities), inbox.clone());
        tokio::spawn(async move {
            let result = match asker {
                Ok(asker) => ask(&asker, &host, *request).await,
                Err(_) => Err(HttpFailure::Untrusted),
            };
            // An engine that has ended needs no answer.
            let _ = inbox.send(Message::Input(Input::HttpDone { id, result })).await;
        });
    }
}

/// One for each set of authorities: connections are kept for the next request, and none is used by a host that would
/// not trust it.
#[derive(Default)]
struct Askers(Vec<(Authorities, Asker)>);

impl Askers {
    fn trusting(&mut self, authorities: &Authorities) -> Result<Asker, rustls::Error> {
        if let Some((_, asker)) = self.0.iter().find(|(known, _)| known == authorities) {
            return Ok(asker.clone());
        }
        let made = asker(authorities)?;
        if self.0.len() == ASKERS {
            self.0.remove(0);
        }
        self.0.push((Arc::clone(authorities), made.clone()));
        Ok(made)
    }
}

/// Speaks http, and https with those whom the authorities have signed for.
fn asker(authorities: &Authorities) -> Result<Asker, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut plain = HttpConnector::new();
    plain.set_nodelay(true);
    plain.enforce_http(false);
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(HOST_IDLE)
        .pool_max_idle_per_host(HOST_CONNECTIONS)
        .http1_max_buf_size(ANSWER_HEAD_BYTES)
        .build(connector.wrap_connector(plain));
    Ok(client)
}

/// Why nothing could be asked.
fn unreachable(error: &(dyn Error + 'static)) -> HttpFailure {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return HttpFailure::Untrusted;
        }
        // What an IO error wraps is not among its causes.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|inner| inner as &(dyn Error + 'static)).or(error.source());
    }
    HttpFailure::Unreachable
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
    let response = asker.request(message).await.map_err(|error| unreachable(&error))?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => HttpFailure::TooLarge,
        false => HttpFailure::Unreachable,
    })?;
    match String::from_utf8(body.to_bytes().into()) {
        Ok(body) => Ok(HttpResponse { status, body }),
        // JSON is UTF-8 (RFC 8259 §8.1). An error's page need not be, and its status counts all the same.
        Err(_) if status >= 300 => Ok(HttpResponse { status, body: String::new() }),
        Err(_) => Err(HttpFailure::Malformed),
    }
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
