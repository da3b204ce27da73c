//! Who was paid what in a period: what connectors that report wages begin
//! with.

use crate::types::{Employee, Employment, PayrollPeriod};
use crate::{Cents, ConnectorError, activities};
use std::collections::BTreeMap;

/// Loket's status of a payroll run that was approved (Verloning goedgekeurd).
pub const APPROVED: u32 = 9;

/// One employment in a period.
#[derive(Clone, Debug)]
pub struct Paid {
    /// The employee.
    pub employee: Employee,
    /// The employment.
    pub employment: Employment,
    /// The citizen service number (BSN), unchecked; none when it is not known.
    pub citizen_service_number: Option<String>,
    /// The results, by the key of the payroll component. Those of several
    /// payroll runs of the period are added up.
    pub results: BTreeMap<u32, Cents>,
}

impl Paid {
    /// The sum of the results of these components.
    pub fn sum(&self, components: &[u32]) -> Cents {
        components
            .iter()
            .filter_map(|component| self.results.get(component))
            .copied()
            .sum()
    }
}

/// Everyone of a payroll administration who was employed in a period, with or
/// without results, and everyone who has results in it, still employed or not;
/// by employee number and income relationship.
///
/// Performs `GetEmployeesByEmployerId`, `GetEmploymentsByEmployerId`,
/// `GetPayrollRunsByPayrollAdministrationId`,
/// `GetPayrollRunResultsByPayrollRunId` and, for each one,
/// `GetCitizenServiceNumberByEmployeeId`.
///
/// # Errors
///
/// `refused` when the period has no approved payroll run, or results of an
/// employment that the employer does not have; and what the activities say.
pub fn paid_in(
    employer_id: &str,
    payroll_administration_id: &str,
    period: &PayrollPeriod,
) -> Result<Vec<Paid>, ConnectorError> {
    let mut results = results(payroll_administration_id, period)?;
    let employees = employees(employer_id)?;
    let mut paid = Vec::new();
    let pages =
        activities::pages(|page| activities::get_employments_by_employer_id(employer_id, page));
    for page in pages {
        for employment in page? {
            if employment.payroll_administration_id != payroll_administration_id {
                continue;
            }
            // Dates in ISO 8601 sort as text.
            let employed = employment.start_date <= period.period_end_date
                && employment
                    .end_date
                    .as_ref()
                    .is_none_or(|end| *end >= period.period_start_date);
            let results = results.remove(&employment.id);
            if !employed && results.is_none() {
                continue;
            }
            let Some(employee) = employees.get(&employment.employee_id) else {
                return Err(ConnectorError::Refused(format!(
                    "employment {} has no employee",
                    employment.id
                )));
            };
            paid.push(Paid {
                citizen_service_number: activities::get_citizen_service_number_by_employee_id(
                    &employee.id,
                )?,
                employee: employee.clone(),
                employment,
                results: results.unwrap_or_default(),
            });
        }
    }
    if let Some(unknown) = results.keys().next() {
        return Err(ConnectorError::Refused(format!(
            "the payroll run has results of employment {unknown}, which the employer does not have"
        )));
    }
    paid.sort_by_key(|one| {
        (
            one.employee.employee_number,
            one.employment.income_relationship_number,
        )
    });
    Ok(paid)
}

fn employees(employer: &str) -> Result<BTreeMap<String, Employee>, ConnectorError> {
    let mut employees = BTreeMap::new();
    let pages = activities::pages(|page| activities::get_employees_by_employer_id(employer, page));
    for page in pages {
        for employee in page? {
            employees.insert(employee.id.clone(), employee);
        }
    }
    Ok(employees)
}

/// The results of the approved payroll runs of a period, by employment.
fn results(
    administration: &str,
    period: &PayrollPeriod,
) -> Result<BTreeMap<String, BTreeMap<u32, Cents>>, ConnectorError> {
    let mut all = BTreeMap::<String, BTreeMap<u32, Cents>>::new();
    let mut runs = 0;
    let pages = activities::pages(|page| {
        activities::get_payroll_runs_by_payroll_administration_id(administration, page)
    });
    for page in pages {
        for run in page? {
            let of = &run.payroll_period;
            let wanted = of.year == period.year && of.period_number == period.period_number;
            if !wanted || run.status.key != APPROVED {
                continue;
            }
            runs += 1;
            let results = activities::pages(|page| {
                activities::get_payroll_run_results_by_payroll_run_id(&run.id, page)
            });
            for page in results {
                for result in page? {
                    let of = all.entry(result.employment_id).or_default();
                    *of.entry(result.payroll_component.key).or_default() += Cents(result.value);
                }
            }
        }
    }
    if runs == 0 {
        return Err(ConnectorError::Refused(format!(
            "there is no approved payroll run of period {} of {}",
            period.period_number, period.year
        )));
    }
    Ok(all)
}
