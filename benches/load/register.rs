//! How agents' phones log in: REGISTER, the challenge, REGISTER with MD5 credentials (RFC 8760 keeps them legal).

use std::net::SocketAddr;

use bytes::Bytes;
use hotline::sip::message::{HeaderName, Headers, Method, Request};
use hotline::sip::uri::{SipUri, Uri};
use md5::{Digest as _, Md5};

/// One agent's log-in.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    password: String,
    cseq: u32,
    challenged: bool,
    pub registered: bool,
    /// What it was refused with.
    pub refused: Option<u16>,
}

impl Login {
    pub fn new(user: &str, password: &str) -> Login {
        Login {
            user: user.to_owned(),
            password: password.to_owned(),
            cseq: 0,
            challenged: false,
            registered: false,
            refused: None,
        }
    }

    /// The next REGISTER; with credentials if `challenge` is given.
    pub fn request(
        &mut self,
        ours: SocketAddr,
        server: SocketAddr,
        challenge: Option<&Challenge>,
    ) -> Request {
        self.cseq += 1;
        let uri = Uri::Sip(SipUri::new(None, server));
        let us = format!("<sip:{}@{server}>", self.user);
        let mut headers = Headers::default();
        headers.push(HeaderName::From, format!("{us};tag=load"));
        headers.push(HeaderName::To, us);
        headers.push(HeaderName::CallId, format!("load-{}-{}", ours.port(), self.user));
        headers.push(HeaderName::CSeq, format!("{} REGISTER", self.cseq));
        headers.push(HeaderName::Contact, format!("<sip:{}@{ours}>", self.user));
        headers.push(HeaderName::Expires, "3600");
        if let Some(challenge) = challenge {
            headers.push(HeaderName::Authorization, self.credentials(challenge, &uri.to_string()));
        }
        Request { method: Method::Register, uri, headers, body: Bytes::new() }
    }

    /// The response's status taken in; what to answer the challenge with, if there is one to answer.
    pub fn answered(&mut self, status: u16, headers: &Headers) -> Option<Challenge> {
        if status == 401 && !self.challenged {
            self.challenged = true;
            return Challenge::read(headers);
        }
        match status {
            100..=199 => {}
            200..=299 => self.registered = true,
            _ => self.refused = Some(status),
        }
        None
    }

    fn credentials(&self, challenge: &Challenge, uri: &str) -> String {
        let Challenge { realm, nonce } = challenge;
        let user = &self.user;
        let ha1 = md5_hex(&format!("{user}:{realm}:{}", self.password));
        let ha2 = md5_hex(&format!("REGISTER:{uri}"));
        let response = md5_hex(&format!("{ha1}:{nonce}:00000001:10ad:auth:{ha2}"));
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm=MD5, cnonce=\"10ad\", qop=auth, nc=00000001"
        )
    }
}

/// What a server wants to be answered.
#[derive(Clone, Debug)]
pub struct Challenge {
    realm: String,
    nonce: String,
}

impl Challenge {
    fn read(headers: &Headers) -> Option<Challenge> {
        let challenges = headers.all(&HeaderName::WwwAuthenticate);
        let mut texts = challenges.map(|value| String::from_utf8_lossy(value).into_owned());
        let md5 = texts.find(|text| !text.contains("SHA-256"))?;
        let value = |name: &str| {
            let start = md5.find(&format!("{name}=\""))? + name.len() + 2;
            md5[start..].split('"').next().map(str::to_owned)
        };
        Some(Challenge { realm: value("realm")?, nonce: value("nonce")? })
    }
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
