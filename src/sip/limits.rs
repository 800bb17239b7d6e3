//! Every limit of the SIP layer, with its reason and what happens beyond it.

/// Largest message in bytes. Beyond it: 513 on a stream, then the connection closes. UDP cannot carry more.
pub const MESSAGE_BYTES: usize = 65_535;

/// Most headers in a message. Carriers send about 40. Beyond it: 400.
pub const HEADERS: usize = 256;

/// Longest request line in bytes, as RFC 4475 §3.1.1.7 must pass. Beyond it: 414.
pub const REQUEST_LINE_BYTES: usize = 8_192;

/// Largest request sent over UDP in bytes, leaving 200 of a 1500-byte path (RFC 3261 §18.1.1). Beyond it: TCP.
pub const UDP_REQUEST_BYTES: usize = 1_300;

/// Most transactions held at once. Beyond it: new requests get 503 with Retry-After, statelessly. Requests that neither
/// begin a call nor belong to one get it from half of this on, so that a flood of OPTIONS keeps no caller out.
pub const TRANSACTIONS: usize = 200_000;

/// Most events waiting in an endpoint's output before `poll` is called; the shell drains after each input.
pub const OUTPUTS: usize = 65_536;
