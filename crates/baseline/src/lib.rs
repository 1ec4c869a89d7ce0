//! What is normal: profiles of people and their peers, and the mathematics of habits, surprise and risk. No I/O, no clock, no
//! randomness: time, random numbers and the coordinates of a clock are arguments. Scoring allocates nothing.
//!
//! Of an [`observation::Observation`] a [`person::Person`] is advanced to its time, asked for its surprise, and taught; the
//! [`population::Population`] holds all of a shard, and [`peers::Peers`] what they have in common.
//!
//! | module | what it tells | state a person, bytes |
//! |---|---|---|
//! | [`counts`] | so many, in an active window | [`counts::Habit`] 12, [`counts::Recent`] 4, [`counts::Sliding`] 4, [`counts::Gate`] 2 |
//! | [`distinct`] | so many different ones | [`distinct::LinearCounting`] 32, [`distinct::Ultra`] 20/36/68, [`distinct::Horizon`] 80 |
//! | [`novelty`] | such a thing | [`novelty::Kinds`] 132/68/52/36 for 16/8/6/4 slots |
//! | [`clock`] | at such an hour | [`clock::WeekClock`] 122 |
//! | [`ratio`] | such a share of them | [`ratio::Ratio`] 8 |
//! | [`travel`] | from so far away so soon | [`travel::Travel`] 24 |
//! | [`slow`] | a little more every day | [`slow::Slow`] 24 |
//! | [`learn`] | how much of it to learn | [`learn::Drift`] 8, [`learn::Quarantine`] 16 |
//! | [`calibrate`] | what a p-value is really worth | none; [`calibrate::Histogram`] 512 a feature and group |
//! | [`combine`] | from many p-values to one score | none |
//! | [`risk`] | what adds up for an actor | [`risk::Risk`] 36 |
//! | [`budget`] | what of it people can read | none; one [`budget::Threshold`] and [`budget::Bucket`] |
//! | [`targets`] | to whom, and who else did | none; 128 a target |
//! | [`tails`], [`pareto`], [`prob`] | what they all compute with | none |
//!
//! The order of an event: what it adds is counted, a gate is looked at, the exact tail is computed where it was crossed, recalibrated,
//! combined; only then, and as far as it was ordinary, it is learnt.
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
pub mod feature;
pub mod learn;
pub mod novelty;
pub mod observation;
pub mod pareto;
pub mod peers;
pub mod person;
pub mod population;

pub mod prob;
pub mod ratio;
pub mod risk;
pub mod slow;
pub mod tails;
pub mod targets;
pub mod travel;

pub use prob::{LogP, Rarity, Share, Weight};

#[cfg(test)]
mod tests;
