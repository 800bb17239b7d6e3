//! What waits for the engine, in two queues: who is in a call goes before who would begin one (`Urgency`).

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::error::{TryRecvError, TrySendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::clock::Clock;
use super::limits::{INBOX, INBOX_BYTES, NEW_WAITING};
use crate::engine::input::Input;
use crate::engine::staff::{Answer, Ask};
use crate::moment::Moment;
use crate::sip::transport::Flow;
use crate::sip::triage::Urgency;

/// One thing that waits.
#[derive(Debug)]
pub(super) enum Message {
    /// From a socket, with its share of `INBOX_BYTES`.
    Received {
        flow: Flow,
        bytes: Bytes,
        came: Moment,
        share: Option<OwnedSemaphorePermit>,
    },
    Input(Input),
    Ask(Ask, oneshot::Sender<Answer>),
}

/// The way to the engine, for its own sockets.
#[derive(Clone)]
pub struct Inbox {
    pressing: mpsc::Sender<Message>,
    patient: mpsc::Sender<Message>,
    bytes: Arc<Semaphore>,
    clock: Clock,
}

/// The engine's end of it.
#[derive(Debug)]
pub(super) struct Waiting {
    pressing: mpsc::Receiver<Message>,
    patient: mpsc::Receiver<Message>,
}

/// A new inbox: its ends, and the way of everybody but the sockets, which goes with what is pressing.
pub(super) fn inbox(clock: Clock) -> (Inbox, mpsc::Sender<Message>, Waiting) {
    let (pressing, urgent) = mpsc::channel(INBOX);
    let (patient, new) = mpsc::channel(NEW_WAITING);
    let bytes = Arc::new(Semaphore::new(INBOX_BYTES));
    let inbox = Inbox { pressing: pressing.clone(), patient, bytes, clock };
    (inbox, pressing, Waiting { pressing: urgent, patient: new })
}

impl Inbox {
    /// A message of a stream. Waits while the engine is too far behind. False when it has ended.
    pub async fn message(&self, flow: Flow, bytes: Bytes) -> bool {
        let urgency = Urgency::of(&bytes);
        let message = self.stamped(flow, bytes).await;
        self.queue(urgency).send(message).await.is_ok()
    }

    /// A datagram. While too many new calls wait, one more is lost, as in a full kernel buffer: its sender repeats it, and
    /// what is pressing must not wait behind it. Waits for room for what is pressing. False when the engine has ended.
    pub async fn datagram(&self, flow: Flow, bytes: Bytes) -> bool {
        let urgency = Urgency::of(&bytes);
        let message = self.stamped(flow, bytes).await;
        match self.queue(urgency).try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(_)) if urgency == Urgency::Patient => true,
            Err(TrySendError::Full(message)) => self.pressing.send(message).await.is_ok(),
        }
    }

    /// What an edge has to say of itself. Waits while the engine is `INBOX` behind. False when it has ended.
    pub async fn put(&self, input: Input) -> bool {
        self.pressing.send(Message::Input(input)).await.is_ok()
    }

    /// With the time of its coming, as soon as there is room for its bytes.
    async fn stamped(&self, flow: Flow, bytes: Bytes) -> Message {
        let came = self.clock.now();
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let share = match Arc::clone(&self.bytes).try_acquire_many_owned(size) {
            Ok(share) => Some(share),
            Err(_) => Arc::clone(&self.bytes).acquire_many_owned(size).await.ok(),
        };
        Message::Received { flow, bytes, came, share }
    }

    fn queue(&self, urgency: Urgency) -> &mpsc::Sender<Message> {
        match urgency {
            Urgency::Pressing => &self.pressing,
            Urgency::Patient => &self.patient,
        }
    }
}

impl Waiting {
    /// Waits for something, what is pressing first. `None` when nobody can put anything in any more.
    pub async fn next(&mut self) -> Option<Message> {
        tokio::select! {
            biased;
            message = self.pressing.recv() => message,
            Some(message) = self.patient.recv() => Some(message),
        }
    }

    pub fn next_pressing(&mut self) -> Result<Message, TryRecvError> {
        self.pressing.try_recv()
    }

    pub fn next_patient(&mut self) -> Result<Message, TryRecvError> {
        self.patient.try_recv()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transport::Transport;

    fn flow() -> Flow {
        let address = "127.0.0.1:5060".parse().expect("an address");
        Flow { transport: Transport::Udp, local: address, remote: address, connection: None }
    }

    fn first_word(message: Option<Message>) -> String {
        match message {
            Some(Message::Received { bytes, .. }) => {
                String::from_utf8_lossy(&bytes).split(' ').next().unwrap_or_default().to_owned()
            }
            other => panic!("not a message: {other:?}"),
        }
    }

    #[tokio::test]
    async fn who_is_in_a_call_is_heard_before_who_begins_one_however_many_those_are() {
        let (inbox, _, mut waiting) = inbox(Clock::start());
        for _ in 0..NEW_WAITING + 10 {
            assert!(inbox.datagram(flow(), Bytes::from_static(b"INVITE sip:a SIP/2.0\r\n\r\n")).await);
        }
        assert!(inbox.datagram(flow(), Bytes::from_static(b"BYE sip:a SIP/2.0\r\n\r\n")).await);
        assert_eq!(first_word(waiting.next().await), "BYE");
        let mut new = 0;
        while waiting.next_patient().is_ok() {
            new += 1;
        }
        assert_eq!(new, NEW_WAITING, "the others are lost, to be repeated");
        assert!(waiting.next_pressing().is_err());
    }
}
