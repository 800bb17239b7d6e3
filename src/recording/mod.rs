//! Tapes: what callers and the bank said, as received, provably complete; rendered to WAV when asked.
//!
//! Media workers push [`frame::TapeFrame`]s into rings; the one disk thread ([`recorder`]) appends them in blocks
//! to a file per call ([`block`] is the format, [`tape`] the writing, [`read`] the reading). Nothing is decoded on the way.
//! [`timeline`] puts packets where they belong in time, [`wav`] makes sound of that, [`verify`] accounts for every
//! millisecond, [`index`] finds tapes, [`message`] what callers left on them, [`shelf`] is what the command line and the API ask.

pub mod block;
pub mod frame;
pub mod index;
pub mod message;
pub mod read;
pub mod recorder;
pub mod seal;
pub mod shelf;
mod sound;
pub mod tape;
pub mod timeline;
pub mod verify;
pub mod wav;

#[cfg(test)]
mod made;
#[cfg(test)]
mod tests;
