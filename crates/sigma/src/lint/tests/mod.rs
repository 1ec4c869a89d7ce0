//! Whole sets of rules: what is said about them, and what is not.

mod cases;
mod corpus;
mod pack;
mod reference;
