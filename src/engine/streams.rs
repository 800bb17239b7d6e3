//! RTP streams: ports leased, workers chosen, owners known. The sockets are the workers'.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::output::Output;
use crate::config;
use crate::ids::{CallId, LegId, StreamId};
use crate::media::command::{Codec, Command, Direction};
use crate::media::ports::Ports;
use crate::moment::Moment;
use crate::rng::Rng;
use crate::sdp::negotiate::Local;

/// In the order we like them.
const CODECS: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

/// A stream leased to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub stream: StreamId,
    pub worker: usize,
    pub port: u16,
}

#[derive(Debug)]
struct Held {
    lease: Lease,
    owner: Owner,
}

/// Whose stream it is. A closed one is nobody's, until its worker confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Caller(CallId),
    Phone(CallId),
    Service(LegId),
    Nobody,
}

/// All leased streams.
#[derive(Debug)]
pub struct Streams {
    address: IpAddr,
    ports: Ports,
    /// Streams per worker: the next call goes to the least loaded.
    load: Vec<usize>,
    held: BTreeMap<StreamId, Held>,
    next: u64,
}

impl Streams {
    pub fn new(media: &config::Media) -> Streams {
        Streams {
            address: media.address,
            ports: Ports::new(media.ports.0, media.ports.1),
            load: vec![0; media.workers.max(1)],
            held: BTreeMap::new(),
            next: 1,
        }
    }

    /// Leases ports on `worker` (the least loaded if `None`) and has them opened. `None` when no port is left.
    pub fn open(
        &mut self,
        now: Moment,
        worker: Option<usize>,
        owner: Owner,
        rng: &mut Rng,
        out: &mut Outputs,
    ) -> Option<Lease> {
        let port = self.ports.lease(now)?;
        let worker = worker.unwrap_or_else(|| self.least_loaded());
        let stream = StreamId(self.next);
        self.next += 1;
        self.load[worker] += 1;
        let lease = Lease { stream, worker, port };
        self.held.insert(stream, Held { lease, owner });
        out.media(lease, Command::Open { stream, local: self.address, port, seed: rng.u64() });
        Some(lease)
    }

    fn least_loaded(&self) -> usize {
        self.load.iter().enumerate().min_by_key(|(_, load)| **load).map_or(0, |(worker, _)| worker)
    }

    /// Has the worker close the stream; its ports stay leased until it says so.
    pub fn close(&mut self, lease: Lease, out: &mut Outputs) {
        if let Some(held) = self.held.get_mut(&lease.stream)
            && held.owner != Owner::Nobody
        {
            held.owner = Owner::Nobody;
            out.media(lease, Command::Close { stream: lease.stream });
        }
    }

    /// The worker has closed it: the ports go to quarantine.
    pub fn closed(&mut self, now: Moment, stream: StreamId) {
        if let Some(held) = self.held.remove(&stream) {
            self.load[held.lease.worker] -= 1;
            self.ports.release(now, held.lease.port);
        }
    }

    /// The worker could not bind: somebody else has the port. Says whose stream it was.
    pub fn open_failed(&mut self, now: Moment, stream: StreamId) -> Owner {
        let Some(held) = self.held.remove(&stream) else {
            return Owner::Nobody;
        };
        self.load[held.lease.worker] -= 1;
        self.ports.poison(now, held.lease.port);
        held.owner
    }

    pub fn owner(&self, stream: StreamId) -> Owner {
        self.held.get(&stream).map_or(Owner::Nobody, |held| held.owner)
    }

    /// Streams whose worker has not confirmed their end.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Our half of an offer or answer for `lease`. `prefer`: the codec of the other leg, so that packets are
    /// relayed as they are.
    pub fn local(&self, lease: Lease, version: u64, prefer: Option<Codec>) -> Local<'static> {
        Local {
            address: self.address,
            port: lease.port,
            session: lease.stream.0,
            version,
            codecs: &CODECS,
            prefer,
            direction: Direction::SendRecv,
            telephone_event: true,
        }
    }
}

/// What the engine has to say, in order, until the shell takes it.
#[derive(Debug, Default)]
pub struct Outputs(pub std::collections::VecDeque<Output>);

impl Outputs {
    pub fn push(&mut self, output: Output) {
        self.0.push_back(output);
    }

    pub fn media(&mut self, lease: Lease, command: Command) {
        self.push(Output::Media { worker: Some(lease.worker), command });
    }
}
