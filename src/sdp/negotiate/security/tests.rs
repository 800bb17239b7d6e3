use crate::media::command::{Codec, Direction, Session};
use crate::media::srtp::keying::{KeySeed, MasterKey, Suite};
use crate::rng::Rng;
use crate::sdp::crypto::Crypto;
use crate::sdp::negotiate::{
    Keys, Local, NotAcceptable, Security, Terms, accept_answer, answer, offer, security_of,
};
use crate::sdp::session::SessionDescription;

fn local(security: Security, seed: u64) -> Local<'static> {
    let keys = Keys::Drawn { seed: KeySeed::drawn(&mut Rng::seeded(seed)), current: None };
    Local {
        address: [192, 0, 2, 1].into(),
        port: 10_000,
        session: 77,
        version: 1,
        codecs: &[Codec::Pcma],
        prefer: None,
        direction: Direction::SendRecv,
        telephone_event: true,
        srtp: Terms { security, keys },
    }
}

fn line(tag: u32, suite: Suite, seed: u64) -> String {
    let crypto = Crypto { tag, key: MasterKey::drawn(suite, &mut Rng::seeded(seed)) };
    format!("a=crypto:{}\n", String::from_utf8(crypto.write()).unwrap())
}

fn theirs(profile: &str, lines: &[String]) -> SessionDescription {
    let head = "v=0\no=phone 5 1 IN IP4 198.51.100.9\ns=-\nc=IN IP4 198.51.100.9\nt=0 0\n";
    let body = format!("{head}m=audio 4000 {profile} 8\n{}", lines.concat());
    SessionDescription::parse(body.as_bytes()).unwrap()
}

fn answered(
    profile: &str,
    lines: &[String],
    security: Security,
) -> Result<(SessionDescription, Session), NotAcceptable> {
    answer(&theirs(profile, lines), &local(security, 1))
}

#[test]
fn of_an_offer_the_best_suite_is_taken_with_its_tag_and_a_key_of_our_own() {
    let lines = [
        line(1, Suite::AesCm128Sha1Tag32, 1),
        line(4, Suite::AeadAes128Gcm, 2),
        line(9, Suite::AesCm128Sha1Tag80, 3),
    ];
    for profile in ["RTP/SAVP", "RTP/SAVPF"] {
        let (ours, session) = answered(profile, &lines, Security::Accepted).unwrap();
        let keying = session.srtp.unwrap();
        let (media, offered) = (&ours.media[0], &theirs(profile, &lines).media[0]);
        assert_eq!(media.protocol, profile.as_bytes());
        assert_eq!(media.crypto, [Crypto { tag: 4, key: keying.ours().clone() }]);
        assert_eq!((keying.suite(), keying.theirs()), (Suite::AeadAes128Gcm, &offered.crypto[1].key));
        assert_ne!(keying.ours(), keying.theirs());
    }
}

#[test]
fn what_must_be_protected_is_never_answered_weaker() {
    let good = [line(1, Suite::AeadAes256Gcm, 1)];
    let useless = ["a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA\n".to_owned()];
    assert_eq!(answered("RTP/SAVP", &[], Security::Accepted).unwrap_err(), NotAcceptable::NoKeys);
    assert_eq!(answered("RTP/SAVP", &useless, Security::Accepted).unwrap_err(), NotAcceptable::NoKeys);
    assert_eq!(answered("RTP/SAVP", &good, Security::Off).unwrap_err(), NotAcceptable::Transport);
    assert_eq!(answered("RTP/AVP", &good, Security::Required).unwrap_err(), NotAcceptable::Transport);
    assert_eq!(
        answered("UDP/TLS/RTP/SAVPF", &good, Security::Offered).unwrap_err(),
        NotAcceptable::Transport
    );
}

#[test]
fn keys_in_a_plain_offer_are_taken_as_its_wish() {
    let (ours, session) =
        answered("RTP/AVP", &[line(1, Suite::AesCm128Sha1Tag80, 1)], Security::Accepted).unwrap();
    assert_eq!(session.srtp.map(|keying| keying.suite()), Some(Suite::AesCm128Sha1Tag80));
    assert_eq!((&ours.media[0].protocol[..], ours.media[0].crypto.len()), (&b"RTP/AVP"[..], 1));
    let (ours, session) =
        answered("RTP/AVP", &[line(1, Suite::AesCm128Sha1Tag80, 1)], Security::Off).unwrap();
    assert_eq!((session.srtp, ours.media[0].crypto.len()), (None, 0));
    assert_eq!(answered("RTP/AVP", &[], Security::Offered).unwrap().1.srtp, None);
}

