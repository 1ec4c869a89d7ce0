//! What of a partition is kept in a checkpoint, and how it is taken up again.

use std::sync::Arc;

use engine::behaviour::{Hours, Society};
use engine::repartition::Sender;
use engine::triage::Census;
use engine::{BehaviourSettings, Rulebook, Shard, Watermark, WindowLimits};
use serde::Deserialize;
use serde_json::json;
use stream::store::{Loaded, Part};

use super::checkpoints::Taken;
use super::pulses::Pulses;
use super::triage::{GroupTriage, SharedTriage};
use crate::state::{CENSUS, CLOCK, EXCHANGE, PULSE, SENDER, SHARD, SOCIETY, TRIAGE, rules_hash, source_hash};

/// What goes into a checkpoint, borrowed.
pub(super) struct Keeping<'p> {
    /// The rules, and which program of them.
    pub(super) book: &'p Rulebook,
    pub(super) program: u16,
    pub(super) shard: &'p Shard,
    pub(super) watermark: &'p Watermark,
    pub(super) hours: &'p Hours,
    pub(super) sender: &'p Sender,
    /// If there is a desk that is told.
    pub(super) census: Option<&'p Census>,
}

/// What comes out of one.
pub(super) struct Kept {
    pub(super) shard: Shard,
    pub(super) watermark: Watermark,
    pub(super) hours: Hours,
    /// None in a checkpoint of before there was an exchange topic.
    pub(super) sender: Option<Sender>,
    pub(super) census: Census,
}

/// Of what a checkpoint says of itself, what decides whether it fits.
#[derive(Debug, Deserialize)]
struct About {
    /// The mapping of its source, and the hash of what that says.
    source: String,
    source_hash: String,
}

type Clock = (Watermark, Hours);

impl Keeping<'_> {
    /// A copy of everything that the verdicts after `offset` depend on.
    pub(super) fn take(&self, offset: i64) -> Taken {
        let mapping = &self.book.programs[usize::from(self.program)].schema.mapping;
        let behaviour = self.shard.behaviour();
        let about = json!({
            "nightjar": env!("CARGO_PKG_VERSION"),
            "source": mapping.name,
            "source_hash": source_hash(mapping),
            "rules_hash": rules_hash(self.book),
            "event": self.watermark.latest().map(|it| it.to_string()),
            "people": behaviour.map_or(0, |it| it.stats().people),
            "groups": self.shard.window_stats().groups,
        });
        let clock: Clock = (self.watermark.clone(), *self.hours);
        let clock = postcard::to_allocvec(&clock).expect("writing to memory fails for no value of these types");
        let sender = postcard::to_allocvec(self.sender).expect("writing to memory fails for no value of these types");
        let shard = self.shard.snapshot(&self.book.set);
        let census = |it| postcard::to_allocvec(it).expect("writing to memory fails for no value of these types");
        let mut parts = vec![part(CLOCK, clock), part(SENDER, sender), part(SHARD, shard)];
        parts.extend(self.census.map(|it| part(CENSUS, census(it))));
        parts.extend(behaviour.map(|it| part(SOCIETY, it.society().to_bytes())));
        Taken { offset, about, parts }
    }
}

fn part(name: &str, bytes: Vec<u8>) -> Part {
    Part { name: name.to_owned(), bytes }
}

/// What [`Keeping::take`] took, under the rules of `book`.
///
/// # Errors
///
/// Says why it can't be used: it is of other events, of another version, or makes no sense.
pub(super) fn take_up(
    loaded: &Loaded,
    book: &Rulebook,
    program: u16,
    limits: WindowLimits,
    lateness_ms: i64,
) -> Result<Kept, String> {
    let about: About =
        serde_json::from_value(loaded.info.about.clone()).map_err(|it| format!("it does not say what it is of: {it}"))?;
    let mapping = &book.programs[usize::from(program)].schema.mapping;
    if about.source_hash != source_hash(mapping) {
        return Err(if about.source == mapping.name {
            format!("it is of another mapping `{}`", about.source)
        } else {
            format!("it is of the source `{}`, not `{}`", about.source, mapping.name)
        });
    }
    let find = |name: &str| loaded.parts.iter().find(|it| it.name == name).map(|it| it.bytes.as_slice());
    let (clock, shard) = find(CLOCK).zip(find(SHARD)).ok_or("a part is missing")?;
    let (watermark, hours): Clock = postcard::from_bytes(clock).map_err(|it| it.to_string())?;
    let sender = find(SENDER).map(postcard::from_bytes).transpose().map_err(|it| it.to_string())?;
    let census = find(CENSUS).map(postcard::from_bytes).transpose().map_err(|it| it.to_string())?.unwrap_or_default();
    let society = find(SOCIETY).map(Society::from_bytes).transpose()?.map(Arc::new);
    let settings = BehaviourSettings::default();
    // Without rules or a budget that ask for them, profiles are left behind.
    let society = society.filter(|_| book.watches(program)).map(|it| (&settings, it));
    let shard = Shard::restore(&book.set, limits, society, shard).map_err(|it| it.to_string())?;
    Ok(Kept { shard, watermark: watermark.with_lateness(lateness_ms), hours, sender, census })
}

/// A copy of what the partitions of a process share.
pub(super) fn take_shared(triage: (Option<&SharedTriage>, Option<&GroupTriage>), pulses: &Pulses) -> Vec<Part> {
    // Of a version before: whoever takes up the desk may be another instance, and start later.
    let before = triage.1.and_then(GroupTriage::before).map(|it| part(TRIAGE, it.to_owned()));
    let triage = triage.0.map(|it| part(TRIAGE, it.snapshot())).or(before);
    let pulses = pulses.are_shared().then(|| part(PULSE, pulses.snapshot()));
    triage.into_iter().chain(pulses).collect()
}

/// Goes on with it.
///
/// # Errors
///
/// Says why it can't be used.
pub(super) fn take_up_shared(
    loaded: &Loaded,
    triage: (Option<&SharedTriage>, Option<&GroupTriage>),
    pulses: &Pulses,
) -> Result<(), String> {
    for Part { name, bytes } in &loaded.parts {
        match (name.as_str(), triage) {
            (TRIAGE, (Some(triage), _)) => triage.restore(bytes)?,
            (TRIAGE, (None, Some(of_group))) => of_group.found(bytes)?,
            (PULSE, _) => pulses.restore(bytes)?,
            // There is no budget any more; windows over several partitions are of a version that kept them here.
            (TRIAGE, (None, None)) | (EXCHANGE, _) => {}
            _ => return Err(format!("nobody knows a part `{name}`")),
        }
    }
    Ok(())
}
