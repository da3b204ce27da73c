//! Configurations as an operator writes them, made at random: few names, so
//! that they meet.

use crate::authorization::UserKind;
use crate::catalogue::{Activity, id};
use crate::config::{Config, ConfigError};
use proptest::prelude::*;
use proptest::sample::subsequence;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use uuid::Uuid;

pub(super) const CLIENTS: [&str; 2] = ["exact", "portal"];
pub(super) const USERS: [&str; 3] = ["anna", "bas", "els"];
const RIGHTS: [&str; 3] = ["books", "people", "sales"];
const ROLES: [&str; 2] = ["professional", "reader"];
const TEAMS: [&str; 2] = ["north", "south"];
const MODULES: [&str; 3] = ["journal", "payroll-tax-return", "achmea"];

/// One activity of each of [`MODULES`], and others of none.
pub(super) const ACTIVITIES: [Activity; 6] = [
    id::GetJournalRunByJournalRunId,
    id::PatchJournalRunByJournalRunId,
    id::GetPayrollTaxReturnByPayrollTaxReturnId,
    id::GetAchmeaInsuranceContractsByUserId,
    id::GetEmployerByEmployerId,
    // The one that check 2 treats in a way of its own.
    id::PatchModulesByEmployerId,
];

/// The employers: two of the first provider, one of the second.
pub(super) const EMPLOYERS: [Uuid; 3] =
    [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)];
const PROVIDERS: [Uuid; 2] = [Uuid::from_u128(8), Uuid::from_u128(9)];

/// Whom an employer belongs to.
pub(super) fn provider_of(employer: Uuid) -> Uuid {
    PROVIDERS[usize::from(employer == EMPLOYERS[2])]
}

type Names = BTreeSet<&'static str>;

/// The part of `platform.toml` that grants.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) clients: BTreeMap<&'static str, BTreeSet<Activity>>,
    pub(super) rights: BTreeMap<&'static str, BTreeSet<Activity>>,
    pub(super) roles: BTreeMap<&'static str, Names>,
    pub(super) teams: BTreeMap<&'static str, BTreeSet<Uuid>>,
    pub(super) users: BTreeMap<&'static str, WrittenUser>,
    pub(super) provider_modules: BTreeMap<Uuid, Names>,
    pub(super) employer_modules: BTreeMap<Uuid, Names>,
}

#[derive(Clone, Debug)]
pub(super) struct WrittenUser {
    pub(super) kind: UserKind,
    pub(super) provider: Option<Uuid>,
    pub(super) role: &'static str,
    pub(super) rights: Names,
    pub(super) employer_rights: BTreeMap<Uuid, Names>,
    /// None is `"all"`.
    pub(super) employers: Option<BTreeSet<Uuid>>,
    pub(super) teams: Names,
    pub(super) blocked: bool,
}

/// Any number of these.
fn some<T: Copy + Ord + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = BTreeSet<T>> {
    subsequence(all, 0..=all.len()).prop_map(|some| some.into_iter().collect())
}

/// All of these names, each with something.
fn each<K: Copy + Ord + std::fmt::Debug + 'static, V: std::fmt::Debug>(
    names: &'static [K],
    value: impl Strategy<Value = V>,
) -> impl Strategy<Value = BTreeMap<K, V>> {
    proptest::collection::vec(value, names.len())
        .prop_map(|values| names.iter().copied().zip(values).collect())
}

prop_compose! {
    fn user()(
        provider in proptest::option::weighted(0.7, prop::sample::select(&PROVIDERS)),
        role in prop::sample::select(&ROLES),
        rights in some(&RIGHTS),
        single in proptest::option::weighted(0.3, (prop::sample::select(&EMPLOYERS), some(&RIGHTS))),
        employers in proptest::option::weighted(0.5, some(&EMPLOYERS)),
        teams in some(&TEAMS),
        blocked in prop::bool::weighted(0.1),
    ) -> WrittenUser {
        WrittenUser {
            kind: if provider.is_some() { UserKind::Provider } else { UserKind::Employer },
            provider,
            role,
            rights,
            employer_rights: single.into_iter().collect(),
            // "all" is for provider users.
            employers: employers.or_else(|| provider.is_none().then(BTreeSet::new)),
            teams,
            blocked,
        }
    }
}

prop_compose! {
    /// A configuration without faults.
    pub(super) fn written()(
        clients in each(&CLIENTS, some(&ACTIVITIES)),
        rights in each(&RIGHTS, some(&ACTIVITIES)),
        roles in each(&ROLES, some(&RIGHTS)),
        teams in each(&TEAMS, some(&EMPLOYERS)),
        users in each(&USERS, user()),
        provider_modules in each(&PROVIDERS, some(&MODULES)),
        employer_modules in each(&EMPLOYERS, some(&MODULES)),
    ) -> Written {
        Written { clients, rights, roles, teams, users, provider_modules, employer_modules }
    }
}

impl Written {
    /// As the host reads it.
    pub(super) fn read(&self) -> Result<Config, ConfigError> {
        Config::parse(Path::new("platform.toml"), &self.text())
    }