#[test]
fn our_offers_hold_what_was_configured_and_each_line_has_its_own_key() {
    for (security, profile, lines) in [
        (Security::Off, "RTP/AVP", 0),
        (Security::Accepted, "RTP/AVP", 0),
        (Security::Offered, "RTP/AVP", 4),
        (Security::Required, "RTP/SAVP", 4),
    ] {
        let ours = offer(&local(security, 1));
        let media = &ours.media[0];
        assert_eq!((&media.protocol[..], media.crypto.len()), (profile.as_bytes(), lines));
        let mut keys: Vec<_> =
            media.crypto.iter().map(|crypto| crypto.key.to_bytes()[..12].to_vec()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), lines);
        assert_eq!(SessionDescription::parse(&ours.write()), Ok(ours.clone()));
        let strength = if lines == 0 { Security::Off } else { security };
        assert_eq!(security_of(&ours), strength);
    }
}

#[test]
fn both_ends_of_an_offer_agree_on_the_same_keys() {
    for security in [Security::Offered, Security::Required] {
        let ours = offer(&local(security, 1));
        let (theirs, there) = answer(&ours, &local(Security::Accepted, 2)).unwrap();
        let here = accept_answer(&ours, &theirs).unwrap();
        assert_eq!(here.srtp.map(|keying| keying.swapped()), there.srtp.map(|keying| *keying));
    }
}

#[test]
fn an_answer_that_does_not_fit_the_offer_is_refused() {
    let required = offer(&local(Security::Required, 1));
    let offered = offer(&local(Security::Offered, 1));
    let gcm = |tag| [line(tag, Suite::AeadAes128Gcm, 5)];
    assert!(accept_answer(&required, &theirs("RTP/SAVP", &gcm(1))).unwrap().srtp.is_some());
    for (ours, profile, lines, why) in [
        (&required, "RTP/AVP", &gcm(1)[..], NotAcceptable::Mismatch),
        (&required, "RTP/SAVP", &[], NotAcceptable::NoKeys),
        (&required, "RTP/SAVP", &gcm(2), NotAcceptable::NoKeys),
        (&required, "RTP/SAVP", &gcm(7), NotAcceptable::NoKeys),
        (&offered, "RTP/SAVP", &gcm(1), NotAcceptable::Mismatch),
        (&offered, "RTP/AVP", &gcm(7), NotAcceptable::NoKeys),
    ] {
        assert_eq!(accept_answer(ours, &theirs(profile, lines)).unwrap_err(), why, "{profile} {lines:?}");
    }
    assert_eq!(accept_answer(&offered, &theirs("RTP/AVP", &[])).unwrap().srtp, None, "they may leave it");
    let plain = offer(&local(Security::Accepted, 1));
    assert_eq!(accept_answer(&plain, &theirs("RTP/AVP", &gcm(1))).unwrap().srtp, None, "not offered");
}

#[test]
fn our_key_stays_while_the_peers_does_and_is_new_with_a_new_one() {
    let mut ours = local(Security::Accepted, 1);
    let same = theirs("RTP/SAVP", &[line(1, Suite::AeadAes128Gcm, 5)]);
    let first = answer(&same, &ours).unwrap().1.srtp.unwrap();
    let mut again = |offer: &SessionDescription| {
        let seed = KeySeed::drawn(&mut Rng::seeded(2));
        ours.srtp.keys = Keys::Drawn { seed, current: Some(&first) };
        answer(offer, &ours).unwrap().1.srtp.unwrap()
    };
    assert_eq!(again(&same), first);
    let changed = again(&theirs("RTP/SAVP", &[line(1, Suite::AeadAes128Gcm, 6)]));
    assert_ne!((changed.ours(), changed.theirs()), (first.ours(), first.theirs()));
    assert_ne!(changed.ours(), first.ours());
}

#[test]
fn no_description_prints_a_key() {
    let ours = offer(&local(Security::Required, 1));
    let printed = format!("{ours:?} {:?}", local(Security::Required, 1));
    for crypto in &ours.media[0].crypto {
        let written = String::from_utf8(crypto.write()).unwrap();
        let key = written.rsplit(':').next().unwrap();
        let raw = format!("{:?}", crypto.key.to_bytes());
        assert!(!printed.contains(key) && !printed.contains(raw.trim_matches(['[', ']'])));
    }
}
