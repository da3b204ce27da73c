//! What a configuration without faults means: defaults, paths, grants.

use super::*;
use crate::authorization::{EmployerSet, Set, UserKind};
use crate::catalogue::id;
use crate::ledger::Threshold;
use crate::platform::seed;
use http::Method;
use serde_json::json;
use uuid::Uuid;

#[test]
fn a_file_with_nothing_but_the_platform_grants_nothing() {
    let config = resolved("[platform]\n");
    assert_eq!(config.path, Path::new(PATH));
    assert_eq!(config.data, Path::new("/etc/koppel/data/koppel.db"));
    assert_eq!(config.ledger, Path::new("/etc/koppel/data/ledger.db"));
    assert!(config.clients.is_empty());
    assert!(config.credentials.is_empty());
    assert!(config.user_names.is_empty());
    let grants = &config.grants;
    assert!(grants.clients.is_empty() && grants.users.is_empty());
    assert!(grants.roles.is_empty() && grants.rights.is_empty());
    assert!(grants.provider_modules.is_empty() && grants.employer_modules.is_empty());
}

#[test]
fn a_client_with_nothing_but_a_component_may_do_nothing() {
    let config = resolved("[platform]\n[clients.xaf]\ncomponent = \"xaf.wasm\"\n");
    let client = config.client("xaf").unwrap();
    assert_eq!(client.name, "xaf");
    assert_eq!(client.component, Path::new("/etc/koppel/xaf.wasm"));
    assert_eq!(client.sha256, None);
    assert_eq!(client.http, []);
    assert_eq!(client.exports, None);
    assert_eq!(client.settings, json!({}));
    assert_eq!(config.grants.clients["xaf"].activities.iter().count(), 0);
    assert!(config.client("other").is_none());
}

/// The defaults that the documentation of [`Limits`] promises.
fn documented() -> Limits {
    Limits {
        memory_bytes: 67_108_864,
        deadline_ms: 30_000,
        cpu_ms: 10_000,
        table_elements: 20_000,
        handles: 1_000,
        hostcall_bytes: 16_777_216,
        log_bytes: 262_144,
        requests: 100,
        request_bytes: 10_485_760,
        response_bytes: 10_485_760,
        runs: 16,
        export_files: 100,
        compile_effort: 100_000_000,
        compile_ms: 30_000,
    }
}

#[test]
fn a_limit_that_is_not_written_has_its_documented_default() {
    let limits = |text: &str| {
        let text = format!("[platform]\n[clients.xaf]\ncomponent = \"a\"\n{text}\n");
        resolved(&text).clients["xaf"].limits
    };
    assert_eq!(limits(""), documented());
    assert_eq!(limits("limits = {}"), documented());
    for (written, expected) in [
        (
            "memory-bytes",
            Limits {
                memory_bytes: 7,
                ..documented()
            },
        ),
        (
            "deadline-ms",
            Limits {
                deadline_ms: 7,
                ..documented()
            },
        ),
        (
            "cpu-ms",
            Limits {
                cpu_ms: 7,
                ..documented()
            },
        ),
        (
            "table-elements",
            Limits {
                table_elements: 7,
                ..documented()
            },
        ),
        (
            "handles",
            Limits {
                handles: 7,
                ..documented()
            },
        ),
        (
            "hostcall-bytes",
            Limits {
                hostcall_bytes: 7,
                ..documented()
            },
        ),
        (
            "log-bytes",
            Limits {
                log_bytes: 7,
                ..documented()
            },
        ),
        (
            "requests",
            Limits {
                requests: 7,
                ..documented()
            },
        ),
        (
            "request-bytes",
            Limits {
                request_bytes: 7,
                ..documented()
            },
        ),
        (
            "response-bytes",
            Limits {
                response_bytes: 7,
                ..documented()
            },
        ),
        (
            "runs",
            Limits {
                runs: 7,
                ..documented()
            },
        ),
        (
            "export-files",
            Limits {
                export_files: 7,
                ..documented()
            },
        ),
        (
            "compile-effort",
            Limits {
                compile_effort: 7,
                ..documented()
            },
        ),
        (
            "compile-ms",
            Limits {
                compile_ms: 7,
                ..documented()
            },
        ),
    ] {
        assert_eq!(limits(&format!("limits = {{ {written} = 7 }}")), expected);
    }
}

#[test]
fn a_user_with_nothing_but_a_role_may_access_no_employer() {
    let config = resolved(
        r#"[platform]
[roles]
reader = []
[[users]]
id = "bas"
kind = "employer"
role = "reader"
"#,
    );
    let user = &config.grants.users["bas"];
    assert_eq!(user.kind, UserKind::Employer);
    assert_eq!(user.provider, None);
    assert_eq!(user.role, "reader");
    assert!(user.rights.is_empty() && user.employer_rights.is_empty());
    assert_eq!(user.activities.iter().count(), 0);
    assert_eq!(user.employers, EmployerSet::These(Set::default()));
    assert!(!user.blocked);
    assert_eq!(config.user_names["bas"], "");
}

