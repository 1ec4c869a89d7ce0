//! The computed fields that tell what others did to an event's target: known only where the target is kept, and written behind the event's
//! line there.

use super::note::begin;
use super::{Computed, write_p};
use baseline::targets::TargetView;
use std::fmt::Write;

/// Declares the fields of targets, each with its name and where its value comes from.
macro_rules! fields {
    ($($field:ident $name:literal $value:expr;)*) => {
        /// A field of the target of an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum OfTarget {
            $(#[doc = concat!("`", $name, "`")] $field,)*
        }

        impl OfTarget {
            pub(super) const ALL: &'static [Self] = &[$(Self::$field,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)* }
            }

            fn value(self, view: &TargetView) -> Computed<'static> {
                let value: fn(&TargetView) -> Computed<'static> = match self { $(Self::$field => $value,)* };
                value(view)
            }
        }
    };
}

fn count(count: u32) -> Computed<'static> {
    Computed::Count(count.into())
}

fn count_if(known: Option<u32>) -> Computed<'static> {
    known.map_or(Computed::Absent, count)
}

fields! {
    Takeover "nj.chain.takeover" |it| count(it.chain.steps.into());
    TakeoverActors "nj.chain.actors" |it| count(it.chain.actors.into());
    Actors24h "nj.target.actors_24h" |it| count(it.actors_24h);
    Actors7d "nj.target.actors_7d" |it| count_if(it.actors_7d);
    Unticketed24h "nj.target.unticketed_24h" |it| count(it.unticketed_24h);
    P "nj.target.p" |it| Computed::P(it.p);
    FirstActor "nj.target.first_actor" |it| Computed::Flag(it.is_first_actor);
    Relay "nj.target.relay" |it| count_if(it.relay);
}

/// Writes what a view says of `fields` behind a line and what else was computed of it.
pub(crate) fn note_view(fields: impl Iterator<Item = OfTarget>, view: &TargetView, line: &mut String) {
    for field in fields {
        match field.value(view) {
            Computed::Flag(it) => {
                begin(field.name(), 'b', line);
                let _ = write!(line, "{it}");
            }
            Computed::Count(it) => {
                begin(field.name(), 'n', line);
                let _ = write!(line, "{it}");
            }
            Computed::P(it) => {
                begin(field.name(), 'n', line);
                write_p(it.p(), line);
            }
            Computed::Absent | Computed::Text(_) | Computed::Number(_) => {}
        }
    }
}
