//! The coordinates of an address at Google, whose key goes in the query.

use super::*;
use crate::harness::{ANNA, answer, error};
use koppel_host::ledger::Kind;
use koppel_host::runs::{Job, Output};
use serde_json::json;

const CLIENT: &str = "geocode-google";

/// The key as it goes over the line.
const SENT_KEY: &str = "&key=AIza-g00gle%2Fs3cret%2Bkey";

async fn google() -> Option<(Party, TestHost)> {
    let found = recorded("google/maps_http_geocode_response.json")?;
    let nothing = recorded("google/maps_http_geocode_zero_results_response.json")?;
    let invalid = recorded("google/maps_http_geocode_invalid_request_response.json")?;
    let party = Party::start(move |uri, _| {
        let status = |status: &str| {
            let body = json!({"results": [], "status": status, "error_message": format!("for {uri}: {GOOGLE_KEY}")});
            (200, body.to_string().into_bytes())
        };
        match uri {
            uri if !uri.ends_with(SENT_KEY) => status("REQUEST_DENIED"),
            uri if uri.contains("Nergens") => (200, nothing.clone()),
            uri if uri.contains("Fout") => (400, invalid.clone()),
            uri if uri.contains("Druk") => status("OVER_QUERY_LIMIT"),
            uri if uri.contains("Dicht") => status("REQUEST_DENIED"),
            _ => (200, found.clone()),
        }
    })
    .await;
    let host = host(&plugin(CLIENT, party.port, "")).await;
    Some((party, host))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_its_coordinates_with_the_key_that_the_host_adds() {
    let Some((party, host)) = google().await else {
        return;
    };
    let query =
        json!({"street": "Voordijk", "houseNumber": 12, "postalCode": "1234AA", "city": "Leiden"});
    let found = answer(host.lookup(CLIENT, &query).await);
    assert_eq!(
        found["locations"][0],
        json!({
            "latitude": 37.422388, "longitude": -122.0841883, "precision": "ROOFTOP",
            "formattedAddress": "Google Building 40, 1600 Amphitheatre Pkwy, Mountain View, CA 94043, USA",
            "partialMatch": false, "placeId": "ChIJj38IfwK6j4ARNcyPDnEGa9g"
        })
    );
    let asked = "/maps/api/geocode/json?address=Voordijk%2012%2C%201234AA%20Leiden&components=country%3ANL&language=nl";
    let seen = party.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].uri, format!("{asked}{SENT_KEY}"));
    let rows = host.rows(&Kind::MESSAGES).await;
    let summary = format!("GET http://party.test:{}{asked}", party.port);
    let summaries: Vec<&str> = rows.iter().map(|row| row.summary.as_str()).collect();
    assert_eq!(summaries, [summary.as_str(), summary.as_str()]);
    let works = host.run(CLIENT, ANNA, 1, Job::Check).await.outcome.unwrap();
    let message = "Google answers (1 places for the city of Utrecht)".to_owned();
    assert_eq!(works, Output::Check { message });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_of_google_is_told_apart_and_a_key_in_it_stays_in_the_host() {
    let Some((party, host)) = google().await else {
        return;
    };
    let nothing = answer(host.lookup(CLIENT, &json!({"city": "Nergens"})).await);
    assert_eq!(nothing, json!({"locations": []}));
    let asked = |city: &str| {
        format!(
            "/maps/api/geocode/json?address={city}&components=country%3ANL&language=nl&key=[redacted]"
        )
    };
    for (city, expected) in [
        (
            "Fout",
            "invalid input: Google: INVALID_REQUEST: Invalid request. Missing the 'address', 'components', 'latlng' or 'place_id' parameter.".to_owned(),
        ),
        ("Druk", "not available now; try again in 7 s".to_owned()),
        (
            "Dicht",
            format!(
                "the outside party says: Google: REQUEST_DENIED: for {}: [redacted]",
                asked("Dicht")
            ),
        ),
    ] {
        let report = host.lookup(CLIENT, &json!({"city": city})).await;
        assert_eq!(error(report), expected);
    }
    assert_eq!(party.seen().len(), 4);
    for entry in crate::outside::walk(host.dir.path()) {
        if entry.file_name().is_some_and(|name| name == "google-key") {
            continue;
        }
        let bytes = std::fs::read(&entry).unwrap();
        for key in [GOOGLE_KEY, &SENT_KEY[5..]] {
            let found = bytes.windows(key.len()).any(|part| part == key.as_bytes());
            assert!(!found, "{}", entry.display());
        }
    }
}
