//! legal-entity-gleif, in Python: an activity, outside requests and their rules.

use crate::harness::{TestHost, answer, error};
use crate::lookups::Party;
use koppel_host::runs::{Job, Output};
use serde_json::{Value, json};

const CLIENT: &str = "legal-entity-gleif";

/// A record as GLEIF gives it, without most of what is not read.
fn record(lei: &str, name: &str, number: &str) -> Value {
    let address = json!({
        "language": "nl", "addressLines": ["Bijlmerdreef 106"], "addressNumber": null,
        "city": "Amsterdam", "region": "NL-NH", "country": "NL", "postalCode": "1102 CT"
    });
    json!({
        "type": "lei-records", "id": lei,
        "attributes": {
            "lei": lei,
            "entity": {
                "legalName": {"name": name, "language": "nl"},
                "otherNames": [], "legalAddress": address, "headquartersAddress": address,
                "registeredAt": {"id": "RA000463", "other": null}, "registeredAs": number,
                "jurisdiction": "NL", "legalForm": {"id": "B5PM", "other": null}, "status": "ACTIVE"
            },
            "registration": {"status": "ISSUED", "nextRenewalDate": "2027-01-04T00:00:00Z"}
        }
    })
}

fn found(records: &[Value]) -> (u16, Vec<u8>) {
    let reply = json!({
        "meta": {"pagination": {"currentPage": 1, "perPage": 10, "total": records.len()}},
        "data": records
    });
    (200, reply.to_string().into_bytes())
}

