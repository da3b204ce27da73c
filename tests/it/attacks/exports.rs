//! Export files: names that mean something to somebody, more than there is
//! room for, and what lies in the directory already.

use super::{Arena, EXPORTS, LIMITS};
use crate::harness::error;
use koppel_host::ledger::Kind;
use serde_json::json;

/// The guest makes files of these names, which are refused for these reasons.
async fn refused(all: &[(&[&str], &str)]) {
    let arena = Arena::guest("hostile").await;
    for (names, reason) in all {
        for name in *names {
            let query = json!({"attack": "export", "name": name});
            let expected = format!("ExportError::InvalidName({reason:?})");
            assert_eq!(
                arena.answer(&query).await,
                json!({"error": expected}),
                "{name:?}"
            );
        }
    }
    assert_eq!(arena.host.rows(&[Kind::ExportFile]).await.len(), 0);
    // The folder is there, with nothing in it.
    let exports = arena.host.dir.path().join("exports");
    assert!(exports.join(".staging").is_dir());
    arena.unharmed().await;
}

/// The reason for a character.
fn character(shown: &str) -> String {
    format!("'{shown}' is not allowed; letters, digits, `-`, `_` and `.` are")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_climbs_is_refused() {
    refused(&[(&["../platform.toml", "a/../../b", "a/./b"], &character("/"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_a_path_is_refused() {
    refused(&[(&["/etc/passwd", "sub/a.xaf"], &character("/"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_the_separator_of_another_system_is_refused() {
    refused(&[
        (&["..\\evil", "C\\a"], &character("\\\\")),
        (&["C:evil", "a.txt:stream"], &character(":")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_nul_is_refused() {
    refused(&[(&["a.xaf\0.exe", "\0"], &character("\\0"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_line_break_is_refused() {
    refused(&[(&["a\nb"], &character("\\n"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_reads_backwards_is_refused() {
    refused(&[(&["a\u{202e}fdp.exe"], &character("\\u{202e}"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_look_alikes_is_refused() {
    // Among them a slash and dots that some systems turn into ASCII.
    refused(&[
        (&["ｅxport.xaf"], &character("ｅ")),
        (&["a∕b"], &character("∕")),
        (&["․․"], &character("․")),
        (&["expоrt.xaf"], &character("о")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_hides_or_is_an_option_is_refused() {
    refused(&[(
        &["..", ".", ".staging", ".bashrc", "-rf", "--help"],
        "it may not start with `.` or `-`",
    )])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_ends_in_a_dot_is_refused() {
    refused(&[(&["file.", "file..."], "it may not end with `.`")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_a_device_is_refused() {
    refused(&[
        (
            &["nul.txt", "NUL"],
            "NUL is the name of a device on Windows",
        ),
        (
            &["COM1", "com1.xaf.zip"],
            "COM1 is the name of a device on Windows",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_no_length_or_too_much_is_refused() {
    refused(&[
        (&[""], "it has 0 bytes; 1 to 128 are allowed"),
        (
            &[&"x".repeat(129)],
            "it has 129 bytes; 1 to 128 are allowed",
        ),
        (
            &[&"x".repeat(100_000)],
            "it has 100000 bytes; 1 to 128 are allowed",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_replaced() {
    let arena = Arena::guest("hostile").await;
    let query = json!({"attack": "export", "name": "a.txt"});
    assert_eq!(arena.answer(&query).await, json!({"written": "a.txt"}));
    assert_eq!(
        arena.answer(&query).await,
        json!({"error": "ExportError::AlreadyExists"})
    );
    let file = arena.host.dir.path().join("exports/a.txt");
    assert_eq!(std::fs::read(file).unwrap(), b"content");
    arena.unharmed_but(&["a.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_left_unfinished_is_gone() {
    let arena = Arena::guest("hostile").await;
    assert_eq!(
        arena.answer(&json!({"attack": "unfinished"})).await,
        "left it"
    );
    assert_eq!(arena.host.rows(&[Kind::ExportFile]).await.len(), 0);
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_quota_leaves_nothing() {
    let arena = Arena::guest("hostile").await;
    assert_eq!(
        arena.fails(&json!({"attack": "quota-bomb"})).await,
        "refused: the export directory may hold 1000000 bytes, and this file does not fit"
    );
    arena.unharmed().await;
    // The room is free again.
    let small = arena
        .answer(&json!({"attack": "export", "name": "small.txt"}))
        .await;
    assert_eq!(small, json!({"written": "small.txt"}));
    arena.unharmed_but(&["small.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_share_one_quota() {
    let lines = super::granted(LIMITS).replace("quota-bytes = 1_000_000", "quota-bytes = 20");
    let guest = std::fs::read(super::component("guests/hostile.wasm")).unwrap();
    let arena = Arena::with(&guest, &lines).await;
    for name in ["a", "b"] {
        let answer = arena
            .answer(&json!({"attack": "export", "name": name}))
            .await;
        assert_eq!(answer, json!({"written": name}));
    }
    assert_eq!(
        arena.fails(&json!({"attack": "export", "name": "c"})).await,
        "refused: the export directory may hold 20 bytes, and this file does not fit"
    );
    arena.unharmed_but(&["a", "b"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symlink_of_that_name_is_not_followed() {
    let arena = Arena::guest("hostile").await;
    let root = arena.host.dir.path();
    let exports = root.join("exports");
    std::fs::create_dir(&exports).unwrap();
    std::os::unix::fs::symlink(root.join("outside.txt"), exports.join("link.txt")).unwrap();
    assert_eq!(
        arena
            .answer(&json!({"attack": "export", "name": "link.txt"}))
            .await,
        json!({"error": "ExportError::AlreadyExists"})
    );
    assert!(!root.join("outside.txt").exists());
    arena.unharmed_but(&["link.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symlink_to_a_file_is_not_written_through() {
    let arena = Arena::guest("hostile").await;
    let root = arena.host.dir.path();
    let exports = root.join("exports");
    std::fs::create_dir(&exports).unwrap();
    let target = root.join("platform.toml");
    let before = std::fs::read(&target).unwrap();
    std::os::unix::fs::symlink(&target, exports.join("link.txt")).unwrap();
    assert_eq!(
        arena
            .answer(&json!({"attack": "export", "name": "link.txt"}))
            .await,
        json!({"error": "ExportError::AlreadyExists"})
    );
    assert_eq!(std::fs::read(&target).unwrap(), before);
    arena.unharmed_but(&["link.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staging_folder_that_is_a_symlink_is_not_used() {
    let arena = Arena::guest("hostile").await;
    let root = arena.host.dir.path();
    let exports = root.join("exports");
    std::fs::create_dir(&exports).unwrap();
    std::os::unix::fs::symlink(root.join("data"), exports.join(".staging")).unwrap();
    let text = error(
        arena
            .attack(&json!({"attack": "export", "name": "a.txt"}))
            .await,
    );
    assert_eq!(
        text,
        format!(
            "the host failed: {}: .staging is not a directory",
            exports.display()
        )
    );
    std::fs::remove_dir_all(&exports).unwrap();
    arena.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_replaced_by_a_symlink_is_still_the_one_that_was_opened() {
    let arena = Arena::guest("hostile").await;
    let first = arena
        .answer(&json!({"attack": "export", "name": "a.txt"}))
        .await;
    assert_eq!(first, json!({"written": "a.txt"}));
    let root = arena.host.dir.path();
    std::fs::rename(root.join("exports"), root.join("moved")).unwrap();
    std::os::unix::fs::symlink(root.join("data"), root.join("exports")).unwrap();
    let second = arena
        .answer(&json!({"attack": "export", "name": "b.txt"}))
        .await;
    assert_eq!(second, json!({"written": "b.txt"}));
    assert!(root.join("moved/b.txt").exists());
    assert!(!root.join("data/b.txt").exists());
    std::fs::remove_file(root.join("exports")).unwrap();
    std::fs::rename(root.join("moved"), root.join("exports")).unwrap();
    arena.unharmed_but(&["a.txt", "b.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_denied_like_any_activity() {
    let arena = Arena::guest("hostile").await;
    let query = json!({"attack": "export", "name": "a.txt"});
    let report = arena.host.lookup_as("guest", "tim", 1, &query).await;
    let text = crate::harness::answer(report)["error"].to_string();
    assert!(text.contains("ExportError::Denied("), "{text}");
    assert_eq!(
        arena.host.denials().await,
        ["user \"tim\" has no right that gives PostDownloadJournalRunExportByJournalRunId"]
    );
    arena.unharmed().await;
    assert!(EXPORTS.contains("PostDownloadJournalRunExportByJournalRunId"));
}
