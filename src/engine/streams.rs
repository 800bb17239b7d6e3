//! RTP streams: ports leased, workers chosen, owners known. The sockets are the workers'.
//!
//! A stream is its owner's when its worker has bound the ports, not before: what somebody else holds is found out
//! while nothing has been promised to a telephone, and the next port is tried.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::limits::{OPEN_WAIT, PORT_TRIES};
use super::output::Output;
use crate::config;
use crate::ids::{CallId, LegId, StreamId};
use crate::media::command::{Codec, Command, Direction};
use crate::media::event::blames_port;
use crate::media::ports::Ports;
use crate::media::srtp::keying::{KeySeed, Keying};
use crate::moment::Moment;
use crate::rng::Rng;
use crate::sdp::negotiate::{Keys, Local, Security, Terms};

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
    /// Whose it was opened for, closed or not.
    opened_for: Owner,
}

/// Whose stream it is. A closed one is nobody's, until its worker confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Caller(CallId),
    Phone(CallId),
    Service(LegId),
    Nobody,
}

/// A stream whose worker has not said yet that it is open.
#[derive(Debug)]
struct Opening {
    /// Ports asked for so far.
    tries: usize,
    /// When the worker is no longer waited for.
    until: Moment,
}

/// All leased streams.
#[derive(Debug)]
pub struct Streams {
    address: IpAddr,
    /// In the order we offer them.
    codecs: Arc<[Codec]>,
    security: Security,
    ports: Ports,
    /// The first of the ports that trunks share, two for each worker.
    trunk_port: Option<u16>,
    /// Streams per worker: the next call goes to the least loaded.
    load: Vec<usize>,
    /// Workers that have more to do than their core can.
    overloaded: BTreeSet<usize>,
    held: BTreeMap<StreamId, Held>,
    /// Numbers are given in order of time, and all wait equally long: the first is due first.
    opening: BTreeMap<StreamId, Opening>,
    next: u64,
}

impl Streams {
    pub fn new(media: &config::Media, rng: &mut Rng) -> Streams {
        Streams {
            address: media.address,
            codecs: Arc::clone(&media.codecs),
            security: security(media.srtp),
            ports: Ports::new(media.ports.0, media.ports.1, rng),
            trunk_port: media.trunk_port,
            load: vec![0; media.workers.max(1)],
            overloaded: BTreeSet::new(),
            held: BTreeMap::new(),
            opening: BTreeMap::new(),
            next: 1,
        }
    }

    /// Leases ports on `worker` (the least loaded if `None`) and has them opened: `opened` or, in the end, `open_failed`
    /// or `overdue` says what came of it. `None` when no port is left.
    pub fn open(
        &mut self,
        now: Moment,
        worker: Option<usize>,
        owner: Owner,
        rng: &mut Rng,
        out: &mut Outputs,
    ) -> Option<StreamId> {
        let port = self.ports.lease(now)?;
        let worker = worker.unwrap_or_else(|| self.least_loaded());
        let lease = self.hold(now, worker, port, owner);
        let stream = lease.stream;
        out.media(lease, Command::Open { stream, local: self.address, port, seed: rng.u64() });
        Some(stream)
    }

    /// The same on the ports that trunks share; on ports of its own if there are none.
    pub fn join(&mut self, now: Moment, owner: Owner, rng: &mut Rng, out: &mut Outputs) -> Option<StreamId> {
        let worker = self.least_loaded();
        let Some(port) = self.trunk_port_of(worker) else {
            return self.open(now, Some(worker), owner, rng, out);
        };
        let lease = self.hold(now, worker, port, owner);
        let stream = lease.stream;
        out.media(lease, Command::Join { stream, local: self.address, port, seed: rng.u64() });
        Some(stream)
    }

    fn trunk_port_of(&self, worker: usize) -> Option<u16> {
        self.trunk_port?.checked_add(u16::try_from(2 * worker).ok()?)
    }

    fn hold(&mut self, now: Moment, worker: usize, port: u16, owner: Owner) -> Lease {
        let stream = StreamId(self.next);
        self.next += 1;
        self.load[worker] += 1;
        let lease = Lease { stream, worker, port };
        self.held.insert(stream, Held { lease, owner, opened_for: owner });
        self.opening.insert(stream, Opening { tries: 1, until: now + OPEN_WAIT });
        lease
    }

    /// One that keeps up, if there is any.
    fn least_loaded(&self) -> usize {
        let weight = |(worker, load): &(usize, &usize)| (self.overloaded.contains(worker), **load);
        self.load.iter().enumerate().min_by_key(weight).map_or(0, |(worker, _)| worker)
    }

