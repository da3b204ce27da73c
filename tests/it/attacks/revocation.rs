//! Grants that are taken away while a run uses them.

use super::server::{Reply, Server, against};
use super::{Arena, clients};
use crate::harness::{all_activities, answer, configuration, error};
use koppel_host::config::Reload;
use koppel_host::platform::seed;
use serde_json::json;
use std::time::Duration;

/// The guest asks again and again, and is denied for this reason as soon as
/// the configuration was changed so.
async fn revokes(change: impl FnOnce(String) -> String, check: &str, reason: &str) {
    let guest = std::fs::read(super::component("guests/probe.wasm")).unwrap();
    let arena = Arena::with(&guest, &all_activities()).await;
    let before = configuration(&clients(&all_activities()));
    let after = change(before.clone());
    assert_ne!(before, after);
    let query = json!({
        "activity": "GetJournalRunByJournalRunId",
        "id": seed::journal_run_id(1, 6),
        "again": 500,
    });
    // Loaded, so that the first call is not what waits for the compiler.
    arena.unharmed().await;
    arena
        .answer(&json!({"activity": "GetEmployersByUserId"}))
        .await;
    let run = arena.attack(&query);
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        arena.host.write_configuration(&after);
        assert!(matches!(arena.host.host.live().reload(), Reload::Replaced));
    };
    let (report, ()) = tokio::join!(run, revoke);
    let answer = answer(report);
    assert_eq!(answer["denied"], check);
    assert_eq!(answer["reason"], reason);
    let attempt = answer["attempt"].as_u64().unwrap();
    assert!((1..100).contains(&attempt), "{attempt}");
    assert_eq!(arena.host.denials().await, [reason]);
    arena.host.write_configuration(&before);
    arena.host.host.live().reload();
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_that_is_revoked_is_denied_on_the_next_call() {
    revokes(
        |text| {
            // Of the guest alone.
            let at = text.find("[clients.guest]").unwrap();
            let (head, tail) = text.split_at(at);
            head.to_owned() + &tail.replacen("\"GetJournalRunByJournalRunId\", ", "", 1)
        },
        "Check::Client",
        "client \"guest\" was not granted GetJournalRunByJournalRunId",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_removed_is_denied_on_the_next_call() {
    revokes(
        |text| text.replacen("[clients.guest]", "[clients.renamed]", 1),
        "Check::Client",
        "there is no client \"guest\"",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_blocked_is_denied_on_the_next_call() {
    revokes(
        |text| {
            text.replacen(
                "employers = \"all\"",
                "employers = \"all\"\nblocked = true",
                1,
            )
        },
        "Check::User",
        "user \"anna\" is blocked",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_is_denied_on_the_next_call() {
    revokes(
        |text| text.replacen("rights = [\"everything\"]", "rights = []", 1),
        "Check::User",
        "user \"anna\" has no right that gives GetJournalRunByJournalRunId",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_is_turned_off_is_denied_on_the_next_call() {
    revokes(
        |text| text.replacen("[\"journal\", ", "[", 1),
        "Check::Module",
        "module \"journal\" is off for this employer and for its provider",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_that_is_taken_away_is_denied_on_the_next_call() {
    revokes(
        |text| text.replacen("employers = \"all\"", "employers = []", 1),
        "Check::Entity",
        "user \"anna\" may not access this employer",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_taken_away_lets_the_next_request_not_leave() {
    let server = Server::start(|_| Reply::ok("fine")).await;
    let arena = against(
        &server,
        &[],
        "limits = { requests = 1_000, cpu-ms = 10_000 }",
    )
    .await;
    let file = arena.host.dir.path().join("platform.toml");
    let before = std::fs::read_to_string(file).unwrap();
    let after = before.replace("/api/*", "/other/*");
    let query = json!({"attack": "request-flood", "url": server.url("x")});
    let run = arena.attack(&query);
    let revoke = async {
        while server.lines().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        arena.host.write_configuration(&after);
        assert!(matches!(arena.host.host.live().reload(), Reload::Replaced));
    };
    let (report, ()) = tokio::join!(run, revoke);
    let sent = answer(report).as_u64().unwrap();
    assert!((1..1_000).contains(&sent), "{sent}");
    assert_eq!(server.lines().len() as u64, sent);
    let denial = arena.last_denial().await;
    let url = server.url("x");
    assert!(
        denial.starts_with(&format!("no rule allows GET {url};")),
        "{denial}"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_taken_away_sends_nothing() {
    let server = Server::start(|_| Reply::ok("fine")).await;
    let arena = against(&server, &[], "").await;
    let secret = arena.host.dir.path().join("secret");
    let kept = std::fs::read(&secret).unwrap();
    std::fs::remove_file(&secret).unwrap();
    assert_eq!(
        arena.get(&server.url("x")).await,
        json!({"error": "Refused(\"ErrorCode::ConfigurationError\")"})
    );
    assert_eq!(server.lines(), [] as [&str; 0]);
    std::fs::write(&secret, kept).unwrap();
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_takes_nothing_away_and_gives_nothing() {
    let guest = std::fs::read(super::component("guests/probe.wasm")).unwrap();
    let arena = Arena::with(&guest, "activities = [\"GetEmployersByUserId\"]").await;
    let file = arena.host.dir.path().join("platform.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    // Grants everything, and has a fault elsewhere.
    let more = configuration(&clients(&all_activities())) + "\n[clients.x]\n";
    arena.host.write_configuration(&more);
    assert!(matches!(arena.host.host.live().reload(), Reload::Kept(_)));
    let query = json!({"activity": "GetEmployersByUserId"});
    let text = error(arena.attack(&query).await);
    assert!(
        text.starts_with("client \"guest\": client \"guest\" is not loaded: its component imports what was not granted:\n"),
        "{text}"
    );
    arena.host.write_configuration(&before);
    arena.unharmed().await;
}
