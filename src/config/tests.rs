use super::*;
use crate::diagnostic::{Diagnostic, Source, render_all};

const SAMPLE: &str = include_str!("../../hotline.sample.yaml");

fn read_text(text: &str) -> Result<Loaded, Vec<Diagnostic>> {
    let flows = |_: &std::path::Path| Ok(vec!["main".to_owned(), "survey".to_owned()]);
    read(&Source::new("hotline.yaml", text), std::path::Path::new("/etc/hotline"), &flows)
}

#[test]
fn the_sample_loads_without_a_word() {
    let loaded = read_text(SAMPLE).unwrap_or_else(|found| panic!("{}", render_all(&found)));
    assert!(loaded.warnings.is_empty(), "{}", render_all(&loaded.warnings));
    let config = loaded.config;
    assert_eq!(config.flows, PathBuf::from("/etc/hotline/ivr-flows"));
    assert_eq!(config.media.ports, (16_384, 32_766));
    assert_eq!(config.trunks[0].sources[0], ("192.0.2.0".parse().expect("an address"), 24));
    assert_eq!(
        config.queues[&"urgent".into()],
        Queue { requires: BTreeMap::from([("urgent".into(), 1)]), priority: 90, ..Queue::default() }
    );
    // What the sample says to be the defaults are the defaults.
    let general = &config.queues[&"general".into()];
    let usual = Queue { requires: general.requires.clone(), max_wait: general.max_wait, ..Queue::default() };
    assert_eq!(*general, usual);
    assert_eq!(config.limits, Limits::default());
    assert_eq!(*config.media.codecs, *Codec::ALL);
    assert!(!config.agents[&"2002".into()].ready_on_register);
    let constants = [
        ("desk".to_owned(), Constant::Text("95500".to_owned())),
        ("max_tries".to_owned(), Constant::Number(3)),
    ];
    assert_eq!(config.constants, BTreeMap::from(constants));
    let bank = &config.http.hosts["bank"];
    assert_eq!((bank.url.as_str(), bank.secrets), ("http://127.0.0.1:9090/api", true));
    assert_eq!((bank.timeout, bank.max_in_flight), (Duration::from_secs(2), HttpHost::IN_FLIGHT));
    assert!(!format!("{bank:?}").contains("change-me-key"), "keys are not printed");
    let bot = &config.bots["assistant"];
    assert_eq!((bot.url.as_str(), bot.max_calls), ("ws://127.0.0.1:7000/call", 20));
    assert_eq!(bot.connect_timeout, Duration::from_secs(2));
    assert!(!format!("{bot:?}").contains("change-me-bot"), "nor theirs");
}

#[test]
fn two_admins_are_enough_to_agree() {
    let second = "  second: { name: Second, password: change-me-anew, role: admin }\n\n# What flows are told";
    let text = SAMPLE.replace("approval: false", "approval: true").replace("\n# What flows are told", second);
    let loaded = read_text(&text).unwrap_or_else(|found| panic!("{}", render_all(&found)));
    assert!(loaded.config.publishing.approval);
}

#[test]
fn a_host_with_https_names_who_may_have_signed_for_it() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/net/tls/authority.pem");
    let text = SAMPLE
        .replace("url: http://127.0.0.1:9090/api", &format!("url: https://192.0.2.7/\n      ca: {file}"));
    let loaded = read_text(&text).unwrap_or_else(|found| panic!("{}", render_all(&found)));
    assert!(loaded.warnings.is_empty(), "{}", render_all(&loaded.warnings));
    assert_eq!(loaded.config.http.hosts["bank"].authorities.len(), 1);
}

