use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::sip::message::Message;
use crate::sip::parse::parse;

const REALM: &str = "bank.example";
const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9));

/// RFC 7616 §3.9.1.
fn mufasa(algorithm: Algorithm) -> Credentials {
    Credentials {
        algorithm,
        user: "Mufasa".into(),
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v".into(),
        uri: "/dir/index.html".into(),
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ".into(),
        count: 1,
        count_text: "00000001".into(),
        response: String::new(),
    }
}

#[test]
fn the_examples_of_rfc_7616_come_out() {
    let ha1 = Ha1::new("Mufasa", "http-auth@example.org", "Circle of Life");
    assert_eq!(
        response(&mufasa(Algorithm::Sha256), "GET", &ha1),
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    );
    assert_eq!(response(&mufasa(Algorithm::Md5), "GET", &ha1), "8ca523f5e9506fed4657c9700eebdbec");
}

/// A phone of user 1001 that answers challenges.
struct Phone {
    authenticator: Authenticator,
    algorithm: Algorithm,
    password: &'static str,
    user: &'static str,
    now: Moment,
}

impl Phone {
    fn new() -> Phone {
        Phone {
            authenticator: Authenticator::new(REALM, Rng::seeded(5)),
            algorithm: Algorithm::Sha256,
            password: "open sesame",
            user: "1001",
            now: Moment::from_micros(1_760_000_000_000_000),
        }
    }

    fn nonce(&mut self) -> String {
        match self.check(None) {
            Verdict::Challenge { challenges, stale: false, wrong: false } => nonce_of(&challenges),
            other => panic!("no challenge: {other:?}"),
        }
    }

    fn authorization(&self, nonce: &str, count: u32, uri: &str) -> String {
        let ha1 = Ha1::new(self.user, REALM, self.password);
        let mut credentials = mufasa(self.algorithm);
        credentials.nonce = nonce.into();
        credentials.uri = uri.into();
        credentials.count_text = format!("{count:08x}");
        let response = response(&credentials, "REGISTER", &ha1);
        format!(
            "Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm={}, cnonce=\"{}\", qop=auth, nc={count:08x}",
            self.user,
            self.algorithm.name(),
            credentials.cnonce
        )
    }

    fn check(&mut self, authorization: Option<&str>) -> Verdict {
        let line = authorization.map(|a| format!("Authorization: {a}\r\n")).unwrap_or_default();
        let request = request(&line);
        self.authenticator.check(self.now, SOURCE, &request, &HeaderName::Authorization, |user| {
            (user == "1001").then(|| Ha1::new("1001", REALM, "open sesame"))
        })
    }

    fn answers(&mut self, nonce: &str, count: u32) -> Verdict {
        let authorization = self.authorization(nonce, count, "sip:bank.example");
        self.check(Some(&authorization))
    }
}

fn request(line: &str) -> Request {
    let text = format!(
        "REGISTER sip:bank.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKa\r\n\
         From: <sip:1001@bank.example>;tag=a\r\nTo: <sip:1001@bank.example>\r\nCall-ID: c\r\n\
         CSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nUser-Agent: Modern\r\n{line}Content-Length: 0\r\n\r\n"
    );
    match parse(&Bytes::from(text)) {
        Ok(Message::Request(request)) => request,
        other => panic!("not a request: {other:?}"),
    }
}

fn nonce_of(challenges: &[String]) -> String {
    let after = challenges[0].split("nonce=\"").nth(1).expect("a challenge holds a nonce");
    after.split('"').next().expect("a nonce ends").to_owned()
}

fn known() -> Verdict {
    Verdict::Known { user: "1001".into() }
}

#[test]
fn both_algorithms_are_offered_the_better_first() {
    let mut phone = Phone::new();
    let Verdict::Challenge { challenges, stale, .. } = phone.check(None) else { panic!("no challenge") };
    assert!(!stale);
    assert_eq!(challenges.len(), 2);
    assert!(challenges[0].contains("algorithm=SHA-256,"), "{}", challenges[0]);
    assert!(challenges[1].contains("algorithm=MD5,"), "{}", challenges[1]);
    assert!(challenges[0].starts_with("Digest realm=\"bank.example\", nonce=\""));
    assert!(challenges.iter().all(|c| c.contains("qop=\"auth\"")));
}

#[test]
fn the_right_password_is_known_in_either_algorithm() {
    let mut phone = Phone::new();
    let nonce = phone.nonce();
    assert_eq!(phone.answers(&nonce, 1), known());
    phone.algorithm = Algorithm::Md5;
    assert_eq!(phone.answers(&nonce, 2), known());
}

#[test]
fn a_replay_is_challenged_anew_as_stale() {
    let mut phone = Phone::new();
    let nonce = phone.nonce();
    assert_eq!(phone.answers(&nonce, 1), known());
    let Verdict::Challenge { challenges, stale: true, wrong: false } = phone.answers(&nonce, 1) else {
        panic!("replayed")
    };
    assert!(challenges[0].ends_with(", stale=true"));
    assert_ne!(nonce_of(&challenges), nonce);
    assert_eq!(phone.answers(&nonce_of(&challenges), 1), known());
}

