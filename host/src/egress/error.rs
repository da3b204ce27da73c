//! Why an outside request was refused or failed.

use std::net::IpAddr;
use std::path::PathBuf;

/// Why a rule in the configuration is not right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(pub(super) String);

/// Why an outside request was refused or failed. The texts are for the
/// operator; the guest gets a code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// No rule of the client allows it.
    #[error(
        "no rule allows {method} {url}; to allow it, add to [clients.{client}] http = [{{ allow = \"{url}\", methods = [\"{method}\"], activity = \"…\" }}]"
    )]
    NoRule {
        /// The client.
        client: String,
        /// The method.
        method: String,
        /// The URL, without its query.
        url: String,
    },
    /// The rule for it does not let a field through.
    #[error("{text}")]
    Field {
        /// The URL of the rule: what can be told of where it should have gone.
        allow: String,
        /// Which field, why, and the line that would allow it; never a value.
        text: String,
    },
    /// The URL is not one that has a single meaning.
    #[error("the URL is refused: {0}")]
    Url(String),
    /// A header that a guest may not set.
    #[error("header {0} may not be set by a connector")]
    Header(String),
    /// A parameter of the query that the host adds itself.
    #[error(
        "query parameter {0} may not be set by a connector; the credential of the rule is added under that name"
    )]
    Parameter(String),
    /// The host resolves to an address that may not be reached.
    #[error("{host} is refused: {address} is {what}; every address of a host must be public{hint}")]
    Address {
        /// The host in the URL.
        host: String,
        /// The address.
        address: IpAddr,
        /// What kind of address it is.
        what: &'static str,
        /// What would allow it, where something can.
        hint: &'static str,
    },
    /// The host has no address.
    #[error("{host} cannot be resolved: {why}")]
    Resolve {
        /// The host in the URL.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// More redirects than allowed.
    #[error("more than {0} redirects")]
    Redirects(usize),
    /// A redirect without a usable target.
    #[error("the redirect is refused: {0}")]
    Redirect(String),
    /// The body of the request is too large.
    #[error("the body of the request has more than {0} bytes (limits.request-bytes)")]
    RequestSize(usize),
    /// The reply is too large.
    #[error("the reply has more than {0} bytes (limits.response-bytes)")]
    ResponseSize(usize),
    /// The headers of the reply are too large.
    #[error("the headers of the reply have more than {0} bytes")]
    ResponseHeaders(usize),
    /// It took too long.
    #[error("no complete reply within {0} ms")]
    Timeout(u64),
    /// Too many requests in one run.
    #[error("the run made its {0} requests (limits.requests)")]
    TooMany(usize),
    /// There was no connection: nothing of the request left.
    #[error("the connection to {host} failed: {why}")]
    Unreachable {
        /// The host in the URL.
        host: String,
        /// What went wrong.
        why: String,
    },
    /// The connection failed.
    #[error("the connection to {host} failed: {why}")]
    Connection {
        /// The host in the URL.
        host: String,
        /// What went wrong.
        why: String,
    },
    /// A credential cannot be had.
    #[error("credential \"{name}\": {why}")]
    Credential {
        /// Its name in the configuration.
        name: String,
        /// What went wrong.
        why: String,
    },
    /// The certificate authorities that a rule trusts cannot be had.
    #[error("trusted-roots {path}: {why}", path = .path.display())]
    TrustedRoots {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// One of the five checks was red for the activity of the rule.
    #[error("{activity} was denied by check {check}: {reason}")]
    Denied {
        /// The activity of the rule.
        activity: String,
        /// The red check.
        check: &'static str,
        /// Why.
        reason: String,
    },
    /// A declaration is sent only when a person confirmed it, as it was
    /// confirmed.
    #[error("{activity}: {why}")]
    NotConfirmed {
        /// The activity of the rule.
        activity: String,
        /// What does not hold.
        why: &'static str,
    },
    /// The operator's limits of the party let no more through for now.
    #[error("{party} takes no more requests for {seconds} s ([[parties]])")]
    Limited {
        /// The party.
        party: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// A person said that it happened, in an attempt before this one.
    #[error("{what} is not sent again: a person said that it happened in an earlier attempt")]
    Happened {
        /// The method and the URL.
        what: String,
    },
    /// The host cannot go on, for example because the ledger cannot be written.
    #[error("the host failed: {0}")]
    Host(String),
}
