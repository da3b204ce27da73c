//! What is available to whom, for external applications: they work for all
//! employers of a user, not for one as a run does. Made of the same five
//! functions as the checks, so that they cannot disagree.

use super::{
    ActivitySet, CHECKS, EmployerModules, EmployerSet, Grants, NO_MODULES, Question, UserKind,
};
use crate::bindings::koppel::loket::types::{Check, Denial};
use crate::catalogue::Activity;
use crate::platform::Owner;
use uuid::Uuid;

/// Where a user may work, as far as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The provider all of whose employers the user may access.
    pub provider: Option<Uuid>,
    /// Single employers that the user may access.
    pub employers: Vec<Uuid>,
}

impl Grants {
    /// Where a user may work. Nowhere, if there is no such user.
    pub fn reach(&self, user: &str) -> Reach {
        let Some(user) = self.users.get(user) else {
            return Reach::default();
        };
        match &user.employers {
            EmployerSet::AllOfProvider => Reach {
                provider: user.provider.filter(|_| user.kind == UserKind::Provider),
                employers: Vec::new(),
            },
            EmployerSet::These(employers) => {
                let mut employers: Vec<_> = employers.iter().copied().collect();
                employers.sort();
                Reach {
                    provider: None,
                    employers,
                }
            }
        }
    }

    /// The last check alone, for the employer itself.
    ///
    /// # Errors
    ///
    /// The denial, if it is red.
    pub fn check_entity(&self, question: &Question<'_>) -> Result<(), Denial> {
        self.only(&[Check::Entity], question)
    }

    /// Whether a user may access an employer.
    pub fn may_access(&self, user: &str, owner: Owner) -> bool {
        // The last check looks at neither client nor activity.
        let question = Activity::all().next().map(|activity| Question {
            client: "",
            user,
            activity,
            scope: owner.employer,
            employer: owner.employer,
            provider: owner.provider,
            modules: &NO_MODULES,
        });
        question.is_some_and(|question| self.check_entity(&question).is_ok())
    }

    /// The checks that can be made without knowing the employer: client, user
    /// and role. A right for one employer counts, for it may be that one.
    /// Without a client, check 1 falls away, as in [`Self::check_user`].
    ///
    /// # Errors
    ///
    /// The first check that is red.
    pub fn check_without_employer(
        &self,
        client: Option<&str>,
        user: &str,
        activity: Activity,
    ) -> Result<(), Denial> {
        let question = |scope| Question {
            client: client.unwrap_or_default(),
            user,
            activity,
            scope,
            employer: scope,
            provider: Uuid::nil(),
            modules: &NO_MODULES,
        };
        let single = self
            .users
            .get(user)
            .and_then(|user| {
                let mut rights = user.employer_rights.iter();
                rights.find(|(_, (_, activities))| activities.contains(activity))
            })
            .map(|(employer, _)| *employer);
        let general = question(Uuid::nil());
        let asked = match single {
            Some(employer) if self.first_red(&[Check::User], &general).is_some() => {
                question(employer)
            }
            _ => general,
        };
        if client.is_some() {
            self.only(&[Check::Client], &asked)?;
        }
        self.only(&[Check::User, Check::Role], &asked)
    }

    /// The activities that a user may perform for an employer, as far as it is
    /// not up to the client: those for which all checks but the first are
    /// green. `modules` are those that were turned on at run time.
    pub fn available(&self, user: &str, owner: Owner, modules: &EmployerModules) -> ActivitySet {
        Activity::all()
            .filter(|activity| {
                let question = Question {
                    client: "",
                    user,
                    activity: *activity,
                    scope: owner.employer,
                    employer: owner.employer,
                    provider: owner.provider,
                    modules,
                };
                self.only(&CHECKS[1..], &question).is_ok()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
