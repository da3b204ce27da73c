mod properties;
mod written;

use super::*;
use crate::catalogue::id;
use proptest::prelude::*;

const CLIENT: &str = "exact";
const USER: &str = "anna";
const EMPLOYER: Uuid = Uuid::from_u128(1);
const OTHER_EMPLOYER: Uuid = Uuid::from_u128(2);
const PROVIDER: Uuid = Uuid::from_u128(3);
/// Belongs to the module "journal".
const ACTIVITY: Activity = id::GetJournalRunByJournalRunId;

fn set(activities: &[Activity]) -> ActivitySet {
    activities.iter().copied().collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// All five checks are green for [`question`].
fn granted() -> Grants {
    let journals = set(&[ACTIVITY]);
    Grants {
        revoked: Revoked::default(),
        clients: Map::from_iter([(
            CLIENT.to_owned(),
            ClientGrants {
                activities: journals,
            },
        )]),
        users: Map::from_iter([(
            USER.to_owned(),
            UserGrants {
                kind: UserKind::Provider,
                provider: Some(PROVIDER),
                role: "professional".to_owned(),
                rights: names(&["journals"]),
                activities: journals,
                employer_rights: Map::default(),
                employers: EmployerSet::AllOfProvider,
                blocked: false,
            },
        )]),
        roles: Map::from_iter([(
            "professional".to_owned(),
            RoleGrants {
                rights: names(&["journals"]),
                activities: journals,
            },
        )]),
        rights: BTreeMap::from([("journals".to_owned(), journals)]),
        provider_modules: Map::from_iter([(PROVIDER, ModuleSet::from_iter(["journal"]))]),
        employer_modules: Map::default(),
    }
}

fn question() -> Question<'static> {
    Question {
        client: CLIENT,
        user: USER,
        activity: ACTIVITY,
        scope: EMPLOYER,
        employer: EMPLOYER,
        provider: PROVIDER,
        modules: &NO_MODULES,
    }
}

fn user(grants: &mut Grants) -> &mut UserGrants {
    grants.users.get_mut(USER).unwrap()
}

fn turn_red(grants: &mut Grants, check: Check) {
    match check {
        Check::Client => grants.clients.get_mut(CLIENT).unwrap().activities = set(&[]),
        Check::User => {
            user(grants).rights.clear();
            user(grants).activities = set(&[]);
        }
        Check::Role => {
            let role = grants.roles.get_mut("professional").unwrap();
            role.rights.clear();
            role.activities = set(&[]);
        }
        Check::Module => grants.provider_modules.clear(),
        Check::Entity => {
            user(grants).employers = EmployerSet::These(Set::from_iter([OTHER_EMPLOYER]));
        }
    }
}

/// The verdict of one check on a question.
fn verdict(grants: &Grants, question: &Question<'_>, check: Check) -> Verdict {
    let verdicts = grants.explain(question).verdicts;
    verdicts.into_iter().find(|v| v.check == check).unwrap()
}

fn line(grants: &Grants, check: Check) -> String {
    verdict(grants, &question(), check).line.unwrap()
}

#[test]
fn each_of_the_32_combinations_is_denied_by_its_first_red_check() {
    for combination in 0..32_u8 {
        let red = |at: usize| combination & (1 << at) != 0;
        let mut grants = granted();
        for (at, check) in CHECKS.into_iter().enumerate() {
            if red(at) {
                turn_red(&mut grants, check);
            }
        }
        let denied_by = grants.check(&question()).map_err(|denial| denial.check);
        let expected = match (0..5).find(|at| red(*at)) {
            Some(at) => Err(CHECKS[at]),
            None => Ok(()),
        };
        assert_eq!(denied_by, expected, "combination {combination:05b}");

        let explanation = grants.explain(&question());
        assert_eq!(explanation.allowed(), combination == 0);
        for (at, verdict) in explanation.verdicts.iter().enumerate() {
            assert_eq!(verdict.check, CHECKS[at]);
            assert_eq!(verdict.green, !red(at), "combination {combination:05b}");
            assert_eq!(verdict.line.is_some(), red(at));
        }
    }
}

#[test]
fn a_denial_and_its_explanation_give_the_same_reason() {
    for check in CHECKS {
        let mut grants = granted();
        turn_red(&mut grants, check);
        let denial = grants.check(&question()).unwrap_err();
        assert_eq!(denial.activity, "GetJournalRunByJournalRunId");
        assert_eq!(denial.reason, verdict(&grants, &question(), check).reason);
    }
}

