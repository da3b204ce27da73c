//! What belongs to others: other employers, other clients, other runs; and a
//! client that acts for a user who may not, or a user through a client that
//! may not.

use super::{Arena, Guest, anything};
use crate::harness::{ANNA, all_activities, answer, configuration, employer, error, plugin};
use koppel_host::config::Reload;
use koppel_host::ledger::Kind;
use koppel_host::platform::{DeclarationKind, seed};
use koppel_host::runs::Job;
use serde_json::{Value, json};
use std::time::Duration;

/// Each is denied by check entity, and recorded.
async fn denied(asked: &[(&str, String)], of: usize, user: &str, reason: &str) {
    let arena = Arena::guest("probe").await;
    for (activity, id) in asked {
        let query = json!({"activity": activity, "id": id});
        let answer = answer(arena.host.lookup_as("guest", user, of, &query).await);
        let expected = json!({"denied": "Check::Entity", "activity": activity, "reason": reason});
        assert_eq!(answer, expected);
    }
    let rows = arena.host.rows(&[Kind::Denial]).await;
    assert_eq!(rows.len(), asked.len());
    assert!(
        rows.iter()
            .all(|row| row.check.as_deref() == Some("entity"))
    );
    arena.unharmed().await;
}

const OTHER: &str = "it belongs to another employer than the one that this run is for";

