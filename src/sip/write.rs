//! Messages to bytes. Content-Length is always written, from the body.

use bytes::Bytes;

use super::message::{Request, Response};

pub fn request(request: &Request) -> Bytes {
    todo!()
}

pub fn response(response: &Response) -> Bytes {
    todo!()
}
