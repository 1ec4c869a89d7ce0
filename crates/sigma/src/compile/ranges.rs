//! Fields of which only networks or only numbers are asked: a value is one of a few ranges, which binary search finds without a cache.

use super::Atom;
use crate::number::{Decimal, Number};
use std::cmp::Ordering;
use std::net::IpAddr;

/// Where the sets of tests that hold change, in ascending order.
#[derive(Debug)]
pub enum Ranges {
    /// The numbers of all comparisons.
    Numbers(Box<[Number]>),
    /// Each network's first address and the one after its last, per family.
    Networks(Box<[u32]>, Box<[u128]>),
}

impl Ranges {
    /// `None` when something else is asked too.
    pub(super) fn of(atoms: &[Atom]) -> Option<Self> {
        let (mut numbers, mut v4, mut v6) = (Vec::new(), Vec::new(), Vec::new());
        for atom in atoms {
            match atom {
                Atom::Number(_, with) => numbers.push(with.clone()),
                Atom::Cidr(ipnet::IpNet::V4(net)) => {
                    v4.push(u32::from(net.network()));
                    v4.extend(u32::from(net.broadcast()).checked_add(1));
                }
                Atom::Cidr(ipnet::IpNet::V6(net)) => {
                    v6.push(u128::from(net.network()));
                    v6.extend(u128::from(net.broadcast()).checked_add(1));
                }
                Atom::Exists | Atom::Null => {}
                _ => return None,
            }
        }
        numbers.sort();
        numbers.dedup();
        v4.sort_unstable();
        v4.dedup();
        v6.sort_unstable();
        v6.dedup();
        match (numbers.is_empty(), v4.is_empty() && v6.is_empty()) {
            (false, true) => Some(Self::Numbers(numbers.into())),
            (true, false) => Some(Self::Networks(v4.into(), v6.into())),
            _ => None,
        }
    }

    /// How many ranges there are, the one of texts that are neither number nor address included.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Numbers(points) => 2 * points.len() + 2,
            Self::Networks(v4, v6) => v4.len() + v6.len() + 3,
        }
    }

    /// The range that a text falls into: the same tests hold for all texts of a range.
    pub(crate) fn position(&self, text: &str) -> usize {
        match self {
            Self::Numbers(points) => {
                let Some(number) = Decimal::read(text) else { return 0 };
                // By floats first, which is one comparison a step; the digits matter among points of the same float only.
                let mut at = points.partition_point(|it| it.nearest() < number.nearest());
                loop {
                    match points.get(at).map(|it| it.as_decimal().cmp(&number)) {
                        Some(Ordering::Less) => at += 1,
                        Some(Ordering::Equal) => return 2 * at + 2,
                        Some(Ordering::Greater) | None => return 2 * at + 1,
                    }
                }
            }
            Self::Networks(v4, v6) => match text.parse::<IpAddr>().map(|it| it.to_canonical()) {
                Ok(IpAddr::V4(address)) => 1 + v4.partition_point(|it| *it <= u32::from(address)),
                Ok(IpAddr::V6(address)) => 2 + v4.len() + v6.partition_point(|it| *it <= u128::from(address)),
                Err(_) => 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Compare;

    #[test]
    fn a_number_is_at_a_point_or_between_two() {
        let atoms = [Atom::Number(Compare::Less, 5.into()), Atom::Exists, Atom::Number(Compare::Equal, (-1).into())];
        let ranges = Ranges::of(&atoms).unwrap();
        let positions: Vec<usize> = ["x", "-2", "-1", "-1.0", "0", "5", "6e3"].iter().map(|it| ranges.position(it)).collect();
        assert_eq!(positions, [0, 1, 2, 2, 3, 4, 5]);
        assert_eq!(ranges.len(), 6);
    }

    #[test]
    fn numbers_with_one_nearest_float_have_ranges_of_their_own() {
        let atoms = [9_007_199_254_740_993, 9_007_199_254_740_992].map(|it| Atom::Number(Compare::Less, Number::from(it)));
        let ranges = Ranges::of(&atoms).unwrap();
        let texts =
            ["9007199254740991", "9007199254740992", "9007199254740992.5", "9007199254740993", "9007199254740993.5", "1e400"];
        assert_eq!(texts.map(|it| ranges.position(it)), [1, 2, 3, 4, 5, 5]);
    }

    #[test]
    fn an_address_is_between_the_ends_of_networks_of_its_family() {
        let atoms = ["10.0.0.0/8", "10.1.0.0/16", "255.0.0.0/8", "fd00::/8"].map(|it| Atom::Cidr(it.parse().unwrap()));
        let ranges = Ranges::of(&atoms).unwrap();
        let position = |it| ranges.position(it);
        assert_eq!(position("10.1.2.3"), position("::ffff:10.1.200.3"), "an IPv4 address in IPv6 clothes");
        assert_ne!(position("10.1.2.3"), position("10.2.2.3"));
        assert_ne!(position("10.0.2.3"), position("11.0.0.0"));
        assert_eq!(position("255.255.255.255"), position("255.0.0.0"));
        assert_ne!(position("fd00::1"), position("fe80::1"));
        assert_ne!(position("::1"), position("255.0.0.1"), "the last range of one family is not the first of the other");
        assert!(["fe80::1", "255.255.255.255", "no address"].iter().all(|it| position(it) < ranges.len()));
    }

    #[test]
    fn a_field_that_is_asked_for_texts_too_has_no_ranges() {
        assert!(Ranges::of(&[Atom::Number(Compare::Less, 5.into()), Atom::AnyText]).is_none());
        assert!(Ranges::of(&[Atom::Exists]).is_none());
    }
}
