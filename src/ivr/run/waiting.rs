//! A caller in a queue, from the flow's side: what they are told when, and the keys that mean something meanwhile.
//!
//! One thing is said at a time, and nothing new while an agent's phone rings: the engine then lets no time pass here.

use std::time::Duration;

use super::{Action, QueueExit, Run, State};
use crate::ids::AgentId;
use crate::ivr::callback::{self, Wish};
use crate::ivr::expression::Compared;
use crate::ivr::flow::{Flow, LanguageId, NodeId, Step, key_index};
use crate::ivr::meanwhile::{self, Comfort, Meanwhile, Offer, Tell};
use crate::ivr::say::Manner;
use crate::ivr::value::Quantity;
use crate::media::prompts::PromptId;
use crate::moment::Moment;

/// Pause before a place that has improved is told again: in a queue that moves fast nobody wants to hear each step.
pub const PLACE_PAUSE: Duration = Duration::from_secs(20);

/// An estimate below is not said: "one minute" for some seconds is wrong, and the caller is served before they have
/// thought about it.
pub const ESTIMATE_SAID: Duration = Duration::from_secs(20);

/// Waits are told in minutes.
const MINUTE: Duration = Duration::from_secs(60);

/// What is heard in a queue when nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Music {
    OfQueue,
    Silence,
    Prompt(PromptId),
}

/// How it stands with the offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    /// It is made then, if not before.
    Due(Option<Moment>),
    /// Its keys are good.
    Made,
    Declined,
}

/// What a caller in a queue has been told, and is yet to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    place: Option<Place>,
    /// Minutes told last.
    minutes: Option<u32>,
    place_told: Option<Moment>,
    place_due: Option<Moment>,
    comfort_due: Option<Moment>,
    /// The comfort messages so far.
    comforts: usize,
    offer: Offered,
    speaks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    ahead: usize,
    estimate: Option<Duration>,
}

impl Patience {
    pub fn begin(now: Moment, meanwhile: &Meanwhile) -> Patience {
        let comfort_due = match &meanwhile.comfort {
            Comfort::Own { every, .. } => Some(now + *every),
            Comfort::OfQueue | Comfort::None => None,
        };
        let after = meanwhile.offer.as_ref().and_then(|offer| offer.after);
        Patience {
            place: None,
            minutes: None,
            place_told: None,
            place_due: None,
            comfort_due,
            comforts: 0,
            offer: Offered::Due(after.map(|after| now + after)),
            speaks: false,
        }
    }

    /// Nothing falls due while something is said.
    pub fn next_deadline(&self) -> Option<Moment> {
        let offer = match self.offer {
            Offered::Due(due) => due,
            Offered::Made | Offered::Declined => None,
        };
        let due = [self.place_due, self.comfort_due, offer].into_iter().flatten().min();
        due.filter(|_| !self.speaks)
    }

    fn placed(&mut self, now: Moment, place: Place, meanwhile: &Meanwhile) {
        let before = self.place.replace(place);
        if let Some(most) = meanwhile.offer.as_ref().and_then(|offer| offer.estimate)
            && let Offered::Due(due) = &mut self.offer
            && place.estimate.is_some_and(|estimate| estimate > most)
        {
            *due = Some(due.map_or(now, |due| due.min(now)));
        }
        let improved = before.is_none_or(|before| place.ahead < before.ahead);
        if meanwhile.tell.is_some() && improved {
            let earliest = self.place_told.map_or(now, |told| now.max(told + PLACE_PAUSE));
            self.place_due = Some(self.place_due.map_or(earliest, |due| due.min(earliest)));
        }
    }

    /// What is due is said, one thing at a time: the place first, for it is asked for most, then the offer.
    fn due(&mut self, now: Moment, meanwhile: &Meanwhile) -> Option<Due> {
        let comes = |due: Option<Moment>| due.is_some_and(|due| due <= now);
        if comes(self.place_due) {
            let every = meanwhile.tell.as_ref().and_then(|tell| tell.every);
            self.place_due = every.map(|every| now + every);
            return Some(Due::Place);
        }
        if matches!(self.offer, Offered::Due(due) if comes(due)) {
            self.offer = Offered::Made;
            return Some(Due::Offer);
        }
        if comes(self.comfort_due) {
            return Some(Due::Comfort);
        }
        None
    }

