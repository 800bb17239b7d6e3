//! The header block: where it ends, its lines, and how long a body it announces. `parse` and `framing` both read
//! it through here, so that they can never disagree on where a message ends.

use bytes::{BufMut, Bytes, BytesMut};

use crate::sip::header::scan::is_space;

/// One header line with its folds (RFC 3261 §7.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Field {
        name: &'a [u8],
        /// Trimmed; still holding line ends if it was folded.
        value: &'a [u8],
    },
    /// No colon, or a line end that is none: the sender's fault.
    Broken,
}

/// What the Content-Length headers together say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Absent,
    /// In bytes.
    Is(usize),
    /// Not a number, too large for one, or two that differ (RFC 4475 §3.1.2.3, §3.3.9).
    Unclear,
}

/// Where the first line and its line end stop: (length of the line, start of what follows).
/// Lines end in CRLF; a bare LF is taken for one too.
pub(crate) fn first_line(bytes: &[u8]) -> Option<(usize, usize)> {
    let feed = bytes.iter().position(|b| *b == b'\n')?;
    let end = if feed > 0 && bytes[feed - 1] == b'\r' { feed - 1 } else { feed };
    Some((end, feed + 1))
}

/// Where the header block starting at `start` ends, its empty line included. `None`: no empty line.
pub(crate) fn end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let (length, next) = first_line(&bytes[at..])?;
        if length == 0 {
            return Some(at + next);
        }
        at += next;
    }
}

/// The lines of a header block (without the start line; with or without its empty line).
pub(crate) fn lines(block: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut rest = block;
    std::iter::from_fn(move || {
        let (mut length, mut next) = first_line(rest).unwrap_or((rest.len(), rest.len()));
        if length == 0 {
            return None;
        }
        while rest.get(next).copied().is_some_and(is_space) {
            let (more, after) = first_line(&rest[next..]).unwrap_or((rest.len() - next, rest.len() - next));
            length = next + more;
            next += after;
        }
        let line = &rest[..length];
        rest = &rest[next..];
        Some(split(line))
    })
}

fn split(line: &[u8]) -> Line<'_> {
    let stray = line.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n') || line.ends_with(b"\r");
    match line.iter().position(|b| *b == b':') {
        Some(colon) if !stray && !is_space(line[0]) => {
            Line::Field { name: line[..colon].trim_ascii_end(), value: line[colon + 1..].trim_ascii() }
        }
        _ => Line::Broken,
    }
}

/// The value as one line: each fold with its white space becomes one space. Copies only folded values.
pub(crate) fn unfold(whole: &Bytes, value: &[u8]) -> Bytes {
    if !value.contains(&b'\n') {
        return whole.slice_ref(value);
    }
    let mut unfolded = BytesMut::with_capacity(value.len());
    for piece in value.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|piece| !piece.is_empty()) {
        if !unfolded.is_empty() {
            unfolded.put_u8(b' ');
        }
        unfolded.put_slice(piece);
    }
    unfolded.freeze()
}

/// Reads every Content-Length of a header block.
pub(crate) fn content_length(block: &[u8]) -> Length {
    let mut found = Length::Absent;
    for line in lines(block) {
        let Line::Field { name, value } = line else { continue };
        if !(name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l")) {
            continue;
        }
        let this = number(value);
        if this == Length::Unclear || (found != Length::Absent && found != this) {
            return Length::Unclear;
        }
        found = this;
    }
    found
}

fn number(value: &[u8]) -> Length {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Length::Unclear;
    }
    let digits = std::str::from_utf8(value).ok();
    digits.and_then(|digits| digits.parse().ok()).map_or(Length::Unclear, Length::Is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_length_is_read_in_all_its_spellings() {
        for block in
            ["Content-Length : 4\r\n", "l:4\r\n", "CONTENT-LENGTH:\r\n  4\r\n\r\n", "L: 04\nl: 4\n\n"]
        {
            assert_eq!(content_length(block.as_bytes()), Length::Is(4), "{block}");
        }
        assert_eq!(content_length(b"To: a\r\n\r\nl: 4\r\n"), Length::Absent);
    }

    #[test]
    fn lengths_that_differ_or_are_no_numbers_are_unclear() {
        for block in [
            "l: 4\r\nl: 5\r\n",
            "l: -999\r\n",
            "l:\r\n",
            "l: 4, 4\r\n",
            "l: 99999999999999999999999\r\n",
            "l: +4\r\n",
        ] {
            assert_eq!(content_length(block.as_bytes()), Length::Unclear, "{block}");
        }
    }

    #[test]
    fn folds_become_one_space() {
        let whole = Bytes::from_static(
            b"To :\r\n  a \r\n\t;\r\n   \r\n tag=1\r\nX\r\n y: z\r\n: v\r\nA: b\rc\r\n\r\n",
        );
        let read: Vec<_> = lines(&whole).collect();
        assert_eq!(read.len(), 4);
        let Line::Field { name, value } = read[0] else { panic!("{read:?}") };
        assert_eq!(name, b"To");
        assert_eq!(unfold(&whole, value), &b"a ; tag=1"[..]);
        assert_eq!(read[3], Line::Broken);
    }

    #[test]
    fn the_end_is_the_first_empty_line() {
        assert_eq!(end(b"A: b\r\n\r\nbody", 0), Some(8));
        assert_eq!(end(b"A: b\n\nbody", 0), Some(6));
        assert_eq!(end(b"A: b\r\n \r\nC: d\r\n", 0), None);
    }
}
