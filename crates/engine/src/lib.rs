//! The hot path of one shard: bytes are decoded into events, matched against the rules, and kept in windows.
#![deny(clippy::disallowed_methods)]

pub mod decode;
