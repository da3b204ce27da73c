//! The look-up against recorded replies of the RDW.

use koppel_sdk::ConnectorError;
use koppel_sdk::testing::MockHost;
use serde_json::json;
use vehicle_rdw::VehicleRdw;

const URL: &str = "https://opendata.rdw.nl/resource/m9d7-ebf2.json?kenteken=";

/// The columns that are used of the recorded reply for 11ZKZ3.
const ROW: &str = r#"[{"kenteken": "11ZKZ3", "voertuigsoort": "Personenauto", "merk": "SKODA",
    "handelsbenaming": "CITIGO", "datum_eerste_toelating": "20130104",
    "datum_eerste_afgifte_nederland": "20130104", "catalogusprijs": "10697",
    "wam_verzekerd": "Nee"}]"#;

#[test]
fn a_car_is_described_and_its_price_is_compared() {
    let mut host = MockHost::new();
    host.vehicle("11ZKZ3", 1_069_700);
    host.reply("GET", URL, 200, ROW);
    let answer = host.lookup::<VehicleRdw>("{}", r#"{"licensePlateNumber": "11-zkz-3"}"#);
    assert_eq!(
        answer,
        Ok(json!({
            "licensePlateNumber": "11ZKZ3",
            "vehicle": {
                "make": "SKODA",
                "tradeName": "CITIGO",
                "vehicleKind": "Personenauto",
                "dateOfFirstAdmission": "2013-01-04",
                "dateOfFirstRegistration": "2013-01-04",
                "cataloguePrice": 10697.0,
                "insured": false
            },
            "registered": {"valueForTaxPurposes": 10697.0, "matchesCataloguePrice": true}
        }))
    );
    assert_eq!(host.requests()[0].url, format!("{URL}11ZKZ3"));
}

#[test]
fn an_unknown_plate_has_no_vehicle() {
    let mut host = MockHost::new();
    host.reply("GET", URL, 200, "[]");
    assert_eq!(
        host.lookup::<VehicleRdw>("{}", r#"{"licensePlateNumber": "ZZ99ZZ"}"#),
        Ok(json!({"licensePlateNumber": "ZZ99ZZ", "vehicle": null, "registered": null}))
    );
}

#[test]
fn nothing_leaves_when_the_activity_is_denied() {
    let mut host = MockHost::new();
    host.deny("GetAdditionalTaxliabilityByLicensePlateNumber");
    let answer = host.lookup::<VehicleRdw>("{}", r#"{"licensePlateNumber": "11ZKZ3"}"#);
    assert!(
        matches!(answer, Err(ConnectorError::Denied(_))),
        "{answer:?}"
    );
    assert!(host.requests().is_empty());
}

#[test]
fn what_is_no_plate_never_leaves() {
    let mut host = MockHost::new();
    for plate in ["", "123456789", "11-ZKZ-3x", "../../", "é1ZKZ"] {
        let query = json!({"licensePlateNumber": plate}).to_string();
        assert_eq!(
            host.lookup::<VehicleRdw>("{}", &query),
            Err(ConnectorError::InvalidInput(
                "licensePlateNumber must have six letters or digits".to_owned()
            ))
        );
    }
    assert!(host.requests().is_empty());
}

#[test]
fn a_rate_limit_says_when_to_come_back() {
    let mut host = MockHost::new();
    host.reply_with("GET", URL, 429, &[("Retry-After", "7")], "");
    assert_eq!(
        host.lookup::<VehicleRdw>("{}", r#"{"licensePlateNumber": "11ZKZ3"}"#),
        Err(ConnectorError::Unavailable(Some(7)))
    );
}