    /// A worker cannot do all it has, or can again.
    pub fn set_overloaded(&mut self, worker: usize, overloaded: bool) {
        if overloaded {
            self.overloaded.insert(worker);
        } else {
            self.overloaded.remove(&worker);
        }
    }

    /// This one has more to do than its core can.
    pub fn is_overloaded(&self, worker: usize) -> bool {
        self.overloaded.contains(&worker)
    }

    /// No worker can take another call.
    pub fn all_overloaded(&self) -> bool {
        self.overloaded.len() >= self.load.len()
    }

    /// The worker has bound the ports. Whose stream it is, if that was not known yet and the stream is still wanted.
    pub fn opened(&mut self, stream: StreamId) -> Option<(Owner, Lease)> {
        self.opening.remove(&stream)?;
        self.held.get(&stream).map(|held| (held.owner, held.lease))
    }

    /// The worker could not bind `port`. If somebody else has it the next one is tried; whose stream it was, if it is
    /// given up.
    pub fn open_failed(
        &mut self,
        now: Moment,
        (stream, port, errno): (StreamId, u16, i32),
        rng: &mut Rng,
        out: &mut Outputs,
    ) -> Option<Owner> {
        let worker = self.held.get(&stream)?.lease.worker;
        let shared = self.trunk_port_of(worker) == Some(port);
        let held = self.held.get_mut(&stream).filter(|held| held.lease.port == port)?;
        let opening = self.opening.remove(&stream);
        if opening.is_none() && held.owner != Owner::Nobody {
            return None;
        }
        if shared || !blames_port(errno) {
            // A shared port is not leased, and not given back by this.
            self.ports.release(now, port);
        } else {
            self.ports.poison(now, port);
            if let Some(Opening { tries, until }) = opening.filter(|opening| opening.tries < PORT_TRIES)
                && let Some(port) = self.ports.lease(now)
            {
                held.lease.port = port;
                self.opening.insert(stream, Opening { tries: tries + 1, until });
                out.media(held.lease, Command::Open { stream, local: self.address, port, seed: rng.u64() });
                return None;
            }
        }
        let held = self.held.remove(&stream)?;
        self.load[held.lease.worker] -= 1;
        Some(held.owner)
    }

    /// The next stream whose worker was waited for long enough, and whose it was; it is closed.
    pub fn overdue(&mut self, now: Moment, out: &mut Outputs) -> Option<(StreamId, Owner)> {
        let (&stream, _) = self.opening.first_key_value().filter(|(_, opening)| opening.until <= now)?;
        let owner = self.owner(stream);
        self.close(stream, out);
        Some((stream, owner))
    }

    /// When `overdue` has something.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.opening.first_key_value().map(|(_, opening)| opening.until)
    }

    /// Has the worker close the stream; its ports stay leased until it says so.
    pub fn close(&mut self, stream: StreamId, out: &mut Outputs) {
        self.opening.remove(&stream);
        if let Some(held) = self.held.get_mut(&stream)
            && held.owner != Owner::Nobody
        {
            held.owner = Owner::Nobody;
            out.media(held.lease, Command::Close { stream });
        }
    }

    /// The worker has closed it: the ports go to quarantine. Whose it was.
    pub fn closed(&mut self, now: Moment, stream: StreamId) -> Owner {
        let Some(held) = self.held.remove(&stream) else { return Owner::Nobody };
        self.load[held.lease.worker] -= 1;
        self.ports.release(now, held.lease.port);
        held.opened_for
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
    /// relayed as they are. `current`: the keys that the stream has.
    pub fn local<'a>(
        &'a self,
        lease: Lease,
        version: u64,
        prefer: Option<Codec>,
        current: Option<&'a Keying>,
        rng: &mut Rng,
    ) -> Local<'a> {
        Local {
            address: self.address,
            port: lease.port,
            session: lease.stream.0,
            version,
            codecs: &self.codecs,
            prefer,
            direction: Direction::SendRecv,
            telephone_event: true,
            srtp: Terms { security: self.security, keys: Keys::Drawn { seed: KeySeed::drawn(rng), current } },
        }
    }
}

fn security(configured: config::Srtp) -> Security {
    match configured {
        config::Srtp::Off => Security::Off,
        config::Srtp::Accepted => Security::Accepted,
        config::Srtp::Offered => Security::Offered,
        config::Srtp::Required => Security::Required,
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
