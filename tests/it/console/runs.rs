//! Runs: submitting, cancelling, retrying and deciding, and the list as it
//! changes.

use super::{Browser, field, of, with_console, words};
use crate::durable::party::Party;
use crate::durable::{EXACT, XAF, clients};
use crate::harness::employer;
use crate::rest::Rest;
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};
use std::time::{Duration, Instant};

/// A server with connectors that are set up for provider 1, and no worker.
struct Site {
    rest: Rest,
    party: Party,
}

impl Site {
    async fn new() -> Self {
        let party = Party::start().await;
        let connectors = format!(
            "{}\n[connectors.provider.\"{}\"]\nPostSendJournalRunExportByJournalRunId = \"{EXACT}\"\nPostDownloadJournalRunExportByJournalRunId = \"{XAF}\"\n",
            clients(party.port, "", ""),
            seed::provider_id(1)
        );
        let rest = Rest::with(&with_console(&connectors, "[server.issuer]", "")).await;
        Self { rest, party }
    }

    /// Fills in and sends the form of a new run; gives where it went.
    async fn submit(&self, browser: &Browser<'_>, client: &str, period: i8) -> String {
        let form = browser.page(&of(1, "/runs/new")).await;
        let key = field(&form, "key");
        let journal_run = seed::journal_run_id(1, period).to_string();
        let fields = [
            ("key", key.as_str()),
            ("client", client),
            ("kind", "process-journal-run"),
            ("journalRunId", &journal_run),
        ];
        let answer = browser.post(&of(1, "/runs/new"), &fields).await;
        assert_eq!(answer.status, 303, "{}", words(&answer.text()));
        // Sent again, it is the same run.
        let again = browser.post(&of(1, "/runs/new"), &fields).await;
        assert_eq!(again.header("location"), answer.header("location"));
        answer.header("location").to_owned()
    }

