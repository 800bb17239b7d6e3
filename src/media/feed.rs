//! What a stream's far end hears, as the worker keeps it.

use std::sync::Arc;

use super::bot::Conversation;
use super::codec::coder::PAYLOAD_BYTES;
use super::command::Codec;
use super::mixer::Mix;
use super::prompts::{Found, Library, PromptId};
use crate::ids::PlayId;

/// Room for one frame of any codec.
pub type Frame = [u8; PAYLOAD_BYTES];

/// What was written into a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Bytes of payload.
    pub length: usize,
    /// The play that ends with it.
    pub ended: Option<PlayId>,
}

/// A source with its place in it.
#[derive(Debug)]
pub enum Feed {
    Silence,
    Prompts(Play),
    Loop {
        library: Arc<Library>,
        prompt: PromptId,
        /// Frames already sent.
        place: usize,
    },
    /// Heard by the stream in this slot.
    Peer {
        slot: usize,
        digits: bool,
    },
    /// Heard by samples.
    Mix(Box<Mix>),
    /// A program elsewhere speaks.
    Bot(Box<Conversation>),
}

/// A list of prompts on its way. It keeps its library until it is replaced, so that nothing is freed while pacing.
#[derive(Debug)]
pub struct Play {
    play: PlayId,
    prompts: Arc<[PromptId]>,
    library: Arc<Library>,
    /// The prompt under way, and its frames already sent.
    prompt: usize,
    place: usize,
    told: bool,
}

impl Play {
    pub fn new(play: PlayId, prompts: Arc<[PromptId]>, library: Arc<Library>) -> Self {
        Play { play, prompts, library, prompt: 0, place: 0, told: false }
    }

    fn frame(&mut self, codec: Codec, frame: &mut Frame) -> Filled {
        self.pass_ended();
        let mut length = None;
        if let Some(prompt) = self.prompts.get(self.prompt)
            && let Found::Frame(bytes) = self.library.frame(*prompt, codec, self.place)
        {
            length = Some(put(bytes, frame));
            self.place += 1;
            self.pass_ended();
        }
        let ended = self.prompt >= self.prompts.len() && !self.told;
        self.told |= ended;
        let length = length.unwrap_or_else(|| put(codec.silence(), frame));
        Filled { length, ended: ended.then_some(self.play) }
    }

    fn pass_ended(&mut self) {
        while let Some(prompt) = self.prompts.get(self.prompt) {
            if self.place < self.library.length(*prompt) {
                break;
            }
            self.prompt += 1;
            self.place = 0;
        }
    }
}

impl Feed {
    /// The worker makes this audio itself, every 20 ms.
    pub fn is_generated(&self) -> bool {
        !matches!(self, Feed::Peer { .. })
    }

    /// Fills the next frame. A prompt that is not encoded yet waits for its frames in silence.
    pub fn frame(&mut self, codec: Codec, frame: &mut Frame) -> Filled {
        let found = match self {
            Feed::Silence | Feed::Peer { .. } | Feed::Mix(_) | Feed::Bot(_) => Found::End,
            Feed::Prompts(play) => return play.frame(codec, frame),
            Feed::Loop { library, prompt, place } => {
                if *place >= library.length(*prompt) {
                    *place = 0;
                }
                let found = library.frame(*prompt, codec, *place);
                *place += usize::from(matches!(found, Found::Frame(_)));
                found
            }
        };
        let bytes = if let Found::Frame(bytes) = found { bytes } else { codec.silence() };
        Filled { length: put(bytes, frame), ended: None }
    }
}

/// Copies a payload; returns its length.
fn put(bytes: &[u8], frame: &mut Frame) -> usize {
    frame[..bytes.len()].copy_from_slice(bytes);
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::FRAME_SAMPLES;

    fn library() -> Arc<Library> {
        let loud = vec![8_000; FRAME_SAMPLES * 2];
        let soft = vec![-8_000; FRAME_SAMPLES];
        Arc::new(Library::builder().prompt("en", "loud", &loud).prompt("en", "soft", &soft).build())
    }

    fn first_bytes(feed: &mut Feed, frames: usize) -> Vec<(u8, Option<PlayId>)> {
        let mut frame = [0; PAYLOAD_BYTES];
        (0..frames)
            .map(|_| {
                let filled = feed.frame(Codec::Pcma, &mut frame);
                assert_eq!(filled.length, FRAME_SAMPLES);
                (frame[0], filled.ended)
            })
            .collect()
    }

    fn first_byte(library: &Library, prompt: PromptId) -> u8 {
        let Found::Frame(bytes) = library.frame(prompt, Codec::Pcma, 0) else { panic!("no frame") };
        bytes[0]
    }

    #[test]
    fn prompts_play_in_order_and_end_once_with_their_last_frame() {
        let library = library();
        let (loud, soft) = (library.find("en", "loud").unwrap(), library.find("en", "soft").unwrap());
        let (a, b) = (first_byte(&library, loud), first_byte(&library, soft));
        let mut feed = Feed::Prompts(Play::new(PlayId(4), Arc::from([loud, soft]), library));
        let silence = Codec::Pcma.silence()[0];
        assert_eq!(
            first_bytes(&mut feed, 5),
            [(a, None), (a, None), (b, Some(PlayId(4))), (silence, None), (silence, None)]
        );
    }

    #[test]
    fn an_empty_list_ends_at_once_with_silence() {
        let mut feed = Feed::Prompts(Play::new(PlayId(4), Arc::from([]), library()));
        assert_eq!(first_bytes(&mut feed, 1), [(Codec::Pcma.silence()[0], Some(PlayId(4)))]);
    }

    #[test]
    fn a_loop_begins_again() {
        let library = library();
        let soft = library.find("en", "soft").unwrap();
        let byte = first_byte(&library, soft);
        let mut feed = Feed::Loop { library, prompt: soft, place: 0 };
        assert_eq!(first_bytes(&mut feed, 3), [(byte, None); 3]);
    }

    #[test]
    fn a_prompt_not_encoded_yet_waits_in_silence_and_plays_whole() {
        let mut builder = Library::builder();
        builder = builder.prompt("en", "loud", &[8_000; FRAME_SAMPLES * 2]);
        let (library, masters) = builder.build_with_masters();
        let library = Arc::new(library);
        let loud = library.find("en", "loud").unwrap();
        let mut frame = [0; PAYLOAD_BYTES];
        for codec in [Codec::G722, Codec::Opus] {
            let mut feed = Feed::Prompts(Play::new(PlayId(4), Arc::from([loud]), Arc::clone(&library)));
            for _ in 0..5 {
                let waiting = feed.frame(codec, &mut frame);
                assert_eq!((&frame[..waiting.length], waiting.ended), (codec.silence(), None));
            }
        }
        masters.encode_into(&library);
        for codec in [Codec::G722, Codec::Opus] {
            let mut feed = Feed::Prompts(Play::new(PlayId(4), Arc::from([loud]), Arc::clone(&library)));
            let ends = [(); 3].map(|()| feed.frame(codec, &mut frame).ended);
            assert_eq!(ends, [None, Some(PlayId(4)), None], "{codec:?}");
        }
    }
}
