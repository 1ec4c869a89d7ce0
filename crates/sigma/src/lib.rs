//! The rule language: Sigma documents are parsed into [`ast`], compiled into closed enums over slots, and matched.
#![deny(clippy::disallowed_methods)]

pub mod ast;
pub mod compile;
pub mod computed;
pub mod filters;
mod fnv;
mod fold;
pub mod lint;
pub mod lists;
pub mod matcher;
pub mod number;
pub mod page;
pub mod parse;
pub mod pcre;
pub mod problem;
pub mod routing;
#[cfg(test)]
mod sigmahq;
pub mod tables;
