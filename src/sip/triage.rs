//! Which messages go first when more come than can be served at once: judged by a glance, before anything is parsed.
//!
//! A wrong guess costs a place in the queue and nothing else: who parses the message judges it by itself.

/// What a message can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// It belongs to something that is under way, or is a phone that registers: who has been let in is served first.
    Pressing,
    /// It begins something: a new call, a question of a stranger. CANCEL too, which must not overtake its INVITE.
    Patient,
}

impl Urgency {
    /// By method, and of an INVITE by whether its To has a tag (RFC 3261 §12.2). What cannot be read is patient.
    pub fn of(message: &[u8]) -> Urgency {
        let start = message.iter().position(|b| !matches!(b, b'\r' | b'\n' | 0)).unwrap_or(0);
        let message = &message[start..];
        let word = message.iter().position(|b| *b == b' ').map_or(&[][..], |end| &message[..end]);
        match word {
            b"SIP/2.0" | b"ACK" | b"BYE" | b"PRACK" | b"UPDATE" | b"INFO" | b"REGISTER" => Urgency::Pressing,
            b"INVITE" if to_is_tagged(message) => Urgency::Pressing,
            _ => Urgency::Patient,
        }
    }
}

/// The user part of the Request-URI as it is written, if it is written plainly. What is written otherwise, is to be parsed.
pub fn dialled(message: &[u8]) -> Option<&[u8]> {
    let line = message.split(|b| matches!(b, b'\r' | b'\n')).find(|line| !line.is_empty())?;
    let uri = line.split(|b| *b == b' ').nth(1)?.strip_prefix(b"sip:")?;
    let user = &uri[..uri.iter().position(|b| *b == b'@')?];
    user.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'*' | b'-')).then_some(user)
}

fn to_is_tagged(message: &[u8]) -> bool {
    let mut lines = message.split(|b| *b == b'\n').skip(1).take_while(|line| !line.trim_ascii().is_empty());
    lines.find_map(to_value).is_some_and(|value| {
        // The tag is a parameter of the header, behind the address.
        let behind = value.iter().rposition(|b| *b == b'>').map_or(value, |end| &value[end..]);
        behind.split(|b| *b == b';').skip(1).any(|parameter| {
            parameter.trim_ascii().get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"tag"))
        })
    })
}

/// The value of a To, in its long or compact form.
fn to_value(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().take(8).position(|b| *b == b':')?;
    let name = line[..colon].trim_ascii_end();
    (name.eq_ignore_ascii_case(b"to") || name.eq_ignore_ascii_case(b"t")).then(|| &line[colon + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(to: &str) -> Urgency {
        let text =
            format!("INVITE sip:95500@bank SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n{to}\r\n\r\n");
        Urgency::of(text.as_bytes())
    }

    #[test]
    fn a_new_call_waits_and_one_that_changes_does_not() {
        assert_eq!(invite("To: <sip:95500@bank>"), Urgency::Patient);
        assert_eq!(
            invite("To: <sip:95500@bank;tag=x>"),
            Urgency::Patient,
            "the address's parameter is no tag"
        );
        assert_eq!(invite("To: \"tag=1\" <sip:95500@bank>"), Urgency::Patient);
        for tagged in ["To: <sip:95500@bank>;tag=1", "t:sip:95500@bank;x=y; TAG = 1", "tO : <sip:a@b> ;tag=1"]
        {
            assert_eq!(invite(tagged), Urgency::Pressing, "{tagged}");
        }
        assert_eq!(invite("Subject: x\r\n\r\nTo: <sip:a@b>;tag=1"), Urgency::Patient, "a body is no header");
    }

    #[test]
    fn a_number_is_read_where_it_is_written_plainly() {
        assert_eq!(dialled(b"\r\nINVITE sip:95500@bank SIP/2.0\r\n"), Some(&b"95500"[..]));
        assert_eq!(dialled(b"INVITE sip:*11@bank SIP/2.0\r\n"), Some(&b"*11"[..]));
        for unclear in
            ["INVITE sip:9%3500@bank SIP/2.0", "INVITE sip:bank SIP/2.0", "INVITE tel:1 SIP/2.0", "", "\r\n"]
        {
            assert_eq!(dialled(unclear.as_bytes()), None, "{unclear}");
        }
    }

    #[test]
    fn what_is_under_way_goes_before_what_begins() {
        for first in ["ACK sip:a", "BYE sip:a", "SIP/2.0 200 OK", "\r\nREGISTER sip:a", "INFO sip:a"] {
            assert_eq!(Urgency::of(first.as_bytes()), Urgency::Pressing, "{first}");
        }
        for patient in ["OPTIONS sip:a", "CANCEL sip:a", "SUBSCRIBE sip:a", "bye sip:a", "", "\r\n", "BYE"] {
            assert_eq!(Urgency::of(patient.as_bytes()), Urgency::Patient, "{patient}");
        }
    }
}
