//! What is left of a leg after `Ended`: it answers what still comes and dies by timers that others run.

use super::Leg;
use super::desk::Desk;
use super::talk::Unacked;
use crate::call::cause::Cause;
use crate::moment::Moment;
use crate::sip::dialog::Dialog;
use crate::sip::endpoint::{ClientTx, ServerTx};
use crate::sip::message::{Method, Request};

#[derive(Debug)]
pub(crate) enum Remains {
    /// Our 2xx awaits its ACK; only then may the BYE go out (RFC 3261 §15).
    AwaitingAck { unacked: Unacked, dialog: Box<Dialog>, cause: Cause },
    /// Our BYE awaits its answer; a BYE of theirs may cross it.
    Leaving { bye: ClientTx },
    /// A refused INVITE, remembered so that a second copy by another way is known (§8.2.2.2).
    Settled { until: Moment },
}

impl Remains {
    pub fn deadline(&self) -> Option<Moment> {
        match self {
            Remains::Settled { until } => Some(*until),
            Remains::AwaitingAck { .. } | Remains::Leaving { .. } => None,
        }
    }

    pub fn handle_time(self, desk: &mut Desk) -> Option<Leg> {
        match self {
            Remains::Settled { until } if until <= desk.now => None,
            other => Some(Leg::Remains(other)),
        }
    }

    pub fn request(self, desk: &mut Desk, tx: ServerTx, request: &Request) -> Option<Leg> {
        match (self, &request.method) {
            (Remains::AwaitingAck { unacked, .. }, Method::Bye) => {
                desk.say(tx, request, 200);
                desk.endpoint.acked(desk.now, unacked.tx);
                None
            }
            (left @ Remains::Leaving { .. }, Method::Bye) => {
                desk.say(tx, request, 200);
                Some(Leg::Remains(left))
            }
            (left, _) => {
                desk.say(tx, request, 481);
                Some(Leg::Remains(left))
            }
        }
    }

    pub fn acked(self, desk: &mut Desk, ack: &Request) -> Option<Leg> {
        let number = ack.headers.cseq().map_or(0, |cseq| cseq.number);
        match self {
            Remains::AwaitingAck { unacked, dialog, cause } if unacked.cseq == number => {
                desk.endpoint.acked(desk.now, unacked.tx);
                Some(Remains::leave(desk, dialog, unacked, cause))
            }
            other => Some(Leg::Remains(other)),
        }
    }

    pub fn never_acked(self, desk: &mut Desk) -> Option<Leg> {
        match self {
            Remains::AwaitingAck { unacked, dialog, cause } => {
                Some(Remains::leave(desk, dialog, unacked, cause))
            }
            other => Some(Leg::Remains(other)),
        }
    }

    /// A final response, or none: gone either way.
    pub fn closed(self, tx: ClientTx) -> Option<Leg> {
        match self {
            Remains::Leaving { bye } if bye == tx => None,
            other => Some(Leg::Remains(other)),
        }
    }

    fn leave(desk: &mut Desk, mut dialog: Box<Dialog>, unacked: Unacked, cause: Cause) -> Leg {
        desk.settle_server(unacked.tx);
        let bye = desk.bye(&mut dialog, cause);
        Leg::Remains(Remains::Leaving { bye })
    }
}