/// Replaced, by what (`«` marks the caret), the code.
const FAULTS: &[(&str, &str, &str)] = &[
    ("listen: [127.0.0.1:5060]", "listen: [«127.0.0.1]", "config-001"),
    ("approval: false", "«approval: true", "config-012"),
    ("approval: false", "approval: «perhaps", "yaml-006"),
    ("approval: false", "«aproval: true", "yaml-004"),
    ("listen: [127.0.0.1:5060]", "«listn: [127.0.0.1:5060]", "yaml-004"),
    ("address: 127.0.0.1", "address: «0.0.0.0", "config-001"),
    ("192.0.2.0/24", "«192.0.2.1/24", "config-001"),
    ("192.0.2.0/24", "«192.0.2.0/33", "config-001"),
    ("realm: sip.bank.example", "realm: «sip bank", "config-001"),
    ("ports: 16384-32766", "ports: «16385-32766", "config-005"),
    ("ports: 16384-32766", "ports: «16384", "config-005"),
    ("ports: 16384-32766", "ports: 16384-32766\n  trunk_port: «16001", "config-005"),
    ("ports: 16384-32766", "ports: 16384-32766\n  trunk_port: «16384", "config-005"),
    ("workers: 1", "workers: «0", "yaml-008"),
    ("codecs: [pcma, pcmu", "codecs: [pcma, «pcna", "config-009"),
    ("codecs: [pcma, pcmu", "codecs: [pcma, «PCMA", "config-009"),
    ("codecs: [pcma, pcmu, g722, opus]", "codecs: «[]", "config-009"),
    ("enabled: true", "enabled: «yes", "yaml-006"),
    ("flow: main", "flow: «mian", "config-003"),
    ("language: zh-CN", "language: «zh_CN", "flow-023"),
    ("\"95500\":", "«\"95 500\":", "config-007 95500"),
    ("wrap_up: 10s", "wrap_up: «10", "yaml-007"),
    ("ring_timeout: 15s", "ring_timeout: «2h", "yaml-008"),
    ("priority: 90", "priority: «101", "yaml-008"),
    ("requires: { card: 1 }", "requires: { «crad: 1 }", "config-004"),
    ("requires: { card: 1 }", "requires: { «card: 9 }", "config-004"),
    ("password: change-me-2001", "password: «1234567", "config-002"),
    ("password: change-me-2001", "password: «aaaaaaaaaaa", "config-002"),
    ("general: 8, urgent", "general: «11, urgent", "yaml-008"),
    ("role: admin", "role: «admim", "yaml-006"),
    ("  super: {", "  «\"2001\": {", "config-008"),
    ("  super: {", "  «su per: {", "config-007"),
    ("numbers: [\"95500\"]", "numbers: [«\"95501\"]", "config-006"),
    ("max_tries: 3", "«max tries: 3", "config-007"),
    ("max_tries: 3", "max_tries: «[3]", "yaml-006"),
    ("calls: 2000", "calls: «many", "yaml-006"),
    ("url: http://127.0.0.1:9090/api", "url: «https://127.0.0.1:9090/api", "config-010"),
    ("url: http://127.0.0.1:9090/api", "url: «127.0.0.1:9090", "config-010"),
    ("url: http://127.0.0.1:9090/api", "url: «http://me:pin@127.0.0.1/", "config-010"),
    ("url: http://127.0.0.1:9090/api", "«uri: http://127.0.0.1:9090/api", "yaml-004"),
    ("url: http://127.0.0.1:9090/api", "url: «http://192.0.2.7:9090/api", "config-011"),
    ("url: http://127.0.0.1:9090/api", "url: https://127.0.0.1/\n      ca: «/nowhere/ca.pem", "config-010"),
    (
        "url: http://127.0.0.1:9090/api",
        "url: https://127.0.0.1/\n      ca: «HERE/tests/net/tls/README.md",
        "config-010",
    ),
    (
        "url: http://127.0.0.1:9090/api",
        "url: «http://127.0.0.1/\n      ca: HERE/tests/net/tls/other.pem",
        "config-010",
    ),
    ("secrets: true", "secrets: «yes", "yaml-006"),
    ("timeout: 2s", "timeout: «1m", "yaml-008"),
    ("max_in_flight: 50", "max_in_flight: «0", "yaml-008"),
    ("url: ws://127.0.0.1:7000/call", "url: «http://127.0.0.1:7000/call", "config-016"),
    ("url: ws://127.0.0.1:7000/call", "url: «ws://me:pin@127.0.0.1/", "config-016"),
    ("url: ws://127.0.0.1:7000/call", "url: «wss://127.0.0.1:7000/call", "config-016"),
    ("url: ws://127.0.0.1:7000/call", "url: wss://127.0.0.1/\n    ca: «/nowhere/ca.pem", "config-016"),
    ("url: ws://127.0.0.1:7000/call", "url: «ws://192.0.2.9:7000/call", "config-017"),
    (
        "url: ws://127.0.0.1:7000/call",
        "«address: ws://127.0.0.1:7000/call\n    url: ws://127.0.0.1:7000/call",
        "yaml-004",
    ),
    ("Bearer change-me-bot\"", "Bearer\", «upgrade: x", "config-016"),
    ("connect_timeout: 2s", "connect_timeout: «1m", "yaml-008"),
    ("max_calls: 20", "max_calls: «0", "yaml-008"),
    ("authorization: \"Bearer", "«content-length: \"Bearer", "config-010"),
    ("authorization: \"Bearer", "«\"x y\": \"Bearer", "config-010"),
];

