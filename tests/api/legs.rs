//! What a call sounded like, from its packets on a real socket to its record and the figures.

use super::phone::Phone;
use super::{ApiUnderTest, until};

#[test]
fn a_call_whose_packets_were_lost_says_so_in_its_record_and_in_the_figures() {
    let api = ApiUnderTest::start();
    let token = api.login("super");
    let mut caller = Phone::new(&api, "13812341234");
    let there = caller.dials("95500");
    // Who speaks before the worker has been told of the answer is nobody yet.
    until("audio comes, so the stream is connected", || {
        let text = api.get("/metrics").send().text().to_owned();
        (!text.contains("hotline_media_packets_sent_total{worker=\"0\"} 0\n")).then_some(())
    });
    for tens in 0..10u16 {
        // One of ten is missing. A socket keeps half a second, so the next ten wait for these.
        caller.speaks(there, (0..10).filter(|unit| *unit != 5).map(|unit| tens * 10 + unit));
        let line = format!("hotline_media_packets_received_total{{worker=\"0\"}} {}\n", (tens + 1) * 9);
        until("the packets are counted", || api.get("/metrics").send().text().contains(&line).then_some(()));
    }
    let live = api.get("/api/v1/calls/live").bearer(&token).send().json();
    let call = live["calls"][0]["call"].as_str().expect("a call under way").to_owned();
    assert_eq!(live["calls"][0]["poor"], false);
    let ended = api.request("DELETE", &format!("/api/v1/calls/live/{call}")).bearer(&token).send();
    assert!(ended.status < 300, "{}", ended.text());
    let record = until("the record has the leg", || {
        let record = api.get(&format!("/api/v1/calls/{call}")).bearer(&token).send().json();
        (!record["legs"][0].is_null()).then_some(record)
    });
    let leg = &record["legs"][0];
    assert_eq!((leg["leg"].as_str(), leg["codec"].as_str()), (Some("caller"), Some("PCMU")));
    let heard = &leg["heard"];
    assert_eq!((heard["packets"].as_u64(), heard["lost"].as_u64()), (Some(90), Some(10)), "{leg}");
    assert_eq!(heard["refused"], 0);
    let mos = heard["quality"]["mos"].as_f64().expect("it was rated");
    // A tenth lost, each by itself: 27.1 off R. On a busy machine some come late as well, which costs more.
    let late = heard["late"].as_u64().expect("counted");
    assert!(mos < 3.5 && (late > 0 || mos > 3.2), "{leg}");
    assert!(leg["told"]["lost"].is_null() && leg["told"]["packets"].as_u64() > Some(0), "it never reported");
    let text = until("the leg is counted", || {
        let text = api.get("/metrics").send().text().to_owned();
        text.contains("hotline_leg_mos_count{").then_some(text)
    });
    let tenth = format!(
        "hotline_leg_loss_ratio_bucket{{le=\"0.1\",codec=\"PCMU\",way=\"heard\"}} {}",
        u8::from(late == 0)
    );
    for line in [
        "hotline_leg_mos_bucket{le=\"3.6\",codec=\"PCMU\",way=\"heard\"} 1",
        "hotline_leg_loss_ratio_bucket{le=\"0.05\",codec=\"PCMU\",way=\"heard\"} 0",
        tenth.as_str(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
    }
}
