use crate::ids::CallId;
use crate::moment::Moment;
#[derive(Debug)]
pub enum TapeCommand {
    Open { call: CallId, started: Moment },
    Close { call: CallId, at: Moment },
}
#[derive(Debug)]
pub enum TapeEvent {
    Failed { call: CallId, why: String },
    Recovered { call: CallId, frames: u32 },
    Closed { call: CallId },
}
