//! What is taken back on one host is denied on all.

use super::{EXACT, Installation, Party, clients};
use koppel_host::durable::State;

const SEEN: &str = "the revocations were replaced";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_on_one_host_is_denied_on_all() {
    let party = Party::start().await;
    let Some(installation) = Installation::new(8, &clients(party.port, "", ""), "").await else {
        return;
    };
    let (folders, _hosts) = installation.three();
    let first = installation.book(1).await;
    super::super::until(&installation.office, first.id, &[State::Succeeded]).await;

    let revoke = [
        "revoke",
        "--client",
        EXACT,
        "--by",
        "the operator",
        "--reason",
        "it leaked",
    ];
    let revoked = installation.koppel(&revoke);
    assert!(revoked.status.success(), "{revoked:?}");
    let all = installation.office.revocations().await.unwrap();
    assert_eq!((all.len(), all[0].why.as_str()), (1, "it leaked"));
    let took = Installation::reached(&folders, SEEN, 1, all[0].time.parse().unwrap()).await;
    println!(
        "a revocation reached three hosts within {:.1} ms",
        took.as_secs_f64() * 1e3
    );

    let second = installation.book(2).await;
    let denied = super::super::until(&installation.office, second.id, &[State::Failed]).await;
    let error = denied.error.unwrap();
    assert_eq!(error.code, "denied");
    assert!(
        error
            .message
            .contains("was taken back from client \"journal-exact\""),
        "{}",
        error.message
    );
    assert_eq!(party.told(|kept| kept.entries.len()), 1);
    // A host that starts now knows it, too.
    let clients = installation.koppel(&["revocations"]);
    assert!(String::from_utf8_lossy(&clients.stdout).contains("it leaked"));

    let restored = installation.koppel(&["restore", "--client", EXACT]);
    assert!(restored.status.success(), "{restored:?}");
    Installation::reached(&folders, SEEN, 2, jiff::Timestamp::now()).await;
    let retried = installation.koppel(&[
        "runs",
        "retry",
        &second.id.to_string(),
        "--user",
        super::ANNA,
    ]);
    assert!(retried.status.success(), "{retried:?}");
    super::super::until(&installation.office, second.id, &[State::Succeeded]).await;

    let again = installation.koppel(&["restore", "--client", EXACT]);
    let text = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        text.contains("client \"journal-exact\" was not taken back"),
        "{text}"
    );
    let misspelt = [
        "revoke",
        "--client",
        "journal-exakt",
        "--by",
        "x",
        "--reason",
        "y",
    ];
    let misspelt = installation.koppel(&misspelt);
    let text = String::from_utf8_lossy(&misspelt.stderr).into_owned();
    assert!(
        text.contains("there is no client \"journal-exakt\""),
        "{text}"
    );
}
