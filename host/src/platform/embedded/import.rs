//! Import of JSON in the shapes of Loket's REST API v2.
//!
//! The file is one object, keyed by `operationId`. A value is a reply of that
//! operation (`{"_embedded": […]}` or `{"content": {…}}`), a list of replies,
//! each with the `parameters` of its request (for example
//! `{"parameters": {"journalrunId": "…"}, "_embedded": […]}`), or an entry of
//! an API description (`{"responses": {"200": {"application/json…": reply}}}`).
//!
//! The parent of a list comes from its parameters (`employerId`,
//! `payrollAdministrationId`, `payrollrunId`, `journalrunId`, `employeeId`);
//! without them it must be the only one in the file. A company is told by the
//! parameter `chamberOfCommerceNumber`. An insurance contract names its employer
//! itself; its percentages have the parameter `achmeaInsuranceContractId`. Without any payroll administration, the
//! only employer of the file gets one of its own name. A payroll run without
//! the dates of its period is taken to be a calendar month.
//!
//! Operations that koppel keeps no data of are counted and left alone.

mod apply;
mod companies;
mod insurance;
mod node;

use super::Embedded;
use node::Node;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many items of each kind were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImportSummary {
    /// Employers.
    pub employers: usize,
    /// Payroll administrations.
    pub payroll_administrations: usize,
    /// Employees.
    pub employees: usize,
    /// Employments.
    pub employments: usize,
    /// Payroll runs.
    pub payroll_runs: usize,
    /// Results of payroll runs.
    pub payroll_run_results: usize,
    /// Journal runs.
    pub journal_runs: usize,
    /// Lines of journal runs.
    pub journal_lines: usize,
    /// Errors of journal runs.
    pub journal_run_errors: usize,
    /// Company cars.
    pub vehicles: usize,
    /// Companies in the trade register.
    pub companies: usize,
    /// Absence insurance contracts.
    pub insurance_contracts: usize,
    /// Percentages of insurance contracts.
    pub insured_wage_percentages: usize,
    /// Operations in the file that koppel keeps no data of.
    pub ignored_operations: usize,
}

/// Why nothing was imported.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file is not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// A value is not right.
    #[error("{path}: {problem}")]
    Value {
        /// Where, as a JSON path.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The database refused.
    #[error("the payroll data cannot be written: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for ImportError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<String> for ImportError {
    fn from(error: String) -> Self {
        Self::Database(error)
    }
}

impl Embedded {
    /// Imports a file for the employers of a provider. Everything is written,
    /// or, after an error, nothing. Items that exist are replaced.
    ///
    /// # Errors
    ///
    /// See [`ImportError`].
    pub async fn import_json(
        &self,
        json: &[u8],
        provider: Uuid,
    ) -> Result<ImportSummary, ImportError> {
        let file: Value =
            serde_json::from_slice(json).map_err(|error| ImportError::Json(error.to_string()))?;
        self.with(move |connection| {
            let transaction = connection.transaction()?;
            let summary = apply::apply(&transaction, &file, provider)?;
            transaction.commit()?;
            Ok(summary)
        })
        .await
    }
}

/// One reply with the parameters of its request.
struct Reply<'a> {
    parameters: BTreeMap<&'a str, &'a str>,
    items: Vec<Node<'a>>,
    path: String,
    /// Whether it is the example of an API description.
    described: bool,
}

/// The replies of an operation in the file.
fn replies<'a>(file: &'a Value, operation: &str) -> Result<Vec<Reply<'a>>, ImportError> {
    let Some(value) = file.get(operation) else {
        return Ok(Vec::new());
    };
    let path = format!("$.{operation}");
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| reply(value, format!("{path}[{index}]")))
            .collect(),
        described if described.get("responses").is_some() => {
            let ok = described.pointer("/responses/200");
            let media = ok.and_then(Value::as_object).into_iter().flatten();
            media
                .filter(|(media, _)| media.starts_with("application/json"))
                .take(1)
                .map(|(media, value)| {
                    let path = format!("{path}.responses.200[{media:?}]");
                    Ok(Reply {
                        described: true,
                        ..reply(value, path)?
                    })
                })
                .collect()
        }
        value => Ok(vec![reply(value, path)?]),
    }
}

fn reply(value: &Value, path: String) -> Result<Reply<'_>, ImportError> {
    let parameters = value
        .get("parameters")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    let items = match (value.get("_embedded"), value.get("content")) {
        (Some(Value::Array(items)), _) => items
            .iter()
            .enumerate()
            .map(|(index, value)| Node::new(format!("{path}._embedded[{index}]"), value))
            .collect(),
        (None, Some(content)) => vec![Node::new(format!("{path}.content"), content)],
        _ => {
            return Err(ImportError::Value {
                path,
                problem: "has neither a list \"_embedded\" nor an object \"content\"".to_owned(),
            });
        }
    };
    Ok(Reply {
        parameters,
        items,
        path,
        described: false,
    })
}
