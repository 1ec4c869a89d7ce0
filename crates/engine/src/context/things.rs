//! Rights, watch lists, devices and what tools and data sets are for.

use super::Builder;
use super::names::{ByName, Name, Names};
use super::rows::Row;
use jiff::tz::TimeZone;

/// Most rows for one role; each look-up goes through them.
pub const RIGHTS_PER_ROLE_MAX: usize = 10_000;

/// From when until when a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Validity {
    from_ms: i64,
    until_ms: i64,
}

impl Validity {
    /// Reads `from` and `until`, the last day included.
    fn read(row: &mut Row<'_, '_>) -> Self {
        let (from, until) = (row.moment("from"), row.moment("until"));
        let from_ms = from.map_or(i64::MIN, |it| it.start_ms(&TimeZone::UTC));
        let until_ms = until.map_or(i64::MAX, |it| it.end_ms(&TimeZone::UTC));
        if until_ms <= from_ms {
            row.bad("`until` is not after `from`", "the row would hold at no time");
        }
        Self { from_ms, until_ms }
    }

    /// Whether it holds at a time.
    pub fn holds(self, at_ms: i64) -> bool {
        self.from_ms <= at_ms && at_ms < self.until_ms
    }
}

/// Something that a role may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// With which tool; [`Name::NONE`] is any.
    tool: Name,
    /// Action patterns; none is any action.
    actions: Box<[Box<str>]>,
    /// Whether work of this kind needs a ticket, if that is said.
    pub ticket: Option<bool>,
    /// The purposes that the role has for it.
    pub purposes: Box<[Name]>,
    validity: Validity,
}

impl Right {
    /// Whether it is about this action with this tool. A tool that no table has is `None`.
    fn covers(&self, tool: Option<Name>, action: &str, at_ms: i64) -> bool {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(prefix) => action.starts_with(prefix),
            None => action == pattern,
        };
        self.validity.holds(at_ms)
            && (self.tool == Name::NONE || tool == Some(self.tool))
            && (self.actions.is_empty() || self.actions.iter().any(|it| fits(it)))
    }
}

/// What roles may do.
#[derive(Debug, Default)]
pub struct Entitlements(ByName<Right>);

impl Entitlements {
    /// The rights of `role` that are about this action; `None` if nothing is said about the role.
    pub fn of(&self, role: Name, tool: Option<Name>, action: &str, at_ms: i64) -> Option<impl Iterator<Item = &Right>> {
        let rights = self.0.of(role);
        (role.is_some() && !rights.is_empty()).then(|| rights.iter().filter(move |it| it.covers(tool, action, at_ms)))
    }

    /// All rows.
    pub fn rows(&self) -> &ByName<Right> {
        &self.0
    }
}

/// That a target is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// How closely; the organisation's word.
    pub tier: Name,
    validity: Validity,
}

/// A device of the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Whose it is.
    pub owner: Name,
    /// Whether the company manages it.
    pub managed: Option<bool>,
    /// Whether its disk is encrypted.
    pub encrypted: Option<bool>,
    /// Whether it is patched.
    pub patched: Option<bool>,
    validity: Validity,
}

/// Rights and things by name.
#[derive(Debug, Default)]
pub struct Things {
    /// What roles may do.
    pub entitlements: Entitlements,
    /// Targets that are watched, by identifier or label.
    watched: ByName<Watched>,
    /// The inventory of devices.
    devices: ByName<Device>,
    /// What tools are for.
    tools: ByName<Box<[Name]>>,
    /// What data sets are for.
    datasets: ByName<Box<[Name]>>,
}

impl Things {
    /// How many watched targets, devices, and tools and data sets with purposes there are.
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.watched.len(), self.devices.len(), self.tools.len() + self.datasets.len())
    }

    /// That one of `names` is watched at `at_ms`: the row that is said last.
    pub fn watched(&self, names: [Option<Name>; 2], at_ms: i64) -> Option<&Watched> {
        let rows = |name: Option<Name>| name.filter(|it| it.is_some()).map_or(&[][..], |it| self.watched.of(it));
        names.into_iter().find_map(|it| rows(it).iter().rev().find(|it| it.validity.holds(at_ms)))
    }

    /// A device as it was at `at_ms`.
    pub fn device(&self, id: Option<Name>, at_ms: i64) -> Option<&Device> {
        let rows = id.filter(|it| it.is_some()).map_or(&[][..], |it| self.devices.of(it));
        rows.iter().rev().find(|it| it.validity.holds(at_ms))
    }

    /// What a data set or, without one, a tool is for; `None` if nothing is said.
    pub fn purposes(&self, dataset: Option<Name>, tool: Option<Name>) -> Option<&[Name]> {
        last(&self.datasets, dataset).or_else(|| last(&self.tools, tool))
    }
}