#[test]
fn relative_paths_are_relative_to_the_file() {
    let text = r#"[platform]
data = "../koppel.db"
ledger = "/var/lib/ledger.db"
[clients.xaf]
component = "plugins/xaf.wasm"
activities = ["PostDownloadJournalRunExportByJournalRunId"]
exports = { directory = "exports", quota-bytes = 5, activity = "PostDownloadJournalRunExportByJournalRunId" }
[clients.absolute]
component = "/opt/absolute.wasm"
[credentials.a]
header = "a"
value = { file = "secrets/a" }
[credentials.b]
header = "b"
value = { file = "/run/secrets/b" }
[credentials.c]
header = "c"
value = { env = "secrets/c" }
"#;
    for (path, base) in [
        ("/etc/koppel/platform.toml", "/etc/koppel/"),
        ("koppel/platform.toml", "koppel/"),
        ("./platform.toml", "./"),
        ("platform.toml", ""),
    ] {
        let config = Config::parse(Path::new(path), text).unwrap();
        let expect = |path: &Path, relative: &str| {
            assert_eq!(path, Path::new(&format!("{base}{relative}")));
        };
        expect(&config.data, "../koppel.db");
        assert_eq!(config.ledger, Path::new("/var/lib/ledger.db"));
        expect(&config.clients["xaf"].component, "plugins/xaf.wasm");
        assert_eq!(
            config.clients["absolute"].component,
            Path::new("/opt/absolute.wasm")
        );
        let exports = config.clients["xaf"].exports.as_ref().unwrap();
        expect(&exports.directory, "exports");
        assert_eq!(exports.quota_bytes, 5);
        let SecretReference::File(file) = &config.credentials["a"].value else {
            panic!("{:?}", config.credentials["a"]);
        };
        expect(file, "secrets/a");
        assert_eq!(
            config.credentials["b"].value,
            SecretReference::File("/run/secrets/b".into())
        );
        assert_eq!(
            config.credentials["c"].value,
            SecretReference::Env("secrets/c".to_owned())
        );
    }
}

#[test]
fn what_is_written_is_what_is_granted() {
    let config = resolved(
        r#"[platform]
source = "embedded"

[clients.exact]
component = "exact.wasm"
activities = ["GetJournalRunByJournalRunId", "PostSendJournalRunExportByJournalRunId"]
http = [
    { allow = "https://start.exactonline.nl/api/v1/*", methods = ["GET", "POST"], credential = "exact", activity = "PostSendJournalRunExportByJournalRunId" },
    { allow = "http://localhost:8080/", methods = ["GET"], activity = "GetJournalRunByJournalRunId", allow-private-addresses = true },
]

[credentials.exact]
header = "Authorization"
scheme = "Bearer"
value = { env = "KOPPEL_EXACT_TOKEN" }

[modules.provider]
00000000-0000-0000-0000-000000000001 = ["journal"]
[modules.employer]
00000000-0000-0000-0000-000000000002 = ["journal"]

[rights]
read = ["GetJournalRunByJournalRunId"]
send = ["PostSendJournalRunExportByJournalRunId"]

[roles]
professional = ["read", "send"]

[teams]
retail = ["00000000-0000-0000-0000-000000000004"]

[[users]]
id = "anna"
name = "Anna de Boer"
kind = "provider"
provider = "00000000-0000-0000-0000-000000000001"
role = "professional"
rights = ["read"]
employer-rights = { 00000000-0000-0000-0000-000000000003 = ["send"] }
employers = "all"

[[users]]
id = "tim"
kind = "provider"
provider = "00000000-0000-0000-0000-000000000001"
role = "professional"
employers = ["00000000-0000-0000-0000-000000000003"]
teams = ["retail"]
blocked = true
"#,
    );
    let number = Uuid::from_u128;
    let activities = |set: &crate::authorization::ActivitySet| set.iter().collect::<Vec<_>>();
    let (read, send) = (
        id::GetJournalRunByJournalRunId,
        id::PostSendJournalRunExportByJournalRunId,
    );
    let grants = &config.grants;
    assert_eq!(
        activities(&grants.clients["exact"].activities),
        [read, send]
    );
    assert_eq!(activities(&grants.rights["send"]), [send]);
    let role = &grants.roles["professional"];
    assert!(role.rights.iter().eq(["read", "send"]));
    assert_eq!(activities(&role.activities), [read, send]);
    assert!(grants.provider_modules[&number(1)].contains("journal"));
    assert!(grants.employer_modules[&number(2)].contains("journal"));

    let anna = &grants.users["anna"];
    assert_eq!(config.user_names["anna"], "Anna de Boer");
    assert_eq!(anna.kind, UserKind::Provider);
    assert_eq!(anna.provider, Some(number(1)));
    assert_eq!(activities(&anna.activities), [read]);
    assert_eq!(activities(&anna.employer_rights[&number(3)].1), [send]);
    assert_eq!(anna.employers, EmployerSet::AllOfProvider);
    let tim = &grants.users["tim"];
    assert_eq!(
        tim.employers,
        EmployerSet::These(Set::from_iter([number(3), number(4)]))
    );
    assert!(tim.blocked);

    let [exact, local] = &config.clients["exact"].http[..] else {
        panic!("{:?}", config.clients["exact"].http);
    };
    let url = |text: &str| crate::egress::normalize::parse(text).unwrap();
    let there = url("https://start.exactonline.nl/api/v1/1/x");
    assert!(exact.allows(&Method::POST, &there));
    assert_eq!(exact.credential(), Some("exact"));
    assert_eq!(exact.activity(), send);
    assert!(!exact.allow_private_addresses());
    assert!(local.allows(&Method::GET, &url("http://localhost:8080/")));
    assert_eq!(local.credential(), None);
    assert_eq!(local.activity(), read);
    assert!(local.allow_private_addresses());
    assert_eq!(
        config.credentials["exact"],
        Credential {
            place: CredentialPlace::Header {
                name: "authorization".to_owned(),
                scheme: Some("Bearer".to_owned()),
            },
            value: SecretReference::Env("KOPPEL_EXACT_TOKEN".to_owned()),
        }
    );
}

