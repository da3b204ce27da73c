//! `koppel runs`: what is queued and how it went, and what a person decides.

mod print;

use super::Failure;
use super::output::{GREEN, Output};
use super::run::JobArgs;
use super::select::{ONE_EMPLOYER, failed};
use crate::catalogue::{Activity, id};
use crate::consulting;
use crate::durable::{Run, RunFilter, State, StoreError, Submitted};
use crate::gate::{Gate, Through};
use crate::platform::Owner;
use crate::runs::{Host, OutsideReply, RunRequest, RunsError, Verdict};
use clap::{Args, Subcommand, ValueEnum};
use print::{print, print_list};
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
        #[command(flatten)]
        view: View,
    },
    /// Shows a run with its attempts and their log.
    Show {
        /// The run.
        id: Uuid,
        #[command(flatten)]
        view: View,
    },
    /// Cancels a run. One that is under way is stopped, not in the middle of
    /// something that changes anything.
    Cancel {
        /// The run.
        id: Uuid,
        #[command(flatten)]
        by: By,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Queues a run again that failed, is dead or was cancelled, from the start.
    Retry {
        /// The run.
        id: Uuid,
        #[command(flatten)]
        by: By,
    },
    /// Says of a run that needs a person what became of the write that nobody
    /// knows of. First look at the outside party.
    Decide(Decide),
}

/// Who does something with a run. The checks are made for this user, and the
/// ledger names it.
#[derive(Debug, Args)]
pub(super) struct By {
    /// The user who does it; on whose behalf it runs, if it is submitted.
    #[arg(long)]
    user: String,
    /// The application through which: a client that has the activity (check 1).
    /// Without it, the command itself does it, which is no client.
    #[arg(long, value_name = "CLIENT")]
    application: Option<String>,
}

/// Who looks at runs.
#[derive(Debug, Args)]
pub(super) struct View {
    /// Shows what this user may see, behind the checks. Without it, all is
    /// shown: the view of the operator.
    #[arg(long)]
    user: Option<String>,
    /// The application through which that user looks: a client that has the
    /// activity (check 1). Without it, the command itself looks.
    #[arg(long, value_name = "CLIENT", requires = "user")]
    application: Option<String>,
}

impl By {
    fn gate<'a>(&'a self, host: &'a Host, activity: Activity) -> Gate<'a> {
        gate(host, &self.user, self.application.as_deref(), activity)
    }

    /// Lets the user do something with a run, or not, and records it.
    async fn admit(&self, host: &Host, id: Uuid, what: &str) -> Result<(), Failure> {
        let gate = self.gate(host, id::PatchConnectorRunByConnectorRunId);
        let admitted = async {
            let (session, _) = consulting::run(&gate, id).await?;
            gate.record(&session, format!("run {id}: {what}")).await
        };
        let admitted = admitted.await;
        admitted.map_err(|fault| failed(&gate, Owner::default(), fault))
    }
}

impl View {
    fn gate<'a>(&'a self, host: &'a Host, activity: Activity) -> Option<Gate<'a>> {
        let user = self.user.as_deref()?;
        Some(gate(host, user, self.application.as_deref(), activity))
    }
}

/// Where the checks are run.
fn gate<'a>(
    host: &'a Host,
    user: &'a str,
    application: Option<&'a str>,
    activity: Activity,
) -> Gate<'a> {
    Gate {
        host,
        through: application.map_or(Through::Command("koppel runs"), Through::Application),
        user,
        activity,
        run: Uuid::now_v7(),
    }
}

/// A run to be submitted.
#[derive(Debug, Args)]
pub(super) struct Submit {
    /// The client.
    client: String,
    #[command(flatten)]
    by: By,
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
    #[command(flatten)]
    by: By,
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
            view,
        } => {
            if let Some(gate) = view.gate(host, id::GetConnectorRunsByEmployerId) {
                let of = employer.ok_or_else(|| Failure::Input(ONE_EMPLOYER.to_owned()))?;
                let owner = Owner {
                    employer: of,
                    ..Owner::default()
                };
                let admitted = consulting::employer(&gate, of).await;
                admitted.map_err(|fault| failed(&gate, owner, fault))?;
            }
            let filter = RunFilter {
                states: state.clone(),
                client: client.clone(),
                employer: *employer,
                limit: Some(*limit),
                ..RunFilter::default()
            };
            let runs = host.kept_runs(filter).await?;
            out.result(&runs, || print_list(&runs));
            Ok(())
        }
        Runs::Show { id, view } => {
            let run = match view.gate(host, id::GetConnectorRunByConnectorRunId) {
                Some(gate) => {
                    let found = consulting::run(&gate, *id).await;
                    found
                        .map_err(|fault| failed(&gate, Owner::default(), fault))?
                        .1
                }
                None => host.kept_run(*id).await?.ok_or(StoreError::NoRun(*id))?,
            };
            show(&run, host, out).await
        }
        Runs::Cancel { id, by, reason } => {
            by.admit(host, *id, "cancel").await?;
            let run = host.cancel_run(*id, &by.user, reason).await?;
            out.result(&run, || {
                if run.state == State::Cancelled {
                    anstream::println!("{GREEN}cancelled{GREEN:#} run {id}");
                } else {
                    anstream::println!("run {id} is under way; it is stopped where that is safe");
                }
            });
            Ok(())
        }
        Runs::Retry { id, by } => {
            by.admit(host, *id, "retry").await?;
            let run = host.retry_run(*id, &by.user).await?;
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
        user: asked.by.user.clone(),
        employer: asked.employer,
        job: asked.job.job(None),
    };
    let gate = asked.by.gate(host, id::PostConnectorRunByEmployerId);
    let owner = Owner {
        employer: asked.employer,
        ..Owner::default()
    };
    let admitted = async {
        let session = consulting::employer(&gate, asked.employer).await?;
        host.admit_run(&gate, &session, &request).await
    };
    let admitted = admitted.await;
    admitted.map_err(|fault| failed(&gate, owner, fault))?;
    let application = gate.application();
    let submitted = host.submit_through(application, request, asked.key.clone());
    let submitted = submitted.await?;
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
    let what = match &verdict {
        Verdict::Happened(_) => "decide happened",
        Verdict::DidNotHappen => "decide did-not-happen",
        Verdict::Stop => "decide stop",
    };
    asked.by.admit(host, asked.id, what).await?;
    let run = host.decide_run(asked.id, &asked.by.user, verdict).await?;
    said(&run, out);
    Ok(())
}

async fn show(run: &Run, host: &Host, out: &Output) -> Result<(), Failure> {
    let attempts = host.attempts_at(run.id).await?;
    let shown = json!({"run": run, "attempts": attempts});
    out.result(&shown, || print(run, &attempts));
    Ok(())
}
