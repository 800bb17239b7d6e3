//! What a caller pressed, which nobody may read by accident.

use std::fmt;

/// What a caller typed, or a path or body with it in. It is not printed, since it may be a secret, and overwritten when it is
/// given up.
#[derive(Clone, Default, PartialEq, Eq)]
pub(in crate::ivr) struct Typed(pub(super) String);

impl Drop for Typed {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        // Else the compiler may leave out what nobody reads.
        std::hint::black_box(&bytes);
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

impl Typed {
    /// Keys are ASCII, so taking the first is taking one byte.
    pub(super) fn first(&mut self) -> Option<char> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
}
