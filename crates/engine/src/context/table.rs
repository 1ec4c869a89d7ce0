//! The tables that a context has, and their columns.

use super::rows::Format;

/// Declares the tables: name, columns (the first so many of which are required), and what it says.
macro_rules! tables {
    ($($table:ident $name:literal $required:literal [$($column:literal)*] $meaning:literal)*) => {
        /// A table of the context.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Table {
            $(#[doc = $meaning] $table,)*
        }

        impl Table {
            /// All of them, in the order in which they are read: people first.
            pub const ALL: &'static [Self] = &[$(Self::$table,)*];

            /// The stem of its file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$table => $name,)* }
            }

            /// Its columns.
            pub fn columns(self) -> &'static [&'static str] {
                match self { $(Self::$table => &[$($column,)*],)* }
            }

            /// How many of its columns, the first ones, have to be there.
            pub fn required(self) -> usize {
                match self { $(Self::$table => $required,)* }
            }

            /// What it says, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$table => $meaning,)* }
            }
        }
    };
}

tables! {
    Roster "roster" 1 ["id" "email" "type" "role" "team" "manager" "site" "tz" "start" "last_day" "notice" "from" "until" "accounts"] "People and service accounts; several rows of one person for different times."
    Shifts "shifts" 3 ["actor" "start" "end"] "Single shifts of single people."
    Schedules "schedules" 3 ["days" "begin" "finish" "actor" "team" "role" "site" "tz" "from" "until"] "Hours of a week, of a person, team, role or site."
    OnCall "on_call" 3 ["actor" "start" "end"] "When somebody may be called."
    Leave "leave" 3 ["actor" "start" "end"] "When somebody is away; the last day included."
    Holidays "holidays" 1 ["date" "site" "name"] "Days on which nobody works, at a site or everywhere."
    Tickets "tickets" 1 ["id" "targets" "assignee" "team" "opened_by" "opened" "closed"] "Tickets; one that is opened again has several rows."
    Entitlements "entitlements" 2 ["role" "tool" "actions" "ticket" "purposes" "from" "until"] "What a role may do with a tool."
    Watchlists "watchlists" 1 ["target" "tier" "list" "from" "until"] "Targets whose every look-up needs a reason."
    Devices "devices" 1 ["id" "owner" "managed" "encrypted" "patched" "from" "until"] "The inventory of devices."
    Networks "networks" 1 ["network" "name"] "Networks the company's people come from."
    Resources "resources" 2 ["kind" "id" "purposes"] "What tools and data sets may be used for."
}

impl Table {
    /// The table that a file called `name` is, and how it is written.
    pub fn of_file(name: &str) -> Option<(Self, Format)> {
        let (stem, extension) = name.rsplit_once('.')?;
        let format = match extension.to_ascii_lowercase().as_str() {
            "csv" => Format::Csv,
            "ndjson" => Format::Ndjson,
            "parquet" => Format::Parquet,
            _ => return None,
        };
        Some((Self::named(stem)?, format))
    }

    /// The table of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name() == name)
    }

    /// The columns that say whom or what a row is about.
    pub(super) fn subject(self) -> &'static [&'static str] {
        match self {
            Self::Roster | Self::Tickets | Self::Devices => &["id"],
            Self::Shifts | Self::OnCall | Self::Leave => &["actor"],
            Self::Schedules => &["actor", "team", "role", "site"],
            Self::Holidays => &["date", "site"],
            Self::Entitlements => &["role"],
            Self::Watchlists => &["target"],
            Self::Networks => &["network"],
            Self::Resources => &["kind", "id"],
        }
    }

    /// The place of a column, whatever the case of its name.
    pub(super) fn column(self, name: &str) -> Option<usize> {
        self.columns().iter().position(|it| it.eq_ignore_ascii_case(name.trim()))
    }
}
