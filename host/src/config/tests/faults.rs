//! What else can be wrong with a configuration: how it is written, clients,
//! their outside rules, limits and settings.

use super::*;

const SHA256: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A client that may send and export, followed by more of it from line 5.
fn client(more: &str) -> String {
    format!(
        r#"[platform]
[clients.exact]
component = "exact.wasm"
activities = ["GetJournalRunByJournalRunId", "PostSendJournalRunExportByJournalRunId"]
{more}
"#
    )
}

/// An outside rule at line 6, followed by more of it.
fn rule(allow: &str, methods: &str, activity: &str, more: &str) -> String {
    client(&format!(
        "http = [\n{{ allow = \"{allow}\", methods = {methods}, activity = \"{activity}\"{more} }},\n]"
    ))
}

const SEND: &str = "PostSendJournalRunExportByJournalRunId";

#[test]
fn an_unknown_key_is_a_fault_wherever_it_is() {
    for (text, expected) in [
        (
            "[platform]\n[client.xaf]\n",
            "2: unknown field `client`, expected one of `platform`, `clients`, `credentials`, `modules`, `rights`, `roles`, `teams`, `users`, `connectors`, `registries`, `server`, `alarms`, `store`, `queue`, `parties`, `schedules`, `passwords`, `trusted-roots`",
        ),
        (
            "[platform]\ndata = \"a\"\nlegder = \"b\"\n",
            "3: unknown field `legder`, expected one of `source`, `data`, `ledger`, `compiled`, `oci-cache`, `signatures`, `trusted-keys`, `runs`, `loket`",
        ),
        (
            "[platform]\n[clients.xaf]\ncomponent = \"a\"\nactivites = []\n",
            "4: unknown field `activites`, expected one of `component`, `oci`, `application`, `sha256`, `activities`, `http`, `exports`, `settings`, `limits`, `cache`, `retry`, `concurrency`, `ready`",
        ),
        (
            "[platform]\n[clients.xaf]\ncomponent = \"a\"\n[clients.xaf.limits]\nmemory-mb = 1\n",
            "5: unknown field `memory-mb`, expected one of `memory-bytes`, `deadline-ms`, `cpu-ms`, `table-elements`, `handles`, `hostcall-bytes`, `log-bytes`, `requests`, `request-bytes`, `response-bytes`, `runs`, `export-files`, `compile-effort`, `compile-ms`",
        ),
        (
            "[platform]\n[clients.xaf]\ncomponent = \"a\"\n[clients.xaf.exports]\ndirectory = \"a\"\nquota-bytes = 1\nactivity = \"A\"\nprefix = \"b\"\n",
            "8: unknown field `prefix`, expected one of `directory`, `quota-bytes`, `activity`",
        ),
        (
            "[platform]\n[[clients.xaf.http]]\nallow = \"a\"\nmethods = []\nactivity = \"A\"\nallow-private-adresses = true\n",
            "6: unknown field `allow-private-adresses`, expected one of `allow`, `methods`, `activity`, `credential`, `allow-private-addresses`, `trusted-roots`, `repeatable`, `idempotency`, `path`, `query`, `headers`, `json`",
        ),
        (
            "[platform]\n[credentials.exact]\nheader = \"a\"\nvalue = { env = \"A\" }\nprefix = \"Bearer\"\n",
            "5: unknown field `prefix`, expected one of `header`, `scheme`, `query`, `value`, `certificate`, `private-key`",
        ),
        (
            "[platform]\n[modules.client]\n",
            "2: unknown field `client`, expected `provider` or `employer`",
        ),
        (
            "[platform]\n[[users]]\nid = \"a\"\nkind = \"employer\"\nrole = \"a\"\nright = []\n",
            "6: unknown field `right`, expected one of `id`, `name`, `kind`, `provider`, `role`, `rights`, `employer-rights`, `employers`, `teams`, `blocked`, `password-hash`",
        ),
    ] {
        assert_eq!(fault(text), expected);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_a_fault_at_its_line() {
    for (text, expected) in [
        ("", "1: missing field `platform`"),
        (
            "[platform]\n[[clients.xaf.http]]\nallow = \"a\"\n",
            "2: missing field `methods`",
        ),
        (
            "[platform]\nsource = \"somewhere\"\n",
            "2: unknown variant `somewhere`, expected `embedded` or `loket`",
        ),
        (
            "[platform]\n[clients.xaf]\ncomponent = \"a\"\n[clients.xaf.limits]\nrequests = -1\n",
            "5: invalid value: integer `-1`, expected usize",
        ),
        (
            "[platform]\n[teams]\nretail = [\n\"one\",\n]\n",
            "4: UUID parsing failed: invalid character: found `o` at 0",
        ),
        (
            "[platform]\n[[users]]\nid = \"a\"\nrole = \"a\"\nkind = \"admin\"\n",
            "5: unknown variant `admin`, expected `provider` or `employer`",
        ),
        (
            "[platform]\n[[users]]\nid = \"a\"\nrole = \"a\"\nkind = \"provider\"\nemployers = \"some\"\n",
            "6: \"all\" or a list of employer ids (UUIDs)",
        ),
        (
            "[platform]\n[[users]]\nid = \"a\"\nrole = \"a\"\nkind = \"provider\"\nemployers = [\"some\"]\n",
            "6: \"all\" or a list of employer ids (UUIDs)",
        ),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
}

#[test]
fn text_that_is_not_toml_is_a_fault_at_its_line() {
    for (text, expected) in [
        (
            "[platform]\ndata = \n",
            "2: string values must be quoted, expected literal string",
        ),
        (
            "[platform]\ndata = \"a\n",
            "2: invalid basic string, expected `\"`",
        ),
        ("[platform\n", "1: unclosed table, expected `]`"),
        (
            "[platform]\ndata = \"a\"\ndata = \"b\"\n",
            "3: duplicate key",
        ),
        (
            "[platform]\n[clients.a]\ncomponent = \"a\"\n[clients.a]\n",
            "4: duplicate key",
        ),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
}

#[test]
fn the_name_of_a_client_is_letters_digits_hyphens_and_underscores() {
    let named = |name: &str| format!("[platform]\n[clients.{name}]\ncomponent = \"a\"\n");
    for name in ["a", "Journal-XAF_3", "\"4\""] {
        resolved(&named(name));
    }
    for (name, shown) in [
        ("\"\"", r#""""#),
        ("\"a b\"", r#""a b""#),
        ("\"../a\"", r#""../a""#),
        ("\"a.b\"", r#""a.b""#),
        ("\"é\"", r#""é""#),
        ("\"a\\nb\"", r#""a\nb""#),
    ] {
        assert_eq!(
            fault(&named(name)),
            format!("2: client name {shown} must be letters, digits, `-` and `_`")
        );
    }
}

#[test]
fn a_digest_is_64_hexadecimal_digits() {
    let upper = SHA256.to_uppercase();
    let config = resolved(&client(&format!("sha256 = \"{upper}\"")));
    assert_eq!(config.clients["exact"].sha256.as_deref(), Some(SHA256));
    for wrong in [
        "",
        &SHA256[1..],
        &format!("{SHA256}0"),
        &format!("g{}", &SHA256[1..]),
    ] {
        assert_eq!(
            fault(&client(&format!("\nsha256 = \"{wrong}\""))),
            "6: sha256 must be 64 hexadecimal digits"
        );
    }
}

#[test]
fn an_act_needs_an_activity_that_was_granted_to_the_client() {
    assert_eq!(
        fault(&rule(
            "https://party.test/",
            "[\"GET\"]",
            "GetEmployerByEmployerId",
            ""
        )),
        "6: this needs GetEmployerByEmployerId, which client \"exact\" was not granted; add \"GetEmployerByEmployerId\" to [clients.exact] activities"
    );
    assert_eq!(
        fault(&client(
            "[clients.exact.exports]\ndirectory = \"exports\"\nquota-bytes = 1\nactivity = \"PostDownloadJournalRunExportByJournalRunId\""
        )),
        "8: this needs PostDownloadJournalRunExportByJournalRunId, which client \"exact\" was not granted; add \"PostDownloadJournalRunExportByJournalRunId\" to [clients.exact] activities"
    );
}

#[test]
fn an_activity_that_only_reads_cannot_allow_methods_that_write() {
    for methods in [
        "[\"POST\"]",
        "[\"GET\", \"DELETE\"]",
        "[\"PATCH\", \"PUT\"]",
    ] {
        assert_eq!(
            fault(&rule(
                "https://party.test/",
                methods,
                "GetJournalRunByJournalRunId",
                ""
            )),
            "6: GetJournalRunByJournalRunId only reads; a rule with it can only allow the methods GET and HEAD"
        );
    }
    for (methods, activity) in [
        ("[\"GET\", \"HEAD\"]", "GetJournalRunByJournalRunId"),
        ("[\"GET\", \"POST\", \"DELETE\"]", SEND),
    ] {
        let config = resolved(&rule("https://party.test/", methods, activity, ""));
        assert_eq!(config.clients["exact"].http.len(), 1);
    }
}

#[test]
fn a_method_that_does_not_exist_is_one_fault() {
    assert_eq!(
        fault(&rule(
            "https://party.test/",
            "[\"get\"]",
            "GetJournalRunByJournalRunId",
            ""
        )),
        "6: \"get\" is not one of the methods GET, HEAD, POST, PUT, PATCH, DELETE"
    );
}

#[test]
fn a_rule_that_is_wrong_is_reported_at_its_line() {
    assert_eq!(
        fault(&rule("https://*.party.test/", "[\"GET\"]", SEND, "")),
        "6: allow = \"https://*.party.test/\" may have a * only as the last part of its path"
    );
    assert_eq!(
        fault(&rule("https://party.test/", "[]", SEND, "")),
        "6: methods = [] allows nothing; name the methods, such as \"GET\""
    );
    let text = rule(
        "http://party.test/",
        "[\"GET\"]",
        SEND,
        ", credential = \"a\"",
    ) + "[credentials.a]\nheader = \"authorization\"\nvalue = { env = \"A\" }\n";
    assert_eq!(
        fault(&text),
        "6: allow = \"http://party.test/\" would send a credential in clear text; use https"
    );
}

#[test]
fn an_unknown_activity_of_a_rule_does_not_hide_an_unknown_credential() {
    assert_eq!(
        faults(&rule(
            "https://party.test/",
            "[\"GET\"]",
            "Send",
            ", credential = \"a\""
        )),
        [
            "6: there is no activity \"Send\"; `koppel activities` lists them",
            "6: there is no credential \"a\"; add `[credentials.a]` with `header` and `value`",
        ]
    );
}

#[test]
fn limits_outside_their_range_are_reported_with_the_range() {
    for (limit, expected) in [
        (
            "memory-bytes = 1_073_741_825",
            "memory-bytes = 1073741825 is more than 1073741824",
        ),
        (
            "table-elements = 20_001",
            "table-elements = 20001 is more than 20000",
        ),
        ("memory-bytes = 0", "memory-bytes must be more than 0"),
        ("deadline-ms = 0", "deadline-ms must be more than 0"),
        ("cpu-ms = 0", "cpu-ms must be more than 0"),
        ("handles = 0", "handles must be more than 0"),
        ("hostcall-bytes = 0", "hostcall-bytes must be more than 0"),
        ("runs = 0", "runs must be more than 0"),
    ] {
        assert_eq!(
            fault(&client(&format!("[clients.exact.limits]\n{limit}"))),
            format!("5: [clients.exact.limits] {expected}")
        );
    }
    let most = resolved(&client(
        "limits = { memory-bytes = 1_073_741_824, requests = 0, log-bytes = 0, table-elements = 0, request-bytes = 0, response-bytes = 0 }",
    ));
    let limits = most.clients["exact"].limits;
    assert_eq!(limits.memory_bytes, 1 << 30);
    assert_eq!(limits.requests, 0);
}

#[test]
fn a_cache_outside_its_range_is_reported_with_the_range() {
    for (cache, expected) in [
        ("ttl-seconds = 0", "ttl-seconds = 0 must be 1 to 31622400"),
        (
            "ttl-seconds = 31_622_401",
            "ttl-seconds = 31622401 must be 1 to 31622400",
        ),
        (
            "ttl-seconds = 1\nentries = 0",
            "entries = 0 must be 1 to 1000000",
        ),
        (
            "ttl-seconds = 1\nentries = 1_000_001",
            "entries = 1000001 must be 1 to 1000000",
        ),
    ] {
        assert_eq!(
            fault(&client(&format!("[clients.exact.cache]\n{cache}"))),
            format!("5: [clients.exact.cache] {expected}")
        );
    }
    assert_eq!(
        fault(&client("cache = { entries = 10 }")),
        "5: missing field `ttl-seconds`"
    );
    assert_eq!(resolved(&client("")).clients["exact"].cache, None);
    let config = resolved(&client("cache = { ttl-seconds = 31_622_400 }"));
    let cache = config.clients["exact"].cache.unwrap();
    assert_eq!((cache.entries, cache.shared), (1000, false));
}

#[test]
fn settings_that_json_cannot_hold_are_reported() {
    for value in ["nan", "-inf", "[1, { deep = inf }]"] {
        assert_eq!(
            fault(&client(&format!("\nsettings = {{ rate = {value} }}"))),
            "6: [clients.exact.settings] has a number that is not finite, which JSON cannot hold"
        );
    }
}

#[test]
fn several_faults_are_reported_at_once_in_the_order_of_the_file() {
    let text = r#"[platform]
[clients."b c"]
component = "b.wasm"
activities = ["Nothing"]
sha256 = "0"

[clients.a]
component = "a.wasm"
limits = { cpu-ms = 0 }

[credentials.exact]
header = "a b"
value = { file = "secret" }

[modules.provider]
00000000-0000-0000-0000-000000000001 = ["none"]

[rights]
z = ["Nothing"]
a = ["Nothing"]

[roles]
reader = ["nothing"]

[[users]]
id = "anna"
kind = "provider"
role = "none"
"#;
    let lines: Vec<_> = faults(text)
        .iter()
        .map(|fault| fault.split_once(' ').unwrap().0.to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "2:", "4:", "5:", "9:", "11:", "16:", "19:", "20:", "23:", "25:", "28:"
        ]
    );
    let error = Config::parse(Path::new(PATH), text)
        .unwrap_err()
        .to_string();
    assert_eq!(error.lines().count(), 11);
    assert!(error.starts_with(
        "/etc/koppel/platform.toml:2:1: client name \"b c\" must be letters, digits, `-` and `_`\n\
         /etc/koppel/platform.toml:4:15: there is no activity \"Nothing\"; `koppel activities` lists them\n\
         /etc/koppel/platform.toml:5:10: sha256 must be 64 hexadecimal digits\n"
    ));
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    let text = "[platform]\r\n# één\r\n[rights]\r\nx = [\"é\"]\r\n";
    assert_eq!(
        fault(text),
        "4: there is no activity \"é\"; `koppel activities` lists them"
    );
    // The mark that some editors put before everything.
    let text = "\u{feff}[platform]\n[rights]\nx = [\"é\"]\n";
    assert_eq!(
        fault(text),
        "3: there is no activity \"é\"; `koppel activities` lists them"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault_without_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.toml");
    let error = Config::load(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: cannot be read: No such file or directory (os error 2)",
            path.display()
        )
    );
    std::fs::write(&path, b"[platform]\ndata = \"\xff\"\n").unwrap();
    let error = Config::load(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: cannot be read: stream did not contain valid UTF-8",
            path.display()
        )
    );
}

#[test]
fn an_alarm_must_be_possible() {
    for (denials, why) in [
        (
            "{ count = 0, within-seconds = 60 }",
            "count = 0 must be 1 to 10000",
        ),
        (
            "{ count = 10001, within-seconds = 60 }",
            "count = 10001 must be 1 to 10000",
        ),
        (
            "{ count = 1, within-seconds = 0 }",
            "within-seconds = 0 must be 1 to 604800",
        ),
    ] {
        assert_eq!(
            fault(&format!("[platform]\n[alarms]\ndenials = {denials}\n")),
            format!("2: [alarms] denials: {why}")
        );
    }
    assert_eq!(
        fault("[platform]\n[alarms]\ndenials = { count = 3 }\n"),
        "3: missing field `within-seconds`"
    );
    assert_eq!(
        fault("[platform]\n[alarms]\ndenial = { count = 3 }\n"),
        "3: unknown field `denial`, expected `denials`"
    );
}
