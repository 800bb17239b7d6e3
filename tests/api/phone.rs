//! Just enough telephone to have an agent logged in and a call under way.

use std::net::{SocketAddr, UdpSocket};

use md5::{Digest as _, Md5};

use super::{ApiUnderTest, PATIENCE};

/// A phone on a socket of its own.
pub struct Phone {
    socket: UdpSocket,
    here: SocketAddr,
    there: SocketAddr,
    user: String,
    sequence: u32,
}

impl Phone {
    pub fn new(api: &ApiUnderTest, user: &str) -> Phone {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let here = socket.local_addr().expect("bound");
        Phone { socket, here, there: api.sip, user: user.to_owned(), sequence: 0 }
    }

    /// Registers as the demo agent whose number is the user.
    pub fn registers(&mut self) {
        let uri = format!("sip:{}", self.there);
        let challenge = self.sends("REGISTER", &uri, &self.user.clone(), "Expires: 600\r\n", "");
        assert!(challenge.starts_with("SIP/2.0 401"), "{challenge}");
        let line = challenge
            .lines()
            .find(|line| line.starts_with("WWW-Authenticate") && line.contains("MD5"))
            .expect("an MD5 challenge");
        let parameter = |name: &str| {
            let from = line.find(&format!("{name}=\"")).expect("a parameter") + name.len() + 2;
            line[from..].split('"').next().unwrap_or_default().to_owned()
        };
        let (realm, nonce) = (parameter("realm"), parameter("nonce"));
        let md5 = |text: String| -> String {
            Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let user = &self.user;
        let secret = md5(format!("{user}:{realm}:demo-{user}"));
        let asked = md5(format!("REGISTER:{uri}"));
        let answer = md5(format!("{secret}:{nonce}:00000001:abc:auth:{asked}"));
        let proof = format!(
            "Expires: 600\r\nAuthorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", \
             uri=\"{uri}\", response=\"{answer}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"abc\"\r\n"
        );
        let registered = self.sends("REGISTER", &uri, &user.clone(), &proof, "");
        assert!(registered.starts_with("SIP/2.0 200"), "{registered}");
    }

    /// Dials the bank and is answered. Where it takes audio.
    pub fn dials(&mut self, number: &str) -> SocketAddr {
        let (address, port) = (self.here.ip(), self.here.port());
        let description = format!(
            "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
        );
        let uri = format!("sip:{number}@{}", self.there);
        let extra = "Content-Type: application/sdp\r\n";
        let answer = self.sends("INVITE", &uri, number, extra, &description);
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
        let to = answer.lines().find(|line| line.starts_with("To:")).expect("a To field");
        let contact = answer.lines().find_map(|line| line.strip_prefix("Contact: <")).expect("a contact");
        let target = contact.split('>').next().unwrap_or_default().to_owned();
        let ack = self.message("ACK", &target, to, "", "");
        self.socket.send_to(ack.as_bytes(), self.there).expect("sent");
        let audio = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).expect("an audio stream");
        let port = audio.split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
        SocketAddr::new(self.there.ip(), port)
    }

    /// Speaks: packets of 20 ms of silence with these numbers, all at once.
    pub fn speaks(&self, there: SocketAddr, numbers: impl Iterator<Item = u16>) {
        for number in numbers {
            let mut packet = vec![0x80, 0];
            packet.extend_from_slice(&number.to_be_bytes());
            packet.extend_from_slice(&(u32::from(number) * 160).to_be_bytes());
            packet.extend_from_slice(&[0, 0, 0, 7]);
            packet.extend_from_slice(&[0xFF; 160]);
            self.socket.send_to(&packet, there).expect("sent");
        }
    }

    fn sends(&mut self, method: &str, uri: &str, to: &str, extra: &str, body: &str) -> String {
        self.sequence += 1;
        let to = format!("To: <sip:{to}@{}>", self.there);
        let request = self.message(method, uri, &to, extra, body);
        self.socket.send_to(request.as_bytes(), self.there).expect("sent");
        let mut datagram = [0; 65_536];
        loop {
            let (length, _) = self.socket.recv_from(&mut datagram).expect("an answer");
            // RTP comes to the same socket; it begins with other bytes.
            let Ok(text) = std::str::from_utf8(&datagram[..length]) else { continue };
            if text.starts_with("SIP/2.0 ") && !text.starts_with("SIP/2.0 1") {
                return text.to_owned();
            }
        }
    }

    fn message(&self, method: &str, uri: &str, to: &str, extra: &str, body: &str) -> String {
        let Phone { here, there, user, sequence, .. } = self;
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{}{method}{sequence};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{there}>;tag=t{user}\r\n{to}\r\nCall-ID: {}@test\r\n\
             CSeq: {sequence} {method}\r\nContact: <sip:{user}@{here}>\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            here.port(),
            here.port(),
            body.len()
        )
    }
}
