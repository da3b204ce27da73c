//! The gate: the five checks for someone who works through an application, for
//! all employers that the user may access rather than for the one of a run.
//!
//! Whether something exists that the user may not access is not told: it is
//! denied in the same words as what does not exist.

use crate::authorization::{EmployerModules, NO_MODULES, Question};
use crate::bindings::koppel::loket::types::{ActivityError, Check, Denial};
use crate::catalogue::Activity;
use crate::platform::{Entity, Owner};
use crate::runs::Host;
use crate::session::{Fault, Session};
use std::sync::Arc;
use uuid::Uuid;

/// Someone who wants to perform an activity.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    pub(crate) host: &'a Host,
    /// The application.
    pub(crate) client: &'a str,
    pub(crate) user: &'a str,
    pub(crate) activity: Activity,
    /// What the ledger calls this attempt.
    pub(crate) run: Uuid,
}

impl Gate<'_> {
    /// Runs the checks that need no employer.
    ///
    /// # Errors
    ///
    /// `denied`, after it was recorded.
    pub(crate) async fn ask(&self) -> Result<(), Fault> {
        let asked = self.host.live().with(|config| {
            let grants = &config.grants;
            grants.check_without_employer(self.client, self.user, self.activity)
        });
        match asked {
            Ok(()) => Ok(()),
            Err(denial) => Err(self.deny(Owner::default(), &denial).await),
        }
    }

    /// Runs the five checks, and gives the session in which the activity may
    /// be performed on something of this owner (none: it does not exist).
    /// `what` is how the caller named it; `entity` is what the payroll data
    /// knows it as, if it is there.
    ///
    /// # Errors
    ///
    /// `denied`, after it was recorded.
    pub(crate) async fn admit(
        &self,
        owner: Option<Owner>,
        what: &str,
        entity: Option<Entity>,
    ) -> Result<Arc<Session>, Fault> {
        let accessible = owner.filter(|owner| {
            let live = self.host.live();
            live.with(|config| config.grants.may_access(self.user, *owner))
        });
        match accessible {
            Some(owner) => {
                let session = self.session(owner);
                session.authorize(self.activity, entity).await?;
                Ok(session)
            }
            None => {
                let user = self.user;
                let reason = format!("there is no {what} that user \"{user}\" may access");
                Err(self.hide(owner, &reason).await)
            }
        }
    }

    /// Denies what the user may not access, or what does not exist, for the
    /// same `reason`. The ledger gets the true one.
    pub(crate) async fn hide(&self, owner: Option<Owner>, reason: &str) -> Fault {
        if let Err(fault) = self.ask().await {
            return fault;
        }
        let true_reason = owner.and_then(|owner| {
            let question = self.question(owner, &NO_MODULES);
            let live = self.host.live();
            live.with(|config| config.grants.check_entity(&question).err())
        });
        let told = self.denial(reason);
        let recorded = true_reason.as_ref().unwrap_or(&told);
        match self.deny(owner.unwrap_or_default(), recorded).await {
            Fault::Guest(ActivityError::Denied(_)) => ActivityError::Denied(told).into(),
            failed => failed,
        }
    }

    /// A denial by the last check.
    pub(crate) fn denial(&self, reason: &str) -> Denial {
        Denial {
            check: Check::Entity,
            activity: self.activity.id().to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// Records a denial.
    pub(crate) async fn deny(&self, owner: Owner, denial: &Denial) -> Fault {
        let session = self.session(owner);
        match session.record_denial(self.activity, denial).await {
            Ok(()) => ActivityError::Denied(denial.clone()).into(),
            Err(fault) => fault,
        }
    }

    /// A session for this owner, without any check.
    pub(crate) fn session(&self, owner: Owner) -> Arc<Session> {
        let session = self.host.session(self.run, self.client, self.user, owner);
        Arc::new(session)
    }

    /// The question whether this may be done for an owner.
    pub(crate) fn question<'b>(
        &'b self,
        owner: Owner,
        modules: &'b EmployerModules,
    ) -> Question<'b> {
        Question {
            client: self.client,
            user: self.user,
            activity: self.activity,
            scope: owner.employer,
            employer: owner.employer,
            provider: owner.provider,
            modules,
        }
    }
}
