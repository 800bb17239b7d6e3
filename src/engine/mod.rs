//! The control plane: one thread, no IO, deterministic. `handle(now, input)`, then drain `poll_output`.

pub mod happened;
