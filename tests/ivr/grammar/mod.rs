//! The declared language and the readers say the same, and what is made of the declarations is current.

mod drift;
mod pages;
mod sample;
