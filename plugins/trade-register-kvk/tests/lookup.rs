//! The look-up against recorded replies of the KVK, cut to what matters.

use koppel_sdk::ConnectorError;
use koppel_sdk::testing::MockHost;
use koppel_sdk::types::{CompanyInformation, KeyValue};
use serde_json::{Value, json};
use trade_register_kvk::TradeRegisterKvk;

const PROFILE_URL: &str = "https://api.kvk.nl/api/v1/basisprofielen/";
const SEARCH_URL: &str = "https://api.kvk.nl/api/v2/zoeken?";

const PROFILE: &str = r#"{"kvkNummer": "69599084", "naam": "Test EMZ Dagobert", "sbiActiviteiten": [
    {"sbiCode": "1012", "sbiOmschrijving": "Pluimveeslachterijen", "indHoofdactiviteit": "Nee"},
    {"sbiCode": "1011", "sbiOmschrijving": "Slachterijen (geen pluimvee-)", "indHoofdactiviteit": "Ja"}],
    "_embedded": {"hoofdvestiging": {"vestigingsnummer": "000038509504", "adressen": [
        {"type": "postadres", "straatnaam": "Elders", "huisnummer": 1, "land": "Nederland"},
        {"type": "bezoekadres", "indAfgeschermd": "Nee", "straatnaam": "Abebe Bikilalaan",
         "huisnummer": 17, "huisletter": "M", "postcode": "1034WL", "plaats": "Amsterdam", "land": "Nederland"}]},
    "eigenaar": {"rsin": "992340594", "rechtsvorm": "Eenmanszaak"}}}"#;

const NOT_FOUND: &str = r#"{"fout": [{"code": "IPD0005", "omschrijving": "Op basis van het KVK-nummer 12345678 kan het product niet worden geleverd."}]}"#;

fn lookup(host: &mut MockHost, settings: &str, query: Value) -> Result<Value, ConnectorError> {
    host.lookup::<TradeRegisterKvk>(settings, &query.to_string())
}

fn held(number: &str, name: &str) -> CompanyInformation {
    CompanyInformation {
        chamber_of_commerce_number: number.to_owned(),
        name: name.to_owned(),
        legal_form: Some(KeyValue {
            key: 1,
            value: "Eenmanszaak".to_owned(),
        }),
        sbi: None,
        address: None,
        deviating_postal_address: None,
        website: None,
    }
}

#[test]
fn a_company_is_described_and_compared_with_what_the_platform_holds() {
    let mut host = MockHost::new();
    host.company(held("69599084", "Test Emz DAGOBERT"));
    host.reply("GET", PROFILE_URL, 200, PROFILE);
    assert_eq!(
        lookup(&mut host, "{}", json!({"kvkNummer": " 69599084 "})),
        Ok(json!({
            "companies": [{
                "kvkNummer": "69599084",
                "establishmentNumber": "000038509504",
                "name": "Test EMZ Dagobert",
                "kind": null,
                "legalForm": "Eenmanszaak",
                "sbi": [
                    {"code": "1011", "description": "Slachterijen (geen pluimvee-)", "main": true},
                    {"code": "1012", "description": "Pluimveeslachterijen", "main": false}
                ],
                "address": {
                    "street": "Abebe Bikilalaan", "houseNumber": 17, "houseNumberAddition": "M",
                    "poBox": null, "postalCode": "1034WL", "city": "Amsterdam", "country": null
                }
            }],
            "total": 1,
            "registered": {"name": "Test Emz DAGOBERT", "legalForm": "Eenmanszaak", "matchesName": true}
        }))
    );
    assert_eq!(host.requests()[0].url, format!("{PROFILE_URL}69599084"));
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn an_unknown_number_gives_no_company_but_still_what_the_platform_holds() {
    let mut host = MockHost::new();
    host.company(held("12345678", "Verdwenen B.V."));
    host.reply("GET", PROFILE_URL, 404, NOT_FOUND);
    assert_eq!(
        lookup(&mut host, "{}", json!({"kvkNummer": "12345678"})),
        Ok(json!({
            "companies": [],
            "total": 0,
            "registered": {"name": "Verdwenen B.V.", "legalForm": "Eenmanszaak", "matchesName": null}
        }))
    );
}

/// A page of a search with these names.
fn page(total: usize, names: &[&str]) -> String {
    let results: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({"kvkNummer": "69599084", "naam": name, "type": "nevenvestiging",
                "adres": {"binnenlandsAdres": {"type": "bezoekadres", "straatnaam": "Geneinde", "plaats": "Maastricht"}}})
        })
        .collect();
    json!({"pagina": 1, "resultatenPerPagina": 2, "totaal": total, "resultaten": results})
        .to_string()
}

#[test]
fn a_search_goes_from_page_to_page_up_to_the_most_that_is_wanted() {
    let mut host = MockHost::new();
    let full: Vec<String> = (0..100).map(|number| format!("Zaak {number}")).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    host.reply("GET", SEARCH_URL, 200, page(350, &full));
    host.reply("GET", SEARCH_URL, 200, page(350, &full));
    let answer = lookup(
        &mut host,
        r#"{"max-results": 150}"#,
        json!({"naam": "Zaak & Co", "plaats": "Ede"}),
    )
    .unwrap();
    assert_eq!(answer["companies"].as_array().unwrap().len(), 150);
    assert_eq!(answer["total"], 350);
    assert_eq!(answer["companies"][149]["name"], "Zaak 49");
    let urls: Vec<&str> = host.requests().iter().map(|r| r.url.as_str()).collect();
    assert_eq!(
        urls,
        [
            "https://api.kvk.nl/api/v2/zoeken?naam=Zaak%20%26%20Co&plaats=Ede&pagina=1&resultatenPerPagina=100",
            "https://api.kvk.nl/api/v2/zoeken?naam=Zaak%20%26%20Co&plaats=Ede&pagina=2&resultatenPerPagina=100",
        ]
    );
}

