//! Whatever happens to a checkpoint, it is either read as it was written or refused with a reason.

use super::*;

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-checkpoint-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.njs")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Parts = Vec<(String, Vec<u8>)>;

fn parts() -> Parts {
    let long = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    vec![("manifest".to_owned(), b"{}".to_vec()), ("shard".to_owned(), long), ("shard".to_owned(), Vec::new())]
}

fn write(path: &Path, parts: &Parts) {
    let mut writer = Writer::create(path).unwrap();
    parts.iter().for_each(|(name, bytes)| writer.part(name, bytes).unwrap());
    assert_eq!(writer.finish().unwrap(), fs::metadata(path).unwrap().len());
}

fn read_all(path: &Path) -> Result<Option<Parts>, CheckpointError> {
    let mut found = Parts::new();
    let is_there = read::<CheckpointError>(path, |name, bytes| {
        found.push((name.to_owned(), bytes));
        Ok(())
    })?;
    Ok(is_there.then_some(found))
}

#[test]
fn parts_come_back_in_their_order_and_a_missing_file_is_no_error() {
    let place = Place::new("whole");
    assert_eq!(read_all(&place.file()).unwrap(), None);
    write(&place.file(), &parts());
    assert_eq!(read_all(&place.file()).unwrap(), Some(parts()));
    write(&place.file(), &Parts::new());
    assert_eq!(read_all(&place.file()).unwrap(), Some(Parts::new()));
    assert_eq!(fs::read_dir(&place.0).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_damaged() {
    let place = Place::new("cut");
    write(&place.file(), &parts());
    let whole = fs::read(place.file()).unwrap();
    for len in (0..40).chain((40..whole.len()).step_by(whole.len() / 50)).chain(whole.len() - 8..whole.len()) {
        fs::write(place.file(), &whole[..len]).unwrap();
        let error = read_all(&place.file()).unwrap_err();
        assert!(matches!(error, CheckpointError::Damaged { .. }) && error.is_of_content(), "{len}: {error}");
    }
}

#[test]
fn a_bit_that_flips_anywhere_is_noticed() {
    let place = Place::new("flip");
    write(&place.file(), &parts());
    let whole = fs::read(place.file()).unwrap();
    let places = (0..whole.len()).step_by(whole.len() / 300 + 1).chain(0..16).chain(whole.len() - 16..whole.len());
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(place.file(), &bytes).unwrap();
        // The header of a frame has bits that say nothing about what is in it: what comes out is right or refused.
        match read_all(&place.file()) {
            Ok(found) => assert_eq!(found, Some(parts()), "byte {at}"),
            Err(error) => assert!(error.is_of_content(), "byte {at}: {error}"),
        }
    }
}

#[test]
fn foreign_files_other_versions_and_more_than_one_checkpoint_are_told_apart() {
    let place = Place::new("foreign");
    let told = |bytes: &[u8]| {
        fs::write(place.file(), bytes).unwrap();
        read_all(&place.file()).unwrap_err().to_string()
    };
    assert!(told(b"PK\x03\x04 something else").contains("no state of Nightjar"));
    assert!(told(b"NJSTATE7...").contains("format 7"));
    write(&place.file(), &parts());
    let twice = fs::read(place.file()).unwrap().repeat(2);
    assert!(told(&twice).contains("behind its end"));
}

#[test]
fn what_is_not_finished_leaves_the_old_one() {
    let place = Place::new("atomic");
    write(&place.file(), &parts());
    let mut writer = Writer::create(&place.file()).unwrap();
    writer.part("half", b"...").unwrap();
    drop(writer);
    assert_eq!(read_all(&place.file()).unwrap(), Some(parts()));
}
