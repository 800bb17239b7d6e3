//! Personal data, marked so that it cannot be logged by accident.

use std::fmt;

/// Shows a telephone number or name with its middle hidden: `138****1234`, `+86138****1234`, `1***1`.
/// Numbers of four symbols or fewer are extensions, not people, and are shown whole.
#[derive(Clone, Copy)]
pub struct Masked<'a>(pub &'a str);

/// Symbols left readable at the end of a long number.
const TAIL: usize = 4;

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.chars().count();
        if length <= TAIL {
            return f.write_str(self.0);
        }
        let tail = if length > 7 { TAIL } else { 1 };
        let head = if length > 10 { length - 8 } else { 1 };
        for (place, symbol) in self.0.chars().enumerate() {
            let shown = place < head || place >= length - tail;
            write!(f, "{}", if shown { symbol } else { '*' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_number_is_hidden() {
        assert_eq!(Masked("13812341234").to_string(), "138****1234");
        assert_eq!(Masked("1001").to_string(), "1001");
        assert_eq!(Masked("95500").to_string(), "9***0");
        assert_eq!(Masked("").to_string(), "");
    }
}
