//! A customer's call as a value: what it is made of at each stage.

use std::sync::Arc;
use std::time::Duration;

use crate::acd::OfferFailure;
use crate::engine::streams::Lease;
use crate::ids::{AgentId, CallId, LegId, PlayId, QueueId, ReleaseId, RequestId, StreamId, TalkId};
use crate::ivr::assisted::Verdict;
use crate::ivr::bot::Handover;
use crate::ivr::run::Run;
use crate::media::command::{Direction, Session};
use crate::media::prompts::Library;
use crate::moment::Moment;
use crate::sdp::session::SessionDescription;
use crate::sip::transport::Flow;
use crate::sip::uri::Uri;

/// From answer to end.
#[derive(Debug)]
pub struct Call {
    pub id: CallId,
    /// The caller's number as signalled.
    pub from: String,
    pub dialled: String,
    pub arrived: Moment,
    pub caller: Party,
    pub run: Run,
    /// What the run's prompts are counted in, although a reload may have brought others since.
    pub library: Arc<Library>,
    /// Which release of the flows it took.
    pub taken: Taken,
    pub stage: Stage,
    pub recorded: bool,
    /// The tape is paused: the caller is typing a secret.
    pub hushed: bool,
    /// Not recorded, but a tape has been opened for messages.
    pub taped_for_messages: bool,
    /// The disk takes nothing of the tape now.
    pub tape_fails: bool,
    /// The one that the caller is speaking.
    pub message: Option<Message>,
    /// Messages begun so far; the number of the last.
    pub messages: u32,
    /// The talk that the caller is asked to rate, once in a call.
    pub survey: Option<Survey>,
    /// When the tape goes on: the last key's tone may still sound.
    pub speaks_at: Option<Moment>,
    /// Time with agents so far, without the present talk.
    pub talked: Duration,
    /// The request whose answer the flow waits for.
    pub asking: Option<Asking>,
    /// The number of the emergency broadcast that the caller heard last.
    pub warned: Option<u64>,
    /// The queue that the caller left by a key, and since when they had waited there.
    pub left: Option<(QueueId, Moment)>,
    /// The agent whom the caller talks with has sent them into a flow, which is what `run` is meanwhile.
    pub assist: Option<Box<Assist>>,
    /// The bot that the caller talks with.
    pub with_bot: Option<Talking>,
    /// What the last bot found out, for the person who takes the call.
    pub handover: Option<Box<Handover>>,
    /// Times the flow sent the call on to another number.
    pub number_transfers: usize,
    /// When the engine must look at it again; kept by the engine's timetable.
    pub wake: Option<Moment>,
}

/// The release of the flows that a call took when it was answered, and what matters for judging it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub release: ReleaseId,
    /// The release that was on trial then, this or another.
    pub trial: Option<ReleaseId>,
    /// A request, a transfer or the flow itself has failed.
    pub failed: bool,
}

/// A request to a host under way for the flow.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    pub id: RequestId,
    /// The run's own number for it.
    pub number: u64,
}

/// A message that a caller is speaking.
#[derive(Clone, Debug)]
pub struct Message {
    /// 1, 2, 3 … within the call.
    pub number: u32,
    /// What the flow calls it.
    pub name: Arc<str>,
    pub since: Moment,
}

/// A talk that a caller is asked to rate.
#[derive(Clone, Debug)]
pub struct Survey {
    pub agent: AgentId,
    pub queue: QueueId,
    /// Given, or not given in time.
    pub answered: bool,
}

/// What waits while the caller is in a flow that their agent sent them to.
#[derive(Debug)]
pub struct Assist {
    pub agent: AgentId,
    /// Goes on afterwards; `None`: the agent has gone.
    pub talk: Option<Talk>,
    pub from_queue: Option<FromQueue>,
    /// The flow that brought the caller, and what its prompts are counted in.
    pub run: Run,
    pub library: Arc<Library>,
    /// When it ends, done or not.
    pub until: Moment,
    /// What came of it, when the caller is being told.
    pub decided: Option<Verdict>,
}

/// A conversation with a bot under way for the flow.
#[derive(Clone, Copy, Debug)]
pub struct Talking {
    pub id: TalkId,
    /// The run's own number for it.
    pub number: u64,
}

