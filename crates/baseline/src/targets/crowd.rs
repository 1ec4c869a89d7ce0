//! The people of a target: a few beside it, more in a block of their own that becomes a sketch, and all of a week for watched targets.

use super::sketch::Sketch;
use super::target::Target;
use super::{DAY, NEIGHBOURS, Touch, WEEK};
use serde::{Deserialize, Serialize};

/// People who stand beside the target itself.
pub(super) const FEW: usize = 3;
/// Most people of a target within 24 hours that are told apart, if it is not watched.
pub const EXACT_MAX: usize = 64;
/// Most people who are remembered of a watched target within 7 days: whoever was there longest ago makes way, and is counted.
pub const ACTORS_MAX: usize = 1_024;

/// Somebody who touched a target. 16 bytes; a time of 0 is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Sight {
    actor: u64,
    /// When last.
    last: u32,
    /// When last without the ticket that was needed; 0 for never.
    bare: u32,
}

/// Whether `second` is less than `span` before `end`.
const fn is_within(second: u32, end: u32, span: u32) -> bool {
    second > 0 && end.saturating_sub(second) < span
}

impl Sight {
    fn of(touch: &Touch) -> Self {
        let bare = if touch.is_unticketed() { touch.second } else { 0 };
        Self { actor: touch.actor.get(), last: touch.second, bare }
    }

    const fn is_live(&self, end: u32) -> bool {
        is_within(self.last, end, DAY)
    }

    fn join(&mut self, other: Self) {
        self.last = self.last.max(other.last);
        self.bare = self.bare.max(other.bare);
    }
}

/// Where the people of a target stand who have no room beside it: nowhere, in a block, or in a list of a watched target. 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct More(u32);

/// What a [`More`] means.
enum Place {
    Nowhere,
    Block(usize),
    List(usize),
}

impl More {
    pub(super) const NONE: Self = Self(u32::MAX);
    const LIST: u32 = 1 << 31;

    pub(super) const fn is_list(self) -> bool {
        self.0 != u32::MAX && self.0 & Self::LIST != 0
    }

    const fn place(self) -> Place {
        match self.0 {
            u32::MAX => Place::Nowhere,
            it if it & Self::LIST != 0 => Place::List((it & !Self::LIST) as usize),
            it => Place::Block(it as usize),
        }
    }

    fn block(at: usize) -> Self {
        Self(u32::try_from(at).expect("there are fewer blocks than targets"))
    }

    fn list(at: usize) -> Self {
        Self(u32::try_from(at).expect("there are fewer lists than targets") | Self::LIST)
    }
}

/// Many people: told apart up to [`EXACT_MAX`], sketched beyond. 1 KiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Block {
    Listed {
        #[serde(with = "crate::array")]
        people: [Sight; EXACT_MAX],
    },
    /// Everybody, and those without a ticket.
    Sketched(Sketch, Sketch),
}

const _: () = assert!(size_of::<Block>() <= 1_024 + 8);

impl Block {
    const EMPTY: Self = Self::Listed { people: [Sight { actor: 0, last: 0, bare: 0 }; EXACT_MAX] };
}

/// What is known of the people of a target, whoever is asking counted.
pub(super) struct Count {
    pub(super) actors: u32,
    pub(super) unticketed: u32,
    pub(super) week: Option<u32>,
    /// Whether whoever is asking is remembered.
    pub(super) is_known: bool,
    /// The relative standard error of what is no exact number.
    pub(super) error: Option<f64>,
}

/// All people of a shard's targets that don't stand beside them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Crowds {
    blocks: Vec<Block>,
    /// Whose each block is.
    owners: Vec<u32>,
    free_blocks: Vec<u32>,
    blocks_max: u32,
    hand: usize,
    lists: Vec<Vec<Sight>>,
    free_lists: Vec<u32>,
    lists_max: u32,
    narrowed: u64,
    unlisted: u64,
    unwatched: u64,
}

/// Puts somebody among `people`: in their own place, or that of somebody who was there longest ago and is older than `span`. `false` if
/// there is no such place.
fn put(people: &mut [Sight], sight: Sight, end: u32, span: u32) -> bool {
    if let Some(own) = people.iter_mut().find(|it| it.actor == sight.actor && it.last > 0) {
        own.join(sight);
        return true;
    }
    let Some(idlest) = people.iter_mut().min_by_key(|it| it.last) else { return false };
    let is_free = !is_within(idlest.last, end, span);
    if is_free {
        *idlest = sight;
    }
    is_free
}

/// How many of `people` there are within a day and a week, how many without a ticket, and whether the one who asks was among them.
fn count(people: &[Sight], end: u32, touch: &Touch) -> Count {
    let me = touch.actor.get();
    let mut found = Count { actors: 1, unticketed: 0, week: Some(1), is_known: false, error: None };
    let mut is_bare = touch.is_unticketed();
    let mut week = 1;
    for it in people {
        let is_live = it.is_live(end);
        let bare = is_within(it.bare, end, DAY);
        if it.actor == me && it.last > 0 {
            found.is_known = is_within(it.last, end, WEEK);
            is_bare |= bare;
        } else {
            found.actors += u32::from(is_live);
            found.unticketed += u32::from(bare);
            week += u32::from(is_within(it.last, end, WEEK));
        }
    }
    found.unticketed += u32::from(is_bare);
    Count { week: Some(week), ..found }
}

