//! The checkpoints of one partition: written one after the other, found again from the newest back, and swept away.

use super::format::{BLOCK_BYTES, Block, Hash, Header, Info, Listed, hash, packed, packer, unpacker};
use super::{Spare, Store, StoreError};
use fastcdc::v2020::FastCDC;
use object_store::path::Path;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How the names of checkpoints end.
pub(super) const SUFFIX: &str = ".njc";
/// Folders have names of so many parts at most: group, topic, partition.
pub(super) const DEPTH: usize = 3;
/// So many checkpoints in a row may rest on one full one.
const SINCE_FULL_MAX: usize = 8;
/// So many are kept, the newest, and what they rest on.
pub const KEPT: usize = 6;
/// What is read of an object to find its header: nearly always enough.
const START_BYTES: u64 = 64 << 10;

/// See the module. One writer at a time; it begins with a full checkpoint, since it does not know who else may sweep.
#[derive(Debug)]
pub struct Series {
    store: Store,
    path: Path,
    /// Blocks of the checkpoint that was written last, each with the name of its object and its place there.
    known: HashMap<Hash, (u16, Block)>,
    /// Objects of [`Self::known`].
    objects: Vec<String>,
    since_full: usize,
}

/// Named bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A checkpoint that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of the object in its series.
    pub name: String,
    /// The offset of the first message that is not in it.
    pub offset: i64,
    /// When it was taken, in milliseconds since the epoch.
    pub created_ms: i64,
    /// Bytes of the object alone.
    pub len: u64,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it is of.
    pub info: Info,
    /// The parts, in their order.
    pub parts: Vec<Part>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The name of the object.
    pub name: String,
    /// Bytes of all parts.
    pub bytes: u64,
    /// Bytes of the object.
    pub stored: u64,
    /// Blocks of all parts, and those that had to be written.
    pub blocks: (usize, usize),
    /// Whether it needs no other object.
    pub is_full: bool,
}

/// A checkpoint that was passed over.
#[derive(Debug)]
pub struct Skipped {
    /// Which.
    pub entry: Entry,
    /// Why.
    pub error: StoreError,
}

impl Series {
    pub(super) fn new(store: Store, path: Path) -> Self {
        Self { store, path, known: HashMap::new(), objects: vec![String::new()], since_full: SINCE_FULL_MAX }
    }

    /// The checkpoints that there are, the one that goes furthest first.
    ///
    /// # Errors
    ///
    /// When the store can't be asked.
    pub fn list(&self) -> Result<Vec<Entry>, StoreError> {
        Ok(self.list_all()?.0)
    }

    /// The same, and the names of objects that end as those of checkpoints do and are none: somebody has put them there.
    ///
    /// # Errors
    ///
    /// When the store can't be asked.
    pub fn list_all(&self) -> Result<(Vec<Entry>, Vec<String>), StoreError> {
        let (mut entries, mut others) = (Vec::new(), Vec::new());
        for it in self.store.all(&self.path)? {
            let name = it.location.filename().unwrap_or_default();
            let is_here = it.location.prefix_match(&self.path).is_some_and(|it| it.count() == 1);
            match parsed(name) {
                _ if !is_here || !name.ends_with(SUFFIX) => {}
                Some((offset, created_ms)) => entries.push(Entry { name: name.to_owned(), offset, created_ms, len: it.size }),
                None => others.push(super::decoded(name)),
            }
        }
        entries.sort_by_key(|it| std::cmp::Reverse((it.offset, it.created_ms)));
        others.sort();
        Ok((entries, others))
    }

