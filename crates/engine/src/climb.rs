//! What follows when a correlation fires: its alert, and its hits in the correlations that build on it.

use crate::alerting::{Trigger, correlation_alert};
use crate::exchange::Routed;
use crate::hits::{Share, Signature, Wanted, each_hit, shares};
use crate::policy::Policy;
use crate::reread::Rereader;
use crate::shard::{Emitted, Place, order_of};
use crate::small_text::SmallText;
use crate::windows::{Cause, Fired, Hit, Identity};
use model::event::first;
use model::{Event, EventTime, FieldPath, SlotId, Value};
use sigma::compile::{CorrelationIndex, Program};
use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

/// The programs that events were read with.
#[derive(Clone, Copy)]
pub(crate) struct Programs<'p> {
    all: &'p [Arc<Program>],
    /// The number of the first of them.
    first: u16,
    policy: &'p Policy,
}

impl<'p> Programs<'p> {
    pub(crate) fn new(all: &'p [Arc<Program>], first: u16, policy: &'p Policy) -> Self {
        Self { all, first, policy }
    }

    pub(crate) fn of(self, source: u16) -> &'p Program {
        &self.all[usize::from(source - self.first)]
    }
}

/// A correlation that fired.
pub(crate) struct Spark<'s> {
    pub(crate) correlation: CorrelationIndex,
    /// As which of its rules the triggering event came in.
    pub(crate) step: u16,
    /// The group that it fired for.
    pub(crate) group: Identity,
    pub(crate) fired: Fired,
    pub(crate) cause: Cause<'s>,
    /// The time of the triggering event.
    pub(crate) time: EventTime,
    /// Where in the input it fired.
    pub(crate) at: Place,
}

/// Makes the alert of a correlation that fired, unless it is only there for others, and its hits in those.
pub(crate) fn climb(
    programs: Programs<'_>,
    rereader: &mut Rereader,
    spark: Spark<'_>,
    alerts: &mut Vec<Emitted>,
    hits: &mut Vec<Routed>,
) {
    let Spark { correlation, step, group, fired, cause, time, at } = spark;
    let program = programs.of(cause.source);
    let set = &program.rules;
    let way = [&[step], cause.below].concat();
    rereader.read(program, cause.source, cause.line, |event| {
        let names = &set.correlations[correlation.0 as usize].group_by;
        let slots = slots(program, correlation, &way, names);
        // It was decoded once, so that it can be decoded again.
        let shared = event.decoded().zip(slots).map_or_else(Vec::new, |(event, slots)| shares(program, &event, &slots, group));
        for &(upper, step) in &set.uppers[correlation.0 as usize] {
            let path = [&[step], way.as_slice()].concat();
            let mut up = |hit: Hit| {
                hits.push(Routed {
                    position: at.position,
                    source: cause.source,
                    rule: cause.rule,
                    below: way.clone().into(),
                    hit,
                    watermark: at.watermark,
                    reached: at.reached,
                    line: cause.line.into(),
                });
            };
            if let Some(event) = event.decoded() {
                upper_hits(program, upper, &path, &event, fired.last, &shared, &mut up);
            }
        }
        if set.correlation_alerts_itself[correlation.0 as usize] {
            let trigger = Trigger { program, policy: programs.policy, rule: cause.rule, event, time };
            let shared = shared.into_iter().map(|(_, text)| text).collect();
            let alert = correlation_alert(&trigger, correlation, &way, shared, fired);
            alerts.push(Emitted { position: at.position, order: order_of(program, correlation.0), alert });
        }
    });
}

/// The slots of some fields of a correlation, in the events that come to it in this way.
fn slots(program: &Program, correlation: CorrelationIndex, path: &[u16], names: &[FieldPath]) -> Option<Vec<SlotId>> {
    names.iter().map(|name| program.schema.projection.slot(program.rules.field_of(correlation, path, name))).collect()
}

/// The hits of a correlation's alert in another one: those of the event that made it fire, at the time of its last event, and in what
/// the alert's group has in common no other than that.
fn upper_hits(
    program: &Program,
    upper: CorrelationIndex,
    path: &[u16],
    event: &Event<'_>,
    last: EventTime,
    pinned: &[Share],
    show: &mut impl FnMut(Hit),
) {
    let set = &program.rules;
    let correlation = &set.correlations[upper.0 as usize];
    let slots = |names: &[FieldPath]| slots(program, upper, path, names);
    let (Some(group), Some(values)) = (slots(&correlation.group_by), slots(correlation.kind.fields())) else { return };
    let wanted = Wanted { correlation: upper, step: path[0], group: &group, values: &values, pinned };
    let roles = &program.schema.roles;
    let sign = || {
        let id = first(event.values, &roles.id);
        let id = if matches!(id, Value::Bool(_)) { Value::Missing } else { id };
        let is_local = program.plans[upper.0 as usize].is_local;
        let actor = if is_local { None } else { first(event.values, &roles.actor).text() };
        Signature { event: event_id(id, event.line), actor: actor.map(|it| SmallText::from(&*it)).unwrap_or_default() }
    };
    each_hit(program, &wanted, event, last, sign, show);
}

/// The event's own identifier, or one derived from its bytes.
pub(crate) fn event_id(id: Value<'_>, line: &str) -> SmallText {
    match id.text() {
        Some(id) => SmallText::from(&*id),
        None => SmallText::from(&*model::extract::derived_id(line)),
    }
}

/// The order in which hits go into windows: by place in the input; of one place, later steps first, so that one event is never two
/// steps of one chain. The rest makes the order the same however the hits were spread over shards.
pub(crate) fn in_order(left: &Routed, right: &Routed) -> Ordering {
    let key = |it: &Routed| (it.position, it.hit.correlation, Reverse(it.hit.step), it.hit.time, it.hit.group, it.hit.value);
    key(left).cmp(&key(right)).then_with(|| left.hit.event.to_string().cmp(&right.hit.event.to_string()))
}
