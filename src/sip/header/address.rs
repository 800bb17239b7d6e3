//! Addresses in headers: `"Name" <uri>;params` and bare `uri;params` (RFC 3261 §20.10, §25.1).

use std::fmt;

use super::scan::{Scan, is_space, is_token, text, write_params, write_quoted};
use super::{HeaderError, NameAddr};
use crate::sip::message::{HeaderName, Headers};
use crate::sip::uri::Uri;

/// Headers that hold one address and no comma-separated list.
fn is_single(name: &HeaderName) -> bool {
    matches!(name, HeaderName::From | HeaderName::To | HeaderName::ReferTo)
}

/// See `header::name_addr`.
pub(super) fn first(headers: &Headers, name: &HeaderName) -> Result<NameAddr, HeaderError> {
    let mut values = headers.all(name).filter(|value| value.as_ref() != b"*");
    let mut scan = Scan::new(name.standard(), values.next().ok_or(HeaderError::Missing(name.standard()))?);
    while !is_single(name) && scan.eat(b',') {}
    let address = address(&mut scan)?;
    if is_single(name) && scan.peek().is_some() {
        return Err(scan.fail("only one address may stand here"));
    }
    Ok(address)
}

/// See `header::name_addrs`.
pub(super) fn all(headers: &Headers, name: &HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
    let mut found = Vec::new();
    for value in headers.all(name).filter(|value| value.as_ref() != b"*") {
        let mut scan = Scan::new(name.standard(), value);
        loop {
            while scan.eat(b',') {}
            if scan.peek().is_none() {
                break;
            }
            found.push(address(&mut scan)?);
        }
    }
    Ok(found)
}

fn address(scan: &mut Scan<'_>) -> Result<NameAddr, HeaderError> {
    scan.spaces();
    let display = if scan.peek() == Some(b'"') {
        let display = scan.quoted()?;
        scan.spaces();
        if scan.peek() != Some(b'<') {
            return Err(scan.fail("expected <"));
        }
        Some(display)
    } else {
        bare_display(scan)
    };
    let uri = if scan.peek() == Some(b'<') { enclosed(scan)? } else { bare(scan)? };
    let params = scan.params(false)?;
    Ok(NameAddr { display: display.filter(|d| !d.is_empty()), uri, params })
}

/// Words before `<`. Wider than the grammar's tokens (real phones send UTF-8 and brackets unquoted), but never
/// over a comma or semicolon, which may mean the next address or parameter (RFC 4475 §3.1.2.15).
fn bare_display(scan: &mut Scan<'_>) -> Option<Box<str>> {
    let words = scan.rest();
    let end = words.iter().position(|b| b"<,;:\"".contains(b))?;
    if words[end] != b'<' {
        return None;
    }
    scan.skip(end);
    Some(text(words[..end].trim_ascii()))
}

fn enclosed(scan: &mut Scan<'_>) -> Result<Uri, HeaderError> {
    scan.skip(1);
    let start = scan.at();
    let inside = scan.take_while(|b| b != b'>');
    if scan.peek().is_none() {
        return Err(scan.fail("expected >"));
    }
    scan.skip(1);
    // Spaces inside are wrong but mean nothing else (RFC 4475 §3.1.2.14).
    read_uri(scan, start, inside.trim_ascii())
}

/// Without brackets, comma, question mark and semicolon end the URI or make it ambiguous (§20.10).
fn bare(scan: &mut Scan<'_>) -> Result<Uri, HeaderError> {
    let start = scan.at();
    let spec = scan.take_while(|b| !is_space(b) && b != b';' && b != b',');
    if spec.contains(&b'?') {
        return Err(scan.fail("a URI with ? must stand in <>"));
    }
    read_uri(scan, start, spec)
}

fn read_uri(scan: &Scan<'_>, start: usize, spec: &[u8]) -> Result<Uri, HeaderError> {
    Uri::parse(spec).map_err(|error| match scan.fail(error.why) {
        HeaderError::Malformed { name, why, .. } => {
            HeaderError::Malformed { name, at: start + error.at, why }
        }
        missing => missing,
    })
}

