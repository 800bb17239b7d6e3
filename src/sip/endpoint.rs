//! The transaction layer: matches messages to transactions, runs their timers, and tells its user
//! (the legs and the registrar) only what they must decide (RFC 3261 §8, §17, §18; RFC 6026).

use std::net::SocketAddr;

use bytes::Bytes;

use super::message::{Method, Request, Response};
use super::transport::{ConnectionId, Flow};
use crate::moment::Moment;
use crate::rng::Rng;

/// A server transaction awaiting our answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTx(pub u64);

/// A client transaction of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientTx(pub u64);

/// Why a client transaction ended without a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Timer B or F (§17.1): treat as 408.
    TimedOut,
    /// The transport said so: treat as 503.
    Unreachable,
}

/// What the endpoint's user must do or know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Send these bytes. With a stream flow that has no connection, open one to `flow.remote` first.
    Transmit { flow: Flow, bytes: Bytes },
    /// A new request. CANCEL and ACK never come this way. Answer each exactly once with a final response.
    Request { tx: ServerTx, request: Request, flow: Flow },
    /// The INVITE of `tx` was cancelled (CANCEL already has its 200): answer it with 487 unless you have answered.
    Cancelled { tx: ServerTx },
    /// ACK of a 2xx for an INVITE.
    Ack { request: Request, flow: Flow },
    /// A response to our request: each provisional (100 too) and the final one; for INVITE every further 2xx (forks).
    Response { tx: ClientTx, response: Response, flow: Flow },
    /// Our request got no final response.
    Failed { tx: ClientTx, failure: Failure },
    /// Our 2xx to an INVITE was never acknowledged within 64*T1 (§13.3.1.4): end the dialog with BYE.
    NeverAcked { tx: ServerTx },
    /// Our reliable provisional (RFC 3262) was never PRACKed within 64*T1: answer 5xx.
    NeverPracked { tx: ServerTx },
}

/// The transaction layer. Drive it with `receive` and `handle_time`; drain `poll` after each.
#[derive(Debug)]
pub struct Endpoint {
    // Private state belongs to this file and `transaction/`.
}

impl Endpoint {
    /// `product`: what Server and User-Agent say.
    pub fn new(product: &str, rng: Rng) -> Endpoint {
        todo!()
    }

    /// One datagram or framed message. Malformed ones are answered or dropped here.
    pub fn receive(&mut self, now: Moment, flow: Flow, bytes: Bytes) {
        todo!()
    }

    /// The transport could not deliver to `remote`, or the connection closed.
    pub fn unreachable(&mut self, now: Moment, remote: SocketAddr, connection: Option<ConnectionId>) {
        todo!()
    }

    pub fn handle_time(&mut self, now: Moment) {
        todo!()
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        todo!()
    }

    pub fn poll(&mut self) -> Option<Happening> {
        todo!()
    }

    /// Sends `response` in `tx`, retransmitting as the machine says. A second final response is ignored.
    /// 2xx to INVITE are retransmitted until `acked` (§13.3.1.4); on RFC 3262 provisionals (Require: 100rel and RSeq
    /// already set by the caller) until `pracked`.
    pub fn respond(&mut self, now: Moment, tx: ServerTx, response: Response) {
        todo!()
    }

    /// The ACK for our 2xx in `tx` came.
    pub fn acked(&mut self, now: Moment, tx: ServerTx) {
        todo!()
    }

    /// The PRACK for our latest reliable provisional in `tx` came.
    pub fn pracked(&mut self, now: Moment, tx: ServerTx) {
        todo!()
    }

    /// Starts a client transaction: adds Via (own branch, rport) and Max-Forwards, and moves to TCP beyond
    /// `limits::UDP_REQUEST_BYTES`, back to UDP if the connection is refused.
    pub fn request(&mut self, now: Moment, request: Request, flow: Flow) -> ClientTx {
        todo!()
    }

    /// Sends a request outside any transaction: the ACK of a 2xx. The endpoint remembers nothing;
    /// call again for each retransmitted 2xx.
    pub fn send_ack(&mut self, now: Moment, request: Request, flow: Flow) {
        todo!()
    }

    /// CANCELs our INVITE: at once if a provisional came, else as soon as one comes (§9.1).
    pub fn cancel(&mut self, now: Moment, tx: ClientTx) {
        todo!()
    }

    /// How many transactions are held.
    pub fn transactions(&self) -> usize {
        todo!()
    }
}
