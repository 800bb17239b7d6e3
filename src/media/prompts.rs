//! Prompts: found by language and name, encoded once per codec at load.

/// A prompt in a `Library`, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptId(pub u32);

/// All prompts of a configuration: the catalogue that flows are checked against, and the frames that workers send.
#[derive(Debug, Default)]
pub struct Library {
    // Private state belongs to this file.
}