/// See `header::add_to_tag`.
pub(super) fn add_tag(headers: &mut Headers, tag: &str) {
    let has_tag = match first(headers, &HeaderName::To) {
        Ok(to) => to.params.iter().any(|(name, _)| &**name == "tag"),
        // A To that cannot be read goes back as it came.
        Err(_) => true,
    };
    if has_tag {
        return;
    }
    if let Some(header) = headers.0.iter_mut().find(|h| h.name == HeaderName::To) {
        let mut value = header.value.trim_ascii_end().to_vec();
        value.extend_from_slice(b";tag=");
        value.extend_from_slice(tag.as_bytes());
        header.value = value.into();
    }
}

impl fmt::Display for NameAddr {
    /// Always with `<>`, so that URI parameters stay the URI's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            if display.bytes().all(is_token) {
                f.write_str(display)?;
            } else {
                write_quoted(f, display)?;
            }
            f.write_str(" ")?;
        }
        write!(f, "<{}>", self.uri)?;
        write_params(f, &self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: HeaderName, value: &str) -> Result<NameAddr, HeaderError> {
        let mut headers = Headers::default();
        headers.push(name.clone(), value.to_owned());
        first(&headers, &name)
    }

    #[test]
    fn a_bare_address_gives_its_parameters_to_the_header() {
        let to = read(HeaderName::To, "sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n").unwrap();
        assert_eq!(to.tag(), Some("1918181833n"));
        assert_eq!(to.uri.to_string(), "sip:vivekg@chair-dnrc.example.com");
    }

    #[test]
    fn quoted_names_are_unescaped() {
        let from = read(HeaderName::From, r#""J Rosenberg \\\"" <sip:jdrosen@example.com> ; tag = 98asjd8"#)
            .unwrap();
        assert_eq!(from.display.as_deref(), Some(r#"J Rosenberg \""#));
        assert_eq!(from.tag(), Some("98asjd8"));
    }

    #[test]
    fn names_in_chinese_are_read_quoted_or_not() {
        for value in ["王小明 <sip:1001@bank.example>", "\"王小明\"<sip:1001@bank.example>"] {
            assert_eq!(read(HeaderName::From, value).unwrap().display.as_deref(), Some("王小明"));
        }
    }

    #[test]
    fn commas_in_a_bare_name_quotes_that_do_not_end_and_bare_question_marks_are_malformed() {
        for value in [
            "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
            "\"Mr. J. User <sip:j.user@example.com>",
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            "<sip:user@example.com",
            "\"A\" sip:user@example.com",
            "<sip:a@b> c",
            "<sip:a@b>, <sip:c@d>",
            "",
        ] {
            assert!(read(HeaderName::To, value).is_err(), "{value}");
        }
    }

    #[test]
    fn lists_are_split_outside_quotes_and_brackets() {
        let mut headers = Headers::default();
        headers.push(HeaderName::Contact, "\"a,b\" <sip:a,b@c;x=y>;q=0.5, sip:d@e;expires=60,,<sip:f@g>");
        headers.push(HeaderName::Contact, "*");
        let all = all(&headers, &HeaderName::Contact).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].display.as_deref(), Some("a,b"));
        assert_eq!(all[1].param("expires"), Some("60"));
    }

    #[test]
    fn a_tag_is_added_once() {
        let mut headers = Headers::default();
        headers.push(HeaderName::To, "sip:a@b;user=phone");
        add_tag(&mut headers, "x");
        add_tag(&mut headers, "y");
        assert_eq!(headers.text(&HeaderName::To), Some("sip:a@b;user=phone;tag=x"));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for value in [
            "\"A \\\\ \\\" B\" <sip:a%00@b;lr?x=y>;tag=1;p=\"a;b\"",
            "<tel:+8610-95500;ext=1>;a",
            "x <urn:y:z>",
        ] {
            let address = read(HeaderName::From, value).unwrap();
            assert_eq!(read(HeaderName::From, &address.to_string()).unwrap(), address);
        }
    }
}
