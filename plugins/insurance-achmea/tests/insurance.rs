//! The insurer as the contract in the crate describes it.

use insurance_achmea::InsuranceAchmea;
use koppel_sdk::testing::MockHost;
use koppel_sdk::{ConnectorError, Quotation};
use serde_json::{Value, json};

const SETTINGS: &str = r#"{"base-url": "https://insurer.example"}"#;
const ORDER: &str = "0190b8c1-2d3e-7f40-8a51-62b3c4d5e6f7";
const QUOTES: &str = "https://insurer.example/v1/absence-insurance/quotes";
const CONTRACTS: &str = "https://insurer.example/v1/absence-insurance/contracts";

fn request() -> Value {
    json!({"numberOfEmployees": 14, "baseWageSumCents": 60_000_001, "sectorCode": "10.71", "startDate": "2026-01-01"})
}

fn quoted(host: &mut MockHost, request: &Value) -> Result<Quotation, ConnectorError> {
    let reply =
        r#"{"quoteId": "A-1", "yearlyPremiumCents": 1895000, "expires": "2026-02-01T00:00:00Z"}"#;
    host.reply("POST", QUOTES, 200, reply);
    host.quote::<InsuranceAchmea>(SETTINGS, &request.to_string())
}

fn sent(host: &MockHost) -> Value {
    serde_json::from_slice(&host.requests()[0].body).unwrap()
}

#[test]
fn the_insured_wage_is_made_with_the_percentages_of_the_contract_there_is() {
    let mut host = MockHost::new();
    host.insurance_contract("0015697843", 800, 250);
    let quotation = quoted(&mut host, &request()).unwrap();
    // 60,000,001 × 1.105 = 66,300,001.105
    assert_eq!(
        sent(&host),
        json!({"numberOfEmployees": 14, "insuredWageSumCents": 66_300_001, "sectorCode": "10.71", "startDate": "2026-01-01"})
    );
    assert_eq!(
        (quotation.reference.as_str(), quotation.amount),
        ("A-1", 1_895_000)
    );
    let details: Value = serde_json::from_str(&quotation.details).unwrap();
    assert_eq!(details["presentContract"], "0015697843");
}

#[test]
fn without_a_contract_the_statutory_holiday_allowance_is_insured() {
    let mut host = MockHost::new();
    quoted(&mut host, &request()).unwrap();
    assert_eq!(sent(&host)["insuredWageSumCents"], 64_800_001);
    // The contract began in 2025, so it says nothing of 2024.
    let mut host = MockHost::new();
    host.insurance_contract("0015697843", 800, 250);
    let mut earlier = request();
    earlier["startDate"] = json!("2024-06-01");
    quoted(&mut host, &earlier).unwrap();
    assert_eq!(sent(&host)["insuredWageSumCents"], 64_800_001);
}

#[test]
fn the_wage_of_one_person_is_never_sent() {
    let mut host = MockHost::new();
    for number in [0, 1] {
        let mut one = request();
        one["numberOfEmployees"] = json!(number);
        assert_eq!(
            quoted(&mut host, &one),
            Err(ConnectorError::Refused("with fewer than two employees the wage sum would be the wage of one person, which is not sent".to_owned()))
        );
    }
    assert!(host.requests().is_empty());
}

#[test]
fn what_is_not_right_is_named_and_nothing_leaves() {
    let mut host = MockHost::new();
    for (field, value, error) in [
        (
            "baseWageSumCents",
            json!(0),
            "baseWageSumCents must be more than 0",
        ),
        (
            "baseWageSumCents",
            json!(i64::MAX),
            "baseWageSumCents is more than an amount can be",
        ),
        (
            "sectorCode",
            json!("Jansen"),
            "sectorCode must be one to ten digits and dots",
        ),
        (
            "startDate",
            json!("1-1-2026"),
            "startDate must be a date such as 2026-01-31",
        ),
    ] {
        let mut wrong = request();
        wrong[field] = value;
        assert_eq!(
            quoted(&mut host, &wrong),
            Err(ConnectorError::InvalidInput(error.to_owned()))
        );
    }
    assert!(host.requests().is_empty());
}

#[test]
fn nothing_leaves_when_the_contracts_may_not_be_read() {
    let mut host = MockHost::new();
    host.deny("GetAchmeaInsuranceContractsByUserId");
    let answer = quoted(&mut host, &request());
    assert!(
        matches!(answer, Err(ConnectorError::Denied(_))),
        "{answer:?}"
    );
    assert!(host.requests().is_empty());
}

#[test]
fn a_contract_is_concluded_once_under_its_order_id() {
    let mut host = MockHost::new();
    let reply = r#"{"contractNumber": "0015700001", "yearlyPremiumCents": 1895000}"#;
    for status in [201, 200] {
        host.reply("POST", CONTRACTS, status, reply);
    }
    let order = json!({"quoteId": "A-1", "startDate": "2026-01-01"}).to_string();
    let mut place = || {
        host.order::<InsuranceAchmea>(SETTINGS, ORDER, &order)
            .unwrap()
    };
    let (first, second) = (place(), place());
    assert_eq!(first.reference, "0015700001");
    assert_eq!((first.repeated, second.repeated), (false, true));
    let request = &host.requests()[0];
    assert!(
        request
            .headers
            .contains(&("idempotency-key".to_owned(), ORDER.to_owned()))
    );
}

#[test]
fn the_insurer_may_refuse_to_let_a_contract_go() {
    let mut host = MockHost::new();
    let url = format!("{CONTRACTS}/{ORDER}/cancel");
    host.reply("POST", &url, 409, r#"{"message": "it began already"}"#);
    assert_eq!(
        host.cancel::<InsuranceAchmea>(SETTINGS, ORDER)
            .map(|c| c.reference),
        Err(ConnectorError::Refused(
            "the insurer says: it began already".to_owned()
        ))
    );
    host.reply("POST", &url, 200, r#"{"contractNumber": "0015700001"}"#);
    let cancelled = host.cancel::<InsuranceAchmea>(SETTINGS, ORDER).unwrap();
    assert_eq!(cancelled.reference, "0015700001");
}
