//! What connectors exchanged with the outside.

use super::{Browser, configured, of, words};
use crate::harness::{employer, plugin};
use crate::journal::XAF;
use crate::journal::exact::exact_client;
use crate::rest::Rest;
use koppel_host::ledger::{Context, Entry, Filter, Kind};
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};
use sha2::{Digest, Sha256};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_as_it_was_exchanged_laid_out_and_as_a_file() {
    let (_exact, client) = exact_client().await;
    let clients = format!("{client}\n{}", plugin("journal-xaf", XAF));
    let rest = Rest::with(&configured(&clients)).await;
    std::fs::write(rest.dir.path().join("token"), "exact-token-1\n").unwrap();
    for (client, period) in [("journal-exact", 6), ("journal-xaf", 7)] {
        let request = RunRequest {
            client: client.to_owned(),
            user: "anna".to_owned(),
            employer: employer(1),
            job: Job::ProcessJournalRun(seed::journal_run_id(1, period)),
        };
        rest.host.run(request).await.outcome.unwrap();
    }
    let browser = Browser::of(&rest, "anna").await;
    let list = words(&browser.page("/console/all/messages").await);
    assert!(list.contains("1 to 9 of 9"), "{list}");
    let posts = browser
        .page("/console/all/messages?kind=request&client=journal-exact")
        .await;
    assert!(words(&posts).contains("1 to 4 of 4"), "{posts}");

    let filter = Filter {
        kinds: vec![Kind::Request],
        ..Filter::default()
    };
    let rows = rest.host.ledger().rows(filter).await.unwrap();
    let row = rows
        .iter()
        .find(|row| row.summary.starts_with("POST "))
        .unwrap();
    let bytes = rest.host.ledger().content(row).await.unwrap().bytes;
    let text = String::from_utf8(bytes.clone()).unwrap();
    let path = format!("/console/all/messages/{}", row.id);
    let exact = browser.page(&path).await;
    let escaped = text.replace('"', "&#34;");
    assert!(
        exact.contains(&format!("<pre tabindex=\"0\">{escaped}</pre>")),
        "{exact}"
    );
    let said = words(&exact);
    for expected in [
        "As it was exchanged. Lay it out",
        "Kind Request",
        &format!("SHA-256 {}", hex::encode(Sha256::digest(&bytes))),
        "content-type application/json",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!exact.contains("exact-token-1"));
    let pretty = browser.page(&format!("{path}?view=pretty")).await;
    assert!(
        pretty.contains("<pre tabindex=\"0\">{\n  &#34;"),
        "{pretty}"
    );
    assert!(words(&pretty).contains("Laid out for reading"), "{pretty}");
    let file = browser.get(&format!("{path}/content")).await;
    assert_eq!(file.body, bytes);
    assert_eq!(
        file.header("content-disposition"),
        format!("attachment; filename=\"request-{}.bin\"", row.id)
    );

    // The file of the other connector, as XML.
    let files = browser.page("/console/all/messages?kind=export-file").await;
    let link = files
        .split(&format!("href=\"{}", "/console/all/messages/"))
        .nth(1);
    let id = link.unwrap().split('"').next().unwrap();
    let xaf = browser.page(&format!("/console/all/messages/{id}")).await;
    assert!(xaf.contains("&#60;auditfile"), "{xaf}");
    let file = browser
        .get(&format!("/console/all/messages/{id}/content"))
        .await;
    assert!(file.body.starts_with(b"<?xml"));
    // Of the run of that message alone.
    let of_run = words(
        &browser
            .page(&format!("/console/all/messages?runId={}", row.context.run))
            .await,
    );
    assert!(of_run.contains("1 to 8 of 8"), "{of_run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_shown_in_hexadecimal_and_what_is_long_in_part() {
    let rest = Rest::with(&configured("")).await;
    let context = || Context {
        run: Uuid::from_u128(1),
        client: "a".to_owned(),
        user: "anna".to_owned(),
        employer: employer(1),
    };
    let mut ids = Vec::new();
    for body in [
        vec![0, 159, 146, 150],
        // A character lies across the border.
        format!("{}€{}", "x".repeat((256 << 10) - 1), "y".repeat(10)).into_bytes(),
    ] {
        let entry = Entry {
            body,
            ..Entry::new(context(), Kind::ExportFile, "a.bin".to_owned())
        };
        let seq = rest.host.ledger().append(entry).await.unwrap();
        ids.push(rest.host.ledger().row(seq).await.unwrap().unwrap().0.id);
    }
    let browser = Browser::of(&rest, "anna").await;
    let binary = words(&browser.page(&of(1, &format!("/messages/{}", ids[0]))).await);
    assert!(
        binary.contains("It is no text: shown in hexadecimal."),
        "{binary}"
    );
    assert!(binary.contains("00000000 00 9f 92 96"), "{binary}");
    let long = browser.page(&of(1, &format!("/messages/{}", ids[1]))).await;
    assert!(words(&long).contains("Only the first 262144 of 262156 bytes are shown."));
    assert!(!long.contains('€') && !long.contains("yyy"));
}
