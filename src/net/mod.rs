//! All sockets and clocks of the control plane's edge.

pub mod clock;
