//! Consulting what was sent, received and denied.

use super::{Answer, Rest, failed, forbidden, issuing};
use crate::cli::{json as output, koppel, text};
use crate::harness::{all_activities, employer, plugin};
use crate::journal::XAF;
use crate::journal::exact::{Shared, exact_client};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use koppel_host::ledger::{Filter, Row};
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const LIST: &str = "GetMessagesByEmployerId";
const ONE: &str = "GetMessageByMessageId";
const CONTENT: &str = "GetMessageContentByMessageId";
const DENIALS: &str = "GetDenialsByEmployerId";

/// A server with both connectors, and what they booked and exported: for
/// employer 1 a journal run each, for employer 2 an export.
struct Sent {
    rest: Rest,
    exact: Shared,
    /// The runs, in that order.
    runs: [Uuid; 3],
}

async fn sent() -> Sent {
    let (exact, client) = exact_client().await;
    let clients = format!("{client}\n{}", plugin("journal-xaf", XAF));
    let rest = Rest::with(&issuing(&clients)).await;
    std::fs::write(rest.dir.path().join("token"), "exact-token-1\n").unwrap();
    let mut runs = [Uuid::nil(); 3];
    let jobs = [
        ("journal-exact", 1, 6),
        ("journal-xaf", 1, 7),
        ("journal-xaf", 2, 6),
    ];
    for (run, (client, of, period)) in runs.iter_mut().zip(jobs) {
        let request = RunRequest {
            client: client.to_owned(),
            user: "anna".to_owned(),
            employer: employer(of),
            job: Job::ProcessJournalRun(seed::journal_run_id(of, period)),
        };
        let report = rest.host.run(request).await;
        report.outcome.unwrap();
        *run = report.run;
    }
    Sent { rest, exact, runs }
}

fn of_employer(of: usize) -> String {
    format!("/providers/employers/{}/messages", employer(of))
}

fn one(id: &str) -> String {
    format!("/providers/employers/messages/{id}")
}

fn content(id: &str) -> String {
    format!("{}/content", one(id))
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The items of a list.
fn items(body: &Value) -> &Vec<Value> {
    body["_embedded"].as_array().unwrap()
}

fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap()
}

impl Sent {
    async fn list(&self, token: &str, of: usize, query: &str) -> Value {
        let path = format!("{}{query}", of_employer(of));
        self.rest.get(token, &path).await.with(200)
    }

    /// A row of the ledger that is no message of employer 1, by its summary.
    async fn row(&self, is: impl Fn(&Row) -> bool) -> Row {
        let rows = self.rest.host.ledger().rows(Filter::default()).await;
        rows.unwrap().into_iter().find(is).unwrap()
    }

    /// Changes the ledger behind the back of the host.
    fn tamper(&self, sql: &str) {
        let path = self.rest.dir.path().join("data/ledger.db");
        let connection = rusqlite::Connection::open(path).unwrap();
        connection
            .execute_batch(&format!(
                "DROP TRIGGER ledger_never_changes; DROP TRIGGER ledger_never_forgets; {sql}"
            ))
            .unwrap();
    }

    /// What the command prints on standard output, on the same ledger.
    fn command(&self, arguments: &[&str]) -> std::process::Output {
        koppel(self.rest.dir.path(), arguments)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_and_came_back_is_had_to_the_byte_by_rest_and_by_the_command() {
    let sent = sent().await;
    let token = sent.rest.token("anna").await;
    let body = sent.list(&token, 1, "").await;
    // Three times GET and once POST, each with its reply, and a file.
    let kinds: Vec<&str> = items(&body)
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    let exchange = ["request", "response"];
    assert_eq!(kinds, [&exchange.repeat(4)[..], &["export-file"]].concat());
    assert_eq!(body["totalSize"], 9);

    // What the party received, what it replied, and what is on disk.
    let received = sent.exact.lock().unwrap().bodies[0].clone();
    let replied = json!({"d": {"EntryID": "entry-1"}}).to_string();
    let file = items(&body)[8]["summary"].as_str().unwrap();
    let on_disk = std::fs::read(sent.rest.dir.path().join("exports").join(file)).unwrap();
    let post = items(&body)
        .iter()
        .position(|item| item["kind"] == "request" && is_post(item))
        .unwrap();
    let (request, reply, export) = (
        &items(&body)[post],
        &items(&body)[post + 1],
        &items(&body)[8],
    );
    for (item, bytes, name) in [
        (request, &received, format!("request-{}.bin", id(request))),
        (
            reply,
            &replied.into_bytes(),
            format!("response-{}.bin", id(reply)),
        ),
        (export, &on_disk, file.to_owned()),
    ] {
        let answer = sent.rest.get(&token, &content(id(item))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(&answer.body, bytes, "{item}");
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(
            answer.header("content-disposition"),
            format!("attachment; filename=\"{name}\"")
        );
        assert_eq!(
            answer.header("repr-digest"),
            format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)))
        );
        assert_eq!(item["contentSha256"], sha256(bytes));
        assert_eq!(item["contentSize"], bytes.len());
        assert_eq!(item["contentAvailable"], true);

        let saved = sent.rest.dir.path().join("saved");
        let done = sent.command(&[
            "--json",
            "messages",
            id(item),
            "--output",
            "saved",
            "--force",
        ]);
        assert_eq!(output(&done)["sha256"], sha256(bytes));
        assert_eq!(&std::fs::read(saved).unwrap(), bytes);
    }

