//! The unsafe code of the engine, save for [`crate::prefetch`]: a cursor that reads checked blocks of lines without bounds checks, and vector instructions.
//!
//! Everything that leaves this module is safe to call in any order. The one argument, made once here: a [`Lines`] is whole lines,
//! each ended by `\n`, and [`PADDING`] more bytes. A [`Cursor`] stands on a line of it and never passes that line's `\n`, since
//! every step it can take covers bytes that were seen to be something else. So at least one byte of the line and the padding lie
//! ahead of it, and [`Cursor::window`] may always look at [`PADDING`] bytes.
#![allow(unsafe_code, reason = "see above; each block says why it is sound")]

mod cursor;
mod isa;
mod lines;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use cursor::{Cursor, Guess, Literal};
pub(super) use isa::{Baseline, Isa, Processor, Task};
pub(super) use lines::LineStart;
pub use lines::{Lines, PADDING, pad};
