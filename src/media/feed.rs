//! What a stream's far end hears, as the worker keeps it.

use std::sync::Arc;

use super::codec::FRAME_SAMPLES;
use super::command::Codec;
use super::mixer::Mix;
use super::prompts::{Library, PromptId};
use crate::ids::PlayId;

/// One frame of G.711.
pub type Frame = [u8; FRAME_SAMPLES];

/// A source with its place in it.
#[derive(Debug)]
pub enum Feed {
    Silence,
    Prompts(Play),
    Loop {
        library: Arc<Library>,
        prompt: PromptId,
        /// Bytes already sent.
        offset: usize,
    },
    /// Heard by the stream in this slot.
    Peer {
        slot: usize,
        digits: bool,
    },
    /// Heard by samples.
    Mix(Box<Mix>),
}

/// A list of prompts on its way. It keeps its library until it is replaced, so that nothing is freed while pacing.
#[derive(Debug)]
pub struct Play {
    play: PlayId,
    prompts: Arc<[PromptId]>,
    library: Arc<Library>,
    place: usize,
    offset: usize,
    told: bool,
}

impl Play {
    pub fn new(play: PlayId, prompts: Arc<[PromptId]>, library: Arc<Library>) -> Self {
        Play { play, prompts, library, place: 0, offset: 0, told: false }
    }

    fn frame(&mut self, codec: Codec, frame: &mut Frame) -> Option<PlayId> {
        self.pass_ended(codec);
        if let Some(prompt) = self.prompts.get(self.place) {
            take(self.library.frames(*prompt, codec), self.offset, frame);
            self.offset += FRAME_SAMPLES;
            self.pass_ended(codec);
        }
        let ended = self.place >= self.prompts.len() && !self.told;
        self.told |= ended;
        ended.then_some(self.play)
    }

    fn pass_ended(&mut self, codec: Codec) {
        while let Some(prompt) = self.prompts.get(self.place) {
            if self.offset < self.library.frames(*prompt, codec).len() {
                break;
            }
            self.place += 1;
            self.offset = 0;
        }
    }
}

impl Feed {
    /// The worker makes this audio itself, every 20 ms.
    pub fn is_generated(&self) -> bool {
        !matches!(self, Feed::Peer { .. })
    }

    /// Fills the next frame. Returns the play that ends with it.
    pub fn frame(&mut self, codec: Codec, frame: &mut Frame) -> Option<PlayId> {
        frame.fill(codec.silence());
        match self {
            Feed::Silence | Feed::Peer { .. } | Feed::Mix(_) => None,
            Feed::Prompts(play) => play.frame(codec, frame),
            Feed::Loop { library, prompt, offset } => {
                let frames = library.frames(*prompt, codec);
                if *offset >= frames.len() {
                    *offset = 0;
                }
                take(frames, *offset, frame);
                *offset += FRAME_SAMPLES;
                None
            }
        }
    }
}

/// Copies the frame at `offset`; what is missing stays silence.
fn take(frames: &[u8], offset: usize, frame: &mut Frame) {
    let rest = frames.get(offset..).unwrap_or_default();
    let length = rest.len().min(FRAME_SAMPLES);
    frame[..length].copy_from_slice(&rest[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library() -> Arc<Library> {
        let loud = vec![8_000; FRAME_SAMPLES * 2];
        let soft = vec![-8_000; FRAME_SAMPLES];
        Arc::new(Library::builder().prompt("en", "loud", &loud).prompt("en", "soft", &soft).build())
    }

    fn first_bytes(feed: &mut Feed, frames: usize) -> Vec<(u8, Option<PlayId>)> {
        let mut frame = [0; FRAME_SAMPLES];
        (0..frames)
            .map(|_| {
                let ended = feed.frame(Codec::Pcma, &mut frame);
                (frame[0], ended)
            })
            .collect()
    }

    #[test]
    fn prompts_play_in_order_and_end_once_with_their_last_frame() {
        let library = library();
        let (loud, soft) = (library.find("en", "loud").unwrap(), library.find("en", "soft").unwrap());
        let a = library.frames(loud, Codec::Pcma)[0];
        let b = library.frames(soft, Codec::Pcma)[0];
        let mut feed = Feed::Prompts(Play::new(PlayId(4), Arc::from([loud, soft]), library));
        let silence = Codec::Pcma.silence();
        assert_eq!(
            first_bytes(&mut feed, 5),
            [(a, None), (a, None), (b, Some(PlayId(4))), (silence, None), (silence, None)]
        );
    }

    #[test]
    fn an_empty_list_ends_at_once_with_silence() {
        let mut feed = Feed::Prompts(Play::new(PlayId(4), Arc::from([]), library()));
        assert_eq!(first_bytes(&mut feed, 1), [(Codec::Pcma.silence(), Some(PlayId(4)))]);
    }

    #[test]
    fn a_loop_begins_again() {
        let library = library();
        let soft = library.find("en", "soft").unwrap();
        let byte = library.frames(soft, Codec::Pcma)[0];
        let mut feed = Feed::Loop { library, prompt: soft, offset: 0 };
        assert_eq!(first_bytes(&mut feed, 3), [(byte, None); 3]);
    }
}
