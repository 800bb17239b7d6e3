//! What the demo's bank knows of accounts and credit cards, and what callers have it do: PINs, balances, transactions,
//! statements, repayments, activations, instalments. Nothing here asks who calls: the flows ask for the PIN first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::Bank;

/// Wrong PINs until an account is locked.
const TRIES: u8 = 3;

struct Account {
    number: &'static str,
    pin: &'static str,
    /// Fen, before anything is repaid out of it.
    available: u64,
    /// The last four digits of the mobile number that statements are sent to.
    mobile: Option<&'static str>,
    /// Newest first.
    transactions: &'static [Transaction],
    card: Option<Card>,
}

struct Transaction {
    /// So many days ago.
    days: i64,
    /// `in` or `out`.
    kind: &'static str,
    amount: &'static str,
}

/// A credit card of the account's owner.
struct Card {
    last4: &'static str,
    /// What is owed for the last month, fen.
    statement: u64,
    limit: &'static str,
}

/// One that has everything, and one, whose number passes the check digit of cards (ISO/IEC 7812), without a mobile number
/// and a credit card.
const ACCOUNTS: [Account; 2] = [
    Account {
        number: "10020030",
        pin: "135790",
        available: 1_000_500,
        mobile: Some("8000"),
        transactions: &[
            Transaction { days: 1, kind: "out", amount: "68.50" },
            Transaction { days: 3, kind: "in", amount: "8500.00" },
            Transaction { days: 4, kind: "out", amount: "1200.00" },
            Transaction { days: 9, kind: "out", amount: "19.90" },
            Transaction { days: 12, kind: "in", amount: "300.00" },
            Transaction { days: 20, kind: "out", amount: "45.00" },
        ],
        card: Some(Card { last4: "1024", statement: 234_560, limit: "20000.00" }),
    },
    Account {
        number: "6222020000000007",
        pin: "246810",
        available: 1_234_567,
        mobile: None,
        transactions: &[
            Transaction { days: 2, kind: "in", amount: "5000.00" },
            Transaction { days: 30, kind: "out", amount: "0.30" },
        ],
        card: None,
    },
];

/// Fees of an instalment, in thousandths of what is owed.
const FEE_PER_MILLE: u64 = 6;

/// Numbers of instalments that the bank offers.
const INSTALMENTS: [u64; 3] = [3, 6, 12];

/// The books of all accounts, by number.
pub(super) type Books = Mutex<BTreeMap<&'static str, Book>>;

/// What has become of an account since the start.
#[derive(Default)]
pub(super) struct Book {
    wrong_pins: u8,
    /// Fen, out of the account and off the card's statement.
    repaid: u64,
    in_instalments: bool,
}

/// What the bank says to a PIN.
enum Verdict {
    Right,
    /// So many tries are left.
    Wrong(u8),
    Locked,
    /// The bank has no such account.
    Unknown,
}

pub(super) fn routes() -> Router<Arc<Bank>> {
    Router::new()
        .route("/accounts/{account}/pin", post(verify))
        .route("/accounts/{account}/balance", get(balance))
        .route("/accounts/{account}/transactions/{place}", get(transaction))
        .route("/accounts/{account}/statement", post(send_statement))
        .route("/accounts/{account}/card", get(card))
        .route("/accounts/{account}/card/repayments", post(repay))
        .route("/accounts/{account}/card/activation", post(activate))
        .route("/accounts/{account}/card/instalments", post(arrange))
        .route("/accounts/{account}/card/instalments/{months}", get(terms))
        .route("/pins", post(prove))
}

impl Bank {
    fn in_the_book<T>(&self, account: &Account, does: impl FnOnce(&mut Book) -> T) -> T {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        does(books.entry(account.number).or_default())
    }

