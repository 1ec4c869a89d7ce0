//! From the partitions of actors to those who keep other groups: what matched travels in [`parcel`]s through a topic that is keyed by
//! the group, and is taken in the order of event time, however fast each partition is read.
//!
//! Who keeps a group is an [`Owner`], one a partition of that topic. Its verdicts are a function of the parcels in its partition, in their
//! order: clocks and idle partitions are said in parcels too. So an owner can be stopped anywhere and go on elsewhere.
//!
//! | module | what it does |
//! |---|---|
//! | `placement` | which owner a hit is for |
//! | `sender` | puts what a batch left for others into parcels, with how far the partition has come |
//! | `parcel` | the bytes |
//! | `names` | rules and other things in them by name, for whoever has another set of rules |
//! | `merge` | brings items of many partitions into one order |
//! | `owner` | has the windows and the targets see them |
//! | `told` | the bytes of what the desk is told: of partitions, and of owners in a second hop |
//! | `desk` | brings what it is told into one order, and triages it |
//! | `pulses` | whether sources are still heard of, as all their partitions say |
//! | `station` | a partition of the topic: the groups that it keeps, and, if it is the first, the desk and the pulses |

mod desk;
mod merge;
mod names;
mod owner;
mod parcel;
mod placement;
mod pulses;
mod sender;
mod station;
#[cfg(test)]
mod tests;
mod told;

pub use desk::{Desk, Told};
pub use merge::{Key, MergeStats, Merger, Origin, PENDING_MAX, Stand};
pub use owner::{Owner, OwnerError, OwnerStats};
pub use parcel::{LINE_BYTES_MAX, PARCEL_BYTES, ParcelError};
pub use placement::Placement;
pub use pulses::Pulses;
pub use sender::{Parcel, Progress, Sender, group_of};
pub use station::{Decided, Station};