fn last(table: &ByName<Box<[Name]>>, name: Option<Name>) -> Option<&[Name]> {
    table.of(name.filter(|it| it.is_some())?).last().map(|it| &**it)
}

/// Rows that are collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    rights: Vec<(Name, Right)>,
    watched: Vec<(Name, Watched)>,
    devices: Vec<(Name, Device)>,
    tools: Vec<(Name, Box<[Name]>)>,
    datasets: Vec<(Name, Box<[Name]>)>,
}

impl Collected {
    pub(super) fn right(&mut self, row: &mut Row<'_, '_>, builder: &mut Builder) {
        let (role, tool) = (row.required("role"), row.required("tool"));
        let (role, tool) = (builder.name(role, row), if tool == "*" { Name::NONE } else { builder.name(tool, row) });
        let actions: Box<[Box<str>]> = row.list("actions").into_iter().filter(|it| *it != "*").map(Into::into).collect();
        if let Some(pattern) = actions.iter().find(|it| it.trim_end_matches('*').contains('*')) {
            row.bad(format!("`actions`: `{pattern}` is no action pattern"), "write a whole name, or its beginning and one `*`");
        }
        let ticket = match row.text("ticket") {
            "" => None,
            "needed" => Some(true),
            "not_needed" => Some(false),
            other => {
                row.bad(
                    format!("`ticket`: `{other}` is neither `needed` nor `not_needed`"),
                    "leave it empty for what the taxonomy says",
                );
                None
            }
        };
        let purposes = row.list("purposes").into_iter().map(|it| builder.name(it, row)).collect();
        let validity = Validity::read(row);
        if self.rights.iter().rev().take_while(|(it, _)| *it == role).count() >= RIGHTS_PER_ROLE_MAX {
            row.bad(format!("a role has at most {RIGHTS_PER_ROLE_MAX} rows"), "use patterns");
        }
        if !row.is_bad {
            self.rights.push((role, Right { tool, actions, ticket, purposes, validity }));
        }
    }

    pub(super) fn watch(&mut self, row: &mut Row<'_, '_>, builder: &mut Builder) {
        let (target, tier) = (row.required("target"), row.text("tier"));
        let (target, tier) = (builder.name(target, row), builder.name(tier, row));
        let validity = Validity::read(row);
        if !row.is_bad {
            self.watched.push((target, Watched { tier, validity }));
        }
    }

    /// A target of a plain list.
    pub(super) fn watch_always(&mut self, target: &str, names: &mut Names) {
        let always = Validity { from_ms: i64::MIN, until_ms: i64::MAX };
        self.watched.extend(names.add(target).map(|it| (it, Watched { tier: Name::NONE, validity: always })));
    }

    pub(super) fn device(&mut self, row: &mut Row<'_, '_>, builder: &mut Builder) {
        let (id, owner) = (row.required("id"), row.text("owner"));
        let (id, owner) = (builder.name(id, row), builder.name(owner, row));
        let [managed, encrypted, patched] = ["managed", "encrypted", "patched"].map(|it| row.flag(it));
        let validity = Validity::read(row);
        if !row.is_bad {
            self.devices.push((id, Device { owner, managed, encrypted, patched, validity }));
        }
    }

    pub(super) fn resource(&mut self, row: &mut Row<'_, '_>, builder: &mut Builder) {
        let (kind, id) = (row.required("kind"), row.required("id"));
        let id = builder.name(id, row);
        let purposes: Box<[Name]> = row.list("purposes").into_iter().map(|it| builder.name(it, row)).collect();
        let into = match kind {
            "tool" => &mut self.tools,
            "dataset" => &mut self.datasets,
            "" => return,
            other => return row.bad(format!("`kind`: `{other}` is neither `tool` nor `dataset`"), "write one of these"),
        };
        if !row.is_bad {
            into.push((id, purposes));
        }
    }

    pub(super) fn finish(self) -> Things {
        Things {
            entitlements: Entitlements(ByName::new(self.rights, |it| it.validity)),
            watched: ByName::new(self.watched, |it| it.validity),
            devices: ByName::new(self.devices, |it| it.validity),
            tools: ByName::new(self.tools, |_| ()),
            datasets: ByName::new(self.datasets, |_| ()),
        }
    }
}