#[test]
fn each_red_check_names_the_line_that_turns_it_green() {
    let expected = [
        (
            Check::Client,
            "client \"exact\" was not granted GetJournalRunByJournalRunId",
            "[clients.exact] activities = [\"GetJournalRunByJournalRunId\"]",
        ),
        (
            Check::User,
            "user \"anna\" has no right that gives GetJournalRunByJournalRunId",
            "[[users]] id = \"anna\" rights = [\"journals\"]",
        ),
        (
            Check::Role,
            "role \"professional\" has no right that gives GetJournalRunByJournalRunId",
            "[roles] professional = [\"journals\"]",
        ),
        (
            Check::Module,
            "module \"journal\" is off for this employer and for its provider",
            "[modules.employer] \"00000000-0000-0000-0000-000000000001\" = [\"journal\"]; or at run time: koppel modules on journal --employer 00000000-0000-0000-0000-000000000001 --user <provider user>",
        ),
        (
            Check::Entity,
            "user \"anna\" may not access this employer",
            "[[users]] id = \"anna\" employers = [\"00000000-0000-0000-0000-000000000002\", \"00000000-0000-0000-0000-000000000001\"]",
        ),
    ];
    for (check, reason, line) in expected {
        let mut grants = granted();
        turn_red(&mut grants, check);
        let verdict = verdict(&grants, &question(), check);
        assert_eq!(verdict.reason, reason);
        assert_eq!(verdict.line.as_deref(), Some(line));
    }
}

#[test]
fn the_line_keeps_what_is_granted_already() {
    let mut grants = granted();
    turn_red(&mut grants, Check::Client);
    grants.clients.get_mut(CLIENT).unwrap().activities = set(&[id::GetEmployerByEmployerId]);
    turn_red(&mut grants, Check::Module);
    let modules = ModuleSet::from_iter(["achmea"]);
    grants.employer_modules.insert(EMPLOYER, modules);
    assert_eq!(
        line(&grants, Check::Client),
        "[clients.exact] activities = [\"GetEmployerByEmployerId\", \"GetJournalRunByJournalRunId\"]"
    );
    assert_eq!(
        line(&grants, Check::Module),
        "[modules.employer] \"00000000-0000-0000-0000-000000000001\" = [\"achmea\", \"journal\"]; or at run time: koppel modules on journal --employer 00000000-0000-0000-0000-000000000001 --user <provider user>"
    );
}

#[test]
fn an_activity_that_no_right_gives_needs_a_new_right() {
    let mut grants = granted();
    turn_red(&mut grants, Check::User);
    grants.rights.clear();
    assert_eq!(
        line(&grants, Check::User),
        "[[users]] id = \"anna\" rights = [\"new-right\"] with [rights] new-right = [\"GetJournalRunByJournalRunId\"]"
    );
}

#[test]
fn unknown_clients_users_and_roles_have_nothing() {
    type Change = fn(&mut Grants);
    let cases: [(Change, Check, &str, &str); 3] = [
        (
            |grants| grants.clients.clear(),
            Check::Client,
            "there is no client \"exact\"",
            "[clients.exact] component = \"…\", activities = [\"GetJournalRunByJournalRunId\"]",
        ),
        (
            |grants| grants.users.clear(),
            Check::User,
            "there is no user \"anna\"",
            "[[users]] id = \"anna\"",
        ),
        (
            |grants| grants.roles.clear(),
            Check::Role,
            "user \"anna\" has role \"professional\", which does not exist",
            "[roles] professional = [\"journals\"]",
        ),
    ];
    for (change, check, reason, line) in cases {
        let mut grants = granted();
        change(&mut grants);
        let denial = grants.check(&question()).unwrap_err();
        assert_eq!((denial.check, denial.reason.as_str()), (check, reason));
        assert_eq!(self::line(&grants, check), line);
    }
}

#[test]
fn a_blocked_user_may_do_nothing() {
    let mut grants = granted();
    user(&mut grants).blocked = true;
    for activity in Activity::all() {
        let question = Question {
            activity,
            ..question()
        };
        let verdict = verdict(&grants, &question, Check::User);
        assert_eq!(verdict.reason, "user \"anna\" is blocked");
        assert_eq!(
            verdict.line.as_deref(),
            Some("[[users]] id = \"anna\" blocked = false")
        );
    }
}

#[test]
fn rights_for_one_employer_hold_instead_of_the_general_ones() {
    let mut grants = granted();
    let fewer = (names(&[]), set(&[]));
    user(&mut grants).employer_rights = Map::from_iter([(EMPLOYER, fewer)]);
    assert_eq!(
        line(&grants, Check::User),
        "[[users]] id = \"anna\" employer-rights.\"00000000-0000-0000-0000-000000000001\" = [\"journals\"]"
    );
    let elsewhere = Question {
        scope: OTHER_EMPLOYER,
        employer: OTHER_EMPLOYER,
        ..question()
    };
    assert_eq!(grants.check(&elsewhere).map_err(|d| d.reason), Ok(()));
}

#[test]
fn a_module_that_was_turned_on_at_run_time_counts_for_its_employer_only() {
    let mut grants = granted();
    turn_red(&mut grants, Check::Module);
    let on = |employer: Uuid| {
        EmployerModules::from_iter([(employer, ModuleSet::from_iter(["journal"]))])
    };
    for (turned, allowed) in [(on(EMPLOYER), true), (on(OTHER_EMPLOYER), false)] {
        let question = Question {
            modules: &turned,
            ..question()
        };
        assert_eq!(grants.check(&question).is_ok(), allowed);
        assert_eq!(grants.explain(&question).allowed(), allowed);
    }
}