/// GLEIF as the tests have it: what it says depends on the number.
async fn gleif() -> Option<(Party, TestHost)> {
    let party = Party::start(|uri, _| match uri {
        uri if uri.contains("=33031431&") => {
            found(&[record("3TK20IVIUJ8J3ZU0QE75", "ING Bank N.V.", "33031431")])
        }
        // The numbers of employers 1 and 2.
        uri if uri.contains("=90000011&") => found(&[record(
            "724500KOPPELVOORBE11",
            "BAKKERIJ DE GOUDEN KORENAAR BV",
            "90000011",
        )]),
        uri if uri.contains("=90000022&") => found(&[record(
            "724500KOPPELVOORBE22",
            "Iets anders B.V.",
            "90000022",
        )]),
        uri if uri.contains("=00000429&") => (429, b"too many".to_vec()),
        uri if uri.contains("=00000503&") => (503, b"down".to_vec()),
        uri if uri.contains("=00000400&") => (400, b"no such filter".to_vec()),
        uri if uri.contains("=00000418&") => (200, b"<html>".to_vec()),
        uri if uri.contains("=00000419&") => (200, br#"{"data": [{"id": 1}]}"#.to_vec()),
        uri if uri.contains("=00000420&") => (200, vec![b'['; 900_000]),
        uri if uri.contains("=00000413&") => (200, vec![b' '; 1_000_001]),
        // More than is read at a time, with letters of two bytes.
        uri if uri.contains("=00000099&") => {
            found(&vec![
                record("724500KOPPELVOORBE99", "Één B.V.", "00000099");
                1_000
            ])
        }
        _ => found(&[]),
    })
    .await;
    let port = party.port;
    let more = format!(
        r#"activities = ["GetEmployerByEmployerId", "GetCompanyInformationByChamberOfCommerceNumber"]
settings = {{ base-url = "http://party.test:{port}" }}
limits = {{ deadline-ms = 10_000, requests = 2, response-bytes = 1_000_000, compile-effort = 1_000_000_000, compile-ms = 300_000 }}
[[clients.{CLIENT}.http]]
allow = "http://party.test:{port}/api/v1/lei-records"
methods = ["GET"]
activity = "GetCompanyInformationByChamberOfCommerceNumber"
allow-private-addresses = true
query = {{ "filter[entity.registeredAs]" = "[0-9]{{8}}", "filter[entity.registeredAt]" = "RA000463", "page[size]" = "10" }}
headers = {{ accept = 'application/vnd\.api\+json' }}"#
    );
    let host = super::host(CLIENT, &more).await?;
    Some((party, host))
}

fn number(number: &str) -> Value {
    json!({"chamberOfCommerceNumber": number})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_entity_is_looked_up_by_its_number_and_is_in_the_ledger() {
    let Some((party, host)) = gleif().await else {
        return;
    };
    let address = json!({"lines": ["Bijlmerdreef 106"], "postalCode": "1102 CT", "city": "Amsterdam", "country": "NL"});
    assert_eq!(
        answer(host.lookup(CLIENT, &number("33031431")).await),
        json!({"legalEntities": [{
            "lei": "3TK20IVIUJ8J3ZU0QE75", "legalName": "ING Bank N.V.", "otherNames": [],
            "legalForm": "B5PM", "status": "ACTIVE", "chamberOfCommerceNumber": "33031431",
            "legalAddress": address, "headquartersAddress": address,
            "registrationStatus": "ISSUED", "nextRenewalDate": "2027-01-04T00:00:00Z"
        }]})
    );
    let asked = "/api/v1/lei-records?filter%5Bentity.registeredAs%5D=33031431&filter%5Bentity.registeredAt%5D=RA000463&page%5Bsize%5D=10";
    super::asked_once(&party, &host, asked).await;
    assert_eq!(
        party.seen()[0].headers["accept"],
        "application/vnd.api+json"
    );
    let works = host
        .run(CLIENT, "anna", 1, Job::Check)
        .await
        .outcome
        .unwrap();
    let message = "GLEIF answers (1 legal entities of number 33031431)".to_owned();
    assert_eq!(works, Output::Check { message });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_the_employer_is_compared_and_only_its_number_leaves() {
    let Some((party, host)) = gleif().await else {
        return;
    };
    let of = async |number| answer(host.lookup_as(CLIENT, "anna", number, &json!({})).await);
    let same = of(1).await;
    assert_eq!(
        same["registered"],
        json!({"companyName": "Bakkerij De Gouden Korenaar B.V.",
            "chamberOfCommerceNumber": "90000011", "matches": true})
    );
    assert_eq!(same["legalEntities"][0]["lei"], "724500KOPPELVOORBE11");
    let other = of(2).await;
    assert_eq!(other["registered"]["matches"], false);
    let left: Vec<String> = party.seen().into_iter().map(|seen| seen.uri).collect();
    assert!(left[0].contains("=90000011&") && left[1].contains("=90000022&"));
    assert!(!left.concat().contains("Korenaar"), "{left:?}");
    let unknown = number("99999999");
    assert_eq!(
        answer(host.lookup(CLIENT, &unknown).await),
        json!({"legalEntities": []})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_denied_like_any_connector() {
    let Some((party, host)) = gleif().await else {
        return;
    };
    // Tim may read the employer, but not ask for companies.
    for query in [json!({}), number("33031431")] {
        assert_eq!(
            error(host.lookup_as(CLIENT, "tim", 1, &query).await),
            "denied by check user: GetCompanyInformationByChamberOfCommerceNumber: user \"tim\" has no right that gives GetCompanyInformationByChamberOfCommerceNumber\nto allow it, put in the configuration:\n  [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]"
        );
    }
    let denial =
        "user \"tim\" has no right that gives GetCompanyInformationByChamberOfCommerceNumber";
    assert_eq!(host.denials().await, [denial, denial]);
    assert_eq!(party.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_question_or_an_answer_is_said() {
    let Some((party, host)) = gleif().await else {
        return;
    };
    for (query, expected) in [
        (
            json!({"kvkNummer": "33031431"}),
            "invalid input: kvkNummer is unknown; expected chamberOfCommerceNumber",
        ),
        (
            number("3303143"),
            "invalid input: chamberOfCommerceNumber must be eight digits",
        ),
        (
            json!({"chamberOfCommerceNumber": 33_031_431}),
            "invalid input: chamberOfCommerceNumber must be eight digits",
        ),
        (json!([]), "invalid input: the query must be an object"),
        (number("00000429"), "not available now; try again in 7 s"),
        (number("00000503"), "not available now; try again in 7 s"),
        (
            number("00000400"),
            "the outside party says: GLEIF: status 400: no such filter",
        ),
        (
            number("00000418"),
            "the outside party says: GLEIF: an answer that is not as documented: JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        ),
        (
            number("00000419"),
            "the outside party says: GLEIF: an answer that is not as documented: KeyError: 'attributes'",
        ),
        (
            number("00000420"),
            "the outside party says: GLEIF: an answer that is not as documented: ValueError: nested more than 100 deep",
        ),
    ] {
        assert_eq!(error(host.lookup(CLIENT, &query).await), expected);
    }
    let large = error(host.lookup(CLIENT, &number("00000413")).await);
    let port = party.port;
    assert_eq!(
        large,
        format!(
            "the outside party says: http://party.test:{port}/api/v1/lei-records: too large (HttpResponseBodySize)"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reply_is_read_whole() {
    let Some((_party, host)) = gleif().await else {
        return;
    };
    let answer = answer(host.lookup(CLIENT, &number("00000099")).await);
    let entities = answer["legalEntities"].as_array().unwrap();
    assert_eq!(entities.len(), 1_000);
    assert!(entities.iter().all(|of| of["legalName"] == "Één B.V."));
}

/// The connection itself: what the host's code says becomes an error of the
/// contract, and in the log is which code it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_is_not_there_or_not_allowed_is_said() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let rule = |allow: &str, base: &str| {
        format!(
            r#"activities = ["GetEmployerByEmployerId", "GetCompanyInformationByChamberOfCommerceNumber"]
settings = {{ base-url = "{base}" }}
limits = {{ deadline-ms = 10_000, compile-effort = 1_000_000_000, compile-ms = 300_000 }}
http = [{{ allow = "{allow}/*", methods = ["GET"], activity = "GetCompanyInformationByChamberOfCommerceNumber", allow-private-addresses = true }}]"#
        )
    };
    let base = format!("http://party.test:{nobody}");
    let Some(host) = super::host(CLIENT, &rule(&base, &base)).await else {
        return;
    };
    let report = host.lookup(CLIENT, &number("33031431")).await;
    let said: Vec<String> = report.log.iter().map(|line| line.text.clone()).collect();
    assert_eq!(error(report), "not available now; try again later");
    assert!(
        said.iter().any(|line| *line
            == format!("{base}/api/v1/lei-records cannot be reached (ConnectionRefused)")),
        "{said:?}"
    );
    let Some(host) = super::host(CLIENT, &rule("https://api.gleif.org", &base)).await else {
        return;
    };
    let refused = error(host.lookup(CLIENT, &number("33031431")).await);
    assert!(
        refused.contains(&format!(
            "the host does not allow {base}/api/v1/lei-records (HttpRequestDenied)"
        )),
        "{refused}"
    );
}
