//! Companies in the trade register.

use super::*;
use crate::platform::TradeRegister;

const COMPANIES: &str = "GetCompanyInformationByChamberOfCommerceNumber";

fn company(number: &str) -> Json {
    json!({"parameters": {"chamberOfCommerceNumber": number}, "content": {
        "name": "Bedrijf B.V.", "website": "www.voorbeeldbv.nl",
        "legalForm": {"key": 1, "value": "B.V."},
        "sbi": {"key": 12, "sbiCode": "0116", "value": "Teelt van vezelgewassen"},
        "address": {
            "street": "Voordijk", "houseNumber": 12, "houseNumberAddition": "D",
            "postalCode": "1234AA", "city": "Leiden", "country": {"key": 1, "isoCode": "NL"},
        },
        "deviatingPostalAddress": {"poBox": 5000, "postalCode": "1234 AA", "city": "Leiden"},
    }})
}

#[tokio::test]
async fn a_company_is_imported_whole_and_replaced_whole() {
    let data = Data::empty();
    let provider = seed::provider_id(1);
    let file = json!({COMPANIES: [company("18124676"), company("00000001")]});
    let json = serde_json::to_vec(&file).unwrap();
    let summary = data.embedded.import_json(&json, provider).await.unwrap();
    assert_eq!((summary.companies, summary.ignored_operations), (2, 0));
    let held = data.embedded.company_information("18124676").await.unwrap();
    assert_eq!(held.chamber_of_commerce_number, "18124676");
    assert_eq!(held.name, "Bedrijf B.V.");
    assert_eq!(held.legal_form.unwrap().value, "B.V.");
    let sbi = held.sbi.unwrap();
    assert_eq!((sbi.key, sbi.sbi_code.as_str()), (12, "0116"));
    let address = held.address.unwrap();
    assert_eq!(address.house_number, Some(12));
    assert_eq!(address.house_number_addition.as_deref(), Some("D"));
    assert_eq!(address.country.as_deref(), Some("NL"));
    let postal = held.deviating_postal_address.unwrap();
    assert_eq!(postal.po_box, Some(5000));
    assert_eq!(postal.postal_code.as_deref(), Some("1234AA"));
    assert_eq!(held.website.as_deref(), Some("www.voorbeeldbv.nl"));

    let before = data.dump();
    data.embedded.import_json(&json, provider).await.unwrap();
    assert_eq!(data.dump(), before);
    let bare = json!({COMPANIES: {
        "parameters": {"chamberOfCommerceNumber": "18124676"}, "content": {"name": "Anders"},
    }});
    let json = serde_json::to_vec(&bare).unwrap();
    data.embedded.import_json(&json, provider).await.unwrap();
    let held = data.embedded.company_information("18124676").await.unwrap();
    assert_eq!(held.name, "Anders");
    assert_eq!(
        (held.legal_form, held.sbi, held.website),
        (None, None, None)
    );
    assert_eq!((held.address, held.deviating_postal_address), (None, None));
}

#[tokio::test]
async fn a_company_without_its_number_or_with_what_is_wrong_is_refused() {
    let data = Data::seeded().await;
    let number = format!(
        "$.{COMPANIES}: add \"parameters\": {{\"chamberOfCommerceNumber\": \"…\"}} with the eight digits of the company"
    );
    for (place, value, error) in [
        ("/parameters", json!({}), number.clone()),
        (
            "/parameters/chamberOfCommerceNumber",
            json!("1812467"),
            number.clone(),
        ),
        (
            "/parameters/chamberOfCommerceNumber",
            json!("181246760"),
            number,
        ),
        (
            "/content/name",
            Json::Null,
            format!("$.{COMPANIES}.content.name: is missing"),
        ),
        (
            "/content/sbi/sbiCode",
            json!(116),
            format!("$.{COMPANIES}.content.sbi.sbiCode: 116 is not a text"),
        ),
        (
            "/content/address/houseNumber",
            json!("12D"),
            format!(
                "$.{COMPANIES}.content.address.houseNumber: \"12D\" is not a whole number of 0 or more"
            ),
        ),
    ] {
        let mut reply = company("18124676");
        *reply.pointer_mut(place).unwrap() = value;
        assert_eq!(refused(&data, &json!({COMPANIES: reply})).await, error);
    }
}
