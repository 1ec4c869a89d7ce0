//! Profiles for which there is no room in memory, in a file that only this process has: it is gone with the process. What is to stay
//! is in the state.

use crate::state::fnv;
use engine::behaviour::{Attic, Brought};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A profile takes a multiple of this, so that a place that is free fits many others.
const SLOT_BYTES: usize = 256;

/// The attic of one seat. A clone is the same attic.
#[derive(Debug, Clone)]
pub(super) struct FileAttic(Arc<Mutex<Shelf>>);

/// What became of profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Not kept, because there were as many as there may be.
    pub(crate) refused: u64,
    /// Not written or not read.
    pub(crate) failed: u64,
    /// Why the first of those was not.
    pub(crate) first: Option<String>,
}

#[derive(Debug)]
struct Shelf {
    path: PathBuf,
    /// Made when it is first needed.
    file: Option<File>,
    places: HashMap<u128, Place>,
    /// Places that are free, by slots.
    free: BTreeMap<usize, Vec<u64>>,
    end: u64,
    people_max: usize,
    losses: Losses,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    len: usize,
    hash: u64,
}

impl FileAttic {
    /// An empty one for at most `people_max`, whose file is made in `folder` when it is needed.
    pub(super) fn new(folder: &std::path::Path, number: usize, people_max: usize) -> Self {
        let path = folder.join(format!(".nightjar-attic-{}-{number}", std::process::id()));
        Self(Arc::new(Mutex::new(Shelf {
            path,
            file: None,
            places: HashMap::new(),
            free: BTreeMap::new(),
            end: 0,
            people_max,
            losses: Losses::default(),
        })))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many profiles it has.
    pub(super) fn len(&self) -> usize {
        self.shelf().places.len()
    }

    /// What it could not keep or give back.
    pub(super) fn losses(&self) -> Losses {
        self.shelf().losses.clone()
    }

    /// Whose profiles it has, in order.
    pub(super) fn ids(&self) -> Vec<u128> {
        let mut ids: Vec<u128> = self.shelf().places.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// A profile that stays where it is.
    pub(super) fn read(&self, id: u128) -> io::Result<Vec<u8>> {
        self.shelf().read(id)
    }
}

impl Attic for FileAttic {
    fn keep(&mut self, id: u128, profile: Vec<u8>) -> bool {
        let mut own = self.shelf();
        own.remove(id);
        if own.places.len() >= own.people_max {
            own.losses.refused += 1;
            return false;
        }
        let written = own.write(id, profile);
        written.map_err(|it| own.fail("write", &it)).is_ok()
    }

    fn bring(&mut self, id: u128) -> Brought {
        let mut own = self.shelf();
        if !own.places.contains_key(&id) {
            return Brought::Nothing;
        }
        let read = own.read(id);
        own.remove(id);
        match read {
            Ok(profile) => Brought::Profile(profile),
            Err(error) => {
                own.fail("read", &error);
                Brought::Lost
            }
        }
    }
}

impl Shelf {
    fn fail(&mut self, doing: &str, error: &io::Error) {
        self.losses.failed += 1;
        let path = &self.path;
        self.losses.first.get_or_insert_with(|| format!("cannot {doing} {}: {error}", path.display()));
    }

    fn remove(&mut self, id: u128) {
        if let Some(place) = self.places.remove(&id) {
            self.free.entry(slots(place.len)).or_default().push(place.at);
        }
    }

    fn write(&mut self, id: u128, mut profile: Vec<u8>) -> io::Result<()> {
        let (len, hash) = (profile.len(), fnv(&profile));
        let slots = slots(len);
        let free = self.free.get_mut(&slots).and_then(Vec::pop);
        let at = free.unwrap_or(self.end);
        profile.resize(slots * SLOT_BYTES, 0);
        let written = self.file().and_then(|file| {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&profile)
        });
        // A place that could not be written is as free as before.
        match (&written, free) {
            (Ok(()), None) => self.end += profile.len() as u64,
            (Err(_), Some(at)) => self.free.entry(slots).or_default().push(at),
            _ => {}
        }
        written.map(|()| _ = self.places.insert(id, Place { at, len, hash }))
    }

    fn read(&mut self, id: u128) -> io::Result<Vec<u8>> {
        let Some(&Place { at, len, hash }) = self.places.get(&id) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut profile = vec![0; len];
        let file = self.file()?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut profile)?;
        if fnv(&profile) == hash { Ok(profile) } else { Err(io::Error::other("what was written is not what is read")) }
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let file = File::options().read(true).write(true).create_new(true).open(&self.path)?;
            // Where a file in use can be removed, nothing of it is left whatever ends the process.
            let _ = fs::remove_file(&self.path);
            self.file = Some(file);
        }
        Ok(self.file.as_mut().expect("it was made just now"))
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn slots(len: usize) -> usize {
    len.div_ceil(SLOT_BYTES).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(id: u128, len: usize) -> Vec<u8> {
        (0..len).map(|it| u8::try_from((it as u128 * 31 + id) % 251).unwrap()).collect()
    }

    #[test]
    fn what_is_kept_comes_back_once_and_its_place_is_used_again() {
        let mut attic = FileAttic::new(&std::env::temp_dir(), 1_001, 50);
        for round in 0..20_u128 {
            for id in 0..50 {
                assert!(attic.keep(id, profile(id + round, 700 + (id as usize * 37 + round as usize * 11) % 900)));
            }
            assert_eq!(attic.ids(), (0..50).collect::<Vec<_>>());
            for id in (0..50).rev() {
                let expected = profile(id + round, 700 + (id as usize * 37 + round as usize * 11) % 900);
                assert_eq!(attic.read(id).unwrap(), expected);
                assert_eq!(attic.bring(id), Brought::Profile(expected));
                assert_eq!(attic.bring(id), Brought::Nothing);
            }
        }
        assert!(attic.shelf().end < 50 * 2 * 1_792, "{}", attic.shelf().end);
        assert!(!attic.shelf().path.exists() && attic.losses() == Losses::default());
    }

    #[test]
    fn what_there_is_no_room_for_and_what_fails_is_counted_with_its_reason() {
        let mut full = FileAttic::new(&std::env::temp_dir(), 1_002, 1);
        assert!(full.keep(1, vec![1]) && full.keep(1, vec![2]) && !full.keep(2, vec![3]));
        assert_eq!((full.bring(1), full.losses().refused), (Brought::Profile(vec![2]), 1));
        let mut nowhere = FileAttic::new(std::path::Path::new("/nowhere/at/all"), 1_003, 9);
        assert!(!nowhere.keep(1, vec![1]) && nowhere.bring(1) == Brought::Nothing);
        let Losses { refused, failed, first } = nowhere.losses();
        assert!(refused == 0 && failed == 1 && first.unwrap().contains("/nowhere/at/all"));
    }

    #[test]
    fn a_profile_that_has_changed_on_the_disk_is_lost_and_not_believed() {
        let mut attic = FileAttic::new(&std::env::temp_dir(), 1_004, 9);
        assert!(attic.keep(7, profile(7, 900)));
        {
            let mut shelf = attic.shelf();
            let file = shelf.file().unwrap();
            file.seek(SeekFrom::Start(450)).unwrap();
            file.write_all(b"!").unwrap();
        }
        assert_eq!((attic.bring(7), attic.losses().failed), (Brought::Lost, 1));
    }
}
