//! Reading the credentials of a request (RFC 7616 §3.4, RFC 3261 §22.4).

use crate::sip::header::auth_params;
use crate::sip::message::{HeaderName, Request};
use crate::sip::uri::{Host, SipUri, Uri, equivalent};

/// Longest user name looked at, in bytes. Agents' names are a few digits. Beyond it: 400.
const USER_BYTES: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Sha256,
    Md5,
}

impl Algorithm {
    /// As in a challenge.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }
}

/// Complete credentials with qop=auth, none of it verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub algorithm: Algorithm,
    pub user: String,
    pub nonce: String,
    pub uri: String,
    pub cnonce: String,
    /// `nc`, as a number and as written, which is what is hashed.
    pub count: u32,
    pub count_text: String,
    /// Lower-cased.
    pub response: String,
}

/// What a request says about who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Ours(Credentials),
    /// Nothing, or only for other realms and schemes: those are for others on the way (§22.3).
    None,
    Malformed(&'static str),
}

/// The first Digest credentials for `realm`.
pub fn find(request: &Request, header: &HeaderName, realm: &str) -> Found {
    for value in request.headers.all(header) {
        let Ok((scheme, params)) = auth_params(value) else {
            return Found::Malformed("unreadable credentials");
        };
        let get = |name: &str| params.iter().find(|(n, _)| &**n == name).map(|(_, v)| &**v);
        if scheme.eq_ignore_ascii_case("Digest") && get("realm") == Some(realm) {
            return match read(request, get) {
                Ok(credentials) => Found::Ours(credentials),
                Err(why) => Found::Malformed(why),
            };
        }
    }
    Found::None
}

fn read<'a>(request: &Request, get: impl Fn(&str) -> Option<&'a str>) -> Result<Credentials, &'static str> {
    let algorithm = match get("algorithm") {
        Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
        Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
        // RFC 7616 §3.3: MD5 where none is named.
        None => Algorithm::Md5,
        Some(_) => return Err("digest algorithm was not offered"),
    };
    let user = get("username").ok_or("digest without username")?;
    if user.len() > USER_BYTES {
        return Err("digest username too long");
    }
    let uri = get("uri").ok_or("digest without uri")?;
    if !is_about(uri, &request.uri) {
        return Err("digest uri is not the request's");
    }
    // Without qop there is no count, and without a count a copy could not be told from the original.
    if !get("qop").is_some_and(|qop| qop.eq_ignore_ascii_case("auth")) {
        return Err("digest without qop=auth");
    }
    let count_text = get("nc").ok_or("digest without nc")?;
    let hexadecimal = count_text.len() == 8 && count_text.bytes().all(|b| b.is_ascii_hexdigit());
    let count = u32::from_str_radix(count_text, 16).ok().filter(|_| hexadecimal);
    Ok(Credentials {
        algorithm,
        user: user.into(),
        nonce: get("nonce").ok_or("digest without nonce")?.into(),
        uri: uri.into(),
        cnonce: get("cnonce").ok_or("digest without cnonce")?.into(),
        count: count.ok_or("digest nc is not eight hexadecimal digits")?,
        count_text: count_text.into(),
        response: get("response").ok_or("digest without response")?.to_ascii_lowercase(),
    })
}

/// Whether the digest's uri means the Request-URI. Phones write it before their outbound proxy or their own resolver
/// has had a say, so a name may stand for an address, and port and parameters may differ; the user may not.
fn is_about(digest: &str, target: &Uri) -> bool {
    let Ok(digest) = Uri::parse(digest.as_bytes()) else { return false };
    match (&digest, target) {
        (Uri::Sip(a), Uri::Sip(b)) => a.user == b.user && same_host(a, b),
        (a, b) => equivalent(a, b),
    }
}

fn same_host(a: &SipUri, b: &SipUri) -> bool {
    match (&a.host, &b.host) {
        (Host::Ip(_), Host::Name(_)) | (Host::Name(_), Host::Ip(_)) => true,
        (a, b) => a == b,
    }
}
