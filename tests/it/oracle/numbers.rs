//! Values as numbers and addresses.

use serde_json::Value as Json;
use std::net::IpAddr;

/// The modifiers that compare.
pub(crate) const COMPARISONS: [&str; 4] = ["lt", "lte", "gt", "gte"];

/// Whether a text that is a number compares so with the rule's number: whole numbers digit by digit, others, and whatever is less or
/// greater, as 64-bit floats.
pub(crate) fn holds(text: &str, compare: &str, with: &Json) -> bool {
    let text = text.trim();
    if let (Ok(left), Some(right), "=") = (text.parse::<i128>(), with.as_i64(), compare) {
        return left == i128::from(right);
    }
    let Some(order) = order(text, with) else { return false };
    match compare {
        "=" => order.is_eq(),
        "lt" => order.is_lt(),
        "lte" => order.is_le(),
        "gt" => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn order(text: &str, with: &Json) -> Option<std::cmp::Ordering> {
    if !text.starts_with(|it: char| it.is_ascii_digit() || matches!(it, '-' | '+' | '.')) {
        return None;
    }
    let number = text.parse::<f64>().ok().filter(|it| it.is_finite())?;
    number.partial_cmp(&with.as_f64()?)
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
