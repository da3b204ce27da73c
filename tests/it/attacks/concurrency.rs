//! Crashes by the dozen, at the same time as honest work.

use super::{Arena, Guest, LIMITS, anything, clients, granted};
use crate::harness::{ANNA, answer, error};
use futures_util::future::join_all;
use koppel_host::ledger::Kind;
use serde_json::json;

/// How many at a time.
const MANY: usize = 40;

const UNREACHABLE: &str =
    "the connector crashed: wasm trap: wasm `unreachable` instruction executed";

/// The guest is run many times at once, beside honest runs; each run of it
/// fails with this text, and no honest one does.
async fn storm(arena: &Arena, query: serde_json::Value, text: &str) {
    let honest = json!({"activity": "GetEmployersByUserId"});
    let (attacks, honest) = tokio::join!(
        join_all((0..MANY).map(|_| arena.attack(&query))),
        join_all((0..10).map(|_| arena.host.lookup("probe", &honest))),
    );
    for report in attacks {
        assert_eq!(error(report), text);
    }
    for report in honest {
        assert_eq!(answer(report)["total"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_panics_harms_no_other_run() {
    let arena = Arena::guest("hostile").await;
    storm(&arena, json!({"attack": "panic"}), UNREACHABLE).await;
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_traps_at_the_start_harms_no_other_run() {
    let guest = Guest::new("(call $done)").more("(func $start unreachable) (start $start)");
    let arena = Arena::new(&guest.build()).await;
    storm(&arena, anything(), UNREACHABLE).await;
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_exhausted_stacks_harms_no_other_run() {
    let guest = Guest::new("(call $deeper (i64.const 0)) drop (call $done)").more(
        "(func $deeper (param i64) (result i64)
            (i64.add (i64.const 1) (call $deeper (local.get 0))))",
    );
    let arena = Arena::new(&guest.build()).await;
    storm(
        &arena,
        anything(),
        "the connector crashed: wasm trap: call stack exhausted",
    )
    .await;
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_traps_in_the_middle_of_a_file_poisons_no_lock() {
    // Each holds a file, and bytes of the quota, when it traps.
    let guest = Guest::new(
        "(call $create (i32.const 64) (i32.const 7) (i32.const 2048))
         (call $write (i32.load (i32.const 2056)) (i32.const 0) (i32.const 20000) (i32.const 2048))
         unreachable",
    )
    .exports();
    let arena = Arena::new(&guest.build()).await;
    storm(&arena, anything(), UNREACHABLE).await;
    assert_eq!(arena.host.rows(&[Kind::ExportFile]).await.len(), 0);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_denials_poisons_no_lock() {
    let arena = Arena::guest("hostile").await;
    let query = json!({"attack": "denials", "id": crate::harness::employer(2), "times": 5});
    let honest = json!({"activity": "GetEmployersByUserId"});
    let (attacks, honest) = tokio::join!(
        join_all((0..MANY).map(|_| arena.attack(&query))),
        join_all((0..10).map(|_| arena.host.lookup("probe", &honest))),
    );
    for report in attacks {
        assert_eq!(answer(report), 5);
    }
    for report in honest {
        assert_eq!(answer(report)["total"], 1);
    }
    assert_eq!(arena.host.denials().await.len(), MANY * 5);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_users_beside_each_other_do_not_mix() {
    // Each tells its employer in its answer; some crash in between.
    let guest = Guest::new(
        "(if (i32.ne (local.get $query_length) (i32.const 2)) (then unreachable))
         (i32.store8 (i32.const 2048) (i32.const 34))
         (memory.copy (i32.const 2049) (local.get $employer) (i32.const 36))
         (i32.store8 (i32.const 2085) (i32.const 34))
         (call $text (i32.const 2048) (i32.const 38))",
    );
    let arena = Arena::new(&guest.build()).await;
    let query = anything();
    let crash = json!({"crash": true});
    let runs = join_all((0..MANY).map(|n| {
        let (of, query) = (1 + n % 2, if n % 5 == 0 { &crash } else { &query });
        let host = &arena.host;
        async move { (n, host.lookup_as("guest", ANNA, of, query).await) }
    }));
    for (n, report) in runs.await {
        if n % 5 == 0 {
            assert_eq!(error(report), UNREACHABLE);
        } else {
            let employer = crate::harness::employer(1 + n % 2).to_string();
            assert_eq!(answer(report), employer);
        }
    }
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_changes_in_a_storm_is_whole_in_every_run() {
    // Between one with the guest and one without, again and again.
    let guest = Guest::new("(call $done)");
    let arena = Arena::new(&guest.build()).await;
    let with = crate::harness::configuration(&clients(&granted(LIMITS)));
    let without = with.replace("[clients.guest]", "[clients.renamed]");
    let query = anything();
    let changes = async {
        for n in 0..20 {
            arena
                .host
                .write_configuration(if n % 2 == 0 { &without } else { &with });
            arena.host.host.live().reload();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let (reports, ()) = tokio::join!(join_all((0..MANY).map(|_| arena.attack(&query))), changes);
    for report in reports {
        match report.outcome {
            Ok(_) => {}
            Err(error) => assert_eq!(
                error.to_string(),
                "there is no client \"guest\"; add `[clients.guest]` with `component` and `activities`"
            ),
        }
    }
    arena.unharmed().await;
}
