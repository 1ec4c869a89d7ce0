//! The page of a rule: Markdown with cases that fire and cases that stay quiet, which CI runs.
