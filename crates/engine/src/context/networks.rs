//! Networks by address: the narrowest that an address is in.

use super::names::Name;
use hashbrown::HashMap;
use std::net::IpAddr;

/// Networks and their names.
#[derive(Debug, Default)]
pub struct Networks {
    /// The lengths of prefixes that there are, longest first, IPv4 addresses being mapped into IPv6.
    lengths: Vec<u8>,
    names: HashMap<(u8, u128), Name>,
}

impl Networks {
    /// Adds a network such as `10.0.0.0/8`, or a single address. `None` if it is none.
    pub fn add(&mut self, text: &str, name: Name) -> Option<()> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => {
                (address, Some(length.parse::<u8>().ok().filter(|_| length.bytes().all(|it| it.is_ascii_digit()))?))
            }
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(bits);
        if length > bits {
            return None;
        }
        let length = length + 128 - bits;
        self.names.insert((length, masked(number(address), length)), name);
        if let Err(at) = self.lengths.binary_search_by(|it| length.cmp(it)) {
            self.lengths.insert(at, length);
        }
        Some(())
    }

    /// The name of the narrowest network that the address is in; `None` if it is in none.
    pub fn find(&self, address: IpAddr) -> Option<Name> {
        let address = number(address);
        self.lengths.iter().find_map(|length| self.names.get(&(*length, masked(address, *length))).copied())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn masked(address: u128, length: u8) -> u128 {
    if length == 0 { 0 } else { address & (u128::MAX << (128 - length)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::names::Names;

    #[test]
    fn the_narrowest_network_counts() {
        let (mut names, mut networks) = (Names::default(), Networks::default());
        let mut add = |text: &str| networks.add(text, names.add(text).unwrap());
        assert!(["10.0.0.0/8", "10.1.0.0/16", "fd00::/8", "192.0.2.7"].iter().all(|it| add(it).is_some()));
        assert!(["10.0.0.0/33", "10.0.0/8", "", "x", "10.0.0.0/", "::/129", "1.2.3.4/+8"].iter().all(|it| add(it).is_none()));
        let find = |text: &str| networks.find(text.parse().unwrap()).map(|it| names.get(it).to_owned());
        assert_eq!(find("10.1.2.3").as_deref(), Some("10.1.0.0/16"));
        assert_eq!(find("10.2.2.3").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(find("::ffff:10.2.2.3").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(find("fd12::1").as_deref(), Some("fd00::/8"));
        assert_eq!((find("192.0.2.7").is_some(), find("192.0.2.8"), find("::1")), (true, None, None));
    }
}
