//! A session: one run of a client for a user and an employer. All that the
//! guest does goes through it, and so through the five checks.

use crate::authorization::{EmployerModules, NO_MODULES, Question, Revocations};
use crate::bindings::koppel::loket::types::{ActivityError, Check, Denial};
use crate::catalogue::Activity;
use crate::config::{Config, Live};
use crate::ledger::{Context, Entry, Kind, Ledger, Opening};
use crate::platform::{Attribution, ChangedBy, DeclarationKind, Entity, Owner, Platform};
use crate::runs::Trace;
use crate::runs::replay::Journal;
use crate::runs::throttle::Throttle;
use crate::sandbox::LimitReached;
use crate::telemetry::{self, Metrics};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use uuid::Uuid;

/// How many denials one run may cause. Each is a row in the ledger, which
/// never shrinks; a connector that was denied as often does not stop by itself.
pub const DENIALS: usize = 500;

/// The line that would allow what no line allows.
pub(crate) const NO_LINE: &str = "none: it is not about the configuration";

/// Who is calling, for whom, and through what.
pub struct Session {
    /// The identifier of the run.
    pub run: Uuid,
    /// The client.
    pub client: String,
    /// The user on whose behalf it runs.
    pub user: String,
    /// The employer that the run is for.
    pub employer: Uuid,
    /// The provider of that employer.
    pub provider: Uuid,
    /// The configuration in force.
    pub live: Live,
    /// The payroll data.
    pub platform: Arc<dyn Platform>,
    /// Where everything that leaves, and every denial, is recorded.
    pub ledger: Ledger,
    /// The last answer of the five checks or of the platform, if it was a
    /// denial.
    pub denied: Mutex<Option<Denial>>,
    /// What it performed so far.
    pub trace: Trace,
    /// How often it was denied or refused.
    pub denials: AtomicUsize,
    /// What it was answered so far, and before it was interrupted.
    pub(crate) journal: Journal,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// The limits of outside parties.
    pub(crate) throttle: Arc<Throttle>,
    /// The row that it began with, if it is a run.
    pub(crate) opening: OnceLock<Opening>,
}

/// Why a call of a guest did not succeed.
#[derive(Debug)]
pub enum Fault {
    /// The guest may see it and handle it.
    Guest(ActivityError),
    /// The host cannot go on with this run, for example because the ledger
    /// cannot be written: the guest is ended.
    Host(anyhow::Error),
}

/// What the five checks look at, as it is at a moment: what is granted, what was
/// taken back, and the modules that were turned on at run time.
struct Grounds {
    config: Arc<Config>,
    revoked: Option<Arc<Revocations>>,
    /// None for an activity that takes no module.
    modules: Option<Arc<EmployerModules>>,
}

impl Grounds {
    /// Whether nothing was replaced since. Each of them is never changed, and is
    /// still there, so that none has the place of another.
    fn hold(&self, live: &Live, modules: Option<&Arc<EmployerModules>>) -> bool {
        live.is(&self.config)
            && self.config.grants.revoked.is(self.revoked.as_ref())
            && modules.map(Arc::as_ptr) == self.modules.as_ref().map(Arc::as_ptr)
    }

    fn modules(&self) -> &EmployerModules {
        self.modules.as_ref().unwrap_or(&NO_MODULES)
    }
}

impl From<ActivityError> for Fault {
    fn from(error: ActivityError) -> Self {
        Self::Guest(error)
    }
}

impl Session {
    /// What the ledger notes with everything of this run.
    pub fn context(&self) -> Context {
        Context {
            run: self.run,
            client: self.client.clone(),
            user: self.user.clone(),
            employer: self.employer,
        }
    }

    /// Whose doing a change of a journal run is, for its audit trail.
    pub fn changed_by(&self) -> ChangedBy {
        ChangedBy {
            run: self.run,
            client: self.client.clone(),
            user: self.user.clone(),
        }
    }

    /// Runs the five checks on an activity, against the configuration as it is
    /// now. Without an entity, the activity is on the employer of the run.
    ///
    /// # Errors
    ///
    /// - `denied`, with the first red check, after it was recorded;
    /// - `denied` also when the platform does not know the entity as one of the
    ///   employer's, or refuses to say;
    /// - `not-found` when all checks are green for the employer of the run and
    ///   the entity does not exist;
    /// - a host fault when the denial could not be recorded.
    pub async fn authorize(&self, activity: Activity, entity: Option<Entity>) -> Result<(), Fault> {
        let authorized = self.judge(activity, entity).await;
        match &authorized {
            Ok(()) => self.trace.performed(activity, entity),
            Err(_) => self.trace.spoil(),
        }
        authorized
    }

