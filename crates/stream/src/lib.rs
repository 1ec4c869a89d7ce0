//! The edges of the process: files, Kafka and dead letters. Bytes in, bytes out.
//!
//! This crate knows nothing about events, rules or alerts. It hands out [`Block`]s of whole lines (from files through
//! [`files::BlockReader`], from Kafka through [`kafka::Batch`]) in the layout that a decoder with a sentinel wants, and
//! takes back records that are bytes; a [`checkpoint`] keeps a state that is bytes as well, and a [`store`] many of them. What must never happen here: a message dropped silently, or an input offset
//! committed before everything that its message caused is acknowledged.

pub mod block;
pub mod checkpoint;
pub mod dead_letters;
pub mod files;
pub mod kafka;
pub mod store;

pub use block::{Block, Oversize, PADDING};
