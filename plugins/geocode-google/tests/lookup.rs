//! The look-up against replies as Google's API description gives them.

use geocode_google::GeocodeGoogle;
use koppel_sdk::ConnectorError;
use koppel_sdk::testing::MockHost;
use serde_json::{Value, json};

const URL: &str = "https://maps.googleapis.com/maps/api/geocode/json?address=";

const FOUND: &str = r#"{"status": "OK", "results": [{
    "formatted_address": "Voordijk 12 D, 1234 AA Leiden, Nederland", "place_id": "ChIJj38IfwK6j4ARNcyPDnEGa9g",
    "partial_match": true, "types": ["premise"], "address_components": [],
    "geometry": {"location": {"lat": 52.16, "lng": 4.49}, "location_type": "ROOFTOP", "viewport": {}}}]}"#;

fn lookup(host: &mut MockHost, query: Value) -> Result<Value, ConnectorError> {
    host.lookup::<GeocodeGoogle>("{}", &query.to_string())
}

#[test]
fn an_address_gets_its_coordinates_and_only_the_address_leaves() {
    let mut host = MockHost::new();
    host.reply("GET", URL, 200, FOUND);
    let query = json!({"street": "Voordijk", "houseNumber": 12, "houseNumberAddition": "D", "postalCode": "1234AA", "city": "Leiden"});
    assert_eq!(
        lookup(&mut host, query),
        Ok(json!({"locations": [{
            "latitude": 52.16, "longitude": 4.49, "precision": "ROOFTOP",
            "formattedAddress": "Voordijk 12 D, 1234 AA Leiden, Nederland",
            "partialMatch": true, "placeId": "ChIJj38IfwK6j4ARNcyPDnEGa9g"
        }]}))
    );
    assert_eq!(
        host.requests()[0].url,
        format!("{URL}Voordijk%2012%20D%2C%201234AA%20Leiden&components=country%3ANL&language=nl")
    );
}

#[test]
fn an_unknown_address_has_no_locations() {
    let mut host = MockHost::new();
    host.reply(
        "GET",
        URL,
        200,
        r#"{"results": [], "status": "ZERO_RESULTS"}"#,
    );
    assert_eq!(
        lookup(&mut host, json!({"city": "Nergenshuizen", "country": "BE"})),
        Ok(json!({"locations": []}))
    );
    assert_eq!(
        host.requests()[0].url,
        format!("{URL}Nergenshuizen&components=country%3ABE&language=nl")
    );
}

#[test]
fn what_google_refuses_is_told_apart() {
    let outside = |why: &str| ConnectorError::OutsideParty(why.to_owned());
    let status = |status: &str| json!({"results": [], "status": status}).to_string();
    let message = |status: &str, message: &str| {
        json!({"results": [], "status": status, "error_message": message}).to_string()
    };
    for (code, body, expected) in [
        (
            200,
            message("REQUEST_DENIED", "The provided API key is invalid."),
            outside("Google: REQUEST_DENIED: The provided API key is invalid."),
        ),
        (200, status("OVER_DAILY_LIMIT"), outside("Google: OVER_DAILY_LIMIT")),
        (200, status("NEW_STATUS"), outside("Google: NEW_STATUS")),
        (200, status("OVER_QUERY_LIMIT"), ConnectorError::Unavailable(Some(5))),
        (200, status("UNKNOWN_ERROR"), ConnectorError::Unavailable(Some(5))),
        (
            400,
            message("INVALID_REQUEST", "Invalid request. Missing the 'address', 'components', 'latlng' or 'place_id' parameter."),
            ConnectorError::InvalidInput("Google: INVALID_REQUEST: Invalid request. Missing the 'address', 'components', 'latlng' or 'place_id' parameter.".to_owned()),
        ),
        (429, String::new(), ConnectorError::Unavailable(Some(5))),
        (503, String::new(), ConnectorError::Unavailable(Some(5))),
        (404, "<html>".to_owned(), outside("Google: status 404")),
    ] {
        let mut host = MockHost::new();
        host.reply_with("GET", URL, code, &[("Retry-After", "5")], body);
        assert_eq!(lookup(&mut host, json!({"city": "Ede"})), Err(expected));
    }
}

#[test]
fn what_is_no_address_never_leaves() {
    let mut host = MockHost::new();
    let wrong = |why: &str| Err(ConnectorError::InvalidInput(why.to_owned()));
    for (query, expected) in [
        (json!({"city": " "}), wrong("city is empty")),
        (
            json!({"city": "Ede", "houseNumber": 1}),
            wrong("houseNumber needs a street"),
        ),
        (
            json!({"city": "Ede", "country": "nl"}),
            wrong("country must be two capitals, such as NL"),
        ),
    ] {
        assert_eq!(lookup(&mut host, query), expected);
    }
    for query in [
        json!({}),
        json!({"city": "Ede", "name": "Jansen"}),
        json!({"address": "Ede"}),
    ] {
        let refused = lookup(&mut host, query);
        assert!(
            matches!(refused, Err(ConnectorError::InvalidInput(_))),
            "{refused:?}"
        );
    }
    assert!(host.requests().is_empty());
}