    fn verdict(&self, number: &str, pin: &str) -> Verdict {
        let Some(account) = account(number) else { return Verdict::Unknown };
        self.in_the_book(account, |book| {
            if book.wrong_pins >= TRIES {
                return Verdict::Locked;
            }
            if account.pin == pin {
                book.wrong_pins = 0;
                return Verdict::Right;
            }
            book.wrong_pins += 1;
            match TRIES - book.wrong_pins {
                0 => Verdict::Locked,
                left => Verdict::Wrong(left),
            }
        })
    }
}

impl Account {
    /// What there is of its card for a request about it, and what is owed on it.
    fn card(&self, book: &Book) -> Option<(&Card, u64)> {
        let card = self.card.as_ref()?;
        let owed = if book.in_instalments { 0 } else { card.statement.saturating_sub(book.repaid) };
        Some((card, owed))
    }
}

fn account(number: &str) -> Option<&'static Account> {
    ACCOUNTS.iter().find(|known| known.number == number)
}

/// As flows read and write amounts.
fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// `None`: not an amount.
fn fen(yuan: &str) -> Option<u64> {
    let (whole, rest) = yuan.split_once('.').unwrap_or((yuan, "00"));
    let rest: u64 = if rest.len() == 2 { rest.parse().ok()? } else { return None };
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(rest)
}

#[derive(Deserialize)]
struct Pin {
    pin: String,
}

/// 200: whether it is right, and how many tries are left. 423: none are. Unknown accounts have no PIN.
async fn verify(
    State(bank): State<Arc<Bank>>,
    Path(account): Path<String>,
    Json(Pin { pin }): Json<Pin>,
) -> Response {
    match bank.verdict(&account, &pin) {
        Verdict::Right => Json(json!({ "verified": "yes", "left": TRIES })).into_response(),
        Verdict::Wrong(left) => Json(json!({ "verified": "no", "left": left })).into_response(),
        Verdict::Locked => StatusCode::LOCKED.into_response(),
        Verdict::Unknown => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Deserialize)]
struct Proof {
    card: String,
    pin: String,
}

