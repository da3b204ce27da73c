//! Payroll runs (verloningen) and their results:
//! `GetPayrollRunsByPayrollAdministrationId`, `GetPayrollRunByPayrollRunId`,
//! `GetPayrollRunResultsByPayrollRunId`.

use super::shared::{Amount, Id, KeyValue, Moment, Period};
use crate::bindings::koppel::loket::payroll_runs as record;
use crate::bindings::koppel::loket::types::PayrollPeriod;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A payroll run. The payroll administration is in the path of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayrollRun {
    /// Its identifier.
    pub id: Id,
    /// The period that is paid.
    pub payroll_period: Period,
    /// The status.
    pub payroll_run_status: KeyValue,
    /// The number of the run within the period.
    pub sequence_number: u32,
    /// When it was approved.
    pub approval_time: Option<Moment>,
}

impl PayrollRun {
    /// The record, of this payroll administration.
    pub fn into_record(self, payroll_administration_id: String) -> record::PayrollRun {
        record::PayrollRun {
            id: self.id.0,
            payroll_administration_id,
            payroll_period: self.payroll_period.into(),
            status: self.payroll_run_status.into(),
            sequence_number: self.sequence_number,
            approval_time: self.approval_time.map(|time| time.0),
        }
    }
}

impl From<record::PayrollRun> for PayrollRun {
    fn from(run: record::PayrollRun) -> Self {
        Self {
            id: Id(run.id),
            payroll_period: run.payroll_period.into(),
            payroll_run_status: run.status.into(),
            sequence_number: run.sequence_number,
            approval_time: run.approval_time.map(Moment),
        }
    }
}

/// The results of an employment in a payroll run: one item of Loket's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmploymentResults {
    /// The employment (dienstverband).
    pub employment_id: Id,
    /// By period: that of the run, and those that it corrects.
    pub payroll_periods: Vec<PeriodResults>,
}

/// The results of an employment over a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeriodResults {
    /// The period.
    #[serde(default)]
    pub payroll_period: Option<Period>,
    /// By type of payslip.
    pub payslip_types: Vec<PayslipResults>,
}

/// The results on a payslip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayslipResults {
    /// The type of payslip.
    #[serde(default)]
    pub payslip_type: Option<KeyValue>,
    /// By payroll component.
    pub payroll_component_results: Vec<ComponentResult>,
}

/// The result of a payroll component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentResult {
    /// The component.
    pub payroll_component: Component,
    /// The result in euros or hours.
    pub value: Amount,
}

/// A payroll component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// The key.
    pub key: u32,
    /// What it is called.
    pub value: String,
    /// The column of the payslip that it counts in.
    pub column: KeyValue,
}

/// The results of one employment after the other, as a flat list.
pub fn flatten(items: Vec<EmploymentResults>) -> Vec<record::PayrollRunResult> {
    let mut results = Vec::new();
    for item in items {
        let periods = item.payroll_periods.into_iter();
        let payslips = periods.flat_map(|period| period.payslip_types);
        for result in payslips.flat_map(|payslip| payslip.payroll_component_results) {
            results.push(record::PayrollRunResult {
                employment_id: item.employment_id.0.clone(),
                payroll_component: crate::bindings::koppel::loket::types::KeyValue {
                    key: result.payroll_component.key,
                    value: result.payroll_component.value,
                },
                column: result.payroll_component.column.into(),
                value: result.value.0,
            });
        }
    }
    results
}

/// Results, each employment's together, as Loket nests them: all in the period
/// of the run and on a normal payslip.
pub fn nest(
    results: Vec<record::PayrollRunResult>,
    period: &PayrollPeriod,
) -> Vec<EmploymentResults> {
    let mut items: Vec<(String, Vec<ComponentResult>)> = Vec::new();
    for result in results {
        let component = ComponentResult {
            payroll_component: Component {
                key: result.payroll_component.key,
                value: result.payroll_component.value,
                column: result.column.into(),
            },
            value: Amount(result.value),
        };
        match items.last_mut() {
            Some((employment, components)) if *employment == result.employment_id => {
                components.push(component);
            }
            _ => items.push((result.employment_id, vec![component])),
        }
    }
    items
        .into_iter()
        .map(|(employment, components)| EmploymentResults {
            employment_id: Id(employment),
            payroll_periods: vec![PeriodResults {
                payroll_period: Some(period.clone().into()),
                payslip_types: vec![PayslipResults {
                    payslip_type: Some(KeyValue {
                        key: 1,
                        value: "Normaal strook".to_owned(),
                    }),
                    payroll_component_results: components,
                }],
            }],
        })
        .collect()
}
