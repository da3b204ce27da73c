//! What is chosen from the list of messages, and what is no choice.

use super::super::{failed, forbidden};
use super::{LIST, id, items, of_employer, sent};
use crate::harness::employer;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_restricted_by_connector_run_kind_and_period() {
    let sent = sent().await;
    let token = sent.rest.token("anna").await;
    let all = sent.list(&token, 1, "").await;
    let all: Vec<&str> = items(&all).iter().map(id).collect();
    let ids = async |of: usize, query: &str| {
        let body = sent.list(&token, of, query).await;
        assert_eq!(body["totalSize"], items(&body).len(), "{query}");
        let ids = items(&body).iter().map(|item| id(item).to_owned());
        ids.collect::<Vec<_>>()
    };
    let [booked, exported, of_another] = sent.runs;
    for (query, expected) in [
        ("?client=journal-exact".to_owned(), &all[..8]),
        ("?client=journal-xaf".to_owned(), &all[8..]),
        ("?client=none".to_owned(), &[]),
        ("?client=journal-%25".to_owned(), &[]),
        (format!("?runId={booked}"), &all[..8]),
        (format!("?runId={exported}"), &all[8..]),
        // A run of another employer gives nothing here.
        (format!("?runId={of_another}"), &[]),
        ("?kind=export-file".to_owned(), &all[8..]),
        (format!("?kind=request&runId={exported}"), &[]),
        ("?since=2000-01-01&until=9999-01-01".to_owned(), &all[..]),
        ("?since=9999-01-01".to_owned(), &[]),
        ("?until=2000-01-01".to_owned(), &[]),
    ] {
        assert_eq!(ids(1, &query).await, expected, "{query}");
    }
    assert_eq!(ids(1, "?kind=request").await.len(), 4);
    assert_eq!(ids(1, "?kind=response").await.len(), 4);
    assert_eq!(ids(2, "").await.len(), 1);
    assert_eq!(ids(3, "").await, [] as [&str; 0]);

    // A period holds its beginning, and not its end.
    let file = sent.row(|row| row.id.to_string() == all[8]).await;
    let time = &file.time;
    let later = time.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_micros(1);
    let [since, until] = ["since", "until"].map(|name| format!("?{name}={time}"));
    assert_eq!(ids(1, &since).await, all[8..]);
    assert_eq!(ids(1, &until).await, all[..8]);
    assert_eq!(ids(1, &format!("?since={later}")).await, [] as [&str; 0]);
    assert_eq!(
        ids(1, &format!("?since={time}&until={later}")).await,
        all[8..]
    );
    // The same moment with an offset.
    let amsterdam = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    let there = time.parse::<jiff::Timestamp>().unwrap();
    let there = amsterdam.to_datetime(there);
    assert_eq!(ids(1, &format!("?since={there}%2B01:00")).await, all[8..]);

    // Pages of what remains.
    let page = sent
        .list(&token, 1, "?client=journal-exact&pageSize=3&pageNumber=3")
        .await;
    assert_eq!(
        items(&page).iter().map(id).collect::<Vec<_>>(),
        all[6..8],
        "the third page of eight"
    );
    assert_eq!(
        (
            &page["totalSize"],
            &page["totalPages"],
            &page["currentPage"]
        ),
        (&json!(8), &json!(3), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_filter_is_refused_and_all_of_it_is_named() {
    let sent = sent().await;
    let anna = sent.rest.token("anna").await;
    let problems = async |query: &str| {
        let path = format!("{}?{query}", of_employer(1));
        sent.rest.get(&anna, &path).await.problems(400)
    };
    let moment = "must be a date such as 2026-01-31, or date, time and offset such as 2026-01-31T09:30:00Z, not";
    for (query, expected) in [
        (
            "kind=denial",
            vec!["kind: must be one of request, response, export-file, not \"denial\"".to_owned()],
        ),
        (
            "runId=1",
            vec!["runId: must be a UUID in hyphenated lower-case form".to_owned()],
        ),
        (
            "since=yesterday&until=2026-13-01&kind=",
            vec![
                "kind: must be one of request, response, export-file, not \"\"".to_owned(),
                format!("since: {moment} \"yesterday\""),
                format!("until: {moment} \"2026-13-01\""),
            ],
        ),
        (
            "since=2026-01-31T09:30:00+01:00",
            vec![format!(
                "since: {moment} \"2026-01-31T09:30:00 01:00\" (in a URL, write + as %2B)"
            )],
        ),
        (
            "since=2026-02-01&until=2026-02-01",
            vec!["until: must be after 2026-02-01T00:00:00Z, where the period begins".to_owned()],
        ),
        (
            "user=anna",
            vec!["user: is not a parameter of this resource".to_owned()],
        ),
        (
            "kind=request&kind=response",
            vec!["kind: is there more than once".to_owned()],
        ),
    ] {
        assert_eq!(problems(query).await, expected, "{query}");
    }
    let path = format!("/providers/employers/{}/denials?kind=denial", employer(1));
    assert_eq!(
        sent.rest.get(&anna, &path).await.with(400),
        failed(
            400,
            "BrokenBusinessRule",
            "kind: is not a parameter of this resource",
            &["kind"]
        )
    );
    // Who may not ask learns nothing of it.
    let tim = sent.rest.token("tim").await;
    let path = format!("{}?kind=denial", of_employer(1));
    assert_eq!(
        sent.rest.get(&tim, &path).await.with(403),
        forbidden(&format!("user \"tim\" has no right that gives {LIST}"))
    );
}
