//! Made-up names for people, customers and protected accounts.

use std::fmt::Write as _;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

const FIRST: [&str; 32] = [
    "aoife", "arjun", "bela", "carlo", "ciara", "dana", "deepa", "elena", "farid", "grace", "hana", "imran", "jonas", "joyce",
    "kavya", "liam", "lucia", "marco", "maya", "nadia", "niamh", "oscar", "paolo", "priya", "quinn", "ramon", "rosa", "sanjay",
    "tala", "uma", "victor", "wei",
];

const LAST: [&str; 32] = [
    "abara",
    "bautista",
    "brennan",
    "castell",
    "delmar",
    "doyle",
    "estrada",
    "fenwick",
    "gupte",
    "hollis",
    "iyengar",
    "jarvela",
    "kapadia",
    "keane",
    "lindqvist",
    "lopeza",
    "madrigal",
    "mulhern",
    "nakata",
    "okoro",
    "pascua",
    "pereira",
    "quigley",
    "ramasamy",
    "reyesan",
    "sandoval",
    "shetty",
    "tanaka",
    "umali",
    "vance",
    "whelan",
    "yadavan",
];

const PLAIN: [&str; 16] = [
    "amber", "brisk", "cedar", "dusty", "early", "fuzzy", "green", "happy", "icy", "jolly", "lunar", "misty", "noisy", "quiet",
    "rusty", "sunny",
];

const THING: [&str; 16] = [
    "otter", "piano", "river", "kettle", "falcon", "garden", "pixel", "bridge", "walnut", "comet", "harbor", "teapot", "meadow",
    "violin", "cactus", "lantern",
];

const STAGE: [&str; 20] = [
    "lunavex", "tamsor", "orlique", "jaxomi", "velmara", "kordey", "sibyra", "nuvello", "drazel", "pellimo", "ysolde", "marquon",
    "zenbri", "halloran", "quillow", "bexley", "ondrei", "favrille", "tolmek", "wrenly",
];

const STAGE_END: [&str; 12] =
    ["", "_official", "music", "hq", "live", "tv", "fc", "_real", "films", "forsenate", "foundation", "sings"];

const COIN: [&str; 10] = ["zephyr", "quartz", "larkfin", "nordal", "umbra", "tessel", "ravelo", "mintaro", "pelagic", "copperly"];

const COIN_END: [&str; 4] = ["coin", "swap", "exchange", "ledger"];

/// The local part of the mail address of the `index`-th person; unique.
pub(crate) fn mail_name(index: usize) -> String {
    let people = FIRST.len() * LAST.len();
    // An odd multiplier visits every combination once before any repeats.
    let mixed = (index * 421) % people;
    let (first, last) = (FIRST[mixed % FIRST.len()], LAST[mixed / FIRST.len()]);
    match index / people {
        0 => format!("{first}.{last}"),
        again => format!("{first}.{last}{}", again + 1),
    }
}

/// Appends the handle of an ordinary customer.
pub(crate) fn push_plain_handle(out: &mut Vec<u8>, hash: u64) {
    out.push(b'@');
    out.extend_from_slice(PLAIN[(hash & 15) as usize].as_bytes());
    out.extend_from_slice(THING[((hash >> 4) & 15) as usize].as_bytes());
    crate::json::push_uint(out, (hash >> 8) % 10_000);
}

/// A handle that somebody famous might have. Distinct for distinct `index` below 240.
pub(crate) fn celebrity_handle(index: usize) -> String {
    let name = STAGE[index % STAGE.len()];
    format!("@{name}{}", STAGE_END[index / STAGE.len() % STAGE_END.len()])
}

/// The handle of a crypto exchange. Distinct for distinct `index` below 40.
pub(crate) fn exchange_handle(index: usize) -> String {
    format!("@{}{}", COIN[index % COIN.len()], COIN_END[index / COIN.len() % COIN_END.len()])
}

/// A handle of one to three characters that is not among `taken`.
pub(crate) fn short_handle(rng: &mut ChaCha8Rng, taken: &[String]) -> String {
    const CONSONANTS: &[u8] = b"bdfgjkmnpqrtvxz0123456789";
    const VOWELS: &[u8] = b"aeiouy";
    loop {
        let mut handle = String::from("@");
        let length = rng.random_range(1..=3);
        for place in 0..length {
            let letters = if place % 2 == 0 { CONSONANTS } else { VOWELS };
            let letter = char::from(letters[rng.random_range(0..letters.len())]);
            write!(handle, "{letter}").expect("writing to a string cannot fail");
        }
        if !taken.contains(&handle) {
            return handle;
        }
    }
}
