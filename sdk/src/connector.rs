//! What a connector implements.

use crate::bindings::koppel::connector::types::{Description, RunContext};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::journal_world::exports::koppel::connector::journal::{Delivery, Outcome};
pub use crate::bindings::koppel::connector::types::ConnectorError;

/// What every connector is.
pub trait Connector {
    /// A short name, in kebab-case.
    const NAME: &'static str;
    /// The version, semver: `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// One sentence for the operator.
    const SUMMARY: &'static str;

    /// The settings that the operator gives in `[clients.….settings]`. Their
    /// JSON Schema is part of the description of the connector.
    type Settings: DeserializeOwned + schemars::JsonSchema;

    /// Tests the settings and the connection to the outside party without
    /// changing anything there. Gives a sentence for the operator.
    ///
    /// # Errors
    ///
    /// Why a run would not work.
    fn check(context: &Context<Self::Settings>) -> Result<String, ConnectorError>;
}

/// A connector of kind journal.
pub trait JournalConnector: Connector {
    /// Books or exports one journal run, and marks it as processed.
    ///
    /// # Errors
    ///
    /// Why it could not; see [`ConnectorError`] for what each means.
    fn process_journal_run(
        context: &Context<Self::Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError>;
}

/// A connector of kind lookup.
pub trait LookupConnector: Connector {
    /// What is asked, as JSON.
    type Query: DeserializeOwned;
    /// What is answered, as JSON.
    type Answer: Serialize;

    /// Looks something up.
    ///
    /// # Errors
    ///
    /// Why it could not; see [`ConnectorError`] for what each means.
    fn lookup(
        context: &Context<Self::Settings>,
        query: Self::Query,
    ) -> Result<Self::Answer, ConnectorError>;
}

/// What a run is about.
#[derive(Clone, Debug)]
pub struct Context<S> {
    /// The identifier of the run; the same when it is replayed.
    pub run_id: String,
    /// The employer that the run is for.
    pub employer_id: String,
    /// The operator's settings.
    pub settings: S,
}

fn context<C: Connector>(context: RunContext) -> Result<Context<C::Settings>, ConnectorError> {
    let settings = serde_json::from_str(&context.settings)
        .map_err(|error| ConnectorError::InvalidSettings(error.to_string()))?;
    Ok(Context {
        run_id: context.run_id,
        employer_id: context.employer_id,
        settings,
    })
}

/// The export `describe`.
pub fn describe<C: Connector>() -> Description {
    let schema = schemars::schema_for!(C::Settings);
    Description {
        name: C::NAME.to_owned(),
        version: C::VERSION.to_owned(),
        summary: C::SUMMARY.to_owned(),
        settings_schema: schema.as_value().to_string(),
    }
}

/// The export `check`.
pub fn check<C: Connector>(run: RunContext) -> Result<String, ConnectorError> {
    C::check(&context::<C>(run)?)
}

/// The export `process-journal-run`.
pub fn process_journal_run<C: JournalConnector>(
    run: RunContext,
    journal_run_id: String,
) -> Result<Outcome, ConnectorError> {
    C::process_journal_run(&context::<C>(run)?, &journal_run_id)
}

/// The export `lookup`.
pub fn lookup<C: LookupConnector>(
    run: RunContext,
    query: String,
) -> Result<String, ConnectorError> {
    let context = context::<C>(run)?;
    let query = serde_json::from_str(&query)
        .map_err(|error| ConnectorError::InvalidInput(error.to_string()))?;
    let answer = C::lookup(&context, query)?;
    serde_json::to_string(&answer).map_err(|error| ConnectorError::Other(error.to_string()))
}

/// Makes a type the connector of this component: `export!(MyType as journal)`
/// or `export!(MyType as lookup)`. Use it once, in the root of the crate.
#[macro_export]
macro_rules! export {
    ($connector:ty as journal) => {
        $crate::export!(@ $connector, {
            impl $crate::glue::journal_world::exports::koppel::connector::journal::Guest for Exported {
                fn process_journal_run(
                    context: $crate::glue::RunContext,
                    journal_run_id: String,
                ) -> Result<$crate::Outcome, $crate::ConnectorError> {
                    $crate::glue::process_journal_run::<$connector>(context, journal_run_id)
                }
            }
            $crate::glue::journal_world::export!(Exported with_types_in $crate::glue::journal_world);
        });
    };
    ($connector:ty as lookup) => {
        $crate::export!(@ $connector, {
            impl $crate::glue::lookup_world::exports::koppel::connector::lookup::Guest for Exported {
                fn lookup(
                    context: $crate::glue::RunContext,
                    query: String,
                ) -> Result<String, $crate::ConnectorError> {
                    $crate::glue::lookup::<$connector>(context, query)
                }
            }
            $crate::glue::lookup_world::export!(Exported with_types_in $crate::glue::lookup_world);
        });
    };
    (@ $connector:ty, { $($kind:tt)* }) => {
        // Natively there is nothing to export to: the mock host calls the
        // traits.
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;

            impl $crate::glue::connector_world::exports::koppel::connector::connector::Guest for Exported {
                fn describe() -> $crate::glue::Description {
                    $crate::glue::describe::<$connector>()
                }

                fn check(
                    context: $crate::glue::RunContext,
                ) -> Result<String, $crate::ConnectorError> {
                    $crate::glue::check::<$connector>(context)
                }
            }
            $crate::glue::connector_world::export!(Exported with_types_in $crate::glue::connector_world);

            $($kind)*
        };
    };
}
