//! Standard output: what is printed reaches the terminal as text only, and a reader that has gone is no disaster.

use std::io::{self, Write as _};

/// Prints one line. Control characters in it, which callers can put into names and numbers to steer the terminal of
/// who looks, are shown as their code: `\u{1b}`. Who no longer reads is no error: `... | head` is content.
pub fn line(text: &str) {
    write(&tame(text, |symbol| symbol.escape_unicode().to_string()));
}

/// Prints text that may have several lines.
pub fn text(text: &str) {
    text.lines().for_each(line);
}

/// As `line`, for finished JSON, which stays JSON.
pub fn json(text: &str) {
    let escape = |symbol| format!("\\u{:04x}", u32::from(symbol));
    text.lines().for_each(|line| write(&tame(line, escape)));
}

fn write(text: &str) {
    // A full disk behind a redirection is the one other reason, and there is nobody else to tell.
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// `text` without characters that move the cursor, change colours, or turn the reading direction. All of them lie
/// in the basic plane.
fn tame(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut tame = String::with_capacity(text.len());
    for symbol in text.chars() {
        if symbol.is_control() || turns_text(symbol) {
            tame.push_str(&escape(symbol));
        } else {
            tame.push(symbol);
        }
    }
    tame
}

/// Bidirectional embeddings, overrides and isolates (Unicode UAX #9 §2).
fn turns_text(symbol: char) -> bool {
    matches!(symbol, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_printed_steers_the_terminal() {
        let text = |text| tame(text, |symbol| symbol.escape_unicode().to_string());
        assert_eq!(
            text("\u{1b}[2J 138\r\u{9b}1m\n\u{7}\u{202e}"),
            "\\u{1b}[2J 138\\u{d}\\u{9b}1m\\u{a}\\u{7}\\u{202e}"
        );
        assert_eq!(text("你好 café"), "你好 café");
    }

    #[test]
    fn json_stays_json() {
        let name = "\u{9b}31m\u{7f}\u{1b}";
        let json = serde_json::to_string(name).expect("a string");
        let tame = tame(&json, |symbol| format!("\\u{:04x}", u32::from(symbol)));
        assert!(tame.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&tame).expect("json"), name);
    }
}
