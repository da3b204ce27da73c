//! Grants that are published for all hosts, beside the file of one.

use super::*;
use crate::authorization::EmployerSet;
use crate::catalogue::id;
use crate::egress::Rule;

/// The file of a host whose grants are published.
const LOCAL: &str = r#"[platform]
[store]
url = "postgresql://koppel@127.0.0.1/koppel"
one-machine = true
[queue]
url = "nats://127.0.0.1:4222"
grants = "published"
[clients.journal-exact]
component = "exact.wasm"
settings = { division = 1 }
[clients.journal-xaf]
component = "xaf.wasm"
exports = { directory = "out", quota-bytes = 1000, activity = "PostDownloadJournalRunExportByJournalRunId" }
[credentials.exact]
header = "authorization"
value = { env = "KOPPEL_EXACT" }
[trusted-roots]
gateway = "roots/gateway.pem"
"#;

const GRANTS: &str = r#"# What everybody may.
[clients.journal-exact]
activities = ["GetJournalRunByJournalRunId", "PostSendJournalRunExportByJournalRunId"]
http = [{ allow = "https://start.exactonline.nl/api/*", methods = ["POST"], credential = "exact", trusted-roots = "gateway", activity = "PostSendJournalRunExportByJournalRunId" }]
limits = { requests = 7 }
retry = { attempts = 2 }
concurrency = 3
[clients.journal-xaf]
activities = ["PostDownloadJournalRunExportByJournalRunId"]
[rights]
journal = ["GetJournalRunByJournalRunId"]
[roles]
professional = ["journal"]
[teams]
retail = ["30cbb99f-d691-5ddb-b4af-7031857482c0"]
[modules.employer]
"30cbb99f-d691-5ddb-b4af-7031857482c0" = ["journal"]
[[users]]
id = "anna"
kind = "employer"
role = "professional"
rights = ["journal"]
teams = ["retail"]
[[parties]]
url = "https://start.exactonline.nl"
per-minute = 60
[[schedules]]
name = "mornings"
client = "journal-exact"
user = "anna"
employers = ["30cbb99f-d691-5ddb-b4af-7031857482c0"]
task = "check"
cron = "0 6 * * *"
[connectors.employer."30cbb99f-d691-5ddb-b4af-7031857482c0"]
PostSendJournalRunExportByJournalRunId = "journal-exact"
"#;

/// Grants as they would be published.
pub(super) fn published(version: u64, text: &str) -> Arc<Published> {
    Arc::new(Published {
        name: format!("published grants, version {version}"),
        version,
        by: "anna".to_owned(),
        why: "a test".to_owned(),
        time: "2026-01-31T09:30:00Z".to_owned(),
        text: text.into(),
    })
}

/// A host with published grants.
#[track_caller]
fn both(local: &str, grants: &str) -> Config {
    let config = resolved(local).with_grants(&published(7, grants));
    config.unwrap_or_else(|error| panic!("{error}"))
}

/// What is wrong with both together.
#[track_caller]
fn wrong(local: &str, grants: &str) -> String {
    let config = resolved(local).with_grants(&published(7, grants));
    config.unwrap_err().to_string()
}

fn lacking(config: &Config) -> Vec<String> {
    config.lacking().collect()
}

#[test]
fn published_grants_are_in_force_with_what_each_host_has_of_its_own() {
    let config = both(LOCAL, GRANTS);
    assert_eq!(lacking(&config), [""; 0]);
    let exact = config.client("journal-exact").unwrap();
    assert_eq!(exact.component, Path::new("/etc/koppel/exact.wasm"));
    assert_eq!(exact.settings["division"], 1);
    assert_eq!((exact.limits.requests, exact.retry.attempts), (7, 2));
    assert_eq!(exact.concurrency, Some(3));
    assert_eq!(exact.http[0].credential(), Some("exact"));
    assert_eq!(
        exact.http[0].trusted_roots(),
        Some(Path::new("/etc/koppel/roots/gateway.pem"))
    );
    let granted = config.grants.clients["journal-exact"].activities;
    assert!(granted.contains(id::GetJournalRunByJournalRunId));
    assert!(!granted.contains(id::GetEmployerByEmployerId));
    let exports = config.client("journal-xaf").unwrap().exports.as_ref();
    assert_eq!(exports.unwrap().quota_bytes, 1_000);
    let anna = &config.grants.users["anna"];
    assert!(anna.activities.contains(id::GetJournalRunByJournalRunId));
    assert!(matches!(&anna.employers, EmployerSet::These(these) if these.len() == 1));
    assert_eq!(config.grants.employer_modules.len(), 1);
    assert_eq!((config.parties.len(), config.schedules.len()), (1, 1));
    assert_eq!(config.connectors.employer.len(), 1);
    assert_eq!(config.published.as_ref().unwrap().version, 7);
}

