//! Why something is denied.

use super::pages::worked;
use super::{Browser, of, words};
use crate::harness::employer;

#[tokio::test(flavor = "multi_thread")]
async fn each_check_says_why_and_what_would_turn_it_green() {
    let rest = worked("").await;
    let browser = Browser::of(&rest, "anna").await;
    let page = browser
        .page(&of(
            1,
            "/why?client=journal-xaf&user=tim&activity=GetEmployeesByEmployerId",
        ))
        .await;
    let said = words(&page);
    for expected in [
        "Answer: Denied",
        "Client red client \"journal-xaf\" was not granted GetEmployeesByEmployerId Would be green with [clients.journal-xaf] activities = [",
        "User red user \"tim\" has no right that gives GetEmployeesByEmployerId Would be green with [[users]] id = \"tim\" rights = [\"employers\", \"everything\"]",
        "Role green role \"professional\" has GetEmployeesByEmployerId through right \"everything\"",
        "Module green GetEmployeesByEmployerId belongs to no module",
        &format!(
            "Entity green user \"tim\" may access employer {}",
            employer(1)
        ),
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // The question stands in the form as it was asked.
    for chosen in [
        "<option value=\"journal-xaf\" selected>",
        "<option value=\"tim\" selected>",
        "<option value=\"GetEmployeesByEmployerId\" selected>",
        &format!("<option value=\"{}\" selected>", employer(1)),
    ] {
        assert!(page.contains(chosen), "{chosen}: {page}");
    }
    let green = words(
        &browser
            .page(&of(
                1,
                "/why?client=journal-xaf&user=anna&activity=PatchJournalRunByJournalRunId",
            ))
            .await,
    );
    assert!(green.contains("Answer: Allowed"), "{green}");
    assert!(!green.contains("Would be green with"), "{green}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_denied_leads_to_its_explanation() {
    let rest = worked("").await;
    let browser = Browser::of(&rest, "anna").await;
    let page = browser.page("/console/all/why").await;
    let said = words(&page);
    let reason = "user \"tim\" has no right that gives PatchJournalRunByJournalRunId";
    assert!(said.contains(reason), "{said}");
    let link = format!(
        "/console/all/why?employer={}&#38;client=journal-xaf&#38;user=tim&#38;activity=PatchJournalRunByJournalRunId",
        employer(1)
    );
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    let why = words(&browser.page(&link.replace("&#38;", "&")).await);
    assert!(why.contains("Answer: Denied"), "{why}");
    assert!(
        why.contains(&format!("User red {reason} Would be green with")),
        "{why}"
    );
    // Those of another employer are not among those of this one.
    let other = words(&browser.page(&of(2, "/why")).await);
    assert!(other.contains("Nothing was denied."), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_what_is_not_there_is_answered_too() {
    let rest = worked("").await;
    let browser = Browser::of(&rest, "anna").await;
    let said = words(
        &browser
            .page(&of(
                1,
                "/why?client=none&user=nobody&activity=GetEmployeesByEmployerId",
            ))
            .await,
    );
    for expected in [
        "Client red there is no client \"none\"",
        "User red there is no user \"nobody\"",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let path = of(1, "/why?client=a&user=b&activity=DropTable");
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, 400);
    assert!(
        words(&answer.text()).contains("activity: \"DropTable\" is no activity"),
        "{}",
        answer.text()
    );
}
