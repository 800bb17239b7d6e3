//! A stand-in for the bank's own systems, so that the demo's menus have somebody to ask: customers by number, PINs,
//! balances, transactions, credit cards, requests. Everything is in memory and begins anew with each start. Nothing is logged.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::net::clock::Clock;

mod accounts;

/// Days until a complaint must be answered (PBoC).
const ANSWER_DAYS: i64 = 15;

/// Most tickets of one run: a demo that is dialled all day does not reach it. Beyond it 503.
const TICKETS: u32 = 9_999;

/// A customer whom the bank knows by the number they call from.
struct Customer {
    number: &'static str,
    segment: &'static str,
    /// Has a request that is not finished.
    request: bool,
}

/// Numbers that try the demo's ways. Every other number is a customer of no segment.
const CUSTOMERS: [Customer; 5] = [
    Customer { number: "13800000001", segment: "vip", request: false },
    Customer { number: "13800000002", segment: "elderly", request: false },
    Customer { number: "13800000003", segment: "business", request: true },
    Customer { number: "13800000004", segment: "mass", request: true },
    Customer { number: "13800000009", segment: "blocked", request: false },
];

/// Relationship managers, by the numbers of their customers: agents of the demo.
const MANAGERS: [(&str, &str); 1] = [("13800000001", "1005")];

/// What the requests of `CUSTOMERS` are about, by number. Menus know `loan`, `card` and `complaint`.
const TOPICS: [(&str, &str); 2] = [("13800000003", "loan"), ("13800000004", "card")];

/// The last six of the ID numbers that cards are blocked by.
const IDENTITIES: [(&str, &str); 2] = [("012345", "6688"), ("543210", "1024")];

struct Bank {
    clock: Clock,
    books: accounts::Books,
    tickets: Mutex<u32>,
}

/// Listens at `at` until the runtime ends.
///
/// # Errors
/// The address is taken, or not this machine's.
pub(super) async fn open(at: SocketAddr, clock: Clock) -> io::Result<()> {
    let listener = tokio::net::TcpListener::bind(at).await?;
    let router = router(clock);
    tokio::spawn(async move {
        // Ends with the runtime, and otherwise only for want of descriptors: then menus do without the bank.
        let _ = axum::serve(listener, router).await;
    });
    Ok(())
}

fn router(clock: Clock) -> Router {
    let bank = Bank { clock, books: accounts::Books::default(), tickets: Mutex::default() };
    Router::new()
        .route("/callers/{number}", get(caller))
        .route("/callers/{number}/request", get(request))
        .route("/cards/block", post(block))
        .route("/tickets", post(ticket))
        .merge(accounts::routes())
        .with_state(Arc::new(bank))
}

impl Bank {
    /// So many days from today, where the bank is.
    fn day(&self, distance: i64) -> String {
        let micros = i64::try_from(self.clock.now().as_micros()).unwrap_or(i64::MAX);
        let zone = TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC);
        let today = Timestamp::from_microsecond(micros).unwrap_or_default().to_zoned(zone).date();
        today.checked_add(Span::new().days(distance)).unwrap_or(today).to_string()
    }
}

fn customer(number: &str) -> Option<&'static Customer> {
    CUSTOMERS.iter().find(|customer| number.ends_with(customer.number))
}

/// What a table says of a number, with or without a prefix; nothing of numbers it does not have.
fn told(table: &[(&str, &'static str)], number: &str) -> &'static str {
    table.iter().find(|(known, _)| number.ends_with(known)).map_or("", |(_, told)| told)
}

async fn caller(Path(number): Path<String>) -> Response {
    let segment = customer(&number).map_or("mass", |customer| customer.segment);
    let request = customer(&number).is_some_and(|customer| customer.request);
    let open_request = if request { "yes" } else { "no" };
    let manager = told(&MANAGERS, &number);
    Json(json!({ "segment": segment, "open_request": open_request, "manager": manager })).into_response()
}

async fn request(State(bank): State<Arc<Bank>>, Path(number): Path<String>) -> Response {
    if customer(&number).is_some_and(|customer| customer.request) {
        let (topic, received, due) = (told(&TOPICS, &number), bank.day(-8), bank.day(ANSWER_DAYS - 8));
        return Json(json!({ "topic": topic, "received": received, "due": due })).into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}

#[derive(Deserialize)]
struct Block {
    id6: String,
}

async fn block(Json(Block { id6 }): Json<Block>) -> Response {
    match IDENTITIES.iter().find(|(known, _)| *known == id6) {
        Some((_, last4)) => Json(json!({ "last4": last4 })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn ticket(State(bank): State<Arc<Bank>>) -> Response {
    let mut tickets = bank.tickets.lock().unwrap_or_else(PoisonError::into_inner);
    if *tickets >= TICKETS {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    *tickets += 1;
    let number = format!("{}{tickets:04}", bank.day(0).replace('-', ""));
    (StatusCode::CREATED, Json(json!({ "number": number, "due": bank.day(ANSWER_DAYS) }))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, header};
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    pub(in crate::cli::demo_bank) async fn asked(
        bank: &Router,
        method: &str,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path);
        let request =
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()));
        let answer = bank.clone().oneshot(request.expect("a request")).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn callers_are_known_by_their_number_with_or_without_a_prefix() {
        let bank = router(Clock::start());
        for (path, segment) in [
            ("/callers/%2B8613800000001", "vip"),
            ("/callers/13800000009", "blocked"),
            ("/callers/1001", "mass"),
        ] {
            assert_eq!(asked(&bank, "GET", path, Value::Null).await.1["segment"], segment);
        }
        assert_eq!(asked(&bank, "GET", "/callers/1001/request", Value::Null).await.0, 404);
    }

    #[tokio::test]
    async fn a_valued_customer_has_a_manager_and_a_request_a_topic() {
        let bank = router(Clock::start());
        let known = async |path: &str| asked(&bank, "GET", path, Value::Null).await.1;
        let agents = crate::config::demo("data", 0, 0).agents;
        for customer in &CUSTOMERS {
            let told = known(&format!("/callers/+86{}", customer.number)).await;
            let manager = told["manager"].as_str().expect("a text");
            assert_eq!(
                agents.contains_key(&manager.into()),
                customer.segment == "vip",
                "{}",
                customer.number
            );
            let request = known(&format!("/callers/{}/request", customer.number)).await;
            assert_eq!(request["topic"].as_str().is_some_and(|topic| !topic.is_empty()), customer.request);
        }
    }

    #[tokio::test]
    async fn complaints_get_numbers_one_after_the_other() {
        let bank = router(Clock::start());
        let (_, first) = asked(&bank, "POST", "/tickets", json!({})).await;
        let (status, second) = asked(&bank, "POST", "/tickets", json!({})).await;
        assert_eq!((status, first["number"].as_str().map(str::len)), (201, Some(12)));
        assert_ne!(first["number"], second["number"]);
    }
}