    /// Writes a checkpoint of `parts` that goes up to `offset`.
    ///
    /// # Errors
    ///
    /// When the store can't be written to; then the next one is a full one.
    pub fn save(&mut self, offset: i64, created_ms: i64, about: Json, parts: &[Part]) -> Result<Saved, StoreError> {
        let is_full = self.since_full >= SINCE_FULL_MAX;
        if is_full {
            self.known.clear();
            self.objects.truncate(1);
        }
        let info = Info { offset, created_ms, is_full, about };
        let (mut written, mut fresh, mut new_count) = (Vec::new(), HashMap::new(), 0);
        let mut packer = packer();
        let mut listed = Vec::with_capacity(parts.len());
        for part in parts {
            let mut blocks = Vec::new();
            let [least, usual, most] = BLOCK_BYTES;
            for cut in FastCDC::new(&part.bytes, least, usual, most) {
                let block = &part.bytes[cut.offset..cut.offset + cut.length];
                let hash = hash(block);
                let found = self.known.get(&hash).map(|(object, it)| Block { object: *object, ..*it });
                let block = found.or_else(|| fresh.get(&hash).copied()).unwrap_or_else(|| {
                    let stored = packed(block, &mut packer);
                    let length = |it: usize| u32::try_from(it).expect("a block is short");
                    let (len, at) = (length(block.len()), written.len() as u64);
                    written.extend_from_slice(&stored);
                    new_count += 1;
                    let block = Block { hash, len, stored: length(stored.len()), object: 0, at };
                    fresh.insert(hash, block);
                    block
                });
                blocks.push(block);
            }
            listed.push(Listed { name: part.name.clone(), blocks });
        }
        let name = named(offset, created_ms);
        let header = Header::new(&info, self.objects.clone(), listed);
        let object = header.object(&written);
        let stored = object.len() as u64;
        // Whatever becomes of it: what was known is known no more.
        self.since_full = SINCE_FULL_MAX;
        self.known.clear();
        let objects = std::mem::replace(&mut self.objects, vec![String::new()]);
        self.store.put(&self.path.clone().join(name.as_str()), object)?;
        let all = header.parts.iter().map(|it| it.blocks.len()).sum();
        self.remember(&header, &objects, &name, is_full);
        let bytes = parts.iter().map(|it| it.bytes.len() as u64).sum();
        Ok(Saved { name, bytes, stored, blocks: (all, new_count), is_full })
    }

    /// The next one may rest on the blocks of this.
    fn remember(&mut self, header: &Header, objects: &[String], name: &str, is_full: bool) {
        self.objects = objects.to_vec();
        let own = u16::try_from(self.objects.len()).expect("a few objects");
        self.objects.push(name.to_owned());
        for block in header.parts.iter().flat_map(|it| &it.blocks) {
            let object = if block.object == 0 { own } else { block.object };
            self.known.insert(block.hash, (object, *block));
        }
        self.since_full = if is_full { 1 } else { self.objects.len() - 1 };
    }

    /// What a checkpoint says of itself.
    ///
    /// # Errors
    ///
    /// When it can't be read, or its header makes no sense.
    pub fn info(&self, entry: &Entry) -> Result<Info, StoreError> {
        self.header(&entry.name, entry.len)?.info(&entry.name)
    }

    fn header(&self, name: &str, len: u64) -> Result<Header, StoreError> {
        let path = self.path.clone().join(name);
        let start = self.store.get_start(&path, len.min(START_BYTES))?;
        let longer = match Header::read(name, &start)? {
            Ok((header, _)) => return Ok(header),
            Err(longer) if longer > len => return Err(StoreError::damaged(name, "it is cut off")),
            Err(longer) => longer,
        };
        let start = self.store.get_start(&path, longer)?;
        Header::read(name, &start)?.map(|it| it.0).map_err(|_| StoreError::damaged(name, "it is cut off"))
    }

    /// Reads a checkpoint with all that it rests on; each block is compared with its checksum.
    ///
    /// # Errors
    ///
    /// When it, or an object that it rests on, can't be read, isn't there or isn't whole.
    pub fn load(&self, entry: &Entry) -> Result<Loaded, StoreError> {
        Ok(self.load_beside(entry, None)?.1)
    }

