//! An answered leg, from our 2xx or the peer's until somebody's BYE.

use super::Leg;
use super::desk::Desk;
use super::prack::{self, Reliable};
use super::remains::Remains;
use super::talk::{Stage, Talk, Verdict};
use crate::call::cause::Cause;
use crate::call::legs::EndedBy;
use crate::sip::endpoint::ServerTx;
use crate::sip::message::Request;

#[derive(Debug)]
pub(crate) struct Session {
    pub talk: Talk,
    /// A provisional whose PRACK may still be under way.
    pub reliable: Reliable,
    /// The CSeq number of the INVITE that made it.
    pub invite: u32,
}

impl Session {
    pub fn handle_time(mut self: Box<Self>, desk: &mut Desk) -> Option<Leg> {
        let verdict = self.talk.handle_time(desk, Stage::Confirmed);
        self.go_on(desk, verdict)
    }

    /// Stays, or ends it for a fault.
    pub fn go_on(self: Box<Self>, desk: &mut Desk, verdict: Verdict) -> Option<Leg> {
        match verdict {
            Verdict::GoesOn => Some(Leg::Up(self)),
            Verdict::Over(cause) => {
                desk.ended(cause, EndedBy::Fault, None);
                Some(self.leave(desk, cause))
            }
        }
    }

    pub fn hang_up(self: Box<Self>, desk: &mut Desk, cause: Cause) -> Option<Leg> {
        desk.ended(cause, EndedBy::Us, None);
        Some(self.leave(desk, cause))
    }

    pub fn never_acked(mut self: Box<Self>, desk: &mut Desk, tx: ServerTx) -> Option<Leg> {
        if self.talk.unacked.take_if(|unacked| unacked.tx == tx).is_none() {
            return Some(Leg::Up(self));
        }
        desk.settle_server(tx);
        self.go_on(desk, Verdict::Over(Cause::NeverConfirmed))
    }

    /// The peer's BYE.
    pub fn left(mut self: Box<Self>, desk: &mut Desk, tx: ServerTx, request: &Request) -> Option<Leg> {
        desk.say(tx, request, 200);
        self.talk.give_up(desk, Cause::CallerHungUp);
        self.talk.left(desk);
        None
    }

    /// A PRACK that our 2xx overtook.
    pub fn pracked(mut self: Box<Self>, desk: &mut Desk, tx: ServerTx, request: &Request) -> Option<Leg> {
        let known = self.reliable.matches(prack::rack(request), self.invite);
        desk.say(tx, request, if known { 200 } else { 481 });
        if known {
            self.reliable = Reliable::Unsupported;
        }
        Some(Leg::Up(self))
    }

    fn leave(mut self: Box<Self>, desk: &mut Desk, cause: Cause) -> Leg {
        if let Some(unacked) = self.talk.awaits_first_ack() {
            self.talk.unacked = None;
            self.talk.give_up(desk, cause);
            return Leg::Remains(Remains::AwaitingAck { unacked, dialog: Box::new(self.talk.dialog), cause });
        }
        self.talk.give_up(desk, cause);
        let bye = desk.bye(&mut self.talk.dialog, cause);
        Leg::Remains(Remains::Leaving { bye })
    }
}