    fn text(&self) -> String {
        let mut text = String::from("[platform]\n");
        for (name, activities) in &self.clients {
            let activities = ids(activities);
            writeln!(
                text,
                "[clients.{name}]\ncomponent = \"{name}.wasm\"\nactivities = {activities:?}"
            )
            .unwrap();
        }
        text += "[rights]\n";
        for (name, activities) in &self.rights {
            writeln!(text, "{name} = {:?}", ids(activities)).unwrap();
        }
        text += "[roles]\n";
        for (name, rights) in &self.roles {
            writeln!(text, "{name} = {}", list(rights)).unwrap();
        }
        text += "[teams]\n";
        for (name, employers) in &self.teams {
            writeln!(text, "{name} = {}", list(employers)).unwrap();
        }
        for (of, modules) in [
            ("provider", &self.provider_modules),
            ("employer", &self.employer_modules),
        ] {
            writeln!(text, "[modules.{of}]").unwrap();
            for (id, names) in modules {
                writeln!(text, "\"{id}\" = {}", list(names)).unwrap();
            }
        }
        for (id, user) in &self.users {
            user.write(id, &mut text);
        }
        text
    }

    /// Everything that can be taken away at once, each with what is left.
    ///
    /// An entry of `employer-rights` is no grant alone, since it holds *instead
    /// of* the general rights: what is in its list is taken away, not the entry.
    /// `blocked` is no grant at all.
    pub(super) fn each_without_one(&self) -> Vec<(String, Self)> {
        let mut all = Vec::new();
        let mut without = |what: String, change: &dyn Fn(&mut Self)| {
            let mut left = self.clone();
            change(&mut left);
            all.push((what, left));
        };
        // Of a table of lists: an entry, and each item of it.
        macro_rules! table {
            ($name:literal, $($table:ident).+) => {
                for (key, items) in &self.$($table).+ {
                    without(format!("{} {key}", $name), &|left| {
                        left.$($table).+.remove(key);
                    });
                    for item in items {
                        without(format!("{item:?} of {} {key}", $name), &|left| {
                            left.$($table).+.get_mut(key).unwrap().remove(item);
                        });
                    }
                }
            };
        }
        table!("client", clients);
        table!("right", rights);
        table!("role", roles);
        table!("team", teams);
        table!("modules of provider", provider_modules);
        table!("modules of employer", employer_modules);
        for (id, user) in &self.users {
            without(format!("user {id}"), &|left| {
                left.users.remove(id);
            });
            user.each_without_one(&mut |what, change| {
                without(format!("{what} of user {id}"), &|left| {
                    change(left.users.get_mut(id).unwrap());
                });
            });
        }
        all
    }
}

type Change<'a> = &'a dyn Fn(&mut WrittenUser);

impl WrittenUser {
    fn write(&self, id: &str, text: &mut String) {
        let kind = match self.kind {
            UserKind::Provider => "provider",
            UserKind::Employer => "employer",
        };
        writeln!(text, "[[users]]\nid = \"{id}\"\nkind = \"{kind}\"").unwrap();
        if let Some(provider) = self.provider {
            writeln!(text, "provider = \"{provider}\"").unwrap();
        }
        let employers = match &self.employers {
            None => "\"all\"".to_owned(),
            Some(these) => list(these),
        };
        writeln!(
            text,
            "role = \"{}\"\nrights = {}\nemployers = {employers}\nteams = {}\nblocked = {}",
            self.role,
            list(&self.rights),
            list(&self.teams),
            self.blocked
        )
        .unwrap();
        for (employer, rights) in &self.employer_rights {
            writeln!(text, "employer-rights.\"{employer}\" = {}", list(rights)).unwrap();
        }
    }

    fn each_without_one(&self, without: &mut dyn FnMut(String, Change<'_>)) {
        if self.provider.is_some() {
            without("provider".to_owned(), &|user| user.provider = None);
        }
        for right in &self.rights {
            without(format!("right {right}"), &|user| {
                user.rights.remove(right);
            });
        }
        for (employer, rights) in &self.employer_rights {
            for right in rights {
                without(format!("right {right} for {employer}"), &|user| {
                    let own = user.employer_rights.get_mut(employer).unwrap();
                    own.remove(right);
                });
            }
        }
        for team in &self.teams {
            without(format!("team {team}"), &|user| {
                user.teams.remove(team);
            });
        }
        match &self.employers {
            None => without("all employers".to_owned(), &|user| {
                user.employers = Some(BTreeSet::new());
            }),
            Some(these) => {
                for employer in these {
                    without(format!("employer {employer}"), &|user| {
                        user.employers.as_mut().unwrap().remove(employer);
                    });
                }
            }
        }
    }
}

fn ids(activities: &BTreeSet<Activity>) -> Vec<&'static str> {
    activities.iter().map(|activity| activity.id()).collect()
}

fn list<T: ToString>(items: &BTreeSet<T>) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    format!("{items:?}")
}
