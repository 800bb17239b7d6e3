//! The live page: three files inside the binary.

use axum::http::header;
use axum::response::{IntoResponse, Response};

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

pub async fn index() -> Response {
    file("text/html; charset=utf-8", include_str!("../../web/live/index.html"))
}

pub async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../web/live/live.css"))
}

pub async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../web/live/live.js"))
}
