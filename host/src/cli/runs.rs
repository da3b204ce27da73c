//! `koppel runs`: what is queued and how it went, and what a person decides.

use super::Failure;
use super::output::{BOLD, DIM, GREEN, Output, table};
use super::run::JobArgs;
use crate::durable::{Attempt, Run, RunFilter, State, StoreError, Submitted, moment};
use crate::runs::{Host, OutsideReply, RunRequest, RunsError, Verdict};
use crate::text::one_line;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// How often a run that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// Submits a run, which `koppel serve` makes.
    Submit(Submit),
    /// Lists runs, newest first.
    List {
        /// Only in this state; can be given more than once.
        #[arg(long)]
        state: Vec<State>,
        /// Only of this client.
        #[arg(long)]
        client: Option<String>,
        /// Only of this employer.
        #[arg(long)]
        employer: Option<Uuid>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Shows a run with its attempts and their log.
    Show {
        /// The run.
        id: Uuid,
    },
    /// Cancels a run. One that is under way is stopped, not in the middle of
    /// something that changes anything.
    Cancel {
        /// The run.
        id: Uuid,
        /// Who cancels it, for the ledger.
        #[arg(long)]
        user: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Queues a run again that failed, is dead or was cancelled, from the start.
    Retry {
        /// The run.
        id: Uuid,
        /// Who wants it, for the ledger.
        #[arg(long)]
        user: String,
    },
    /// Says of a run that needs a person what became of the write that nobody
    /// knows of. First look at the outside party.
    Decide(Decide),
}

/// A run to be submitted.
#[derive(Debug, Args)]
pub(super) struct Submit {
    /// The client.
    client: String,
    /// The user on whose behalf it runs.
    #[arg(long)]
    user: String,
    /// The employer that it is for.
    #[arg(long)]
    employer: Uuid,
    #[command(flatten)]
    job: JobArgs,
    /// The idempotency key: submitting the same again with the same key is the
    /// same run. Without, each is one of its own.
    #[arg(long)]
    key: Option<String>,
    /// Waits until it is over, or needs a person.
    #[arg(long)]
    wait: bool,
}

/// What a person decides.
#[derive(Debug, Args)]
pub(super) struct Decide {
    /// The run.
    id: Uuid,
    /// What became of the write.
    verdict: Word,
    /// Who decides, for the ledger.
    #[arg(long)]
    user: String,
    /// The HTTP status of the reply that was lost, if it is known: the run goes
    /// on with it. Otherwise it begins anew, and that write is refused.
    #[arg(long, requires = "body")]
    status: Option<u16>,
    /// A file with the body of that reply.
    #[arg(long, requires = "status")]
    body: Option<PathBuf>,
    /// The media type of that body.
    #[arg(long, default_value = "application/json")]
    media_type: String,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    /// It happened: it is not made again.
    Happened,
    /// It did not happen: it is made now.
    DidNotHappen,
    /// The run ends here.
    Stop,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::KeyTaken { .. } | StoreError::NoRun(_) | StoreError::State { .. } => {
                Self::Input(error.to_string())
            }
            StoreError::Fenced(_) | StoreError::Unavailable(_) | StoreError::Broken(_) => {
                Self::Failed(error.to_string())
            }
        }
    }
}

impl From<RunsError> for Failure {
    fn from(error: RunsError) -> Self {
        match error {
            RunsError::Store(error) => error.into(),
            RunsError::Invalid(why) => Self::Input(why),
            RunsError::Ledger(why) => Self::Failed(why),
        }
    }
}

/// `koppel runs`.
pub(super) async fn runs(command: &Runs, host: &Host, out: &Output) -> Result<(), Failure> {
    match command {
        Runs::Submit(asked) => submit(asked, host, out).await,
        Runs::List {
            state,
            client,
            employer,
            limit,
        } => {
            let filter = RunFilter {
                states: state.clone(),
                client: client.clone(),
                employer: *employer,
                before: None,
                limit: Some(*limit),
            };
            let runs = host.kept_runs(filter).await?;
            out.result(&runs, || print_list(&runs));
            Ok(())
        }
        Runs::Show { id } => {
            let run = host.kept_run(*id).await?.ok_or(StoreError::NoRun(*id))?;
            show(&run, host, out).await
        }
        Runs::Cancel { id, user, reason } => {
            let run = host.cancel_run(*id, user, reason).await?;
            out.result(&run, || {
                if run.state == State::Cancelled {
                    anstream::println!("{GREEN}cancelled{GREEN:#} run {id}");
                } else {
                    anstream::println!("run {id} is under way; it is stopped where that is safe");
                }
            });
            Ok(())
        }
        Runs::Retry { id, user } => {
            let run = host.retry_run(*id, user).await?;
            said(&run, out);
            Ok(())
        }
        Runs::Decide(asked) => decide(asked, host, out).await,
    }
}

fn said(run: &Run, out: &Output) {
    out.result(run, || {
        anstream::println!("{GREEN}{}{GREEN:#} run {}", run.state, run.id);
    });
}

