//! Flows that ask the bank's own hosts: who may be asked how often at once, and what is said of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::customer::Next;
use super::happened::{HttpOutcome, What};
use super::{Engine, Output};
use crate::call::customer::{Asking, Call};
use crate::ids::{CallId, RequestId};
use crate::ivr::http::{HttpFailure, HttpRequest, HttpResponse};
use crate::ivr::run::Event as RunEvent;
use crate::moment::Moment;

/// Requests under way. Each is answered once by who carries it out, at the latest when its time is over.
#[derive(Debug, Default)]
pub(super) struct Requests {
    under_way: BTreeMap<RequestId, Request>,
    last: u64,
}

#[derive(Debug)]
struct Request {
    host: Arc<str>,
    node: Arc<str>,
    since: Moment,
    /// Who waits for it; nobody any more, if it was given up.
    call: Option<CallId>,
}

impl Requests {
    fn of_host(&self, host: &str) -> usize {
        self.under_way.values().filter(|request| *request.host == *host).count()
    }
}

impl Engine {
    /// Carries out what the flow asks, or tells it at once that this cannot be.
    pub(super) fn ask_host(&mut self, now: Moment, call: &mut Call, request: Box<HttpRequest>) -> Next {
        let host = self.world.config.http.hosts.get(&*request.host).cloned();
        let node: Arc<str> = call.run.node().into();
        let refused = match &host {
            None => Some(HttpFailure::UnknownHost),
            Some(host) if self.requests.of_host(&request.host) >= host.max_in_flight => {
                Some(HttpFailure::Busy)
            }
            Some(_) => None,
        };
        let asked = Request { host: request.host.clone(), node, since: now, call: Some(call.id) };
        if let Some(why) = refused {
            self.host_answered(now, call.id, &asked, HttpOutcome::Failed(why));
            return Next::Tell(RunEvent::HttpDone(Err(why)));
        }
        let Some(host) = host else { return Next::Goes };
        self.requests.last += 1;
        let id = RequestId(self.requests.last);
        self.requests.under_way.insert(id, asked);
        call.asking = Some(Asking { id, number: request.number });
        self.out.push(Output::Http { id, host: Box::new(host), request });
        Next::Goes
    }

    /// What came of a request. Nobody hears it if the caller has gone on or hung up.
    pub(super) fn http_done(
        &mut self,
        now: Moment,
        id: RequestId,
        result: Result<HttpResponse, HttpFailure>,
    ) {
        let Some(request) = self.requests.under_way.remove(&id) else { return };
        let Some(call) = request.call else { return };
        let outcome = match &result {
            Ok(response) => HttpOutcome::Status(response.status),
            Err(why) => HttpOutcome::Failed(*why),
        };
        self.host_answered(now, call, &request, outcome);
        let Some(call) = self.calls.get_mut(&call) else { return };
        if call.asking.take_if(|asking| asking.id == id).is_some() {
            let call = call.id;
            self.tell(now, call, RunEvent::HttpDone(result));
        }
    }

    /// The flow no longer waits for what it asked last: its own time for it is over.
    pub(super) fn let_go_of_late(&mut self, now: Moment, call: &mut Call) {
        if call.asking.is_some_and(|asking| call.run.awaits() != Some(asking.number)) {
            self.give_up_request(now, call, HttpFailure::Timeout);
        }
    }

    /// The host may still do what it was asked; nobody hears of it.
    pub(super) fn give_up_request(&mut self, now: Moment, call: &mut Call, why: HttpFailure) {
        let Some(Asking { id, .. }) = call.asking.take() else { return };
        call.taken.failed |= why != HttpFailure::Abandoned;
        let Some(mut request) = self.requests.under_way.remove(&id) else { return };
        request.call = None;
        self.host_answered(now, call.id, &request, HttpOutcome::Failed(why));
        // Until it is answered it counts against its host. One whose time is over ends there in the same moment, and must
        // not keep the next try out.
        if why != HttpFailure::Timeout {
            self.requests.under_way.insert(id, request);
        }
    }

    fn host_answered(&mut self, now: Moment, call: CallId, request: &Request, outcome: HttpOutcome) {
        let ms = u64::try_from(now.since(request.since).as_millis()).unwrap_or(u64::MAX);
        let (host, node) = (request.host.to_string(), request.node.to_string());
        self.happened(now, Some(call), None, What::HostAnswered { host, node, outcome, ms });
    }
}
