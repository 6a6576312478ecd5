//! How many of something each address has, and a limit on that.
//!
//! An IPv6 address counts as the /64 that it is in: a single host has that many to choose from.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::Arc;

use parking_lot::Mutex;

/// The counts; clones share them. Without a limit, nothing is counted.
#[derive(Clone, Debug)]
pub(crate) struct PerAddress {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: Option<NonZeroUsize>,
}

/// As many as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl PerAddress {
    pub(crate) fn new(most: Option<NonZeroUsize>) -> Self {
        Self { counts: Arc::default(), most }
    }

    /// Counts one for an address, until the result is dropped; `None` if nothing is counted.
    pub(crate) fn enter(&self, address: Option<IpAddr>) -> Result<Option<Entered>, TooMany> {
        let (Some(most), Some(address)) = (self.most, address) else { return Ok(None) };
        let address = network(address);
        let mut counts = self.counts.lock();
        let count = counts.entry(address).or_default();
        if *count >= most.get() {
            return Err(TooMany);
        }
        *count += 1;
        drop(counts);
        Ok(Some(Entered { counts: Arc::clone(&self.counts), address }))
    }
}

/// One of an address.
#[derive(Debug)]
pub(crate) struct Entered {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        let Entry::Occupied(mut count) = counts.entry(self.address) else { return };
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64))),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> PerAddress {
        PerAddress::new(NonZeroUsize::new(2))
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn each_address_has_its_own_limit() {
        let two = two();
        let first = two.enter(address("192.0.2.1")).unwrap();
        let _second = two.enter(address("::ffff:192.0.2.1")).unwrap();
        assert_eq!(two.enter(address("192.0.2.1")).unwrap_err(), TooMany);
        assert!(two.enter(address("192.0.2.2")).is_ok());
        drop(first);
        assert!(two.enter(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_host_does_not_escape_by_another_of_its_addresses() {
        let two = two();
        let _these = [two.enter(address("2001:db8::1")).unwrap(), two.enter(address("2001:db8::2")).unwrap()];
        assert!(two.enter(address("2001:db8::3")).is_err());
        assert!(two.enter(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn who_has_left_leaves_nothing_behind() {
        let two = two();
        drop([two.enter(address("192.0.2.1")).unwrap(), two.enter(address("192.0.2.1")).unwrap()]);
        assert!(two.counts.lock().is_empty());
    }

    #[test]
    fn without_a_limit_or_an_address_nothing_is_counted() {
        assert!(PerAddress::new(None).enter(address("192.0.2.1")).unwrap().is_none());
        assert!(two().enter(None).unwrap().is_none());
    }
}
