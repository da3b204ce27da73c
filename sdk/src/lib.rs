//! Write payroll connectors for koppel.
//!
//! A connector implements [`Connector`] and the trait of its kind, and is
//! exported with [`export!`]. It performs activities with the functions in
//! [`activities`], one for each activity of the platform; which ones it uses
//! can be read from the compiled component, and the operator must have granted
//! all of them.
//!
//! ```
//! use koppel_sdk::{Connector, ConnectorError, Context, LookupConnector, activities, testing::MockHost};
//! use serde::{Deserialize, Serialize};
//!
//! struct TaxValue;
//!
//! #[derive(Deserialize, schemars::JsonSchema)]
//! struct Settings {}
//!
//! #[derive(Deserialize)]
//! struct Query { plate: String }
//!
//! #[derive(Serialize, serde::Deserialize)]
//! struct Answer { cents: i64 }
//!
//! impl Connector for TaxValue {
//!     const NAME: &'static str = "tax-value";
//!     const VERSION: &'static str = "1.0.0";
//!     const SUMMARY: &'static str = "The value of a car for tax purposes.";
//!     type Settings = Settings;
//!
//!     fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
//!         Ok("there is nothing to connect to".to_owned())
//!     }
//! }
//!
//! impl LookupConnector for TaxValue {
//!     type Query = Query;
//!     type Answer = Answer;
//!
//!     fn lookup(_: &Context<Settings>, query: Query) -> Result<Answer, ConnectorError> {
//!         let car = activities::get_additional_taxliability_by_license_plate_number(&query.plate)?;
//!         Ok(Answer { cents: car.value_for_tax_purposes })
//!     }
//! }
//!
//! koppel_sdk::export!(TaxValue as lookup);
//!
//! // With plain `cargo test`:
//! let mut host = MockHost::new();
//! host.vehicle("GP586D", 3_452_000);
//! let answer = host.lookup::<TaxValue>("{}", r#"{"plate": "GP586D"}"#);
//! assert_eq!(answer, Ok(serde_json::json!({"cents": 3_452_000})));
//! ```

pub mod activities;
mod bindings;
mod connector;
pub mod delivery;
pub mod exports;
pub mod http;
pub mod input;
pub mod journal;
pub mod log;
pub mod money;
pub mod numbers;
pub mod payroll;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
#[cfg(target_family = "wasm")]
mod version;

pub use connector::{
    Cancellation, Confirmation, Connector, ConnectorError, Context, DeclarationConnector, Delivery,
    JournalConnector, LookupConnector, Message, Outcome, ProductConnector, Quotation, Submission,
};
pub use money::Cents;

/// The records of the contract.
pub mod types {
    pub use crate::bindings::koppel::loket::employees::{Address, Employee, EmployeePage, Gender};
    pub use crate::bindings::koppel::loket::employers::{Employer, EmployerPage};
    pub use crate::bindings::koppel::loket::employments::{
        Employment, EmploymentPage, IncomePeriod,
    };
    pub use crate::bindings::koppel::loket::insurance::{
        AchmeaInsuranceContract, AchmeaInsuranceContractPage, InsuredWagePercentage,
        InsuredWagePercentagePage,
    };
    pub use crate::bindings::koppel::loket::journal_runs::{
        Coded, ExportAuditRecord, ExportAuditRecordPage, ExportMethod, JournalLine,
        JournalLinePage, JournalRun, JournalRunChange, JournalRunError, JournalRunErrorPage,
        JournalRunPage, JournalRunStatus,
    };
    pub use crate::bindings::koppel::loket::payroll_administrations::{
        PayrollAdministration, PayrollAdministrationPage,
    };
    pub use crate::bindings::koppel::loket::payroll_runs::{
        PayrollRun, PayrollRunPage, PayrollRunResult, PayrollRunResultPage,
    };
    pub use crate::bindings::koppel::loket::payroll_tax_returns::{
        PayrollTaxReturn, PayrollTaxReturnPage, ResponseMessage as PayrollTaxReturnResponse,
        ResponseType,
    };
    pub use crate::bindings::koppel::loket::trade_register::{
        BusinessClassification, CompanyAddress, CompanyInformation,
    };
    pub use crate::bindings::koppel::loket::types::{
        ActivityError, Check, DeclarationEvent, DeclarationRequest, DeclarationStatus, Denial,
        KeyValue, PageRequest, PayrollPeriod, PeriodOfYear, Problem,
    };
    pub use crate::bindings::koppel::loket::upa_pension_declarations::{
        ResponseLine as UpaResponseLine, ResponseMessage as UpaResponse,
        ResponseStatus as UpaResponseStatus, UpaPensionDeclaration, UpaPensionDeclarationPage,
    };
    pub use crate::bindings::koppel::loket::vehicles::AdditionalTaxLiability;
}

/// What [`export!`] expands to; not for use by hand.
#[doc(hidden)]
pub mod glue {
    pub use crate::bindings::koppel::connector::types::{Description, RunContext};
    pub use crate::bindings::{
        connector_world, declaration_world, journal_world, lookup_world, product_world,
    };
    pub use crate::connector::{
        cancel, check, create, describe, lookup, order, poll_response, process_journal_run, quote,
        submit,
    };
}
