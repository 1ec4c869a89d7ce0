//! The object store: states, of which some are damaged, cut off, of something else, or gone.

use super::log::Partition;
use super::random::Random;
use engine::behaviour::Society;
use std::collections::BTreeMap;
use std::sync::Arc;
use stream::store::KEPT;

/// A state up to an offset, in parts, each with what it should hash to.
pub(super) struct Kept {
    pub(super) offset: usize,
    pub(super) parts: Vec<Arc<[u8]>>,
    sums: Vec<blake3::Hash>,
    /// As the world knows, and nobody in it.
    is_damaged: bool,
}

impl Kept {
    pub(super) fn new(offset: usize, parts: Vec<Arc<[u8]>>) -> Self {
        let sums = parts.iter().map(|it| blake3::hash(it)).collect();
        Self { offset, parts, sums, is_damaged: false }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.parts.iter().zip(&self.sums).all(|(part, sum)| blake3::hash(part) == *sum)
    }

    /// Cut off, changed, or bytes of something else that are whole.
    fn damage(&mut self, random: &mut Random) {
        self.is_damaged = true;
        let at = random.below(self.parts.len());
        let mut part = self.parts[at].to_vec();
        match random.below(3) {
            0 => part.truncate(random.below(part.len())),
            1 => part[random.below(self.parts[at].len())] ^= 1 << random.below(8),
            _ => return *self = Self { is_damaged: true, ..Self::new(self.offset, vec![b"of another program".as_slice().into()]) },
        }
        self.parts[at] = part.into();
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Store {
    /// In the order of their offsets; of one offset, the latest is the last.
    kept: BTreeMap<Partition, Vec<Kept>>,
    pub(super) is_away: bool,
}

impl Store {
    /// Writes a state, and lets go what nobody needs, as far as it is known what is committed.
    pub(super) fn write(&mut self, partition: Partition, kept: Kept, committed: Option<usize>) {
        let all = self.kept.entry(partition).or_default();
        all.insert(all.partition_point(|it| it.offset <= kept.offset), kept);
        let Some(committed) = committed else { return };
        let usable = all.iter().rposition(|it| it.offset <= committed);
        let newest = all.len().saturating_sub(KEPT);
        let mut at = 0;
        all.retain(|_| {
            at += 1;
            at > newest || usable.is_some_and(|it| at == it + 1 || at == it)
        });
        assert!(all.len() <= KEPT + 2, "invariant 5: {} states of {partition:?}", all.len());
    }

    /// Damages one, or has it vanish. One of those that anybody may need stays: without any, nobody could go on.
    pub(super) fn damage(&mut self, partition: Partition, committed: usize, random: &mut Random) {
        let Some(all) = self.kept.get_mut(&partition) else { return };
        let usable = all.iter().filter(|it| it.offset <= committed && !it.is_damaged).count();
        let is_any_damaged = all.iter().any(|it| it.is_damaged);
        if usable < 2 || is_any_damaged {
            return;
        }
        let at = random.below(all.len());
        if random.percent(20) { drop(all.remove(at)) } else { all[at].damage(random) }
    }

    /// What goes further than what is committed is of messages that nobody has, and goes when the partition is taken up.
    pub(super) fn cut(&mut self, partition: Partition, committed: usize) {
        self.kept.entry(partition).or_default().retain(|it| it.offset <= committed);
    }

    /// The newest comes first.
    pub(super) fn newest(&self, partition: Partition) -> impl Iterator<Item = &Kept> {
        self.kept.get(&partition).into_iter().flatten().rev()
    }
}

/// Bytes of societies, and societies of bytes: they are large, and change once an hour.
#[derive(Default)]
pub(super) struct Societies {
    written: Vec<(Arc<Society>, Arc<[u8]>)>,
    read: Vec<(Arc<[u8]>, Arc<Society>)>,
}

impl Societies {
    const KNOWN_MAX: usize = 64;

    pub(super) fn write(&mut self, society: &Arc<Society>) -> Arc<[u8]> {
        if let Some((_, bytes)) = self.written.iter().find(|it| Arc::ptr_eq(&it.0, society)) {
            return Arc::clone(bytes);
        }
        let bytes: Arc<[u8]> = society.to_bytes().into();
        // Equal bytes are the same, so that they are read once.
        let bytes = self.written.iter().map(|it| &it.1).find(|it| **it == bytes).map_or(bytes, Arc::clone);
        if self.written.len() == Self::KNOWN_MAX {
            self.written.remove(0);
        }
        self.written.push((Arc::clone(society), Arc::clone(&bytes)));
        bytes
    }

    pub(super) fn read(&mut self, bytes: &Arc<[u8]>) -> Result<Arc<Society>, String> {
        if let Some((_, society)) = self.read.iter().find(|it| Arc::ptr_eq(&it.0, bytes)) {
            return Ok(Arc::clone(society));
        }
        let society = Arc::new(Society::from_bytes(bytes)?);
        if self.read.len() == Self::KNOWN_MAX {
            self.read.remove(0);
        }
        self.read.push((Arc::clone(bytes), Arc::clone(&society)));
        Ok(society)
    }
}
