//! Callers and agents who do as they please, by seed.

use std::collections::BTreeMap;
use std::time::Duration;

use hotline::engine::input::Input;
use hotline::moment::Moment;
use hotline::rng::Rng;

use crate::office::phone::Manner;
use crate::office::{Office, ms, secs, world};

/// Telephones outside; one call each at a time.
const CALLERS: u64 = 12;

/// Agents' telephones and whose they are: one of them has two.
const AGENTS: [(&str, &str); 5] =
    [("1001", "1001"), ("1002", "1002"), ("1003", "1003"), ("1004", "1004"), ("1002 mobile", "1002")];

/// On a day when ports fail one in so many belongs to some other program.
const ONE_TAKEN_OF: u64 = 5;

#[derive(Clone, Debug)]
enum Act {
    Dial(String),
    Press(String, char),
    HangUp(String),
    Hold(String, bool),
    /// The agent goes on as they like: another manner, a star code, the talk ended, the phone gone or back.
    Agent(&'static str, &'static str),
    /// Another configuration takes effect.
    Reload,
}

pub struct People {
    rng: Rng,
    plan: BTreeMap<(Moment, u64), Act>,
    acts: u64,
    calls: usize,
    seed: u64,
    reloads: usize,
}

impl People {
    pub fn new(seed: u64, calls: usize) -> People {
        let rng = Rng::seeded(seed ^ 0x9e37_79b9);
        let mut people = People { rng, plan: BTreeMap::new(), acts: 0, calls, seed, reloads: 0 };
        let start = Moment::from_micros(1_793_000_000_000_000) + secs(1);
        for (phone, agent) in AGENTS {
            people.later(start, 3_000, Act::Agent(phone, agent));
        }
        people.later(start, 200_000, Act::Reload);
        for caller in 0..CALLERS {
            people.later(start, 20_000, Act::Dial(format!("1380000{caller:04}")));
        }
        people
    }

    /// On every fourth day some ports are somebody else's.
    pub fn take_ports(&mut self, office: &mut Office) {
        if self.seed % 4 == 3 {
            let (first, last) = office.world().config.media.ports;
            let taken = (first..=last).step_by(2).filter(|_| self.rng.below(ONE_TAKEN_OF) == 0);
            office.sound.taken = taken.collect();
        }
    }

    fn later(&mut self, now: Moment, within_ms: u64, act: Act) {
        let at = now + Duration::from_micros(1 + self.rng.below(within_ms * 1_000));
        self.acts += 1;
        self.plan.insert((at, self.acts), act);
    }

    /// When somebody does something next; `None` when the day is over.
    pub fn next(&self) -> Option<Moment> {
        if self.calls == 0 { None } else { self.plan.first_key_value().map(|((at, _), _)| *at) }
    }

    pub fn act(&mut self, office: &mut Office) {
        let Some(((at, _), act)) = self.plan.pop_first() else {
            return;
        };
        match act {
            Act::Dial(caller) => self.dial(office, at, caller),
            Act::Press(caller, key) => {
                if office.phones[&caller].remote_port().is_some() {
                    office.presses(&caller, key);
                }
            }
            Act::HangUp(caller) => office.hangs_up(&caller),
            Act::Hold(name, hold) => {
                if office.phones[&name].is_talking() {
                    office.holds(&name, hold);
                }
            }
            Act::Agent(phone, agent) => self.agent(office, at, phone, agent),
            Act::Reload => {
                self.reloads += 1;
                office.reload(world::of_the_day(self.reloads));
                self.later(at, 400_000, Act::Reload);
            }
        }
    }

    fn dial(&mut self, office: &mut Office, at: Moment, caller: String) {
        if !office.phones.contains_key(&caller) {
            office.caller(&caller);
        }
        if office.phones[&caller].is_idle() {
            let number = if self.rng.below(20) == 0 { "4711" } else { "95500" };
            office.dials(&caller, number);
            self.calls = self.calls.saturating_sub(1);
            for _ in 0..self.rng.below(4) {
                let key = char::from(b"0123789*#"[self.rng.below(9) as usize]);
                self.later(at, 25_000, Act::Press(caller.clone(), key));
            }
            if self.rng.below(3) > 0 {
                self.later(at, 15_000, Act::Press(caller.clone(), '9'));
            }
            // Who waits long is offered something, and takes it, declines it or presses too late.
            if self.rng.below(2) == 0 {
                let key = char::from(b"12*"[self.rng.below(3) as usize]);
                self.later(at, 100_000, Act::Press(caller.clone(), key));
            }
            if self.rng.below(6) == 0 {
                self.later(at, 60_000, Act::Hold(caller.clone(), true));
                self.later(at, 90_000, Act::Hold(caller.clone(), false));
            }
            // Some give up while it still rings.
            let patience = if self.rng.below(5) == 0 { 1_500 } else { 90_000 };
            self.later(at, patience, Act::HangUp(caller.clone()));
        }
        self.later(at, 120_000, Act::Dial(caller));
    }

    fn agent(&mut self, office: &mut Office, at: Moment, name: &'static str, user: &'static str) {
        if !office.phones.contains_key(name) {
            office.extra_phone(name, user, &format!("demo-{user}"), Manner::LetsRing);
            office.registers(name, 600);
        }
        let manner = match self.rng.below(8) {
            0 => Manner::LetsRing,
            1 => Manner::Declines,
            2 => Manner::Busy,
            _ => Manner::Answers(ms(200 + self.rng.below(9_000))),
        };
        office.phone(name).manner = manner;
        let address = office.phones[name].address;
        match self.rng.below(13) {
            0 | 1 => office.registers(name, 600),
            2 => office.registers(name, 0),
            3 => office.network.dead.push(address),
            4 | 5 => office.network.dead.retain(|dead| *dead != address),
            6 if office.phones[name].is_idle() => office.dials(name, "*12"),
            7 | 8 if office.phones[name].is_idle() => office.dials(name, "*11"),
            9 if office.phones[name].is_talking() => office.hangs_up(name),
            10 if office.phones[name].is_talking() => {
                office.holds(name, true);
                self.later(at, 8_000, Act::Hold(name.to_owned(), false));
            }
            // Has the caller type a PIN, if anybody answers what is asked then.
            12 if office.phones[name].remote_port().is_some() => {
                office.presses(name, '*');
                office.presses(name, '5');
            }
            // Moved to another socket: the server learns of it by the next registration.
            11 if office.phones[name].is_at_rest() => {
                let port = 5_000 + self.rng.below(1_000) as u16;
                office.phone(name).address.set_port(port);
                office.registers(name, 600);
            }
            _ => {}
        }
        self.later(at, 20_000, Act::Agent(name, user));
    }

    /// Everybody hangs up, and every cable is back in its socket. On some days the server is drained first, or stopped.
    pub fn go_home(&mut self, office: &mut Office) {
        match self.seed % 3 {
            1 => office.input(Input::Drain),
            2 => office.input(Input::Stop),
            _ => {}
        }
        office.network.dead.clear();
        let names: Vec<String> = office.phones.keys().cloned().collect();
        for name in names {
            office.phone(&name).manner = Manner::Declines;
            office.hangs_up(&name);
        }
    }
}
