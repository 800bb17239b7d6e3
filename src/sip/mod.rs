//! SIP without sockets: bytes and times in, bytes and happenings out (RFC 3261).
//!
//! `message`, `parse`, `write`, `uri`, `header`: what a message is. `framing`: messages in a stream.
//! `transaction`: the four machines of §17. `endpoint`: the tables that hold them.
//! `dialog`: §12. `session_timer`: RFC 4028. `digest`: RFC 8760. `registrar`: §10. Limits and their shed rules: `limits`.

pub mod dialog;
pub mod digest;
pub mod endpoint;
pub mod framing;
pub mod header;
pub mod limits;
pub mod message;
pub mod parse;
pub mod registrar;
pub mod session_timer;
pub mod status;
pub mod transaction;
pub mod transport;
pub mod triage;
pub mod uri;
pub mod write;
