//! Components that are more work for the host than they are bytes.

use super::{Arena, anything, granted, not_loaded};
use crate::harness::answer;
use serde_json::json;
use std::fmt::Write;
use std::time::Duration;

/// A component that is not loaded for this reason, and how long that took.
async fn refused(bytes: &[u8], reason: &str) {
    let arena = Arena::new(bytes).await;
    let report = arena.attack(&anything()).await;
    let took = report.duration;
    let text = not_loaded(report);
    assert_eq!(text, format!("client \"guest\": {reason}"));
    assert!(took < Duration::from_secs(2), "{took:?}");
    arena.unharmed().await;
}

/// A component that is not compiled: it would take so many units.
async fn too_much(text: &str, units: &str) {
    refused(
        &wat::parse_str(text).unwrap(),
        &format!(
            "compiling this component would take too much work: {units}, and limits.compile-effort is 100000000"
        ),
    )
    .await;
}

fn module(fields: &str) -> String {
    format!("(component (core module {fields}))")
}

/// Nested loops over locals: 7 KB, more than a minute.
fn loops(loops: usize, locals: usize) -> String {
    let mut text = format!("(func (local{})", " i32".repeat(locals));
    text.push_str(&" loop".repeat(loops));
    for local in 0..locals {
        write!(
            text,
            " local.get {local} i32.const 1 i32.add local.set {local}"
        )
        .unwrap();
    }
    text.push_str(&" local.get 0 br_if 0 end".repeat(loops));
    text.push(')');
    module(&text)
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_loops_over_many_locals_are_not_compiled() {
    too_much(&loops(400, 400), "259131290 units").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_nested_loops_are_not_compiled() {
    too_much(&loops(5_000, 1), "1471903000 units").await;
}

/// A type with so many parameters and as many results.
fn wide(width: usize) -> String {
    let all = " i32".repeat(width);
    format!("(type $t (func (param{all}) (result{all})))")
}

fn pushed(width: usize) -> String {
    (0..width).map(|n| format!(" local.get {n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_of_a_thousand_parameters_are_not_compiled() {
    // 12 KB, more than 3 GB of memory.
    let blocks = " loop (type $t) local.get 0 br_if 0 end".repeat(1_000);
    let text = format!("{}(func (type $t){}{blocks})", wide(1_000), pushed(1_000));
    too_much(&module(&text), "22006447255 units").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_thousand_results_are_not_compiled() {
    // 15 KB, more than 3 GB of memory.
    let calls = " call $f".repeat(5_000);
    let text = format!("{}(func $f (type $t){}{calls})", wide(1_000), pushed(1_000));
    too_much(&module(&text), "20000260221 units").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_meet_with_many_locals_are_not_compiled() {
    // 29 KB, more than a minute.
    let (n, locals) = (1_000, 1_000);
    let mut text = format!("(func (param i32) (local{})", " i32".repeat(locals));
    text.push_str(&" block".repeat(n));
    for i in 0..n {
        write!(
            text,
            " local.get 0 br_if {} local.get 0 local.set {} end",
            n - 1 - i,
            i % locals
        )
        .unwrap();
    }
    text.push(')');
    too_much(&module(&text), "4006500116 units").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_live_across_many_branches_are_not_compiled() {
    let n = 20_000;
    let text = format!(
        "(memory 1) (func (param i32) (result i32){}{}{})",
        " local.get 0 i32.load".repeat(n),
        " block local.get 0 br_if 0 end".repeat(n),
        " i32.add".repeat(n - 1),
    );
    too_much(&module(&text), "117944297 units").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_million_functions_are_not_compiled() {
    too_much(&module(&"(func)".repeat(500_000)), "147004040 units").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_types_are_not_compiled() {
    let mut text = String::new();
    for n in 0..50_000 {
        let bits: String = (0..16)
            .map(|bit| if n >> bit & 1 == 1 { " i32" } else { " i64" })
            .collect();
        write!(text, "(type (func (param{bits})))").unwrap();
    }
    too_much(&module(&text), "100952027 units").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_of_a_megabyte_is_not_compiled() {
    let code = " i32.const 1 drop".repeat(400_000);
    refused(
        &wat::parse_str(module(&format!("(func{code})"))).unwrap(),
        "a function of this component has 1200002 bytes of code; at most 524288 are compiled",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_multiply_are_not_unfolded() {
    // Ten components of a hundred instances of the one before: 4 KB, and
    // 100,000,000,000,000,000,000 instances.
    let mut text = String::from("(component (component $c0)");
    for n in 1..=10 {
        let all = "(instance (instantiate $x))".repeat(100);
        write!(
            text,
            "(component $c{n} (alias outer 1 {} (component $x)) {all})",
            n - 1
        )
        .unwrap();
    }
    text.push_str("(instance (instantiate $c10)))");
    too_much(&text, "more units than can be counted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn components_that_are_handed_around_are_not_unfolded() {
    // What is instantiated could be anything: it is an argument.
    too_much(
        "(component
            (component $give (component $c) (export \"c\" (component $c)))
            (instance $given (instantiate $give))
            (alias export $given \"c\" (component $any))
            (instance (instantiate $any)))",
        "more units than can be counted",
    )
    .await;
}

/// A component within a component, so deep.
fn nested(depth: usize) -> Vec<u8> {
    let empty = b"\0asm\x0d\0\x01\0".to_vec();
    (0..depth).fold(empty.clone(), |inner, _| {
        let mut outer = empty.clone();
        outer.push(4);
        let mut length = inner.len();
        loop {
            let byte = u8::try_from(length & 0x7f).unwrap();
            length >>= 7;
            outer.push(if length > 0 { byte | 0x80 } else { byte });
            if length == 0 {
                break;
            }
        }
        outer.extend(inner);
        outer
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn components_nested_without_end_are_not_loaded() {
    // 240 KB, and more than half a minute for the validator.
    refused(
        &nested(20_000),
        "compiling this component would take too much work: more units than can be counted, and limits.compile-effort is 100000000",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_nested_without_end_are_not_loaded() {
    let mut text = String::from("(component (type $t0 (list u8))");
    for n in 1..200 {
        write!(text, "(type $t{n} (list $t{}))", n - 1).unwrap();
    }
    text.push(')');
    refused(
        &wat::parse_str(&text).unwrap(),
        "this component is not valid: failed to parse WebAssembly module: type nesting is too deep (at offset 0xf5)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_multiply_are_not_loaded() {
    // Each of ten of the one before.
    let mut text = String::from("(component (type $t0 (tuple u8 u8))");
    for n in 1..50 {
        let all = format!(" $t{}", n - 1).repeat(10);
        write!(text, "(type $t{n} (tuple{all}))").unwrap();
    }
    text.push(')');
    refused(
        &wat::parse_str(&text).unwrap(),
        "this component is not valid: failed to parse WebAssembly module: effective type size exceeds the limit of 1000000 (at offset 0x4c)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_imports_are_not_listed_one_by_one() {
    let imports: String = (0..1_000)
        .map(|n| format!("(import \"evil:x/i{n}\" (instance))"))
        .collect();
    let first: Vec<String> = (0..20).map(|n| format!("evil:x/i{n}")).collect();
    refused(
        &wat::parse_str(format!("(component {imports})")).unwrap(),
        &format!(
            "this component imports what koppel does not offer: {} and 980 more",
            first.join(", ")
        ),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_beyond_the_limit_is_not_read() {
    let arena = Arena::new(b"").await;
    // Takes no room, and would take all memory.
    let file = std::fs::File::create(arena.host.dir.path().join("guest.wasm")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_eq!(
        not_loaded(arena.attack(&anything()).await),
        "client \"guest\": the file has 1099511627776 bytes; a component has at most 67108864"
    );
    file.set_len(0).unwrap();
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_never_ends_is_not_read() {
    let lines = granted("").replace("component = \"guest.wasm\"", "");
    let clients = super::clients(&lines).replacen("\"guest.wasm\"", "\"/dev/zero\"", 1);
    let arena = Arena::configured(b"", &clients).await;
    assert_eq!(
        not_loaded(arena.attack(&anything()).await),
        "client \"guest\": /dev/zero cannot be read: it is not a regular file"
    );
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_compiles_for_long_is_waited_for_by_its_own_runs_alone() {
    // About two seconds of one core, which the operator allows.
    let slow = wat::parse_str(loops(200, 200)).unwrap();
    let limits = "limits = { compile-effort = 1_000_000_000, compile-ms = 100 }";
    let arena = Arena::compiling(&slow, &granted(limits)).await;
    arena.unharmed().await;
    let (query, honest) = (anything(), json!({"activity": "GetEmployersByUserId"}));
    let (attacks, honest) = tokio::join!(
        futures_util::future::join_all((0..20).map(|_| arena.attack(&query))),
        arena.host.lookup("probe", &honest),
    );
    for report in attacks {
        assert!(report.duration < Duration::from_secs(1), "{report:?}");
        assert_eq!(
            not_loaded(report),
            "client \"guest\": its component was not compiled within 100 ms (limits.compile-ms); compiling goes on, and a later run may find it done"
        );
    }
    assert!(honest.duration < Duration::from_millis(500), "{honest:?}");
    assert_eq!(answer(honest)["total"], 1);
    arena.unharmed().await;
    // It was compiled once, and is known now for what it is: no connector.
    let text = loop {
        let text = not_loaded(arena.attack(&query).await);
        if !text.contains("was not compiled") {
            break text;
        }
    };
    assert!(
        text.starts_with("client \"guest\": this component is no connector: "),
        "{text}"
    );
}
