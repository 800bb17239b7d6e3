//! A peer that says exactly what a test writes, at an address of its own. The server under test is node 0.

use super::*;

pub(super) fn peer() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 99], 5060))
}

/// One request of the peer's.
#[derive(Clone)]
pub(super) struct Line {
    pub method: &'static str,
    pub cseq: u32,
    pub branch: String,
    pub from_tag: &'static str,
    pub to_tag: String,
    pub headers: String,
    pub body: String,
}

pub(super) fn line(method: &'static str, cseq: u32) -> Line {
    Line {
        method,
        cseq,
        branch: format!("{method}{cseq}"),
        from_tag: ";tag=peer",
        to_tag: String::new(),
        headers: "Contact: <sip:peer@10.0.0.99:5060>\r\n".into(),
        body: String::new(),
    }
}

/// An INVITE with an offer.
pub(super) fn invite() -> Line {
    line("INVITE", 10).sdp("v=0 offer")
}

impl Line {
    pub fn with(mut self, header: &str) -> Line {
        self.headers.push_str(header);
        self.headers.push_str("\r\n");
        self
    }

    pub fn body(mut self, kind: &str, body: &str) -> Line {
        self.body = body.into();
        self.with(&format!("Content-Type: {kind}"))
    }

    pub fn sdp(self, sdp: &str) -> Line {
        self.body("application/sdp", sdp)
    }

    /// Inside the dialog that `response` made.
    pub fn inside(mut self, response: &str) -> Line {
        self.to_tag = format!(";tag={}", tag(&header(response, "To")));
        self
    }

    pub fn branch(mut self, branch: &str) -> Line {
        self.branch = branch.into();
        self
    }

    pub fn text(&self) -> String {
        let Line { method, cseq, branch, from_tag, to_tag, headers, body } = self;
        format!(
            "{method} sip:95500@10.0.0.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 10.0.0.99:5060;branch=z9hG4bK{branch}\r\n\
             From: <sip:13812341234@trunk.example>{from_tag}\r\n\
             To: <sip:95500@bank.example>{to_tag}\r\n\
             Call-ID: script\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// The peer's answer to a request of ours.
pub(super) fn reply(request: &str, status: &str, to_tag: &str, headers: &str, sdp: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let tagged = name == "To" && !to_tag.is_empty() && !header(request, "To").contains("tag=");
        let tag = if tagged { format!(";tag={to_tag}") } else { String::new() };
        text.push_str(&format!("{name}: {}{tag}\r\n", header(request, name)));
    }
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{text}Contact: <sip:{to_tag}@10.0.0.99:5060>\r\n{headers}{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

pub(super) fn header(text: &str, name: &str) -> String {
    let start = format!("{name}: ");
    let found = text.lines().find_map(|line| line.strip_prefix(start.as_str()));
    found.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
}

fn tag(address: &str) -> String {
    address.split(";tag=").nth(1).unwrap_or_else(|| panic!("no tag in {address}")).to_owned()
}

impl World {
    /// The peer says something and the server has time to answer.
    pub(super) fn says(&mut self, text: &str) {
        let packet = Packet { from: peer(), to: address(0), bytes: Bytes::copy_from_slice(text.as_bytes()) };
        self.transmit(packet);
        self.run(ms(20));
    }

    /// What the peer got that begins with `start`, since this was asked last.
    pub(super) fn heard(&mut self, start: &str) -> Vec<String> {
        let all = std::mem::take(&mut self.mail);
        let (heard, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, text)| text.starts_with(start));
        self.mail = rest;
        heard.into_iter().map(|(_, text)| text).collect()
    }

    /// The one message to the peer that begins with `start`.
    pub(super) fn hears(&mut self, start: &str) -> String {
        let mut heard = self.heard(start);
        assert_eq!(heard.len(), 1, "{start}: {heard:#?}\n{:#?}\n{}", self.mail, self.ladder.join("\n"));
        heard.remove(0)
    }

    /// The peer's INVITE, answered and acknowledged: our leg, and our 200.
    pub(super) fn peer_talks(&mut self, invite: Line) -> (LegId, String) {
        self.says(&invite.text());
        let leg = self.invited(0);
        self.accept(0, leg, ANSWER);
        self.run(ms(20));
        let ok = self.hears("SIP/2.0 200");
        self.says(&line("ACK", invite.cseq).inside(&ok).text());
        assert_eq!(self.events(0, leg), [LegEvent::Confirmed { answer: None }]);
        (leg, ok)
    }

    /// Our INVITE to the peer, unanswered: our leg, and the INVITE.
    pub(super) fn rings_peer(&mut self) -> (LegId, String) {
        let leg = self.call(0, peer());
        self.run(ms(20));
        let invite = self.hears("INVITE");
        (leg, invite)
    }

    /// Our INVITE to the peer, answered.
    pub(super) fn peer_answers(&mut self, headers: &str) -> (LegId, String) {
        let (leg, invite) = self.rings_peer();
        self.says(&reply(&invite, "200 OK", "phone", headers, "v=0 answer"));
        self.hears("ACK");
        assert_eq!(self.events(0, leg), [answered(Some(ANSWER))]);
        (leg, invite)
    }
}
