//! Every page for who may see it, in both languages.

use super::{Browser, configured, of, words};
use crate::harness::{employer, plugin};
use crate::journal::XAF;
use crate::rest::Rest;
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};

/// A server on which something happened: an export for employer 1, and one that
/// was denied.
pub(super) async fn worked(more: &str) -> Rest {
    let rest = Rest::with(&configured(&format!(
        "{}{more}",
        plugin("journal-xaf", XAF)
    )))
    .await;
    for user in ["anna", "tim"] {
        let request = RunRequest {
            client: "journal-xaf".to_owned(),
            user: user.to_owned(),
            employer: employer(1),
            job: Job::ProcessJournalRun(seed::journal_run_id(1, 6)),
        };
        let _ = rest.host.run(request).await;
    }
    rest
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_there_in_both_languages_and_for_all_employers_or_one() {
    let rest = worked("").await;
    let mut browser = Browser::of(&rest, "anna").await;
    for (language, titles) in [
        (
            "en",
            [
                "Overview",
                "Connectors",
                "Why denied?",
                "Runs",
                "Messages",
                "Ledger",
                "Choose an employer",
            ],
        ),
        (
            "nl",
            [
                "Overzicht",
                "Connectoren",
                "Waarom geweigerd?",
                "Runs",
                "Berichten",
                "Grootboek",
                "Kies een werkgever",
            ],
        ),
    ] {
        browser.language = language;
        for (title, path) in titles.iter().zip([
            "",
            "/connectors",
            "/why",
            "/runs",
            "/messages",
            "/ledger",
            "/employers",
        ]) {
            for scope in ["all".to_owned(), employer(1).to_string()] {
                let page = browser.page(&format!("/console/{scope}{path}")).await;
                assert!(page.contains(&format!("<h1>{title}</h1>")), "{path} {page}");
                assert!(page.contains(&format!("<html lang=\"{language}\">")));
                assert!(page.contains("<a class=\"skip\" href=\"#main\">"));
            }
        }
        browser.page(&of(1, "/modules")).await;
        browser.page(&of(1, "/runs/new")).await;
        browser.page("/console/all/connectors/journal-xaf").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_counts_what_happened() {
    let rest = worked("").await;
    let browser = Browser::of(&rest, "anna").await;
    let page = browser.page("/console/all").await;
    let said = words(&page);
    for expected in [
        "Need a person Need a person 0",
        "Denials Denials 1",
        "User 1",
        "Export file 1",
        "Health Ready",
        "Connectors 1, applications 2, users 6, rights 2, roles 2",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let today = jiff::Timestamp::now().to_string()[..10].to_owned();
    assert!(said.contains(&format!("{today} 1 0 0 1 0")), "{said}");
    let day = &today[5..];
    for drawn in [
        format!("<title>{day}: 1 Succeeded</title>"),
        format!("<title>{day}: 1 Failed</title>"),
    ] {
        assert!(page.contains(&drawn), "{drawn}: {page}");
    }
    // Of an employer of whom there is nothing.
    let none = words(&browser.page(&of(3, "")).await);
    assert!(none.contains("Denials Denials 0"), "{none}");
    assert!(none.contains(&format!("{today} 0 0 0 0 0")), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_is_found_by_name_and_the_page_stays_the_same() {
    let rest = worked("").await;
    let browser = Browser::of(&rest, "anna").await;
    let all = browser.page("/console/all/employers?to=/runs").await;
    for number in 1..=3 {
        assert!(
            all.contains(&format!("href=\"{}\"", of(number, "/runs"))),
            "{all}"
        );
    }
    assert!(!all.contains(&of(4, "")), "that of another provider: {all}");
    let one = rest.host.platform().employer(employer(2)).await.unwrap();
    let name: String = url::form_urlencoded::byte_serialize(one.company_name.as_bytes()).collect();
    let found = browser
        .page(&format!("/console/all/employers?name={name}"))
        .await;
    assert!(
        found.contains(&of(2, "")) && !found.contains(&of(1, "")),
        "{found}"
    );
    let none = words(&browser.page("/console/all/employers?name=nobody").await);
    assert!(
        none.contains("There are no employers with this name"),
        "{none}"
    );
    // Nothing but a section of the console is gone to.
    let evil = browser
        .page("/console/all/employers?to=//evil.example")
        .await;
    let mut links = evil.split("href=\"").skip(1);
    assert!(
        links.all(|link| !link.split('"').next().unwrap().contains("evil")),
        "{evil}"
    );
    // Its name stands on every page of it.
    let page = words(&browser.page(&of(2, "/runs")).await);
    assert!(page.contains(&one.company_name), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_pages_that_keep_what_was_chosen() {
    let rest = worked("").await;
    for number in 0..60 {
        let request = RunRequest {
            client: "journal-xaf".to_owned(),
            user: "anna".to_owned(),
            employer: employer(1),
            job: Job::Check,
        };
        let key = format!("key {number}");
        rest.host.submit(request, Some(key)).await.unwrap();
    }
    let browser = Browser::of(&rest, "anna").await;
    let first = browser.page("/console/all/runs?state=queued").await;
    assert!(words(&first).contains("1 to 25 of 60"), "{}", words(&first));
    assert!(
        first.contains("href=\"/console/all/runs?state=queued&#38;page=2\" rel=\"next\""),
        "{first}"
    );
    let last = browser.page("/console/all/runs?state=queued&page=3").await;
    assert!(words(&last).contains("51 to 60 of 60"), "{}", words(&last));
    assert!(
        !last.contains("rel=\"next\"") && last.contains("rel=\"prev\""),
        "{last}"
    );
    let beyond = browser.page("/console/all/runs?state=queued&page=99").await;
    assert!(
        words(&beyond).contains("None of 60 on this page"),
        "{}",
        words(&beyond)
    );
    for page in ["0", "-1", "x", "18446744073709551616"] {
        browser
            .page(&format!("/console/all/runs?page={page}"))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_right_is_said_as_the_rest_api_says_it() {
    let rest = worked("").await;
    let browser = Browser::of(&rest, "anna").await;
    let nothing = "b14acd0d-75d7-4fc8-8b22-4a3924585cab";
    for (path, status, expected) in [
        (
            "/console/all/runs?since=yesterday".to_owned(),
            400,
            "since: must be a date such as 2026-01-31, or date, time and offset such as 2026-01-31T09:30:00Z, not \"yesterday\"".to_owned(),
        ),
        (
            "/console/all/runs/1".to_owned(),
            400,
            "connectorRunId: must be a UUID in hyphenated lower-case form".to_owned(),
        ),
        (
            format!("/console/all/runs/{nothing}"),
            403,
            format!("Insufficient rights for this request, reason \"there is no {nothing} that user \"anna\" may access\""),
        ),
        (
            format!("/console/{nothing}/modules"),
            403,
            format!("there is no {nothing} that user \"anna\" may access"),
        ),
        ("/console/all/modules".to_owned(), 400, "This is about one employer.".to_owned()),
        ("/console/all/connectors/none".to_owned(), 404, "There is no connector \"none\" in the configuration.".to_owned()),
        ("/console/some/runs".to_owned(), 404, "There is no such page.".to_owned()),
        ("/console/all/some/thing".to_owned(), 404, "There is no such page.".to_owned()),
    ] {
        let answer = browser.get(&path).await;
        let said = words(&answer.text());
        assert_eq!(answer.status.as_u16(), status, "{path}: {said}");
        assert!(said.contains(&expected), "{path}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_and_a_broken_ledger_are_shown() {
    let rest = worked("").await;
    let browser = Browser::of(&rest, "anna").await;
    let whole = words(&browser.page("/console/all/ledger?verify=now").await);
    assert!(whole.contains("The chain is intact"), "{whole}");
    let asked = words(&browser.page("/console/all/ledger").await);
    assert!(!asked.contains("The chain is"), "{asked}");

    let file = rest.dir.path().join("platform.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[nonsense]\n")).unwrap();
    rest.host.live().reload();
    let page = words(&browser.page("/console/all").await);
    assert!(
        page.contains("the configuration above stays in force"),
        "{page}"
    );
    assert!(page.contains("unknown field `nonsense`"), "{page}");

    let ledger = rest.dir.path().join("data/ledger.db");
    rusqlite::Connection::open(ledger)
        .unwrap()
        .execute_batch(
            "DROP TRIGGER ledger_never_changes; UPDATE ledger SET outcome = 'x' WHERE seq = 2",
        )
        .unwrap();
    let broken = words(&browser.page("/console/all/ledger?verify=now").await);
    for expected in [
        "The chain is broken",
        "The first row that is not right is number 2.",
        "it was changed, or the row before it was replaced",
    ] {
        assert!(broken.contains(expected), "{expected}: {broken}");
    }
}