    async fn judge(&self, activity: Activity, entity: Option<Entity>) -> Result<(), Fault> {
        // Nothing is looked up for those who may not do it to their own.
        let grounds = self.grounds(activity).await?;
        self.require(activity, self.own(), &grounds).await?;
        let Some(entity) = entity else {
            return Ok(());
        };
        match self.platform.owner_within(entity, self.employer).await {
            // Once more: of the entity's own employer, and with what was
            // revoked while it was looked up.
            Ok(Attribution::Owned(owner)) => {
                let modules = self.modules(activity).await?;
                if owner == self.own() && grounds.hold(&self.live, modules.as_ref()) {
                    // The same question has the same answer.
                    return Ok(());
                }
                let now = self.grounds(activity).await?;
                self.require(activity, owner, &now).await
            }
            Ok(Attribution::Missing) => {
                Err(ActivityError::NotFound(entity.id().to_string()).into())
            }
            Ok(Attribution::Elsewhere) => {
                let reason =
                    "the platform does not list it under the employer that this run is for";
                let denial = Denial {
                    check: Check::Entity,
                    activity: activity.id().to_owned(),
                    reason: reason.to_owned(),
                };
                Err(self.refuse(activity, denial).await)
            }
            Err(ActivityError::Denied(denial)) => {
                let reason = format!(
                    "whose it is cannot be seen: {} was denied: {}",
                    denial.activity, denial.reason
                );
                let denial = Denial {
                    check: denial.check,
                    activity: activity.id().to_owned(),
                    reason,
                };
                Err(self.refuse(activity, denial).await)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Runs the five checks for something of this owner.
    async fn require(
        &self,
        activity: Activity,
        owner: Owner,
        grounds: &Grounds,
    ) -> Result<(), Fault> {
        match self.check(activity, owner, grounds) {
            Ok(()) => {
                *self.last_denial() = None;
                Ok(())
            }
            Err(denial) => Err(self.refuse(activity, denial).await),
        }
    }

    /// Records a denial and makes it the fault that the guest sees.
    pub(crate) async fn refuse(&self, activity: Activity, denial: Denial) -> Fault {
        self.trace.spoil();
        *self.last_denial() = Some(denial.clone());
        // Boxed, or every call of an activity would have a place for it.
        match Box::pin(self.record_denial(activity, &denial)).await {
            Ok(()) => ActivityError::Denied(denial).into(),
            Err(fault) => fault,
        }
    }

    fn last_denial(&self) -> MutexGuard<'_, Option<Denial>> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all five checks are green for an activity on an entity that
    /// exists. Records nothing.
    pub async fn permits(&self, activity: Activity, entity: Option<Entity>) -> bool {
        self.reaches(activity, entity).await.unwrap_or(false)
    }

    /// As [`Self::permits`], with the error of a platform that cannot say.
    async fn reaches(
        &self,
        activity: Activity,
        entity: Option<Entity>,
    ) -> Result<bool, ActivityError> {
        let grounds = self.grounds(activity).await?;
        // Nothing is looked up for those who may not do it to their own.
        if self.check(activity, self.own(), &grounds).is_err() {
            return Ok(false);
        }
        let Some(entity) = entity else {
            return Ok(true);
        };
        match self.platform.owner_within(entity, self.employer).await {
            Ok(Attribution::Owned(owner)) => Ok(self.check(activity, owner, &grounds).is_ok()),
            Ok(Attribution::Missing | Attribution::Elsewhere) | Err(ActivityError::Denied(_)) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Which kind of declaration this is, on which one of these activities is
    /// to be performed. Of one that does not exist, or that the platform does
    /// not show to this session, it is a kind of which the session may perform
    /// the activity: the five checks will say what there is to say.
    ///
    /// # Errors
    ///
    /// Those of the platform.
    pub async fn declaration_kind(
        &self,
        id: Uuid,
        activity: impl Fn(DeclarationKind) -> Activity + Send + Sync,
    ) -> Result<DeclarationKind, ActivityError> {
        if self.platform.finds_owners() {
            let found = self.platform.declaration_kind(id).await?;
            return Ok(found.unwrap_or(DeclarationKind::PayrollTaxReturn));
        }
        let mut likely = None;
        for kind in DeclarationKind::ALL {
            let activity = activity(kind);
            if self.reaches(activity, Some(kind.entity(id))).await? {
                return Ok(kind);
            }
            if likely.is_none() && self.permits(activity, None).await {
                likely = Some(kind);
            }
        }
        Ok(likely.unwrap_or(DeclarationKind::PayrollTaxReturn))
    }

    fn check(&self, activity: Activity, owner: Owner, grounds: &Grounds) -> Result<(), Denial> {
        let question = Question {
            employer: owner.employer,
            provider: owner.provider,
            ..self.question(activity, grounds.modules())
        };
        let span = telemetry::checks(activity.id());
        let checked = span.in_scope(|| grounds.config.grants.check(&question));
        if let Err(denial) = &checked {
            span.record("red", crate::authorization::name(denial.check));
        }
        checked
    }

    /// The question on an activity for the employer of the run.
    pub fn question<'a>(
        &'a self,
        activity: Activity,
        modules: &'a EmployerModules,
    ) -> Question<'a> {
        Question {
            client: &self.client,
            user: &self.user,
            activity,
            scope: self.employer,
            employer: self.employer,
            provider: self.provider,
            modules,
        }
    }

    /// What the five checks on this activity look at, as it is now.
    async fn grounds(&self, activity: Activity) -> Result<Grounds, ActivityError> {
        let config = self.live.now();
        Ok(Grounds {
            revoked: config.grants.revoked.now(),
            config,
            modules: self.modules(activity).await?,
        })
    }

    /// The modules that were turned on at run time, if the activity takes one.
    async fn modules(
        &self,
        activity: Activity,
    ) -> Result<Option<Arc<EmployerModules>>, ActivityError> {
        Ok(match activity.row().module {
            Some(_) => Some(self.platform.modules_on().await?),
            None => None,
        })
    }

    /// The line of the configuration that would allow what a denial refused,
    /// or words that say that none would. The word of a guest is not taken for
    /// it: the checks are asked.
    pub async fn line_to_add(&self, denial: &Denial) -> String {
        let modules = self.platform.modules_on().await.unwrap_or_default();
        let question =
            Activity::find(&denial.activity).map(|activity| self.question(activity, &modules));
        let line = question.and_then(|question| {
            self.live
                .with(|config| config.grants.line_to_add(&question))
        });
        line.unwrap_or_else(|| NO_LINE.to_owned())
    }

    /// Whether it may go on.
    ///
    /// # Errors
    ///
    /// [`LimitReached::Denials`] when it was denied too often, and did not stop.
    pub fn went_on(&self) -> Result<(), LimitReached> {
        if self.denials.load(Ordering::Relaxed) > DENIALS {
            Err(LimitReached::Denials(DENIALS))
        } else {
            Ok(())
        }
    }

    fn own(&self) -> Owner {
        Owner {
            employer: self.employer,
            provider: self.provider,
        }
    }

    /// Records a denial.
    ///
    /// # Errors
    ///
    /// A host fault when the ledger cannot be written.
    pub async fn record_denial(&self, activity: Activity, denial: &Denial) -> Result<(), Fault> {
        let check = crate::authorization::name(denial.check);
        self.record(Entry {
            activity: Some(activity.id().to_owned()),
            check: Some(check.to_owned()),
            outcome: Some("denied".to_owned()),
            ..Entry::new(self.context(), Kind::Denial, denial.reason.clone())
        })
        .await
    }

    /// Appends to the ledger.
    ///
    /// # Errors
    ///
    /// A host fault when the ledger cannot be written: nothing may happen
    /// that is not recorded. Also after [`DENIALS`] denials.
    pub async fn record(&self, entry: Entry) -> Result<(), Fault> {
        if entry.kind == Kind::Denial {
            let before = self.denials.fetch_add(1, Ordering::Relaxed);
            if before >= DENIALS {
                return Err(Fault::Host(LimitReached::Denials(DENIALS).into()));
            }
        }
        let recorded = match self.opening.get() {
            Some(opening) => self.ledger.append_to(opening, entry).await,
            None => self.ledger.append(entry).await,
        };
        match recorded {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::Host(
                anyhow::Error::from(error)
                    .context("the ledger cannot be written; nothing may happen unrecorded"),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
