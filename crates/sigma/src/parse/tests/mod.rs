//! Tests of whole files.
mod corpus;