#[test]
fn a_nonce_older_than_five_minutes_or_from_before_a_restart_is_stale() {
    let mut phone = Phone::new();
    let nonce = phone.nonce();
    phone.now = phone.now + Duration::from_secs(300);
    assert!(matches!(phone.answers(&nonce, 1), Verdict::Challenge { stale: true, .. }));
    let nonce = phone.nonce();
    phone.authenticator = Authenticator::new(REALM, Rng::seeded(6));
    assert!(matches!(phone.answers(&nonce, 1), Verdict::Challenge { stale: true, .. }));
}

#[test]
fn with_an_old_or_foreign_nonce_the_password_is_not_looked_at_nor_counted() {
    let mut phone = Phone::new();
    let elsewhere = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));
    let foreign = match phone.authenticator.challenge(phone.now, elsewhere, &request(""), Why::Asked) {
        Verdict::Challenge { challenges, .. } => nonce_of(&challenges),
        other => panic!("no challenge: {other:?}"),
    };
    let old = phone.nonce();
    phone.now = phone.now + Duration::from_secs(301);
    phone.password = "guess";
    for count in 1..20 {
        assert!(matches!(phone.answers(&old, count), Verdict::Challenge { stale: true, .. }));
        assert!(matches!(phone.answers(&foreign, count), Verdict::Challenge { stale: true, .. }));
    }
    phone.password = "open sesame";
    let nonce = phone.nonce();
    assert_eq!(phone.answers(&nonce, 1), known());
}

#[test]
fn known_and_unknown_users_get_the_same_answers() {
    let outcomes = ["1001", "9999"].map(|user| {
        let mut phone = Phone::new();
        phone.user = user;
        phone.password = "guess";
        let nonce = phone.nonce();
        (1..8).map(|count| format!("{:?}", phone.answers(&nonce, count))).collect::<Vec<_>>()
    });
    assert_eq!(outcomes[0], outcomes[1]);
    assert!(outcomes[0][6].starts_with("Throttled"));
}

#[test]
fn guessing_is_throttled_and_the_guess_is_not_even_looked_at() {
    let mut phone = Phone::new();
    phone.password = "guess";
    let nonce = phone.nonce();
    for count in 1..5 {
        assert!(matches!(phone.answers(&nonce, count), Verdict::Challenge { stale: false, wrong: true, .. }));
    }
    assert_eq!(phone.answers(&nonce, 5), Verdict::Throttled { retry_after_secs: 5 });
    phone.password = "open sesame";
    assert_eq!(phone.answers(&nonce, 6), Verdict::Throttled { retry_after_secs: 5 });
    phone.now = phone.now + Duration::from_secs(5);
    assert_eq!(phone.answers(&nonce, 6), known());
}

#[test]
fn the_real_phone_works_on_while_its_neighbour_guesses() {
    let mut phone = Phone::new();
    let nonce = phone.nonce();
    assert_eq!(phone.answers(&nonce, 1), known());
    phone.password = "guess";
    for count in 2..40 {
        phone.answers(&nonce, count);
    }
    assert!(matches!(phone.answers(&nonce, 40), Verdict::Throttled { .. }));
    phone.password = "open sesame";
    assert_eq!(phone.answers(&nonce, 2), known());
}

#[test]
fn no_user_is_looked_up_without_credentials_for_our_realm() {
    let mut authenticator = Authenticator::new(REALM, Rng::seeded(5));
    let asked = Cell::new(false);
    let foreign = "Authorization: Digest username=\"1001\", realm=\"elsewhere\", nonce=\"x\", uri=\"sip:a\", response=\"y\"\r\n";
    let verdict =
        authenticator.check(Moment::ZERO, SOURCE, &request(foreign), &HeaderName::Authorization, |_| {
            asked.set(true);
            None
        });
    assert!(matches!(verdict, Verdict::Challenge { stale: false, .. }));
    assert!(!asked.get());
}

#[test]
fn the_digest_uri_must_mean_the_request_uri() {
    let mut phone = Phone::new();
    let nonce = phone.nonce();
    for (count, uri) in (1..).zip(["sip:bank.example:5060;transport=tcp", "sip:192.0.2.1"]) {
        let authorization = phone.authorization(&nonce, count, uri);
        assert_eq!(phone.check(Some(&authorization)), known(), "{uri}");
    }
    for uri in ["sip:1002@bank.example", "sip:other.example", "nonsense", "tel:+1555"] {
        let authorization = phone.authorization(&nonce, 9, uri);
        assert!(matches!(phone.check(Some(&authorization)), Verdict::Malformed(_)), "{uri}");
    }
}

#[test]
fn incomplete_credentials_are_malformed() {
    let mut phone = Phone::new();
    let nonce = phone.nonce();
    let good = phone.authorization(&nonce, 1, "sip:bank.example");
    for (from, to) in [
        ("qop=auth", "qop=auth-int"),
        (", qop=auth", ""),
        ("nc=00000001", "nc=1"),
        (", nc=00000001", ""),
        ("nc=00000001", "nc=+0000001"),
        ("algorithm=SHA-256", "algorithm=SHA-512-256"),
        ("username=\"1001\", ", ""),
        ("cnonce=", "conce="),
        ("response=", "respond="),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        assert!(matches!(phone.check(Some(&bad)), Verdict::Malformed(_)), "{bad}");
    }
    assert_eq!(phone.check(Some(&good)), known());
}
