//! Checkpoints in a folder: what comes back, what is written anew, and what becomes of damage.

use super::{KEPT, Part, Series, Store, StoreError};
use proptest::prelude::*;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("nightjar-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn series(&self) -> Series {
        Store::open(self.0.to_str().unwrap(), []).unwrap().series(&["group", "topic", "3"])
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("group/topic/3").join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Bytes that don't compress, the same for the same seed.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_le_bytes()[4]
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn part(name: &str, bytes: Vec<u8>) -> Part {
    Part { name: name.to_owned(), bytes }
}

fn offsets(series: &Series) -> Vec<i64> {
    series.list().unwrap().iter().map(|it| it.offset).collect()
}

#[test]
fn what_was_saved_comes_back_and_only_what_changed_is_written() {
    let folder = Folder::new();
    let mut series = folder.series();
    let mut state = noise(1, 2_000_000);
    let first = series.save(10, 1, json!({"rules": "a"}), &[part("clock", vec![7; 3]), part("shard", state.clone())]).unwrap();
    assert!(first.is_full && first.stored > 1_900_000);
    // In the middle something changes, and something is put in, so that all behind it moves.
    state[1_000_000] ^= 1;
    state.splice(500_000..500_000, [1, 2, 3]);
    let parts = [part("clock", vec![8; 3]), part("shard", state)];
    let second = series.save(20, 2, json!({"rules": "b"}), &parts).unwrap();
    assert!(!second.is_full && second.stored < 200_000, "{second:?}");
    let (loaded, skipped) = folder.series().newest(None).unwrap();
    let loaded = loaded.unwrap();
    assert_eq!((loaded.info.offset, &loaded.info.about, skipped.len()), (20, &json!({"rules": "b"}), 0));
    assert!(loaded.parts == parts);
    assert_eq!(series.save(30, 3, json!({}), &parts).unwrap().blocks.1, 0);
    assert_eq!(Store::open(folder.0.to_str().unwrap(), []).unwrap().names().unwrap(), [["group", "topic", "3"]]);
}

#[test]
fn a_state_further_than_what_was_committed_is_not_taken() {
    let folder = Folder::new();
    let mut series = folder.series();
    for offset in [10, 20, 30] {
        series.save(offset, offset, json!({}), &[part("p", noise(1, 10_000))]).unwrap();
    }
    let offset = |at_most| folder.series().newest(at_most).unwrap().0.map(|it| it.info.offset);
    assert_eq!([offset(None), offset(Some(29)), offset(Some(20)), offset(Some(9))], [Some(30), Some(20), Some(20), None]);
}

#[test]
fn every_cut_and_every_wrong_byte_is_recognised_and_the_one_before_is_used() {
    let folder = Folder::new();
    let mut series = folder.series();
    let parts = |seed| [part("a", noise(seed, 4_000)), part("b", vec![1; 300])];
    series.save(10, 1, json!({}), &parts(1)).unwrap();
    // By another writer: it rests on nothing.
    let saved = folder.series().save(20, 2, json!({}), &parts(2)).unwrap();
    let file = folder.file(&saved.name);
    let whole = fs::read(&file).unwrap();
    let look = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let (loaded, skipped) = folder.series().newest(None).unwrap();
        (loaded.unwrap(), skipped)
    };
    for cut in (0..whole.len()).step_by(7) {
        let (loaded, skipped) = look(&whole[..cut]);
        assert_eq!((loaded.info.offset, skipped.len()), (10, 1), "cut at {cut}");
    }
    for at in (0..whole.len()).step_by(3) {
        let mut wrong = whole.clone();
        wrong[at] ^= 0x41;
        let (loaded, skipped) = look(&wrong);
        // A byte of a block may be another and mean the same.
        let is_same = loaded.info.offset == 20 && loaded.parts == parts(2);
        assert!(is_same || loaded.info.offset == 10 && skipped.len() == 1, "byte {at}");
    }
    let why = |bytes: &[u8]| look(bytes).1.remove(0).error;
    assert!(matches!(why(b"PAR1 and so on"), StoreError::Foreign { .. }));
    assert!(matches!(why(b"NJCHECK2 and so on"), StoreError::Version { found: '2', known: '1', .. }));
    assert!(matches!(why(b"NJCHE"), StoreError::Damaged { .. }));
}

