//! What must hold whatever is sent: sizes, shapes, health, figures, and the page.

use hotline::engine::input::Input;
use hotline::engine::staff::Ask;
use serde_json::json;

use super::{ApiUnderTest, until};

#[test]
fn what_is_too_long_or_no_json_is_refused_in_the_one_shape() {
    let api = ApiUnderTest::start();
    let token = api.login("super");
    let state = || api.post("/api/v1/agents/1001/state").bearer(&token);
    let long = json!({"state": "not_ready", "reason": "x".repeat(70_000)});
    assert_eq!(state().json(&long).send().error(), "too_large");
    assert_eq!(state().body(b"state=ready").send().error(), "not_json");
    let is_json = |body: &[u8]| state().field("Content-Type", "application/json").body(body).send();
    assert_eq!(is_json(b"{\"state\":").error(), "bad_request");
    assert_eq!(is_json(b"{\"state\":\"asleep\"}").error(), "bad_request");
    assert_eq!(is_json(b"{\"state\":\"ready\",\"more\":1}").error(), "bad_request");
    let reason = json!({"state": "not_ready", "reason": "two\nlines"});
    assert_eq!(state().json(&reason).send().error(), "bad_request");
    let long_password = api.try_login("super", &"x".repeat(1_000));
    assert_eq!(long_password.error(), "wrong_login");
}

#[test]
fn unknown_addresses_methods_and_parameters_are_said_so() {
    let api = ApiUnderTest::start();
    let token = api.login("super");
    assert_eq!(api.get("/api/v1/nothing").send().error(), "not_found");
    assert_eq!(api.get("/../etc/passwd").send().error(), "not_found");
    let put = api.request("PUT", "/api/v1/agents").bearer(&token).send();
    assert_eq!((put.status, put.error().as_str()), (405, "method_not_allowed"));
    for bad in ["limit=0", "limit=1001", "limit=x", "since=yesterday", "sort=up", "offset=-1"] {
        let reply = api.get(&format!("/api/v1/calls?{bad}")).bearer(&token).send();
        assert_eq!((reply.status, reply.error().as_str()), (400, "bad_request"), "{bad}");
    }
    assert_eq!(api.get("/api/v1/calls/not-a-call").bearer(&token).send().error(), "bad_request");
    assert_eq!(api.get("/api/v1/agents/nobody").bearer(&token).send().error(), "not_found");
}

#[test]
fn a_name_that_is_no_text_is_refused_in_the_one_shape_wherever_an_address_has_one() {
    let api = ApiUnderTest::start();
    let token = api.login("admin");
    let document = api.get("/api/v1/openapi.json").send().json();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let Some((before, rest)) = path.split_once('{') else { continue };
        let after = rest.split_once('}').expect("a name").1;
        for (method, operation) in methods.as_object().expect("methods") {
            for name in ["%FF", "%00", "138%0A1", "%C2%9B"] {
                let address = format!("{before}{name}{after}");
                let upper = method.to_uppercase();
                let reply = api.request(&upper, &address).bearer(&token).json(&json!({})).send();
                assert_eq!(
                    (reply.status, reply.error().as_str()),
                    (400, "bad_request"),
                    "{method} {address}"
                );
                tried += 1;
            }
            assert!(operation["responses"]["400"].is_object(), "{method} {path}: 400 is not described");
        }
    }
    assert!(tried >= 4 * 14, "only {tried}");
}

#[test]
fn a_head_too_long_is_refused_and_the_server_goes_on() {
    let api = ApiUnderTest::start();
    let long = api.get("/healthz").field("X-Long", &"x".repeat(100_000)).send();
    assert_eq!(long.status, 431);
    let many = (0..100).fold(api.get("/healthz"), |request, n| request.field(&format!("X-{n}"), "x"));
    assert_eq!(many.send().status, 431);
    assert_eq!(api.get("/healthz").send().status, 200);
}

