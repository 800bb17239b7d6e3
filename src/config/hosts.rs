//! Servers of the bank's that flows may ask: nobody else is ever asked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::{HttpHost, Secret};
use crate::diagnostic::Findings;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node};

/// Most hosts: a bank has a few.
const MAX_HOSTS: usize = 64;
/// Most headers sent to a host besides our own.
const MAX_HEADERS: usize = 16;
/// Most authorities trusted for one host: a system's whole bundle has some 150.
const MAX_AUTHORITIES: usize = 500;
/// Longest beginning of an address, bytes.
const MAX_URL: usize = 500;
/// Most requests that may be under way to one host: beyond that it is the host that needs help.
const MAX_IN_FLIGHT: i64 = 1_000;
/// How long a host may take: below it nothing answers, beyond it no caller stays.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(10);
/// Headers that the connection itself decides on.
const OURS: [&str; 6] =
    ["host", "connection", "content-length", "content-type", "transfer-encoding", "upgrade"];

/// `folder` is where relative paths count from.
pub(super) fn hosts(node: &Node, folder: &Path, out: &mut Findings) -> BTreeMap<String, HttpHost> {
    let mut all = BTreeMap::new();
    for (key, node) in out.entries(node, "hosts by their names").unwrap_or(&[]) {
        if all.len() == MAX_HOSTS {
            out.error("yaml-008", key.span, format!("more than {MAX_HOSTS} hosts"));
            break;
        }
        if let Some(host) = host(key, node, folder, out) {
            all.insert(key.text.clone(), host);
        }
    }
    all
}

fn host(key: &Key, node: &Node, folder: &Path, out: &mut Findings) -> Option<HttpHost> {
    let mut fields = Fields::of(node, key.span, format!("host `{}`", key.text), out)?;
    let place = fields.need("url");
    let url = place.and_then(|node| url(node, out));
    let authorities = match fields.take("ca") {
        Some(node) => authorities("config-010", node, folder, out),
        None => Some(Arc::default()),
    };
    let secrets = fields.take("secrets").map_or(Some(false), |node| out.truth(node));
    let headers =
        fields.take("headers").map_or(Some(BTreeMap::new()), |node| headers("config-010", node, out));
    let timeout = match fields.take("timeout") {
        Some(node) => out.duration(node, TIMEOUTS),
        None => Some(HttpHost::TIMEOUT),
    };
    let max_in_flight = match fields.take("max_in_flight") {
        Some(node) => out
            .integer(node, "the number of requests at once", 1..=MAX_IN_FLIGHT)
            .and_then(|number| usize::try_from(number).ok()),
        None => Some(HttpHost::IN_FLIGHT),
    };
    fields.finish(out);
    let (url, authorities, secrets, headers) = (url?, authorities?, secrets?, headers?);
    let at = place.map_or(key.span, |node| node.span);
    if url.starts_with("https:") == authorities.is_empty() {
        let label = if authorities.is_empty() {
            "say by `ca` which file has the certificate of the authority that the host's was signed by"
        } else {
            "`ca` is for hosts with https"
        };
        out.error("config-010", at, "flows cannot ask this host").label(label);
    } else if secrets && authorities.is_empty() && !is_this_machine(&url) {
        out.warning("config-011", at, "secrets would cross the network for everybody to read")
            .label("https protects them");
    }
    Some(HttpHost { url, authorities, secrets, headers, timeout: timeout?, max_in_flight: max_in_flight? })
}

/// `https://192.0.2.7:9090/api`, without what only a single request has.
fn url(node: &Node, out: &mut Findings) -> Option<String> {
    let text = out.text(node, "an address such as https://192.0.2.7:9090/api")?;
    let uri: Option<Uri> = text.parse().ok();
    let scheme = uri.as_ref().and_then(|uri| uri.scheme_str());
    let wrong = if text.len() > MAX_URL {
        "too long"
    } else if !matches!(scheme, Some("http" | "https")) {
        "expected an address such as https://192.0.2.7:9090/api"
    } else if text.contains(['?', '#', '@']) {
        "neither `?` nor `#` nor a password belongs here; keys are sent by `headers`"
    } else {
        return Some(text.trim_end_matches('/').to_owned());
    };
    // An address may hold a password all the same: it is not repeated.
    out.error("config-010", node.span, "flows cannot ask this host").label(wrong);
    None
}

pub(super) fn is_this_machine(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// The certificates of a file, in PEM: at least one. `code`: what it is reported as if there is none.
pub(super) fn authorities(
    code: &'static str,
    node: &Node,
    folder: &Path,
    out: &mut Findings,
) -> Option<Arc<[CertificateDer<'static>]>> {
    let path = folder.join(out.text(node, "the path of a file")?);
    let found: Result<Vec<_>, _> = std::fs::read(&path).map_err(|error| error.to_string()).and_then(|pem| {
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|e| e.to_string())
    });
    let wrong = match found {
        Err(why) => why,
        Ok(all) if all.len() > MAX_AUTHORITIES => format!("more than {MAX_AUTHORITIES} certificates"),
        Ok(all) if RootCertStore::empty().add_parsable_certificates(all.iter().cloned()).0 == 0 => {
            "no certificate (PEM) is in it".to_owned()
        }
        Ok(all) => return Some(all.into()),
    };
    out.error(code, node.span, format!("the file {} cannot be used", path.display())).label(wrong);
    None
}

/// Headers that are sent besides our own. `code`: what is reported as if one cannot be.
pub(super) fn headers(
    code: &'static str,
    node: &Node,
    out: &mut Findings,
) -> Option<BTreeMap<String, Secret>> {
    let entries = out.entries(node, "headers by their names")?;
    if entries.len() > MAX_HEADERS {
        out.error("yaml-008", node.span, format!("more than {MAX_HEADERS} headers"));
        return None;
    }
    let mut all = BTreeMap::new();
    for (key, node) in entries {
        if HeaderName::from_bytes(key.text.as_bytes()).is_err() {
            out.error(code, key.span, format!("`{}` is not the name of a header", key.text));
        } else if OURS.contains(&key.text.to_ascii_lowercase().as_str()) {
            out.error(code, key.span, format!("the header `{}` is not yours to set", key.text))
                .label("it follows from the request");
        }
        let Some(value) = out.text(node, "the value of a header") else { continue };
        if HeaderValue::from_str(value).is_err() {
            // The value is not repeated: it may be a key.
            out.error(code, node.span, format!("the value of `{}` is no header's", key.text));
        }
        all.insert(key.text.to_ascii_lowercase(), Secret(value.to_owned()));
    }
    Some(all)
}
