//! Files that are no component, components that are no connector, and those
//! that want what they were not granted.

use super::{Arena, Guest, LIMITS, anything, granted, not_loaded};
use crate::harness::{ANNA, all_activities, error};
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunError};

/// Bytes that are not loaded for this reason.
async fn refused(bytes: &[u8], reason: &str) {
    let arena = Arena::new(bytes).await;
    let text = not_loaded(arena.attack(&anything()).await);
    assert_eq!(text, format!("client \"guest\": {reason}"));
    arena.unharmed().await;
}

async fn text(component: &str, reason: &str) {
    refused(&wat::parse_str(component).unwrap(), reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_webassembly_is_refused() {
    for bytes in [
        &b""[..],
        b"\0as",
        b"#!/bin/sh\nrm -rf /",
        b"\x7fELF\x02\x01\x01\0",
    ] {
        refused(
            bytes,
            "this is not a WebAssembly component: it does not start with the bytes of one",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_module_is_refused() {
    text(
        "(module)",
        "this is a core WebAssembly module, not a component; build it with --target wasm32-wasip2",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_another_layer_or_version_is_refused() {
    refused(
        b"\0asm\x0e\0\x01\0",
        "this component is not valid: failed to parse WebAssembly module: unknown binary version:    0x1000e (at offset 0x4)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_was_cut_off_is_refused() {
    let whole = Guest::new("(call $done)").build();
    let arena = Arena::new(b"").await;
    let file = arena.host.dir.path().join("guest.wasm");
    for part in 1..10 {
        std::fs::write(&file, &whole[..whole.len() * part / 10]).unwrap();
        let text = not_loaded(arena.attack(&anything()).await);
        assert!(
            text.starts_with("client \"guest\": this component is not valid: failed to parse WebAssembly module: "),
            "{text}"
        );
    }
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_with_something_behind_it_is_refused() {
    let mut bytes = Guest::new("(call $done)").build();
    bytes.extend(b"\xff\xff\xff\xff");
    let at = bytes.len() - 4;
    refused(
        &bytes,
        &format!("this component is not valid: failed to parse WebAssembly module: malformed section id (at offset {at:#x})"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn components_with_changed_bits_harm_nobody() {
    // Whatever becomes of them: refused, ended or answered.
    let whole = Guest::new("(call $log (i32.const 1) (i32.const 64) (i32.const 7)) (call $done)")
        .log()
        .build();
    let arena = Arena::compiling(b"", &granted(LIMITS)).await;
    let file = arena.host.dir.path().join("guest.wasm");
    let mut outcomes = std::collections::BTreeMap::<&str, u32>::new();
    for n in 0..300_usize {
        let mut bytes = whole.clone();
        // Spread over the file, another bit each time (a fixed sequence).
        let at = 8 + n * 7_919 % (bytes.len() - 8);
        bytes[at] ^= 1 << (n % 8);
        std::fs::write(&file, bytes).unwrap();
        let outcome = match arena.attack(&anything()).await.outcome {
            Ok(_) => "answered",
            Err(RunError::Load(_)) => "not loaded",
            Err(RunError::Crash(_) | RunError::Limit(_)) => "ended",
            Err(RunError::BadAnswer(_) | RunError::Connector(_)) => "answered",
            Err(other) => panic!("{at}: {other}"),
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    // The bits that matter were among them.
    assert!(outcomes["not loaded"] > 100, "{outcomes:?}");
    assert!(outcomes["answered"] > 0, "{outcomes:?}");
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_without_exports_is_refused() {
    text(
        "(component)",
        "this component is no connector: it must export koppel:connector/connector@0.1.0 and one of koppel:connector/journal@0.1.0, koppel:connector/lookup@0.1.0, koppel:connector/product@0.1.0, koppel:connector/declaration@0.1.0; it exports nothing",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_of_another_kind_is_not_asked() {
    let arena = Arena::new(&Guest::new("(call $done)").build()).await;
    for (job, kind) in [
        (
            Job::ProcessJournalRun(seed::journal_run_id(1, 6)),
            "journal",
        ),
        (Job::Quote("{}".to_owned()), "product"),
        (Job::CreateDeclaration(seed::employer_id(1)), "declaration"),
    ] {
        let report = arena.host.run("guest", ANNA, 1, job).await;
        assert_eq!(
            error(report),
            format!("client \"guest\" is no connector of kind {kind}")
        );
    }
    arena.unharmed().await;
}

/// The shell of a connector whose lookup is what it is given.
fn lookup(instance: &str) -> String {
    format!(
        "(component
            (component $empty)
            (instance $nothing (instantiate $empty))
            (export \"koppel:connector/connector@0.1.0\" (instance $nothing))
            {instance})"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_without_its_function_ends_the_run() {
    let arena = Arena::new(
        &wat::parse_str(lookup(
            "(export \"koppel:connector/lookup@0.1.0\" (instance $nothing))",
        ))
        .unwrap(),
    )
    .await;
    assert_eq!(
        arena.fails(&anything()).await,
        "the connector crashed: instance export `koppel:connector/lookup@0.1.0` does not have export `lookup`"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_whose_function_has_another_type_ends_the_run() {
    let arena = Arena::new(
        &wat::parse_str(lookup(
            "(core module $m (func (export \"f\") (param i32)))
             (core instance $i (instantiate $m))
             (func $f (param \"a\" u32) (canon lift (core func $i \"f\")))
             (instance $lookup (export \"lookup\" (func $f)))
             (export \"koppel:connector/lookup@0.1.0\" (instance $lookup))",
        ))
        .unwrap(),
    )
    .await;
    let text = arena.fails(&anything()).await;
    assert_eq!(
        text,
        "the connector crashed: failed to convert function to given type: type mismatch with parameters: expected 2-tuple, found 1-tuple"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_the_contract_is_refused() {
    text(
        "(component (import \"koppel:loket/employers@0.9.0\" (instance)))",
        "this component was built against version 0.9.0 of the contract (koppel:loket); this host offers 0.1.0: build it with the SDK of koppel 0.1.0",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_with_another_type_is_not_linked() {
    let component = format!(
        "(component (import \"koppel:loket/employers@0.1.0\" (instance
            (export \"get-employer-by-employer-id\" (func (param \"employer-id\" (list u8))))))
         {}",
        &lookup("(export \"koppel:connector/lookup@0.1.0\" (instance $nothing))")
            ["(component".len()..]
    );
    let arena = Arena::new(&wat::parse_str(&component).unwrap()).await;
    assert_eq!(
        not_loaded(arena.attack(&anything()).await),
        "client \"guest\" cannot be linked: component imports instance `koppel:loket/employers@0.1.0`, but a matching implementation was not found in the linker: instance export `get-employer-by-employer-id` has the wrong type: type mismatch with parameters: expected `string` found `list`"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_and_files_of_the_system_are_refused() {
    text(
        "(component
            (import \"wasi:sockets/tcp@0.2.6\" (instance))
            (import \"wasi:sockets/udp@0.2.6\" (instance))
            (import \"wasi:sockets/ip-name-lookup@0.2.6\" (instance))
            (import \"wasi:http/incoming-handler@0.2.6\" (instance))
            (import \"wasi:keyvalue/store@0.2.0\" (instance)))",
        "this component imports what koppel does not offer: wasi:sockets/tcp@0.2.6, wasi:sockets/udp@0.2.6, wasi:sockets/ip-name-lookup@0.2.6, wasi:http/incoming-handler@0.2.6, wasi:keyvalue/store@0.2.0",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_generation_of_wasi_is_refused() {
    text(
        "(component (import \"wasi:clocks/monotonic-clock@0.3.0\" (instance)))",
        "this component imports what koppel does not offer: wasi:clocks/monotonic-clock@0.3.0",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_the_contract_does_not_have_is_refused() {
    text(
        "(component (import \"koppel:loket/employers@0.1.0\" (instance (export \"drop-all-employers\" (func)))))",
        "this component imports what koppel does not offer: koppel:loket/employers@0.1.0#drop-all-employers",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_is_no_function_to_import() {
    text(
        "(component (import \"koppel:loket/payroll-tax-returns@0.1.0\" (instance (export \"post-confirm-by-payroll-tax-return-id\" (func)))))",
        "this component imports what koppel does not offer: koppel:loket/payroll-tax-returns@0.1.0#post-confirm-by-payroll-tax-return-id",
    )
    .await;
}

/// A guest with these lines of configuration, which lack what it imports.
async fn ungranted(guest: &[u8], lines: &str, missing: &str) {
    let arena = Arena::with(guest, lines).await;
    let text = not_loaded(arena.attack(&anything()).await);
    let head = "client \"guest\": client \"guest\" is not loaded: its component imports what was not granted:";
    assert_eq!(text, format!("{head}\n{missing}"));
    arena.unharmed().await;
}

/// Imports one activity.
fn employers() -> Guest {
    Guest::new("(call $employers (i32.const 0) (i32.const 0) (i32.const 4096)) (call $done)")
        .import(
            "koppel:loket/employers@0.1.0",
            "get-employer-by-employer-id",
            "$employers (param i32 i32 i32)",
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_that_was_not_granted_is_not_linked() {
    ungranted(
        &employers().build(),
        "activities = [\"GetEmployersByUserId\"]",
        "  activity GetEmployerByEmployerId\nto grant it, put in the configuration:\n  [clients.guest] activities = [\"GetEmployersByUserId\", \"GetEmployerByEmployerId\"]",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_were_not_granted_are_not_linked() {
    let guest = std::fs::read(super::component("guests/hostile.wasm")).unwrap();
    ungranted(
        &guest,
        &format!("{}\n{}", all_activities(), super::EXPORTS),
        "  outside requests (wasi:http)\nto grant it, put in the configuration:\n  [clients.guest] http = [{ allow = \"https://…/*\", methods = [\"GET\"], activity = \"…\" }]",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_with_another_digest_than_the_pinned_one_is_refused() {
    let bytes = Guest::new("(call $done)").build();
    let pinned = "0".repeat(64);
    let arena = Arena::with(&bytes, &format!("sha256 = \"{pinned}\"")).await;
    let found = koppel_host::admission::inspect(arena.host.host.sandbox().engine(), &bytes)
        .unwrap()
        .1
        .sha256;
    assert_eq!(
        not_loaded(arena.attack(&anything()).await),
        format!(
            "client \"guest\": the file has SHA-256 {found}, but [clients.guest] sha256 = \"{pinned}\"; if the new file is wanted, change that line"
        )
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_replaced_by_one_that_wants_more_is_refused() {
    let arena = Arena::with(&Guest::new("(call $done)").build(), "activities = []").await;
    assert_eq!(arena.answer(&anything()).await, "done");
    let file = arena.host.dir.path().join("guest.wasm");
    std::fs::write(&file, employers().build()).unwrap();
    let text = not_loaded(arena.attack(&anything()).await);
    assert!(
        text.contains("\n  activity GetEmployerByEmployerId\n"),
        "{text}"
    );
    arena.unharmed().await;
}
