//! What journal connectors share, through a connector that books nothing.

use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::{JournalLine, JournalRunStatus};
use koppel_sdk::{
    Connector, ConnectorError, Context, Delivery, JournalConnector, Outcome, activities, http,
    journal,
};

struct Booker;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Settings {}

impl Connector for Booker {
    const NAME: &'static str = "booker";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Posts the number of lines";
    type Settings = Settings;

    fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok("fine".to_owned())
    }
}

impl JournalConnector for Booker {
    fn process_journal_run(
        _: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        let run = journal::run(journal_run_id)?;
        let (lines, survey) = journal::read(&run)?;
        let request = http::post("https://books.test/").json(&lines.len())?;
        let reply = journal::post(request)?;
        if reply.status() == 429 {
            return Err(ConnectorError::Unavailable(reply.retry_after()));
        }
        journal::mark_as_processed(&run, &reply.text())?;
        Ok(survey.outcome(Delivery::Booked, reply.text()))
    }
}

fn book(
    lines: Vec<JournalLine>,
    prepare: impl FnOnce(&mut MockHost),
) -> (Result<Outcome, ConnectorError>, Option<JournalRunStatus>) {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    prepare(&mut host);
    let outcome = host.process::<Booker>("{}", &run);
    (outcome, host.status(&run))
}

fn balanced() -> Vec<JournalLine> {
    vec![line("4000", "Lonen", 100, 0), line("1600", "Netto", 0, 100)]
}

