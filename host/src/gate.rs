//! The gate: the five checks for someone who works through an application, for
//! all employers that the user may access rather than for the one of a run.
//!
//! Whether something exists that the user may not access is not told: it is
//! denied in the same words as what does not exist.

use crate::authorization::{EmployerModules, NO_MODULES, Question};
use crate::bindings::koppel::loket::types::{ActivityError, Check, Denial};
use crate::catalogue::Activity;
use crate::ledger::{Entry, Kind};
use crate::platform::{Entity, Owner};
use crate::runs::Host;
use crate::session::{Fault, Session};
use std::sync::Arc;
use uuid::Uuid;

/// Through what someone works.
#[derive(Clone, Copy)]
pub(crate) enum Through<'a> {
    /// An application: a client.
    Application(&'a str),
    /// A command of koppel itself, by this name. It is no client, so that check
    /// 1 falls away. Its name has a space, so that no client has it.
    Command(&'static str),
}

/// Someone who wants to perform an activity.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    pub(crate) host: &'a Host,
    pub(crate) through: Through<'a>,
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
            grants.check_without_employer(self.application(), self.user, self.activity)
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
                match self.through {
                    Through::Application(_) => session.authorize(self.activity, entity).await?,
                    Through::Command(_) => self.check_user(&session, owner).await?,
                }
                Ok(session)
            }
            None => {
                let user = self.user;
                let reason = format!("there is no {what} that user \"{user}\" may access");
                Err(self.hide(owner, &reason).await)
            }
        }
    }

    /// Runs all checks but the first.
    async fn check_user(&self, session: &Session, owner: Owner) -> Result<(), Fault> {
        let modules = self.host.platform().modules_on().await?;
        let question = self.question(owner, &modules);
        let live = self.host.live();
        match live.with(|config| config.grants.check_user(&question)) {
            Ok(()) => Ok(()),
            Err((denial, _)) => Err(session.refuse(self.activity, denial).await),
        }
    }

    /// The line of the configuration that would allow this for an owner, if
    /// one would.
    pub(crate) fn line_to_add(&self, owner: Owner) -> Option<String> {
        let question = self.question(owner, &NO_MODULES);
        self.host.live().with(|config| match self.through {
            Through::Application(_) => config.grants.line_to_add(&question),
            Through::Command(_) => {
                let denied = config.grants.check_user(&question).err();
                denied.map(|(_, line)| line)
            }
        })
    }

    /// The application, if it is through one.
    pub(crate) fn application(&self) -> Option<&str> {
        match self.through {
            Through::Application(client) => Some(client),
            Through::Command(_) => None,
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

    /// Records what is about to be done, after it was admitted.
    ///
    /// # Errors
    ///
    /// A host fault when it cannot be recorded.
    pub(crate) async fn record(&self, session: &Session, what: String) -> Result<(), Fault> {
        let entry = Entry {
            activity: Some(self.activity.id().to_owned()),
            ..Entry::new(session.context(), Kind::ActivityWrite, what)
        };
        session.record(entry).await
    }

    /// A session for this owner, without any check.
    pub(crate) fn session(&self, owner: Owner) -> Arc<Session> {
        let (Through::Application(client) | Through::Command(client)) = self.through;
        let session = self.host.session(self.run, client, self.user, owner);
        Arc::new(session)
    }

    /// The question whether this may be done for an owner.
    pub(crate) fn question<'b>(
        &'b self,
        owner: Owner,
        modules: &'b EmployerModules,
    ) -> Question<'b> {
        Question {
            client: self.application().unwrap_or_default(),
            user: self.user,
            activity: self.activity,
            scope: owner.employer,
            employer: owner.employer,
            provider: owner.provider,
            modules,
        }
    }
}
