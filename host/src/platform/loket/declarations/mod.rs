//! Declarations of the platform.
//!
//! The platform holds them, and what is confirmed is confirmed there. That one
//! was sent is koppel's own ([`claims`]): Loket's API has no operation to say
//! so. Such a one is shown with status 6 (sent), although the platform has it
//! at 5 (confirmed) until it gets a response message.

mod claims;
mod kinds;
mod way;

pub(super) use claims::SCHEMA;

use super::Loket;
use super::attribution::uuid;
use super::client::{Ask, unreadable};
use crate::bindings::koppel::loket::types::{
    ActivityError, DeclarationRequest, DeclarationStatus, PayrollPeriod,
};
use crate::catalogue::{Activity, id as activity};
use crate::platform::declarations::{STATUSES, not_now};
use crate::platform::{Attribution, DeclarationKind, Entity, Owners, in_words};
use crate::wire::declarations::Initiate;
use crate::wire::envelope::Single;
use crate::wire::shared::Id;
use http::Method;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// The activities on one kind of declaration.
struct Activities {
    message: Activity,
    store_message: Activity,
    initiate: Activity,
    change: Activity,
    respond: Activity,
}

fn activities(kind: DeclarationKind) -> Activities {
    match kind {
        DeclarationKind::PayrollTaxReturn => Activities {
            message: activity::GetMessageByPayrollTaxReturnId,
            store_message: activity::PutMessageByPayrollTaxReturnId,
            initiate: activity::PostInitiatePayrollTaxReturnByPayrollAdministrationId,
            change: activity::PatchPayrollTaxReturnsByPayrollTaxReturnIds,
            respond: activity::PostSendResponseMessageByPayrollTaxReturnId,
        },
        DeclarationKind::UpaPensionDeclaration => Activities {
            message: activity::GetMessageByUpaPensionDeclarationId,
            store_message: activity::PutMessageByUpaPensionDeclarationId,
            initiate: activity::PostInitiateUpaPensionDeclarationByPayrollAdministrationId,
            change: activity::PatchUpaPensionDeclarationByUpaPensionDeclarationId,
            respond: activity::PostSendResponseMessageByUpaPensionDeclarationId,
        },
    }
}

/// A declaration of either kind, as far as its way matters.
struct Standing {
    kind: DeclarationKind,
    id: String,
    status: DeclarationStatus,
    period: PayrollPeriod,
    corrects: Option<String>,
    reference: Option<String>,
    sha256: Option<String>,
    sent_time: Option<String>,
    responses: Vec<String>,
}

impl Standing {
    /// That the status is one of these, or why it cannot be done.
    fn must_be(
        &self,
        allowed: &[DeclarationStatus],
        done: &str,
        needs: &str,
    ) -> Result<(), ActivityError> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        let known = (1..).zip(STATUSES).find(|(_, (s, _))| *s == self.status);
        let key = known.map_or(0, |(key, _)| key);
        Err(not_now(self.kind, &self.id, key, done, needs))
    }

    fn name(&self) -> String {
        format!("{} {}", self.kind.noun(), self.id)
    }
}

/// A confirmed declaration that koppel sent is sent.
fn shown(
    id: &str,
    status: &mut DeclarationStatus,
    time: &mut Option<String>,
    sent: &HashMap<String, String>,
) {
    if *status == DeclarationStatus::Confirmed
        && let Some(sent) = sent.get(id)
    {
        *status = DeclarationStatus::Sent;
        *time = Some(sent.clone());
    }
}

#[derive(Deserialize)]
struct Identified {
    id: Id,
}

impl Loket {
    /// The kind of a declaration that was attributed a moment ago.
    async fn kind_of(&self, id: Uuid) -> Option<DeclarationKind> {
        for kind in DeclarationKind::ALL {
            if self.known.employer_of(kind.entity(id)).await.is_some() {
                return Some(kind);
            }
        }
        None
    }

    /// The message of a declaration.
    async fn message(&self, kind: DeclarationKind, id: Uuid) -> Result<Vec<u8>, ActivityError> {
        let id = id.to_string();
        let ask = Ask::about(activities(kind).message, &id);
        self.client.file(ask).await
    }

    /// Changes something, with a body in JSON; the reply, if it is of use.
    async fn tell_with<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        activity: Activity,
        id: Uuid,
        body: &impl Serialize,
    ) -> Result<Option<T>, ActivityError> {
        let id = id.to_string();
        let ask = Ask::about(activity, &id);
        let body =
            serde_json::to_vec(body).map_err(|error| ActivityError::Other(error.to_string()))?;
        self.client.change(method, ask, body).await
    }

    /// Asks for a declaration, and gives the identifier of what was made of it.
    async fn initiate(
        &self,
        kind: DeclarationKind,
        administration: Uuid,
        request: &DeclarationRequest,
    ) -> Result<Uuid, ActivityError> {
        if let DeclarationRequest::CorrectionOf(of) = request {
            self.correctable(kind, administration, of).await?;
        }
        let activity = activities(kind).initiate;
        let body = Initiate::from(request);
        let made: Option<Single<Identified>> = self
            .tell_with(Method::POST, activity, administration, &body)
            .await?;
        let Some(made) = made else {
            return Err(unreadable(
                activity,
                "it was done, but which one it made is not said",
            ));
        };
        let id = uuid(activity, &made.content.id)?;
        let parent = Entity::PayrollAdministration(administration);
        self.known.listed(kind.entity(id), parent).await;
        let standing = self.standing(kind, id).await.map_err(|error| {
            let why = in_words(&error);
            ActivityError::Other(format!(
                "{activity} was done, but what it made cannot be read: {why}"
            ))
        })?;
        made_as_asked(&standing, request)?;
        Ok(id)
    }

    /// That the declaration to correct is one of this administration: only then
    /// may the platform be asked about it.
    async fn correctable(
        &self,
        kind: DeclarationKind,
        administration: Uuid,
        of: &str,
    ) -> Result<(), ActivityError> {
        let missing = || ActivityError::NotFound(of.to_owned());
        let entity = kind.entity(Uuid::try_parse(of).map_err(|_| missing())?);
        let parent = Entity::PayrollAdministration(administration);
        let employer = self.known.employer_of(parent).await;
        let employer = employer.ok_or(ActivityError::Unavailable(Some(1)))?;
        let found = self.owner_within(entity, employer).await?;
        if !matches!(found, Attribution::Owned(_))
            || self.known.administration_of(entity).await? != administration
        {
            return Err(missing());
        }
        Ok(())
    }
}

/// That a platform that takes the next period by itself took the right one.
fn made_as_asked(standing: &Standing, request: &DeclarationRequest) -> Result<(), ActivityError> {
    let (right, asked) = match request {
        DeclarationRequest::Period(asked) => {
            let period = &standing.period;
            let right = (period.year, period.period_number) == (asked.year, asked.period_number);
            let asked = format!("of period {} of {}", asked.period_number, asked.year);
            (right, asked)
        }
        DeclarationRequest::CorrectionOf(of) => (
            standing.corrects.as_ref() == Some(of),
            format!("a correction of {of}"),
        ),
    };
    if right {
        return Ok(());
    }
    Err(ActivityError::Other(format!(
        "the platform made {} of period {} of {}, and not the one that was asked for, {asked}: it chooses by itself; cancel it there if it is not wanted",
        standing.name(),
        standing.period.period_number,
        standing.period.year
    )))
}