    /// Waits until the page of a run says something.
    async fn until(&self, browser: &Browser<'_>, path: &str, says: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let page = browser.page(path).await;
            let said = words(&page);
            if said.contains(says) {
                return page;
            }
            assert!(Instant::now() < deadline, "{says}: {said}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_submitted_made_and_shown_with_its_attempts() {
    let site = Site::new().await;
    let browser = Browser::of(&site.rest, "anna").await;
    let form = browser.page(&of(1, "/runs/new")).await;
    for offered in [EXACT, XAF] {
        assert!(
            form.contains(&format!("<option value=\"{offered}\"")),
            "{form}"
        );
    }
    // The journal runs of the employer can be chosen from.
    let journal_run = seed::journal_run_id(1, 6);
    assert!(
        form.contains(&format!("<option value=\"{journal_run}\">")),
        "{form}"
    );
    let path = site.submit(&browser, EXACT, 6).await;
    let queued = words(&browser.page(&path).await);
    assert!(queued.contains("State Queued"), "{queued}");
    assert!(
        queued.contains(&format!("Journal run {journal_run}")),
        "{queued}"
    );
    let working = site.rest.host.work();
    let done = words(&site.until(&browser, &path, "State Succeeded").await);
    for expected in ["Attempt 1", "succeeded", "Output", "Origin submitted"] {
        assert!(done.contains(expected), "{expected}: {done}");
    }
    assert!(!done.contains("What can be done"), "{done}");
    working.stop(Duration::from_secs(10)).await;
    // The console is the application through which it was done.
    let filter = Filter {
        kinds: vec![Kind::ActivityWrite],
        client: Some("console".to_owned()),
        ..Filter::default()
    };
    let rows = site.rest.host.ledger().rows(filter).await.unwrap();
    assert_eq!(
        rows[0].summary,
        format!("submit to connector {EXACT}: process journal run {journal_run}")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_and_retried() {
    let site = Site::new().await;
    let browser = Browser::of(&site.rest, "anna").await;
    let path = site.submit(&browser, XAF, 6).await;
    let page = words(&browser.page(&path).await);
    assert!(page.contains("Cancel this run"), "{page}");
    let answer = browser
        .post(&path, &[("action", "cancel"), ("reason", "not today")])
        .await;
    assert_eq!(answer.header("location"), path);
    let page = words(&browser.page(&path).await);
    assert!(page.contains("State Cancelled"), "{page}");
    assert!(
        page.contains("Retry") && !page.contains("Cancel this run"),
        "{page}"
    );
    // What its state does not allow is said on its page.
    let again = browser
        .post(&path, &[("action", "cancel"), ("reason", "x")])
        .await;
    assert_eq!(
        browser.post(&path, &[("action", "retry")]).await.status,
        303
    );
    assert_eq!(again.status, 303, "it is cancelled already");
    let page = words(&browser.page(&path).await);
    assert!(page.contains("State Queued"), "{page}");
    let refused = browser.post(&path, &[("action", "retry")]).await;
    assert_eq!(refused.status, 409);
    let id = path.rsplit('/').next().unwrap();
    let said = words(&refused.text());
    assert!(
        said.contains(&format!("run {id} cannot be retried: it is queued")),
        "{said}"
    );
    let without = browser.post(&path, &[("action", "cancel")]).await;
    assert_eq!(without.status, 400);
    assert!(
        words(&without.text()).contains("reason:"),
        "{}",
        without.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_what_became_of_a_write_in_doubt() {
    let site = Site::new().await;
    site.party.told(|party| party.lose_reply = true);
    let browser = Browser::of(&site.rest, "anna").await;
    let path = site.submit(&browser, EXACT, 6).await;
    let _working = site.rest.host.work();
    let page = site.until(&browser, &path, "State Needs a person").await;
    let said = words(&page);
    let post = site.party.posting();
    for expected in [
        format!(
            "A write is in doubt Nobody knows whether this happened. Look at the outside party before you decide. {post}"
        ),
        "What became of this write?".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected}: {said}");
    }
    let overview = words(&browser.page("/console/all").await);
    assert!(
        overview.contains("Need a person Need a person 1"),
        "{overview}"
    );
    let none = browser.post(&path, &[("action", "decide")]).await;
    assert_eq!(none.status, 400);
    // A reply that cannot be given; what was filled in is still there.
    let fields = [
        ("action", "decide"),
        ("verdict", "happened"),
        ("status", "201"),
        ("body", "<b>"),
    ];
    let refused = browser.post(&path, &fields).await;
    assert_eq!(refused.status, 409);
    let text = refused.text();
    assert!(
        text.contains("value=\"happened\" required checked"),
        "{text}"
    );
    let fields = [("action", "decide"), ("verdict", "happened")];
    assert_eq!(browser.post(&path, &fields).await.status, 303);
    let done = words(&site.until(&browser, &path, "State Succeeded").await);
    assert!(done.contains("A person said that these happened"), "{done}");
    let booked = site.party.told(|party| (party.posts, party.entries.len()));
    assert_eq!(booked, (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_right_in_a_submission_is_said_and_nothing_is_lost() {
    let site = Site::new().await;
    let browser = Browser::of(&site.rest, "anna").await;
    let key = "the key";
    for (fields, status, problem) in [
        (
            vec![("client", EXACT), ("kind", "process-journal-run")],
            400,
            "job.journalRunId: is missing",
        ),
        (
            vec![
                ("client", EXACT),
                ("kind", "lookup"),
                ("request", "{\"plate\":"),
            ],
            400,
            "request: EOF while parsing",
        ),
        (
            vec![("client", EXACT), ("kind", "nonsense")],
            400,
            "job.kind: unknown variant `nonsense`",
        ),
        (
            vec![("client", "none"), ("kind", "check")],
            409,
            "no connector \"none\" was set up that does this for this employer",
        ),
    ] {
        let mut all = vec![("key", key)];
        all.extend(fields.clone());
        let answer = browser.post(&of(1, "/runs/new"), &all).await;
        let said = words(&answer.text());
        assert_eq!(answer.status.as_u16(), status, "{said}");
        assert!(said.contains(problem), "{problem}: {said}");
        assert_eq!(field(&answer.text(), "key"), key);
        for (name, value) in fields {
            let kept = answer.text().contains(&value.replace('"', "&#34;"));
            assert!(kept || value == "none" || value == "nonsense", "{name}");
        }
    }
    assert_eq!(
        site.rest.host.kept_runs(Default::default()).await.unwrap(),
        []
    );
}

/// The events of a stream, as they come.
struct Events(reqwest::Response, String);

impl Events {
    async fn of(browser: &Browser<'_>, path: &str) -> Self {
        let cookies = browser.cookies.lock().unwrap().clone();
        let cookies: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = browser.rest.request(http::Method::GET, path);
        let request = request.header("cookie", cookies.join("; "));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response, String::new())
    }

    /// The next event: its name and its data; none at the end.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let lines: Vec<&str> = event.lines().collect();
                let find = |name: &str| {
                    let found = lines.iter().filter_map(|line| line.strip_prefix(name));
                    found
                        .map(|text| text.trim_start().to_owned())
                        .collect::<Vec<_>>()
                };
                let event = (find("event:").concat(), find("data:").join("\n"));
                self.1 = rest.to_owned();
                if !event.0.is_empty() {
                    return Some(event);
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.0.chunk());
            let chunk = chunk.await.expect("nothing comes").unwrap()?;
            self.1.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_changes_while_it_is_looked_at_until_it_is_denied() {
    let site = Site::new().await;
    let browser = Browser::of(&site.rest, "bas").await;
    let page = browser.page(&of(1, "/runs")).await;
    let address = page.split("sse-connect=\"").nth(1).unwrap();
    let address = address.split('"').next().unwrap().replace("&#38;", "&");
    let mut events = Events::of(&browser, &address).await;
    let (name, html) = events.next().await.unwrap();
    assert_eq!(name, "runs");
    assert!(html.contains("There are no such runs."), "{html}");
    let request = |of: usize| RunRequest {
        client: XAF.to_owned(),
        user: "anna".to_owned(),
        employer: employer(of),
        job: Job::Check,
    };
    // One of another employer is none of it.
    site.rest.host.submit(request(2), None).await.unwrap();
    let run = site.rest.host.submit(request(1), None).await.unwrap();
    let (_, html) = events.next().await.unwrap();
    assert!(html.contains(&run.run().id.to_string()), "{html}");
    assert_eq!(html.matches("<tr>").count(), 2, "{html}");
    site.rest
        .host
        .cancel_run(run.run().id, "anna", "x")
        .await
        .unwrap();
    let (_, html) = events.next().await.unwrap();
    assert!(words(&html).contains("Cancelled"), "{html}");
    // Taken away while it is looked at: it says so, records it once, and ends.
    let file = site.rest.dir.path().join("platform.toml");
    let text = std::fs::read_to_string(file).unwrap();
    site.rest
        .reconfigure(&text.replace("id = \"bas\"", "id = \"bas\"\nblocked = true"));
    let (_, html) = events.next().await.unwrap();
    assert!(html.contains("is blocked"), "{html}");
    let (over, _) = events.next().await.unwrap();
    assert_eq!(over, "over");
    assert_eq!(events.next().await, None);
    assert_eq!(site.rest.denials().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_seen_to_its_end_and_streams_end_with_the_login_and_the_server() {
    let site = Site::new().await;
    let browser = Browser::of(&site.rest, "anna").await;
    let path = site.submit(&browser, XAF, 6).await;
    let mut of_run = Events::of(&browser, &format!("{path}/events")).await;
    let names = [
        of_run.next().await.unwrap().0,
        of_run.next().await.unwrap().0,
    ];
    assert_eq!(names, ["run", "actions"]);
    let working = site.rest.host.work();
    let mut last = String::new();
    while let Some((name, html)) = of_run.next().await {
        if name == "over" {
            break;
        }
        if name == "run" {
            last = html;
        }
    }
    assert!(words(&last).contains("State Succeeded"), "{last}");
    working.stop(Duration::from_secs(10)).await;

    let mut of_list = Events::of(&browser, "/console/all/runs/events").await;
    of_list.next().await.unwrap();
    let other = Browser::of(&site.rest, "anna").await;
    let mut of_other = Events::of(&other, "/console/all/runs/events").await;
    of_other.next().await.unwrap();
    assert_eq!(browser.post("/console/logout", &[]).await.status, 303);
    let (_, html) = of_list.next().await.unwrap();
    assert!(html.contains("You are logged out"), "{html}");
    assert_eq!(of_list.next().await.unwrap().0, "over");
    // The server stops at once, though somebody looks.
    let begun = Instant::now();
    drop(other);
    drop(browser);
    site.rest.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(of_other.next().await, None);
}
