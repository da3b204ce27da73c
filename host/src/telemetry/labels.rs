//! The labels of the metrics.

use prometheus_client::encoding::EncodeLabelSet;

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($label:ident: $kind:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub(super) struct $name {
            $(pub(super) $label: $kind,)+
        }
    )+};
}

labels! {
    /// A client of the configuration.
    Client { client: String }
    /// What a client does.
    Work { client: String, kind: &'static str }
    /// How an attempt ended: `succeeded`, or the code of an error.
    Attempt { client: String, kind: &'static str, outcome: &'static str }
    /// The state that a run came to.
    Run { client: String, kind: &'static str, state: &'static str }
    /// The key of a limit.
    Limit { client: String, limit: &'static str }
    /// How a call of an activity ended.
    Call { activity: &'static str, outcome: &'static str }
    /// What denied.
    Denial { client: String, check: String }
    /// An outside party: scheme, host and port.
    Party { party: String }
    /// A status, or why there is none.
    Outside { party: String, status: String }
    /// The kind of a row.
    Row { kind: &'static str }
    /// An operation of the REST API.
    Rest { operation: &'static str, status: u32 }
    /// Where a change of the configuration came from.
    Reload { source: &'static str, outcome: &'static str }
    /// The state of a kept run.
    State { state: &'static str }
    /// Of koppel.
    Version { version: &'static str }
}
