//! The nouns of Nightjar: events and their values, where a source keeps its roles, alerts. No I/O, no clock, no helpers.
#![deny(clippy::disallowed_methods)]

pub mod alert;
pub mod behaviour;
pub mod event;
pub mod exception;
pub mod extract;
pub mod incident;
pub mod level;
pub mod ocsf;
pub mod path;
pub mod reject;
pub mod source;
pub mod status;
pub mod time;
pub mod value;

pub use alert::{ActorRef, Alert, Delivery, Evidence, RuleInfo, RuleKind, TargetRef, WindowInfo};
pub use behaviour::{Contribution, Deviation, Standing, Triaged};
pub use event::{Event, Roles, Schema};
pub use exception::{Exception, Validity};
pub use incident::{Incident, IncidentFinding};
pub use level::Level;
pub use path::{FieldPath, Projection, SlotId};
pub use reject::{Reject, RejectCode};
pub use source::{LogSource, SourceMapping};
pub use status::Status;
pub use time::{EventTime, LatestMinute};
pub use value::Value;
