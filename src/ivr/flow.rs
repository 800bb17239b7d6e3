//! A compiled flow: every reference resolved, nothing left to fail at run time.

/// A flow's graph.
#[derive(Debug)]
pub struct Flow {
    // Private state belongs to this folder.
}
