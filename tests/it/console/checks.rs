//! Each page and each action, denied by each of the checks that there are for
//! it, in the words of the REST API and with its record. None of them belongs to
//! a module, so that check 4 is green for all.

use super::{Browser, configured, of, words};
use crate::harness::{all_activities, employer, plugin};
use crate::journal::XAF;
use crate::rest::Rest;
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::seed;
use koppel_host::runs::{Job, RunRequest};

/// Something that a visitor does.
struct Deed {
    activity: &'static str,
    /// Below the employer.
    path: String,
    /// What is sent, if it is a form.
    form: Option<Vec<(&'static str, String)>>,
}

fn page(activity: &'static str, path: impl Into<String>) -> Deed {
    Deed {
        activity,
        path: path.into(),
        form: None,
    }
}

/// A server with a run and a message of employers 1 and 2.
struct Site {
    rest: Rest,
    /// Of each employer, the run and the message.
    made: [(String, String); 2],
}

async fn site() -> Site {
    let rest = Rest::with(&configured(&plugin("journal-xaf", XAF))).await;
    let mut made = Vec::new();
    for number in [1, 2] {
        let request = RunRequest {
            client: "journal-xaf".to_owned(),
            user: "anna".to_owned(),
            employer: employer(number),
            job: Job::ProcessJournalRun(seed::journal_run_id(number, 6)),
        };
        let run = rest.host.run(request).await.run;
        let filter = Filter {
            kinds: vec![Kind::ExportFile],
            run: Some(run),
            ..Filter::default()
        };
        let rows = rest.host.ledger().rows(filter).await.unwrap();
        made.push((run.to_string(), rows[0].id.to_string()));
    }
    Site {
        rest,
        made: made.try_into().unwrap(),
    }
}

impl Site {
    /// Everything that can be seen or done for an employer.
    fn deeds(&self, number: usize) -> Vec<Deed> {
        let (run, message) = &self.made[number - 1];
        let module = "65b78c11-3131-5a0c-9189-c89ca72f62e5".to_owned();
        vec![
            page("GetFiguresByUserId", ""),
            page("GetConnectorsByUserId", "/connectors"),
            page("GetConnectorsByUserId", "/connectors/journal-xaf"),
            page("GetExplanationsByEmployerId", "/why"),
            page(
                "GetExplanationsByEmployerId",
                "/why?client=console&user=anna&activity=GetFiguresByUserId",
            ),
            page("GetConnectorRunsByEmployerId", "/runs"),
            page("GetConnectorRunByConnectorRunId", format!("/runs/{run}")),
            page("PostConnectorRunByEmployerId", "/runs/new"),
            page("GetMessagesByEmployerId", "/messages"),
            page("GetMessageByMessageId", format!("/messages/{message}")),
            page(
                "GetMessageContentByMessageId",
                format!("/messages/{message}/content"),
            ),
            page("GetModulesByEmployerId", "/modules"),
            Deed {
                activity: "PatchModulesByEmployerId",
                path: "/modules".to_owned(),
                form: Some(vec![("id", module), ("turn", "on".to_owned())]),
            },
            Deed {
                activity: "PostConnectorRunByEmployerId",
                path: "/runs/new".to_owned(),
                form: Some(vec![
                    ("client", "journal-xaf".to_owned()),
                    ("kind", "check".to_owned()),
                    ("key", "a key".to_owned()),
                ]),
            },
            Deed {
                activity: "PatchConnectorRunByConnectorRunId",
                path: format!("/runs/{run}"),
                form: Some(vec![("action", "retry".to_owned())]),
            },
        ]
    }

    /// What a deed is answered with: status and words.
    async fn answer(&self, browser: &Browser<'_>, number: usize, deed: &Deed) -> (u16, String) {
        let path = of(number, &deed.path);
        let answer = match &deed.form {
            None => browser.get(&path).await,
            Some(form) => {
                let form: Vec<_> = form
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                browser.post(&path, &form).await
            }
        };
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        (answer.status.as_u16(), words(&body))
    }

    /// The last denial: client, activity, check and reason.
    async fn recorded(&self) -> (String, String, String, String) {
        let filter = Filter {
            kinds: vec![Kind::Denial],
            limit: Some(1),
            ..Filter::default()
        };
        let row = self
            .rest
            .host
            .ledger()
            .rows(filter)
            .await
            .unwrap()
            .remove(0);
        (
            row.context.client,
            row.activity.unwrap(),
            row.check.unwrap(),
            row.summary,
        )
    }

