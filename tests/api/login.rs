//! Logging in: who is let in, what a browser gets, and how guessing is slowed down.

use hotline::engine::happened::What;
use serde_json::json;

use super::{ApiUnderTest, until};

#[test]
fn users_and_agents_log_in_and_out() {
    let api = ApiUnderTest::start();
    for (user, role) in
        [("super", "supervisor"), ("quality", "quality"), ("admin", "admin"), ("1001", "agent")]
    {
        let reply = api.try_login(user, &format!("demo-{user}"));
        assert_eq!((reply.status, reply.json()["role"].as_str()), (200, Some(role)));
        let token = reply.json()["token"].as_str().expect("a token").to_owned();
        assert_eq!(token.len(), 64, "32 bytes that nobody guesses");
        let me = api.get("/api/v1/me").bearer(&token).send();
        assert_eq!(me.json()["user"], user);
        assert_eq!(api.post("/api/v1/logout").bearer(&token).send().status, 204);
        let after = api.get("/api/v1/me").bearer(&token).send();
        assert_eq!((after.status, after.error().as_str()), (401, "not_logged_in"));
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_get_the_same_answer_and_are_journalled() {
    let api = ApiUnderTest::start();
    let mut happened = api.engine.listen();
    let known = api.try_login("super", "demo-admin");
    let unknown = api.try_login("nobody", "demo-nobody");
    let empty = api.try_login("nobody", "");
    for reply in [&known, &unknown, &empty] {
        assert_eq!((reply.status, reply.error().as_str()), (401, "wrong_login"));
        assert_eq!(reply.body, known.body);
    }
    let failed = What::LoginFailed { source: "127.0.0.1".to_owned(), unnoted: 0 };
    until("the failure is told", || happened.try_recv().ok().filter(|event| event.what == failed));
}

#[test]
fn who_guesses_is_slowed_down_and_others_at_the_same_address_are_not() {
    let api = ApiUnderTest::start();
    let slowed = until("guessing is refused", || {
        let reply = api.try_login("super", "guess");
        (reply.status == 429).then_some(reply)
    });
    assert_eq!(slowed.error(), "slow_down");
    let wait: u32 = slowed.field("retry-after").parse().expect("seconds");
    assert!((1..=300).contains(&wait));
    assert_eq!(api.try_login("super", "demo-super").status, 429, "nor is the right one tried meanwhile");
    assert_eq!(api.try_login("admin", "demo-admin").status, 200);
}

#[test]
fn the_pages_cookie_reads_and_changes_only_from_our_own_page() {
    let api = ApiUnderTest::start();
    let reply = api.try_login("super", "demo-super");
    let cookie = reply.field("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let token = reply.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(api.get("/api/v1/agents").cookie(&token).send().status, 200);
    let order = || {
        let ready = json!({"state": "ready"});
        api.post("/api/v1/agents/1001/state").cookie(&token).json(&ready)
    };
    assert_eq!(order().send().error(), "foreign_origin");
    assert_eq!(order().field("Origin", "http://elsewhere.example").send().error(), "foreign_origin");
    let own = format!("http://{}", api.http);
    assert_eq!(order().field("Origin", &own).send().error(), "not_now", "it reached the engine");
    let login = api.post("/api/v1/login").field("Origin", "http://elsewhere.example");
    let login = login.json(&json!({"user": "super", "password": "demo-super"})).send();
    assert_eq!(login.error(), "foreign_origin", "nobody is logged in from elsewhere");
}

#[test]
fn who_tries_name_after_name_does_not_fill_the_journal() {
    let api = ApiUnderTest::start();
    let mut happened = api.engine.listen();
    for number in 0..100 {
        let status = api.try_login(&format!("user-{number}"), "guess").status;
        assert!(matches!(status, 401 | 429), "{status}");
    }
    let mut failures = 0;
    while let Ok(event) = happened.try_recv() {
        failures += usize::from(matches!(event.what, What::LoginFailed { .. }));
    }
    assert!((5..50).contains(&failures), "{failures} of 100 are journalled");
}
