//! A cursor over one header value, with the few shapes of RFC 3261 §25.1 that all headers share.

use super::HeaderError;

/// Parameters in order: names lower-cased, values unquoted.
pub(crate) type Params = Vec<(Box<str>, Option<Box<str>>)>;

/// RFC 3261 §25.1 `token`.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

pub(crate) fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Text as received; bytes that are not UTF-8 become U+FFFD, since a name in an old code page is no reason
/// to refuse a call.
pub(crate) fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The header, for errors.
    name: &'static str,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(name: &'static str, bytes: &'a [u8]) -> Scan<'a> {
        Scan { bytes, at: 0, name }
    }

    pub(crate) fn fail(&self, why: &'static str) -> HeaderError {
        HeaderError::Malformed { name: self.name, at: self.at, why }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// What was passed over since `start`, which was an earlier `at()`.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// Moves on by at most what is left.
    pub(crate) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
    }

    pub(crate) fn spaces(&mut self) {
        self.take_while(is_space);
    }

    /// Takes `byte`, with white space on both sides, if it is next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        self.spaces();
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
            self.spaces();
        }
        found
    }

    pub(crate) fn take_while(&mut self, accepts: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|b| !accepts(*b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(crate) fn token(&mut self, why: &'static str) -> Result<&'a [u8], HeaderError> {
        let token = self.take_while(is_token);
        if token.is_empty() { Err(self.fail(why)) } else { Ok(token) }
    }

    /// A quoted string, unescaped. The cursor stands on its opening quote.
    pub(crate) fn quoted(&mut self) -> Result<Box<str>, HeaderError> {
        let rest = self.rest();
        let mut value = Vec::new();
        let mut at = 1;
        loop {
            match rest.get(at) {
                None => return Err(self.fail("quoted string does not end")),
                Some(b'"') => break,
                Some(b'\\') => {
                    at += 1;
                    let escaped = rest.get(at).ok_or_else(|| self.fail("quoted string does not end"))?;
                    value.push(*escaped);
                }
                Some(byte) => value.push(*byte),
            }
            at += 1;
        }
        self.at += at + 1;
        Ok(text(&value))
    }

    /// `;name=value` as often as it comes; stops before a comma or the end.
    /// With `strict`, an empty parameter (`;;`) is an error, as RFC 4475 §3.1.2.1 asks for Via.
    pub(crate) fn params(&mut self, strict: bool) -> Result<Params, HeaderError> {
        let mut params = Params::new();
        while self.eat(b';') {
            if !strict && matches!(self.peek(), None | Some(b';' | b',')) {
                continue;
            }
            params.push(self.param()?);
        }
        if matches!(self.peek(), None | Some(b',')) { Ok(params) } else { Err(self.fail("expected ;")) }
    }

    fn param(&mut self) -> Result<(Box<str>, Option<Box<str>>), HeaderError> {
        let name = text(&self.token("expected a parameter name")?.to_ascii_lowercase());
        if !self.eat(b'=') {
            return Ok((name, None));
        }
        if self.peek() == Some(b'"') {
            return Ok((name, Some(self.quoted()?)));
        }
        // Wider than a token: addresses (`received=2001:db8::1`) and base64 come unquoted.
        let value = self.take_while(|b| !is_space(b) && !b";,\"<>".contains(&b));
        if value.is_empty() {
            return Err(self.fail("expected a parameter value"));
        }
        Ok((name, Some(text(value))))
    }
}

/// Writes `value` so that it reads back the same: quoted unless it may stand bare.
pub(crate) fn write_value(f: &mut std::fmt::Formatter<'_>, value: &str) -> std::fmt::Result {
    if !value.is_empty() && value.bytes().all(|b| is_token(b) || b"[]:".contains(&b)) {
        return f.write_str(value);
    }
    write_quoted(f, value)
}

pub(crate) fn write_quoted(f: &mut std::fmt::Formatter<'_>, value: &str) -> std::fmt::Result {
    use std::fmt::Write;
    f.write_char('"')?;
    for letter in value.chars() {
        match letter {
            '"' | '\\' => write!(f, "\\{letter}")?,
            // A line end inside a value would start another header.
            '\r' | '\n' => f.write_char(' ')?,
            _ => f.write_char(letter)?,
        }
    }
    f.write_char('"')
}

pub(crate) fn write_params(f: &mut std::fmt::Formatter<'_>, params: &Params) -> std::fmt::Result {
    for (name, value) in params {
        write!(f, ";{name}")?;
        if let Some(value) = value {
            f.write_str("=")?;
            write_value(f, value)?;
        }
    }
    Ok(())
}