/// Of targets that are not watched nobody remembers a week; one that is about to be begins with those who are known.
fn weekless(mut count: Count, touch: &Touch) -> Count {
    count.week = count.week.filter(|_| touch.is_watched);
    count
}

fn rounded(estimate: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1,600")]
    let whole = estimate.round() as u32;
    whole
}

impl Crowds {
    pub(super) fn new(blocks_max: u32, lists_max: u32) -> Self {
        Self { blocks_max, lists_max, ..Self::default() }
    }

    /// The people of `target` as of its latest second `end`, the one of `touch` counted.
    pub(super) fn crowd(&self, target: &Target, end: u32, touch: &Touch) -> Count {
        match target.more.place() {
            Place::Nowhere => weekless(count(&target.few, end, touch), touch),
            Place::List(at) => count(&self.lists[at], end, touch),
            Place::Block(at) => match &self.blocks[at] {
                Block::Listed { people } => weekless(count(people, end, touch), touch),
                // Everybody has left.
                Block::Sketched(..) if end - target.latest >= DAY => weekless(count(&[], end, touch), touch),
                Block::Sketched(all, bare) => {
                    let me = touch.actor.get();
                    let estimate = all.estimate(end, Some(me));
                    let actors = rounded(estimate).max(1);
                    let unticketed = rounded(bare.estimate(end, Some(me).filter(|_| touch.is_unticketed()))).min(actors);
                    let (is_known, error) = (all.knows(me, end), Some(Sketch::relative_error(estimate)));
                    Count { actors, unticketed, week: None, is_known, error }
                }
            },
        }
    }

    /// How many there are within a day.
    pub(super) fn actors(&self, target: &Target, end: u32) -> u32 {
        let live = |people: &[Sight]| u32::try_from(people.iter().filter(|it| it.is_live(end)).count()).unwrap_or(u32::MAX);
        match target.more.place() {
            Place::Nowhere => live(&target.few),
            Place::List(at) => live(&self.lists[at]),
            Place::Block(at) => match &self.blocks[at] {
                Block::Listed { people } => live(people),
                Block::Sketched(all, _) => rounded(all.estimate(end, None)),
            },
        }
    }

    /// Takes note of whoever touched `target`, which stands at `place`. `false` if that needs a block and none is left: then nothing was
    /// noted, and another target has to be narrowed first.
    pub(super) fn add(&mut self, target: &mut Target, place: usize, end: u32, touch: &Touch) -> bool {
        let sight = Sight::of(touch);
        if touch.is_watched && !target.is_watched() {
            self.watch(target);
        }
        match target.more.place() {
            Place::List(at) => self.add_to_list(at, sight, end),
            Place::Nowhere => return put(&mut target.few, sight, end, DAY) || self.widen(target, place, sight),
            Place::Block(at) => self.add_to_block(at, target, sight, end),
        }
        true
    }

    fn add_to_list(&mut self, at: usize, sight: Sight, end: u32) {
        let people = &mut self.lists[at];
        if put(people, sight, end, WEEK) {
            return;
        }
        if people.len() < ACTORS_MAX {
            people.push(sight);
            return;
        }
        self.unlisted += u64::from(put(people, sight, end, 0));
    }

    fn add_to_block(&mut self, at: usize, target: &mut Target, sight: Sight, end: u32) {
        let block = &mut self.blocks[at];
        match block {
            Block::Sketched(..) if end - target.latest >= DAY => {
                // Everybody has left.
                target.few = [sight, Sight::default(), Sight::default()];
                self.free(target);
            }
            Block::Sketched(all, bare) => {
                all.add(sight.actor, sight.last, end);
                if sight.bare > 0 {
                    bare.add(sight.actor, sight.bare, end);
                }
            }
            Block::Listed { people } => {
                let is_put = put(people, sight, end, DAY);
                let live = people.iter().filter(|it| it.is_live(end)).count();
                if !is_put {
                    let (mut all, mut bare) = (Sketch::default(), Sketch::default());
                    for it in people.iter().chain([&sight]) {
                        all.add(it.actor, it.last, end);
                        if is_within(it.bare, end, DAY) {
                            bare.add(it.actor, it.bare, end);
                        }
                    }
                    *block = Block::Sketched(all, bare);
                } else if live < FEW {
                    target.few = latest(people);
                    self.free(target);
                }
            }
        }
    }

