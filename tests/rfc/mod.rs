//! What the documents ask for: the torture messages of RFC 4475 and RFC 5118, and the cases met in the field.

mod corpus;
mod field_cases;
mod fuzz;
mod libsrtp;
mod oracle;
mod server;
mod torture;
