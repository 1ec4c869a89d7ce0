//! What can be wrong with a checkpoint in a store.

use std::time::Duration;

/// A checkpoint that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such store.
    #[error("cannot keep checkpoints in `{place}`: {why}")]
    Place {
        /// What was named.
        place: String,
        /// Why not.
        why: String,
    },
    /// The store says no, or can't be reached.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which object.
        path: String,
        /// Why not.
        source: object_store::Error,
    },
    /// The store has taken a request and does not answer.
    #[error("cannot {doing} {path}: no answer for {} ms", patience.as_millis())]
    Silent {
        /// What was tried.
        doing: &'static str,
        /// With which object.
        path: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The object does not begin as a checkpoint does.
    #[error("{path} is no checkpoint: it begins with {found:02x?}")]
    Foreign {
        /// The object.
        path: String,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// A later version of Nightjar wrote it.
    #[error("{path} is a checkpoint of format {found}, but only formats up to {known} are known: use the version that wrote it")]
    Version {
        /// The object.
        path: String,
        /// The format found.
        found: char,
        /// The latest that is known.
        known: char,
    },
    /// Cut off or damaged.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong.
        why: String,
    },
}

impl StoreError {
    pub(super) fn io(doing: &'static str, path: &str) -> impl FnOnce(object_store::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    pub(super) fn damaged(path: &str, why: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.to_string() }
    }

    /// Whether the object was read and can't be used, or is gone: the one before it may do.
    pub fn is_of_content(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(source, object_store::Error::NotFound { .. }),
            Self::Place { .. } | Self::Silent { .. } => false,
            Self::Foreign { .. } | Self::Version { .. } | Self::Damaged { .. } => true,
        }
    }
}
