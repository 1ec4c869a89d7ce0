//! Which computed fields the rules of one source read, and where they and what they need stand in an event.

use super::field::{Field, Input};
use super::habit::Habit;
use super::target::OfTarget;
use crate::alerting::tested_fields;
use hashbrown::HashSet;
use model::source::{OutcomeWords, RolePaths};
use model::{FieldPath, SlotId, Value};
use sigma::ast::{Correlation, Rule};
use sigma::compile::{FieldSource, Member, Program, RuleIndex, RuleSet};

/// The computed fields of one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    fields: Vec<(SlotId, Field)>,
    /// Those that are not read from a profile.
    pub(super) at_once: Vec<(SlotId, Field)>,
    /// For each rule, what its condition reads from the profile.
    asks: Vec<Box<[(SlotId, Habit)]>>,
    /// For each rule, all that may be read again of an event that it matched: by its condition, in its alert, by correlations above it.
    shows: Vec<Box<[(SlotId, Field)]>>,
    inputs: [Box<[SlotId]>; Input::COUNT],
    needs_state: bool,
    watches: bool,
    /// What counts as done.
    outcome: OutcomeWords,
    /// Whether the keepers of targets are told of the source's events.
    sees_targets: bool,
    /// For each rule, whether it says something new about the actor: those that read the profile only repeat it.
    raises_risk: Vec<bool>,
}

impl Plan {
    /// Finds the computed fields that the rules of `program` test or show, and has decoded what they need. With `watches`, profiles are to
    /// be kept of the source's actors also if no rule reads any.
    pub fn of(program: &mut Program, watches: bool) -> Self {
        let set = program.rules.clone();
        let fed = set.rules.iter().zip(&program.trees).filter(|(_, tree)| tree.is_some()).map(|(rule, _)| &rule.info);
        let shown = fed.chain(set.correlations.iter().map(|it| &it.info)).flat_map(|it| &it.fields);
        let projection = &mut program.schema.projection;
        for path in shown.map(|it| FieldPath::new(it.as_str())).filter(FieldPath::is_computed) {
            // Beyond all slots it is not shown.
            let _ = projection.intern(&path);
        }
        let mut plan = Self { outcome: program.schema.mapping.outcome.clone(), ..Self::default() };
        for (at, path) in (0..).zip(projection.paths()).filter(|(_, it)| it.is_computed()) {
            plan.fields.extend(Field::named(path.as_str()).map(|it| (SlotId(at), it)));
        }
        plan.at_once = plan.fields.iter().copied().filter(|(_, it)| !it.is_habit()).collect();
        (plan.asks, plan.shows) = of_rules(program, &plan.fields);
        let projection = &mut program.schema.projection;
        let roles = &program.schema.mapping.roles;
        let reads_habits = plan.fields.iter().any(|(_, it)| it.is_habit());
        plan.watches = (watches || reads_habits) && !roles.actor.is_empty() && !roles.action.is_empty();
        if plan.watches {
            plan.needs_state = true;
            plan.raises_risk = set.rules.iter().map(|it| !reads_profile(it)).collect();
            for input in Input::OF_PROFILES {
                let paths = input.paths(roles).iter().map(|it| FieldPath::new(it.as_str()));
                plan.inputs[input as usize] = paths.filter_map(|it| projection.intern(&it)).collect();
            }
        }
        for &(_, field) in &plan.fields {
            plan.needs_state |= field.needs_state();
            for input in field.inputs() {
                let paths = input.paths(roles).iter().map(|it| FieldPath::new(it.as_str()));
                plan.inputs[*input as usize] = paths.filter_map(|it| projection.intern(&it)).collect();
            }
        }
        plan
    }

    /// Whether there is nothing to compute.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && !self.watches && !self.sees_targets()
    }

    /// What the condition of a rule reads from the profile.
    #[inline]
    pub(super) fn asks(&self, rule: RuleIndex) -> &[(SlotId, Habit)] {
        self.asks.get(rule.0 as usize).map_or(&[], |it| it)
    }

    /// What may be read again of an event that the rule matched.
    #[inline]
    pub(super) fn shows(&self, rule: RuleIndex) -> &[(SlotId, Field)] {
        self.shows.get(rule.0 as usize).map_or(&[], |it| it)
    }

    /// The fields that are known only where a target is kept.
    pub(crate) fn of_target(&self) -> impl Iterator<Item = OfTarget> + '_ {
        self.fields.iter().filter_map(|(_, field)| match field {
            Field::OfTarget(it) => Some(*it),
            _ => None,
        })
    }

    /// Has the keepers of targets told of the source's events from now on.
    pub(crate) fn see_targets(&mut self, program: &mut Program) {
        let mapping = &program.schema.mapping;
        if mapping.roles.target.is_empty() || mapping.roles.actor.is_empty() {
            return;
        }
        for input in Input::OF_TARGETS {
            let paths = input.paths(&mapping.roles).iter().map(|it| FieldPath::new(it.as_str()));
            self.inputs[input as usize] = paths.filter_map(|it| program.schema.projection.intern(&it)).collect();
        }
        self.sees_targets = true;
    }

    /// Whether the keepers of targets are told of the source's events.
    #[inline]
    pub fn sees_targets(&self) -> bool {
        self.sees_targets
    }

    /// What the words of outcomes mean.
    pub(super) const fn outcomes(&self) -> &OutcomeWords {
        &self.outcome
    }

    /// Whether profiles are kept of the source's actors.
    #[inline]
    pub fn watches(&self) -> bool {
        self.watches
    }

    /// Whether an alert of a rule, by its number, raises the actor's risk.
    pub(crate) fn raises_risk(&self, rule: usize) -> bool {
        self.raises_risk.get(rule).copied().unwrap_or(false)
    }

    /// Whether a field depends on what came before the event: then events are matched where the state of their actor is.
    pub fn needs_state(&self) -> bool {
        self.needs_state
    }

    /// The value of a role of an event.
    #[inline]
    pub(super) fn input<'v>(&self, input: Input, values: &[Value<'v>]) -> Value<'v> {
        model::event::first(values, &self.inputs[input as usize])
    }
}

