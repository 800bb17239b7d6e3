//! Real phones against the real program: `hotline demo`, baresip, SIPp, each test in a network of its own.

mod bank;
mod baresip;
mod main_job;
mod room;
mod sound;
mod tap;