#[test]
fn when_a_full_one_is_damaged_so_are_those_that_rest_on_it() {
    let folder = Folder::new();
    let mut series = folder.series();
    let parts = [part("p", noise(1, 50_000))];
    folder.series().save(5, 1, json!({}), &parts).unwrap();
    let full = series.save(10, 2, json!({}), &parts).unwrap();
    series.save(20, 3, json!({}), &parts).unwrap();
    fs::remove_file(folder.file(&full.name)).unwrap();
    let (loaded, skipped) = folder.series().newest(None).unwrap();
    assert_eq!((loaded.unwrap().info.offset, skipped.iter().map(|it| it.entry.offset).collect::<Vec<_>>()), (5, vec![20]));
}

#[test]
fn what_nobody_needs_is_swept_away_and_nothing_else() {
    let folder = Folder::new();
    let mut series = folder.series();
    for number in 1..=30_i64 {
        series
            .save(number * 10, number, json!({}), &[part("p", noise(7, 60_000)), part("q", noise(number.unsigned_abs(), 500))])
            .unwrap();
        series.sweep(Some(number * 10)).unwrap();
        let (loaded, skipped) = folder.series().newest(None).unwrap();
        assert_eq!((loaded.unwrap().info.offset, skipped.len()), (number * 10, 0));
    }
    // The newest, and what they rest on: less than two rounds from one full one to the next.
    let left = offsets(&series);
    assert!(left.len() >= KEPT && left.len() < KEPT + 9, "{left:?}");
    for entry in series.list().unwrap().iter().take(KEPT) {
        series.load(entry).unwrap();
    }
    // Of one that commits late, what was committed is kept.
    series.sweep(Some(left[left.len() - 1])).unwrap();
    assert_eq!(offsets(&series).last(), left.last());
}

#[test]
fn what_was_only_begun_is_nobodys_checkpoint_and_goes_after_an_hour() {
    let folder = Folder::new();
    let saved = folder.series().save(10, 1, json!({}), &[part("p", vec![1])]).unwrap();
    let begun = folder.file(&format!("{}#1", saved.name));
    fs::write(&begun, b"NJ").unwrap();
    assert_eq!(offsets(&folder.series()), [10]);
    assert!(begun.exists(), "somebody may be writing it");
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(2);
    fs::File::options().write(true).open(&begun).unwrap().set_modified(old).unwrap();
    assert_eq!(offsets(&folder.series()), [10]);
    assert!(!begun.exists());
}

#[test]
fn after_the_offsets_were_set_back_what_goes_further_is_cut_and_what_is_written_stays() {
    let folder = Folder::new();
    let mut before = folder.series();
    for offset in 1_000..1_010 {
        before.save(offset, offset, json!({}), &[part("p", noise(1, 9_000))]).unwrap();
    }
    let mut series = folder.series();
    series.save(10, 2_000, json!({}), &[part("p", noise(2, 9_000))]).unwrap();
    // Even where they were not cut.
    series.sweep(Some(5)).unwrap();
    assert!(offsets(&series).contains(&10));
    assert!(series.cut(20).unwrap() >= KEPT);
    series.save(30, 2_001, json!({}), &[part("p", noise(2, 9_000))]).unwrap();
    series.sweep(Some(5)).unwrap();
    assert_eq!(offsets(&series), [30, 10]);
    assert_eq!(folder.series().newest(Some(30)).unwrap().0.unwrap().info.offset, 30);
}

#[test]
fn a_store_that_nobody_knows_is_named() {
    let told = |place: &str| Store::open(place, []).unwrap_err().to_string();
    assert!(told("ftp://host/path").starts_with("cannot keep checkpoints in `ftp://host/path`: "));
    if cfg!(not(feature = "cloud")) {
        assert!(told("s3://bucket/path").contains("this build has no client for s3"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_states_one_after_the_other_come_back_to_the_byte(
        states in prop::collection::vec(prop::collection::vec((0_u64..4, 0_usize..40_000), 0..4), 1..14),
    ) {
        let folder = Folder::new();
        let mut series = folder.series();
        for (number, state) in states.iter().enumerate() {
            let parts: Vec<Part> = state.iter().map(|(seed, len)| part(&format!("p{seed}"), noise(*seed, *len))).collect();
            let offset = i64::try_from(number).unwrap();
            series.save(offset, offset, json!({"number": number}), &parts).unwrap();
            series.sweep(Some(offset)).unwrap();
            let (loaded, skipped) = folder.series().newest(None).unwrap();
            prop_assert!(skipped.is_empty());
            prop_assert!(loaded.unwrap().parts == parts);
        }
    }
}
