//! Who is logged in: opaque tokens, each good for a while.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::limits::{SESSION_IDLE, SESSION_LIFE, SESSIONS, SESSIONS_OF_ONE};
use crate::config::Role;
use crate::ids::{AgentId, CallId};
use crate::moment::Moment;

/// Somebody the API knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub user: String,
    pub role: Role,
    /// Set for agents: themselves.
    pub agent: Option<AgentId>,
}

/// A token's hash: what is kept, so that looking one up tells nothing by its time and memory holds no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> TokenHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        TokenHash(hash)
    }
}

#[derive(Debug)]
struct Session {
    person: Person,
    ends: Moment,
    used: Moment,
    /// The recording played last, which was journalled.
    playing: Option<CallId>,
}

impl Session {
    fn is_over(&self, now: Moment) -> bool {
        self.ends <= now || now.since(self.used) > SESSION_IDLE
    }
}

/// The sessions under way.
#[derive(Debug, Default)]
pub struct Sessions {
    open: BTreeMap<TokenHash, Session>,
}

impl Sessions {
    /// Begins a session under `token`, which nobody can guess; returns when it ends at the latest.
    pub fn open(&mut self, now: Moment, token: &str, person: Person) -> Moment {
        self.open.retain(|_, session| !session.is_over(now));
        self.make_room(SESSIONS_OF_ONE, |session| session.person.user == person.user);
        self.make_room(SESSIONS, |_| true);
        let ends = now + SESSION_LIFE;
        self.open.insert(TokenHash::of(token), Session { person, ends, used: now, playing: None });
        ends
    }

    /// Whose session this is, if it is not over. It counts as used.
    pub fn find(&mut self, now: Moment, token: TokenHash) -> Option<Person> {
        let session = self.open.get_mut(&token)?;
        if session.is_over(now) {
            self.open.remove(&token);
            return None;
        }
        session.used = now;
        Some(session.person.clone())
    }

    /// Ends the sessions of everybody else.
    pub fn keep_only(&mut self, known: impl Fn(&Person) -> bool) {
        self.open.retain(|_, session| known(&session.person));
    }

    /// Ends a session.
    pub fn close(&mut self, token: TokenHash) {
        self.open.remove(&token);
    }

    /// Notes that the session plays a call's recording; true if it did not already.
    pub fn begins_to_play(&mut self, token: TokenHash, call: CallId) -> bool {
        match self.open.get_mut(&token) {
            Some(session) => session.playing.replace(call) != Some(call),
            None => true,
        }
    }

    /// Sessions that are open, or were not yet found to be over.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    fn make_room(&mut self, most: usize, of: impl Fn(&Session) -> bool) {
        if self.open.values().filter(|session| of(session)).count() < most {
            return;
        }
        let longest_unused = self.open.iter().filter(|(_, session)| of(session));
        let longest_unused = longest_unused.min_by_key(|(_, session)| session.used).map(|(token, _)| *token);
        if let Some(token) = longest_unused {
            self.open.remove(&token);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Moment = Moment::from_micros(1_795_000_000_000_000);

    fn person(user: &str) -> Person {
        Person { user: user.to_owned(), role: Role::Supervisor, agent: None }
    }

    fn known(sessions: &mut Sessions, now: Moment, token: &str) -> bool {
        sessions.find(now, TokenHash::of(token)).is_some()
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_and_when_its_time_is_over() {
        let mut sessions = Sessions::default();
        sessions.open(NOW, "a", person("super"));
        let mut now = NOW;
        while now.since(NOW) < SESSION_LIFE - SESSION_IDLE {
            now = now + SESSION_IDLE;
            assert!(known(&mut sessions, now, "a"), "used in time");
        }
        assert!(!known(&mut sessions, NOW + SESSION_LIFE, "a"), "its time is over");
        sessions.open(NOW, "b", person("super"));
        assert!(!known(&mut sessions, NOW + SESSION_IDLE + Duration::from_secs(1), "b"), "not used");
    }

    #[test]
    fn logging_out_ends_this_session_only() {
        let mut sessions = Sessions::default();
        sessions.open(NOW, "a", person("super"));
        sessions.open(NOW, "b", person("super"));
        sessions.close(TokenHash::of("a"));
        assert!(!known(&mut sessions, NOW, "a"));
        assert!(known(&mut sessions, NOW, "b"));
    }

    #[test]
    fn who_logs_in_again_and_again_pushes_out_nobody_else() {
        let mut sessions = Sessions::default();
        sessions.open(NOW, "other", person("admin"));
        for number in 0..100 {
            sessions.open(NOW + Duration::from_secs(number), &number.to_string(), person("super"));
        }
        let now = NOW + Duration::from_secs(100);
        assert_eq!(sessions.count(), SESSIONS_OF_ONE + 1);
        assert!(known(&mut sessions, now, "other"));
        assert!(known(&mut sessions, now, "99"));
        assert!(!known(&mut sessions, now, "0"));
    }

    #[test]
    fn a_recording_is_noted_once_while_it_plays() {
        let mut sessions = Sessions::default();
        sessions.open(NOW, "a", person("super"));
        let token = TokenHash::of("a");
        assert!(sessions.begins_to_play(token, CallId(1)));
        assert!(!sessions.begins_to_play(token, CallId(1)));
        assert!(sessions.begins_to_play(token, CallId(2)));
        assert!(sessions.begins_to_play(token, CallId(1)));
    }

    #[test]
    fn a_reload_ends_the_sessions_of_the_dismissed_only() {
        let mut sessions = Sessions::default();
        sessions.open(NOW, "a", person("super"));
        sessions.open(NOW, "b", person("gone"));
        let config = crate::config::demo("data", 0, 0);
        sessions.keep_only(|person| crate::api::login::still_is(&config, person));
        assert!(known(&mut sessions, NOW, "a") && !known(&mut sessions, NOW, "b"));
    }
}
