//! What holds for every configuration and every question.

use super::written::{
    ACTIVITIES, CLIENTS, EMPLOYERS, USERS, Written, WrittenUser, provider_of, written,
};
use crate::authorization::{CHECKS, EmployerModules, Grants, ModuleSet, NO_MODULES, Question};
use crate::bindings::koppel::loket::types::Check;
use crate::catalogue::Activity;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Every question about the names that are generated, and about some that are
/// nobody's.
fn questions(modules: &EmployerModules) -> impl Iterator<Item = Question<'_>> {
    let with_nobody = |names: &'static [&'static str]| names.iter().chain(&["nobody"]);
    with_nobody(&CLIENTS).flat_map(move |client| {
        with_nobody(&USERS).flat_map(move |user| {
            ACTIVITIES.into_iter().flat_map(move |activity| {
                EMPLOYERS.into_iter().flat_map(move |scope| {
                    EMPLOYERS.into_iter().map(move |employer| Question {
                        client,
                        user,
                        activity,
                        scope,
                        employer,
                        provider: provider_of(employer),
                        modules,
                    })
                })
            })
        })
    })
}

/// Which of [`questions`] are allowed.
fn allowed(grants: &Grants, modules: &EmployerModules) -> Vec<bool> {
    questions(modules)
        .map(|question| grants.check(&question).is_ok())
        .collect()
}

/// The first question that is allowed now and was not before.
fn more<'a>(
    before: &[bool],
    grants: &Grants,
    modules: &'a EmployerModules,
) -> Option<Question<'a>> {
    questions(modules)
        .zip(before)
        .find_map(|(question, before)| {
            (!before && grants.check(&question).is_ok()).then_some(question)
        })
}

/// The modules that were turned on at run time.
fn turned_on() -> impl Strategy<Value = EmployerModules> {
    let journal = || ModuleSet::from_iter(["journal"]);
    proptest::sample::subsequence(EMPLOYERS.to_vec(), 0..=EMPLOYERS.len()).prop_map(move |of| {
        of.into_iter()
            .map(|employer| (employer, journal()))
            .collect()
    })
}

/// Something that is asked for, of an activity that needs a module.
fn wanted() -> impl Strategy<Value = Wanted> {
    let needing: Vec<Activity> = ACTIVITIES
        .into_iter()
        .filter(|activity| activity.row().module.is_some())
        .collect();
    (
        prop::sample::select(&CLIENTS),
        prop::sample::select(&USERS),
        prop::sample::select(needing),
        prop::sample::select(&EMPLOYERS),
    )
        .prop_map(|(client, user, activity, employer)| Wanted {
            client,
            user,
            activity,
            employer,
        })
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    client: &'static str,
    user: &'static str,
    activity: Activity,
    employer: Uuid,
}