    /// The same, to be kept in memory; blocks that `known` has are not read.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn spare(&self, entry: &Entry, known: Option<&Spare>) -> Result<Spare, StoreError> {
        let (header, loaded) = self.load_beside(entry, known)?;
        Ok(Spare::new(&entry.name, &header, loaded))
    }

    fn load_beside(&self, entry: &Entry, known: Option<&Spare>) -> Result<(Header, Loaded), StoreError> {
        // Of each object the bytes and where its blocks begin; read when the first block of it is asked for.
        let mut objects: BTreeMap<u16, (Vec<u8>, usize)> = BTreeMap::new();
        let header = if known.is_some() {
            self.header(&entry.name, entry.len)?
        } else {
            let (own, (header, start)) = self.object(&entry.name)?;
            objects.insert(0, (own, start));
            header
        };
        let info = header.info(&entry.name)?;
        let (mut parts, mut unpacker) = (Vec::with_capacity(header.parts.len()), unpacker());
        for Listed { name, blocks } in &header.parts {
            // Memory is taken as bytes come, whatever length is claimed.
            let mut bytes = Vec::new();
            for block in blocks {
                if let Some(it) = known.and_then(|it| it.block(&block.hash)) {
                    bytes.extend_from_slice(it);
                    continue;
                }
                let unknown = || StoreError::damaged(&entry.name, "it rests on an object that it does not name");
                let object = match block.object {
                    0 => &entry.name,
                    other => header.objects.get(usize::from(other)).ok_or_else(unknown)?,
                };
                if let std::collections::btree_map::Entry::Vacant(place) = objects.entry(block.object) {
                    let (read, (_, start)) = self.object(object)?;
                    place.insert((read, start));
                }
                let (read, start) = &objects[&block.object];
                block.read(object, &read[*start..], &mut unpacker, &mut bytes)?;
            }
            parts.push(Part { name: name.clone(), bytes });
        }
        Ok((header, Loaded { info, parts }))
    }

    /// An object, its header, and where its blocks begin.
    fn object(&self, name: &str) -> Result<(Vec<u8>, (Header, usize)), StoreError> {
        let read = self.store.get(&self.path.clone().join(name))?;
        let header = Header::read(name, &read)?.map_err(|_| StoreError::damaged(name, "it is cut off"))?;
        Ok((read, header))
    }

    /// The checkpoint that goes furthest of those that can be used and go no further than `at_most`, and those that were passed over
    /// because something is wrong with them.
    ///
    /// # Errors
    ///
    /// When the store can't be asked.
    pub fn newest(&self, at_most: Option<i64>) -> Result<(Option<Loaded>, Vec<Skipped>), StoreError> {
        self.newest_beside(at_most, None)
    }

    /// The same; blocks that `known` has are not read.
    ///
    /// # Errors
    ///
    /// As [`Self::newest`].
    pub fn newest_beside(&self, at_most: Option<i64>, known: Option<&Spare>) -> Result<(Option<Loaded>, Vec<Skipped>), StoreError> {
        let mut skipped = Vec::new();
        for entry in self.list()? {
            if at_most.is_some_and(|it| entry.offset > it) {
                continue;
            }
            match self.load_beside(&entry, known) {
                Ok((_, loaded)) => return Ok((Some(loaded), skipped)),
                Err(error) if error.is_of_content() => skipped.push(Skipped { entry, error }),
                Err(error) => return Err(error),
            }
        }
        Ok((None, skipped))
    }

    /// Deletes the checkpoints that go further than `committed`: they are of a time before the group's offsets were set back, or of messages that
    /// were never committed, and nobody may use them. Gives how many there were.
    ///
    /// # Errors
    ///
    /// When the store can't be asked.
    pub fn cut(&self, committed: i64) -> Result<usize, StoreError> {
        let beyond = self.list()?.into_iter().filter(|it| it.offset > committed);
        beyond.map(|it| self.store.delete(&self.path.clone().join(it.name.as_str())).map(|()| 1)).sum()
    }

    /// Deletes what nobody needs: all but the newest [`KEPT`], the two newest that go no further than `committed` (one may be damaged), and
    /// what these rest on. Gives how many were deleted.
    ///
    /// # Errors
    ///
    /// When the store can't be asked. An object that can't be read is deleted when it is old enough, like any other.
    pub fn sweep(&self, committed: Option<i64>) -> Result<usize, StoreError> {
        let entries = self.list()?;
        let usable = committed.and_then(|it| entries.iter().position(|entry| entry.offset <= it));
        let is_kept = |at: &usize| *at < KEPT || usable.is_some_and(|it| *at == it || *at == it + 1);
        // Whatever stands before it: the next one may rest on what was written last.
        let mut needed: HashSet<String> = self.objects.iter().cloned().collect();
        for entry in (0..entries.len()).filter(is_kept).map(|it| &entries[it]) {
            needed.insert(entry.name.clone());
            match self.header(&entry.name, entry.len) {
                Ok(header) => needed.extend(header.objects),
                Err(error) if error.is_of_content() => {}
                Err(error) => return Err(error),
            }
        }
        let old = entries.iter().filter(|it| !needed.contains(&it.name));
        old.map(|it| self.store.delete(&self.path.clone().join(it.name.as_str())).map(|()| 1)).sum()
    }
}

/// `00000000000000001234-1795392000000.njc`: sorted by name, those that go furthest come last.
fn named(offset: i64, created_ms: i64) -> String {
    format!("{offset:020}-{created_ms:013}{SUFFIX}")
}

fn parsed(name: &str) -> Option<(i64, i64)> {
    let (offset, created_ms) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    Some((offset.parse().ok()?, created_ms.parse().ok()?))
}
