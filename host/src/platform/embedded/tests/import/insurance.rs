//! Insurance contracts and their percentages.

use super::*;
use crate::platform::Insurance;

const CONTRACT: Uuid = Uuid::from_u128(0x1c1);
const PERCENTAGE: Uuid = Uuid::from_u128(0x1d1);

fn with_insurance() -> Json {
    let mut file = file();
    file["GetAchmeaInsuranceContractsByUserId"] = json!({"_embedded": [{
        "id": CONTRACT, "contractNumber": "0015697843", "belongsToEmployerId": EMPLOYER,
        "startDate": "2025-01-01T00:00:00Z", "endDate": null,
    }]});
    file["GetWagePercentagesByAchmeaInsuranceContractId"] = json!({"_embedded": [{
        "id": PERCENTAGE, "startDate": "2025-01-01", "endDate": "2025-12-31",
        "holidayAllowancePercentage": 8, "yearEndPercentage": 8.33,
    }]});
    file
}

#[tokio::test]
async fn a_contract_and_its_percentages_are_imported_and_again_give_the_same() {
    let data = Data::empty();
    let summary = data.import(&with_insurance()).await.unwrap();
    assert_eq!(
        (
            summary.insurance_contracts,
            summary.insured_wage_percentages
        ),
        (1, 1)
    );
    let before = data.dump();
    data.import(&with_insurance()).await.unwrap();
    assert_eq!(data.dump(), before);
    let contracts = data
        .embedded
        .achmea_insurance_contracts(EMPLOYER, &all())
        .await
        .unwrap();
    assert_eq!(contracts.items[0].contract_number, "0015697843");
    assert_eq!(contracts.items[0].end_date, None);
    let percentages = data
        .embedded
        .insured_wage_percentages(CONTRACT, &all())
        .await
        .unwrap();
    let percentage = &percentages.items[0];
    assert_eq!(
        (
            percentage.holiday_allowance_percentage,
            percentage.year_end_percentage
        ),
        (800, 833)
    );
    assert_eq!(percentage.end_date.as_deref(), Some("2025-12-31"));
}

#[tokio::test]
async fn a_contract_of_an_employer_that_is_not_there_is_refused() {
    let data = Data::empty();
    let mut file = with_insurance();
    let other = Uuid::from_u128(0xe9);
    file["GetAchmeaInsuranceContractsByUserId"]["_embedded"][0]["belongsToEmployerId"] =
        json!(other);
    assert_eq!(
        data.import(&file).await.unwrap_err().to_string(),
        format!(
            "$.GetAchmeaInsuranceContractsByUserId._embedded[0].belongsToEmployerId: there is no employer {other} of this provider"
        )
    );
    assert_eq!(data.number("SELECT count(*) FROM employer"), 0);
}

#[tokio::test]
async fn a_percentage_is_0_to_100_with_two_decimals() {
    let data = Data::empty();
    for (value, why) in [
        (json!(100.01), "must be 0 to 100 percent"),
        (json!(-1), "must be 0 to 100 percent"),
        (json!(8.333), "8.333 has more than two decimals"),
    ] {
        let mut file = with_insurance();
        let place = "GetWagePercentagesByAchmeaInsuranceContractId";
        file[place]["_embedded"][0]["yearEndPercentage"] = value;
        assert_eq!(
            data.import(&file).await.unwrap_err().to_string(),
            format!("$.{place}._embedded[0].yearEndPercentage: {why}")
        );
    }
}
