//! Digits as tones in linear audio at 8 kHz (ITU-T Q.23, Q.24).

/// A detector's memory of one stream: small, of fixed size, allocates nothing.
#[derive(Clone, Debug)]
pub struct Detector {}

impl Detector {
    pub fn new() -> Self {
        todo!()
    }

    /// Takes the next samples (8 kHz, 16-bit linear, any number); `digit` is told of each press once, when certain.
    pub fn feed(&mut self, samples: &[i16], digit: impl FnMut(char)) {
        todo!()
    }

    /// The stream has a gap (loss, silence suppression): what was heard so far says nothing about what comes.
    pub fn interrupt(&mut self) {
        todo!()
    }
}
