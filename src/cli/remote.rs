//! Speaking to a running server, as a person who logs in.

use std::io::BufRead as _;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::{CannotRun, args};

/// The environment's name for the password: on the command line others could read it.
const PASSWORD: &str = "HOTLINE_PASSWORD";
/// Longest wait for an answer: the server gives them at once.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read, bytes.
const ANSWER_BYTES: usize = 1 << 20;

/// A server, and the token of who has logged in.
pub(super) struct Remote {
    client: Client<HttpConnector, Full<Bytes>>,
    server: String,
    token: String,
}

/// What a server answers.
pub(super) enum Reply {
    Done(Value),
    /// In the server's words.
    Refused(String),
}

impl Remote {
    /// Logs in.
    pub async fn log_in(args: &args::Server) -> Result<Remote, CannotRun> {
        let server = args.server.trim_end_matches('/').to_owned();
        if !server.starts_with("http://") {
            return Err(CannotRun(format!(
                "--server {server}: an address that begins with http:// is needed"
            )));
        }
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut remote = Remote { client, server, token: String::new() };
        let who = json!({ "user": args.user, "password": password()? });
        match remote.ask(Method::POST, "/api/v1/login", Some(who)).await? {
            Reply::Done(answer) => answer["token"].as_str().unwrap_or_default().clone_into(&mut remote.token),
            Reply::Refused(why) => return Err(CannotRun(why)),
        }
        Ok(remote)
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Reply, CannotRun> {
        let failed = |error: &dyn std::fmt::Display| CannotRun::because(&self.server, error);
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        }
        let body = body.map(|body| body.to_string());
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::from(body.unwrap_or_default())).map_err(|error| failed(&error))?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                failed(&cause.unwrap_or_else(|| error.to_string()))
            })?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
            Ok((status, body.map_err(|error| failed(&error))?.to_bytes()))
        };
        let (status, body) =
            tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| failed(&"no answer"))??;
        let answer: Value = if status == StatusCode::NO_CONTENT {
            Value::Null
        } else {
            serde_json::from_slice(&body).map_err(|error| failed(&error))?
        };
        Ok(if status.is_success() {
            Reply::Done(answer)
        } else {
            Reply::Refused(answer["message"].as_str().unwrap_or("the server refuses").to_owned())
        })
    }

    /// The session ends with the command; if the server does not hear of it, it ends by itself.
    pub async fn log_out(self) {
        let _ = self.ask(Method::POST, "/api/v1/logout", None).await;
    }
}

fn password() -> Result<String, CannotRun> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password);
    }
    eprintln!("password:");
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| CannotRun::because("the password cannot be read", error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
