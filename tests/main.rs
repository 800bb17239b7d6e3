//! The only integration binary: one file per behaviour, one folder per part.

mod ivr;
