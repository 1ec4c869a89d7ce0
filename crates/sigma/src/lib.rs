//! The rule language: Sigma documents are parsed into [`ast`], compiled into closed enums over slots, and matched.
#![deny(clippy::disallowed_methods)]

pub mod ast;
