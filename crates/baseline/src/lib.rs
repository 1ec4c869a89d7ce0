//! What is normal: the mathematics of habits, surprise and risk. No I/O, no clock, no randomness: time, random numbers and the
//! coordinates of a clock are arguments.
//!
//! Elementary functions come from `libm`, not from the platform: its bits are the same on every machine, whereas the C library picks
//! other code for other processors. A replay elsewhere gives the same scores.
#![deny(clippy::disallowed_methods)]
#![allow(clippy::doc_markdown, clippy::many_single_char_names, reason = "formulas are written as their sources write them")]

mod array;
pub mod budget;
pub mod calibrate;
pub mod clock;
pub mod combine;
pub mod counts;
pub mod distinct;
pub mod learn;
pub mod novelty;
pub mod pareto;
pub mod prob;
pub mod ratio;
pub mod risk;
pub mod slow;
pub mod tails;

pub use prob::{LogP, Rarity, Share, Weight};

#[cfg(test)]
mod tests;
