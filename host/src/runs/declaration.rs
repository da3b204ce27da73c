//! What the host does around a connector of kind declaration: checks before
//! the connector is called, and what follows from its answer.

mod follow;
mod kept;

use super::call::Call;
use super::job::Answer;
use super::{Host, Job, Output, RunError};
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{Activity, id};
use crate::platform::{Claim, DeclarationKind, Frozen, in_words};
use crate::sending::{Fate, Sending};
use crate::session::{Fault, Session};
pub(crate) use follow::check_message;
use kept::Kept;
use std::sync::Arc;
use uuid::Uuid;

/// How much longer than its run a claim holds, in milliseconds: the run ends
/// by its deadline, and then there is still something to write down.
const CLAIM_MARGIN: u64 = 60_000;

/// How long a claim holds while a run waits to go on, in milliseconds: a year.
/// It ends with the run.
const WAITING: u64 = 365 * 24 * 3_600_000;

/// A declaration of which something is about to be done.
pub(super) struct Step {
    id: Uuid,
    kind: DeclarationKind,
    activity: Activity,
    done: Done,
}

enum Done {
    Create,
    Submit {
        frozen: Frozen,
        sending: Arc<Sending>,
    },
    Poll {
        known: u64,
    },
}

impl Step {
    /// The message that the run may send, if it may.
    pub(super) fn sending(&self) -> Option<Arc<Sending>> {
        match &self.done {
            Done::Submit { sending, .. } => Some(sending.clone()),
            _ => None,
        }
    }

    /// The frozen message, for the connector.
    pub(super) fn frozen(&self) -> Option<&Frozen> {
        match &self.done {
            Done::Submit { frozen, .. } => Some(frozen),
            _ => None,
        }
    }
}

/// The activity that a job on a declaration is.
fn activity(job: &Job, kind: DeclarationKind) -> Activity {
    use DeclarationKind::{PayrollTaxReturn, UpaPensionDeclaration};
    match (job, kind) {
        (Job::SubmitDeclaration(_), kind) => crate::sending::activity(kind),
        (Job::PollDeclaration(_), PayrollTaxReturn) => {
            id::PostSendResponseMessageByPayrollTaxReturnId
        }
        (Job::PollDeclaration(_), UpaPensionDeclaration) => {
            id::PostSendResponseMessageByUpaPensionDeclarationId
        }
        // Making the message is carrying out what was asked for.
        (_, PayrollTaxReturn) => id::PostInitiatePayrollTaxReturnByPayrollAdministrationId,
        (_, UpaPensionDeclaration) => {
            id::PostInitiateUpaPensionDeclarationByPayrollAdministrationId
        }
    }
}

fn fault(fault: Fault) -> RunError {
    match fault {
        Fault::Guest(error) => refused(error),
        Fault::Host(error) => RunError::Host(format!("{error:#}")),
    }
}

fn refused(error: ActivityError) -> RunError {
    match error {
        // Given the line that would allow it where all denials are.
        ActivityError::Denied(denial) => RunError::Connector(ConnectorError::Denied(denial)),
        ActivityError::NotFound(id) => RunError::NoDeclaration(id),
        ActivityError::Conflict(why) => RunError::Conflict(why),
        ActivityError::Unavailable(seconds) => {
            RunError::Connector(ConnectorError::Unavailable(seconds))
        }
        ActivityError::Other(why) => RunError::Host(why),
        other => RunError::Host(format!("{other:?}")),
    }
}

/// Why a run cannot go on whose journal cannot be written.
pub(super) fn stopped(session: &Session) -> RunError {
    let why = session.journal.brake().why();
    why.map_or_else(
        || RunError::Host("the journal cannot be written".to_owned()),
        RunError::from,
    )
}

/// What the host could not do after the connector answered is done later; the
/// connector is not called again for it.
pub(super) fn later(session: &Session, error: RunError) -> RunError {
    let why = match &error {
        RunError::Host(why) => why.clone(),
        RunError::Connector(ConnectorError::Unavailable(_)) => error.to_string(),
        _ => return error,
    };
    if session.journal.put_off(why) {
        stopped(session)
    } else {
        error
    }
}

