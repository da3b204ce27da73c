use super::*;
use crate::authorization::{ClientGrants, Map, Revoked, RoleGrants, Set, UserGrants};
use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const CLIENT: &str = "hr-portal";
const USER: &str = "anna";
const ROLE: &str = "professional";

/// Few employers and providers, so that they meet.
fn id() -> impl Strategy<Value = Uuid> {
    (1u128..4).prop_map(Uuid::from_u128)
}

fn activities() -> impl Strategy<Value = ActivitySet> {
    let all: Vec<Activity> = Activity::all().collect();
    vec(any::<bool>(), all.len()).prop_map(move |chosen| {
        let pairs = all.iter().zip(chosen);
        pairs.filter(|(_, yes)| *yes).map(|(one, _)| *one).collect()
    })
}

fn modules() -> impl Strategy<Value = EmployerModules> {
    let modules = Activity::all().filter_map(|activity| activity.row().module);
    let all: BTreeSet<String> = modules.map(ToOwned::to_owned).collect();
    let some =
        proptest::sample::subsequence(all.iter().cloned().collect::<Vec<_>>(), 0..=all.len());
    let some = some.prop_map(|some| some.into_iter().collect());
    vec((id(), some), 0..3).prop_map(|of| of.into_iter().collect())
}

prop_compose! {
    fn user()(
        kind in prop_oneof![Just(UserKind::Provider), Just(UserKind::Employer)],
        provider in of(id()),
        activities in activities(),
        single in of((id(), activities())),
        employers in of(btree_set(id(), 0..4)),
        blocked in prop::bool::weighted(0.1),
    ) -> UserGrants {
        UserGrants {
            kind,
            provider,
            role: ROLE.to_owned(),
            rights: BTreeSet::new(),
            activities,
            employer_rights: single
                .map(|(employer, activities)| (employer, (BTreeSet::new(), activities)))
                .into_iter()
                .collect(),
            employers: match (kind, employers) {
                (_, Some(these)) => EmployerSet::These(these.into_iter().collect()),
                (UserKind::Provider, None) => EmployerSet::AllOfProvider,
                // The configuration refuses "all" for a user of an employer.
                (UserKind::Employer, None) => EmployerSet::These(Set::default()),
            },
            blocked,
        }
    }
}

prop_compose! {
    fn grants()(
        client in of(activities()),
        user in of(user()),
        role in of(activities()),
        provider_modules in modules(),
        employer_modules in modules(),
    ) -> Grants {
        Grants {
            revoked: Revoked::default(),
            clients: client.map(|activities| (CLIENT.to_owned(), ClientGrants { activities })).into_iter().collect(),
            users: user.map(|user| (USER.to_owned(), user)).into_iter().collect(),
            roles: role
                .map(|activities| (ROLE.to_owned(), RoleGrants { rights: BTreeSet::new(), activities }))
                .into_iter()
                .collect(),
            rights: BTreeMap::new(),
            provider_modules,
            employer_modules,
        }
    }
}

fn question(activity: Activity, owner: Owner, modules: &EmployerModules) -> Question<'_> {
    Question {
        client: CLIENT,
        user: USER,
        activity,
        scope: owner.employer,
        employer: owner.employer,
        provider: owner.provider,
        modules,
    }
}

proptest! {
    #[test]
    fn what_is_available_to_client_and_user_is_what_the_checks_allow(
        grants in grants(), employer in id(), provider in id(), turned_on in modules(),
    ) {
        let owner = Owner { employer, provider };
        let of_client = grants.clients.get(CLIENT).map(|client| client.activities).unwrap_or_default();
        let of_user = grants.available(USER, owner, &turned_on);
        for activity in Activity::all() {
            let allowed = grants.check(&question(activity, owner, &turned_on)).is_ok();
            let available = of_client.contains(activity) && of_user.contains(activity);
            prop_assert_eq!(available, allowed, "{}", activity);
        }
    }

    #[test]
    fn what_is_denied_without_an_employer_is_denied_for_every_employer(
        grants in grants(), employer in id(), provider in id(), turned_on in modules(),
    ) {
        let owner = Owner { employer, provider };
        for activity in Activity::all() {
            if grants.check_without_employer(Some(CLIENT), USER, activity).is_err() {
                prop_assert!(grants.check(&question(activity, owner, &turned_on)).is_err(), "{}", activity);
            }
        }
    }

    #[test]
    fn an_employer_beyond_reach_may_not_be_accessed(
        grants in grants(), employer in id(), provider in id(),
    ) {
        let reach = grants.reach(USER);
        let within = reach.provider == Some(provider) || reach.employers.contains(&employer);
        let owner = Owner { employer, provider };
        if grants.may_access(USER, owner) {
            prop_assert!(within);
        }
    }
}

#[test]
fn a_denial_without_an_employer_has_the_reason_of_its_first_red_check() {
    let activity = crate::catalogue::id::GetJournalRunByJournalRunId;
    let mut grants = Grants::default();
    let reason = |grants: &Grants| {
        grants
            .check_without_employer(Some(CLIENT), USER, activity)
            .map_err(|denial| (denial.check, denial.reason))
    };
    assert_eq!(
        reason(&grants),
        Err((Check::Client, "there is no client \"hr-portal\"".to_owned()))
    );
    let activities = ActivitySet::from_iter([activity]);
    grants
        .clients
        .insert(CLIENT.to_owned(), ClientGrants { activities });
    assert_eq!(
        reason(&grants),
        Err((Check::User, "there is no user \"anna\"".to_owned()))
    );
    let user = UserGrants {
        kind: UserKind::Employer,
        provider: None,
        role: ROLE.to_owned(),
        rights: BTreeSet::new(),
        activities: ActivitySet::default(),
        employer_rights: Map::from_iter([(Uuid::from_u128(1), (BTreeSet::new(), activities))]),
        employers: EmployerSet::These(Set::default()),
        blocked: false,
    };
    grants.users.insert(USER.to_owned(), user);
    assert_eq!(
        reason(&grants),
        Err((
            Check::Role,
            "user \"anna\" has role \"professional\", which does not exist".to_owned()
        ))
    );
    let rights = BTreeSet::new();
    grants
        .roles
        .insert(ROLE.to_owned(), RoleGrants { rights, activities });
    assert_eq!(reason(&grants), Ok(()));
}
