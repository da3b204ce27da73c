//! Import.

use super::*;
use serde_json::{Value as Json, json};

mod amounts;
mod companies;
mod errors;
mod fields;
mod insurance;
mod parents;
mod people;
mod replies;

const EMPLOYER: Uuid = Uuid::from_u128(0xe1);
const ADMINISTRATION: Uuid = Uuid::from_u128(0xa1);
const PAYROLL_RUN: Uuid = Uuid::from_u128(0xc1);
const JOURNAL_RUN: Uuid = Uuid::from_u128(0xd1);
const EMPLOYMENT: Uuid = Uuid::from_u128(0xf1);
const ERROR: Uuid = Uuid::from_u128(0xb1);

const EMPLOYERS: &str = "GetEmployersByUserId";
const ADMINISTRATIONS: &str = "GetPayrollAdministrationsByEmployerId";
const PAYROLL_RUNS: &str = "GetPayrollRunsByPayrollAdministrationId";
const PAYROLL_RUN_RESULTS: &str = "GetPayrollRunResultsByPayrollRunId";
const JOURNAL_RUNS: &str = "GetJournalRunsByPayrollAdministrationId";
const JOURNAL_LINES: &str = "GetJournalRunResultsByJournalRunId";
const JOURNAL_RUN_ERRORS: &str = "GetJournalRunErrorsByJournalRunId";
const VEHICLES: &str = "GetAdditionalTaxliabilityByLicensePlateNumber";

/// A file with everything that is imported, once, without parameters.
fn file() -> Json {
    let period = json!({
        "year": 2025, "periodNumber": 3,
        "periodStartDate": "2025-03-03T00:00:00Z", "periodEndDate": "2025-03-30",
    });
    json!({
        "GetEmployersByUserId": {"_embedded": [{
            "id": EMPLOYER, "employerNumber": 20720, "companyName": "Voorbeeld B.V.",
            "chamberOfCommerceNumber": "18124676",
            "address": {
                "street": "Voordijk", "houseNumber": 12, "postalCode": "1234AA",
                "city": "Leiden", "country": {"key": 1, "isoCode": "NL", "value": "Netherlands"},
            },
        }]},
        "GetPayrollAdministrationsByEmployerId": {"_embedded": [{
            "id": ADMINISTRATION, "name": "Maandloon", "payrollTaxNumber": "000000012L01",
        }]},
        "GetPayrollRunsByPayrollAdministrationId": {"_embedded": [{
            "id": PAYROLL_RUN, "payrollPeriod": {"year": 2024, "periodNumber": 2},
            "payrollRunStatus": {"key": 9, "value": "Verloning goedgekeurd."},
            "sequenceNumber": 1, "approvalTime": "2024-02-27T10:53:59+01:00",
        }]},
        "GetPayrollRunResultsByPayrollRunId": {"_embedded": [{
            "employmentId": EMPLOYMENT,
            "payrollPeriods": [{"payslipTypes": [{"payrollComponentResults": [
                {
                    "payrollComponent": {
                        "key": 1, "value": "Brutoloon", "column": {"key": 5, "value": "Tabelloon"},
                    },
                    "value": 3210.45,
                },
                {
                    "payrollComponent": {
                        "key": 50, "description": "Loonheffing",
                        "column": {"key": 9, "value": "Inhoudingen"},
                    },
                    "value": -0.1,
                },
            ]}]}],
        }]},
        "GetJournalRunsByPayrollAdministrationId": {"_embedded": [{
            "id": JOURNAL_RUN, "journalRunStatus": {"key": 4, "value": "Journaal gereed"},
            "payrollRun": {"payrollRunId": PAYROLL_RUN, "payrollPeriod": period},
            "processingFinishedTime": "2025-03-31T09:30:00Z", "sequenceNumber": 8,
        }]},
        "GetJournalRunResultsByJournalRunId": {"_embedded": [
            {
                "generalLedgerAccount": {"key": 4, "code": "4002020", "description": "Cars"},
                "costCenter": {"key": 2, "code": "SAL073", "description": "Sales Den Bosch"},
                "costUnit": {"key": 2, "code": "01", "description": "Cars"},
                "payrollComponent": {"key": 286, "description": "KINDEROPV.BEL"},
                "debetAmount": 500.87, "creditAmount": 0,
            },
            {
                "generalLedgerAccount": {"key": 5, "code": "1700", "description": "Netto lonen"},
                "costCenter": null,
                "payrollComponent": {"key": 99, "value": "Nettoloon"},
                "debetAmount": 0.00, "creditAmount": 500.870,
            },
        ]},
        "GetJournalRunErrorsByJournalRunId": {"_embedded": [{
            "id": ERROR, "PayrollEmployeeNumber": 202,
            "generalLedgerAccount": {"key": 4, "code": "4002020", "description": "Cars"},
            "payrollComponent": {"key": 286, "description": "KINDEROPV.BEL"},
            "error": {"key": 4, "value": "Geen verdeling gevonden"},
        }]},
        "GetAdditionalTaxliabilityByLicensePlateNumber": {"content": {
            "licensePlateNumber": "GP586D",
            "additionalTaxLiabilityGroup": {"key": 1, "value": "Standaard tarief"},
            "dateOfFirstAdmission": "2020-06-15T00:00:00Z", "valueForTaxPurposes": 20000,
        }},
    })
}

impl Data {
    /// Imports a file for provider 1 of the demonstration data.
    async fn import(&self, file: &Json) -> Result<ImportSummary, ImportError> {
        let json = file.to_string();
        self.embedded
            .import_json(json.as_bytes(), seed::provider_id(1))
            .await
    }
}

/// One of each sort of item, as [`file`] has.
fn one_of_each() -> ImportSummary {
    ImportSummary {
        employers: 1,
        payroll_administrations: 1,
        payroll_runs: 1,
        payroll_run_results: 2,
        journal_runs: 1,
        journal_lines: 2,
        journal_run_errors: 1,
        vehicles: 1,
        ..ImportSummary::default()
    }
}

/// The file with another value at a place such as `a.b[0].c`.
fn with(place: &str, value: Json) -> Json {
    let mut file = file();
    let pointer = place.replace(['.', '['], "/").replace(']', "");
    match file.pointer_mut(&format!("/{pointer}")) {
        Some(found) => *found = value,
        None => panic!("there is no {place}"),
    }
    file
}

/// Imports a file that must be refused, and checks that nothing was written.
async fn refused(data: &Data, file: &Json) -> String {
    let before = data.dump();
    let error = data.import(file).await.unwrap_err();
    assert_eq!(data.dump(), before, "{error}");
    error.to_string()
}
