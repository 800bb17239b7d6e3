//! Keys by INFO: application/dtmf-relay and application/dtmf, as phones without telephone-event send them.

use super::reply::media_type;
use crate::sip::message::Request;

/// How long a key without Duration was pressed, in ms.
const USUAL_MILLIS: u32 = 160;

/// The longest believable key, in ms; a longer one is cut.
const LONGEST_MILLIS: u32 = 10_000;

/// What an INFO holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Info {
    /// No body: a sign of life.
    Empty,
    Key {
        symbol: char,
        millis: u32,
    },
    /// The kind of body is right and its content is not: 400.
    Unreadable,
    /// Another kind of body: 415.
    Unknown,
}

/// The kinds of body that are read.
pub(crate) const ACCEPT: &str = "application/dtmf-relay, application/dtmf";

pub(crate) fn read(request: &Request) -> Info {
    if request.body.is_empty() {
        return Info::Empty;
    }
    let kind = media_type(&request.headers).unwrap_or_default().to_ascii_lowercase();
    let Ok(body) = std::str::from_utf8(&request.body) else { return Info::Unreadable };
    match kind.as_str() {
        "application/dtmf-relay" => relay(body),
        "application/dtmf" => match key(body.trim()) {
            Some(symbol) => Info::Key { symbol, millis: USUAL_MILLIS },
            None => relay(body),
        },
        _ => Info::Unknown,
    }
}

/// `Signal=` and `Duration=` lines, in any order.
fn relay(body: &str) -> Info {
    let value = |name: &str| {
        body.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let Some(symbol) = value("Signal").and_then(key) else { return Info::Unreadable };
    let millis = value("Duration").and_then(|text| text.parse().ok()).unwrap_or(USUAL_MILLIS);
    Info::Key { symbol, millis: millis.min(LONGEST_MILLIS) }
}

/// A key's name, or its event number of RFC 4733 §3.2 beyond 9.
fn key(text: &str) -> Option<char> {
    let symbol = match text {
        "10" => '*',
        "11" => '#',
        "12" => 'A',
        "13" => 'B',
        "14" => 'C',
        "15" => 'D',
        _ => {
            let mut symbols = text.chars();
            let symbol = symbols.next()?.to_ascii_uppercase();
            symbols.next().is_none().then_some(symbol)?
        }
    };
    matches!(symbol, '0'..='9' | '*' | '#' | 'A'..='D').then_some(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_by_name_and_by_number() {
        assert_eq!(relay("Signal=5\r\nDuration=250\r\n"), Info::Key { symbol: '5', millis: 250 });
        assert_eq!(relay("Duration= 90\nSignal= d\n"), Info::Key { symbol: 'D', millis: 90 });
        assert_eq!(relay("Signal=11"), Info::Key { symbol: '#', millis: USUAL_MILLIS });
        assert_eq!(
            relay("signal=*\r\nDuration=4000000000"),
            Info::Key { symbol: '*', millis: LONGEST_MILLIS }
        );
    }

    #[test]
    fn nonsense_is_no_key() {
        for body in ["", "Signal=", "Signal=55", "Signal=16", "Duration=100", "Signal=x"] {
            assert_eq!(relay(body), Info::Unreadable, "{body}");
        }
    }
}
