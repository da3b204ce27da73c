//! Names that mean nothing: activities, rights, roles, teams, modules and
//! credentials, and users that contradict themselves.

use super::*;

#[test]
fn a_misspelt_activity_is_reported_at_its_line_with_the_nearest_one() {
    let text = r#"[platform]
[clients.xaf]
component = "xaf.wasm"
activities = [
    "GetEmployerByEmployerId",
    "getJournalRunByJournalrunID",
]
"#;
    assert_eq!(
        fault(text),
        "6: there is no activity \"getJournalRunByJournalrunID\"; did you mean \"GetJournalRunByJournalRunId\"?"
    );
}

#[test]
fn an_activity_that_is_like_no_other_is_reported_with_where_to_find_them() {
    let text = r#"[platform]
[rights]
everything = ["*"]
"#;
    assert_eq!(
        fault(text),
        "3: there is no activity \"*\"; `koppel activities` lists them"
    );
}

#[test]
fn an_unknown_activity_of_an_act_is_reported_at_its_line() {
    let text = r#"[platform]
[clients.xaf]
component = "xaf.wasm"
exports = { directory = "exports", quota-bytes = 1, activity = "Exports" }
http = [
    { allow = "https://party.test/", methods = ["GET"],  activity = "Http" },
]
"#;
    assert_eq!(
        faults(text),
        [
            "4: there is no activity \"Exports\"; `koppel activities` lists them",
            "6: there is no activity \"Http\"; `koppel activities` lists them",
        ]
    );
}

#[test]
fn an_unknown_right_is_reported_where_a_role_or_a_user_names_it() {
    let text = r#"[platform]
[roles]
professional = ["journal"]

[[users]]
id = "anna"
kind = "employer"
role = "professional"
rights = [
    "vehicles",
]
[users.employer-rights]
00000000-0000-0000-0000-000000000001 = ["payroll"]
"#;
    assert_eq!(
        faults(text),
        [
            "3: there is no right \"journal\"; add `journal = [\"…\"]` under [rights]",
            "10: there is no right \"vehicles\"; add `vehicles = [\"…\"]` under [rights]",
            "13: there is no right \"payroll\"; add `payroll = [\"…\"]` under [rights]",
        ]
    );
}

#[test]
fn an_unknown_role_is_reported_at_its_line() {
    let text = r#"[platform]
[[users]]
id = "anna"
kind = "employer"
role = "admin"
"#;
    assert_eq!(
        fault(text),
        "5: there is no role \"admin\"; add `admin = [\"…\"]` under [roles]"
    );
}

#[test]
fn an_unknown_team_is_reported_at_its_line() {
    let text = r#"[platform]
[roles]
reader = []
[[users]]
id = "anna"
kind = "employer"
role = "reader"
teams = ["retail"]
"#;
    assert_eq!(
        fault(text),
        "8: there is no team \"retail\"; add `retail = [\"<employer id>\"]` under [teams]"
    );
}

#[test]
fn an_unknown_module_is_reported_with_those_that_there_are() {
    let mut known: Vec<_> = crate::catalogue::ROWS
        .iter()
        .filter_map(|row| row.module)
        .collect();
    known.sort_unstable();
    known.dedup();
    let known = known.join(", ");
    let text = r#"[platform]
[modules.provider]
00000000-0000-0000-0000-000000000001 = ["journal", "jounral"]
[modules.employer]
00000000-0000-0000-0000-000000000002 = ["Journal"]
"#;
    assert_eq!(
        faults(text),
        [
            format!("3: there is no module \"jounral\"; the modules are: {known}"),
            format!("5: there is no module \"Journal\"; the modules are: {known}"),
        ]
    );
}

#[test]
fn an_unknown_credential_is_reported_at_its_line() {
    let text = r#"[platform]
[clients.exact]
component = "exact.wasm"
activities = ["PostSendJournalRunExportByJournalRunId"]

[[clients.exact.http]]
allow = "https://start.exactonline.nl/api/v1/*"
methods = ["POST"]
activity = "PostSendJournalRunExportByJournalRunId"
credential = "exact"
"#;
    assert_eq!(
        fault(text),
        "10: there is no credential \"exact\"; add `[credentials.exact]` with `header` and `value`"
    );
}

#[test]
fn a_provider_user_needs_a_provider() {
    let text = r#"[platform]
[roles]
reader = []
[[users]]
id = "anna"
kind = "provider"
role = "reader"
"#;
    assert_eq!(
        fault(text),
        "4: user \"anna\" is a provider user: add `provider = \"<id>\"`"
    );
}

#[test]
fn an_employer_user_has_no_provider_and_no_access_to_all_of_its_employers() {
    let text = r#"[platform]
[roles]
reader = []
[[users]]
id = "bas"
kind = "employer"
provider = "00000000-0000-0000-0000-000000000001"
role = "reader"
employers = "all"
"#;
    assert_eq!(
        faults(text),
        [
            "4: user \"bas\" is an employer user: remove `provider`",
            "4: user \"bas\" is an employer user: list the ids in `employers`, \"all\" is for provider users",
        ]
    );
}

#[test]
fn a_user_that_is_listed_twice_is_reported_at_the_second_place() {
    let text = r#"[platform]
[roles]
reader = []
[[users]]
id = "bas"
kind = "employer"
role = "reader"
[[users]]
id = "tim"
kind = "employer"
role = "reader"
[[users]]
id = "bas"
kind = "employer"
role = "reader"
blocked = true
"#;
    assert_eq!(fault(text), "12: user \"bas\" is listed twice");
}
