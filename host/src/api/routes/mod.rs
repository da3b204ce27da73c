//! How each activity is served: the one table from which the router, the
//! OpenAPI document and the tests are made. Method, path and summary are in
//! the catalogue.

mod authorizations;
mod connector_runs;
mod connectors;
mod declarations;
mod employers;
mod explanations;
mod figures;
mod insurance;
mod kept_runs;
mod messages;
mod modules;
mod payroll_run_results;
mod state;

use super::call::{Call, invalid};
use super::paging::Page;
use super::query::Query;
use super::reply::{ApiError, Reply};
use crate::bindings::koppel::loket as records;
use crate::bindings::koppel::loket::journal_runs::JournalRunChange;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{Activity, id};
use crate::wire;
use crate::wire::envelope::{List, Single, Version};
use axum::extract::RawPathParams;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use std::pin::Pin;

pub(super) type Handled = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send>>;

/// The versions of a resource that has one: all but one of Loket's.
const ONE: &[&str] = &[wire::RESOURCE_VERSION];

/// The parameter that asks for an order.
const ORDER_BY: &str = "orderBy";

/// How one activity is served.
pub struct Route {
    /// The activity.
    pub activity: Activity,
    /// The versions of the resource (dates, oldest first).
    pub versions: &'static [&'static str],
    /// What a reply holds.
    pub shape: Shape,
    /// A parameter of the query that identifies what the call is about; its
    /// name. Otherwise the one in the path does, if there is one.
    pub query_id: Option<&'static str>,
    /// The parameters of the query that restrict a list.
    pub filters: &'static [Parameter],
    /// The header fields that a request must have, besides those that every
    /// one has.
    pub header_fields: &'static [Parameter],
    /// The schema of the body of a request, if it has one.
    pub body: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// The largest body of a request, in bytes.
    pub body_bytes: usize,
    /// The status of a reply that is no error.
    pub success: u16,
    pub(super) handler: fn(Call) -> Handled,
}

/// A parameter of the query that may be left out, or a header field.
#[derive(Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// The JSON Schema of its value.
    pub schema: fn() -> serde_json::Value,
}

/// What a successful reply holds.
#[derive(Clone, Copy)]
pub enum Shape {
    /// One thing, under `content`.
    Single(fn(&mut SchemaGenerator) -> Schema),
    /// A page of a list, under `_embedded`, by `pageNumber` and `pageSize`.
    Paged(fn(&mut SchemaGenerator) -> Schema),
    /// A whole list, under `_embedded`.
    Whole(fn(&mut SchemaGenerator) -> Schema),
    /// An XML document.
    Xml,
    /// The bytes of a file.
    File,
}

impl Route {
    /// The parameters of the query that it takes.
    pub fn parameters(&self) -> Vec<&'static str> {
        let paging: &[&str] = match self.shape {
            Shape::Paged(_) if self.order().is_some() => &["pageNumber", "pageSize", ORDER_BY],
            Shape::Paged(_) => &["pageNumber", "pageSize"],
            _ => &[],
        };
        self.query_id
            .into_iter()
            .chain(self.filters.iter().map(|filter| filter.name))
            .chain(paging.iter().copied())
            .collect()
    }

    /// The order in which a list comes, if it has one that Loket has a name
    /// for: the only one that can be asked for.
    pub fn order(&self) -> Option<&'static str> {
        wire::order_by(self.activity)
    }

    /// Refuses to be asked for another order.
    pub(super) fn ordered(&self, query: Query) -> Result<Query, ActivityError> {
        match (query.get(ORDER_BY), self.order()) {
            (Some(asked), Some(order)) if asked != order => {
                let problem = format!("this list comes in the order {order:?} only");
                Err(invalid(ORDER_BY, &problem))
            }
            _ => Ok(query),
        }
    }

    /// The name of the parameter in its path, if it has one.
    pub fn path_parameter(&self) -> Option<&'static str> {
        let (_, rest) = self.activity.row().path.split_once('{')?;
        rest.split_once('}').map(|(name, _)| name)
    }

    /// What identifies the thing that a call is about.
    pub(super) fn id(&self, path: &RawPathParams, query: &Query) -> String {
        let id = match self.query_id {
            Some(name) => query.get(name),
            None => path.iter().next().map(|(_, value)| value),
        };
        id.unwrap_or_default().to_owned()
    }

    /// One record, found by an identifier.
    fn single<R, W>(activity: Activity) -> Self
    where
        R: Clone + Send + Sync + 'static,
        W: From<R> + Serialize + JsonSchema,
    {
        Self::new(activity, Shape::Single(schema::<W>), |call| {
            Box::pin(async move {
                let record: R = call.perform(Ok((call.id.clone(),))).await?;
                single(&call, W::from(record))
            })
        })
    }

    /// A page of the records that belong to an identifier.
    fn paged<P, W>(activity: Activity) -> Self
    where
        P: Page,
        W: From<P::Item> + Serialize + JsonSchema,
    {
        Self::new(activity, Shape::Paged(schema::<W>), |call| {
            Box::pin(async move {
                let (items, wanted, total) = call.list::<P>().await?;
                let items: Vec<W> = items.into_iter().map(W::from).collect();
                page(&call, items, wanted, total)
            })
        })
    }

    fn new(activity: Activity, shape: Shape, handler: fn(Call) -> Handled) -> Self {
        Self {
            activity,
            versions: ONE,
            shape,
            query_id: None,
            filters: &[],
            header_fields: &[],
            body: None,
            body_bytes: super::BODY_BYTES,
            success: 200,
            handler,
        }
    }
}

