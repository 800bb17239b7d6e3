//! A telephone on the virtual network: the product's own SIP core from the other side.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use hotline::call::cause::Cause;
use hotline::call::legs::{Invite, LegEvent, Legs};
use hotline::ids::LegId;
use hotline::media::command::{Codec, Direction, Session};
use hotline::moment::Moment;
use hotline::rng::Rng;
use hotline::sdp::negotiate::{self, Local, Terms};
use hotline::sdp::session::SessionDescription;
use hotline::sip::endpoint::{ClientTx, Endpoint, Happening};
use hotline::sip::message::{HeaderName, Headers, Method, Request};
use hotline::sip::transport::{Flow, Transport};
use hotline::sip::uri::{SipUri, Uri};
use md5::{Digest as _, Md5};

use super::network::Datagram;

/// What an agent's phone does when it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Answers after so long.
    Answers(Duration),
    LetsRing,
    Declines,
    Busy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// We called; nothing but perhaps 100 came.
    Calling,
    /// Either side rings.
    Ringing,
    Talking,
    Ended {
        cause: Cause,
        status: Option<u16>,
    },
}

#[derive(Debug)]
pub struct Talk {
    pub state: State,
    ours: SessionDescription,
    pub session: Option<Session>,
    version: u64,
}

pub struct Phone {
    pub name: String,
    pub address: SocketAddr,
    server: SocketAddr,
    password: Option<String>,
    pub manner: Manner,
    /// Where it hears, and in which codecs.
    pub audio: (u16, &'static [Codec]),
    endpoint: Endpoint,
    legs: Legs,
    pub talks: BTreeMap<LegId, Talk>,
    /// When a ringing call will be answered.
    answers: BTreeMap<LegId, Moment>,
    register: Register,
    pub last_call: Option<LegId>,
    out: Vec<Datagram>,
}

#[derive(Debug, Default)]
struct Register {
    tx: Option<ClientTx>,
    cseq: u32,
    nonce: Option<(String, u32)>,
    pub confirmed: bool,
    expires: u32,
}

const CODECS: [Codec; 1] = [Codec::Pcma];

impl Phone {
    pub fn new(
        name: &str,
        address: SocketAddr,
        server: SocketAddr,
        password: Option<&str>,
        mut rng: Rng,
    ) -> Phone {
        Phone {
            name: name.to_owned(),
            address,
            server,
            password: password.map(str::to_owned),
            manner: Manner::Answers(Duration::from_secs(1)),
            audio: (4000, &CODECS),
            endpoint: Endpoint::new("TestPhone", rng.fork()),
            legs: Legs::new(rng.fork()),
            talks: BTreeMap::new(),
            answers: BTreeMap::new(),
            register: Register::default(),
            last_call: None,
            out: Vec::new(),
        }
    }

    fn flow(&self) -> Flow {
        Flow { transport: Transport::Udp, local: self.address, remote: self.server, connection: None }
    }

    fn local(&self, version: u64, direction: Direction) -> Local<'static> {
        Local {
            address: self.address.ip(),
            port: self.audio.0,
            session: 1,
            version,
            codecs: self.audio.1,
            prefer: None,
            direction,
            telephone_event: true,
            srtp: Terms::PLAIN,
        }
    }

    pub fn is_registered(&self) -> bool {
        self.register.confirmed
    }

    pub fn registers(&mut self, now: Moment, expires: u32) {
        self.register.expires = expires;
        self.send_register(now);
    }

    fn send_register(&mut self, now: Moment) {
        self.register.cseq += 1;
        let server = Uri::Sip(SipUri::new(None, self.server));
        let mut headers = Headers::default();
        let us = format!("<sip:{}@{}>", self.name, self.server);
        headers.push(HeaderName::From, format!("{us};tag=reg"));
        headers.push(HeaderName::To, us);
        headers.push(HeaderName::CallId, format!("register-{}", self.address));
        headers.push(HeaderName::CSeq, format!("{} REGISTER", self.register.cseq));
        headers.push(HeaderName::Contact, format!("<sip:{}@{}>", self.name, self.address));
        headers.push(HeaderName::Expires, self.register.expires.to_string());
        if let Some(value) = self.credentials("REGISTER", &server.to_string()) {
            headers.push(HeaderName::Authorization, value);
        }
        let request = Request { method: Method::Register, uri: server, headers, body: Bytes::new() };
        self.register.tx = Some(self.endpoint.request(now, request, self.flow()));
    }

    /// MD5 credentials for the nonce we have, if any.
    fn credentials(&mut self, method: &str, uri: &str) -> Option<String> {
        let password = self.password.clone()?;
        let (nonce, count) = self.register.nonce.as_mut()?;
        *count += 1;
        let hex = |text: String| {
            Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let realm = super::REALM;
        let ha1 = hex(format!("{}:{realm}:{password}", self.name));
        let ha2 = hex(format!("{method}:{uri}"));
        let answer = hex(format!("{ha1}:{nonce}:{count:08x}:beef:auth:{ha2}"));
        Some(format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{answer}\", \
             algorithm=MD5, cnonce=\"beef\", qop=auth, nc={count:08x}",
            self.name
        ))
    }

