//! What others wrote is shown as text, whatever it is.

use super::pages::worked;
use super::{Browser, of, words};
use crate::harness::employer;
use koppel_host::ledger::{Context, Entry, Kind};
use uuid::Uuid;

const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";

/// A connector whose name, settings and rules are hostile.
fn connector() -> String {
    let path = crate::harness::component("guests/clerk.wasm");
    let evil = EVIL.replace('"', "\\\"");
    format!(
        "[clients.evil]\ncomponent = {path:?}\nactivities = [\"PatchJournalRunByJournalRunId\"]\n\
         settings = {{ \"{evil}\" = \"{evil}\", ends = \"marked\" }}\n"
    )
}

#[track_caller]
fn escaped(path: &str, html: &str) {
    assert!(!html.contains("<script>alert"), "{path}: {html}");
    assert!(!html.contains("<img"), "{path}: {html}");
    assert!(html.contains("&#60;script&#62;alert(1)"), "{path}: {html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_settings_and_messages_are_shown_as_text() {
    let rest = worked(&connector()).await;
    // The name of an employer, in the payroll data.
    let data = rest.dir.path().join("data/koppel.db");
    rusqlite::Connection::open(data)
        .unwrap()
        .execute(
            "UPDATE employer SET company_name = ?1 WHERE id = ?2",
            [EVIL, &employer(1).to_string()],
        )
        .unwrap();
    // What a connector exchanged.
    let ledger = rest.host.ledger();
    let context = || Context {
        run: Uuid::from_u128(7),
        client: EVIL.to_owned(),
        user: EVIL.to_owned(),
        employer: employer(1),
    };
    let entry = Entry {
        headers: vec![(EVIL.to_owned(), EVIL.to_owned())],
        body: format!("<a b=\"{EVIL}\">{EVIL}</a>").into_bytes(),
        outcome: Some(EVIL.to_owned()),
        activity: Some(EVIL.to_owned()),
        ..Entry::new(context(), Kind::ExportFile, EVIL.to_owned())
    };
    let seq = ledger.append(entry).await.unwrap();
    let message = ledger.row(seq).await.unwrap().unwrap().0.id;
    let denial = Entry {
        activity: Some(EVIL.to_owned()),
        check: Some("user".to_owned()),
        ..Entry::new(context(), Kind::Denial, EVIL.to_owned())
    };
    ledger.append(denial).await.unwrap();

    let browser = Browser::of(&rest, "anna").await;
    for path in [
        of(1, ""),
        of(1, "/runs"),
        "/console/all/employers".to_owned(),
        "/console/all/why".to_owned(),
        "/console/all/messages".to_owned(),
        format!("/console/all/messages/{message}"),
        "/console/all/connectors/evil".to_owned(),
        format!("/console/all/employers?name={}", encoded()),
        format!("/console/all/runs?client={}", encoded()),
        format!("/console/all/connectors/{}", encoded()),
    ] {
        escaped(&path, &browser.get(&path).await.text());
    }
    // What is filled in comes back as text, too.
    let form = [
        ("client", EVIL),
        ("kind", "lookup"),
        ("key", EVIL),
        ("request", EVIL),
        ("journalRunId", EVIL),
    ];
    let again = browser.post(&of(1, "/runs/new"), &form).await;
    assert_eq!(again.status, 400);
    escaped("again", &again.text());
    // The exact bytes are a file, and no page.
    let path = format!("/console/all/messages/{message}/content");
    let file = browser.get(&path).await;
    assert_eq!(file.header("content-type"), "application/octet-stream");
    assert_eq!(file.header("content-disposition"), "attachment");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(
        file.body,
        format!("<a b=\"{EVIL}\">{EVIL}</a>").into_bytes()
    );
}

fn encoded() -> String {
    url::form_urlencoded::byte_serialize(EVIL.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_provider_that_refuses_a_login_are_text() {
    let rest = worked("").await;
    let browser = Browser::new(&rest);
    let sent = browser.get("/console/login").await;
    let to = url::Url::parse(sent.header("location")).unwrap();
    let state = to
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1;
    let path = format!(
        "/console/callback?state={state}&error=x&error_description={}",
        encoded()
    );
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, 403);
    escaped(&path, &answer.text());
    assert!(words(&answer.text()).contains("You are not logged in"));
}