fn schema<W: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<W>()
}

fn version(call: &Call) -> Version {
    Version {
        resource_version: Some(call.version.to_owned()),
        obsolete_date: None,
    }
}

fn single<W: Serialize>(call: &Call, content: W) -> Result<Reply, ApiError> {
    Reply::json(&Single {
        version: version(call),
        ..Single::new(content)
    })
}

fn page<W: Serialize>(
    call: &Call,
    items: Vec<W>,
    wanted: super::paging::Wanted,
    total: u64,
) -> Result<Reply, ApiError> {
    let size = u64::from(wanted.size);
    Reply::json(&List {
        version: version(call),
        ..List::new(items, wanted.number, size, total)
    })
}

/// The table, in the order of the catalogue.
pub(super) fn table() -> Vec<Route> {
    let mut routes = vec![
        employers::of_the_user(),
        Route::single::<records::employers::Employer, wire::employers::Employer>(
            id::GetEmployerByEmployerId,
        ),
        Route::paged::<
            records::payroll_administrations::PayrollAdministrationPage,
            wire::payroll_administrations::PayrollAdministration,
        >(id::GetPayrollAdministrationsByEmployerId),
        Route::paged::<records::payroll_runs::PayrollRunPage, wire::payroll_runs::PayrollRun>(
            id::GetPayrollRunsByPayrollAdministrationId,
        ),
        Route::single::<records::payroll_runs::PayrollRun, wire::payroll_runs::PayrollRun>(
            id::GetPayrollRunByPayrollRunId,
        ),
        payroll_run_results::of_a_run(),
        Route::paged::<records::journal_runs::JournalRunPage, wire::journal_runs::JournalRun>(
            id::GetJournalRunsByPayrollAdministrationId,
        ),
        Route::single::<records::journal_runs::JournalRun, wire::journal_runs::JournalRun>(
            id::GetJournalRunByJournalRunId,
        ),
        Route::paged::<records::journal_runs::JournalLinePage, wire::journal_runs::JournalLine>(
            id::GetJournalRunResultsByJournalRunId,
        ),
        Route::paged::<
            records::journal_runs::JournalRunErrorPage,
            wire::journal_runs::JournalRunError,
        >(id::GetJournalRunErrorsByJournalRunId),
        Route {
            body: Some(schema::<wire::journal_runs::Change>),
            ..Route::new(
                id::PatchJournalRunByJournalRunId,
                Shape::Single(schema::<wire::journal_runs::JournalRun>),
                patch_journal_run,
            )
        },
        Route::paged::<
            records::journal_runs::ExportAuditRecordPage,
            wire::journal_exports::ExportAuditRecord,
        >(id::GetJournalRunExportAuditTrailByJournalRunId),
        connector_runs::send(),
        connector_runs::download(),
        Route {
            versions: &["2018-12-31"],
            ..Route::paged::<records::employees::EmployeePage, wire::employees::Employee>(
                id::GetEmployeesByEmployerId,
            )
        },
        Route::single::<Option<String>, wire::employees::CitizenServiceNumber>(
            id::GetCitizenServiceNumberByEmployeeId,
        ),
        Route {
            versions: &["2019-12-16"],
            ..Route::paged::<records::employments::EmploymentPage, wire::employments::Employment>(
                id::GetEmploymentsByEmployerId,
            )
        },
        Route::single::<
            records::trade_register::CompanyInformation,
            wire::trade_register::CompanyInformation,
        >(id::GetCompanyInformationByChamberOfCommerceNumber),
        insurance::contracts(),
        insurance::percentages(),
        Route {
            query_id: Some(wire::vehicles::LICENSE_PLATE_NUMBER),
            ..Route::single::<
                records::vehicles::AdditionalTaxLiability,
                wire::vehicles::AdditionalTaxLiability,
            >(id::GetAdditionalTaxliabilityByLicensePlateNumber)
        },
        authorizations::of_the_application(),
        authorizations::of_the_user(),
        modules::of_an_employer(),
        modules::change(),
        messages::of_an_employer(),
        messages::one(),
        messages::content_of_one(),
        messages::denials_of_an_employer(),
        messages::of_the_user(),
        messages::denials_of_the_user(),
        figures::of_the_user(),
        connectors::of_the_user(),
        explanations::of_an_employer(),
        state::of_the_platform(),
        state::of_the_ledger(),
    ];
    routes.extend(declarations::routes());
    routes.extend(kept_runs::routes());
    routes.sort_by_key(|route| route.activity);
    routes
}

fn patch_journal_run(call: Call) -> Handled {
    Box::pin(async move {
        let change = call.json::<wire::journal_runs::Change>();
        let arguments = change.map(|change| (call.id.clone(), JournalRunChange::from(change)));
        let run: records::journal_runs::JournalRun = call.perform(arguments).await?;
        single(&call, wire::journal_runs::JournalRun::from(run))
    })
}
