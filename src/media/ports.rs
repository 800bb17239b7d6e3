//! Which RTP ports are free. A port rests before it is given again, so that late packets of one call never reach another.

use std::time::Duration;

use crate::moment::Moment;

/// A released port rests this long: phones send for a second or two after BYE.
pub const QUARANTINE: Duration = Duration::from_secs(5);

/// A port that could not be bound belongs to some other program: it is tried again after this.
pub const POISONED: Duration = Duration::from_secs(3_600);

/// Even RTP ports of a range; each stands for itself and the odd one above it (RTCP).
#[derive(Clone, Debug)]
pub struct Ports {}

impl Ports {
    /// Ports from `first` to `last`, both included; an odd `first` is rounded up. Empty if no pair fits.
    pub fn new(first: u16, last: u16) -> Self {
        todo!()
    }

    /// An even port, the one that has rested longest; `None` when all are leased or resting.
    pub fn lease(&mut self, now: Moment) -> Option<u16> {
        todo!()
    }

    /// The stream on `port` is closed. Ports that are not leased are ignored.
    pub fn release(&mut self, now: Moment, port: u16) {
        todo!()
    }

    /// `port` or the one above it could not be bound.
    pub fn poison(&mut self, now: Moment, port: u16) {
        todo!()
    }

    /// Ports now leased.
    pub fn leased(&self) -> usize {
        todo!()
    }

    /// Ports leased, resting and free together.
    pub fn capacity(&self) -> usize {
        todo!()
    }
}
