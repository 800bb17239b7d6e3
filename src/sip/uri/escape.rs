//! Percent escapes (RFC 3261 §25.1, RFC 3986 §2.1).

use std::fmt::{self, Write as _};

/// Beyond letters, digits and marks, what a user part may hold bare (`user-unreserved`).
pub(super) const USER: &[u8] = b"&=+$,;?/";

/// Beyond letters, digits and marks, what a parameter may hold bare (`param-unreserved`).
pub(super) const PARAM: &[u8] = b"[]/:&+$";

const MARKS: &[u8] = b"-_.!~*'()";

/// Decodes; a `%` without two hexadecimal digits stands for itself.
pub(super) fn decode(bytes: &[u8]) -> Box<str> {
    if !bytes.contains(&b'%') {
        return String::from_utf8_lossy(bytes).into();
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        match rest {
            [b'%', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(nibble(*high) << 4 | nibble(*low));
                rest = tail;
            }
            _ => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into()
}

/// The value of a hexadecimal digit.
fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Writes `value` with everything escaped but letters, digits, marks and `bare`.
pub(super) fn write(f: &mut fmt::Formatter<'_>, value: &str, bare: &[u8]) -> fmt::Result {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || MARKS.contains(&byte) || bare.contains(&byte) {
            f.write_char(char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}
