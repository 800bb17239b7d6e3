//! Dialogs (RFC 3261 §12): who talks with whom, in which order, along which route.

use super::header::NameAddr;
use super::message::{Method, Request, Response};
use super::transport::Flow;
use super::uri::Uri;

/// Call-ID and tags; `remote_tag` is empty for RFC 2543 peers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId {
    pub call_id: Box<str>,
    pub local_tag: Box<str>,
    pub remote_tag: Box<str>,
}

impl DialogId {
    /// The dialog an incoming in-dialog request belongs to (local is its To). `None` without a To tag.
    pub fn of_request(request: &Request) -> Option<DialogId> {
        todo!()
    }
}

#[derive(Clone, Debug)]
pub struct Dialog {
    // Private state belongs to this file.
}