    /// What of the place is worth saying now, and is taken to be said.
    fn news(&mut self, now: Moment, tell: &Tell) -> Option<News> {
        let place = self.place?;
        let estimate = place.estimate.filter(|estimate| tell.estimate && *estimate >= ESTIMATE_SAID);
        // Rounded up: who waits less than they were told does not complain.
        let minutes = estimate.map(|estimate| estimate.as_millis().div_ceil(MINUTE.as_millis()));
        let minutes = minutes.and_then(|minutes| u32::try_from(minutes).ok());
        let busier = self.minutes.is_some() && minutes > self.minutes;
        self.minutes = minutes.or(self.minutes);
        self.place_told = Some(now);
        let wait = minutes.map(|minutes| MINUTE.saturating_mul(minutes));
        Some(News { ahead: place.ahead, wait, busier })
    }

    /// The message whose turn it is.
    fn comforts(&mut self, now: Moment, meanwhile: &Meanwhile, language: LanguageId) -> Option<PromptId> {
        let Comfort::Own { messages, every } = &meanwhile.comfort else { return None };
        self.comfort_due = Some(now + *every);
        let messages = messages.of(language);
        let turn = self.comforts.checked_rem(messages.len())?;
        self.comforts += 1;
        messages.get(turn).copied()
    }

    /// Something is said now: whatever it is, the caller knows that they are not forgotten.
    fn speaks(&mut self, now: Moment, meanwhile: &Meanwhile) {
        self.speaks = true;
        if let Comfort::Own { every, .. } = &meanwhile.comfort {
            self.comfort_due = Some(now + *every);
        }
    }
}

enum Due {
    Place,
    Offer,
    Comfort,
}

impl Run {
    /// The queue the caller is in, or has just been connected from.
    fn meanwhile(&self) -> Option<&Meanwhile> {
        match &self.flow.node(self.node).step {
            Step::Queue(waiting) => Some(&waiting.meanwhile),
            _ => None,
        }
    }

    /// What is heard in the queue the caller is in, or was connected from, when nothing is said.
    pub fn music(&self) -> Music {
        match self.meanwhile().map(|meanwhile| &meanwhile.music) {
            None | Some(meanwhile::Music::OfQueue) => Music::OfQueue,
            Some(meanwhile::Music::Silence) => Music::Silence,
            Some(meanwhile::Music::Own(spoken)) => {
                spoken.of(self.language).first().map_or(Music::Silence, |prompt| Music::Prompt(*prompt))
            }
        }
    }

    /// What is said before an agent who has picked up is joined with the caller; nothing for one without a number.
    pub fn introduces(&self, agent: &AgentId) -> Vec<PromptId> {
        let Some([before, after]) = self.meanwhile().and_then(|meanwhile| meanwhile.agent_id.as_ref()) else {
            return Vec::new();
        };
        let number = self.flow.words[self.language.0].say(Compared::Text(agent.as_str()), Manner::Digits);
        if number.is_empty() {
            return Vec::new();
        }
        [before.of(self.language), &number, after.of(self.language)].concat()
    }

    pub(super) fn placed(&mut self, now: Moment, ahead: usize, estimate: Option<Duration>) {
        let flow = self.flow.clone();
        if let (State::Queued(patience), Step::Queue(waiting)) = (&mut self.state, &flow.node(self.node).step)
        {
            patience.placed(now, Place { ahead, estimate }, &waiting.meanwhile);
        }
    }

    /// The queue's own message gives way to whatever the flow says.
    pub(super) fn comforted(&mut self, now: Moment, prompts: Vec<PromptId>, actions: &mut Vec<Action>) {
        let own = self.meanwhile().is_none_or(|meanwhile| !matches!(meanwhile.comfort, Comfort::OfQueue));
        let State::Queued(patience) = &mut self.state else { return };
        let next = patience.next_deadline();
        if own || prompts.is_empty() || patience.speaks || next.is_some_and(|due| due <= now) {
            return;
        }
        patience.speaks = true;
        actions.push(Action::Announce { prompts });
    }

    /// What was said in the queue has ended. That leads nowhere.
    pub(super) fn said(&mut self) -> Option<NodeId> {
        if let State::Queued(patience) = &mut self.state {
            patience.speaks = false;
        }
        None
    }

