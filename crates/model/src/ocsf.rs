//! Alerts as OCSF 1.8 Detection Findings (class 2004).