#[test]
fn settings_become_json_as_they_are_written() {
    let config = resolved(
        r#"[platform]
[clients.exact]
component = "exact.wasm"
[clients.exact.settings]
division = 123456
rate = 0.5
since = 2025-01-31
at = 2025-01-31T08:30:00+01:00
codes = ["90", { deep = true, time = 08:30:00 }]
"#,
    );
    assert_eq!(
        config.clients["exact"].settings,
        json!({
            "division": 123_456,
            "rate": 0.5,
            "since": "2025-01-31",
            "at": "2025-01-31T08:30:00+01:00",
            "codes": ["90", {"deep": true, "time": "08:30:00"}],
        })
    );
}

#[test]
fn a_configuration_holds_references_to_secrets_and_never_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.toml");
    std::fs::write(dir.path().join("token"), "s3cret").unwrap();
    std::fs::write(
        &path,
        "[platform]\n[credentials.a]\nheader = \"a\"\nvalue = { file = \"token\" }\n\
         [credentials.b]\nheader = \"b\"\nvalue = { env = \"PATH\" }\n",
    )
    .unwrap();
    let config = Config::load(&path).unwrap();
    let shown = format!("{config:?}{config:#?}");
    assert!(shown.contains("Env(\"PATH\")"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(!shown.contains(&std::env::var("PATH").unwrap()), "{shown}");
}

#[test]
fn the_configuration_of_the_demonstration_has_no_faults() {
    let mut text = include_str!("../../cli/demo.toml").to_owned();
    let components = [
        "flowers-fleurtjedag",
        "geocode-google",
        "insurance-achmea",
        "journal-csv",
        "journal-exact",
        "journal-moneybird",
        "journal-xaf",
        "loonaangifte",
        "trade-register-kvk",
        "upa-pension",
        "vehicle-rdw",
    ];
    for component in components {
        text = text.replace(
            &format!("{{{component}}}"),
            &format!("\"{component}.wasm\""),
        );
    }
    for at in 1..=2 {
        text = text
            .replace(
                &format!("{{provider-{at}}}"),
                &seed::provider_id(at).to_string(),
            )
            .replace(
                &format!("{{employer-{at}}}"),
                &seed::employer_id(at).to_string(),
            );
    }
    let config = resolved(&text);
    assert!(config.clients.keys().eq(components));
    assert_eq!(config.grants.users.len(), 3);
    let exact = &config.clients["journal-exact"];
    assert_eq!(exact.http[0].credential(), Some("exact"));
    assert_eq!(exact.settings["division"], json!(123_456));
}

#[test]
fn reading_a_file_twice_gives_the_same() {
    let text = "[platform]\n[rights]\na = [\"GetEmployersByUserId\"]\n[roles]\nr = [\"a\"]\n";
    let shown = |config: Config| format!("{config:?}");
    assert_eq!(shown(resolved(text)), shown(resolved(text)));
}

#[test]
fn an_alarm_takes_ten_denials_within_a_minute_unless_it_is_written() {
    let alarms = |text: &str| resolved(&format!("[platform]\n{text}\n")).alarms.denials;
    let (count, within_seconds) = (10, 60);
    let default = Threshold {
        count,
        within_seconds,
    };
    assert_eq!(alarms(""), default);
    assert_eq!(alarms("[alarms]"), default);
    let written = alarms("[alarms]\ndenials = { count = 3, within-seconds = 3600 }");
    let (count, within_seconds) = (3, 3600);
    assert_eq!(
        written,
        Threshold {
            count,
            within_seconds
        }
    );
}