#[test]
fn until_grants_are_read_nothing_is_granted() {
    let config = resolved(LOCAL);
    assert!(config.published.is_none());
    assert!(config.grants.users.is_empty() && config.grants.rights.is_empty());
    for client in config.grants.clients.values() {
        assert_eq!(client.activities.iter().count(), 0);
    }
    assert!(config.clients.values().all(|client| client.http.is_empty()));
    assert!(
        config
            .clients
            .values()
            .all(|client| client.exports.is_none())
    );
}

#[test]
fn a_fault_of_published_grants_is_told_with_version_line_and_column() {
    let misspelt = GRANTS.replace("concurrency = 3", "concurency = 3");
    assert_eq!(
        wrong(LOCAL, &misspelt),
        "published grants, version 7:7:1: unknown field `concurency`, expected one of `activities`, `http`, `limits`, `cache`, `retry`, `concurrency`"
    );
    // In characters, after one that takes several bytes.
    let unknown = GRANTS.replace(
        "professional = [\"journal\"]",
        "\"é\" = [\"jurnal\"]\nprofessional = [\"journal\"]",
    );
    assert_eq!(
        wrong(LOCAL, &unknown),
        "published grants, version 7:13:8: there is no right \"jurnal\"; add `jurnal = [\"…\"]` under [rights]"
    );
    let broken = GRANTS.replace("[rights]", "[rights");
    assert!(
        wrong(LOCAL, &broken).starts_with("published grants, version 7:10:8: "),
        "{}",
        wrong(LOCAL, &broken)
    );
    // What is wrong with the file is told as always.
    let local = LOCAL.replace("one-machine", "one-machines");
    let error = Config::parse(Path::new(PATH), &local).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/etc/koppel/platform.toml:4:1: unknown field")
    );
}

#[test]
fn what_is_of_one_host_is_not_published() {
    let of_one_host = |key: &str| {
        format!("[{key}] is of one host, and is not published: it stays in the file of each host")
    };
    for (key, text) in [
        ("platform", "[platform]\nledger = \"l.db\"\n"),
        ("store", "[store]\nurl = \"postgresql://h/d\"\n"),
        ("queue", "[queue]\nworkers = 2\n"),
        ("server", "[server]\nlisten = \"127.0.0.1:1\"\n"),
        ("credentials", "[credentials.a]\nvalue = \"s3cret\"\n"),
        ("passwords", "[passwords]\nanna = \"s3cret\"\n"),
        ("trusted-roots", "[trusted-roots]\na = \"a.pem\"\n"),
        ("alarms", "[alarms]\n"),
    ] {
        assert_eq!(
            wrong(LOCAL, text),
            format!("published grants, version 7:1:2: {}", of_one_host(key))
        );
    }
    for (key, value) in [
        ("component", "\"a.wasm\""),
        ("sha256", "\"00\""),
        ("settings", "{ token = \"s3cret\" }"),
        ("exports", "{ directory = \"/out\" }"),
        ("application", "{ secret = \"s3cret\" }"),
    ] {
        assert_eq!(
            wrong(LOCAL, &format!("[clients.a]\n{key} = {value}\n")),
            format!(
                "published grants, version 7:2:1: `{key}` of client \"a\" is of one host, and is not published: it stays under [clients.a] in the file of each host"
            )
        );
    }
    let user = GRANTS.replace(
        "kind = \"employer\"",
        "kind = \"employer\"\npassword-hash = \"s3cret\"",
    );
    assert_eq!(
        wrong(LOCAL, &user),
        "published grants, version 7:21:1: a password hash is not published: put it under [passwords] in the file of the hosts where user \"anna\" logs in"
    );
    let path = GRANTS.replace("\"gateway\"", "\"/etc/gateway.pem\"");
    assert_eq!(
        wrong(LOCAL, &path),
        "published grants, version 7:4:115: trusted-roots = \"/etc/gateway.pem\" is a path, which is of one host: write a name of letters, digits, `-` and `_`, and the path as `<name> = \"/etc/gateway.pem\"` under [trusted-roots] in the file of each host"
    );
}

