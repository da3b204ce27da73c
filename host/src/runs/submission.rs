//! Submitting runs for people: which connector may be asked for what.
//!
//! An application does not choose among connectors: the operator says which one
//! performs an activity for an employer (`[connectors]`), and a job is one of
//! these activities.

use super::declaration::activity;
use super::people::{RunsError, is_key};
use super::{Host, Job, RunRequest};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::{Activity, id};
use crate::durable::{StoreError, Submitted};
use crate::gate::Gate;
use crate::platform::{Attribution, Entity, Owner};
use crate::session::{Fault, Session};
use uuid::Uuid;

/// What comes before the keys of an application, so that nobody takes those of
/// others, of schedules or of the operator.
fn key_of(application: &str, key: &str) -> String {
    format!("application {application}: {key}")
}

impl Host {
    /// Lets someone who may submit runs for the employer of a session have this
    /// one, or not, and records that it is about to be submitted.
    ///
    /// Through an application, the connector must be the one that performs what
    /// the job is for this employer, and all five checks must be green on that
    /// activity as well. A command of koppel is the operator's, who can run any
    /// connector.
    ///
    /// # Errors
    ///
    /// - `conflict` when the connector does not do it for this employer;
    /// - `denied`, after it was recorded.
    pub(crate) async fn admit_run(
        &self,
        gate: &Gate<'_>,
        session: &Session,
        request: &RunRequest,
    ) -> Result<(), Fault> {
        if gate.application().is_some() {
            self.admit_job(gate, session, request).await?;
        }
        let what = format!("submit to connector {}: {}", request.client, request.job);
        gate.record(session, what).await
    }

    async fn admit_job(
        &self,
        gate: &Gate<'_>,
        session: &Session,
        request: &RunRequest,
    ) -> Result<(), Fault> {
        let (activities, entity) = about(session, &request.job).await?;
        let owner = Owner {
            employer: session.employer,
            provider: session.provider,
        };
        let set_up: Vec<_> = self.live.with(|config| {
            let of = |activity: &Activity| config.connectors.of(*activity, owner);
            let named = activities.iter().copied();
            named
                .filter(|activity| of(activity) == Some(&request.client))
                .collect()
        });
        let Some(first) = set_up.first().copied() else {
            if let (Some(activity), false) = (activities.first(), request.job == Job::Check) {
                tracing::warn!(
                    "connector {client} is not set up for this; add [connectors.employer.\"{employer}\"] {activity} = \"{client}\"",
                    client = request.client,
                    employer = owner.employer,
                );
            }
            return Err(ActivityError::Conflict(format!(
                "no connector \"{}\" was set up that does this for this employer",
                request.client
            ))
            .into());
        };
        let mut chosen = first;
        for activity in set_up {
            if session.permits(activity, None).await {
                chosen = activity;
                break;
            }
        }
        session.authorize(chosen, None).await?;
        let Some(entity) = entity else {
            return Ok(());
        };
        // What is of another employer is denied in the words in which what
        // does not exist is.
        let elsewhere = match self.platform.owner_within(entity, owner.employer).await? {
            Attribution::Owned(found) if found.employer == owner.employer => {
                return session.authorize(chosen, Some(entity)).await;
            }
            Attribution::Owned(other) => Some(other),
            Attribution::Missing | Attribution::Elsewhere => None,
        };
        let reason = format!("there is no {} of this employer", entity.id());
        Err(gate.hide(elsewhere, &reason).await)
    }

    /// Submits a run that was admitted. The same request with the same key,
    /// through the same application, is the same run.
    ///
    /// # Errors
    ///
    /// As for [`Host::submit`].
    pub(crate) async fn submit_through(
        &self,
        application: Option<&str>,
        request: RunRequest,
        key: Option<String>,
    ) -> Result<Submitted, RunsError> {
        let (Some(application), Some(key)) = (application, &key) else {
            return self.submit(request, key).await;
        };
        is_key(key)?;
        let submitted = self.submit_as(Uuid::now_v7(), request, key_of(application, key));
        submitted.await.map_err(|error| match error {
            RunsError::Store(StoreError::KeyTaken { run, .. }) => StoreError::KeyTaken {
                key: key.clone(),
                run,
            }
            .into(),
            other => other,
        })
    }
}

/// The activities, of which a job is one, and what it is about.
async fn about(
    session: &Session,
    job: &Job,
) -> Result<(Vec<Activity>, Option<Entity>), ActivityError> {
    Ok(match job {
        Job::ProcessJournalRun(run) => (
            vec![
                id::PostSendJournalRunExportByJournalRunId,
                id::PostDownloadJournalRunExportByJournalRunId,
            ],
            Some(Entity::JournalRun(*run)),
        ),
        Job::Lookup(_) => (
            vec![
                id::GetAdditionalTaxliabilityByLicensePlateNumber,
                id::GetCompanyInformationByChamberOfCommerceNumber,
                id::GetGeocodeByAddress,
            ],
            None,
        ),
        Job::Quote(_) => (
            vec![
                id::PostAchmeaQuoteByEmployerId,
                id::PostFleurtjedagQuoteByEmployerId,
            ],
            None,
        ),
        Job::Order { .. } | Job::Cancel(_) => (
            vec![
                id::PostAchmeaInsuranceContractByEmployerId,
                id::PostFleurtjedagOrderByEmployerId,
            ],
            None,
        ),
        Job::CreateDeclaration(of) | Job::SubmitDeclaration(of) | Job::PollDeclaration(of) => {
            let kind = session
                .declaration_kind(*of, |kind| activity(job, kind))
                .await?;
            (vec![activity(job, kind)], Some(kind.entity(*of)))
        }
        // Whoever may have it do anything may see whether it works.
        Job::Check => (Activity::all().collect(), None),
    })
}
