//! What a connector implements.

use crate::bindings::koppel::connector::types::{Description, RunContext};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::declaration_world::exports::koppel::connector::declaration::{
    Message, Submission,
};
pub use crate::bindings::journal_world::exports::koppel::connector::journal::{Delivery, Outcome};
pub use crate::bindings::koppel::connector::types::ConnectorError;
pub use crate::bindings::product_world::exports::koppel::connector::product::{
    Cancellation, Confirmation, Quotation,
};

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

/// A connector of kind declaration.
pub trait DeclarationConnector: Connector {
    /// Makes the message of a declaration and sends nothing.
    ///
    /// # Errors
    ///
    /// Why it could not; see [`ConnectorError`] for what each means. With
    /// `Refused` the declaration is marked as failed.
    fn create(
        context: &Context<Self::Settings>,
        declaration_id: &str,
    ) -> Result<Message, ConnectorError>;

    /// Sends a message that a person confirmed, byte for byte. It may have been
    /// sent before by a run that did not get the reply.
    ///
    /// # Errors
    ///
    /// Why it could not; see [`ConnectorError`] for what each means.
    fn submit(
        context: &Context<Self::Settings>,
        declaration_id: &str,
        message: &Message,
    ) -> Result<Submission, ConnectorError>;

    /// Fetches what the outside party says of a declaration that was sent, and
    /// stores each response that is new.
    ///
    /// # Errors
    ///
    /// Why it could not; see [`ConnectorError`] for what each means.
    fn poll_response(
        context: &Context<Self::Settings>,
        declaration_id: &str,
    ) -> Result<(), ConnectorError>;
}

/// A connector of kind product.
pub trait ProductConnector: Connector {
    /// What a price is asked for, as JSON.
    type QuoteRequest: DeserializeOwned;
    /// What is ordered, as JSON.
    type OrderRequest: DeserializeOwned;

    /// Asks a price. Binds nobody.
    ///
    /// # Errors
    ///
    /// Why it could not; see [`ConnectorError`] for what each means.
    fn quote(
        context: &Context<Self::Settings>,
        request: Self::QuoteRequest,
    ) -> Result<Quotation, ConnectorError>;

    /// Places an order under an order-id of the host, a UUID. Pass it to the
    /// outside party as idempotency key: when the reply is lost, the order is
    /// placed again under the same one.
    ///
    /// # Errors
    ///
    /// Why it could not; see [`ConnectorError`] for what each means.
    fn order(
        context: &Context<Self::Settings>,
        order_id: &str,
        request: Self::OrderRequest,
    ) -> Result<Confirmation, ConnectorError>;

    /// Cancels the order that was placed under this order-id.
    ///
    /// # Errors
    ///
    /// Why it could not; see [`ConnectorError`] for what each means.
    fn cancel(
        context: &Context<Self::Settings>,
        order_id: &str,
    ) -> Result<Cancellation, ConnectorError>;
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
    let answer = C::lookup(&context, input(&query)?)?;
    serde_json::to_string(&answer).map_err(|error| ConnectorError::Other(error.to_string()))
}

/// The export `create`.
pub fn create<C: DeclarationConnector>(
    run: RunContext,
    declaration_id: String,
) -> Result<Message, ConnectorError> {
    C::create(&context::<C>(run)?, &declaration_id)
}

/// The export `submit`.
pub fn submit<C: DeclarationConnector>(
    run: RunContext,
    declaration_id: String,
    message: Message,
) -> Result<Submission, ConnectorError> {
    C::submit(&context::<C>(run)?, &declaration_id, &message)
}

/// The export `poll-response`.
pub fn poll_response<C: DeclarationConnector>(
    run: RunContext,
    declaration_id: String,
) -> Result<(), ConnectorError> {
    C::poll_response(&context::<C>(run)?, &declaration_id)
}

/// The export `quote`.
pub fn quote<C: ProductConnector>(
    run: RunContext,
    request: String,
) -> Result<Quotation, ConnectorError> {
    C::quote(&context::<C>(run)?, input(&request)?)
}

/// The export `order`.
pub fn order<C: ProductConnector>(
    run: RunContext,
    order_id: String,
    request: String,
) -> Result<Confirmation, ConnectorError> {
    C::order(&context::<C>(run)?, &order_id, input(&request)?)
}

/// The export `cancel`.
pub fn cancel<C: ProductConnector>(
    run: RunContext,
    order_id: String,
) -> Result<Cancellation, ConnectorError> {
    C::cancel(&context::<C>(run)?, &order_id)
}

fn input<T: DeserializeOwned>(json: &str) -> Result<T, ConnectorError> {
    serde_json::from_str(json).map_err(|error| ConnectorError::InvalidInput(error.to_string()))
}

/// Makes a type the connector of this component: `export!(MyType as journal)`,
/// or `as lookup`, `as declaration` or `as product`. Use it once, in the root of
/// the crate.
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
    ($connector:ty as declaration) => {
        $crate::export!(@ $connector, {
            impl $crate::glue::declaration_world::exports::koppel::connector::declaration::Guest for Exported {
                fn create(
                    context: $crate::glue::RunContext,
                    declaration_id: String,
                ) -> Result<$crate::Message, $crate::ConnectorError> {
                    $crate::glue::create::<$connector>(context, declaration_id)
                }

                fn submit(
                    context: $crate::glue::RunContext,
                    declaration_id: String,
                    message: $crate::Message,
                ) -> Result<$crate::Submission, $crate::ConnectorError> {
                    $crate::glue::submit::<$connector>(context, declaration_id, message)
                }

                fn poll_response(
                    context: $crate::glue::RunContext,
                    declaration_id: String,
                ) -> Result<(), $crate::ConnectorError> {
                    $crate::glue::poll_response::<$connector>(context, declaration_id)
                }
            }
            $crate::glue::declaration_world::export!(Exported with_types_in $crate::glue::declaration_world);
        });
    };
    ($connector:ty as product) => {
        $crate::export!(@ $connector, {
            impl $crate::glue::product_world::exports::koppel::connector::product::Guest for Exported {
                fn quote(
                    context: $crate::glue::RunContext,
                    request: String,
                ) -> Result<$crate::Quotation, $crate::ConnectorError> {
                    $crate::glue::quote::<$connector>(context, request)
                }

                fn order(
                    context: $crate::glue::RunContext,
                    order_id: String,
                    request: String,
                ) -> Result<$crate::Confirmation, $crate::ConnectorError> {
                    $crate::glue::order::<$connector>(context, order_id, request)
                }

                fn cancel(
                    context: $crate::glue::RunContext,
                    order_id: String,
                ) -> Result<$crate::Cancellation, $crate::ConnectorError> {
                    $crate::glue::cancel::<$connector>(context, order_id)
                }
            }
            $crate::glue::product_world::export!(Exported with_types_in $crate::glue::product_world);
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
