//! Nothing but what is asked about leaves: the rules of the demonstration in
//! the hands of a guest that tries everything, and BSNs in the hands of the
//! connectors.

use super::*;
use crate::harness::{answer, client, error};
use koppel_host::ledger::Kind;
use serde_json::{Value, json};

/// A number that passes the eleven-test (elfproef) and was given to nobody.
const BSN: &str = "123456782";

const REFUSED: &str = "Refused(\"ErrorCode::HttpRequestDenied\")";

async fn hostile_under(name: &str, port: u16) -> TestHost {
    let of_demo = of_demo(name, port);
    let more = format!(
        "{}\nhttp = {}\nexports = {{ directory = \"exports\", quota-bytes = 1, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}",
        crate::harness::all_activities(),
        of_demo["http"],
    );
    host(&client("hostile", &more)).await
}

/// Sends what may leave, then a BSN in every part of a request, and sees that
/// only the first arrives and that the BSN is nowhere in the ledger.
async fn no_bsn_leaves(name: &str, good: &str, bad: &[String]) {
    let party = Party::start(|_, _| (200, b"[]".to_vec())).await;
    let host = hostile_under(name, party.port).await;
    let request = |path: &str| json!({"attack": "request", "url": format!("http://party.test:{}{path}", party.port)});
    let sent = answer(host.lookup("hostile", &request(good)).await);
    assert_eq!(sent["status"], 200, "{sent}");
    assert_eq!(party.seen().len(), 1);

    let with = |more: Value| {
        let mut attempt = request(good);
        attempt
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        attempt
    };
    let and = if good.contains('?') { '&' } else { '?' };
    let mut attempts: Vec<Value> = bad.iter().map(|path| request(path)).collect();
    attempts.extend([
        request(&format!("{good}{and}bsn={BSN}")),
        request(&format!("{good}{and}{BSN}")),
        with(json!({"header": ["x-employee", BSN]})),
        with(json!({"header": ["user-agent", BSN]})),
        with(json!({"header": ["accept-language", BSN]})),
        with(json!({"body": BSN})),
    ]);
    for attempt in &attempts {
        let answer = answer(host.lookup("hostile", attempt).await);
        assert_eq!(answer, json!({"error": REFUSED}), "{attempt}");
    }
    assert_eq!(party.seen().len(), 1, "{:?}", party.seen());

    let denials = host.rows(&[Kind::Denial]).await;
    assert_eq!(denials.len(), attempts.len());
    for (denial, attempt) in denials.iter().zip(&attempts) {
        assert_eq!(denial.check.as_deref(), Some("egress"));
        let expected = "the rule for http://party.test:";
        assert!(denial.summary.contains(expected), "{attempt}: {denial:?}");
        let (row, body) = host.host.ledger().row(denial.seq).await.unwrap().unwrap();
        let body = String::from_utf8(body.unwrap()).unwrap();
        assert!(!format!("{row:?} {body}").contains(BSN), "{row:?} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bsn_leaves_through_the_look_up_of_a_vehicle() {
    let path = "/resource/m9d7-ebf2.json";
    no_bsn_leaves(
        "vehicle-rdw",
        &format!("{path}?kenteken=11ZKZ3"),
        &[
            format!("{path}?kenteken={BSN}"),
            format!("{path}?kenteken=11ZKZ3&kenteken={BSN}"),
            format!("{path}?kenteken=11ZKZ3%20{BSN}"),
            format!("{path}?$where=kenteken='{BSN}'"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bsn_leaves_through_the_look_up_of_a_company() {
    let profile = "/api/v1/basisprofielen";
    no_bsn_leaves(
        "trade-register-kvk",
        &format!("{profile}/69599084"),
        &[
            format!("{profile}/{BSN}"),
            format!("{profile}/69599084%20{BSN}"),
            format!("/api/v2/zoeken?kvkNummer={BSN}"),
            format!("/api/v2/zoeken?rsin={BSN}"),
            format!("/api/v2/zoeken?naam={BSN}"),
            format!("/api/v2/zoeken?naam=Jan+Jansen+{BSN}&plaats=Ede"),
            "/api/v2/zoeken?naam=1234.56.782".to_owned(),
            format!("/api/v2/zoeken?naam=NL{BSN}B01"),
            format!("/api/v2/zoeken?naam=Ede&plaats={BSN}"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bsn_leaves_through_the_look_up_of_an_address() {
    let path = "/maps/api/geocode/json";
    no_bsn_leaves(
        "geocode-google",
        &format!("{path}?address=Voordijk%2012%2C%20Leiden&components=country%3ANL&language=nl"),
        &[
            format!("{path}?address={BSN}"),
            format!("{path}?address=Jan%20Jansen%20{BSN}%2C%20Leiden"),
            format!("{path}?address=123-456-782"),
            format!("{path}?address=Leiden&components=bsn%3A{BSN}"),
            format!("{path}?address=Leiden&language={BSN}"),
            format!("{path}?address=Leiden&region={BSN}"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bsn_in_a_query_that_a_connector_passes_on_is_stopped_by_its_rule() {
    let party = Party::start(|_, _| (200, b"{}".to_vec())).await;
    let clients = plugin("trade-register-kvk", party.port, "")
        + &plugin("geocode-google", party.port, "")
        + &plugin("vehicle-rdw", party.port, "");
    let host = host(&clients).await;
    let url = |path: &str| format!("http://party.test:{}{path}", party.port);
    let stopped = |path: &str| {
        format!(
            "the host does not allow {} (ErrorCode::HttpRequestDenied); the log of the run says why",
            url(path)
        )
    };
    for (client, query, expected) in [
        (
            "trade-register-kvk",
            json!({"naam": format!("Jansen {BSN}"), "plaats": "Ede"}),
            stopped("/api/v2/zoeken"),
        ),
        (
            "geocode-google",
            json!({"street": format!("Voordijk {BSN}"), "city": "Leiden"}),
            stopped("/maps/api/geocode/json"),
        ),
        // These two do not let it get that far themselves.
        (
            "trade-register-kvk",
            json!({"kvkNummer": BSN}),
            "invalid input: kvkNummer must have eight digits".to_owned(),
        ),
        (
            "vehicle-rdw",
            json!({"licensePlateNumber": BSN}),
            "invalid input: licensePlateNumber must have six letters or digits".to_owned(),
        ),
    ] {
        let report = host.lookup(client, &query).await;
        let log = format!("{:?}", report.log);
        assert!(!log.contains(BSN), "{log}");
        assert_eq!(error(report), expected);
    }
    assert_eq!(party.seen().len(), 0);
    let denials = host.denials().await;
    let pattern = |list: &str| format!("http: query = {{ {list}");
    assert_eq!(denials.len(), 2);
    for (denial, start, line) in [
        (
            &denials[0],
            format!(
                "query parameter \"naam\" holds what can be a BSN (citizen service number), refused by the rule for {}; to allow it, write in that rule in [clients.trade-register-kvk] ",
                url("/api/v2/zoeken")
            ),
            pattern("kvkNummer = \"[0-9]{8}\", naam = { pattern = \""),
        ),
        (
            &denials[1],
            format!(
                "query parameter \"address\" holds what can be a BSN (citizen service number), refused by the rule for {}; to allow it, write in that rule in [clients.geocode-google] ",
                url("/maps/api/geocode/json")
            ),
            pattern("address = { pattern = \""),
        ),
    ] {
        assert!(denial.starts_with(&format!("{start}{line}")), "{denial}");
    }
}