/// One end of the call: a SIP leg and its audio.
#[derive(Debug)]
pub struct Party {
    pub leg: LegId,
    pub lease: Lease,
    pub audio: Audio,
    /// Of our session description; grows with every new one (RFC 3264 §8).
    pub version: u64,
}

/// How far offer and answer are.
#[derive(Debug)]
pub enum Audio {
    /// Our offer is out.
    Offered(SessionDescription),
    Agreed {
        ours: SessionDescription,
        session: Session,
    },
}

impl Party {
    /// The peer will not listen to us now: it has put us on hold, or shut the stream.
    pub fn holds_us(&self) -> bool {
        match &self.audio {
            Audio::Offered(_) => false,
            Audio::Agreed { session, .. } => {
                matches!(session.direction, Direction::RecvOnly | Direction::Inactive)
            }
        }
    }

    /// Our session description as the peer has it.
    pub fn ours(&self) -> &SessionDescription {
        match &self.audio {
            Audio::Offered(ours) | Audio::Agreed { ours, .. } => ours,
        }
    }
}

/// Where the call is. Each stage owns what exists only there.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one per call, and talking is what most calls do")]
pub enum Stage {
    /// The flow talks with the caller; `playing` is what it waits to hear the end of.
    Menu {
        playing: Option<PlayId>,
    },
    Waiting(Waiting),
    /// The flow sent the caller to one agent, whose phones ring until then.
    Transferring {
        ringing: Ringing,
        until: Moment,
    },
    Talking(Talk),
}

#[derive(Debug)]
pub struct Waiting {
    pub queue: QueueId,
    pub priority: Option<u8>,
    pub since: Moment,
    /// Callers before this one.
    pub ahead: usize,
    /// Something is said, instead of the music.
    pub announcing: Option<PlayId>,
    pub ringing: Option<Ringing>,
}

/// One agent's phones, for the call. Over when none is left.
#[derive(Debug)]
pub struct Ringing {
    pub agent: AgentId,
    /// Those that ring when their streams are open.
    pub opening: Vec<Opening>,
    /// Those that were sent the INVITE.
    pub phones: Vec<Party>,
    /// What tells most of those that will not be answered.
    pub failed: Option<OfferFailure>,
}

/// A phone that will ring.
#[derive(Debug)]
pub struct Opening {
    pub stream: StreamId,
    /// Its contact.
    pub target: Uri,
    /// The way of its registration.
    pub flow: Flow,
}

#[derive(Debug)]
pub struct Talk {
    pub agent: AgentId,
    /// The queue and the place in it, for a caller whose agent's phone dies.
    pub from_queue: Option<FromQueue>,
    pub phone: Party,
    pub since: Moment,
    /// The agent is announced to the caller: until that ends they are not joined.
    pub introducing: Option<PlayId>,
    /// Whether each side was on hold when last looked at.
    pub held_by_caller: bool,
    pub held_by_agent: bool,
    /// When the agent's phone pressed the star of a code.
    pub star: Option<Moment>,
}

#[derive(Clone, Debug)]
pub struct FromQueue {
    pub queue: QueueId,
    pub priority: Option<u8>,
    pub since: Moment,
}

impl Ringing {
    /// No phone rings or will.
    pub fn is_over(&self) -> bool {
        self.opening.is_empty() && self.phones.is_empty()
    }

    /// One phone less. Why the offer as a whole has failed, if it has: when no phone is left, or when a person said no.
    pub fn lost(&mut self, why: OfferFailure) -> Option<OfferFailure> {
        let worst = self.failed.filter(|before| weight(*before) > weight(why)).unwrap_or(why);
        self.failed = Some(worst);
        (self.is_over() || worst == OfferFailure::Rejected).then_some(worst)
    }
}

/// How much a phone's failure says about the agent, who may have several: a person's word tells more than a phone's
/// silence, and one dead phone tells nothing while another could not be tried.
fn weight(why: OfferFailure) -> u8 {
    match why {
        OfferFailure::Rejected => 4,
        OfferFailure::Busy => 3,
        OfferFailure::NoAnswer => 2,
        OfferFailure::NoPort => 1,
        OfferFailure::Unreachable => 0,
    }
}