type OfRules<F> = Vec<Box<[(SlotId, F)]>>;

/// For each rule, which of `fields` its condition reads from the profile, and which anything reads of an event that it matched.
fn of_rules(program: &Program, fields: &[(SlotId, Field)]) -> (OfRules<Habit>, OfRules<Field>) {
    let (set, projection) = (&program.rules, &program.schema.projection);
    let mut asks = Vec::with_capacity(set.rules.len());
    let mut shows = Vec::with_capacity(set.rules.len());
    for (index, (rule, tree)) in (0..).zip(set.rules.iter().zip(&program.trees)) {
        let mut read: HashSet<SlotId> = HashSet::new();
        if let Some(tree) = tree {
            tree.any(&mut |literal| {
                match program.fields[usize::from(literal.field.0)].source {
                    FieldSource::Slot(slot) | FieldSource::TimePart(slot, _) => read.extend([slot]),
                    FieldSource::Related(left, right, ..) => read.extend([left, right]),
                    FieldSource::Keywords => {}
                }
                false
            });
        }
        let is_habit = |&(slot, field): &(SlotId, Field)| if let Field::Habit(it) = field { Some((slot, it)) } else { None };
        asks.push(fields.iter().filter(|(slot, _)| read.contains(slot)).filter_map(is_habit).collect());
        let above = above(set, RuleIndex(index));
        let wanted: HashSet<&str> =
            above.iter().flat_map(|it| read_by(it)).chain(rule.info.fields.iter().map(String::as_str)).collect();
        let is_shown = |(slot, _): &&(SlotId, Field)| read.contains(slot) || wanted.contains(projection.path(*slot).as_str());
        shows.push(if tree.is_some() { fields.iter().filter(is_shown).copied().collect() } else { Box::default() });
    }
    (asks, shows)
}

/// The correlations over a rule, and those over them.
fn above(set: &RuleSet, rule: RuleIndex) -> Vec<&Correlation> {
    let is_over = |members: &[Option<Member>]| members.contains(&Some(Member::Rule(rule)));
    let mut found: Vec<usize> = (0..set.members.len()).filter(|it| is_over(&set.members[*it])).collect();
    let mut at = 0;
    while at < found.len() {
        for upper in set.uppers[found[at]].iter().map(|(it, _)| it.0 as usize) {
            if !found.contains(&upper) {
                found.push(upper);
            }
        }
        at += 1;
    }
    found.into_iter().map(|it| &set.correlations[it]).collect()
}

/// The fields that a correlation reads of its events.
fn read_by(correlation: &Correlation) -> impl Iterator<Item = &str> {
    let aliases = correlation.aliases.iter().flat_map(|(_, fields)| fields).map(|(_, field)| field);
    let paths = correlation.group_by.iter().chain(correlation.kind.fields()).chain(aliases);
    paths.map(FieldPath::as_str).chain(correlation.info.fields.iter().map(String::as_str))
}

/// Whether a rule reads the actor's profile, which an alert of it would then feed to itself.
fn reads_profile(rule: &Rule) -> bool {
    let mut fields = Vec::new();
    rule.selections.iter().for_each(|it| tested_fields(&it.search, &mut fields));
    fields.iter().filter_map(|it| Field::named(it.as_str())).any(Field::is_habit)
}

impl Input {
    fn paths(self, roles: &RolePaths) -> &[String] {
        match self {
            Self::Action => &roles.action,
            Self::Actor => &roles.actor,
            Self::ActorType => &roles.actor_type,
            Self::ActorRole => &roles.actor_role,
            Self::ActorTeam => &roles.actor_team,
            Self::Zone => &roles.zone,
            Self::Tool => &roles.tool,
            Self::Ticket => &roles.ticket,
            Self::Target => &roles.target,
            Self::TargetLabel => &roles.target_label,
            Self::Dataset => &roles.dataset,
            Self::Device => &roles.device,
            Self::Ip => &roles.source_ip,
            Self::Asn => &roles.source_asn,
            Self::Country => &roles.source_country,
            Self::Latitude => &roles.latitude,
            Self::Longitude => &roles.longitude,
            Self::TargetType => &roles.target_type,
            Self::Outcome => &roles.outcome,
        }
    }
}
