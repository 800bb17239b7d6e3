//! Who may not: strangers, guessers, wrong numbers.

use super::bank::Bank;
use super::baresip::Phone;
use super::room::alone;
use super::sipp::{plays, registers};
use super::sound;

#[test]
fn a_number_that_nobody_has_is_not_found_and_a_question_is_answered() {
    alone(&["sipp"], |room| {
        let mut bank = Bank::opens(room);
        plays(room, "unknown", "99999");
        bank.shows("refused, unknown_number");
        plays(room, "options", "95500");
    });
}

#[test]
fn an_offer_without_a_codec_of_ours_is_refused_in_order() {
    alone(&["sipp"], |room| {
        let mut bank = Bank::opens(room);
        plays(room, "unsupported_codec", "95500");
        bank.shows("ends: not_acceptable");
    });
}

#[test]
fn a_stranger_reaches_nothing_but_the_banks_own_number() {
    alone(&["sipp"], |room| {
        let mut bank = Bank::opens(room);
        plays(room, "unknown", "1001");
        plays(room, "stranger", "*11");
        plays(room, "unknown", "013800001234");
        bank.shows("refused, unknown_number");
        bank.closes();
        assert!(bank.calls().is_empty() && !bank.has_shown("answered"));
    });
}

#[test]
fn a_guesser_is_slowed_down_and_the_phone_beside_him_is_not() {
    alone(&["baresip", "sipp"], |room| {
        let mut bank = Bank::opens(room);
        registers(room, "register", "1001", "demo-1001", 5_300);
        bank.shows("agent 1001 is ready");
        // Nobody has the second number: the answers must be the same.
        for number in ["1002", "1999"] {
            for _ in 0..4 {
                registers(room, "guess", number, "demo", 5_301);
            }
            registers(room, "throttled", number, "demo", 5_301);
            registers(room, "throttled", number, "demo-1002", 5_301);
        }
        bank.shows("log-in refused from ");
        // The same address, the guessed-at number excepted; and a phone that was there before is heard even then.
        for _ in 0..8 {
            registers(room, "wrong", "1001", "demo", 5_301);
        }
        registers(room, "register", "1001", "demo-1001", 5_300);
        let phone = Phone::agent(room, "1003", "manual", &sound::tone(440.0, 1.0));
        bank.shows("agent 1003 is ready");
        drop(phone);
    });
}
