//! A load generator on the product's own SIP core: callers and agents with real sockets, in one thread.
//!
//! `fleet`: the phones and their loop. `register`: how agents' phones log in. `audio`, `burst`, `packet`, `speech`, `window`: what they
//! send and hear, and what is counted of it. `server`: the program under test as a child; `process`: what the kernel says of it.
//! `knock`: callers by the thousand. `forwarder`, `rtpengine`: what it is compared with. `figures`, `page`, `plot`: how numbers are put.

pub mod audio;
pub mod burst;
pub mod figures;
pub mod fleet;
pub mod forwarder;
pub mod knock;
pub mod packet;
pub mod page;
pub mod plot;
pub mod process;
pub mod register;
pub mod rtpengine;
pub mod server;
pub mod speech;
pub mod window;
