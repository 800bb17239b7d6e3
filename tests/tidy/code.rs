//! Rust text without what is not code: comments and literals blanked, tests cut out. Line numbers stay.

use std::ops::Range;

/// `text` with comments and the insides of literals as spaces.
pub fn blanked(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while at < out.len() {
        let end = literal_end(text, at);
        match end {
            Some(end) => {
                out[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
                at = end;
            }
            None => at += 1,
        }
    }
    String::from_utf8(out).expect("only whole comments and literals were blanked")
}

/// Where the comment or literal that begins at `at` ends; `None` if none begins there.
fn literal_end(text: &str, at: usize) -> Option<usize> {
    let rest = &text.as_bytes()[at..];
    let find = |from: usize, what: &str| {
        let found = text.get(at + from..)?.find(what)?;
        Some(at + from + found + what.len())
    };
    let word_before = at > 0 && is_word(text.as_bytes()[at - 1]);
    match rest {
        [b'/', b'/', ..] => Some(find(0, "\n").map_or(text.len(), |end| end - 1)),
        [b'/', b'*', ..] => find(2, "*/"),
        [b'r', b'"' | b'#', ..] if !word_before => {
            let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
            if rest.get(1 + hashes) != Some(&b'"') {
                return None;
            }
            find(2 + hashes, &format!("\"{}", "#".repeat(hashes)))
        }
        [b'"', ..] => quoted(rest, b'"').map(|length| at + length),
        // A lifetime has no closing quote near.
        [b'\'', b'\\', ..] => quoted(rest, b'\'').map(|length| at + length),
        [b'\'', ..] => {
            let character = text[at + 1..].chars().next()?;
            let close = 1 + character.len_utf8();
            (rest.get(close) == Some(&b'\'')).then_some(at + close + 1)
        }
        _ => None,
    }
}

/// Length of a literal that begins with its quote, backslashes minded.
fn quoted(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `code` (blanked) without what stands under `#[cfg(test)]`.
pub fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(found) = out[from..].find("#[cfg(test)]") {
        let start = from + found;
        let end = item_end(&out, start);
        let empty: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &empty);
        from = start + empty.len();
    }
    out
}

/// Where the item that begins at `start` ends: at a semicolon, or at the brace that closes its first one.
fn item_end(code: &str, start: usize) -> usize {
    match code[start..].find(['{', ';']) {
        Some(at) if code.as_bytes()[start + at] == b'{' => closing(code, start + at),
        Some(at) => start + at + 1,
        None => code.len(),
    }
}

/// The place after the brace that closes the one at `open`.
pub fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Every place where `word` stands by itself. A word that begins or ends with a sign needs no space around it.
pub fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(move |(at, _)| at..at + word.len()).filter(move |place| {
        let glued = |inside: usize, outside: Option<usize>| {
            is_word(bytes[inside]) && outside.and_then(|at| bytes.get(at)).is_some_and(|byte| is_word(*byte))
        };
        !glued(place.start, place.start.checked_sub(1)) && !glued(place.end - 1, Some(place.end))
    })
}

pub fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn comments_and_literals_are_blanked_and_lines_stay() {
    let text =
        "let a = \"// \\\" {\"; // {\nlet b = '{'; let c: &'a str = r#\"\"{\"#; /* {\n*/ let d = '\\'';\n";
    let code = blanked(text);
    assert!(!code.contains('{') && code.contains("let d") && code.contains("&'a str"), "{code}");
    assert_eq!(code.matches('\n').count(), text.matches('\n').count());
}

#[test]
fn test_modules_are_cut_out() {
    let code =
        without_tests("fn a() {}\n#[cfg(test)]\nmod tests { fn b() { } }\n#[cfg(test)]\nmod x;\nfn c() {}");
    assert!(
        code.contains("fn a") && code.contains("fn c") && !code.contains("fn b") && !code.contains("mod x")
    );
}

#[test]
fn words_are_found_by_themselves_only() {
    assert_eq!(find_word("tokio Xtokio tokio_x tokio::x", "tokio").count(), 2);
    assert_eq!(find_word("a.unwrap() b.unwrap_or(1)", ".unwrap()").count(), 1);
}
