//! Runs the cases of rule pages through the whole engine.
