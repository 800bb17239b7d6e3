//! A server asked over its API, for commands that change something: the journal has one writer, and that is the server.

use std::path::Path;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::CannotRun;

/// Longest answer that is read: commands ask for nothing large.
const ANSWER_BYTES: usize = 1024 * 1024;

/// Where the password stands if no file is named.
const PASSWORD: &str = "HOTLINE_PASSWORD";

/// Somebody logged in to a server.
pub(super) struct Remote {
    client: Client<HttpConnector, Full<Bytes>>,
    at: String,
    token: String,
}

/// What a server answered.
pub(super) struct Reply {
    pub status: StatusCode,
    pub body: Bytes,
}

impl Reply {
    /// What the server says is wrong.
    pub fn why(&self) -> String {
        let body: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let message = body.as_ref().and_then(|body| body.get("message"));
        message.and_then(|text| text.as_str()).map_or_else(|| self.status.to_string(), str::to_owned)
    }
}

/// The password from its file, or from the environment.
pub(super) fn password(file: Option<&Path>) -> Result<String, CannotRun> {
    match file {
        Some(path) => std::fs::read_to_string(path)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| CannotRun::because(path.display(), error)),
        None => std::env::var(PASSWORD).map_err(|_| {
            CannotRun(format!("no password: name a file with --password-file, or set {PASSWORD}"))
        }),
    }
}

impl Remote {
    /// Logs in to the server whose API is at `at`, `127.0.0.1:8080`.
    pub async fn login(at: &str, user: &str, password: &str) -> Result<Remote, CannotRun> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut remote = Remote { client, at: at.to_owned(), token: String::new() };
        let body = serde_json::json!({ "user": user, "password": password }).to_string();
        let reply = remote.ask(Method::POST, "/api/v1/login", Some(body)).await?;
        let session: Option<serde_json::Value> = serde_json::from_slice(&reply.body).ok();
        let token = session.as_ref().and_then(|session| session.get("token")?.as_str());
        match token {
            Some(token) if reply.status == StatusCode::OK => token.clone_into(&mut remote.token),
            _ => return Err(CannotRun(format!("{at} does not let {user} in: {}", reply.why()))),
        }
        Ok(remote)
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<String>) -> Result<Reply, CannotRun> {
        let failed = |error: String| CannotRun(format!("{} does not answer: {error}", self.at));
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.at));
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let request = request.body(body).map_err(|error| failed(error.to_string()))?;
        let answer = self.client.request(request).await.map_err(|error| failed(error.to_string()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| failed(error.to_string()))?.to_bytes();
        Ok(Reply { status, body })
    }
}