impl Host {
    /// Does something with a declaration: what must hold before, the call of
    /// the connector, and what follows from its answer.
    pub(super) async fn declare(
        &self,
        call: &mut Call<'_>,
        declaration: Uuid,
    ) -> Result<Output, RunError> {
        let (session, job) = (call.session.clone(), call.job.clone());
        if let Some(kept) = session.journal.answer::<Kept>() {
            let kind = session.declaration_kind(declaration, |kind| activity(&job, kind));
            let kind = kind.await.map_err(refused)?;
            let step = kept.step(&job, kind, declaration);
            let followed = self.follow(&session, &step, Ok(kept.answer)).await;
            return followed.map_err(|error| later(&session, error));
        }
        let deadline_ms = call.client.limits.deadline_ms;
        let step = self.step(&session, &job, declaration, deadline_ms).await?;
        let called = self.call(call, Some(&step)).await;
        if let Ok(answer) = &called
            && !session.journal.keep_answer(&Kept::of(&step, answer)).await
        {
            return Err(stopped(&session));
        }
        if let Err(RunError::Stopped(stop)) = &called
            && stop.may_go_on()
        {
            return self.wait(&session, &step, called).await;
        }
        let answered = called.is_ok();
        let followed = self.follow(&session, &step, called).await;
        if answered {
            followed.map_err(|error| later(&session, error))
        } else {
            followed
        }
    }

    /// Keeps the claim of a run that may go on: no other sends the message
    /// meanwhile.
    async fn wait(
        &self,
        session: &Session,
        step: &Step,
        called: Result<Answer, RunError>,
    ) -> Result<Output, RunError> {
        if step.frozen().is_some() {
            let claim = Claim {
                run: session.run,
                milliseconds: WAITING,
            };
            let claimed = self.platform.claim_declaration(step.id, claim).await;
            claimed.map_err(refused)?;
        }
        called.and_then(Answer::output)
    }

    /// Gives back what a run that is given up has claimed.
    pub(super) async fn give_up_declaration(&self, session: &Session, id: Uuid) {
        // Whether its message left is for the next run to find out.
        let released = self.platform.release_declaration(id, session.run, true);
        if let Err(error) = released.await {
            let why = in_words(&error);
            tracing::error!(declaration = %id, why, "the declaration stays claimed");
        }
    }

    /// Checks that a job on a declaration may be done now, and prepares it.
    async fn step(
        &self,
        session: &Session,
        job: &Job,
        id: Uuid,
        deadline_ms: u64,
    ) -> Result<Step, RunError> {
        // Of what does not exist, only those learn who may do it to something.
        let kind = session.declaration_kind(id, |kind| activity(job, kind));
        let kind = kind.await.map_err(refused)?;
        let activity = activity(job, kind);
        let checked = session.authorize(activity, Some(kind.entity(id))).await;
        checked.map_err(fault)?;
        let done = match job {
            Job::CreateDeclaration(_) => {
                let waits = self.platform.awaits_message(id).await;
                waits.map_err(refused)?;
                Done::Create
            }
            Job::SubmitDeclaration(_) => {
                let claim = Claim {
                    run: session.run,
                    milliseconds: deadline_ms.saturating_add(CLAIM_MARGIN),
                };
                let claimed = self.platform.claim_declaration(id, claim).await;
                let frozen = claimed.map_err(refused)?;
                // Its own claim would say so on replay.
                let left = async { Ok::<_, RunError>(frozen.left) };
                let left = session.journal.once("whether it left before", left).await?;
                let left = left.ok_or_else(|| stopped(session))?;
                let frozen = Frozen { left, ..frozen };
                let sending = Arc::new(Sending::new(kind, frozen.message.clone()));
                Done::Submit { frozen, sending }
            }
            _ => {
                let known = self.platform.response_count(id);
                let known = session.journal.once("how many responses there were", known);
                let known = known.await.map_err(refused)?;
                Done::Poll {
                    known: known.ok_or_else(|| stopped(session))?,
                }
            }
        };
        let step = Step {
            id,
            kind,
            activity,
            done,
        };
        if let Some(frozen) = step.frozen()
            && !session.journal.is_resumed()
        {
            let what = format!(
                "send {} {id}, message {}, SHA-256 {}",
                kind.noun(),
                frozen.reference,
                frozen.sha256
            );
            if let Err(error) = self.write(session, activity, what).await {
                self.release(session, &step, frozen, Fate::Stayed).await?;
                return Err(error);
            }
        }
        Ok(step)
    }
}