#[test]
fn a_search_ends_with_the_last_page_and_cannot_be_kept_going() {
    let mut host = MockHost::new();
    host.reply("GET", SEARCH_URL, 200, page(2, &["A", "B"]));
    let answer = lookup(&mut host, "{}", json!({"naam": "AB"})).unwrap();
    assert_eq!(answer["companies"].as_array().unwrap().len(), 2);
    assert_eq!(
        answer["companies"][0]["address"],
        json!({
            "street": "Geneinde", "houseNumber": null, "houseNumberAddition": null, "poBox": null,
            "postalCode": null, "city": "Maastricht", "country": null
        })
    );
    assert_eq!(answer["registered"], Value::Null);
    // A register that promises more and gives nothing.
    host.reply("GET", SEARCH_URL, 200, page(1000, &[]));
    let answer = lookup(&mut host, "{}", json!({"naam": "AB"})).unwrap();
    assert_eq!(answer["companies"], json!([]));
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn nothing_found_is_no_error() {
    let mut host = MockHost::new();
    let body = r#"{"fout": [{"code": "IPD5200", "omschrijving": "Er zijn geen gegevens gevonden die voldoen aan de opgegeven zoekparameters."}]}"#;
    host.reply("GET", SEARCH_URL, 404, body);
    assert_eq!(
        lookup(&mut host, "{}", json!({"naam": "Bestaat niet"})),
        Ok(json!({"companies": [], "total": 0, "registered": null}))
    );
}

#[test]
fn an_address_abroad_is_given_as_the_register_writes_it() {
    let mut host = MockHost::new();
    let body = json!({"totaal": 1, "resultaten": [{"kvkNummer": "69599084", "naam": "Ltd", "type": "rechtspersoon",
        "adres": {"buitenlandsAdres": {"type": "bezoekadres", "straatHuisnummer": "1 High Street", "postcodeWoonplaats": "TN34 Hastings", "land": "Groot-Brittannië"}}}]});
    host.reply("GET", SEARCH_URL, 200, body.to_string());
    let answer = lookup(&mut host, "{}", json!({"naam": "Ltd"})).unwrap();
    let address = &answer["companies"][0]["address"];
    assert_eq!(address["street"], "1 High Street");
    assert_eq!(address["city"], "TN34 Hastings");
    assert_eq!(address["country"], "Groot-Brittannië");
}

#[test]
fn what_the_register_refuses_is_told_apart() {
    let mut host = MockHost::new();
    let outside = |why: &str| ConnectorError::OutsideParty(why.to_owned());
    let fault = r#"{"fout": [{"code": "IPD1002", "omschrijving": "KVK-nummer is niet valide."}]}"#;
    for (status, headers, body, expected) in [
        (
            401,
            &[][..],
            "",
            outside("KVK: status 401: it does not accept the API key"),
        ),
        (
            403,
            &[],
            "{}",
            outside("KVK: status 403: it does not accept the API key"),
        ),
        (
            400,
            &[],
            fault,
            outside("KVK: status 400: IPD1002 KVK-nummer is niet valide."),
        ),
        (404, &[], "<html>", outside("KVK: status 404")),
        (
            429,
            &[("Retry-After", "3")],
            "",
            ConnectorError::Unavailable(Some(3)),
        ),
        (503, &[], "", ConnectorError::Unavailable(None)),
    ] {
        host.reply_with("GET", PROFILE_URL, status, headers, body);
        assert_eq!(
            lookup(&mut host, "{}", json!({"kvkNummer": "69599084"})),
            Err(expected)
        );
    }
}

#[test]
fn nothing_leaves_when_the_input_is_wrong_or_the_activity_is_denied() {
    let mut host = MockHost::new();
    let wrong = |why: &str| Err(ConnectorError::InvalidInput(why.to_owned()));
    let either = wrong("give either kvkNummer, or naam with or without plaats");
    for (query, expected) in [
        (json!({}), either.clone()),
        (json!({"plaats": "Ede"}), either.clone()),
        (json!({"kvkNummer": "69599084", "naam": "A"}), either),
        (
            json!({"kvkNummer": "123456782"}),
            wrong("kvkNummer must have eight digits"),
        ),
        (
            json!({"kvkNummer": "6959908/"}),
            wrong("kvkNummer must have eight digits"),
        ),
        (
            json!({"naam": "A"}),
            wrong("naam must have 2 to 100 characters"),
        ),
        (
            json!({"naam": "Jan\nPiet"}),
            wrong("naam must have 2 to 100 characters"),
        ),
        (
            json!({"naam": "AB", "plaats": " "}),
            wrong("plaats must have 2 to 100 characters"),
        ),
    ] {
        assert_eq!(lookup(&mut host, "{}", query), expected);
    }
    assert_eq!(
        lookup(&mut host, r#"{"max-results": 0}"#, json!({"naam": "AB"})),
        Err(ConnectorError::InvalidSettings(
            "max-results must be 1 to 1000".to_owned()
        ))
    );
    host.deny("GetCompanyInformationByChamberOfCommerceNumber");
    let denied = lookup(&mut host, "{}", json!({"kvkNummer": "69599084"}));
    assert!(
        matches!(denied, Err(ConnectorError::Denied(_))),
        "{denied:?}"
    );
    assert!(host.requests().is_empty());
}