fn refused(lines: Vec<JournalLine>) -> String {
    match book(lines, |_| ()) {
        (Err(ConnectorError::Refused(why)), Some(JournalRunStatus::ExportFailed)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_booked_is_marked_with_its_reference() {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::ExportFailed, balanced());
    host.reply("POST", "https://books.test/", 201, "entry-1");
    let outcome = host.process::<Booker>("{}", &run).unwrap();
    assert_eq!((outcome.reference.as_str(), outcome.lines), ("entry-1", 2));
    assert_eq!(outcome.total, 100);
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
    assert_eq!(
        host.performed(),
        [
            "GetJournalRunByJournalRunId",
            "GetJournalRunResultsByJournalRunId",
            "PatchJournalRunByJournalRunId"
        ]
    );
}

#[test]
fn an_unbalanced_journal_names_the_lines_with_the_difference_or_half_of_it() {
    assert_eq!(
        refused(vec![
            line("4000", "Lonen", 1_000, 0),
            line("4010", "Vakantiegeld", 250, 0),
            line("4020", "Pensioen", 500, 0),
            line("1600", "Netto", 0, 1_250),
        ]),
        "the journal does not balance: debit 17.50, credit 12.50, difference 5.00; lines with the difference or half of it: line 2 (Brutoloon) debit 2.50; line 3 (Brutoloon) debit 5.00"
    );
}

#[test]
fn an_unbalanced_journal_without_such_lines_names_all_of_them() {
    assert_eq!(
        refused(vec![
            line("4000", "Lonen", 1_000, 0),
            line("1600", "Netto", 0, 999)
        ]),
        "the journal does not balance: debit 10.00, credit 9.99, difference 0.01; its lines: line 1 (Brutoloon) debit 10.00; line 2 (Brutoloon) credit 9.99"
    );
}

#[test]
fn ten_lines_are_named_and_the_others_counted() {
    let mut lines = vec![line(" ", "", 100, 0); 12];
    lines.push(line("1600", "Netto", 1, 1_201));
    let why = refused(lines);
    assert!(
        why.starts_with("line 1 (Brutoloon) has no ledger account; line 2 "),
        "{why}"
    );
    assert!(
        why.ends_with("line 10 (Brutoloon) has no ledger account; and 3 more"),
        "{why}"
    );
}

#[test]
fn a_line_on_both_sides_is_named() {
    assert_eq!(
        refused(vec![line("4000", "Lonen", 100, 100)]),
        "line 1 (Brutoloon) is both debit and credit"
    );
}

#[test]
fn a_journal_without_lines_is_refused() {
    assert_eq!(refused(Vec::new()), "the journal has no lines");
}

#[test]
fn a_journal_run_that_is_not_ready_is_refused() {
    use JournalRunStatus::{Deleted, Exported, Failed, NoResults, ReadyToJournalise};
    for status in [ReadyToJournalise, NoResults, Failed, Deleted, Exported] {
        let mut host = MockHost::new();
        let run = host.journal_run(status, balanced());
        assert_eq!(
            host.process::<Booker>("{}", &run),
            Err(ConnectorError::Refused(format!(
                "journal run {run} is not ready to export: its status is {status:?}"
            )))
        );
        assert_eq!(host.status(&run), Some(status));
    }
}

#[test]
fn a_booking_without_a_reply_may_have_been_made_and_is_not_given_back() {
    let (outcome, status) = book(balanced(), |host| {
        host.reply("POST", "https://books.test/", 502, "");
    });
    assert_eq!(
        outcome,
        Err(ConnectorError::OutsideParty(
            "https://books.test/: status 502; it is not known whether the journal was booked. Run it again: what was booked is found, and not booked twice".to_owned()
        ))
    );
    assert_eq!(status, Some(JournalRunStatus::ExportFailed));
}

#[test]
fn a_booking_that_was_turned_away_for_certain_is_given_back() {
    let (outcome, status) = book(balanced(), |host| {
        host.reply_with(
            "POST",
            "https://books.test/",
            429,
            &[("retry-after", "7")],
            "",
        );
    });
    assert_eq!(outcome, Err(ConnectorError::Unavailable(Some(7))));
    assert_eq!(status, Some(JournalRunStatus::Ready));
}

#[test]
fn a_booking_that_cannot_be_marked_ends_as_a_failure() {
    let (outcome, status) = book(balanced(), |host| {
        host.reply("POST", "https://books.test/", 201, "entry-1");
        host.deny("PatchJournalRunByJournalRunId");
    });
    assert!(
        matches!(outcome, Err(ConnectorError::Denied(_))),
        "{outcome:?}"
    );
    assert_eq!(status, Some(JournalRunStatus::ExportFailed));
}

#[test]
fn after_a_booking_unavailable_is_no_word_for_it() {
    assert_eq!(
        journal::booked("entry-1", ConnectorError::Unavailable(Some(3))),
        ConnectorError::OutsideParty(
            "it was booked as entry-1, but there is no answer now; run it again".to_owned()
        )
    );
    let other = ConnectorError::Refused("no".to_owned());
    assert_eq!(journal::booked("entry-1", other.clone()), other);
}

/// Reads the audit trail of what it processes, and refuses it with that.
struct Historian;

impl Connector for Historian {
    const NAME: &'static str = "historian";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Reads audit trails";
    type Settings = Settings;

    fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok("fine".to_owned())
    }
}

impl JournalConnector for Historian {
    fn process_journal_run(
        _: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        let mut statuses = Vec::new();
        let pages = activities::pages(|page| {
            activities::get_journal_run_export_audit_trail_by_journal_run_id(journal_run_id, page)
        });
        for page in pages {
            statuses.extend(page?.into_iter().map(|record| record.export_status));
        }
        Err(ConnectorError::Refused(format!("{statuses:?}")))
    }
}

#[test]
fn the_audit_trail_grows_with_each_change() {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::Ready, balanced());
    let first = host.process::<Historian>("{}", &run);
    assert_eq!(
        first,
        Err(ConnectorError::Refused(
            "[JournalRunStatus::BeingExported]".to_owned()
        ))
    );
    let second = host.process::<Historian>("{}", &run);
    assert_eq!(
        second,
        Err(ConnectorError::Refused(
            "[JournalRunStatus::BeingExported, JournalRunStatus::ExportFailed, JournalRunStatus::BeingExported]".to_owned()
        ))
    );
}
