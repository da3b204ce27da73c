//! `koppel serve` is killed (SIGKILL) at chosen points, and started again.

use super::party::{Hold, Party};
use super::{Bench, EXACT, TAX, text};
use crate::cli::koppel;
use crate::harness::{ANNA, employer};
use koppel_host::durable::{Run, State};
use koppel_host::platform::{DeclarationKind, seed, status_key};
use koppel_host::runs::{Host, Job, Release};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use uuid::Uuid;

/// A `koppel serve` of its own process; killed when it goes.
pub(crate) struct Serve(Child);

impl Serve {
    pub(crate) fn start(dir: &Path) -> Self {
        Self::command(dir, &["serve"])
    }

    fn command(dir: &Path, arguments: &[&str]) -> Self {
        Self::program(dir, env!("CARGO_BIN_EXE_koppel"), arguments)
    }

    /// One that tells in `serve.log` what it sees.
    pub(super) fn talking(dir: &Path) -> Self {
        let arguments = [
            "KOPPEL_LOG=koppel_host=info",
            env!("CARGO_BIN_EXE_koppel"),
            "serve",
        ];
        Self::program(dir, "env", &arguments)
    }

    pub(crate) fn program(dir: &Path, program: &str, arguments: &[&str]) -> Self {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(dir.join("serve.log"))
            .unwrap();
        let child = Command::new(program)
            .current_dir(dir)
            .env("NO_COLOR", "1")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Self(child.unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }

    /// SIGKILL: nothing of it runs any more when this returns.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Submits a journal posting, and kills the process that makes it where the
/// party holds it.
async fn killed(party: &Party, bench: &Bench, hold: Hold) -> Run {
    party.hold(hold);
    let run = bench.book(1, 6).await;
    let mut serve = Serve::start(bench.dir.path());
    party.held().await;
    serve.kill();
    run
}

async fn journal_run_status(host: &Host) -> usize {
    let run = host
        .platform()
        .journal_run(seed::journal_run_id(1, 6))
        .await;
    status_key(run.unwrap().status)
}

/// What a person decides of a run by the command.
#[track_caller]
fn decide(bench: &Bench, run: &Run, verdict: &str, more: &[&str]) {
    let id = run.id.to_string();
    let arguments = ["runs", "decide", &id, verdict, "--user", ANNA];
    let decided = koppel(bench.dir.path(), &[&arguments, more].concat());
    assert!(decided.status.success(), "{decided:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_before_it_wrote_anything_begins_again_by_itself() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let run = killed(&party, &bench, Hold::LookUp).await;
    assert_eq!(bench.run(run.id).await.state, State::Running);
    assert_eq!(journal_run_status(&bench.host).await, 5);
    let _serve = Serve::start(bench.dir.path());
    let done = bench.until(run.id, &[State::Succeeded]).await;
    assert_eq!(done.attempts, 1);
    assert_eq!(bench.host.attempts_at(run.id).await.unwrap()[0].resumed, 1);
    assert_eq!(party.told(|kept| (kept.posts, kept.entries.len())), (1, 1));
    assert_eq!(journal_run_status(&bench.host).await, 7);
    bench.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_while_it_booked_waits_for_a_person_who_knows_the_reply() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let run = killed(&party, &bench, Hold::AfterBooking).await;
    let serve = Serve::start(bench.dir.path());
    let waiting = bench.until(run.id, &[State::NeedsAPerson]).await;
    assert_eq!(waiting.doubts.len(), 1);
    assert_eq!(waiting.doubts[0].what, party.posting());
    assert_eq!(
        waiting.error.unwrap().message,
        format!(
            "the run was stopped: nobody knows whether this happened: {}",
            party.posting()
        )
    );
    // Nobody else books it meanwhile.
    let platform = bench.host.platform();
    let claim = platform.export_claim(seed::journal_run_id(1, 6)).await;
    assert_eq!(claim.unwrap().unwrap().by.run, run.id);
    let release = Release {
        journal_run: seed::journal_run_id(1, 6),
        client: None,
        user: ANNA.to_owned(),
        employer: employer(1),
        reason: "in a hurry".to_owned(),
    };
    let refused = bench.host.release_journal_run(&release).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "run {0} waits, and goes on with it; `koppel runs decide {0}` comes first",
            run.id
        )
    );
    let body = bench.dir.path().join("reply.json");
    std::fs::write(&body, r#"{"d": {"EntryID": "entry-1"}}"#).unwrap();
    let reply = ["--status", "201", "--body", "reply.json"];
    decide(&bench, &run, "happened", &reply);
    let done = bench.until(run.id, &[State::Succeeded]).await;
    assert_eq!((done.attempts, done.happened.len()), (1, 0));
    assert_eq!(party.told(|kept| (kept.posts, kept.entries.len())), (1, 1));
    assert_eq!(journal_run_status(&bench.host).await, 7);
    bench.verified().await;
    drop(serve);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_before_the_party_booked_books_when_a_person_says_so() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let run = killed(&party, &bench, Hold::BeforeBooking).await;
    let _serve = Serve::start(bench.dir.path());
    bench.until(run.id, &[State::NeedsAPerson]).await;
    assert_eq!(party.told(|kept| kept.entries.len()), 0);
    decide(&bench, &run, "did-not-happen", &[]);
    bench.until(run.id, &[State::Succeeded]).await;
    assert_eq!(party.told(|kept| (kept.posts, kept.entries.len())), (1, 1));
    bench.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_says_happened_is_found_and_never_sent_again() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let run = killed(&party, &bench, Hold::AfterBooking).await;
    let _serve = Serve::start(bench.dir.path());
    bench.until(run.id, &[State::NeedsAPerson]).await;
    decide(&bench, &run, "happened", &[]);
    let done = bench.until(run.id, &[State::Succeeded]).await;
    assert_eq!((done.attempts, done.happened), (2, vec![party.posting()]));
    assert_eq!(party.told(|kept| (kept.posts, kept.entries.len())), (1, 1));
    assert_eq!(journal_run_status(&bench.host).await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_word_of_a_person_books_nothing_twice() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let run = killed(&party, &bench, Hold::BeforeBooking).await;
    let _serve = Serve::start(bench.dir.path());
    bench.until(run.id, &[State::NeedsAPerson]).await;
    // It did not happen, and the person says that it did: the connector does
    // not find it, and may not send it.
    decide(&bench, &run, "happened", &[]);
    let failed = bench.until(run.id, &[State::Failed]).await;
    assert_eq!(party.told(|kept| (kept.posts, kept.entries.len())), (0, 0));
    let attempts = bench.host.attempts_at(run.id).await.unwrap();
    let said = format!(
        "{} is not sent again: a person said that it happened in an earlier attempt",
        party.posting()
    );
    assert!(
        attempts[1].log.iter().any(|line| line.text == said),
        "{failed:?} {attempts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_person_stops_gives_its_journal_run_back() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let run = killed(&party, &bench, Hold::AfterBooking).await;
    let _serve = Serve::start(bench.dir.path());
    bench.until(run.id, &[State::NeedsAPerson]).await;
    decide(&bench, &run, "stop", &[]);
    assert_eq!(bench.run(run.id).await.state, State::Cancelled);
    assert_eq!(journal_run_status(&bench.host).await, 6);
    assert_eq!(party.told(|kept| kept.posts), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_with_an_idempotency_key_is_sent_again_with_the_same_key() {
    let party = Party::start().await;
    let rule = r#", idempotency = "Idempotency-Key""#;
    let bench = Bench::idle(&text(&party, rule, "")).await;
    let run = killed(&party, &bench, Hold::AfterBooking).await;
    let _serve = Serve::start(bench.dir.path());
    bench.until(run.id, &[State::Succeeded]).await;
    let keys = party.told(|kept| kept.keys.clone());
    assert_eq!(keys.len(), 2);
    assert!(keys[0].is_some());
    assert_eq!(keys[0], keys[1]);
    assert_eq!(party.told(|kept| kept.entries.len()), 1);
    bench.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_whose_delivery_died_is_delivered_once_as_far_as_the_party_knows() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let id = confirmed(&bench, 1).await;
    party.hold(Hold::AfterDelivery);
    let run = bench.submit(TAX, 1, Job::SubmitDeclaration(id)).await;
    let mut serve = Serve::start(bench.dir.path());
    party.held().await;
    serve.kill();
    let _serve = Serve::start(bench.dir.path());
    let done = bench.until(run.id, &[State::Succeeded]).await;
    let messages = party.told(|kept| kept.messages.clone());
    assert_eq!(messages.len(), 1);
    let (reference, (_, times)) = messages.first_key_value().unwrap();
    assert_eq!(*times, 2, "the same message, which the party knows again");
    assert_eq!(done.output.unwrap()["reference"], format!("G-{reference}"));
    bench.verified().await;
}

/// A declaration of a period of 2022, made and confirmed.
pub(super) async fn confirmed(bench: &Bench, period: u32) -> Uuid {
    use koppel_host::bindings::koppel::loket::types::{DeclarationRequest, PeriodOfYear};
    let request = DeclarationRequest::Period(PeriodOfYear {
        year: 2022,
        period_number: period,
    });
    let platform = bench.host.platform();
    let administration = seed::payroll_administration_id(1);
    let asked = platform
        .initiate_payroll_tax_return(administration, &request, ANNA)
        .await;
    let id: Uuid = asked.unwrap().id.parse().unwrap();
    let made = bench.host.run(koppel_host::runs::RunRequest {
        client: TAX.to_owned(),
        user: ANNA.to_owned(),
        employer: employer(1),
        job: Job::CreateDeclaration(id),
    });
    let made = made.await;
    assert!(made.outcome.is_ok(), "{:?} {:?}", made.outcome, made.log);
    let kind = platform.declaration_kind(id).await.unwrap();
    assert_eq!(kind, Some(DeclarationKind::PayrollTaxReturn));
    platform.confirm_declaration(id, ANNA).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_does_something_else_on_replay_is_stopped() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    let run = killed(&party, &bench, Hold::AfterBooking).await;
    // As if it had asked for something else before.
    let path = bench.dir.path().join("data/runs.db");
    let runs = rusqlite::Connection::open(path).unwrap();
    let changed = runs.execute(
        "UPDATE step SET fingerprint = 'x', what = 'another' WHERE seq = 1",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
    let _serve = Serve::start(bench.dir.path());
    let stopped = bench.until(run.id, &[State::NeedsAPerson]).await;
    let error = stopped.error.unwrap();
    assert_eq!(error.code, "diverged");
    assert_eq!(
        error.message,
        "the run was stopped: it cannot be replayed: call 1 is now GetJournalRunResultsByJournalRunId, and was another; what it did before stays done, and nothing more was done. `koppel messages` shows it"
    );
    assert_eq!(party.told(|kept| kept.posts), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_not_replayed_with_other_settings() {
    let party = Party::start().await;
    let with = text(&party, "", "");
    let bench = Bench::idle(&with).await;
    let run = killed(&party, &bench, Hold::AfterBooking).await;
    let other = with.replace("journal-code = \"90\"", "journal-code = \"91\"");
    std::fs::write(bench.dir.path().join("platform.toml"), other).unwrap();
    let _serve = Serve::start(bench.dir.path());
    let stopped = bench.until(run.id, &[State::NeedsAPerson]).await;
    assert_eq!(
        stopped.error.unwrap().message,
        "it was interrupted, and cannot be replayed: its component, its settings or koppel changed meanwhile. `koppel messages` shows what it did"
    );
    assert_eq!(party.told(|kept| kept.posts), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_holds_no_secret() {
    let party = Party::start().await;
    let rule = ", credential = \"party\"";
    let credential = "\n[credentials.party]\nheader = \"Authorization\"\nscheme = \"Bearer\"\nvalue = { file = \"token\" }\n";
    let bench = Bench::idle(&(text(&party, rule, "") + credential)).await;
    std::fs::write(bench.dir.path().join("token"), "exact-token-1\n").unwrap();
    killed(&party, &bench, Hold::AfterBooking).await;
    let data = bench.dir.path().join("data");
    let mut journal = false;
    for file in ["runs.db", "runs.db-wal"] {
        let bytes = std::fs::read(data.join(file)).unwrap_or_default();
        journal |= memchr::memmem::find(&bytes, b"GeneralJournalEntries").is_some();
        assert!(
            memchr::memmem::find(&bytes, b"exact-token-1").is_none(),
            "{file}"
        );
    }
    assert!(journal);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_run_whose_process_was_killed_is_not_lost() {
    let party = Party::start().await;
    let bench = Bench::idle(&text(&party, "", "")).await;
    party.hold(Hold::AfterBooking);
    let (of, journal_run) = (
        employer(1).to_string(),
        seed::journal_run_id(1, 6).to_string(),
    );
    let mut run = Serve::command(
        bench.dir.path(),
        &[
            "run",
            EXACT,
            "--user",
            ANNA,
            "--employer",
            &of,
            "--journal-run",
            &journal_run,
        ],
    );
    party.held().await;
    run.kill();
    let runs = super::all(&bench.host).await;
    assert_eq!((runs.len(), runs[0].state), (1, State::Running));
    let _serve = Serve::start(bench.dir.path());
    bench.until(runs[0].id, &[State::NeedsAPerson]).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(party.told(|kept| kept.posts), 1);
}
