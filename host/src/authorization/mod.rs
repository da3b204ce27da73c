//! The five checks of Loket's authorization, in Loket's order.
//!
//! [`Grants`] is what the operator granted, compiled from the configuration.
//! [`Grants::check`] answers one [`Question`]: may this client, used by this
//! user, perform this activity on this employer? It is pure (no I/O, no clock)
//! and looks at small bit sets only. [`Grants::explain`] gives the verdict of
//! each of the five checks, with the configuration line that would turn a red
//! one green; both are made of the same five functions, so they cannot
//! disagree.

mod available;
mod explain;
mod modules;
mod revoked;
mod set;
#[cfg(test)]
mod tests;

pub use available::Reach;
pub use explain::{Explanation, Verdict, name};
pub use modules::ModuleSet;
pub use revoked::{Revocation, Revocations, Revoked, Revoking};
pub use set::ActivitySet;

use crate::bindings::koppel::loket::types::{Check, Denial};
use crate::catalogue::{Activity, id};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// The five checks, in the order in which they run.
pub const CHECKS: [Check; 5] = [
    Check::Client,
    Check::User,
    Check::Role,
    Check::Module,
    Check::Entity,
];

/// What is asked on every call.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The client (connector) that calls.
    pub client: &'a str,
    /// The user on whose behalf it runs.
    pub user: &'a str,
    /// What it wants to do.
    pub activity: Activity,
    /// The employer that the run is for.
    pub scope: Uuid,
    /// The employer that the entity belongs to. Differs from `scope` only when
    /// a connector asks for something of another employer.
    pub employer: Uuid,
    /// The provider (for example an accountancy firm) of `employer`.
    pub provider: Uuid,
    /// The modules that provider users turned on, besides those of the
    /// configuration.
    pub modules: &'a EmployerModules,
}

/// What is looked up on every call: by a hash that is quick rather than one
/// that withstands keys made to collide. All keys are the operator's.
pub type Map<K, V> = HashMap<K, V, RandomState>;

/// As [`Map`], without values.
pub type Set<K> = HashSet<K, RandomState>;

/// The modules (products) that are on, by employer.
pub type EmployerModules = Map<Uuid, ModuleSet>;

/// For questions where no module was turned on at run time.
pub static NO_MODULES: LazyLock<Arc<EmployerModules>> = LazyLock::new(Arc::default);

/// Which kind of user someone is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum UserKind {
    /// Works at the provider, for the provider's employers.
    Provider,
    /// Works at an employer.
    Employer,
}

/// The employers that a user may access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmployerSet {
    /// All employers of the user's provider.
    AllOfProvider,
    /// These employers.
    These(Set<Uuid>),
}

/// What is granted to one client.
#[derive(Clone, Debug, Default)]
pub struct ClientGrants {
    /// The activities released to it.
    pub activities: ActivitySet,
}

/// What is granted to one user.
#[derive(Clone, Debug)]
pub struct UserGrants {
    /// Provider or employer user.
    pub kind: UserKind,
    /// The provider of a provider user.
    pub provider: Option<Uuid>,
    /// The name of the role.
    pub role: String,
    /// The rights (rechten), by name, for employers without their own entry in
    /// `employer_rights`.
    pub rights: BTreeSet<String>,
    /// The activities of `rights`.
    pub activities: ActivitySet,
    /// Rights that hold for one employer instead of `rights`.
    pub employer_rights: Map<Uuid, (BTreeSet<String>, ActivitySet)>,
    /// The employers that the user may access, teams included.
    pub employers: EmployerSet,
    /// A blocked user may do nothing.
    pub blocked: bool,
}

/// What is granted to one role.
#[derive(Clone, Debug, Default)]
pub struct RoleGrants {
    /// The rights of the role, by name.
    pub rights: BTreeSet<String>,
    /// The activities of those rights.
    pub activities: ActivitySet,
}

/// Everything that the operator granted.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// By the name of the client.
    pub clients: Map<String, ClientGrants>,
    /// By the id of the user.
    pub users: Map<String, UserGrants>,
    /// By the name of the role.
    pub roles: Map<String, RoleGrants>,
    /// The activities that each right gives, by the name of the right.
    pub rights: BTreeMap<String, ActivitySet>,
    /// The modules (products) that are on for all employers of a provider.
    pub provider_modules: EmployerModules,
    /// The modules that are on for one employer.
    pub employer_modules: EmployerModules,
    /// What was taken back since, on any host.
    pub revoked: Revoked,
}

/// Why one check is red.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Red {
    UnknownClient,
    ClientRevoked,
    ClientLacksActivity,
    UnknownUser,
    UserRevoked,
    UserBlocked,
    NotOfProvider,
    UserLacksRight,
    UnknownRole,
    RoleLacksRight,
    ModuleOff(&'static str),
    OutsideRun,
    OtherProvider,
    EmployerNotAccessible,
}

impl Grants {
    /// Answers whether all five checks are green.
    ///
    /// # Errors
    ///
    /// The first check that is red, with a reason for a person. The reason
    /// names the configuration, never data of the entity.
    pub fn check(&self, question: &Question<'_>) -> Result<(), Denial> {
        match self.five(question) {
            Ok(()) => Ok(()),
            Err((check, red)) => Err(self.denial(check, question, red)),
        }
    }