    pub fn dials(&mut self, now: Moment, number: &str) -> LegId {
        let target = Uri::Sip(SipUri::new(Some(number), self.server));
        let credentials = self.credentials("INVITE", &target.to_string());
        let extra = credentials.map(|value| (HeaderName::Authorization, Bytes::from(value)));
        let ours = negotiate::offer(&self.local(1, Direction::SendRecv));
        let invite = Invite {
            to: target.clone(),
            target,
            from_display: None,
            from: Uri::Sip(SipUri::new(Some(&self.name), self.address)),
            flow: self.flow(),
            offer: ours.write().into(),
            extra: extra.into_iter().collect(),
        };
        let leg = self.legs.invite(now, &mut self.endpoint, invite);
        self.talks.insert(leg, Talk { state: State::Calling, ours, session: None, version: 1 });
        self.last_call = Some(leg);
        self.settle(now);
        leg
    }

    pub fn hangs_up(&mut self, now: Moment) {
        let live: Vec<LegId> = self.live().collect();
        for leg in live {
            self.legs.hang_up(now, &mut self.endpoint, leg, Cause::CallerHungUp);
        }
        self.settle(now);
    }

    pub fn answers_now(&mut self, now: Moment) {
        let ringing: Vec<LegId> = self.answers.keys().copied().collect();
        for leg in ringing {
            self.answers.insert(leg, now);
        }
        self.handle_time(now);
    }

    /// Puts its talks on hold, or takes them back.
    pub fn holds(&mut self, now: Moment, hold: bool) {
        let direction = if hold { Direction::SendOnly } else { Direction::SendRecv };
        let live: Vec<LegId> = self.live().collect();
        for leg in live {
            let version = self.talks[&leg].version + 1;
            let ours = negotiate::offer(&self.local(version, direction));
            self.legs.offer(now, &mut self.endpoint, leg, ours.write().into());
            if let Some(talk) = self.talks.get_mut(&leg) {
                (talk.ours, talk.version) = (ours, version);
            }
        }
        self.settle(now);
    }

    fn live(&self) -> impl Iterator<Item = LegId> {
        let live = self.talks.iter().filter(|(_, talk)| !matches!(talk.state, State::Ended { .. }));
        live.map(|(leg, _)| *leg).collect::<Vec<_>>().into_iter()
    }

    pub fn is_talking(&self) -> bool {
        self.talks.values().any(|talk| talk.state == State::Talking)
    }

    pub fn is_ringing(&self) -> bool {
        self.talks.values().any(|talk| talk.state == State::Ringing)
    }

    pub fn is_idle(&self) -> bool {
        self.live().next().is_none()
    }

    /// The server's port of the talk under way.
    pub fn remote_port(&self) -> Option<u16> {
        let talk = self.talks.values().rev().find(|talk| talk.state == State::Talking)?;
        talk.session.as_ref().map(|session| session.remote.port())
    }

    pub fn last_status(&self) -> Option<u16> {
        let talk = self.talks.get(&self.last_call?)?;
        match talk.state {
            State::Ended { status, .. } => status,
            _ => None,
        }
    }

    pub fn receive(&mut self, now: Moment, datagram: Datagram) {
        let flow =
            Flow { transport: Transport::Udp, local: datagram.to, remote: datagram.from, connection: None };
        self.endpoint.receive(now, flow, datagram.bytes);
        self.settle(now);
    }

    pub fn handle_time(&mut self, now: Moment) {
        self.endpoint.handle_time(now);
        self.legs.handle_time(now, &mut self.endpoint);
        let due: Vec<LegId> =
            self.answers.iter().filter(|(_, at)| **at <= now).map(|(leg, _)| *leg).collect();
        for leg in due {
            self.answers.remove(&leg);
            let Some(talk) = self.talks.get_mut(&leg) else {
                continue;
            };
            if talk.state == State::Ringing {
                talk.state = State::Talking;
                let answer = talk.ours.write().into();
                self.legs.accept(now, &mut self.endpoint, leg, answer);
            }
        }
        self.settle(now);
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        let answers = self.answers.values().copied().min();
        [self.endpoint.next_deadline(), self.legs.next_deadline(), answers].into_iter().flatten().min()
    }

    /// Everything this phone has to send.
    fn settle(&mut self, now: Moment) {
        loop {
            if let Some(happening) = self.endpoint.poll() {
                self.happening(now, happening);
            } else if let Some(invitation) = self.legs.poll_invitation() {
                self.rung(now, invitation.leg, invitation.offer);
            } else if let Some((leg, event)) = self.legs.poll_event() {
                self.event(now, leg, event);
            } else {
                return;
            }
        }
    }

