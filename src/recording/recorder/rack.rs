//! The tapes that are being written: each packet finds its own at once, and those that are due are found without
//! looking at the others.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::open_tape::OpenTape;
use crate::ids::CallId;
use crate::moment::Moment;

/// A tape's place, and when it wanted the disk when that was put down. It may have changed its mind since.
type Appointment = (Moment, usize);

#[derive(Default)]
pub struct Rack {
    tapes: Vec<Option<Place>>,
    free: Vec<usize>,
    places: HashMap<CallId, usize, BuildHasherDefault<CallHasher>>,
    appointments: BinaryHeap<Reverse<Appointment>>,
    failing: usize,
}

struct Place {
    tape: OpenTape,
    due: Moment,
}

/// Spreads call ids, which are moments, by one multiplication: nobody can choose them so that they collide.
#[derive(Default)]
struct CallHasher(u64);

impl Hasher for CallHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        // 2^64 over the golden ratio; the upper bits are the well mixed ones, and the map takes the lower ones too.
        let mixed = (self.0 ^ id).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Rack {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Tapes that cannot be written at the moment.
    pub fn failing(&self) -> usize {
        self.failing
    }

    pub fn holds(&self, call: CallId) -> bool {
        self.places.contains_key(&call)
    }

    pub fn get_mut(&mut self, call: CallId) -> Option<&mut OpenTape> {
        let place = *self.places.get(&call)?;
        Some(&mut self.tapes[place].as_mut()?.tape)
    }

    pub fn put(&mut self, now: Moment, tape: OpenTape) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.tapes.push(None);
            self.tapes.len() - 1
        });
        self.places.insert(tape.call, place);
        let due = tape.due(now);
        self.appointments.push(Reverse((due, place)));
        self.tapes[place] = Some(Place { tape, due });
    }

    /// Does something with a tape by which it may fail, come back, or want the disk at another time.
    pub fn with<T>(&mut self, now: Moment, call: CallId, work: impl FnOnce(&mut OpenTape) -> T) -> Option<T> {
        let number = *self.places.get(&call)?;
        let place = self.tapes[number].as_mut()?;
        let before = usize::from(place.tape.is_failing());
        let done = work(&mut place.tape);
        self.failing = self.failing + usize::from(place.tape.is_failing()) - before;
        let due = place.tape.due(now);
        if due != place.due {
            place.due = due;
            self.appointments.push(Reverse((due, number)));
        }
        Some(done)
    }

    /// A tape whose time has come; each once, if it is `with` looked after or removed.
    pub fn next_due(&mut self, now: Moment) -> Option<CallId> {
        while let Some(Reverse((at, number))) = self.appointments.peek().copied().filter(|r| r.0.0 <= now) {
            self.appointments.pop();
            if let Some(place) = self.tapes[number].as_ref().filter(|place| place.due == at) {
                return Some(place.tape.call);
            }
        }
        None
    }

    pub fn remove(&mut self, call: CallId) -> Option<OpenTape> {
        let number = self.places.remove(&call)?;
        let place = self.tapes[number].take()?;
        self.free.push(number);
        self.failing -= usize::from(place.tape.is_failing());
        Some(place.tape)
    }

    pub fn calls(&self) -> Vec<CallId> {
        self.tapes.iter().flatten().map(|place| place.tape.call).collect()
    }
}
