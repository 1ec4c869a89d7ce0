//! Bytes to projected values.