#[test]
fn the_server_is_ready_until_it_drains() {
    let api = ApiUnderTest::start();
    let alive = api.get("/healthz").send();
    assert_eq!((alive.status, alive.json()["status"].as_str()), (200, Some("alive")));
    let ready = api.get("/readyz").send();
    assert_eq!((ready.status, ready.json()), (200, json!({"ready": true, "reasons": []})));
    // A call keeps the draining engine, so that it can be asked.
    let mut caller = super::phone::Phone::new(&api, "13812341234");
    caller.dials("95500");
    api.put(Input::Drain);
    let drained = api.get("/readyz").send();
    assert_eq!((drained.status, drained.json()["ready"].as_bool()), (503, Some(false)));
    let reason = drained.json()["reasons"][0].as_str().expect("a reason").to_owned();
    assert!(reason.contains("draining"), "{reason}");
    assert_eq!(api.get("/healthz").send().status, 200, "but alive");
}

#[test]
fn figures_are_in_the_form_that_prometheus_reads() {
    let api = ApiUnderTest::start();
    let mut caller = super::phone::Phone::new(&api, "13812341234");
    caller.dials("95500");
    let mut phone = super::phone::Phone::new(&api, "1001");
    phone.registers();
    let text = until("the events are counted", || {
        let reply = api.get("/metrics").send();
        assert!(reply.field("content-type").starts_with("application/openmetrics-text"));
        let text = reply.text().to_owned();
        // A phone that is not answered soon enough registers again.
        let counted = |name: &str| {
            text.lines().any(|line| line.strip_prefix(name).is_some_and(|count| count.trim() != "0"))
        };
        let all = counted("hotline_phone_registrations_total ") && counted("hotline_calls_arrived_total ");
        all.then_some(text)
    });
    for line in [
        "hotline_up 1",
        "hotline_calls_live{stage=\"menu\"} 1",
        "hotline_calls_live{stage=\"talking\"} 0",
        "hotline_agents{state=\"ready\"} 1",
        "hotline_agents{state=\"logged_out\"} 5",
        "hotline_queue_waiting{queue=\"general\"} 0",
        "hotline_queue_longest_wait_seconds{queue=\"general\"} 0",
        "hotline_calls_ended_total{cause=\"abandoned\"} 0",
        "hotline_journal_healthy 1",
        "hotline_journal_lost_total 0",
        "hotline_tapes_failing 0",
        "hotline_media_streams 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
    }
    for histogram in [
        "hotline_media_passage_seconds_count{worker=\"0\"} ",
        "hotline_media_pacing_error_seconds_bucket{le=\"0.001024\",worker=\"0\"} ",
        "hotline_media_turn_seconds_bucket{le=\"+Inf\",worker=\"0\"} ",
        "# TYPE hotline_media_passage_seconds histogram",
    ] {
        assert!(text.contains(histogram), "{histogram} is missing:\n{text}");
    }
    assert!(text.contains("hotline_media_packets_sent_total{worker=\"0\"}"));
    assert!(text.contains("hotline_process_resident_memory_bytes"));
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.contains("13812341234"), "no caller in the figures");
    api.ask(Ask::Snapshot);
}

#[test]
fn the_page_is_ours_alone_and_may_load_nothing_else() {
    let api = ApiUnderTest::start();
    let page = api.get("/").send();
    assert_eq!((page.status, page.field("content-type")), (200, "text/html; charset=utf-8"));
    for (path, kind) in [("/live.css", "text/css"), ("/live.js", "text/javascript")] {
        assert!(page.text().contains(path), "{path} is used");
        let file = api.get(path).send();
        assert_eq!(file.status, 200);
        assert!(file.field("content-type").starts_with(kind));
        assert!(!file.text().contains("innerHTML"), "text is set as text");
        assert!(!file.text().contains("https://"), "nothing from elsewhere");
    }
    let policy = page.field("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.field("x-content-type-options"), "nosniff");
    let refused = api.get("/api/v1/agents").send();
    assert_eq!(refused.field("cache-control"), "no-store", "on refusals too");
}

#[test]
fn every_element_that_the_script_uses_is_on_the_page() {
    let api = ApiUnderTest::start();
    let (page, script) = (api.get("/").send(), api.get("/live.js").send());
    let used = ["at(\"", "fill(\""].into_iter().flat_map(|call| script.text().split(call).skip(1));
    let used: Vec<&str> = used.filter_map(|rest| rest.split('"').next()).collect();
    assert!(used.len() > 20);
    for id in used {
        assert!(page.text().contains(&format!("id=\"{id}\"")), "{id}");
    }
}
