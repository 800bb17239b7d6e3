//! The command line as a client of a running server's API.

use std::path::Path;
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

use super::CannotRun;

/// Where the password is looked for unless there is a file.
const PASSWORD: &str = "HOTLINE_PASSWORD";

/// Longest wait for an answer: longer than the server takes for any.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most bytes of an answer: all files of a release, with the escapes of JSON.
const ANSWER: usize = 64 * 1024 * 1024;

/// Somebody logged in.
pub(super) struct Client {
    server: String,
    host: String,
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

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or("the server gave no reason")
    }
}

/// The password of who asks: never on the command line, where everybody on the machine reads it.
pub(super) fn password(file: Option<&Path>) -> Result<String, CannotRun> {
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

impl Client {
    /// Logs in at `server`, such as `http://127.0.0.1:8080`.
    pub async fn log_in(server: &str, user: &str, password: &str) -> Result<Client, CannotRun> {
        let uri: Uri = server.parse().map_err(|error| CannotRun::because(server, error))?;
        let plain = uri.scheme_str() == Some("http") && uri.path().trim_matches('/').is_empty();
        let Some(authority) = uri.authority().filter(|_| plain) else {
            return Err(CannotRun(format!("--server {server}: expected http://ADDRESS:PORT")));
        };
        let host = match authority.port() {
            Some(_) => authority.to_string(),
            None => format!("{authority}:80"),
        };
        let mut client = Client { server: server.to_owned(), host, token: String::new() };
        let body = json!({ "user": user, "password": password });
        let reply = client.send(Method::POST, "/api/v1/login", Some(body)).await?;
        match reply.body["token"].as_str() {
            Some(token) if reply.is_fine() => client.token = token.to_owned(),
            _ => return Err(CannotRun(format!("{server}, as {user}: {}", reply.message()))),
        }
        Ok(client)
    }

    pub async fn log_out(&self) {
        // A session that stays ends by itself.
        let _ = self.send(Method::POST, "/api/v1/logout", None).await;
    }

    pub async fn get(&self, path: &str) -> Result<Reply, CannotRun> {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Result<Reply, CannotRun> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Reply, CannotRun> {
        let sent = timeout(PATIENCE, self.exchange(method, path, body)).await;
        let reply = sent.unwrap_or_else(|_| Err("it does not answer".into()));
        reply.map_err(|error| CannotRun::because(format!("the server at {}", self.server), error))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, Box<dyn std::error::Error>> {
        let stream = TcpStream::connect(&self.host).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
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