    // One message tells all that is known of it.
    let details = sent.rest.get(&token, &one(id(request))).await.with(200);
    let mut details = details["content"].as_object().unwrap().clone();
    let row = sent.row(|row| row.id.to_string() == id(request)).await;
    assert_eq!(details.remove("ledgerHash"), Some(json!(row.hash)));
    let headers = details.remove("headers").unwrap();
    let header = |name: &str| {
        let all = headers.as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(&Value::from(details), request);
    assert_eq!(request["exchangeId"], reply["exchangeId"]);
    assert_eq!(request["runId"], sent.runs[0].to_string());
    assert_eq!(request["employerId"], employer(1).to_string());
    assert_eq!(
        (&request["client"], &request["user"]),
        (&json!("journal-exact"), &json!("anna"))
    );
    assert_eq!(
        request["activity"],
        "PostSendJournalRunExportByJournalRunId"
    );
    assert_eq!(
        (&request["status"], &reply["status"]),
        (&Value::Null, &json!(201))
    );
    assert_eq!(export["outcome"], "written");
    // Redacted stays redacted.
    for item in items(&body) {
        let answer = sent.rest.get(&token, &one(id(item))).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains("exact-token-1"), "{item}");
    }
}

fn is_post(item: &Value) -> bool {
    item["summary"].as_str().unwrap().starts_with("POST ")
}

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
async fn each_check_that_can_deny_denies_consulting() {
    let sent = sent().await;
    let anna = sent.rest.token("anna").await;
    let list = sent.list(&anna, 1, "").await;
    let message = id(&items(&list)[8]).to_owned();
    let list = sent.list(&anna, 2, "").await;
    let of_another = id(&items(&list)[0]).to_owned();
    let paths = |of: usize, message: &str| {
        [
            (LIST, of_employer(of)),
            (ONE, one(message)),
            (CONTENT, content(message)),
            (
                DENIALS,
                format!("/providers/employers/{}/denials", employer(of)),
            ),
        ]
    };
    for (user, of, message, check) in [
        ("tim", 1, &message, "user"),
        ("rik", 1, &message, "role"),
        ("bas", 2, &of_another, "entity"),
        ("els", 2, &of_another, "entity"),
    ] {
        let token = sent.rest.token(user).await;
        for (activity, path) in paths(of, message) {
            let answer = sent.rest.get(&token, &path).await;
            let about = match activity {
                ONE | CONTENT => message.clone(),
                _ => employer(of).to_string(),
            };
            let (told, recorded) = match (check, user) {
                ("user", _) => (
                    format!("user \"tim\" has no right that gives {activity}"),
                    None,
                ),
                ("role", _) => (
                    format!("role \"reader\" has no right that gives {activity}"),
                    None,
                ),
                (_, "bas") => (
                    format!("there is no {about} that user \"bas\" may access"),
                    Some("user \"bas\" may not access this employer"),
                ),
                _ => (
                    format!("there is no {about} that user \"els\" may access"),
                    Some("user \"els\" belongs to another provider"),
                ),
            };
            assert_eq!(answer.with(403), forbidden(&told), "{user} {activity}");
            let recorded = recorded.map_or(told, ToOwned::to_owned);
            assert_eq!(
                sent.rest.denials().await.pop().unwrap(),
                (activity.to_owned(), check.to_owned(), recorded)
            );
        }
    }
    // Nothing of it needs a module: what was exchanged can be consulted after
    // the module was turned off.
    let els = sent.rest.token("els").await;
    assert_eq!(sent.list(&els, 4, "").await["totalSize"], 0);
    // The first check: the application.
    for (activity, path) in paths(1, &message) {
        assert_eq!(sent.rest.get(&anna, &path).await.status, 200);
        let all = all_activities();
        let less = all
            .replace(&format!("\"{activity}\", "), "")
            .replace(&format!(", \"{activity}\""), "");
        assert_ne!(all, less);
        sent.rest.reconfigure(&issuing("").replacen(&all, &less, 1));
        let reason = format!("client \"hr-portal\" was not granted {activity}");
        let answer = sent.rest.get(&anna, &path).await;
        assert_eq!(answer.with(403), forbidden(&reason));
        assert_eq!(
            sent.rest.denials().await.pop().unwrap(),
            (activity.to_owned(), "client".to_owned(), reason)
        );
        sent.rest.reconfigure(&issuing(""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_employers_message_cannot_be_told_from_none() {
    let sent = sent().await;
    let anna = sent.rest.token("anna").await;
    let list = sent.list(&anna, 2, "").await;
    let hidden = id(&items(&list)[0]).to_owned();
    assert_eq!(sent.rest.get(&anna, &one(&hidden)).await.status, 200);
    let bas = sent.rest.token("bas").await;
    let missing = "b14acd0d-75d7-8fc8-8b22-4a3924585cab";
    let same = |one: &Answer, id: &str, other: &Answer| {
        assert_eq!(one.status, 403);
        assert_eq!(one.status, other.status);
        assert_eq!(
            one.text().replace(id, "id"),
            other.text().replace(missing, "id")
        );
        let headers = |answer: &Answer| {
            let mut headers: Vec<_> = answer
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.len()))
                .collect();
            headers.sort();
            headers
        };
        assert_eq!(headers(one), headers(other));
    };
    for path in [one, content] {
        let none = sent.rest.get(&bas, &path(missing)).await;
        same(&sent.rest.get(&bas, &path(&hidden)).await, &hidden, &none);
        // Nor can another row of the ledger, even one of the own employer.
        let started = sent
            .row(|row| row.kind == "run-started" && row.context.employer == employer(1))
            .await;
        let started = started.id.to_string();
        same(&sent.rest.get(&bas, &path(&started)).await, &started, &none);
        let denial = sent.row(|row| row.kind == "denial").await.id.to_string();
        same(&sent.rest.get(&bas, &path(&denial)).await, &denial, &none);
    }
    // Not in a list of the own employer either.
    let own = sent.list(&bas, 1, "").await;
    assert_eq!(own["totalSize"], 9);
    assert!(!own.to_string().contains(&hidden));
    // No number tells how much else there is.
    assert!(!own.to_string().contains("seq"));
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

#[tokio::test(flavor = "multi_thread")]
async fn denials_are_those_of_the_employer() {
    let sent = sent().await;
    let (anna, bas) = (sent.rest.token("anna").await, sent.rest.token("bas").await);
    let run = seed::journal_run_id(2, 6);
    let path = format!("/providers/employers/payrolladministrations/journalruns/{run}");
    let asked = sent.rest.get(&bas, &path).await;
    asked.with(403);
    let denials =
        |of: usize, query: &str| format!("/providers/employers/{}/denials{query}", employer(of));
    // Whose it is sees who tried what, and why it was denied.
    let body = sent.rest.get(&anna, &denials(2, "")).await.with(200);
    let [denial] = &items(&body)[..] else {
        panic!("{body}");
    };
    assert_eq!(
        (&denial["user"], &denial["client"], &denial["check"]),
        (&json!("bas"), &json!("hr-portal"), &json!("entity"))
    );
    assert_eq!(denial["activity"], "GetJournalRunByJournalRunId");
    assert_eq!(
        denial["reason"],
        "user \"bas\" may not access this employer"
    );
    assert_eq!(denial["runId"], asked.header("x-request-id"));
    let of_run = format!("?runId={}&client=hr-portal", asked.header("x-request-id"));
    let filtered = sent.rest.get(&anna, &denials(2, &of_run)).await.with(200);
    assert_eq!(items(&filtered), &[denial.clone()]);
    let none = sent.rest.get(&anna, &denials(2, "?client=none")).await;
    assert_eq!(none.with(200)["totalSize"], 0);
    // The own employer of who tried has nothing of it.
    let own = sent.rest.get(&bas, &denials(1, "")).await.with(200);
    assert_eq!(own["totalSize"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_changed_are_not_given_and_the_row_is_named() {
    let sent = sent().await;
    let anna = sent.rest.token("anna").await;
    let list = sent.list(&anna, 1, "").await;
    let (export, request) = (id(&items(&list)[8]), id(&items(&list)[0]));
    let row = sent.row(|row| row.id.to_string() == export).await;
    sent.tamper(&format!(
        "UPDATE ledger SET body = CAST('<a/>' AS BLOB) WHERE seq = {}",
        row.seq
    ));
    let answer = sent.rest.get(&anna, &content(export)).await;
    assert_eq!(
        answer.with(500)["messages"][0]["description"],
        "koppel cannot do it now; its log says why"
    );
    // The others are had as before.
    assert_eq!(sent.rest.get(&anna, &content(request)).await.status, 200);
    let number = row.seq.to_string();
    let refused = sent.command(&["messages", &number, "--output", "saved"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(
        text(&refused.stderr),
        format!(
            "error: row {number}: row {number} of the ledger: its bytes are not those that were recorded; `koppel ledger verify` names the first row that was changed\n"
        )
    );
    assert!(!sent.rest.dir.path().join("saved").exists());
    let shown = sent.command(&["messages", &number]);
    assert!(
        text(&shown.stdout).contains("its bytes are not those that were recorded"),
        "{}",
        text(&shown.stdout)
    );
    let verified = sent.command(&["ledger", "verify"]);
    assert_eq!(
        text(&verified.stderr),
        format!("error: row {number} of the ledger: its body was changed\n")
    );
    assert_eq!(verified.status.code(), Some(1));
}
