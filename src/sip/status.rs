//! Status codes and their standard reason phrases (RFC 3261 §21 and extensions).

/// The standard phrase; the class's for a code we have none for.
pub fn reason(status: u16) -> &'static str {
    todo!()
}