    pub(super) fn queue_left(&mut self, now: Moment, why: QueueExit, actions: &mut Vec<Action>) {
        let flow = self.flow.clone();
        if !matches!(self.state, State::Queued(_)) {
            return;
        }
        let Step::Queue(waiting) = &flow.node(self.node).step else { return };
        self.alive = now;
        let next = match why {
            QueueExit::Timeout => waiting.on_timeout,
            QueueExit::Full => waiting.on_full,
            QueueExit::Empty => waiting.on_empty.unwrap_or(waiting.on_timeout),
        };
        self.go(now, next, actions);
    }

    /// Says what is due.
    pub(super) fn speak_up(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let flow = self.flow.clone();
        let Step::Queue(waiting) = &flow.node(self.node).step else { return };
        let (meanwhile, language) = (&waiting.meanwhile, self.language);
        let State::Queued(patience) = &mut self.state else { return };
        while let Some(due) = patience.due(now, meanwhile) {
            let prompts = match due {
                Due::Place => {
                    let news =
                        meanwhile.tell.as_ref().and_then(|tell| Some((tell, patience.news(now, tell)?)));
                    news.map_or(Vec::new(), |(tell, news)| news.told(&flow, language, tell))
                }
                Due::Offer => {
                    meanwhile.offer.as_ref().map_or(Vec::new(), |offer| offer.prompts.of(language).to_vec())
                }
                Due::Comfort => patience.comforts(now, meanwhile, language).into_iter().collect(),
            };
            if !prompts.is_empty() {
                patience.speaks(now, meanwhile);
                return actions.push(Action::Announce { prompts });
            }
        }
    }

    /// A key that means nothing is not even heard. The node that it leads to, if it leaves the queue.
    pub(super) fn key_while_waiting(
        &mut self,
        now: Moment,
        key: char,
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        let flow = self.flow.clone();
        let Step::Queue(waiting) = &flow.node(self.node).step else { return None };
        let State::Queued(patience) = &mut self.state else { return None };
        let place = key_index(key)?;
        let offer: Option<&Offer> = waiting.meanwhile.offer.as_ref();
        let offer = offer.filter(|_| patience.offer == Offered::Made);
        if offer.is_some_and(|offer| offer.stay == Some(place)) {
            patience.offer = Offered::Declined;
            if patience.speaks {
                patience.speaks = false;
                actions.push(Action::Announce { prompts: Vec::new() });
            }
            return None;
        }
        let to = waiting.meanwhile.keys[place].or(offer.and_then(|offer| offer.keys[place]))?;
        self.alive = now;
        actions.push(Action::LeaveQueue);
        Some(to)
    }

    /// Where the call goes after a wish to be called back.
    pub(super) fn wishes(&mut self, wish: &Wish, actions: &mut Vec<Action>) -> NodeId {
        let number = match self.value(&wish.number) {
            Compared::Text(number) => callback::plausible(number),
            // The checker lets only texts be called.
            _ => None,
        };
        match number {
            // Calling ourselves, we would be our own caller.
            Some(number) if number != self.caller.dialled => {
                actions.push(Action::Callback { queue: wish.queue.clone(), number });
                wish.next
            }
            _ => wish.on_refused,
        }
    }
}

/// What is worth saying of a place.
struct News {
    ahead: usize,
    wait: Option<Duration>,
    /// It is longer than what was said before.
    busier: bool,
}

impl News {
    fn told(&self, flow: &Flow, language: LanguageId, tell: &Tell) -> Vec<PromptId> {
        let words = &flow.words[language.0];
        let [before, after] = [&tell.ahead[0], &tell.ahead[1]].map(|spoken| spoken.of(language));
        let mut prompts = match self.ahead {
            _ if !tell.position => Vec::new(),
            0 => tell.next.of(language).to_vec(),
            1 => tell.one.of(language).to_vec(),
            ahead => [before, &words.count(ahead), after].concat(),
        };
        if let Some(wait) = self.wait {
            if self.busier {
                prompts.extend_from_slice(tell.busier.of(language));
            }
            prompts.extend_from_slice(tell.wait.of(language));
            prompts.extend(words.say(Compared::Quantity(Quantity::Duration(wait)), Manner::Duration));
        }
        prompts
    }
}
