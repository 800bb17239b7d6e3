//! Challenges and credentials: a scheme and `key=value` pairs (RFC 3261 §20.7, RFC 7616 §3).

use super::scan::{Scan, text};
use super::{Credentials, HeaderError};

/// See `header::auth_params`.
pub(super) fn read(value: &[u8]) -> Result<Credentials, HeaderError> {
    let mut scan = Scan::new("Authorization", value);
    scan.spaces();
    let scheme = text(scan.token("expected a scheme")?);
    let mut params = Vec::new();
    loop {
        while scan.eat(b',') {}
        if scan.peek().is_none() {
            return Ok((scheme, params));
        }
        let name = text(&scan.token("expected a parameter name")?.to_ascii_lowercase());
        if !scan.eat(b'=') {
            return Err(scan.fail("expected ="));
        }
        let value = if scan.peek() == Some(b'"') {
            scan.quoted()?
        } else {
            // `uri` and base64 values come unquoted from some phones.
            text(scan.take_while(|b| b != b',' && b != b' ' && b != b'\t' && b != b'"'))
        };
        scan.spaces();
        if !matches!(scan.peek(), None | Some(b',')) {
            return Err(scan.fail("expected ,"));
        }
        params.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_credentials_are_read_with_any_spacing() {
        let (scheme, params) =
            read(br#"Digest Username="bob", realm="a, \"b\"" ,nc = 00000001,qop=auth, uri="sip:x""#).unwrap();
        assert_eq!(&*scheme, "Digest");
        let expected = [
            ("username", "bob"),
            ("realm", "a, \"b\""),
            ("nc", "00000001"),
            ("qop", "auth"),
            ("uri", "sip:x"),
        ];
        assert!(params.iter().map(|(n, v)| (&**n, &**v)).eq(expected));
    }

    #[test]
    fn broken_credentials_are_errors() {
        for value in [&b""[..], b"Digest username", b"Digest a=\"b", b"Digest a=\"b\" c=d"] {
            assert!(read(value).is_err());
        }
    }
}
