//! The least HTTP/1.1 client: one request a connection.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::PATIENCE;

/// A request being made.
pub struct Request<'a> {
    to: SocketAddr,
    method: &'a str,
    path: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub fields: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl<'a> Request<'a> {
    pub fn new(to: SocketAddr, method: &'a str, path: &str) -> Request<'a> {
        Request { to, method, path: path.to_owned(), fields: Vec::new(), body: Vec::new() }
    }

    pub fn field(mut self, name: &str, value: &str) -> Request<'a> {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn bearer(self, token: &str) -> Request<'a> {
        self.field("Authorization", &format!("Bearer {token}"))
    }

    pub fn cookie(self, token: &str) -> Request<'a> {
        self.field("Cookie", &format!("hotline_session={token}"))
    }

    pub fn json(mut self, body: &Value) -> Request<'a> {
        self.body = body.to_string().into_bytes();
        self.field("Content-Type", "application/json")
    }

    pub fn body(mut self, body: &[u8]) -> Request<'a> {
        self.body = body.to_owned();
        self
    }

    pub fn send(self) -> Reply {
        let mut stream = TcpStream::connect(self.to).expect("the API listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, self.to);
        if !self.fields.iter().any(|(name, _)| name == "Connection") {
            head += "Connection: close\r\n";
        }
        for (name, value) in &self.fields {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        // A server that refuses early may not read to the end.
        let _ = stream.write_all(&[head.as_bytes(), &self.body].concat());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Reply::parse(&bytes)
    }
}

impl Reply {
    fn parse(bytes: &[u8]) -> Reply {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let head = std::str::from_utf8(&bytes[..end]).expect("text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields: BTreeMap<String, String> =
            fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        assert!(!fields.contains_key("transfer-encoding"), "this client knows lengths only");
        Reply { status: status.parse().expect("a number"), fields, body: bytes[end + 4..].to_owned() }
    }

    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The word of a refusal, which must have the one shape.
    pub fn error(&self) -> String {
        let body = self.json();
        let fields: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["error", "message"], "one shape for all refusals");
        body["error"].as_str().expect("a word").to_owned()
    }
}
