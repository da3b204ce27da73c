//! address-pdok, in JavaScript: activities, outside requests and their rules.

use crate::harness::{TestHost, answer, error};
use crate::lookups::Party;
use koppel_host::platform::seed::employee_id;
use koppel_host::runs::{Job, Output};
use serde_json::{Value, json};

const CLIENT: &str = "address-pdok";

/// An address of the register as PDOK gives it, without the fields that are not
/// read.
fn address(
    street: &str,
    number: u32,
    letter: Option<&str>,
    postal_code: &str,
    city: &str,
) -> Value {
    let mut address = json!({
        "bron": "BAG", "type": "adres", "weergavenaam": format!("{street} {number}, {postal_code} {city}"),
        "straatnaam": street, "huisnummer": number, "postcode": postal_code,
        "woonplaatsnaam": city, "gemeentenaam": city, "provincienaam": "Utrecht",
        "centroide_ll": "POINT(5.17636456 52.08206803)", "centroide_rd": "POINT(140547.812 454887.397)",
        "nummeraanduiding_id": "0344200000007827", "adresseerbaarobject_id": "0344010000007337",
        "score": 5.884_207_2
    });
    if let Some(letter) = letter {
        address["huisletter"] = letter.into();
    }
    address
}

fn found(addresses: &[Value]) -> (u16, Vec<u8>) {
    let reply = json!({"response": {
        "numFound": addresses.len(), "start": 0, "numFoundExact": true, "docs": addresses
    }});
    (200, reply.to_string().into_bytes())
}

