//! Callers who talk with bots: who may at once, what is said of it, and what is kept for the person who takes the call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::customer::Next;
use super::happened::{BotOutcome, What};
use super::output::{BotOrder, Output};
use crate::call::customer::{Call, Stage, Talking as WithBot};
use crate::ids::{CallId, TalkId};
use crate::ivr::bot::{BotEnd, BotFailure, BotRequest, Handover};
use crate::ivr::run::Event as RunEvent;
use crate::media::command::Source;
use crate::moment::Moment;

/// Conversations under way. Each is ended once by who carries it out.
#[derive(Debug, Default)]
pub(super) struct Talks {
    under_way: BTreeMap<TalkId, Underway>,
    last: u64,
}

#[derive(Debug)]
struct Underway {
    bot: Arc<str>,
    node: Arc<str>,
    since: Moment,
    /// Whose it is; nobody's any more, if it was given up.
    call: Option<CallId>,
}

/// What a conversation was like, as who carried it out counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BotFigures {
    /// Milliseconds of the caller's audio that the bot did not take in time.
    pub unheard_ms: u64,
    /// Milliseconds of the bot's audio that were too much and dropped.
    pub unsaid_ms: u64,
}

impl Engine {
    /// Connects the caller with a bot, or tells the flow at once that this cannot be.
    pub(super) fn begin_talk(&mut self, now: Moment, call: &mut Call, request: Box<BotRequest>) -> Next {
        let bot = self.world.config.bots.get(&*request.bot).cloned();
        let node: Arc<str> = call.run.place();
        let of_bot = self.talks.under_way.values().filter(|talk| talk.bot == request.bot).count();
        let refused = match &bot {
            None => Some(BotFailure::UnknownBot),
            Some(bot) if of_bot >= bot.max_calls => Some(BotFailure::Busy),
            Some(_) => None,
        };
        let talk = Underway { bot: request.bot.clone(), node, since: now, call: Some(call.id) };
        if let Some(why) = refused {
            let end = BotEnd::Failed(why);
            self.bot_left(now, call.id, &talk, &end, BotFigures::default());
            return Next::Tell(RunEvent::BotDone(end));
        }
        let Some(bot) = bot else { return Next::Goes };
        self.talks.last += 1;
        let id = TalkId(self.talks.last);
        let (bot_name, node) = (talk.bot.to_string(), talk.node.to_string());
        self.happened(now, Some(call.id), None, What::BotJoined { bot: bot_name, node });
        self.talks.under_way.insert(id, talk);
        call.with_bot = Some(WithBot { id, number: request.number });
        let lease = call.caller.lease;
        self.out.push(Output::Bot(BotOrder::Begin {
            id,
            call: call.id,
            worker: lease.worker,
            stream: lease.stream,
            bot: Box::new(bot),
            request,
        }));
        Next::Goes
    }

    /// A key for the bot, if the caller talks with one. False if not.
    pub(super) fn key_for_bot(&mut self, call: CallId, symbol: char) -> bool {
        let Some(call) = self.calls.get(&call) else { return false };
        // An agent who waits gets the caller back at a star, whoever they talk with.
        let back = symbol == '*' && call.assist.is_some();
        let Some(talk) = call.with_bot.filter(|_| !back && matches!(call.stage, Stage::Menu { .. })) else {
            return false;
        };
        self.out.push(Output::Bot(BotOrder::Key { id: talk.id, key: super::output::Key(symbol) }));
        true
    }

    /// How a conversation ended. Nobody hears of it if the caller has gone on or hung up.
    pub(super) fn bot_done(&mut self, now: Moment, id: TalkId, end: BotEnd, figures: BotFigures) {
        let Some(talk) = self.talks.under_way.remove(&id) else { return };
        let Some(call) = talk.call else { return };
        self.bot_left(now, call, &talk, &end, figures);
        let Some(call) = self.calls.get_mut(&call) else { return };
        if call.with_bot.take_if(|with| with.id == id).is_none() {
            return;
        }
        if let BotEnd::Result(result) = &end {
            call.handover = Some(Box::new(Handover { bot: talk.bot.clone(), result: (**result).clone() }));
        }
        let (call, lease) = (call.id, call.caller.lease);
        self.hear(lease, Source::Silence);
        self.tell(now, call, RunEvent::BotDone(end));
    }

    /// The flow has gone on without the bot: its time is over, or the call is elsewhere.
    pub(super) fn let_go_of_bot(&mut self, now: Moment, call: &mut Call) {
        if call.with_bot.is_some_and(|with| call.run.talks() != Some(with.number)) {
            self.hear(call.caller.lease, Source::Silence);
            self.give_up_talk(now, call, BotFailure::TooLong);
        }
    }

    /// The bot is told that it is over. Until it has gone it counts against how many may talk with it.
    pub(super) fn give_up_talk(&mut self, now: Moment, call: &mut Call, why: BotFailure) {
        let Some(WithBot { id, .. }) = call.with_bot.take() else { return };
        self.out.push(Output::Bot(BotOrder::End { id }));
        let Some(mut talk) = self.talks.under_way.remove(&id) else { return };
        talk.call = None;
        self.bot_left(now, call.id, &talk, &BotEnd::Failed(why), BotFigures::default());
        self.talks.under_way.insert(id, talk);
    }

    fn bot_left(&mut self, now: Moment, call: CallId, talk: &Underway, end: &BotEnd, figures: BotFigures) {
        let ms = u64::try_from(now.since(talk.since).as_millis()).unwrap_or(u64::MAX);
        let (outcome, slots, said) = match end {
            BotEnd::Closed => (BotOutcome::Closed, 0, 0),
            BotEnd::Failed(why) => (BotOutcome::Failed(*why), 0, 0),
            BotEnd::Result(result) => {
                let outcome = if result.person { BotOutcome::Person } else { BotOutcome::Result };
                (outcome, result.slots.len(), result.said())
            }
        };
        let (bot, node) = (talk.bot.to_string(), talk.node.to_string());
        let BotFigures { unheard_ms, unsaid_ms } = figures;
        let left = What::BotLeft { bot, node, outcome, ms, slots, said, unheard_ms, unsaid_ms };
        self.happened(now, Some(call), None, left);
    }
}
