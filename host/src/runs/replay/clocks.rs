//! The clocks and random numbers of a connector: the same again on replay.
//!
//! The clocks are true, but coarse, so that they measure less of what happens
//! beside the connector.

use super::Journal;
use crate::durable::Reading;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// The steps in which both clocks advance.
pub const RESOLUTION: Duration = Duration::from_millis(1);

/// The time of day.
pub(crate) struct Wall(pub(crate) Journal);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        let live = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            // Before 1970 there were no runs.
            Reading::Wall(nanoseconds(coarse(since.unwrap_or_default())))
        };
        match self.0.reading(live) {
            Reading::Wall(nanoseconds) | Reading::Monotonic(nanoseconds) => {
                Duration::from_nanos(nanoseconds)
            }
        }
    }
}

/// The clock that never goes back.
pub(crate) struct Monotonic(pub(crate) Journal);

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        nanoseconds(RESOLUTION)
    }

    fn now(&self) -> u64 {
        // Before the lock that the reading takes.
        let now = nanoseconds(coarse(Duration::from_nanos(self.0.monotonic())));
        match self.0.reading(|| Reading::Monotonic(now)) {
            Reading::Wall(nanoseconds) | Reading::Monotonic(nanoseconds) => nanoseconds,
        }
    }
}

fn coarse(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The random numbers of an attempt: secure ones, insecure ones, and the seed
/// of the connector's own.
pub(crate) fn random(seed: [u8; 32]) -> (ChaCha20Rng, ChaCha20Rng, u128) {
    let derived = |name: &[u8]| -> [u8; 32] {
        Sha256::new()
            .chain_update(seed)
            .chain_update(name)
            .finalize()
            .into()
    };
    let mut own = [0; 16];
    own.copy_from_slice(&derived(b"insecure-seed")[..16]);
    (
        ChaCha20Rng::from_seed(derived(b"secure")),
        ChaCha20Rng::from_seed(derived(b"insecure")),
        u128::from_le_bytes(own),
    )
}
