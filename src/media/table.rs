//! Streams by slot for packets, by id for commands.

use std::collections::BTreeMap;

use super::limits::STREAMS;
use super::stream::Stream;
use crate::ids::StreamId;

#[derive(Debug, Default)]
struct Entry {
    /// Grows with each use of the slot, so that a wake-up meant for a closed stream finds nobody.
    generation: u32,
    /// Boxed, so that a growing table moves pointers, not streams.
    stream: Option<Box<Stream>>,
}

/// All streams of a worker.
#[derive(Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
    free: Vec<usize>,
    slots: BTreeMap<StreamId, usize>,
}

impl Table {
    /// A free slot and its generation; `None` if all `STREAMS` are taken. It stays free until `put`.
    pub fn vacancy(&mut self) -> Option<(usize, u32)> {
        if self.free.is_empty() {
            if self.entries.len() >= STREAMS {
                return None;
            }
            self.free.push(self.entries.len());
            self.entries.push(Entry::default());
        }
        let slot = *self.free.last()?;
        Some((slot, self.entries[slot].generation))
    }

    /// Takes the slot that `vacancy` offered.
    pub fn put(&mut self, stream: Stream) {
        if let Some(slot) = self.free.pop() {
            self.slots.insert(stream.id, slot);
            self.entries[slot].stream = Some(Box::new(stream));
        }
    }

    pub fn remove(&mut self, slot: usize) -> Option<Box<Stream>> {
        let entry = self.entries.get_mut(slot)?;
        let stream = entry.stream.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.slots.remove(&stream.id);
        self.free.push(slot);
        Some(stream)
    }

    pub fn find(&self, stream: StreamId) -> Option<usize> {
        self.slots.get(&stream).copied()
    }

    pub fn get_mut(&mut self, slot: usize) -> Option<&mut Stream> {
        self.entries.get_mut(slot)?.stream.as_deref_mut()
    }

    /// The slot still holds the stream that it held in `generation`.
    pub fn is_current(&self, slot: usize, generation: u32) -> bool {
        self.entries.get(slot).is_some_and(|e| e.generation == generation && e.stream.is_some())
    }

    /// The lowest id that is open.
    pub fn any(&self) -> Option<StreamId> {
        self.slots.keys().next().copied()
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;

    fn stream(id: u64) -> Stream {
        Stream::new(StreamId(id), id, Moment::ZERO)
    }

    #[test]
    fn a_slot_used_again_has_another_generation() {
        let mut table = Table::default();
        let (slot, first) = table.vacancy().unwrap();
        table.put(stream(1));
        assert!(table.is_current(slot, first));
        table.remove(slot);
        let (again, second) = table.vacancy().unwrap();
        table.put(stream(2));
        assert_eq!(slot, again);
        assert!(!table.is_current(slot, first) && table.is_current(slot, second));
        assert_eq!((table.find(StreamId(1)), table.find(StreamId(2))), (None, Some(slot)));
    }

    #[test]
    fn beyond_the_limit_there_is_no_vacancy() {
        let mut table = Table::default();
        for id in 0..STREAMS as u64 {
            table.vacancy().unwrap();
            table.put(stream(id));
        }
        assert_eq!(table.vacancy(), None);
        table.remove(7);
        assert_eq!(table.vacancy().map(|(slot, _)| slot), Some(7));
    }
}