#[tokio::test(flavor = "multi_thread")]
async fn another_employer_is_denied_even_to_a_user_who_may_access_both() {
    denied(
        &[
            ("GetEmployerByEmployerId", employer(2).to_string()),
            ("GetEmployeesByEmployerId", employer(2).to_string()),
            (
                "GetPayrollAdministrationsByEmployerId",
                employer(2).to_string(),
            ),
        ],
        1,
        ANNA,
        OTHER,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_another_employer_is_denied() {
    let employee = seed::employee_id(2, 1).to_string();
    denied(
        &[("GetCitizenServiceNumberByEmployeeId", employee)],
        1,
        ANNA,
        OTHER,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_run_of_another_employer_is_denied() {
    let run = seed::journal_run_id(2, 6).to_string();
    denied(
        &[
            ("GetJournalRunByJournalRunId", run.clone()),
            ("GetJournalRunResultsByJournalRunId", run.clone()),
            ("PatchJournalRunByJournalRunId", run),
        ],
        1,
        ANNA,
        OTHER,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_of_another_employer_is_denied() {
    let arena = Arena::guest("probe").await;
    let tax = arena
        .host
        .sent(DeclarationKind::PayrollTaxReturn, 2, 1)
        .await;
    for activity in [
        "GetPayrollTaxReturnByPayrollTaxReturnId",
        "GetMessageByPayrollTaxReturnId",
        "PostSendResponseMessageByPayrollTaxReturnId",
    ] {
        let answer = arena
            .answer(&json!({"activity": activity, "id": tax}))
            .await;
        let expected = json!({"denied": "Check::Entity", "activity": activity, "reason": OTHER});
        assert_eq!(answer, expected);
    }
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_of_another_provider_is_denied() {
    // Els is of the other provider: not even a run for employer 1 gets her in.
    denied(
        &[("GetEmployerByEmployerId", employer(1).to_string())],
        1,
        "els",
        "user \"els\" belongs to another provider",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_that_the_user_may_not_access_is_denied() {
    denied(
        &[("GetEmployerByEmployerId", employer(2).to_string())],
        2,
        "bas",
        "user \"bas\" may not access this employer",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_identifiers_tells_nothing_to_who_may_not_ask() {
    // Tim has no right to journal runs: one that exists, one of another
    // employer, one that does not exist and nonsense get the same answer.
    let arena = Arena::guest("probe").await;
    let mut answers = Vec::new();
    for id in [
        seed::journal_run_id(1, 6).to_string(),
        seed::journal_run_id(2, 6).to_string(),
        "b14acd0d-75d7-4fc8-8b22-4a3924585cab".to_owned(),
        "nonsense".to_owned(),
    ] {
        let query = json!({"activity": "GetJournalRunByJournalRunId", "id": id});
        answers.push(answer(
            arena.host.lookup_as("guest", "tim", 1, &query).await,
        ));
    }
    let expected = json!({
        "denied": "Check::User",
        "activity": "GetJournalRunByJournalRunId",
        "reason": "user \"tim\" has no right that gives GetJournalRunByJournalRunId",
    });
    assert_eq!(answers, vec![expected; 4]);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_nobody_is_denied() {
    let arena = Arena::guest("probe").await;
    for (user, reason) in [
        ("nobody", "there is no user \"nobody\""),
        ("", "there is no user \"\""),
        ("ANNA", "there is no user \"ANNA\""),
        ("anna\0", "there is no user \"anna\\0\""),
        ("weg", "user \"weg\" is blocked"),
    ] {
        let query = json!({"activity": "GetEmployersByUserId"});
        let answer = answer(arena.host.lookup_as("guest", user, 1, &query).await);
        assert_eq!(answer["denied"], "Check::User");
        assert_eq!(answer["reason"], reason.replace("\\0", "\0"));
    }
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_another_client_placed_is_unknown() {
    let flowers = plugin(
        "flowers-fleurtjedag",
        &format!(
            "{}\nhttp = [{{ allow = \"http://party.test:1/*\", methods = [\"GET\", \"POST\"], activity = \"PostSendJournalRunExportByJournalRunId\" }}]\nsettings = {{ base-url = \"http://party.test:1\" }}",
            all_activities()
        ),
    );
    let guest = std::fs::read(super::component("guests/probe.wasm")).unwrap();
    let clients = super::clients(&all_activities()) + &flowers;
    let arena = Arena::configured(&guest, &clients).await;
    // A run that exists, of another client and not even an order.
    let run = arena
        .attack(&json!({"activity": "GetEmployersByUserId"}))
        .await
        .run;
    let cancel = arena
        .host
        .run("flowers-fleurtjedag", ANNA, 1, Job::Cancel(run))
        .await;
    assert_eq!(
        error(cancel),
        format!(
            "client \"flowers-fleurtjedag\" placed no order {run} for employer {}",
            employer(1)
        )
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_one_run_is_not_that_of_the_next() {
    // The first fills 32 MiB, the second looks for anything but zeros.
    let guest = Guest::new(
        "(drop (memory.grow (i32.const 512)))
         (if (i32.eq (local.get $query_length) (i32.const 2))
            (then
                (memory.fill (i32.const 131072) (i32.const 0xaa) (i32.const 33554432))
                (return (call $done))))
         (local.set $a (i32.const 131072))
         (loop $next
            (if (i64.ne (i64.load (local.get $a)) (i64.const 0))
                (then (local.set $x (i64.add (local.get $x) (i64.const 1)))))
            (local.set $a (i32.add (local.get $a) (i32.const 8)))
            (br_if $next (i32.lt_u (local.get $a) (i32.const 33685504))))
         (call $number (local.get $x))",
    );
    let limits = super::granted("limits = { cpu-ms = 5_000 }");
    let arena = Arena::with(&guest.build(), &limits).await;
    for _ in 0..3 {
        assert_eq!(arena.answer(&json!({})).await, "done");
        let report = arena
            .host
            .lookup_as("guest", "bas", 1, &json!({"scan": 1}))
            .await;
        assert_eq!(answer(report), 0);
    }
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn globals_and_tables_of_one_run_are_not_those_of_the_next() {
    // Counts its runs in a global, and in the length of a table.
    let guest = Guest::new(
        "(global.set $runs (i32.add (global.get $runs) (i32.const 1)))
         (drop (table.grow $t (ref.null func) (i32.const 1)))
         (call $number (i64.extend_i32_u (i32.add
            (i32.mul (global.get $runs) (i32.const 10)) (table.size $t))))",
    )
    .more("(global $runs (mut i32) (i32.const 0)) (table $t 1 funcref)");
    let arena = Arena::new(&guest.build()).await;
    for _ in 0..3 {
        assert_eq!(arena.answer(&anything()).await, 12);
    }
    arena.unharmed().await;
}

/// Which of the five checks are red, in their order.
type Combination = [bool; 5];

/// The configuration in which these checks are red for Anna and the guest, on
/// a journal run of employer 1.
fn combined(red: Combination) -> String {
    const ACTIVITY: &str = "\"GetJournalRunByJournalRunId\", ";
    let [client, user, role, module, entity] = red;
    let mut lines = all_activities();
    if client {
        lines = lines.replacen(ACTIVITY, "", 1);
    }
    let mut text = configuration(&super::clients(&lines));
    // The first user is Anna.
    let mut change = |red: bool, from: &str, to: &str| {
        if red {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
    };
    change(
        user,
        "rights = [\"everything\"]",
        "rights = [\"employers\"]",
    );
    change(role, "role = \"professional\"", "role = \"reader\"");
    change(
        module,
        "[\"journal\", \"payroll-tax-return\"",
        "[\"payroll-tax-return\"",
    );
    change(entity, "employers = \"all\"", "employers = []");
    text
}

/// Performs the activity through a component until it is denied, while the
/// configuration becomes this one.
async fn combination(arena: &Arena, red: Combination) -> Value {
    let reload = |text: &str| {
        arena.host.write_configuration(text);
        let reload = arena.host.host.live().reload();
        assert!(matches!(reload, Reload::Replaced), "{text}");
    };
    reload(&combined([false; 5]));
    let query = json!({
        "activity": "GetJournalRunByJournalRunId",
        "id": seed::journal_run_id(1, 6),
        "again": if red == [false; 5] { 10 } else { 500 },
    });
    let run = arena.attack(&query);
    let change = async {
        tokio::time::sleep(Duration::from_millis(25)).await;
        reload(&combined(red));
    };
    let (report, ()) = tokio::join!(run, change);
    answer(report)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_combination_of_the_five_checks_is_decided_by_its_first_red_one() {
    let guest = std::fs::read(super::component("guests/probe.wasm")).unwrap();
    let arena = Arena::with(&guest, &all_activities()).await;
    let checks = [
        (
            "Check::Client",
            "client \"guest\" was not granted GetJournalRunByJournalRunId",
        ),
        (
            "Check::User",
            "user \"anna\" has no right that gives GetJournalRunByJournalRunId",
        ),
        (
            "Check::Role",
            "role \"reader\" has no right that gives GetJournalRunByJournalRunId",
        ),
        (
            "Check::Module",
            "module \"journal\" is off for this employer and for its provider",
        ),
        (
            "Check::Entity",
            "user \"anna\" may not access this employer",
        ),
    ];
    for bits in 0..32_u8 {
        let red: Combination = std::array::from_fn(|check| bits & (1 << check) != 0);
        let answer = combination(&arena, red).await;
        let first = red.iter().position(|red| *red);
        match first {
            None => assert!(answer["item"].is_string(), "{answer}"),
            Some(first) => {
                let (check, reason) = checks[first];
                assert_eq!(answer["denied"], check, "{red:?}: {answer}");
                assert_eq!(answer["reason"], reason, "{red:?}");
            }
        }
    }
    // One denial each, for all but the one that is green.
    assert_eq!(arena.host.rows(&[Kind::Denial]).await.len(), 31);
    arena.host.write_configuration(&combined([false; 5]));
    arena.host.host.live().reload();
    arena.unharmed().await;
}
