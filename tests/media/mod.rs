//! The sound itself, measured as a listener would: ITU-T P.862 on what comes out of a voice and a mix.

mod network;
mod pesq;
mod speech;
