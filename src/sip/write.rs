//! Messages to bytes. Content-Length is always written, from the body.

use bytes::{BufMut, Bytes, BytesMut};

use super::message::{HeaderName, Headers, Request, Response};

/// Room for a usual message without growing, in bytes.
const USUAL_HEAD_BYTES: usize = 1_024;

/// Standard header names, the headers' order, Content-Length last. Line ends inside values become spaces.
pub fn request(request: &Request) -> Bytes {
    let mut out = BytesMut::with_capacity(USUAL_HEAD_BYTES + request.body.len());
    out.put_slice(request.method.as_str().as_bytes());
    out.put_slice(format!(" {} SIP/2.0\r\n", request.uri).as_bytes());
    finish(out, &request.headers, &request.body)
}

/// As `request`, with a status line.
pub fn response(response: &Response) -> Bytes {
    let mut out = BytesMut::with_capacity(USUAL_HEAD_BYTES + response.body.len());
    out.put_slice(format!("SIP/2.0 {} ", response.status).as_bytes());
    put_line(&mut out, &response.reason);
    finish(out, &response.headers, &response.body)
}

fn finish(mut out: BytesMut, headers: &Headers, body: &Bytes) -> Bytes {
    for header in headers.0.iter().filter(|h| h.name != HeaderName::ContentLength) {
        out.put_slice(header.name.as_str().as_bytes());
        out.put_slice(b": ");
        put_line(&mut out, &header.value);
    }
    out.put_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.put_slice(body);
    out.freeze()
}

/// A line end inside a value would let whoever chose the value write headers of their own.
fn put_line(out: &mut BytesMut, value: &[u8]) {
    if value.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        out.extend(value.iter().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { *b }));
    } else {
        out.put_slice(value);
    }
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::Method;
    use crate::sip::uri::Uri;

    #[test]
    fn content_length_is_the_body_s_whatever_the_headers_say() {
        let mut headers = Headers::default();
        headers.push(HeaderName::ContentLength, "999");
        headers.push(HeaderName::Other("X-Bank".into()), "a\r\nEvil: b");
        let message = Request {
            method: Method::Info,
            uri: Uri::parse(b"sip:a@b").unwrap(),
            headers,
            body: Bytes::from_static(b"hello"),
        };
        let expected = "INFO sip:a@b SIP/2.0\r\nX-Bank: a  Evil: b\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(request(&message), expected.as_bytes());
    }

    #[test]
    fn an_empty_reason_keeps_its_space() {
        let message =
            Response { status: 100, reason: Bytes::new(), headers: Headers::default(), body: Bytes::new() };
        assert_eq!(response(&message), &b"SIP/2.0 100 \r\nContent-Length: 0\r\n\r\n"[..]);
    }
}