#[test]
fn the_file_of_a_host_may_not_grant_what_is_published() {
    let told = |what: &str| {
        format!(
            "{what} is published for all hosts (grants = \"published\" under [queue]), so it may not be in the file of one: take it out; `koppel grants extract` prints what is to be published"
        )
    };
    let local = LOCAL.replace(
        "settings = { division = 1 }\n",
        "settings = { division = 1 }\nactivities = []\n",
    ) + "[rights]\na = []\n[roles]\nb = [\"a\"]\n";
    assert_eq!(
        faults(&local),
        [
            format!("11: {}", told("`activities` of client \"journal-exact\"")),
            format!("20: {}", told("[rights]")),
            format!("22: {}", told("[roles]")),
        ]
    );
}

#[test]
fn what_a_host_lacks_is_not_in_force_there_and_the_rest_is() {
    // A client that the host has nothing of.
    let local = LOCAL.replace(
        "[clients.journal-exact]\ncomponent = \"exact.wasm\"\nsettings = { division = 1 }\n",
        "",
    );
    let config = both(&local, GRANTS);
    assert_eq!(
        lacking(&config),
        [
            "published grants, version 7:2:1: this host has no client \"journal-exact\", so it does not run here; add `[clients.journal-exact]` with `component` or `application`"
        ]
    );
    assert!(config.client("journal-exact").is_none());
    assert!(config.elsewhere.contains("journal-exact"));
    // It is still one that can be taken back, and no fault of what names it.
    assert!(config.grants.clients.contains_key("journal-exact"));
    assert!(config.schedules.is_empty());
    assert!(config.grants.users.contains_key("anna"));
    // A fault in its rules is one on every host.
    assert_eq!(
        wrong(&local, &GRANTS.replace("\"POST\"", "\"post\"")),
        wrong(LOCAL, &GRANTS.replace("\"POST\"", "\"post\""))
    );

    // A credential, without which the request would leave as nobody.
    let local = LOCAL.replace("[credentials.exact]", "[credentials.other]");
    let config = both(&local, GRANTS);
    assert_eq!(
        lacking(&config),
        [
            "published grants, version 7:4:90: there is no credential \"exact\"; add `[credentials.exact]` with `header` and `value`"
        ]
    );
    assert!(config.clients["journal-exact"].http.is_empty());

    // Certificate authorities, without which another server could answer.
    let local = LOCAL.replace("gateway =", "other =");
    let config = both(&local, GRANTS);
    assert_eq!(
        lacking(&config),
        [
            "published grants, version 7:4:115: there are no trusted roots \"gateway\"; add `gateway = \"<file>\"` under [trusted-roots]"
        ]
    );
    assert!(config.clients["journal-exact"].http.is_empty());

    // An activity that was taken out, which the directory of the host is for.
    let grants = GRANTS.replace("\"PostDownloadJournalRunExportByJournalRunId\"", "");
    let config = both(LOCAL, &grants);
    assert_eq!(
        lacking(&config),
        [
            "/etc/koppel/platform.toml:13:63: this needs PostDownloadJournalRunExportByJournalRunId, which client \"journal-xaf\" was not granted; add \"PostDownloadJournalRunExportByJournalRunId\" to [clients.journal-xaf] activities"
        ]
    );
    assert!(config.clients["journal-xaf"].exports.is_none());
}