#[test]
fn only_a_provider_user_may_turn_modules_whatever_rights_were_given() {
    let mut grants = granted();
    let turning = set(&[id::PatchModulesByEmployerId]);
    grants.rights.insert("journals".to_owned(), turning);
    grants.roles.get_mut("professional").unwrap().activities = turning;
    user(&mut grants).activities = turning;
    let question = Question {
        // A command of koppel is no client.
        client: "",
        activity: id::PatchModulesByEmployerId,
        ..question()
    };
    assert_eq!(grants.check_user(&question), Ok(()));
    assert!(grants.check(&question).is_err());
    user(&mut grants).kind = UserKind::Employer;
    user(&mut grants).provider = None;
    let (denial, line) = grants.check_user(&question).unwrap_err();
    assert_eq!(denial.check, Check::User);
    assert_eq!(
        denial.reason,
        "user \"anna\" is an employer user; only provider users may turn modules on and off"
    );
    assert_eq!(
        line,
        format!("[[users]] id = \"anna\" kind = \"provider\" provider = \"{PROVIDER}\"")
    );
}

#[test]
fn a_module_is_on_for_an_employer_or_for_all_of_its_provider() {
    let mut grants = granted();
    assert!(grants.check(&question()).is_ok());
    grants.provider_modules.clear();
    assert!(grants.check(&question()).is_err());
    let modules = ModuleSet::from_iter(["journal"]);
    grants.employer_modules.insert(EMPLOYER, modules);
    assert!(grants.check(&question()).is_ok());
}

#[test]
fn an_activity_of_no_module_needs_none() {
    let mut grants = granted();
    grants.provider_modules.clear();
    let question = Question {
        activity: id::GetEmployerByEmployerId,
        ..question()
    };
    let verdict = verdict(&grants, &question, Check::Module);
    assert!(verdict.green);
    assert_eq!(
        verdict.reason,
        "GetEmployerByEmployerId belongs to no module"
    );
}

#[test]
fn a_run_for_one_employer_reaches_no_other_even_if_the_user_may() {
    let question = Question {
        employer: OTHER_EMPLOYER,
        ..question()
    };
    let verdict = verdict(&granted(), &question, Check::Entity);
    assert_eq!(
        verdict.reason,
        "it belongs to another employer than the one that this run is for"
    );
    assert_eq!(
        verdict.line.as_deref(),
        Some(
            "none: start a run for employer 00000000-0000-0000-0000-000000000002 (--employer 00000000-0000-0000-0000-000000000002)"
        )
    );
}

#[test]
fn a_provider_user_reaches_no_employer_of_another_provider() {
    let mut grants = granted();
    // Not even one that is listed.
    user(&mut grants).employers = EmployerSet::These(Set::from_iter([EMPLOYER]));
    user(&mut grants).provider = Some(Uuid::from_u128(9));
    assert_eq!(
        grants.check(&question()).unwrap_err().reason,
        "user \"anna\" belongs to another provider"
    );
    assert_eq!(
        line(&grants, Check::Entity),
        "[[users]] id = \"anna\" provider = \"00000000-0000-0000-0000-000000000003\""
    );
}

#[test]
fn an_employer_user_reaches_the_employers_that_are_listed() {
    let mut grants = granted();
    user(&mut grants).kind = UserKind::Employer;
    user(&mut grants).provider = None;
    user(&mut grants).employers = EmployerSet::These(Set::from_iter([EMPLOYER]));
    assert!(grants.check(&question()).is_ok());
    turn_red(&mut grants, Check::Entity);
    assert_eq!(
        grants.check(&question()).unwrap_err().reason,
        "user \"anna\" may not access this employer"
    );
}

#[test]
fn names_that_are_no_bare_toml_keys_are_quoted() {
    let question = Question {
        client: "a client",
        ..question()
    };
    assert_eq!(
        granted().line_to_add(&question).as_deref(),
        Some(
            "[clients.\"a client\"] component = \"…\", activities = [\"GetJournalRunByJournalRunId\"]"
        )
    );
}

proptest! {
    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else(
        chosen in proptest::collection::btree_set(0..crate::catalogue::ROWS.len(), 0..20),
        more in proptest::collection::btree_set(0..crate::catalogue::ROWS.len(), 0..20),
    ) {
        let all: Vec<Activity> = Activity::all().collect();
        let mut set: ActivitySet = chosen.iter().map(|&at| all[at]).collect();
        set.insert_all(&more.iter().map(|&at| all[at]).collect());
        let expected: Vec<Activity> = chosen.union(&more).map(|&at| all[at]).collect();
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), expected);
    }
}
