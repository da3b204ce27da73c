//! The clocks of a guest: true, but coarse, so that they measure less of what
//! happens beside it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock};

/// The steps in which both clocks advance.
pub const RESOLUTION: Duration = Duration::from_millis(1);

/// The time of day.
pub(super) struct Wall;

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        coarse(now.unwrap_or_default())
    }
}

/// Time since the run began: that of the host before it is nothing to a guest.
pub(super) struct Monotonic(Instant);

impl Monotonic {
    pub(super) fn from_now() -> Self {
        Self(Instant::now())
    }
}

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        nanoseconds(RESOLUTION)
    }

    fn now(&self) -> u64 {
        nanoseconds(coarse(self.0.elapsed()))
    }
}

fn coarse(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
