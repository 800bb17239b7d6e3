//! Events on their way to the engine. None is lost while the engine merely is slow.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::Event;
use super::limits::EVENTS_WAITING;
use super::stats::WorkerStats;

/// The worker's end of the event ring, and the room for what does not fit.
#[derive(Debug)]
pub struct Outbox {
    ring: rtrb::Producer<Event>,
    /// Older than everything told later; allocated once.
    waiting: VecDeque<Event>,
    told: bool,
    stats: Arc<WorkerStats>,
}

impl Outbox {
    pub fn new(ring: rtrb::Producer<Event>, stats: Arc<WorkerStats>) -> Self {
        Outbox { ring, waiting: VecDeque::with_capacity(EVENTS_WAITING), told: false, stats }
    }

    /// Tells the engine, now or when the ring has room, in order.
    pub fn tell(&mut self, event: Event) {
        let event = if self.waiting.is_empty() {
            match self.ring.push(event) {
                Ok(()) => {
                    self.told = true;
                    return;
                }
                Err(rtrb::PushError::Full(event)) => event,
            }
        } else {
            event
        };
        if self.waiting.len() >= EVENTS_WAITING {
            self.stats.events_lost.add(1);
            return;
        }
        self.stats.events_waited.add(1);
        self.waiting.push_back(event);
    }

    /// Moves what waits. True if anything went into the ring since the last call, so that the engine must be woken.
    pub fn flush(&mut self) -> bool {
        while let Some(event) = self.waiting.pop_front() {
            if let Err(rtrb::PushError::Full(event)) = self.ring.push(event) {
                self.waiting.push_front(event);
                break;
            }
            self.told = true;
        }
        std::mem::take(&mut self.told)
    }

    /// Something waits.
    pub fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// So much waits that no more commands may be obeyed, for each can cause an event.
    pub fn is_congested(&self) -> bool {
        self.waiting.len() >= EVENTS_WAITING / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PlayId, StreamId};

    fn played(number: u64) -> Event {
        Event::Played { stream: StreamId(1), play: PlayId(number) }
    }

    #[test]
    fn events_that_do_not_fit_wait_and_keep_their_order() {
        let (ring, mut engine) = rtrb::RingBuffer::new(2);
        let mut outbox = Outbox::new(ring, Arc::default());
        (0..5).for_each(|n| outbox.tell(played(n)));
        assert!(outbox.is_behind());
        let mut seen = Vec::new();
        for _ in 0..3 {
            outbox.flush();
            while let Ok(event) = engine.pop() {
                seen.push(event);
            }
        }
        assert_eq!(seen, (0..5).map(played).collect::<Vec<_>>());
        assert!(!outbox.flush(), "nothing new to wake the engine for");
    }

    #[test]
    fn beyond_the_limit_the_newest_is_dropped_and_counted() {
        let (ring, _engine) = rtrb::RingBuffer::new(1);
        let stats = Arc::<WorkerStats>::default();
        let mut outbox = Outbox::new(ring, stats.clone());
        for n in 0..EVENTS_WAITING as u64 + 4 {
            outbox.tell(played(n));
        }
        assert!(outbox.is_congested());
        assert_eq!(stats.events_lost.get(), 3);
    }
}
