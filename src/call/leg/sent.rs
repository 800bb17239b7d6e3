//! INVITEs of ours that no leg waits for any more. Their 2xx are still owed an ACK each time they come
//! (RFC 3261 §13.2.2.4); a fork that nobody wants also gets a BYE.

use std::collections::BTreeMap;

use super::desk::{Board, Owner, bye};
use super::limits::ACKS;
use crate::call::cause::Cause;
use crate::moment::Moment;
use crate::sip::dialog::Dialog;
use crate::sip::endpoint::{ClientTx, Endpoint};
use crate::sip::message::{Request, Response};
use crate::sip::transport::Flow;

/// An INVITE that was answered, cancelled, or outlived its dialog.
#[derive(Debug)]
pub(crate) struct Sent {
    invite: Request,
    /// By the tag of who answered.
    acks: BTreeMap<Box<str>, (Request, Flow)>,
    /// What unwanted answers are told.
    cause: Cause,
    pub until: Moment,
}

impl Sent {
    pub fn new(invite: Request, cause: Cause, until: Moment) -> Sent {
        Sent { invite, acks: BTreeMap::new(), cause, until }
    }

    pub fn remember(&mut self, tag: &str, ack: Request, flow: Flow) {
        if self.acks.len() < ACKS {
            self.acks.insert(tag.into(), (ack, flow));
        }
    }

    /// A 2xx: a repeated one, or one that crossed our CANCEL, or another fork's. Gives the BYE, if one was due.
    pub fn answered(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        response: &Response,
        flow: Flow,
    ) -> Option<ClientTx> {
        let to = response.headers.to().ok()?;
        let tag = to.tag().unwrap_or_default();
        if let Some((ack, flow)) = self.acks.get(tag) {
            endpoint.send_ack(now, ack.clone(), *flow);
            return None;
        }
        let mut dialog = Dialog::uac(&self.invite, response, flow).ok()?;
        let ack = dialog.ack(dialog.local_seq());
        endpoint.send_ack(now, ack.clone(), flow);
        self.remember(tag, ack, flow);
        Some(endpoint.request(now, bye(&mut dialog, self.cause), flow))
    }
}

impl Board {
    /// A response to an INVITE that is only `Sent`.
    pub fn late_response(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        tx: ClientTx,
        response: &Response,
        flow: Flow,
    ) {
        if response.is_provisional() {
            return;
        }
        if !response.is_success() {
            self.disown(tx);
            return;
        }
        let Some(Owner::Sent(sent)) = self.owner(tx) else { return };
        if let Some(bye) = sent.answered(now, endpoint, response, flow) {
            self.own(bye, Owner::Forgotten);
        }
    }
}