/// For who may not see the account's number: it comes with the PIN. Unknown accounts have a wrong one.
async fn prove(State(bank): State<Arc<Bank>>, Json(Proof { card, pin }): Json<Proof>) -> Response {
    match bank.verdict(&card, &pin) {
        Verdict::Right => StatusCode::OK.into_response(),
        Verdict::Locked => StatusCode::LOCKED.into_response(),
        Verdict::Wrong(_) | Verdict::Unknown => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn balance(State(bank): State<Arc<Bank>>, Path(number): Path<String>) -> Response {
    let Some(account) = account(&number) else { return StatusCode::NOT_FOUND.into_response() };
    let available = bank.in_the_book(account, |book| account.available.saturating_sub(book.repaid));
    Json(json!({ "available": yuan(available) })).into_response()
}

/// The newest is 1. 404: there is none at that place.
async fn transaction(
    State(bank): State<Arc<Bank>>,
    Path((number, place)): Path<(String, usize)>,
) -> Response {
    let found = account(&number).and_then(|account| account.transactions.get(place.checked_sub(1)?));
    match found {
        Some(Transaction { days, kind, amount }) => {
            Json(json!({ "day": bank.day(-days), "kind": kind, "amount": amount })).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Sends nothing: the demo has no telephones of customers. 409: the bank knows no mobile number.
async fn send_statement(Path(number): Path<String>) -> Response {
    match account(&number).map(|account| account.mobile) {
        Some(Some(mobile)) => (StatusCode::ACCEPTED, Json(json!({ "mobile": mobile }))).into_response(),
        Some(None) => StatusCode::CONFLICT.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The credit card of an account's owner, all at once: what it is, and what is owed. 404: no card.
fn with_card(
    bank: &Bank,
    number: &str,
    does: impl FnOnce(&mut Book, &Account, &Card, u64) -> Response,
) -> Response {
    let Some(account) = account(number) else { return StatusCode::NOT_FOUND.into_response() };
    bank.in_the_book(account, |book| match account.card(book) {
        Some((card, owed)) => does(book, account, card, owed),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

async fn card(State(bank): State<Arc<Bank>>, Path(number): Path<String>) -> Response {
    with_card(&bank, &number, |_, _, card, owed| {
        Json(json!({ "statement": yuan(owed), "due": bank.day(12), "limit": card.limit })).into_response()
    })
}

#[derive(Deserialize)]
struct Repayment {
    amount: String,
}

/// 402: the account does not hold so much.
async fn repay(
    State(bank): State<Arc<Bank>>,
    Path(number): Path<String>,
    Json(Repayment { amount }): Json<Repayment>,
) -> Response {
    let Some(amount) = fen(&amount) else { return StatusCode::BAD_REQUEST.into_response() };
    with_card(&bank, &number, |book, account, _, _| {
        let repaid = book.repaid.saturating_add(amount);
        if repaid > account.available {
            return StatusCode::PAYMENT_REQUIRED.into_response();
        }
        book.repaid = repaid;
        StatusCode::CREATED.into_response()
    })
}

#[derive(Deserialize)]
struct Activation {
    last4: String,
}

/// 404: the account's owner has no such card. A card that is active stays active.
async fn activate(
    State(bank): State<Arc<Bank>>,
    Path(number): Path<String>,
    Json(Activation { last4 }): Json<Activation>,
) -> Response {
    with_card(&bank, &number, |_, _, card, _| {
        let known = card.last4 == last4;
        if known { StatusCode::OK.into_response() } else { StatusCode::NOT_FOUND.into_response() }
    })
}

/// What so many instalments cost. 409: nothing is owed.
async fn terms(State(bank): State<Arc<Bank>>, Path((number, months)): Path<(String, u64)>) -> Response {
    if !INSTALMENTS.contains(&months) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    with_card(&bank, &number, |_, _, _, owed| match owed {
        0 => StatusCode::CONFLICT.into_response(),
        owed => {
            let fee = owed * FEE_PER_MILLE * months / 1_000;
            Json(json!({ "monthly": yuan(owed.div_ceil(months)), "fee": yuan(fee) })).into_response()
        }
    })
}

#[derive(Deserialize)]
struct Plan {
    months: u64,
}

async fn arrange(
    State(bank): State<Arc<Bank>>,
    Path(number): Path<String>,
    Json(Plan { months }): Json<Plan>,
) -> Response {
    if !INSTALMENTS.contains(&months) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    with_card(&bank, &number, |book, _, _, owed| match owed {
        0 => StatusCode::CONFLICT.into_response(),
        _ => {
            book.in_instalments = true;
            StatusCode::CREATED.into_response()
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::asked;
    use super::super::{Clock, router};

    #[tokio::test]
    async fn a_third_wrong_pin_locks_the_account_and_the_right_one_comes_too_late() {
        let bank = router(Clock::start());
        let try_with =
            async |pin: &str| asked(&bank, "POST", "/accounts/10020030/pin", json!({ "pin": pin })).await;
        assert_eq!(try_with("135790").await, (200, json!({ "verified": "yes", "left": 3 })));
        assert_eq!(try_with("000000").await, (200, json!({ "verified": "no", "left": 2 })));
        assert_eq!(try_with("000000").await, (200, json!({ "verified": "no", "left": 1 })));
        assert_eq!(try_with("000000").await.0, 423);
        assert_eq!(try_with("135790").await.0, 423);
    }

    #[tokio::test]
    async fn pins_during_a_talk_are_counted_with_the_others_and_unknown_accounts_have_a_wrong_one() {
        let bank = router(Clock::start());
        let proves = async |card: &str, pin: &str| {
            asked(&bank, "POST", "/pins", json!({ "card": card, "pin": pin })).await.0
        };
        assert_eq!(proves("10020030", "135790").await, 200);
        assert_eq!(proves("10020031", "135790").await, 401);
        assert_eq!(proves("10020030", "000000").await, 401);
        let other_way = asked(&bank, "POST", "/accounts/10020030/pin", json!({ "pin": "000000" })).await;
        assert_eq!(other_way.1["left"], 1);
        assert_eq!(proves("10020030", "000000").await, 423);
    }

    #[tokio::test]
    async fn transactions_come_newest_first_until_there_are_no_more() {
        let bank = router(Clock::start());
        let at = async |place: &str| {
            asked(&bank, "GET", &format!("/accounts/6222020000000007/transactions/{place}"), Value::Null)
                .await
        };
        let (newer, older) = (at("1").await.1, at("2").await.1);
        assert_eq!((&newer["kind"], &newer["amount"]), (&json!("in"), &json!("5000.00")));
        assert!(newer["day"].as_str() > older["day"].as_str(), "{newer} {older}");
        assert_eq!((at("0").await.0, at("3").await.0), (404, 404));
    }

    #[tokio::test]
    async fn a_statement_goes_to_the_mobile_number_that_the_bank_has() {
        let bank = router(Clock::start());
        let sends = async |account: &str| {
            asked(&bank, "POST", &format!("/accounts/{account}/statement"), json!({})).await
        };
        assert_eq!(sends("10020030").await, (202, json!({ "mobile": "8000" })));
        assert_eq!(sends("6222020000000007").await.0, 409);
        assert_eq!(sends("1").await.0, 404);
    }

    #[tokio::test]
    async fn what_is_repaid_leaves_the_account_and_the_statement_and_no_more_than_is_there() {
        let bank = router(Clock::start());
        let repays = async |amount: &str| {
            asked(&bank, "POST", "/accounts/10020030/card/repayments", json!({ "amount": amount })).await.0
        };
        assert_eq!(repays("2000.00").await, 201);
        let card = asked(&bank, "GET", "/accounts/10020030/card", Value::Null).await.1;
        assert_eq!((&card["statement"], &card["limit"]), (&json!("345.60"), &json!("20000.00")));
        let left = asked(&bank, "GET", "/accounts/10020030/balance", Value::Null).await.1;
        assert_eq!(left["available"], "8005.00");
        assert_eq!(repays("8005.01").await, 402);
        for amount in ["-1.00", "1.5", "much", "99999999999999999999"] {
            assert_eq!(repays(amount).await, 400, "{amount}");
        }
        let without = "/accounts/6222020000000007/card/repayments";
        assert_eq!(asked(&bank, "POST", without, json!({ "amount": "1.00" })).await.0, 404);
    }

    #[tokio::test]
    async fn only_the_card_whose_digits_are_told_is_activated_and_twice_does_no_harm() {
        let bank = router(Clock::start());
        let activates = async |last4: &str| {
            asked(&bank, "POST", "/accounts/10020030/card/activation", json!({ "last4": last4 })).await.0
        };
        assert_eq!(activates("1024").await, 200);
        assert_eq!(activates("1024").await, 200);
        assert_eq!(activates("1025").await, 404);
    }

    #[tokio::test]
    async fn what_is_paid_in_instalments_is_owed_no_more() {
        let bank = router(Clock::start());
        let path = "/accounts/10020030/card/instalments";
        let terms = async |months: &str| asked(&bank, "GET", &format!("{path}/{months}"), Value::Null).await;
        assert_eq!(terms("12").await, (200, json!({ "monthly": "195.47", "fee": "168.88" })));
        assert_eq!(terms("7").await.0, 400);
        assert_eq!(asked(&bank, "POST", path, json!({ "months": 7 })).await.0, 400);
        assert_eq!(asked(&bank, "POST", path, json!({ "months": 12 })).await.0, 201);
        assert_eq!(
            (terms("12").await.0, asked(&bank, "POST", path, json!({ "months": 3 })).await.0),
            (409, 409)
        );
        let card = asked(&bank, "GET", "/accounts/10020030/card", Value::Null).await.1;
        assert_eq!(card["statement"], "0.00");
    }
}
