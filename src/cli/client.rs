//! The command line as a client of a running server's API.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CannotRun, args};

/// Where the password is looked for unless there is a file.
const PASSWORD: &str = "HOTLINE_PASSWORD";

/// Longest wait for an answer: longer than the server takes for any.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most bytes of an answer: all files of a release, with the escapes of JSON.
const ANSWER: usize = 64 * 1024 * 1024;

/// Where a server is asked, such as `http://127.0.0.1:8080`.
#[derive(Clone, Debug)]
pub struct Address {
    said: String,
    host: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(said: &str) -> Result<Address, String> {
        let uri: Uri = said.parse().map_err(|error| format!("{error}"))?;
        let plain = uri.scheme_str() == Some("http") && uri.path().trim_matches('/').is_empty();
        let Some(authority) = uri.authority().filter(|_| plain && uri.query().is_none()) else {
            return Err("expected http://ADDRESS:PORT".to_owned());
        };
        let host = match authority.port() {
            Some(_) => authority.to_string(),
            None => format!("{authority}:80"),
        };
        Ok(Address { said: said.to_owned(), host })
    }
}

/// Somebody logged in.
struct Client {
    server: Address,
    token: String,
}

/// What the server said.
pub(super) struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    /// The server did what it was asked.
    pub fn is_fine(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The server did it, or refused to.
    fn answered(self) -> Result<Reply, CannotRun> {
        if self.status < 500 { Ok(self) } else { Err(CannotRun(self.message().to_owned())) }
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or("the server gave no reason")
    }
}

/// The password of who asks: never on the command line, where everybody on the machine reads it.
fn password(file: Option<&Path>) -> Result<String, CannotRun> {
    match file {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| CannotRun::because(file.display(), error))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => std::env::var(PASSWORD).map_err(|_| {
            CannotRun(format!("no password: set {PASSWORD}, or name a file with --password-file"))
        }),
    }
}

/// Logs in, asks one thing, and logs out.
///
/// # Errors
/// Nobody was asked, or there is no answer that says anything of what was asked: the server failed, is stopping, or gave up.
pub(super) fn ask(
    server: &args::Server,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Reply, CannotRun> {
    let password = password(server.password_file.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CannotRun::because("no runtime", error))?;
    runtime.block_on(async {
        let client = Client::log_in(&server.server, &server.user, &password).await?;
        let reply = client.send(method, path, body).await;
        // A session that stays ends by itself.
        let _ = client.send(Method::POST, "/api/v1/logout", None).await;
        reply.and_then(Reply::answered)
    })
}

impl Client {
    async fn log_in(server: &Address, user: &str, password: &str) -> Result<Client, CannotRun> {
        let mut client = Client { server: server.clone(), token: String::new() };
        let body = json!({ "user": user, "password": password });
        let reply = client.send(Method::POST, "/api/v1/login", Some(body)).await?;
        match reply.body["token"].as_str() {
            Some(token) if reply.is_fine() => client.token = token.to_owned(),
            _ => return Err(CannotRun(format!("{}, as {user}: {}", server.said, reply.message()))),
        }
        Ok(client)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Reply, CannotRun> {
        let sent = timeout(PATIENCE, self.exchange(method, path, body)).await;
        let reply = sent.unwrap_or_else(|_| Err("it does not answer".into()));
        reply.map_err(|error| CannotRun::because(format!("the server at {}", self.server.said), error))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, Box<dyn std::error::Error>> {
        let stream = TcpStream::connect(&self.server.host).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.server.host);
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let answer = sender.send_request(request.body(Full::new(body))?).await?;
        let status = answer.status().as_u16();
        let read = Limited::new(answer.into_body(), ANSWER).collect().await;
        let bytes = read.map_err(|error| error.to_string())?.to_bytes();
        connection.abort();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
        Ok(Reply { status, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_its_http_address_alone() {
        let host = |said: &str| said.parse::<Address>().map(|address| address.host);
        assert_eq!(host("http://127.0.0.1:8080").as_deref(), Ok("127.0.0.1:8080"));
        assert_eq!(host("http://[::1]:8080/").as_deref(), Ok("[::1]:8080"));
        assert_eq!(host("http://bank").as_deref(), Ok("bank:80"));
        for wrong in
            ["127.0.0.1:8080", "https://bank", "http://bank/api", "http://bank?x", "http://", "bank", "/", ""]
        {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_refusal_is_an_answer_and_a_server_that_failed_gave_none() {
        let reply = |status| Reply { status, body: json!({ "message": "so" }) };
        assert!(
            [200, 204, 400, 404, 409, 422, 429].into_iter().all(|status| reply(status).answered().is_ok())
        );
        let failed = reply(504).answered().map(|reply| reply.status);
        assert_eq!(failed.map_err(|why| why.0), Err("so".to_owned()));
        assert!(reply(503).answered().is_err());
    }
}
