//! The matrix of connectors, and the page of one.

use super::pages::worked;
use super::{Browser, words};
use crate::harness::component;

/// A connector that lacks an activity, and one that may do more than it asks.
fn more() -> String {
    let path = component("guests/clerk.wasm");
    format!(
        r#"[clients.short]
component = {path:?}
activities = ["GetEmployeesByEmployerId", "PostSendJournalRunExportByJournalRunId"]
settings = {{ ends = "marked" }}
http = [{{ allow = "https://party.example/api/*", methods = ["GET", "POST"], credential = "party", activity = "PostSendJournalRunExportByJournalRunId" }}]
[credentials.party]
header = "authorization"
scheme = "Bearer"
value = {{ env = "KOPPEL_CONSOLE_TEST_SECRET" }}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_tells_used_from_granted_and_asked_for() {
    let rest = worked(&more()).await;
    let browser = Browser::of(&rest, "anna").await;
    let page = browser.page("/console/all/connectors").await;
    let said = words(&page);
    for row in [
        "PatchJournalRunByJournalRunId ● granted and used ✕ asked for, not granted",
        "PostDownloadJournalRunExportByJournalRunId ● granted and used neither asked for nor granted",
        "GetJournalRunResultsByJournalRunId ● granted and used ✕ asked for, not granted",
        "GetEmployeesByEmployerId neither asked for nor granted ◇ granted, not asked for",
    ] {
        assert!(said.contains(row), "{row}: {said}");
    }
    assert!(page.contains("<th scope=\"col\"><span class=\"upright\"><a href=\"/console/all/connectors/journal-xaf\">journal-xaf</a></span></th>"), "{page}");
    // Why one is not loaded, and the line that would change it.
    assert!(
        said.contains(
            "client \"short\" is not loaded: its component imports what was not granted:"
        ),
        "{said}"
    );
    assert!(
        said.contains("to grant it, put in the configuration: [clients.short] activities = ["),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_connector_shows_its_configuration_without_secrets() {
    let rest = worked(&more()).await;
    let browser = Browser::of(&rest, "anna").await;
    let said = words(&browser.page("/console/all/connectors/journal-xaf").await);
    for expected in [
        "State loaded",
        "Kind journal",
        "Also asks for export files",
        "deadline-ms 30,000",
        "PatchJournalRunByJournalRunId ● granted and used 2",
        "It may send no requests.",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let short = words(&browser.page("/console/all/connectors/short").await);
    for expected in [
        "State not loaded",
        "https://party.example/api/* GET, POST PostSendJournalRunExportByJournalRunId party no no no",
        "\"ends\": \"marked\"",
        "It may write no export files.",
    ] {
        assert!(short.contains(expected), "{expected}: {short}");
    }
    assert!(!short.contains("KOPPEL_CONSOLE_TEST_SECRET"), "{short}");
}
