//! Checkpoints in a folder: what comes back, what is written anew, and what becomes of damage.

use super::{KEPT, Part, Series, Store, StoreError};
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use proptest::prelude::*;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

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
    // More than is read of a file at a time.
    let mut state = noise(1, 9_000_000);
    let first = series.save(10, 1, json!({"rules": "a"}), &[part("clock", vec![7; 3]), part("shard", state.clone())]).unwrap();
    assert!(first.is_full && first.stored > 8_900_000);
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
fn with_a_spare_only_what_has_changed_since_is_read_and_the_same_comes_back() {
    let folder = Folder::new();
    let mut series = folder.series();
    let (mut state, mut spare, mut names) = (noise(1, 300_000), None, Vec::new());
    for step in 0..20_u64 {
        // Something changes, something is put in, something goes, and one part comes and goes.
        let at = usize::try_from(step * 9_000).unwrap();
        state.splice(at..at + 700, noise(step, 900));
        let mut parts = vec![part("clock", vec![u8::try_from(step).unwrap(); 20]), part("shard", state.clone())];
        parts.extend((step % 3 == 0).then(|| part("society", noise(99, 40_000))));
        let offset = i64::try_from(step).unwrap();
        names.push(series.save(offset, offset, json!({}), &parts).unwrap().name);
        // Every other one is passed by.
        if step % 2 == 0 {
            let entry = &folder.series().list().unwrap()[0];
            let kept = folder.series().spare(entry, spare.as_ref()).unwrap();
            assert_eq!((kept.name(), kept.bytes()), (&*entry.name, parts.iter().map(|it| it.bytes.len() as u64).sum()));
            spare = Some(kept);
        }
        let (loaded, skipped) = folder.series().newest_beside(None, spare.as_ref()).unwrap();
        assert!(skipped.is_empty());
        let loaded = loaded.unwrap();
        assert!(loaded.info.offset == offset && loaded.parts == parts, "{step}");
        assert_eq!(loaded, folder.series().newest(None).unwrap().0.unwrap(), "{step}");
    }
    // What the last two rest on is gone: whoever has the blocks does not miss it.
    names[..18].iter().for_each(|it| fs::remove_file(folder.file(it)).unwrap());
    let (loaded, skipped) = folder.series().newest(None).unwrap();
    assert!(loaded.is_none() && skipped.len() == 2);
    let (loaded, skipped) = folder.series().newest_beside(None, spare.as_ref()).unwrap();
    assert!(loaded.unwrap().parts[1].bytes == state && skipped.is_empty());
}