/// PDOK as the tests have it: what it says depends on the house number.
async fn pdok() -> Option<(Party, TestHost)> {
    let party = Party::start(|uri, _| match uri {
        uri if uri.contains("huisnummer%3A101&") => {
            found(&[address("Bolognalaan", 101, None, "3584CJ", "Utrecht")])
        }
        // Employees 1 and 5 of employer 1: one as it is held, one elsewhere.
        uri if uri.contains("huisnummer%3A7&") => {
            found(&[address("Korreweg", 7, None, "9714AG", "Groningen")])
        }
        uri if uri.contains("huisnummer%3A35&") => found(&[
            address("Hogewoerd", 35, None, "2311AC", "Leiden"),
            address("Hogewoerd", 35, Some("A"), "2311AC", "Leiden"),
        ]),
        uri if uri.contains("huisnummer%3A429&") => (429, b"too many".to_vec()),
        uri if uri.contains("huisnummer%3A400&") => (400, b"no such parameter".to_vec()),
        uri if uri.contains("huisnummer%3A418&") => (200, b"<html>".to_vec()),
        uri if uri.contains("huisnummer%3A413&") => (200, vec![b' '; 1_000_001]),
        // More than is read at a time, with letters of two bytes.
        uri if uri.contains("huisnummer%3A99&") => {
            found(&vec![
                address("Éénlaan", 99, None, "3584CJ", "Utrecht");
                2_000
            ])
        }
        _ => found(&[]),
    })
    .await;
    let port = party.port;
    let more = format!(
        r#"activities = ["GetEmployeesByEmployerId", "GetGeocodeByAddress"]
settings = {{ base-url = "http://party.test:{port}" }}
limits = {{ deadline-ms = 10_000, requests = 2, response-bytes = 1_000_000, compile-effort = 2_000_000_000, compile-ms = 300_000 }}
[[clients.{CLIENT}.http]]
allow = "http://party.test:{port}/bzk/locatieserver/search/v3_1/free"
methods = ["GET"]
activity = "GetGeocodeByAddress"
allow-private-addresses = true
query = {{ q = "postcode:[1-9][0-9]{{3}}[A-Z]{{2}} AND huisnummer:[1-9][0-9]{{0,4}}", fq = "type:adres", rows = "100" }}"#
    );
    let host = super::host(CLIENT, &more).await?;
    Some((party, host))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_looked_up_by_postal_code_and_house_number_and_is_in_the_ledger() {
    let Some((party, host)) = pdok().await else {
        return;
    };
    let query = json!({"postalCode": "3584 cj", "houseNumber": 101});
    assert_eq!(
        answer(host.lookup(CLIENT, &query).await),
        json!({"addresses": [{
            "street": "Bolognalaan", "houseNumber": 101, "houseLetter": null,
            "houseNumberAddition": null, "postalCode": "3584CJ", "city": "Utrecht",
            "municipality": "Utrecht", "province": "Utrecht",
            "latitude": 52.082_068_03, "longitude": 5.176_364_56,
            "numberDesignationId": "0344200000007827",
            "addressableObjectId": "0344010000007337"
        }]})
    );
    let asked = "/bzk/locatieserver/search/v3_1/free?q=postcode%3A3584CJ+AND+huisnummer%3A101&fq=type%3Aadres&rows=100";
    super::asked_once(&party, &host, asked).await;
    let works = host
        .run(CLIENT, "anna", 1, Job::Check)
        .await
        .outcome
        .unwrap();
    let message = "PDOK answers (0 addresses at 3584BA 2)".to_owned();
    assert_eq!(works, Output::Check { message });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_an_employee_is_compared_and_only_the_address_leaves() {
    let Some((party, host)) = pdok().await else {
        return;
    };
    let of = |employee| json!({"employeeId": employee_id(1, employee)});
    let same = answer(host.lookup(CLIENT, &of(1)).await);
    assert_eq!(
        same["registered"],
        json!({"street": "Korreweg", "houseNumber": 7, "houseNumberAddition": null,
            "postalCode": "9714AG", "city": "Groningen", "matches": true})
    );
    let elsewhere = answer(host.lookup(CLIENT, &of(5)).await);
    assert_eq!(elsewhere["registered"]["matches"], false);
    assert_eq!(elsewhere["addresses"].as_array().unwrap().len(), 1);
    assert_eq!(elsewhere["addresses"][0]["houseLetter"], "A");
    let unknown = answer(host.lookup(CLIENT, &of(2)).await);
    assert_eq!(unknown["registered"]["matches"], Value::Null);
    assert_eq!(unknown["addresses"], json!([]));
    let left: Vec<String> = party.seen().into_iter().map(|seen| seen.uri).collect();
    assert_eq!(
        left[..2],
        [
            "/bzk/locatieserver/search/v3_1/free?q=postcode%3A9714AG+AND+huisnummer%3A7&fq=type%3Aadres&rows=100",
            "/bzk/locatieserver/search/v3_1/free?q=postcode%3A2311AC+AND+huisnummer%3A35&fq=type%3Aadres&rows=100"
        ]
    );
    let of_other = json!({"employeeId": employee_id(2, 1)});
    assert_eq!(
        error(host.lookup(CLIENT, &of_other).await),
        format!(
            "invalid input: employer {} has no employee {}",
            crate::harness::employer(1),
            employee_id(2, 1)
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_denied_like_any_connector() {
    let Some((party, host)) = pdok().await else {
        return;
    };
    let reads = json!({"employeeId": employee_id(1, 1)});
    assert_eq!(
        error(host.lookup_as(CLIENT, "tim", 1, &reads).await),
        "denied by check user: GetEmployeesByEmployerId: user \"tim\" has no right that gives GetEmployeesByEmployerId\nto allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]"
    );
    let asks = json!({"postalCode": "3584CJ", "houseNumber": 101});
    assert_eq!(
        error(host.lookup_as(CLIENT, "tim", 1, &asks).await),
        "denied by check user: GetGeocodeByAddress: user \"tim\" has no right that gives GetGeocodeByAddress\nto allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]"
    );
    assert_eq!(
        host.denials().await,
        [
            "user \"tim\" has no right that gives GetEmployeesByEmployerId",
            "user \"tim\" has no right that gives GetGeocodeByAddress",
        ]
    );
    assert_eq!(party.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_question_or_an_answer_is_said() {
    let Some((party, host)) = pdok().await else {
        return;
    };
    let at = |number: u32| json!({"postalCode": "3584CJ", "houseNumber": number});
    for (query, expected) in [
        (
            json!({"postalCode": "3584CJ"}),
            "invalid input: give either postalCode and houseNumber, or employeeId",
        ),
        (
            json!({"bsn": "123456782"}),
            "invalid input: bsn is unknown; expected postalCode, houseNumber, houseNumberAddition, employeeId",
        ),
        (
            json!({"postalCode": "0584CJ", "houseNumber": 1}),
            "invalid input: postalCode must be four digits and two letters",
        ),
        (
            json!({"postalCode": "3584CJ", "houseNumber": "1"}),
            "invalid input: houseNumber must be a whole number from 1 to 99999",
        ),
        (json!([]), "invalid input: the query must be an object"),
        (at(429), "not available now; try again in 7 s"),
        (
            at(400),
            "the outside party says: PDOK: status 400: no such parameter",
        ),
    ] {
        assert_eq!(error(host.lookup(CLIENT, &query).await), expected);
    }
    let large = error(host.lookup(CLIENT, &at(413)).await);
    let port = party.port;
    assert_eq!(
        large,
        format!(
            "the outside party says: http://party.test:{port}/bzk/locatieserver/search/v3_1/free: too large (HTTP-response-body-size)"
        )
    );
    let html = error(host.lookup(CLIENT, &at(418)).await);
    let expected = "the outside party says: PDOK: an answer that is not as documented: ";
    assert!(html.starts_with(expected), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reply_is_read_whole() {
    let Some((_party, host)) = pdok().await else {
        return;
    };
    let query = json!({"postalCode": "3584CJ", "houseNumber": 99});
    let answer = answer(host.lookup(CLIENT, &query).await);
    let addresses = answer["addresses"].as_array().unwrap();
    assert_eq!(addresses.len(), 2_000);
    assert!(
        addresses
            .iter()
            .all(|address| address["street"] == "Éénlaan")
    );
}
