//! The trade register of the KVK.

use super::*;
use crate::harness::{ANNA, answer, error};
use koppel_host::ledger::Kind;
use koppel_host::runs::{Job, Output};
use serde_json::json;

const CLIENT: &str = "trade-register-kvk";

/// The KVK, as it was recorded.
async fn kvk() -> Option<(Party, TestHost)> {
    let profile = recorded("kvk/basisprofiel_response.json")?;
    let association = recorded("kvk/basisprofiel_response_vve.json")?;
    let no_profile = recorded("kvk/basisprofiel_404.json")?;
    let found = recorded("kvk/zoeken_v2_response.json")?;
    let nothing = recorded("kvk/zoeken_v2_404.json")?;
    let party = Party::start(move |uri, _| match uri {
        "/api/v1/basisprofielen/69599084" => (200, profile.clone()),
        "/api/v1/basisprofielen/90000749" => (200, association.clone()),
        "/api/v1/basisprofielen/00000429" => (429, Vec::new()),
        "/api/v1/basisprofielen/00000401" => (401, b"{}".to_vec()),
        uri if uri.starts_with("/api/v1/basisprofielen/") => (404, no_profile.clone()),
        uri if uri.starts_with("/api/v2/zoeken?naam=Test") => (200, found.clone()),
        uri if uri.starts_with("/api/v2/zoeken?") => (404, nothing.clone()),
        _ => (500, Vec::new()),
    })
    .await;
    let host = host(&plugin(CLIENT, party.port, "")).await;
    Some((party, host))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_found_by_its_number_with_the_key_that_the_host_adds() {
    let Some((party, host)) = kvk().await else {
        return;
    };
    let found = answer(host.lookup(CLIENT, &json!({"kvkNummer": "69599084"})).await);
    assert_eq!(
        found,
        json!({
            "companies": [{
                "kvkNummer": "69599084",
                "establishmentNumber": "000038509504",
                "name": "Test EMZ Dagobert",
                "kind": null,
                "legalForm": "Eenmanszaak",
                "sbi": [
                    {"code": "1011", "description": "Slachterijen (geen pluimvee-)", "main": true},
                    {"code": "1012", "description": "Pluimveeslachterijen", "main": false},
                    {"code": "1013", "description": "Vleesverwerking (niet tot maaltijden)", "main": false}
                ],
                "address": {
                    "street": "Abebe Bikilalaan", "houseNumber": 17, "houseNumberAddition": null,
                    "poBox": null, "postalCode": "1034WL", "city": "Amsterdam", "country": null
                }
            }],
            "total": 1,
            "registered": {"name": "Test EMZ Dagobert", "legalForm": "Eenmanszaak", "matchesName": true}
        })
    );
    let seen = party.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].uri, "/api/v1/basisprofielen/69599084");
    assert_eq!(seen[0].headers["apikey"], KVK_KEY);
    let rows = host.rows(&Kind::MESSAGES).await;
    assert_eq!(rows.len(), 2);
    assert!(!format!("{rows:?}").contains(KVK_KEY));

    // An association has no establishment; its address is that of the owner.
    let found = answer(host.lookup(CLIENT, &json!({"kvkNummer": "90000749"})).await);
    assert_eq!(
        found["companies"][0]["legalForm"],
        "Vereniging van Eigenaars"
    );
    assert_eq!(found["companies"][0]["address"]["city"], "Dordrecht");
    assert_eq!(found["companies"][0]["establishmentNumber"], json!(null));
    assert!(
        !found.to_string().contains("992340594"),
        "the RSIN is not asked for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn companies_are_found_by_name_and_what_is_not_there_is_not_found() {
    let Some((party, host)) = kvk().await else {
        return;
    };
    let query = json!({"naam": "Test EMZ", "plaats": "Amsterdam"});
    let found = answer(host.lookup(CLIENT, &query).await);
    assert_eq!(found["total"], 2);
    assert_eq!(
        found["companies"][0]["name"],
        "Test EMZ Nevenvestiging Govert"
    );
    assert_eq!(found["companies"][0]["kind"], "nevenvestiging");
    assert_eq!(
        found["companies"][1]["address"]["street"],
        "Abebe Bikilalaan"
    );
    assert_eq!(
        party.seen()[0].uri,
        "/api/v2/zoeken?naam=Test%20EMZ&plaats=Amsterdam&pagina=1&resultatenPerPagina=100"
    );
    let nothing = json!({"companies": [], "total": 0, "registered": null});
    for query in [
        json!({"naam": "Bestaat niet"}),
        json!({"kvkNummer": "12345678"}),
    ] {
        assert_eq!(
            answer(host.lookup(CLIENT, &query).await),
            nothing,
            "{query}"
        );
    }
    let works = host.run(CLIENT, ANNA, 1, Job::Check).await.outcome.unwrap();
    let message =
        "the trade register answers (0 companies for a number that does not exist)".to_owned();
    assert_eq!(works, Output::Check { message });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_and_a_refused_key_are_told_apart() {
    let Some((_party, host)) = kvk().await else {
        return;
    };
    for (number, expected) in [
        ("00000429", "not available now; try again in 7 s"),
        (
            "00000401",
            "the outside party says: KVK: status 401: it does not accept the API key",
        ),
    ] {
        let report = host.lookup(CLIENT, &json!({"kvkNummer": number})).await;
        assert_eq!(error(report), expected);
    }
}
