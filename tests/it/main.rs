//! Integration tests: the whole engine, held to the numbered invariants of ARCHITECTURE.md.
#![allow(clippy::unwrap_used)]

mod alloc;
mod bad_input;
mod choices;
mod conformance;
mod correlations;
mod decode;
mod golden;
mod ocsf_schema;
mod oracle;
mod peer;
mod reload;
mod replay;
mod schemas;
mod sigmahq;
mod simulation;
mod sources;
mod support;
mod tidy;
mod yaml;
