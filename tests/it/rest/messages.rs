//! Consulting what was sent, received and denied.

mod checks;
mod lists;

use super::{Rest, issuing};
use crate::cli::{json as output, koppel, text};
use crate::harness::{employer, plugin};
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
async fn bytes_that_were_changed_are_not_given_and_the_row_is_named() {
    let sent = sent().await;
    let anna = sent.rest.token("anna").await;
    let list = sent.list(&anna, 1, "").await;
    let (export, request) = (id(&items(&list)[8]), id(&items(&list)[0]));
    let row = sent.row(|row| row.id.to_string() == export).await;
    sent.tamper(&format!(
        "UPDATE content SET body = CAST('<a/>' AS BLOB) WHERE seq = {}",
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
