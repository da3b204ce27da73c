//! Employees, their citizen service numbers and their employments.

use super::*;
use crate::bindings::koppel::loket::employees::Gender;
use crate::platform::{Employees, Employments};

const EMPLOYEE: Uuid = Uuid::from_u128(0x91);
const EMPLOYEES: &str = "GetEmployeesByEmployerId";
const NUMBERS: &str = "GetCitizenServiceNumberByEmployeeId";
const EMPLOYMENTS: &str = "GetEmploymentsByEmployerId";

/// A file with one employee, in an employment of their employer.
fn people() -> Json {
    let mut file = file();
    file[EMPLOYEES] = json!({"_embedded": [{
        "id": EMPLOYEE, "employeeNumber": 156,
        "personalDetails": {
            "initials": "S.L.", "prefix": "van", "lastName": "Bergen",
            "dateOfBirth": "1980-05-17T00:00:00Z", "gender": {"key": 2, "value": "female"},
        },
        "address": {
            "street": "Voordijk", "houseNumber": 12, "houseNumberAddition": "D",
            "postalCode": "1234 AA", "city": "Leiden", "country": {"key": 1, "isoCode": "NL"},
        },
    }]});
    file[NUMBERS] = json!({"content": {"citizenServiceNumber": "999990019"}});
    file[EMPLOYMENTS] = json!({"_embedded": [{
        "id": EMPLOYMENT, "employeeId": EMPLOYEE, "payrollAdministrationId": ADMINISTRATION,
        "payrollEmployeeNumber": 7, "incomeRelationshipNumber": 1, "startDate": "2015-01-01",
        "incomePeriod": {
            "incomeRelationshipType": "15", "employmentNature": 1, "wageTaxTable": "012",
            "wageTaxCredit": true, "insuredWao": true, "insuredWw": true,
            "healthcareInsurance": "K", "written": true,
        },
    }]});
    file
}

#[tokio::test]
async fn people_are_imported_and_importing_again_changes_nothing() {
    let data = Data::empty();
    let json = serde_json::to_vec(&people()).unwrap();
    let provider = seed::provider_id(1);
    let summary = data.embedded.import_json(&json, provider).await.unwrap();
    assert_eq!((summary.employees, summary.employments), (1, 1));
    let employees = data.embedded.employees(EMPLOYER, &all()).await.unwrap();
    let employee = &employees.items[0];
    assert_eq!(
        (
            employee.employee_number,
            employee.last_name.as_str(),
            employee.gender
        ),
        (156, "Bergen", Gender::Female)
    );
    assert_eq!(employee.date_of_birth.as_deref(), Some("1980-05-17"));
    let address = employee.address.as_ref().unwrap();
    assert_eq!(
        (
            address.house_number_addition.as_deref(),
            address.country.as_deref()
        ),
        (Some("D"), Some("NL"))
    );
    assert_eq!(
        data.embedded.citizen_service_number(EMPLOYEE).await,
        Ok(Some("999990019".to_owned()))
    );
    let employments = data.embedded.employments(EMPLOYER, &all()).await.unwrap();
    let employment = &employments.items[0];
    assert_eq!(employment.id, EMPLOYMENT.to_string());
    assert_eq!(employment.employee_id, EMPLOYEE.to_string());
    assert_eq!(employment.end_date, None);
    let period = employment.income_period.as_ref().unwrap();
    assert_eq!(
        (
            period.insured_wao,
            period.insured_zw,
            period.written,
            period.on_call
        ),
        (true, false, Some(true), None)
    );
    let before = data.dump();
    data.embedded.import_json(&json, provider).await.unwrap();
    assert_eq!(data.dump(), before);
}

#[tokio::test]
async fn what_is_wrong_with_people_is_named_without_their_numbers() {
    let data = Data::seeded().await;
    let cases: [(&str, Json, String); 7] = [
        (
            "/GetCitizenServiceNumberByEmployeeId/content/citizenServiceNumber",
            json!("99999001"),
            format!("$.{NUMBERS}.content.citizenServiceNumber: is not nine digits"),
        ),
        (
            "/GetCitizenServiceNumberByEmployeeId",
            json!({"parameters": {"employeeId": EMPLOYER}, "content": {"citizenServiceNumber": "999990019"}}),
            format!("$.{NUMBERS}: there is no employee {EMPLOYER}"),
        ),
        (
            "/GetEmployeesByEmployerId/_embedded/0/personalDetails/lastName",
            Json::Null,
            format!("$.{EMPLOYEES}._embedded[0].personalDetails.lastName: is missing"),
        ),
        (
            "/GetEmployeesByEmployerId/_embedded/0/personalDetails/dateOfBirth",
            json!("1980-13-01"),
            format!(
                "$.{EMPLOYEES}._embedded[0].personalDetails.dateOfBirth: \"1980-13-01\" is not a date"
            ),
        ),
        (
            "/GetEmploymentsByEmployerId/_embedded/0/incomePeriod/wageTaxCredit",
            json!("ja"),
            format!(
                "$.{EMPLOYMENTS}._embedded[0].incomePeriod.wageTaxCredit: \"ja\" is not true or false"
            ),
        ),
        (
            "/GetEmploymentsByEmployerId/_embedded/0/employeeId",
            json!(ERROR),
            format!("$.{EMPLOYMENTS}: there is no employee {ERROR}"),
        ),
        (
            "/GetEmployeesByEmployerId/_embedded/0/id",
            json!(seed::employee_id(1, 1)),
            format!(
                "$.{EMPLOYEES}._embedded[0]: employee {} belongs to another employer",
                seed::employee_id(1, 1)
            ),
        ),
    ];
    for (place, value, error) in cases {
        let mut file = people();
        *file.pointer_mut(place).unwrap() = value;
        assert_eq!(refused(&data, &file).await, error);
    }
}

#[tokio::test]
async fn an_employment_stays_with_its_employee_and_a_number_with_one_employee() {
    let data = Data::seeded().await;
    let mut file = people();
    file[EMPLOYMENTS]["_embedded"][0]["id"] = json!(seed::employment_id(1, 1));
    assert_eq!(
        refused(&data, &file).await,
        format!(
            "$.{EMPLOYMENTS}._embedded[0]: employment {} belongs to another employee or payroll administration",
            seed::employment_id(1, 1)
        )
    );
    let mut file = people();
    let mut twin = file[EMPLOYEES]["_embedded"][0].clone();
    twin["id"] = json!(ERROR);
    file[EMPLOYEES]["_embedded"]
        .as_array_mut()
        .unwrap()
        .push(twin);
    assert_eq!(
        refused(&data, &file).await,
        format!("$.{EMPLOYEES}._embedded[1]: employee {ERROR} has the number of another one")
    );
}