    #[track_caller]
    fn denied(said: &(u16, String), reason: &str) {
        let expected = format!("Insufficient rights for this request, reason \"{reason}\"");
        assert_eq!(said.0, 403, "{}", said.1);
        assert!(said.1.contains(&expected), "{expected}: {}", said.1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_checks_allow_is_done_and_nothing_is_recorded_as_denied() {
    let site = site().await;
    let anna = Browser::of(&site.rest, "anna").await;
    for deed in site.deeds(1) {
        let (status, said) = site.answer(&anna, 1, &deed).await;
        let expected = match (deed.activity, deed.form.is_some()) {
            // Not set up, and over.
            ("PostConnectorRunByEmployerId" | "PatchConnectorRunByConnectorRunId", true) => 409,
            (_, true) => 303,
            (_, false) => 200,
        };
        assert_eq!(status, expected, "{} {}: {said}", deed.activity, deed.path);
    }
    assert_eq!(site.rest.denials().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_right_is_denied_each_page_and_action() {
    let site = site().await;
    let tim = Browser::new(&site.rest);
    let tim_in = tim.log_in("tim", "/console/all/employers").await;
    assert_eq!(tim_in.status, 200, "{}", tim_in.text());
    for deed in site.deeds(1) {
        let said = site.answer(&tim, 1, &deed).await;
        let reason = format!("user \"tim\" has no right that gives {}", deed.activity);
        Site::denied(&said, &reason);
        let expected = ("console", deed.activity, "user", reason.as_str());
        let recorded = site.recorded().await;
        let recorded = (&*recorded.0, &*recorded.1, &*recorded.2, &*recorded.3);
        assert_eq!(recorded, expected);
    }
    // What is offered is what may be done.
    let page = tim.page("/console/all/employers").await;
    assert!(!page.contains("href=\"/console/all/runs\""), "{page}");
    let said = site.answer(&tim, 1, &page_of_ledger()).await;
    Site::denied(
        &said,
        "user \"tim\" has no right that gives GetLedgerVerificationByUserId",
    );
}

fn page_of_ledger() -> Deed {
    page("GetLedgerVerificationByUserId", "/ledger?verify=now")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_the_right_is_denied_each_page_and_action() {
    let site = site().await;
    let rik = Browser::new(&site.rest);
    rik.log_in("rik", "/console/all/employers").await;
    for deed in site.deeds(1).into_iter().chain([page_of_ledger()]) {
        let said = site.answer(&rik, 1, &deed).await;
        let reason = format!("role \"reader\" has no right that gives {}", deed.activity);
        Site::denied(&said, &reason);
        let recorded = site.recorded().await;
        assert_eq!((&*recorded.1, &*recorded.2), (deed.activity, "role"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_of_others_is_denied_on_each_page_and_action() {
    let site = site().await;
    let bas = Browser::of(&site.rest, "bas").await;
    for deed in site.deeds(2) {
        // Only users of a provider turn modules, whatever employer.
        if deed.activity == "PatchModulesByEmployerId" {
            continue;
        }
        let said = site.answer(&bas, 2, &deed).await;
        assert_eq!(said.0, 403, "{}: {}", deed.path, said.1);
        assert!(
            said.1.contains("that user \"bas\" may access"),
            "{}: {}",
            deed.path,
            said.1
        );
        let recorded = site.recorded().await;
        let reason = "user \"bas\" may not access this employer";
        assert_eq!(
            (&*recorded.1, &*recorded.2, &*recorded.3),
            (deed.activity, "entity", reason)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_application_was_not_granted_is_denied_to_everybody() {
    let site = site().await;
    let anna = Browser::of(&site.rest, "anna").await;
    let text = configured(&plugin("journal-xaf", XAF));
    for deed in site.deeds(1).into_iter().chain([page_of_ledger()]) {
        let all = all_activities();
        let less = all
            .replace(&format!("\"{}\", ", deed.activity), "")
            .replace(&format!(", \"{}\"]", deed.activity), "]");
        assert_ne!(all, less);
        // Of the console alone, which comes last.
        let at = text.rfind(&all).unwrap();
        let (before, after) = text.split_at(at);
        site.rest
            .reconfigure(&format!("{before}{}", after.replacen(&all, &less, 1)));
        let said = site.answer(&anna, 1, &deed).await;
        let reason = format!("client \"console\" was not granted {}", deed.activity);
        Site::denied(&said, &reason);
        let recorded = site.recorded().await;
        assert_eq!((&*recorded.1, &*recorded.2), (deed.activity, "client"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_leads_to_its_explanation() {
    let site = site().await;
    let tim = Browser::new(&site.rest);
    tim.log_in("tim", "/console/all/employers").await;
    // Not to who may not ask for one.
    let denied = tim.get(&of(1, "/runs")).await.text();
    assert!(!denied.contains("What do the five checks say"), "{denied}");
    let text = configured(&plugin("journal-xaf", XAF));
    let at = text.find("[rights]\n").unwrap();
    let (before, after) = text.split_at(at);
    let after = after.replacen(
        "\"GetEmployerByEmployerId\"]",
        "\"GetEmployerByEmployerId\", \"GetExplanationsByEmployerId\"]",
        1,
    );
    site.rest.reconfigure(&format!("{before}{after}"));
    let denied = tim.get(&of(1, "/runs")).await.text();
    let link = of(
        1,
        "/why?client=console&#38;user=tim&#38;activity=GetConnectorRunsByEmployerId",
    );
    assert!(denied.contains(&link), "{denied}");
    let page = tim.page(&link.replace("&#38;", "&")).await;
    let said = words(&page);
    assert!(said.contains("User red user \"tim\" has no right that gives GetConnectorRunsByEmployerId Would be green with"), "{said}");
}