    /// Gives `target` a block for the people who stand beside it and one more.
    fn widen(&mut self, target: &mut Target, place: usize, sight: Sight) -> bool {
        let owner = u32::try_from(place).expect("places are counted in 32 bits");
        let at = if let Some(at) = self.free_blocks.pop() {
            at as usize
        } else if self.blocks.len() < self.blocks_max as usize {
            self.blocks.push(Block::EMPTY);
            self.owners.push(owner);
            self.blocks.len() - 1
        } else {
            return false;
        };
        let mut people = [Sight::default(); EXACT_MAX];
        people[..FEW].copy_from_slice(&target.few);
        people[FEW] = sight;
        self.blocks[at] = Block::Listed { people };
        self.owners[at] = owner;
        target.more = More::block(at);
        true
    }

    /// Whose blocks may be taken: those of the next few, as a hand goes round.
    pub(super) fn next_owners(&mut self) -> impl Iterator<Item = usize> + '_ {
        let (all, from) = (self.owners.len(), self.hand);
        self.hand = (from + NEIGHBOURS) % all.max(1);
        (0..NEIGHBOURS.min(all)).map(move |step| self.owners[(from + step) % all] as usize)
    }

    /// Puts somebody in the place of whoever was there longest ago beside `target`: there are no blocks.
    pub(super) fn squeeze(&mut self, target: &mut Target, touch: &Touch) {
        self.narrowed += 1;
        put(&mut target.few, Sight::of(touch), u32::MAX, 0);
    }

    /// Keeps the latest people of `target` only: its block goes to another.
    pub(super) fn narrow(&mut self, target: &mut Target) {
        self.narrowed += 1;
        if let Place::Block(at) = target.more.place() {
            target.few = match &self.blocks[at] {
                Block::Listed { people } => latest(people),
                Block::Sketched(..) => [Sight::default(); FEW],
            };
            self.free(target);
        }
    }

    /// Gives a watched target a list, with the people who are known. Where there is none left, it is counted as others are.
    fn watch(&mut self, target: &mut Target) {
        let at = if let Some(at) = self.free_lists.pop() {
            at as usize
        } else if self.lists.len() < self.lists_max as usize {
            self.lists.push(Vec::new());
            self.lists.len() - 1
        } else {
            self.unwatched += 1;
            return;
        };
        let people = match target.more.place() {
            Place::Block(at) => match &self.blocks[at] {
                Block::Listed { people } => people.as_slice(),
                Block::Sketched(..) => &[],
            },
            _ => &target.few,
        };
        let list = &mut self.lists[at];
        list.clear();
        list.extend(people.iter().filter(|it| it.last > 0));
        self.free(target);
        target.more = More::list(at);
    }

    /// Takes back what `target` has beside itself.
    pub(super) fn free(&mut self, target: &mut Target) {
        let free = |at: usize| u32::try_from(at).expect("it was made of one");
        match std::mem::replace(&mut target.more, More::NONE).place() {
            Place::Nowhere => {}
            Place::Block(at) => self.free_blocks.push(free(at)),
            Place::List(at) => {
                self.lists[at].clear();
                self.free_lists.push(free(at));
            }
        }
    }

    /// Large targets that were narrowed, people who made way on watched targets, and targets that could not be watched.
    pub(super) const fn lost(&self) -> [u64; 3] {
        [self.narrowed, self.unlisted, self.unwatched]
    }

    pub(super) fn bytes(&self) -> usize {
        let lists: usize = self.lists.iter().map(|it| it.capacity() * size_of::<Sight>() + size_of::<Vec<Sight>>()).sum();
        self.blocks.capacity() * size_of::<Block>() + lists
    }

    /// Whether what was read back fits `targets`: each block and list is free or of one target, which says so as well.
    pub(super) fn fits(&self, targets: &[Target]) -> bool {
        let mut is_free = [vec![false; self.blocks.len()], vec![false; self.lists.len()]];
        for (free, of) in [&self.free_blocks, &self.free_lists].into_iter().zip(&mut is_free) {
            for &at in free {
                match of.get_mut(at as usize) {
                    Some(is_free) if !*is_free => *is_free = true,
                    _ => return false,
                }
            }
        }
        let [mut free_blocks, mut free_lists] = is_free;
        let mut take = |at: usize, of: usize| {
            let free = if of == 0 { &mut free_blocks } else { &mut free_lists };
            free.get_mut(at).is_some_and(|it| !std::mem::replace(it, true))
        };
        let is_own = |at: usize, place: usize| self.owners.get(at).is_some_and(|it| *it as usize == place);
        let are_there = targets.iter().enumerate().all(|(place, it)| match it.more.place() {
            Place::Nowhere => true,
            Place::Block(at) => is_own(at, place) && take(at, 0),
            Place::List(at) => take(at, 1),
        });
        let are_taken = free_blocks.iter().chain(&free_lists).all(|it| *it);
        are_there && are_taken && self.owners.len() == self.blocks.len() && self.hand <= self.owners.len()
    }
}

/// The three who were there last, the latest first.
fn latest(people: &[Sight]) -> [Sight; FEW] {
    let mut few = [Sight::default(); FEW];
    for it in people {
        let mut rest = *it;
        for place in &mut few {
            if rest.last > place.last {
                std::mem::swap(place, &mut rest);
            }
        }
    }
    few
}