impl Wanted {
    fn module(self) -> &'static str {
        self.activity.row().module.unwrap()
    }

    fn question(self) -> Question<'static> {
        Question {
            client: self.client,
            user: self.user,
            activity: self.activity,
            scope: self.employer,
            employer: self.employer,
            provider: provider_of(self.employer),
            modules: &NO_MODULES,
        }
    }

    fn user(self, written: &mut Written) -> &mut WrittenUser {
        written.users.get_mut(self.user).unwrap()
    }

    /// Grants what is wanted.
    fn grant(self, written: &mut Written) {
        written
            .clients
            .get_mut(self.client)
            .unwrap()
            .insert(self.activity);
        written
            .rights
            .get_mut("books")
            .unwrap()
            .insert(self.activity);
        let on = written.employer_modules.get_mut(&self.employer).unwrap();
        on.insert(self.module());
        let user = self.user(written);
        user.blocked = false;
        user.provider = user.provider.map(|_| provider_of(self.employer));
        user.rights.insert("books");
        if let Some(own) = user.employer_rights.get_mut(&self.employer) {
            own.insert("books");
        }
        if let Some(these) = &mut user.employers {
            these.insert(self.employer);
        }
        let role = user.role;
        written.roles.get_mut(role).unwrap().insert("books");
    }

    /// Takes away what one check looks at and no other does, in one of two
    /// ways.
    fn take(self, written: &mut Written, check: Check, otherwise: bool) {
        let giving: BTreeSet<&str> = written
            .rights
            .iter()
            .filter(|(_, activities)| activities.contains(&self.activity))
            .map(|(name, _)| *name)
            .collect();
        match check {
            Check::Client if otherwise => {
                written.clients.remove(self.client);
            }
            Check::Client => {
                let client = written.clients.get_mut(self.client).unwrap();
                client.remove(&self.activity);
            }
            Check::User if otherwise => self.user(written).blocked = true,
            Check::User => {
                let user = self.user(written);
                let own = user.employer_rights.get_mut(&self.employer);
                own.unwrap_or(&mut user.rights)
                    .retain(|right| !giving.contains(right));
            }
            Check::Role => {
                let role = self.user(written).role;
                let rights = written.roles.get_mut(role).unwrap();
                rights.retain(|right| !giving.contains(right));
            }
            Check::Module => {
                for modules in [&mut written.provider_modules, &mut written.employer_modules] {
                    modules.values_mut().for_each(|on| {
                        on.remove(self.module());
                    });
                }
            }
            Check::Entity if otherwise && self.user(written).provider.is_some() => {
                let other = EMPLOYERS.map(provider_of);
                let other = other
                    .into_iter()
                    .find(|id| *id != provider_of(self.employer));
                self.user(written).provider = other;
            }
            Check::Entity => {
                let user = self.user(written);
                user.employers = Some(BTreeSet::new());
                user.teams.clear();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn taking_anything_away_allows_nothing_more(written in written(), turned_on in turned_on()) {
        let config = written.read().unwrap();
        let before = allowed(&config.grants, &turned_on);
        for (what, left) in written.each_without_one() {
            // A file with a fault is not used at all.
            let Ok(config) = left.read() else { continue };
            let more = more(&before, &config.grants, &turned_on);
            prop_assert!(more.is_none(), "without {what}: {more:?}");
        }
        for employer in EMPLOYERS {
            let mut modules = turned_on.clone();
            modules.remove(&employer);
            let after = allowed(&config.grants, &modules);
            let more = after.iter().zip(&before).any(|(after, before)| *after && !before);
            prop_assert!(!more, "with modules turned off for {employer}");
        }
    }

    #[test]
    fn an_explanation_says_what_the_check_does(written in written(), turned_on in turned_on()) {
        let grants = written.read().unwrap().grants;
        for question in questions(&turned_on) {
            let explanation = grants.explain(&question);
            prop_assert_eq!(explanation.verdicts.clone().map(|verdict| verdict.check), CHECKS);
            let first_red = |from: usize| {
                let verdict = explanation.verdicts[from..].iter().find(|verdict| !verdict.green);
                verdict.map(|verdict| (verdict.check, verdict.reason.clone(), verdict.line.clone()))
            };
            let denied = grants.check(&question).err();
            prop_assert_eq!(explanation.allowed(), denied.is_none());
            let activity = question.activity.id();
            prop_assert!(denied.iter().all(|denial| denial.activity == activity));
            prop_assert_eq!(
                denied.map(|denial| (denial.check, denial.reason)),
                first_red(0).map(|(check, reason, _)| (check, reason))
            );
            let denied = grants.check_user(&question).err();
            prop_assert_eq!(
                denied.map(|(denial, line)| (denial.check, denial.reason, Some(line))),
                first_red(1)
            );
            prop_assert_eq!(
                grants.line_to_add(&question),
                first_red(0).and_then(|(_, _, line)| line)
            );
            for verdict in &explanation.verdicts {
                prop_assert_eq!(verdict.line.is_none(), verdict.green, "{:?}", verdict);
                prop_assert!(!verdict.reason.is_empty());
            }
        }
    }

    #[test]
    fn whatever_else_is_granted_each_of_the_32_combinations_shows_its_red_checks(
        written in written(),
        wanted in wanted(),
        otherwise in any::<[bool; 5]>(),
    ) {
        let mut granted = written;
        wanted.grant(&mut granted);
        for combination in 0..32_u8 {
            let red = |at: usize| combination & (1 << at) != 0;
            let mut written = granted.clone();
            for (at, check) in CHECKS.into_iter().enumerate().filter(|(at, _)| red(*at)) {
                wanted.take(&mut written, check, otherwise[at]);
            }
            let grants = written.read().unwrap().grants;
            let question = wanted.question();
            let greens = grants.explain(&question).verdicts.map(|verdict| verdict.green);
            let expected: [bool; 5] = std::array::from_fn(|at| !red(at));
            prop_assert_eq!(greens, expected, "combination {:05b}", combination);
            let denied = grants.check(&question).err().map(|denial| denial.check);
            let first = (0..5).find(|at| red(*at)).map(|at| CHECKS[at]);
            prop_assert_eq!(denied, first, "combination {:05b}", combination);
        }
    }
}

/// The properties above would hold of configurations that allow nothing, and
/// of removals that are all faults.
#[test]
fn what_is_generated_is_allowed_and_denied_by_every_check() {
    let mut runner = TestRunner::deterministic();
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut less, mut faults) = (0, 0);
    for _ in 0..20 {
        let written = written().new_tree(&mut runner).unwrap().current();
        let grants = written.read().unwrap().grants;
        for question in questions(&NO_MODULES) {
            let verdict = match grants.check(&question) {
                Ok(()) => "allowed".to_owned(),
                Err(denial) => format!("{:?}", denial.check),
            };
            *verdicts.entry(verdict).or_default() += 1;
        }
        let before = allowed(&grants, &NO_MODULES);
        for (_, left) in written.each_without_one() {
            match left.read() {
                Ok(config) => less += usize::from(allowed(&config.grants, &NO_MODULES) != before),
                Err(_) => faults += 1,
            }
        }
    }
    for verdict in [
        "allowed",
        "Check::Client",
        "Check::User",
        "Check::Role",
        "Check::Module",
        "Check::Entity",
    ] {
        let times = verdicts.get(verdict).copied().unwrap_or_default();
        assert!(times > 20, "{verdicts:?}");
    }
    assert!(less > 20, "{less} removals took something away");
    assert!(faults > 0, "{faults} removals were refused");
}
