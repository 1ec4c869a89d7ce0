//! Which computed fields the rules of one source read, and where they and what they need stand in an event.

use super::field::{Field, Input};
use model::source::RolePaths;
use model::{FieldPath, SlotId, Value};
use sigma::compile::Program;

/// The computed fields of one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub(super) fields: Vec<(SlotId, Field)>,
    inputs: [Box<[SlotId]>; Input::COUNT],
    needs_state: bool,
}

impl Plan {
    /// Finds the computed fields that the rules of `program` test or show, and has decoded what they need.
    pub fn of(program: &mut Program) -> Self {
        let set = program.rules.clone();
        let fed = set.rules.iter().zip(&program.trees).filter(|(_, tree)| tree.is_some()).map(|(rule, _)| &rule.info);
        let shown = fed.chain(set.correlations.iter().map(|it| &it.info)).flat_map(|it| &it.fields);
        let projection = &mut program.schema.projection;
        for path in shown.map(|it| FieldPath::new(it.as_str())).filter(FieldPath::is_computed) {
            // Beyond all slots it is not shown.
            let _ = projection.intern(&path);
        }
        let mut plan = Self::default();
        for (at, path) in (0..).zip(projection.paths()).filter(|(_, it)| it.is_computed()) {
            plan.fields.extend(Field::named(path.as_str()).map(|it| (SlotId(at), it)));
        }
        let roles = &program.schema.mapping.roles;
        for &(_, field) in &plan.fields {
            plan.needs_state |= field.needs_state();
            for input in field.inputs() {
                let paths = input.paths(roles).iter().map(|it| FieldPath::new(it.as_str()));
                plan.inputs[*input as usize] = paths.filter_map(|it| projection.intern(&it)).collect();
            }
        }
        plan
    }

    /// Whether no rule reads any.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether a field depends on what came before the event: then events are matched where the state of their actor is.
    pub fn needs_state(&self) -> bool {
        self.needs_state
    }

    /// The value of a role of an event.
    pub(super) fn input<'v>(&self, input: Input, values: &[Value<'v>]) -> Value<'v> {
        model::event::first(values, &self.inputs[input as usize])
    }
}

impl Input {
    fn paths(self, roles: &RolePaths) -> &[String] {
        match self {
            Self::Action => &roles.action,
            Self::Actor => &roles.actor,
            Self::ActorType => &roles.actor_type,
            Self::ActorRole => &roles.actor_role,
            Self::Zone => &roles.zone,
            Self::Tool => &roles.tool,
            Self::Ticket => &roles.ticket,
            Self::Target => &roles.target,
            Self::TargetLabel => &roles.target_label,
            Self::Dataset => &roles.dataset,
            Self::Device => &roles.device,
            Self::Ip => &roles.source_ip,
        }
    }
}