#[test]
fn each_fault_is_found_where_it_is() {
    for (from, to, code) in FAULTS {
        assert!(SAMPLE.contains(from), "{from}");
        let marked = SAMPLE.replacen(from, &to.replace("HERE", env!("CARGO_MANIFEST_DIR")), 1);
        let at = marked.find('«').expect("a mark");
        let text = marked.replace('«', "");
        let found = read_text(&text).map_or_else(|found| found, |loaded| loaded.warnings);
        let line = text[..at].matches('\n').count() + 1;
        let column = text[..at].chars().rev().take_while(|c| *c != '\n').count() + 1;
        let (code, also) = code.split_once(' ').unwrap_or((code, ""));
        let is: Vec<_> = found
            .iter()
            .filter(|d| also.is_empty() || !d.message.starts_with(&format!("`{also}` is not one")))
            .map(|d| (d.code, d.position()))
            .collect();
        assert_eq!(is, [(code, (line, column))], "{to}\n{}", render_all(&found));
    }
}

#[test]
fn demo_passwords_are_refused_where_others_can_reach_the_server() {
    let demo = SAMPLE.replace("change-me-2001", "demo-2001");
    assert!(read_text(&demo).is_ok());
    for (from, to) in
        [("[127.0.0.1:5060]", "[127.0.0.1:5060, 0.0.0.0:5060]"), ("127.0.0.1:8080", "192.0.2.7:8080")]
    {
        let found = read_text(&demo.replace(from, to)).expect_err("it must be refused");
        assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["config-002"]);
    }
}

#[test]
fn no_password_is_shown_because_of_a_mistake() {
    let secret = "change-me-too";
    for (from, to) in
        [("role: supervisor", "rolle: supervisor"), ("role: supervisor }", "role: supervisor ]")]
    {
        let found = read_text(&SAMPLE.replacen(from, to, 1)).expect_err("a mistake");
        let said = render_all(&found);
        assert!(said.contains("super: {") && !said.contains(secret), "{said}");
        assert!(!format!("{found:?}").contains(secret));
    }
    for (from, to) in [("headers: { a", "headers: { \"x y\": 1, a"), ("headers: { a", "headers: { { a")] {
        let found = read_text(&SAMPLE.replacen(from, to, 1)).expect_err("a mistake");
        let said = render_all(&found);
        assert!(said.contains("headers") && !said.contains("change-me-key"), "{said}");
    }
    let short = read_text(&SAMPLE.replace("change-me-2001", "secret7")).expect_err("too short");
    assert!(!render_all(&short).contains("secret7"));
}

#[test]
fn many_mistakes_are_all_said_at_once() {
    let text = "sip: {}\nmedia: { address: x, port: 1 }\nhttp: 5\nqueues: {}\n";
    let found = read_text(text).expect_err("mistakes");
    let codes: Vec<_> = found.iter().map(|d| (d.code, d.position().0)).collect();
    assert_eq!(codes.iter().filter(|(code, _)| *code == "yaml-005").count(), 6, "{}", render_all(&found));
    assert!(
        codes.contains(&("config-001", 2))
            && codes.contains(&("yaml-004", 2))
            && codes.contains(&("yaml-006", 3))
    );
}

#[test]
fn a_file_that_is_not_there_is_said_so() {
    let found = load(std::path::Path::new("/nowhere/hotline.yaml")).expect_err("no file");
    assert_eq!(found[0].code, "yaml-011");
}
