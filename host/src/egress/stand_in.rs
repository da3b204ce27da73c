//! What stands in for outside parties, where none is to be reached: in
//! acceptance tests and while a connector is being developed.

use super::{Bounds, EgressError, Hop, Reply};
use async_trait::async_trait;

/// Answers requests in the place of outside parties. What it gets has passed
/// all that a request must pass before it leaves: the rules, the five checks
/// and the addresses.
#[async_trait]
pub trait StandIn: Send + Sync {
    /// What comes of a request; none if it is to leave for real.
    async fn answer(&self, hop: &Hop, bounds: &Bounds) -> Option<Result<Reply, EgressError>>;

    /// What came of a request, whoever answered, without the credential.
    fn answered(&self, hop: &Hop, outcome: Result<&Reply, &EgressError>) {
        let _ = (hop, outcome);
    }
}
