//! Values as numbers and addresses.

use regex::Regex;
use serde_json::Value as Json;
use std::net::IpAddr;
use std::sync::LazyLock;

/// The modifiers that compare.
pub(crate) const COMPARISONS: [&str; 4] = ["lt", "lte", "gt", "gte"];

/// Whether a text that is a number compares so with the rule's number.
pub(crate) fn holds(text: &str, compare: &str, with: &Json) -> bool {
    let (Some(left), Some(right)) = (spread_out(text), spread_out(&with.to_string())) else { return false };
    match compare {
        "=" => left == right,
        "lt" => left < right,
        "lte" => left <= right,
        "gt" => left > right,
        _ => left >= right,
    }
}

/// Whether two numbers are the same.
pub(crate) fn are_equal(left: &str, right: &str) -> bool {
    spread_out(left) == spread_out(right)
}

/// Places before and behind the point. No generated number has more, except for exponents far beyond those of any rule: these move the
/// point as far as there is room, which changes no order.
const PLACES: i64 = 1_000;
const EXPONENT_MAX: i64 = 450;

static FORM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?$").expect("an expression"));

/// A number written with all its places, so that texts of one sign are in the order of the numbers; the digits of negative ones are
/// turned over. `None` for what is no number.
fn spread_out(text: &str) -> Option<(bool, String)> {
    let text = text.trim();
    let found = FORM.captures(text)?;
    let (whole, fraction) = (&found[2], &found[3]);
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() {
        return None;
    }
    let exponent = found.get(4).map_or("0", |it| it.as_str());
    let most = if exponent.starts_with('-') { -EXPONENT_MAX } else { EXPONENT_MAX };
    let exponent: i64 = exponent.parse().unwrap_or(most).clamp(-EXPONENT_MAX, EXPONENT_MAX);
    let length = |it: &str| i64::try_from(it.len()).expect("a short text");
    let zeros = |count: i64| "0".repeat(usize::try_from(count).expect("room for all digits"));
    let before = zeros(PLACES - length(whole) - exponent);
    let behind = zeros(PLACES - length(fraction) + exponent);
    let all = format!("{before}{digits}{behind}");
    if &found[1] != "-" || digits.chars().all(|it| it == '0') {
        return Some((true, all));
    }
    Some((false, all.bytes().map(|it| char::from(b'0' + b'9' - it)).collect()))
}

/// Whether an address is in a network: as many bits as the prefix says are the same. An IPv4 address inside IPv6 is one of IPv4.
pub(crate) fn is_in_network(text: &str, network: &str) -> bool {
    let Ok(address) = text.parse::<IpAddr>() else { return false };
    let (base, prefix) = network.split_once('/').unwrap_or((network, ""));
    let base: IpAddr = base.parse().expect("a network");
    let address = address.to_canonical();
    if address.is_ipv4() != base.is_ipv4() {
        return false;
    }
    let width = if base.is_ipv4() { 32 } else { 128 };
    let prefix: u32 = if prefix.is_empty() { width } else { prefix.parse().expect("a prefix") };
    let bits = |it: IpAddr| match it {
        IpAddr::V4(it) => u128::from(u32::from(it)),
        IpAddr::V6(it) => it.to_bits(),
    };
    (width - prefix..width).all(|bit| bits(address) >> bit & 1 == bits(base) >> bit & 1)
}