async fn submit(asked: &Submit, host: &Host, out: &Output) -> Result<(), Failure> {
    let request = RunRequest {
        client: asked.client.clone(),
        user: asked.user.clone(),
        employer: asked.employer,
        job: asked.job.job(None),
    };
    let submitted = host.submit(request, asked.key.clone()).await?;
    if !asked.wait {
        let run = submitted.run();
        let known = matches!(submitted, Submitted::Known(_));
        out.result(run, || {
            let again = if known { ", submitted before" } else { "" };
            anstream::println!("{GREEN}{}{GREEN:#} run {}{again}", run.state, run.id);
        });
        return Ok(());
    }
    let id = submitted.run().id;
    let busy = out.busy(format!("run {id} is waited for"));
    let run = loop {
        let run = host.kept_run(id).await?.ok_or(StoreError::NoRun(id))?;
        if run.state.is_over() || run.state == State::NeedsAPerson {
            break run;
        }
        tokio::time::sleep(LOOK).await;
    };
    busy.finish_and_clear();
    show(&run, host, out).await?;
    match (run.state, run.error) {
        (State::Succeeded, _) => Ok(()),
        (state, Some(error)) => Err(Failure::Failed(format!("it is {state}: {}", error.message))),
        (state, None) => Err(Failure::Failed(format!("it is {state}"))),
    }
}

async fn decide(asked: &Decide, host: &Host, out: &Output) -> Result<(), Failure> {
    let reply = match (asked.status, &asked.body) {
        (Some(status), Some(path)) => {
            let body = std::fs::read(path);
            let body =
                body.map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
            Some(OutsideReply {
                status,
                media_type: Some(asked.media_type.clone()),
                body,
            })
        }
        _ => None,
    };
    let verdict = match asked.verdict {
        Word::Happened => Verdict::Happened(reply),
        Word::DidNotHappen | Word::Stop if reply.is_some() => {
            return Err(Failure::Input(
                "--status and --body are of something that happened".to_owned(),
            ));
        }
        Word::DidNotHappen => Verdict::DidNotHappen,
        Word::Stop => Verdict::Stop,
    };
    let run = host.decide_run(asked.id, &asked.user, verdict).await?;
    said(&run, out);
    Ok(())
}

fn print_list(runs: &[Run]) {
    let mut table = table(&[
        "Run",
        "Submitted",
        "Client",
        "Employer",
        "Job",
        "Tries",
        "State",
    ]);
    for run in runs {
        table.add_row([
            run.id.to_string(),
            moment(run.submitted),
            run.client.clone(),
            run.employer.to_string(),
            one_line(&run.job.to_string()),
            run.attempts.to_string(),
            run.state.to_string(),
        ]);
    }
    anstream::println!("{table}");
}

async fn show(run: &Run, host: &Host, out: &Output) -> Result<(), Failure> {
    let attempts = host.attempts_at(run.id).await?;
    let shown = json!({"run": run, "attempts": attempts});
    out.result(&shown, || print(run, &attempts));
    Ok(())
}

fn print(run: &Run, attempts: &[Attempt]) {
    anstream::println!("{BOLD}run {}{BOLD:#}: {}", run.id, run.state);
    anstream::println!("  job        {}", one_line(&run.job.to_string()));
    anstream::println!(
        "  client     {}, for user {}",
        run.client,
        one_line(&run.user)
    );
    anstream::println!("  employer   {}", run.employer);
    anstream::println!(
        "  submitted  {}, key {}",
        moment(run.submitted),
        one_line(&run.key)
    );
    if run.state == State::Queued {
        anstream::println!("  due        {}", moment(run.due));
    }
    if let Some(ended) = run.ended {
        anstream::println!("  over       {}", moment(ended));
    }
    if let Some(output) = &run.output {
        anstream::println!("  output     {}", one_line(&output.to_string()));
    }
    if let Some(error) = &run.error {
        anstream::println!("  error      {}: {}", error.code, one_line(&error.message));
    }
    for doubt in &run.doubts {
        anstream::println!("  in doubt   {}", one_line(&doubt.what));
    }
    for what in &run.happened {
        anstream::println!("  happened   {}, as a person said", one_line(what));
    }
    for attempt in attempts {
        let resumed = match attempt.resumed {
            0 => String::new(),
            count => format!(", resumed {count} times"),
        };
        let outcome = attempt.outcome.as_deref().unwrap_or("not ended");
        anstream::println!(
            "{BOLD}attempt {}{BOLD:#} began {}{resumed}: {outcome}",
            attempt.number,
            moment(attempt.begun)
        );
        for line in &attempt.log {
            anstream::println!("{DIM}{:>9}{DIM:#} {}", line.source.name(), line.text);
        }
    }
    if run.state == State::NeedsAPerson {
        anstream::println!(
            "look at the outside party, and say what became of it: koppel runs decide {} happened|did-not-happen|stop --user U\n{DIM}what left: koppel messages --run {}{DIM:#}",
            run.id,
            run.id
        );
    }
}