impl Stage {
    /// The word that views show.
    pub fn word(&self) -> &'static str {
        match self {
            Stage::Menu { .. } => "menu",
            Stage::Waiting(Waiting { ringing: Some(_), .. }) | Stage::Transferring { .. } => "ringing",
            Stage::Waiting(_) => "waiting",
            Stage::Talking(_) => "talking",
        }
    }

    pub fn queue(&self) -> Option<&QueueId> {
        match self {
            Stage::Waiting(waiting) => Some(&waiting.queue),
            Stage::Talking(talk) => talk.from_queue.as_ref().map(|from| &from.queue),
            Stage::Menu { .. } | Stage::Transferring { .. } => None,
        }
    }

    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Stage::Waiting(waiting) => waiting.ringing.as_ref().map(|ringing| &ringing.agent),
            Stage::Transferring { ringing, .. } => Some(&ringing.agent),
            Stage::Talking(talk) => Some(&talk.agent),
            Stage::Menu { .. } => None,
        }
    }
}

impl Call {
    /// The phones that ring for it now.
    pub fn ringing_mut(&mut self) -> Option<&mut Ringing> {
        match &mut self.stage {
            Stage::Waiting(waiting) => waiting.ringing.as_mut(),
            Stage::Transferring { ringing, .. } => Some(ringing),
            Stage::Menu { .. } | Stage::Talking(_) => None,
        }
    }

    /// Takes the phones that ring off the call. A caller who was being transferred is the flow's again.
    pub fn take_ringing(&mut self) -> Option<Ringing> {
        match std::mem::replace(&mut self.stage, Stage::Menu { playing: None }) {
            Stage::Transferring { ringing, .. } => Some(ringing),
            Stage::Waiting(mut waiting) => {
                let ringing = waiting.ringing.take();
                self.stage = Stage::Waiting(waiting);
                ringing
            }
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// As `take_ringing` when the phone on `leg` was picked up: that phone, and the others.
    pub fn pick_up(&mut self, leg: LegId) -> Option<(Party, Ringing)> {
        let place = self.ringing_mut()?.phones.iter().position(|phone| phone.leg == leg)?;
        let mut ringing = self.take_ringing()?;
        Some((ringing.phones.swap_remove(place), ringing))
    }

    /// Takes the talk off the call if the agent's phone is on `leg`; the caller is with nobody then.
    pub fn take_talk(&mut self, leg: LegId) -> Option<Talk> {
        match std::mem::replace(&mut self.stage, Stage::Menu { playing: None }) {
            Stage::Talking(talk) if talk.phone.leg == leg => Some(talk),
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// The word that views show.
    pub fn word(&self) -> &'static str {
        if self.assist.is_some() { "verifying" } else { self.stage.word() }
    }

    /// The agent who is with the caller, or to be.
    pub fn agent(&self) -> Option<&AgentId> {
        let waits = self.assist.as_ref().filter(|assist| assist.talk.is_some());
        waits.map(|assist| &assist.agent).or(self.stage.agent())
    }

    /// The talk that is under way, or waits for the caller.
    pub fn talk(&self) -> Option<&Talk> {
        match (&self.stage, &self.assist) {
            (Stage::Talking(talk), _) => Some(talk),
            (_, Some(assist)) => assist.talk.as_ref(),
            _ => None,
        }
    }

    /// Takes the talk that waits for the caller, if the agent's phone is on `leg`.
    pub fn take_waiting_talk(&mut self, leg: LegId) -> Option<Talk> {
        self.assist.as_mut()?.talk.take_if(|talk| talk.phone.leg == leg)
    }

    /// The party on `leg`: the caller, the agent talked with, or a phone that rings.
    pub fn party_mut(&mut self, leg: LegId) -> Option<&mut Party> {
        if self.caller.leg == leg {
            return Some(&mut self.caller);
        }
        if let Some(talk) = self.assist.as_mut().and_then(|assist| assist.talk.as_mut()) {
            return Some(&mut talk.phone).filter(|phone| phone.leg == leg);
        }
        let phones = match &mut self.stage {
            Stage::Talking(talk) => std::slice::from_mut(&mut talk.phone),
            Stage::Waiting(Waiting { ringing: Some(ringing), .. }) | Stage::Transferring { ringing, .. } => {
                &mut ringing.phones[..]
            }
            Stage::Menu { .. } | Stage::Waiting(_) => return None,
        };
        phones.iter_mut().find(|phone| phone.leg == leg)
    }
}