    /// What is to go out, once `settle` is done.
    pub fn outgoing(&mut self) -> Vec<Datagram> {
        std::mem::take(&mut self.out)
    }

    fn happening(&mut self, now: Moment, happening: Happening) {
        match happening {
            Happening::Transmit { flow, bytes } => {
                self.out.push(Datagram { from: self.address, to: flow.remote, bytes });
            }
            Happening::Response { tx, response, .. } if self.register.tx == Some(tx) => {
                if response.status == 401 {
                    self.challenged(now, &response.headers);
                } else if response.status >= 200 {
                    self.register.tx = None;
                    self.register.confirmed = response.is_success() && self.register.expires > 0;
                }
            }
            Happening::Failed { tx, .. } if self.register.tx == Some(tx) => self.register.tx = None,
            other => {
                if let Some(Happening::Request { tx, request, .. }) =
                    self.legs.handle(now, &mut self.endpoint, other)
                {
                    self.endpoint.respond(now, tx, request.response(405).with_to_tag("phone"));
                }
            }
        }
    }

    fn challenged(&mut self, now: Moment, headers: &Headers) {
        let challenges: Vec<&Bytes> = headers.all(&HeaderName::WwwAuthenticate).collect();
        let md5 = challenges
            .iter()
            .map(|value| String::from_utf8_lossy(value))
            .find(|text| !text.contains("SHA-256"));
        let nonce = md5.and_then(|text| {
            let start = text.find("nonce=\"")? + 7;
            Some(text[start..].split('"').next()?.to_owned())
        });
        // Asked again although the nonce was not too old means that the password is wrong.
        let stale = challenges.iter().any(|value| String::from_utf8_lossy(value).contains("stale=true"));
        let again = stale || self.register.nonce.is_none();
        self.register.nonce = nonce.map(|nonce| (nonce, 0));
        self.register.tx = None;
        if again {
            self.send_register(now);
        }
    }

    fn rung(&mut self, now: Moment, leg: LegId, offer: Option<Bytes>) {
        let local = self.local(1, Direction::SendRecv);
        let answered = offer
            .and_then(|offer| SessionDescription::parse(&offer).ok())
            .and_then(|offer| negotiate::answer(&offer, &local).ok());
        let Some((ours, session)) = answered else {
            return self.legs.hang_up(now, &mut self.endpoint, leg, Cause::NotAcceptable);
        };
        let refusal = match self.manner {
            Manner::Declines => Some(Cause::Declined),
            Manner::Busy => Some(Cause::Busy),
            Manner::Answers(_) | Manner::LetsRing => None,
        };
        if let Some(cause) = refusal {
            return self.legs.hang_up(now, &mut self.endpoint, leg, cause);
        }
        self.legs.ring(now, &mut self.endpoint, leg);
        self.talks.insert(leg, Talk { state: State::Ringing, ours, session: Some(session), version: 1 });
        let after = if let Manner::Answers(after) = self.manner { after } else { Duration::from_secs(3_600) };
        self.answers.insert(leg, now + after);
    }

    fn event(&mut self, now: Moment, leg: LegId, event: LegEvent) {
        let local = self.local(0, Direction::SendRecv);
        let Some(talk) = self.talks.get_mut(&leg) else {
            return;
        };
        match event {
            LegEvent::Ringing => talk.state = State::Ringing,
            LegEvent::EarlyMedia { answer } => talk.take_answer(&answer),
            LegEvent::Answered { answer } => {
                talk.state = State::Talking;
                if let Some(answer) = answer {
                    talk.take_answer(&answer);
                }
            }
            LegEvent::OfferAnswered { answer } => talk.take_answer(&answer),
            LegEvent::Offered { offer } => {
                talk.version += 1;
                let local = Local { version: talk.version, ..local };
                let answered = SessionDescription::parse(&offer)
                    .ok()
                    .and_then(|offer| negotiate::answer(&offer, &local).ok());
                let answer = answered.map(|(ours, session)| {
                    talk.session = Some(session);
                    Bytes::from(ours.write())
                });
                self.legs.answer_offer(now, &mut self.endpoint, leg, answer.ok_or(488));
            }
            LegEvent::OfferWanted => self.legs.answer_offer(now, &mut self.endpoint, leg, Err(488)),
            LegEvent::Ended { cause, status, .. } => {
                talk.state = State::Ended { cause, status };
                self.answers.remove(&leg);
            }
            LegEvent::Confirmed { .. } | LegEvent::OfferRefused { .. } | LegEvent::Digit { .. } => {}
        }
    }

    /// Nothing of any call is left in its stack.
    pub fn is_at_rest(&self) -> bool {
        self.legs.is_empty() && self.endpoint.transactions() == 0
    }
}

impl Talk {
    fn take_answer(&mut self, answer: &[u8]) {
        let answer = SessionDescription::parse(answer).expect("the server writes what we can read");
        self.session = negotiate::accept_answer(&self.ours, &answer).ok();
    }
}
