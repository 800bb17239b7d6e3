use super::*;

fn sip(text: &str) -> SipUri {
    match Uri::parse(text.as_bytes()) {
        Ok(Uri::Sip(uri)) => uri,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_sip_uri_gives_its_parts() {
    let uri = sip("SIPS:%61lice:secret@Example.COM:5061;Transport=TCP;lr?subject=x%20y");
    assert!(uri.secure);
    assert_eq!(uri.user.as_deref(), Some("alice"));
    assert_eq!(uri.host, Host::Name("example.com".into()));
    assert_eq!(uri.port, Some(5061));
    assert_eq!(uri.param("transport"), Some(Some("TCP")));
    assert_eq!(uri.param("lr"), Some(None));
    assert_eq!(uri.headers.as_deref(), Some("subject=x%20y"));
}

#[test]
fn users_may_hold_semicolons_question_marks_and_escaped_ats() {
    assert_eq!(
        sip("sip:user;par=u%40example.net@example.com").user.as_deref(),
        Some("user;par=u@example.net")
    );
    let odd = "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com";
    assert_eq!(sip(odd).user.as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(sip("sip:null-%00-null@example.com").user.as_deref(), Some("null-\0-null"));
}

#[test]
fn addresses_of_both_families_are_hosts() {
    assert_eq!(sip("sip:192.0.2.1:5062").port, Some(5062));
    assert_eq!(sip("sip:[2001:db8::10]:5070").host, Host::Ip("2001:db8::10".parse().unwrap()));
    assert_eq!(sip("sip:[2001:db8::10:5070]").port, None);
    assert_eq!(sip("sip:[2001:db8:::192.0.2.1]").host, sip("sip:[2001:db8::192.0.2.1]").host);
}

#[test]
fn broken_uris_are_errors() {
    for text in [
        "",
        "alice",
        "sip:",
        "sip:@",
        "sip:alice@",
        "sip:a b@c",
        "<sip:a@b>",
        "sip:a@b:",
        "sip:a@b:x",
        "sip:a@b:65536",
        "sip:2001:db8::10",
        "sip:[2001:db8::10",
        "sip:[::1]x",
        "sip:[2001:db8:::1]",
        "sip:a@b;=c",
        "sip:a@b@c",
        "sip:a@b?c=d@e",
        "1x:y",
        "tel:",
        "tel:+",
        "tel:12a%20",
        "tel:5+5",
        "mailto:",
        "sip:\u{7f}@a",
        "sip:a@exämple.org",
    ] {
        assert!(Uri::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn the_number_dialled_is_found_in_sip_and_tel() {
    let user = |text: &str| Uri::parse(text.as_bytes()).unwrap().user().map(Cow::into_owned);
    assert_eq!(user("tel:+86-(10)-95500;phone-context=x").as_deref(), Some("+861095500"));
    assert_eq!(user("sip:+86-10-95500;isub=1@gw;user=phone").as_deref(), Some("+861095500"));
    assert_eq!(user("sip:a-b@gw").as_deref(), Some("a-b"));
    assert_eq!(user("sip:gw"), None);
    assert_eq!(user("urn:service:sos"), None);
}

#[test]
fn what_is_written_parses_to_the_same() {
    for text in [
        "sip:I%20have%20spaces@example.net;%6C%72;n%61me=v%61lue%25%34%31",
        "sip:a%zz%00%C3%A9%FF@[::ffff:192.0.2.2]:1;x=%3D%3B;y=?a=b&c",
        "tel:+1.201;ext=2",
        "soap.beep://192.0.2.103:3002",
        "SIPS:h;;lr;",
    ] {
        let uri = Uri::parse(text.as_bytes()).unwrap();
        assert_eq!(Uri::parse(uri.to_string().as_bytes()), Ok(uri), "{text}");
    }
}

#[test]
fn equivalence_is_that_of_the_rfc() {
    let same =
        |a: &str, b: &str| equivalent(&Uri::parse(a.as_bytes()).unwrap(), &Uri::parse(b.as_bytes()).unwrap());
    // RFC 3261 §19.1.4, the examples
    assert!(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
    assert!(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
    assert!(same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"));
    assert!(same("sip:a@b;transport=tcp?to=x&subject=y", "sip:a@b;transport=tcp?Subject=y&to=x"));
    assert!(!same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
    assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
    assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
    assert!(!same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
    assert!(!same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"));
    assert!(!same("sip:a@b", "sips:a@b"));
    assert!(same("tel:+1-201", "tel:+1201"));
}