#[test]
fn a_damaged_checkpoint_is_recognised_beside_a_spare_and_leaves_the_one_before_it() {
    let folder = Folder::new();
    let mut series = folder.series();
    let parts = |seed| [part("same", noise(1, 30_000)), part("other", noise(seed, 9_000))];
    series.save(10, 1, json!({}), &parts(2)).unwrap();
    let spare = series.spare(&series.list().unwrap()[0], None).unwrap();
    let file = folder.file(&series.save(20, 2, json!({}), &parts(3)).unwrap().name);
    let whole = fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(5) {
        let mut wrong = whole.clone();
        wrong[at] ^= 0x41;
        fs::write(&file, &wrong).unwrap();
        let (loaded, skipped) = folder.series().newest_beside(None, Some(&spare)).unwrap();
        let loaded = loaded.unwrap();
        let (offset, parts_of) = (loaded.info.offset, |seed| loaded.parts == parts(seed));
        assert!(offset == 20 && parts_of(3) || offset == 10 && skipped.len() == 1 && parts_of(2), "byte {at}");
    }
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
fn of_one_that_commits_late_a_damaged_checkpoint_leaves_the_one_before_it() {
    let folder = Folder::new();
    let mut series = folder.series();
    for offset in 1..=20 {
        // Nothing is common to them, and none rests on another.
        series = if offset < 4 { folder.series() } else { series };
        let saved = series.save(offset, offset, json!({}), &[part("p", noise(offset.unsigned_abs(), 500))]).unwrap();
        series.sweep(Some(2)).unwrap();
        if offset == 2 {
            fs::write(folder.file(&saved.name), b"NJ").unwrap();
        }
    }
    let (loaded, skipped) = folder.series().newest(Some(2)).unwrap();
    assert_eq!((loaded.unwrap().info.offset, skipped.len()), (1, 1));
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

#[test]
fn names_are_those_that_were_given_whatever_is_in_them() {
    let folder = Folder::new();
    let store = Store::open(folder.0.to_str().unwrap(), []).unwrap();
    let mut names = vec![];
    for group in ["plain", "a/b", "50%25", "#~|*?", "%41", "..", "{\\}\"<>", "größe", "a b"] {
        store.series(&[group, "topic", "0"]).save(1, 1, json!({}), &[part("p", vec![1])]).unwrap();
        names.push(vec![group.to_owned(), "topic".to_owned(), "0".to_owned()]);
    }
    names.sort();
    assert_eq!(store.names().unwrap(), names);
    for name in &names {
        let name: Vec<&str> = name.iter().map(String::as_str).collect();
        assert_eq!(offsets(&store.series(&name)), [1], "{name:?}");
    }
}

#[test]
fn a_clock_that_steps_back_makes_no_checkpoint_older() {
    let folder = Folder::new();
    let mut series = folder.series();
    for (offset, created_ms) in [(10, 9_000_000), (20, 5), (30, -7), (30, 8)] {
        series.save(offset, created_ms, json!({"at": created_ms}), &[part("p", vec![1])]).unwrap();
        series.sweep(Some(offset)).unwrap();
        assert_eq!(folder.series().newest(None).unwrap().0.unwrap().info.created_ms, created_ms);
    }
}

#[test]
fn what_only_looks_like_a_checkpoint_is_named_and_in_nobodys_way() {
    let folder = Folder::new();
    folder.series().save(10, 1, json!({}), &[part("p", vec![1])]).unwrap();
    fs::write(folder.file("notes.njc"), b"hello").unwrap();
    fs::write(folder.file("notes.txt"), b"hello").unwrap();
    let (entries, others) = folder.series().list_all().unwrap();
    assert_eq!((entries.len(), others), (1, vec!["notes.njc".to_owned()]));
    folder.series().sweep(None).unwrap();
    assert!(folder.file("notes.njc").exists());
}

#[test]
fn looking_makes_and_deletes_nothing() {
    let folder = Folder::new();
    for place in [folder.0.to_str().unwrap().to_owned(), format!("file://{}", folder.0.display())] {
        assert!(Store::look(&place, []).is_err());
        assert!(!folder.0.exists());
    }
    folder.series().save(10, 1, json!({}), &[part("p", vec![1])]).unwrap();
    let begun = folder.file("00000000000000000020-0000000000001.njc#1");
    fs::write(&begun, b"NJ").unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(2);
    fs::File::options().write(true).open(&begun).unwrap().set_modified(old).unwrap();
    assert_eq!(Store::look(folder.0.to_str().unwrap(), []).unwrap().names().unwrap().len(), 1);
    assert!(begun.exists());
}

/// Every request of it takes an hour.
fn silent_store() -> Store {
    let hour = Duration::from_hours(1);
    let delays = ThrottleConfig {
        wait_delete_per_call: hour,
        wait_get_per_call: hour,
        wait_list_per_call: hour,
        wait_put_per_call: hour,
        ..ThrottleConfig::default()
    };
    let objects = Arc::new(ThrottledStore::new(InMemory::new(), delays));
    let folder = Folder::new();
    let store = Store::open(folder.0.to_str().unwrap(), []).unwrap();
    Store { objects, patience: Duration::from_millis(20), ..store }
}

#[test]
fn a_store_that_never_answers_is_not_waited_for() {
    let store = silent_store();
    let mut series = store.series(&["g", "t", "0"]);
    let told = [
        store.names().unwrap_err(),
        series.newest(None).unwrap_err(),
        series.cut(5).unwrap_err(),
        series.save(1, 1, json!({}), &[part("p", vec![1])]).unwrap_err(),
        store.get(&"x".into()).unwrap_err(),
        store.get_start(&"x".into(), 1).unwrap_err(),
        store.delete(&"x".into()).unwrap_err(),
    ];
    for error in told {
        assert!(error.to_string().ends_with("no answer for 20 ms") && !error.is_of_content(), "{error}");
    }
}

/// A server that takes connections, and never says a word.
#[cfg(feature = "cloud")]
#[test]
fn a_bucket_behind_a_server_that_never_answers_is_not_waited_for() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let variables = [
        ("AWS_ENDPOINT", format!("http://{}", server.local_addr().unwrap())),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_REGION", "eu-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "id".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ];
    let store = Store::open("s3://bucket/path", variables.map(|(name, value)| (name.to_owned(), value))).unwrap();
    let store = Store { patience: Duration::from_millis(300), ..store };
    assert!(store.series(&["g", "t", "0"]).newest(None).unwrap_err().to_string().ends_with("no answer for 300 ms"));
}

/// A file system of 256 KiB, where one may be mounted.
#[test]
fn on_a_full_disk_saving_fails_and_goes_on_when_there_is_room_again() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    let mount = |arguments: &[&str]| {
        std::process::Command::new(arguments[0]).args(&arguments[1..]).arg(&folder.0).output().is_ok_and(|it| it.status.success())
    };
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=256k", "nightjar"]) {
        eprintln!("skipped: no file system can be mounted here");
        return;
    }
    let mut series = folder.series();
    series.save(10, 1, json!({}), &[part("p", noise(1, 100_000))]).unwrap();
    let refused = series.save(20, 2, json!({}), &[part("p", noise(2, 300_000))]).unwrap_err();
    let (loaded, skipped) = folder.series().newest(None).unwrap();
    let found = (loaded.map(|it| it.info.offset), skipped.len());
    let saved = series.save(30, 3, json!({}), &[part("p", noise(3, 50_000))]);
    assert!(mount(&["umount"]));
    assert!(refused.to_string().contains("No space left on device") || refused.to_string().contains("StorageFull"), "{refused}");
    assert_eq!(found, (Some(10), 0), "what was only begun is nobody's checkpoint");
    assert!(saved.unwrap().is_full);
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
