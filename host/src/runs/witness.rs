//! Whoever looks on while runs are made: `koppel check`, which judges what a
//! connector does, and `koppel dev`, which shows it.

use super::Host;
use crate::durable::Step;
use crate::egress::StandIn;
use crate::platform::Frozen;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What a run used of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The most linear memory, in bytes.
    pub memory_bytes: usize,
    /// The computing time, in steps of [`crate::sandbox::TICK`].
    pub cpu: Duration,
    /// The time that the call took, waiting included.
    pub elapsed: Duration,
}

/// Looks on. Called where the run is made, so it must not block.
pub trait Witness: Send + Sync {
    /// A connector is about to be called. `seed` is what its random numbers come
    /// from, `frozen` the message that it is to send, if it is.
    fn called(&self, run: Uuid, seed: [u8; 32], frozen: Option<&Frozen>) {
        let _ = (run, seed, frozen);
    }

    /// The connector was answered.
    fn answered(&self, run: Uuid, step: &Step) {
        let _ = (run, step);
    }

    /// The connector ended: `answer` is what it answered, JSON, if it did.
    fn ended(&self, run: Uuid, answer: Option<&[u8]>, usage: Usage) {
        let _ = (run, answer, usage);
    }
}

impl Host {
    /// With somebody who looks on.
    #[must_use]
    pub fn with_witness(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// With something that answers in the place of outside parties. To be
    /// called before anything is run.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn with_stand_in(
        mut self,
        resolver: Arc<dyn crate::egress::Resolve>,
        stand_in: Arc<dyn StandIn>,
    ) -> anyhow::Result<Self> {
        let egress = crate::egress::Egress::new(resolver)?.with_stand_in(stand_in);
        self.egress = Arc::new(egress);
        Ok(self)
    }
}