#[test]
fn a_rule_whose_activity_was_not_granted_is_a_fault_wherever_it_is() {
    let grants = GRANTS.replace(
        "\"GetJournalRunByJournalRunId\", \"PostSendJournalRunExportByJournalRunId\"]\nhttp",
        "\"GetJournalRunByJournalRunId\"]\nhttp",
    );
    assert!(
        wrong(LOCAL, &grants).starts_with("published grants, version 7:4:137: this needs PostSendJournalRunExportByJournalRunId, which client \"journal-exact\" was not granted;"),
        "{}",
        wrong(LOCAL, &grants)
    );
}

#[test]
fn passwords_stay_with_the_hosts_where_users_log_in() {
    let hash = crate::oauth::password::hash("correct horse").unwrap();
    let local = format!("{LOCAL}[passwords]\nanna = \"{hash}\"\nsomebody-who-left = \"{hash}\"\n");
    let config = both(&local, GRANTS);
    assert_eq!(config.passwords["anna"].expose(), hash);
    assert_eq!(config.passwords.len(), 1);
    assert_eq!(
        wrong(&format!("{LOCAL}[passwords]\nanna = \"s3cret\"\n"), GRANTS),
        "/etc/koppel/platform.toml:20:8: password-hash of user \"anna\" is no Argon2id hash; `koppel password` makes one"
    );
    assert_eq!(
        fault("[platform]\n[passwords]\nanna = \"s3cret\"\n"),
        "3: [passwords] is for hosts whose grants are published; write `password-hash` of the user"
    );
    assert_eq!(
        fault("[platform]\n[trusted-roots]\na = \"a.pem\"\n"),
        "3: [trusted-roots] is for hosts whose grants are published; write `trusted-roots` of the rule"
    );
}

#[test]
fn published_grants_are_for_hosts_that_share_a_queue() {
    assert_eq!(
        fault("[platform]\n[queue]\ngrants = \"published\"\n"),
        "2: [queue] grants is for a NATS server: add `url = \"tls://…\"`, or remove it"
    );
}

#[test]
fn the_part_that_is_published_is_extracted_with_its_comments() {
    let whole = format!(
        "# The office.\n[platform]\n{}# Inspected in June.\n[clients.a]\ncomponent = \"a.wasm\"\nactivities = [\"GetEmployerByEmployerId\"] # at least\nsettings = {{ x = 1 }}\n\n[server]\nlisten = \"127.0.0.1:1\"\n\n[[users]]\nid = \"tim\"\npassword-hash = \"x\"\nkind = \"employer\"\nrole = \"r\"\n",
        "[alarms]\n"
    );
    assert_eq!(
        extract(&whole).unwrap(),
        "# Inspected in June.\n[clients.a]\nactivities = [\"GetEmployerByEmployerId\"] # at least\n\n[[users]]\nid = \"tim\"\nkind = \"employer\"\nrole = \"r\"\n"
    );
    let inline = "users = [{ id = \"tim\", password-hash = \"x\", role = \"r\" }]\nclients = { a = { component = \"a\", activities = [] } }\n[platform]\n";
    let extracted = extract(inline).unwrap();
    assert!(!extracted.contains("password") && !extracted.contains("component"));
    assert!(extracted.contains("activities") && extracted.contains("role"));
    assert!(extract("[clients").is_err());
}

#[test]
fn what_is_extracted_and_published_grants_what_the_file_granted() {
    let extracted = extract(GRANTS).unwrap();
    assert_eq!(extracted, GRANTS);
    let rules = |config: &Config| -> Vec<String> {
        let rules = config.clients.values().flat_map(|client| &client.http);
        rules.map(|rule: &Rule| format!("{rule:?}")).collect()
    };
    let (one, other) = (both(LOCAL, GRANTS), both(LOCAL, &extracted));
    assert_eq!(rules(&one), rules(&other));
    assert_eq!(
        format!("{:?}", one.grants.clients["journal-exact"]),
        format!("{:?}", other.grants.clients["journal-exact"])
    );
}
