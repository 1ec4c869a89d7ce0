//! What is typed behind `--`.

use std::path::PathBuf;

/// The case and its sizes; those that are not given are the case's own.
pub(crate) struct Options {
    pub(crate) case: String,
    pub(crate) nightjar: PathBuf,
    pub(crate) people: Option<u32>,
    pub(crate) events: Option<usize>,
    pub(crate) rate: Option<usize>,
    pub(crate) seconds: Option<u64>,
    pub(crate) share: Option<u32>,
    pub(crate) seed: u64,
    pub(crate) brokers: u32,
    pub(crate) standby: bool,
}

impl Options {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            case: String::new(),
            nightjar: beside_this_bench(),
            people: None,
            events: None,
            rate: None,
            seconds: None,
            share: None,
            seed: 1,
            brokers: 1,
            standby: false,
        };
        while let Some(word) = words.next() {
            if word == "--bench" {
                // Cargo says so to every bench.
                continue;
            }
            if !word.starts_with('-') {
                options.case = word;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--nightjar" => options.nightjar = value.into(),
                "--people" => options.people = Some(number(&word, &value)?),
                "--events" => options.events = Some(number(&word, &value)?),
                "--rate" => options.rate = Some(number(&word, &value)?),
                "--seconds" => options.seconds = Some(number(&word, &value)?),
                "--share" => options.share = Some(number(&word, &value)?),
                "--brokers" => options.brokers = number(&word, &value)?,
                "--standby" => options.standby = number::<u8>(&word, &value)? > 0,
                "--seed" => options.seed = number(&word, &value)?,
                _ => return Err(format!("unknown option {word}; benches/scale/main.rs lists them")),
            }
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(word: &str, value: &str) -> Result<T, String> {
    value.replace('_', "").parse().map_err(|_| format!("{word} {value}: a number is expected"))
}

/// Benches stand in `release/deps`, the binary one folder above.
fn beside_this_bench() -> PathBuf {
    let deps = std::env::current_exe().ok().and_then(|it| Some(it.parent()?.to_owned())).unwrap_or_default();
    deps.parent().map(|it| it.join("nightjar")).unwrap_or_default()
}
