//! Header names: reading (compact forms too), writing, comparing.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use super::super::message::HeaderName;

/// Every name the server knows, with its standard spelling and compact form (0 when it has none).
static KNOWN: [(HeaderName, &str, u8); 40] = [
    (HeaderName::Accept, "Accept", 0),
    (HeaderName::Allow, "Allow", 0),
    (HeaderName::Authorization, "Authorization", 0),
    (HeaderName::CallId, "Call-ID", b'i'),
    (HeaderName::Contact, "Contact", b'm'),
    (HeaderName::ContentEncoding, "Content-Encoding", b'e'),
    (HeaderName::ContentLength, "Content-Length", b'l'),
    (HeaderName::ContentType, "Content-Type", b'c'),
    (HeaderName::CSeq, "CSeq", 0),
    (HeaderName::Date, "Date", 0),
    (HeaderName::Event, "Event", b'o'),
    (HeaderName::Expires, "Expires", 0),
    (HeaderName::From, "From", b'f'),
    (HeaderName::MaxForwards, "Max-Forwards", 0),
    (HeaderName::MinExpires, "Min-Expires", 0),
    (HeaderName::MinSe, "Min-SE", 0),
    (HeaderName::Path, "Path", 0),
    (HeaderName::PAssertedIdentity, "P-Asserted-Identity", 0),
    (HeaderName::ProxyAuthenticate, "Proxy-Authenticate", 0),
    (HeaderName::ProxyAuthorization, "Proxy-Authorization", 0),
    (HeaderName::ProxyRequire, "Proxy-Require", 0),
    (HeaderName::RAck, "RAck", 0),
    (HeaderName::Reason, "Reason", 0),
    (HeaderName::RecordRoute, "Record-Route", 0),
    (HeaderName::ReferTo, "Refer-To", b'r'),
    (HeaderName::Replaces, "Replaces", 0),
    (HeaderName::Require, "Require", 0),
    (HeaderName::RetryAfter, "Retry-After", 0),
    (HeaderName::Route, "Route", 0),
    (HeaderName::RSeq, "RSeq", 0),
    (HeaderName::Server, "Server", 0),
    (HeaderName::SessionExpires, "Session-Expires", b'x'),
    (HeaderName::Supported, "Supported", b'k'),
    (HeaderName::Timestamp, "Timestamp", 0),
    (HeaderName::To, "To", b't'),
    (HeaderName::Unsupported, "Unsupported", 0),
    (HeaderName::UserAgent, "User-Agent", 0),
    (HeaderName::Via, "Via", b'v'),
    (HeaderName::Warning, "Warning", 0),
    (HeaderName::WwwAuthenticate, "WWW-Authenticate", 0),
];

/// Compact forms of headers that are only passed over (the IANA register of SIP header fields).
static COMPACT_OTHERS: [(u8, &str); 8] = [
    (b'a', "Accept-Contact"),
    (b'b', "Referred-By"),
    (b'd', "Request-Disposition"),
    (b'j', "Reject-Contact"),
    (b'n', "Identity-Info"),
    (b's', "Subject"),
    (b'u', "Allow-Events"),
    (b'y', "Identity"),
];

impl HeaderName {
    /// From a token as received, in any case, long or compact. `None` if it is not a token (RFC 3261 §25.1).
    pub fn from_token(token: &[u8]) -> Option<HeaderName> {
        if let [letter] = token {
            let letter = letter.to_ascii_lowercase();
            if let Some((name, _, _)) = KNOWN.iter().find(|(_, _, compact)| *compact == letter && letter != 0)
            {
                return Some(name.clone());
            }
            if let Some((_, long)) = COMPACT_OTHERS.iter().find(|(compact, _)| *compact == letter) {
                return Some(HeaderName::Other((*long).into()));
            }
        }
        if let Some((name, _, _)) =
            KNOWN.iter().find(|(_, long, _)| long.as_bytes().eq_ignore_ascii_case(token))
        {
            return Some(name.clone());
        }
        if token.is_empty() || !token.iter().all(|b| super::scan::is_token(*b)) {
            return None;
        }
        std::str::from_utf8(token).ok().map(|name| HeaderName::Other(name.into()))
    }

    /// The standard spelling; unknown names as they were written.
    pub fn as_str(&self) -> &str {
        match self {
            HeaderName::Other(name) => name,
            known => known.standard(),
        }
    }

    /// The standard spelling, or `"extension"` for a name the server does not know: for error values.
    pub fn standard(&self) -> &'static str {
        KNOWN.iter().find(|(name, _, _)| name == self).map_or("extension", |(_, long, _)| long)
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &HeaderName) -> bool {
        match (self, other) {
            (HeaderName::Other(a), HeaderName::Other(b)) => a.eq_ignore_ascii_case(b),
            _ => discriminant(self) == discriminant(other),
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self).hash(state);
        if let HeaderName::Other(name) = self {
            for byte in name.bytes() {
                state.write_u8(byte.to_ascii_lowercase());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_read_in_any_case_and_written_in_the_standard_one() {
        for (name, long, _) in &KNOWN {
            assert_eq!(HeaderName::from_token(long.to_ascii_uppercase().as_bytes()).as_ref(), Some(name));
            assert_eq!(name.as_str(), *long);
        }
    }

    #[test]
    fn compact_forms_are_the_long_ones() {
        assert_eq!(HeaderName::from_token(b"I"), Some(HeaderName::CallId));
        assert_eq!(HeaderName::from_token(b"x"), Some(HeaderName::SessionExpires));
        assert_eq!(HeaderName::from_token(b"s").map(|n| n.as_str().to_owned()), Some("Subject".to_owned()));
        assert_eq!(HeaderName::from_token(b"z").map(|n| n.as_str().to_owned()), Some("z".to_owned()));
    }

    #[test]
    fn unknown_names_compare_without_case_and_must_be_tokens() {
        assert_eq!(HeaderName::from_token(b"X-Bank"), HeaderName::from_token(b"x-bank"));
        assert_ne!(HeaderName::from_token(b"X-Bank"), HeaderName::from_token(b"X-Bunk"));
        assert_eq!(HeaderName::from_token(b"X Bank"), None);
        assert_eq!(HeaderName::from_token(b""), None);
    }
}