    /// All of [`CHECKS`], one after the other. Not by way of [`Grants::only`]:
    /// going round for each takes a sixth longer, on every call.
    fn five(&self, q: &Question<'_>) -> Result<(), (Check, Red)> {
        let in_check = |check| move |red| (check, red);
        self.client(q).map_err(in_check(Check::Client))?;
        let user = self.users.get(q.user);
        let user = user.ok_or((Check::User, Red::UnknownUser))?;
        self.user(q, user).map_err(in_check(Check::User))?;
        self.role(q, user).map_err(in_check(Check::Role))?;
        self.module(q).map_err(in_check(Check::Module))?;
        entity(q, Some(user)).map_err(in_check(Check::Entity))
    }

    /// As [`Grants::check`], with these checks alone.
    fn only(&self, checks: &[Check], question: &Question<'_>) -> Result<(), Denial> {
        match self.first_red(checks, question) {
            None => Ok(()),
            Some((check, red)) => Err(self.denial(check, question, red)),
        }
    }

    /// As [`Grants::check`], for a command of koppel itself. Such a command is
    /// no client, so check 1 falls away.
    ///
    /// # Errors
    ///
    /// The first check that is red, and the line of the configuration that
    /// would turn it green.
    pub fn check_user(&self, question: &Question<'_>) -> Result<(), (Denial, String)> {
        match self.first_red(&CHECKS[1..], question) {
            None => Ok(()),
            Some((check, red)) => Err((
                self.denial(check, question, red),
                self.config_line(question, red),
            )),
        }
    }

    fn first_red(&self, checks: &[Check], question: &Question<'_>) -> Option<(Check, Red)> {
        let user = self.users.get(question.user);
        checks
            .iter()
            .find_map(|check| Some((*check, self.one(*check, question, user).err()?)))
    }

    fn denial(&self, check: Check, question: &Question<'_>, red: Red) -> Denial {
        Denial {
            check,
            activity: question.activity.id().to_owned(),
            reason: self.reason(question, red),
        }
    }

    /// Runs all five checks, also after a red one, and says for each what
    /// would turn it green.
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let user = self.users.get(question.user);
        Explanation {
            activity: question.activity,
            verdicts: CHECKS.map(|check| match self.one(check, question, user) {
                Ok(()) => Verdict::green(check, self.green_reason(check, question)),
                Err(red) => Verdict::red(
                    check,
                    self.reason(question, red),
                    self.config_line(question, red),
                ),
            }),
        }
    }

    /// One check; `user` is what is granted to the user who is asked about.
    fn one(
        &self,
        check: Check,
        question: &Question<'_>,
        user: Option<&UserGrants>,
    ) -> Result<(), Red> {
        let known = || user.ok_or(Red::UnknownUser);
        match check {
            Check::Client => self.client(question),
            Check::User => self.user(question, known()?),
            Check::Role => self.role(question, known()?),
            Check::Module => self.module(question),
            Check::Entity => entity(question, user),
        }
    }

    fn client(&self, q: &Question<'_>) -> Result<(), Red> {
        let client = self.clients.get(q.client).ok_or(Red::UnknownClient)?;
        if self.revoked.client(q.client, q.activity) {
            return Err(Red::ClientRevoked);
        }
        client
            .activities
            .contains(q.activity)
            .or_red(Red::ClientLacksActivity)
    }

    fn user(&self, q: &Question<'_>, user: &UserGrants) -> Result<(), Red> {
        if user.blocked {
            return Err(Red::UserBlocked);
        }
        if self.revoked.user(q.user) {
            return Err(Red::UserRevoked);
        }
        // Products are the provider's to sell, whatever rights were given.
        if q.activity == id::PatchModulesByEmployerId && user.kind != UserKind::Provider {
            return Err(Red::NotOfProvider);
        }
        let activities = match user.employer_rights.get(&q.scope) {
            Some((_, own)) => own,
            None => &user.activities,
        };
        activities.contains(q.activity).or_red(Red::UserLacksRight)
    }

    fn role(&self, q: &Question<'_>, user: &UserGrants) -> Result<(), Red> {
        let role = self.roles.get(&user.role).ok_or(Red::UnknownRole)?;
        role.activities
            .contains(q.activity)
            .or_red(Red::RoleLacksRight)
    }

    fn module(&self, q: &Question<'_>) -> Result<(), Red> {
        let Some(module) = q.activity.row().module else {
            return Ok(());
        };
        let on = |modules: Option<&ModuleSet>| modules.is_some_and(|on| on.has_that_of(q.activity));
        (on(self.employer_modules.get(&q.employer))
            || on(self.provider_modules.get(&q.provider))
            || on(q.modules.get(&q.employer)))
        .or_red(Red::ModuleOff(module))
    }
}

fn entity(q: &Question<'_>, user: Option<&UserGrants>) -> Result<(), Red> {
    if q.employer != q.scope {
        return Err(Red::OutsideRun);
    }
    let user = user.ok_or(Red::UnknownUser)?;
    if user.kind == UserKind::Provider && user.provider != Some(q.provider) {
        return Err(Red::OtherProvider);
    }
    match &user.employers {
        EmployerSet::AllOfProvider => Ok(()),
        EmployerSet::These(employers) => employers
            .contains(&q.employer)
            .or_red(Red::EmployerNotAccessible),
    }
}

trait OrRed {
    fn or_red(self, red: Red) -> Result<(), Red>;
}

impl OrRed for bool {
    fn or_red(self, red: Red) -> Result<(), Red> {
        if self { Ok(()) } else { Err(red) }
    }
}
