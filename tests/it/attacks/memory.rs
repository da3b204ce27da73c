//! Memory, tables, stack, and what the host would set aside for a guest.

use super::cpu::WASI;
use super::{Arena, Guest, anything, granted, not_loaded};
use crate::harness::answer;
use serde_json::json;
use std::time::Duration;

const MEMORY: &str =
    "the connector was ended: memory limit of 67108864 bytes reached (limits.memory-bytes)";
const STACK: &str = "the connector crashed: wasm trap: call stack exhausted";

/// Fails with this text when it runs.
async fn fails(guest: Guest, text: &str) {
    let arena = Arena::new(&guest.build()).await;
    assert_eq!(arena.fails(&anything()).await, text);
    arena.unharmed().await;
}

/// Is not even loaded, for this reason.
async fn refused(guest: &[u8], reason: &str) {
    let arena = Arena::new(guest).await;
    let text = not_loaded(arena.attack(&anything()).await);
    assert_eq!(
        text,
        format!("client \"guest\": this component is not valid: {reason}")
    );
    arena.unharmed().await;
}

fn fragment(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {fields})")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_grows_without_end_is_ended_at_the_limit() {
    let guest =
        Guest::new("(loop $again (drop (memory.grow (i32.const 16))) (br $again)) unreachable");
    let arena = Arena::new(&guest.build()).await;
    let report = arena.attack(&anything()).await;
    assert!(report.memory <= 64 << 20, "{}", report.memory);
    assert_eq!(crate::harness::error(report), MEMORY);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_begins_with_too_much_memory_is_ended_at_the_limit() {
    fails(Guest::new("(call $done)").pages(2_000), MEMORY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_that_no_place_can_hold_is_refused() {
    refused(
        &fragment("(core module (memory 20000))"),
        "module memory does not fit in pooling allocator requirements: memory index 0 is unsupported in this pooling allocator configuration: memory has a minimum byte size of 1310720000 which exceeds the limit of 0x40000000 bytes",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_memories_than_a_place_holds_are_refused() {
    // Otherwise a few runs would take the memories of all others.
    refused(
        &fragment(
            "(core module $m (memory 1))
             (core instance (instantiate $m)) (core instance (instantiate $m))
             (core instance (instantiate $m))",
        ),
        "The component transitively contains 3 Wasm linear memories, which exceeds the configured maximum of 2 in the pooling allocator",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_core_instances_than_a_place_holds_are_refused() {
    let instances = "(core instance (instantiate $m))".repeat(65);
    refused(
        &fragment(&format!("(core module $m) {instances}")),
        "The component transitively contains 65 core module instances, which exceeds the configured maximum of 64 in the pooling allocator",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_grows_without_end_is_ended_at_the_limit() {
    fails(
        Guest::new(
            "(loop $again
                (drop (table.grow $t (ref.null func) (i32.const 1000)))
                (br $again)) unreachable",
        )
        .more("(table $t 1 funcref)"),
        "the connector was ended: table limit of 20000 elements reached (limits.table-elements)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_no_place_can_hold_is_refused() {
    refused(
        &fragment("(core module (table 20001 funcref))"),
        "module table does not fit in pooling allocator requirements: table index 0 has a minimum element size of 20001 which exceeds the limit of 20000",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_recursion_ends_the_guest_and_not_the_host() {
    fails(
        Guest::new("(call $deeper (i64.const 0)) drop (call $done)").more(
            "(func $deeper (param i64) (result i64)
                (i64.add (i64.const 1) (call $deeper (i64.add (local.get 0) (i64.const 1)))))",
        ),
        STACK,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_recursion_of_large_frames_ends_the_guest_and_not_the_host() {
    // Frames of 8 KB, so that the guard is reached in few steps.
    let locals = "i64 ".repeat(1_000);
    let kept: String = (1..1_000)
        .map(|n| {
            format!(
                "(local.set {n} (i64.add (local.get {}) (i64.const 1)))",
                n - 1
            )
        })
        .collect();
    let used: String = (0..1_000)
        .map(|n| format!("(i64.xor (local.get {n}))"))
        .collect();
    fails(
        Guest::new("(call $deeper (i64.const 0)) drop (call $done)").more(&format!(
            "(func $deeper (param i64) (result i64) (local {locals})
                {kept} (call $deeper (local.get 999)) {used})"
        )),
        STACK,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recursion_in_the_guests_own_stack_ends_the_guest() {
    let arena = Arena::guest("hostile").await;
    let text = arena.fails(&json!({"attack": "recursion"})).await;
    // Rust's stack lies in the memory of the guest, below everything else.
    assert_eq!(
        text,
        "the connector crashed: wasm trap: out of bounds memory access"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn realloc_cannot_call_the_host_back() {
    fails(
        Guest::new("(call $done)")
            .log()
            .realloc("(call $log (i32.const 1) (i32.const 64) (i32.const 7)) (i32.const 65536)"),
        "the connector crashed: wasm trap: cannot leave component instance",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_by_the_gigabyte_are_not_made() {
    fails(
        Guest::new("(call $random (i64.const 60000000) (i32.const 2048)) (call $done)")
            .world("import wasi:random/random@0.2.6;", WASI)
            .import(
                "wasi:random/random@0.2.6",
                "get-random-bytes",
                "$random (param i64 i32)",
            ),
        "the connector crashed: requested len 60000000 exceeds limit 1048576",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_beyond_the_limit_is_not_copied() {
    fails(
        Guest::new(
            "(call $log (i32.const 1) (i32.const 0) (i32.const 20000000)) (call $done)",
        )
        .log()
        .pages(400),
        "the connector crashed: too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_with_as_much_memory_as_they_may_starve_no_other() {
    // As large as it may be, almost as often as there are places.
    let guest = super::cpu::waiting(
        Guest::new("(call $block (call $wait (i64.const -1))) (call $done)").pages(1_000),
    );
    let limits = "limits = { deadline-ms = 1000, cpu-ms = 200, runs = 64 }";
    let arena = Arena::with(&guest.build(), &granted(limits)).await;
    arena.unharmed().await;
    let query = anything();
    let held = futures_util::future::join_all((0..60).map(|_| arena.attack(&query)));
    let honest = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let query = json!({"activity": "GetEmployersByUserId"});
        arena.host.lookup("probe", &query).await
    };
    let (held, honest) = tokio::join!(held, honest);
    assert!(honest.duration < Duration::from_millis(500), "{honest:?}");
    assert_eq!(answer(honest)["total"], 1);
    for report in held {
        assert_eq!(
            crate::harness::error(report),
            "the connector was ended: deadline of 1000 ms passed (limits.deadline-ms)"
        );
    }
    arena.unharmed().await;
}

/// Proposals of WebAssembly that are switched off, each with a module that is
/// valid under it.
async fn switched_off(module: &str, reason: &str) {
    refused(&fragment(&format!("(core module {module})")), reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memories_of_64_bits_are_refused() {
    switched_off("(memory i64 1)", "failed to parse WebAssembly module: memory64 must be enabled for 64-bit memories (at offset 0x15)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_memories_are_refused() {
    switched_off("(memory 1 1 shared)", "failed to parse WebAssembly module: threads must be enabled for shared memories (at offset 0x15)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn atomic_instructions_are_refused() {
    switched_off(
        "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
        "failed to compile: wasm[0]::function[0]: WebAssembly translation error: Invalid input WebAssembly code at offset 40: threads support is not enabled",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_with_two_memories_is_refused() {
    switched_off(
        "(memory 1) (memory 1)",
        "failed to parse WebAssembly module: multiple memories (at offset 0x14)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn components_that_hand_each_other_text_are_refused() {
    let composed = fragment(
        r#"
        (component $takes
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
                (func (export "take") (param i32 i32)))
            (core instance $i (instantiate $m))
            (func (export "take") (param "text" string) (canon lift (core func $i "take")
                (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
        (component $gives
            (import "take" (func $take (param "text" string)))
            (core module $memory (memory (export "memory") 1))
            (core instance $memory (instantiate $memory))
            (core func $lowered (canon lower (func $take) (memory (core memory $memory "memory"))))
            (core module $m (import "" "take" (func (param i32 i32))))
            (core instance (instantiate $m
                (with "" (instance (export "take" (func $lowered)))))))
        (instance $takes (instantiate $takes))
        (instance (instantiate $gives (with "take" (func $takes "take"))))"#,
    );
    refused(&composed, "it is composed of components that hand each other what is in memory, which takes multiple memories").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exceptions_are_refused() {
    switched_off(
        "(tag $t) (func (throw $t))",
        "failed to parse WebAssembly module: exceptions proposal not enabled (at offset 0x1e)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_collected_types_are_refused() {
    switched_off(
        "(type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1))))",
        "failed to parse WebAssembly module: struct indexed types not supported without the gc feature (at offset 0x15)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_function_references_are_refused() {
    switched_off(
        "(type $f (func)) (func (param (ref null $f)) (call_ref $f (local.get 0)))",
        "failed to parse WebAssembly module: function references required for index reference types (at offset 0x18)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_calls_are_refused() {
    switched_off(
        "(func $f (return_call $f))",
        "failed to compile: wasm[0]::function[0]::f: WebAssembly translation error: Invalid input WebAssembly code at offset 33: tail calls support is not enabled",
    )
    .await;
}
