//! Attempts to log in: a few at once, then slowly. Per user, so that guessing
//! takes too long wherever it comes from, and per address, so that one place
//! cannot try all users.

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

/// Attempts for one user: ten, then one every half a minute.
const USER: (u32, Duration) = (10, Duration::from_secs(30));

/// Attempts from one address: 60, then one every two seconds. Many people can
/// be behind one.
const ADDRESS: (u32, Duration) = (60, Duration::from_secs(2));

/// How many keys are kept before those that are of no use are dropped.
const KEYS: usize = 10_000;

/// Limits attempts to log in.
pub(crate) struct Throttle {
    users: Limiter<[u8; 8]>,
    addresses: Limiter<IpAddr>,
}

impl Throttle {
    pub(crate) fn new() -> Self {
        Self {
            users: RateLimiter::hashmap(quota(USER)),
            addresses: RateLimiter::hashmap(quota(ADDRESS)),
        }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    ///
    /// When there were too many: how many seconds to wait.
    pub(crate) fn attempt(&self, user: &str, address: IpAddr) -> Result<(), u64> {
        // Of the same size for every name that someone types.
        let digest = Sha256::digest(user.as_bytes());
        let mut key = [0; 8];
        key.copy_from_slice(&digest[..8]);
        check(&self.addresses, &network(address))?;
        check(&self.users, &key)
    }
}

fn quota((burst, period): (u32, Duration)) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(period)
        .unwrap_or(Quota::per_second(NonZeroU32::MIN))
        .allow_burst(burst)
}

fn check<K: std::hash::Hash + Eq + Clone>(limiter: &Limiter<K>, key: &K) -> Result<(), u64> {
    if limiter.len() > KEYS {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|not_until| {
        not_until
            .wait_time_from(DefaultClock::default().now())
            .as_secs()
            + 1
    })
}

/// Whoever has one IPv6 address has a /64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::from(segments)
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_for_one_user_then_slowly() {
        let throttle = Throttle::new();
        let address = |last: u8| IpAddr::from([10, 0, 0, last]);
        for attempt in 0..10 {
            assert_eq!(throttle.attempt("anna", address(attempt)), Ok(()));
        }
        let wait = throttle.attempt("anna", address(10)).unwrap_err();
        assert!((1..=31).contains(&wait), "{wait}");
        assert_eq!(throttle.attempt("bas", address(10)), Ok(()));
    }

    #[test]
    fn one_address_cannot_try_all_users() {
        let throttle = Throttle::new();
        let address = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
        for attempt in 0..60 {
            assert_eq!(
                throttle.attempt(&format!("user-{attempt}"), address(attempt)),
                Ok(())
            );
        }
        assert!(throttle.attempt("another", address(99)).is_err());
        assert_eq!(
            throttle.attempt("another", IpAddr::from([10, 0, 0, 1])),
            Ok(())
        );
    }
}
