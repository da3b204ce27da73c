//! Outbound HTTP under the operator's policy.
//!
//! Deny by default: a request leaves only if a [`Rule`] of its client allows
//! scheme, host, port, method and path; if the five checks are green for the
//! activity of that rule; if the field list of the rule, where it has one, lets
//! all that is in the request through; and if every address of the host is public. The
//! connection is made to the very addresses that were checked. Each redirect
//! is a new request to all of this, and gets a credential only if its own rule
//! names one. Sizes and times are bounded. What leaves and what comes back is
//! handed to an [`Observer`] before the connector sees it.

mod address;
mod bsn;
mod credential;
mod error;
mod fields;
mod json;
pub mod normalize;
mod party;
mod pattern;
mod redirect;
mod resolver;
mod rule;
mod send;
mod stand_in;
#[cfg(test)]
mod tests;
pub(crate) mod tls;

pub(crate) use bsn::is_citizen_service_number;
pub use credential::Credential;
pub use error::{EgressError, RuleError};
pub use fields::{WrittenList, WrittenLists};
pub use party::Party;
pub use pattern::{Detailed, WrittenPattern};
pub use resolver::{Resolve, SystemResolver};
pub use rule::Rule;
pub(crate) use send::causes;
pub use send::{Bounds, Egress};
pub use stand_in::StandIn;
pub use tls::Identity;

use crate::catalogue::Activity;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// Whether an address is not public.
#[cfg(any(test, fuzzing))]
pub(crate) fn is_special(address: std::net::IpAddr) -> bool {
    address::special(address).is_some()
}

/// One hop of an exchange: a request as it is about to leave, without the
/// credential.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Ties the reply to the request.
    pub exchange: Uuid,
    /// The activity of the rule that allows it.
    pub activity: Activity,
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The headers of the connector.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether the same request may be sent again when nobody knows whether it
    /// arrived: the rule says so.
    pub repeatable: bool,
}

/// A complete reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers, without those that are between host and server only.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Decides and records, for one run. An error of any of these ends the
/// exchange before anything more leaves.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Runs the five checks on the activity of a rule.
    async fn authorize(&self, activity: Activity) -> Result<(), EgressError>;

    /// Says whether a request of this activity may have this body. All may,
    /// unless the observer knows better.
    ///
    /// # Errors
    ///
    /// Why it may not.
    fn permit(&self, activity: Activity, body: &Bytes) -> Result<(), EgressError> {
        let _ = (activity, body);
        Ok(())
    }

    /// What the outside party knows a write by, for the header that its rule
    /// names. The same for all hops of a request.
    fn idempotency_key(&self) -> String;

    /// Records a request that is about to leave.
    async fn before(&self, hop: &Hop) -> Result<(), EgressError>;

    /// Records the reply, or why there is none.
    async fn after(
        &self,
        hop: &Hop,
        outcome: Result<&Reply, &EgressError>,
    ) -> Result<(), EgressError>;

    /// Notes what a request came to (the status of the reply, or a word) and how
    /// long that took.
    fn took(&self, hop: &Hop, status: String, took: Duration) {
        let _ = (hop, status, took);
    }

    /// Records a request that was refused by policy.
    async fn refused(
        &self,
        method: &Method,
        url: &str,
        error: &EgressError,
    ) -> Result<(), EgressError>;

    /// A credential with its secret.
    fn credential(&self, name: &str) -> Result<Credential, EgressError>;
}
