//! The field list: tables of what leaves and what does not.

use crate::catalogue::id;
use crate::egress::{EgressError, Rule, RuleError, WrittenList, WrittenLists, normalize};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// The lists of a rule, from the TOML of a configuration.
fn lists(toml: &str) -> WrittenLists {
    let mut all: BTreeMap<String, WrittenList> = toml::from_str(toml).unwrap();
    let lists = WrittenLists {
        path: all.remove("path"),
        query: all.remove("query"),
        headers: all.remove("headers"),
        json: all.remove("json"),
    };
    assert_eq!(all, BTreeMap::new());
    lists
}

fn new(allow: &str, toml: &str) -> Result<Rule, RuleError> {
    let methods = ["GET".to_owned(), "POST".to_owned()];
    let activity = id::PostSendJournalRunExportByJournalRunId;
    Rule::with_lists(allow, &methods, activity, None, false, &lists(toml))
}

/// Sends to a rule and gives why it was refused; none if it may leave.
fn send(rule: &Rule, url: &str, headers: &[(&str, &str)], body: &str) -> Option<String> {
    let url = normalize::parse(url).unwrap();
    assert!(rule.allows(&http::Method::GET, &url), "{url}");
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::try_from(*name).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect();
    match rule.check("c", &url, &headers, body.as_bytes()) {
        Ok(()) => None,
        Err(EgressError::Field { text, allow }) => {
            assert_eq!(format!("{rule:?}").matches(&allow).count(), 1);
            Some(text)
        }
        Err(other) => panic!("{other}"),
    }
}

const PLATE: &str = "https://rdw.test/cars.json";

fn plate() -> Rule {
    new(PLATE, r#"query = { kenteken = "[A-Z0-9]{6}" }"#).unwrap()
}

#[test]
fn a_rule_without_lists_lets_everything_through() {
    let rule = new(PLATE, "").unwrap();
    let url = format!("{PLATE}?a=1&a=2&bsn=123456782");
    let headers = [("x-anything", "123456782")];
    assert_eq!(send(&rule, &url, &headers, "123456782"), None);
}

#[test]
fn only_listed_parameters_leave_with_values_that_match_as_a_whole() {
    let rule = plate();
    let text = |field: &str, fault: &str, list: &str| {
        Some(format!(
            "query parameter \"{field}\" {fault} the rule for {PLATE}; to allow it, write in that rule in [clients.c] http: query = {{ {list} }}"
        ))
    };
    let mismatch = text(
        "kenteken",
        "does not match its pattern in",
        "kenteken = \"[A-Z0-9]{6}\"",
    );
    for (query, refused) in [
        ("", None),
        ("?", None),
        ("?kenteken=11ZKZ3", None),
        ("?kenteken=%31%31ZKZ3", None),
        ("?%6benteken=11ZKZ3", None),
        ("?kenteken=", mismatch.clone()),
        ("?kenteken", mismatch.clone()),
        ("?kenteken=11ZKZ3x", mismatch.clone()),
        ("?kenteken=11ZKZ3%0A", mismatch.clone()),
        ("?kenteken=11zkz3", mismatch.clone()),
        ("?kenteken=11ZKZ3=1", mismatch.clone()),
        ("?kenteken=11ZKZ3;a=1", mismatch.clone()),
        ("?kenteken=123456782", mismatch),
        (
            "?kenteken=11ZKZ3&datum=1",
            text(
                "datum",
                "is not in the list of",
                "datum = \"…\", kenteken = \"[A-Z0-9]{6}\"",
            ),
        ),
        (
            "?Kenteken=11ZKZ3",
            text(
                "Kenteken",
                "is not in the list of",
                "Kenteken = \"…\", kenteken = \"[A-Z0-9]{6}\"",
            ),
        ),
        (
            "?$where=a",
            text(
                "$where",
                "is not in the list of",
                "\"$where\" = \"…\", kenteken = \"[A-Z0-9]{6}\"",
            ),
        ),
    ] {
        let url = format!("{PLATE}{query}");
        assert_eq!(send(&rule, &url, &[], ""), refused, "{query}");
    }
    // A name can be the value itself, so only what looks like a name is shown.
    let hidden = Some(format!(
        "query parameter \"…\" is not in the list of the rule for {PLATE}; to allow it, write in that rule in [clients.c] http: query = {{ kenteken = \"[A-Z0-9]{{6}}\", \"…\" = \"…\" }}"
    ));
    for query in [
        "?123456782=1",
        "?Jan%20Jansen=1",
        "?1990-01-31",
        "?kenteken=11ZKZ3&",
        "?=1",
        "?%ff=1",
        "?kenteken=11ZKZ3&&",
    ] {
        let url = format!("{PLATE}{query}");
        assert_eq!(send(&rule, &url, &[], ""), hidden, "{query}");
    }
}

#[test]
fn a_parameter_leaves_once_and_as_text() {
    let rule = plate();
    assert_eq!(
        send(
            &rule,
            &format!("{PLATE}?kenteken=11ZKZ3&%6Benteken=11ZKZ3"),
            &[],
            ""
        ),
        Some(format!(
            "query parameter \"kenteken\" occurs twice; the rule for {PLATE} in [clients.c] http lets each field through once"
        ))
    );
    assert_eq!(
        send(&rule, &format!("{PLATE}?kenteken=11ZKZ%ff"), &[], ""),
        Some(format!(
            "query parameter \"kenteken\" is not UTF-8 text, as the rule for {PLATE} in [clients.c] http requires"
        ))
    );
}

#[test]
fn a_bsn_leaves_only_where_the_field_says_so() {
    let pattern = r#"query = { naam = "[A-Za-z0-9 .-]{2,40}", nummer = { pattern = "[0-9]{9}", bsn = true } }"#;
    let rule = new(PLATE, pattern).unwrap();
    for query in [
        "naam=Bakkerij+Jansen+12",
        "naam=123456789",
        "nummer=123456782",
    ] {
        assert_eq!(
            send(&rule, &format!("{PLATE}?{query}"), &[], ""),
            None,
            "{query}"
        );
    }
    for query in [
        "naam=123456782",
        "naam=Jan+123456782",
        "naam=Jan%20123456782%20B",
        "naam=1234.56.782",
        "naam=NL123456782B01",
        "naam=123+456+782",
    ] {
        assert_eq!(
            send(&rule, &format!("{PLATE}?{query}"), &[], ""),
            Some(format!(
                "query parameter \"naam\" holds what can be a BSN (citizen service number), refused by the rule for {PLATE}; to allow it, write in that rule in [clients.c] http: query = {{ naam = {{ pattern = \"[A-Za-z0-9 .-]{{2,40}}\", bsn = true }}, nummer = {{ pattern = \"[0-9]{{9}}\", bsn = true }} }}"
            )),
            "{query}"
        );
    }
}

#[test]
fn a_named_segment_of_the_path_matches_as_a_whole() {
    let allow = "https://kvk.test/api/v1/basisprofielen/{kvkNummer}";
    let rule = new(allow, r#"path = { kvkNummer = "[0-9]{8}" }"#).unwrap();
    let base = "https://kvk.test/api/v1/basisprofielen";
    assert_eq!(send(&rule, &format!("{base}/69599084"), &[], ""), None);
    assert_eq!(send(&rule, &format!("{base}/%36%39599084"), &[], ""), None);
    for segment in ["123456782", "6959908", "6959908x", "69599084%20"] {
        assert_eq!(
            send(&rule, &format!("{base}/{segment}"), &[], ""),
            Some(format!(
                "path segment \"kvkNummer\" does not match its pattern in the rule for {allow}; to allow it, write in that rule in [clients.c] http: path = {{ kvkNummer = \"[0-9]{{8}}\" }}"
            )),
            "{segment}"
        );
    }
    assert_eq!(
        send(&rule, &format!("{base}/69599084?a=1"), &[], ""),
        Some(format!(
            "query parameter \"a\" is not in the list of the rule for {allow}; to allow it, write in that rule in [clients.c] http: query = {{ a = \"…\" }}"
        ))
    );
    for outside in [
        base.to_owned(),
        format!("{base}/"),
        format!("{base}/69599084/"),
        format!("{base}/69599084/eigenaar"),
        "https://kvk.test/api/v2/basisprofielen/69599084".to_owned(),
    ] {
        let url = normalize::parse(&outside).unwrap();
        assert!(!rule.allows(&http::Method::GET, &url), "{outside}");
    }
    let wide = new(allow, r#"path = { kvkNummer = "[0-9]+" }"#).unwrap();
    assert_eq!(
        send(&wide, &format!("{base}/123456782"), &[], ""),
        Some(format!(
            "path segment \"kvkNummer\" holds what can be a BSN (citizen service number), refused by the rule for {allow}; to allow it, write in that rule in [clients.c] http: path = {{ kvkNummer = {{ pattern = \"[0-9]+\", bsn = true }} }}"
        ))
    );
}

#[test]
fn headers_leave_when_they_are_listed_or_only_name_the_media_type() {
    let rule = new(PLATE, r#"headers = { X-Version = "v[0-9]" }"#).unwrap();
    let refused = |name: &str, fault: &str, list: &str| {
        Some(format!(
            "header \"{name}\" {fault} the rule for {PLATE}; to allow it, write in that rule in [clients.c] http: headers = {{ {list} }}"
        ))
    };
    for (name, value, expected) in [
        ("accept", "application/json", None),
        ("accept", "*/*", None),
        ("content-type", "application/json", None),
        ("content-type", "application/json; charset=utf-8", None),
        ("x-version", "v2", None),
        // The host makes these two itself.
        ("content-length", "123456782", None),
        ("host", "elsewhere.test", None),
        (
            "x-version",
            "v2 123456782",
            refused(
                "x-version",
                "does not match its pattern in",
                "x-version = \"v[0-9]\"",
            ),
        ),
        (
            "x-note",
            "1",
            refused(
                "x-note",
                "is not in the list of",
                "x-note = \"…\", x-version = \"v[0-9]\"",
            ),
        ),
        (
            "x-123456782",
            "1",
            refused(
                "…",
                "is not in the list of",
                "x-version = \"v[0-9]\", \"…\" = \"…\"",
            ),
        ),
        (
            "accept",
            "text/123456782",
            refused(
                "accept",
                "does not match its pattern in",
                r#"accept = 'application/(hal\+)?json|\*/\*', x-version = "v[0-9]""#,
            ),
        ),
    ] {
        assert_eq!(send(&rule, PLATE, &[(name, value)], ""), expected, "{name}");
    }
    let accept = ("accept", "*/*");
    assert_eq!(
        send(&rule, PLATE, &[accept, accept], ""),
        Some(format!(
            "header \"accept\" occurs twice; the rule for {PLATE} in [clients.c] http lets each field through once"
        ))
    );
    let own = new(PLATE, r#"headers = { accept = "text/csv" }"#).unwrap();
    assert_eq!(send(&own, PLATE, &[("accept", "text/csv")], ""), None);
}

const BODY: &str = r#"json = { "/employee/initials" = "[A-Z]{1,5}", "/lines/*/amount" = "-?[0-9]+([.][0-9]{2})?", "/lines/*/tags/*" = "[a-z]+", "/on" = "true|false", "/a~1b" = "x" }"#;

#[test]
fn a_json_body_leaves_with_its_listed_fields() {
    let rule = new(PLATE, BODY).unwrap();
    for body in [
        "",
        "{}",
        "null",
        r#"{"employee": {"initials": "JB"}}"#,
        r#"{"employee": {"initials": "\u004a"}, "on": true}"#,
        r#"{"employee": null, "lines": [], "on": null}"#,
        r#"{"employee": {}, "lines": [{}, {"tags": []}]}"#,
        r#"{"lines": [{"amount": 12.50}, {"amount": "-3"}, {"tags": ["a", "b"]}]}"#,
        r#"{"a/b": "x"}"#,
    ] {
        assert_eq!(send(&rule, PLATE, &[], body), None, "{body}");
    }
}

#[test]
fn a_json_body_with_anything_else_is_refused() {
    let rule = new(PLATE, BODY).unwrap();
    let unlisted = |field: &str| {
        format!("body field \"{field}\" is not in the list of the rule for {PLATE}; ")
    };
    let mismatch = |field: &str| {
        format!("body field \"{field}\" does not match its pattern in the rule for {PLATE}; ")
    };
    let single = |field: &str| format!("body field \"{field}\" is an object or an array; ");
    let twice = |field: &str| format!("body field \"{field}\" occurs twice; ");
    for (body, expected) in [
        (r#"{"bsn": "123456782"}"#, unlisted("/bsn")),
        (r#"{"123456782": null}"#, unlisted("/…")),
        (
            r#"{"employee": {"name": "Jansen"}}"#,
            unlisted("/employee/name"),
        ),
        (
            r#"{"employee": {"initials": "JB", "bsn": 1}}"#,
            unlisted("/employee/bsn"),
        ),
        (r#"{"employee": "Jansen"}"#, unlisted("/employee")),
        (
            r#"{"employee": [{"initials": "J"}]}"#,
            unlisted("/employee/*"),
        ),
        (
            r#"{"lines": [{"amount": 1, "wage": 2}]}"#,
            unlisted("/lines/*/wage"),
        ),
        (r#"{"lines": {"0": {"amount": 1}}}"#, unlisted("/lines/0")),
        (r#"[{"employee": {}}]"#, unlisted("/*")),
        (
            r#"{"employee": {"initials": "J1"}}"#,
            mismatch("/employee/initials"),
        ),
        (
            r#"{"employee": {"initials": "J\n"}}"#,
            mismatch("/employee/initials"),
        ),
        (
            r#"{"employee": {"initials": true}}"#,
            mismatch("/employee/initials"),
        ),
        (
            r#"{"lines": [{"amount": 1}, {"amount": 1e2}]}"#,
            mismatch("/lines/*/amount"),
        ),
        // The number as it is written leaves, so it is judged as it is written.
        (
            r#"{"lines": [{"amount": 12.500000123456782}]}"#,
            mismatch("/lines/*/amount"),
        ),
        (
            r#"{"lines": [{"tags": ["a", "B"]}]}"#,
            mismatch("/lines/*/tags/*"),
        ),
        (
            r#"{"employee": {"initials": {"a": 1}}}"#,
            single("/employee/initials"),
        ),
        (
            r#"{"employee": {"initials": ["J"]}}"#,
            single("/employee/initials"),
        ),
        (r#"{"on": true, "on": true}"#, twice("/on")),
        (r#"{"on": true, "\u006fn": true}"#, twice("/on")),
        (r#"{"employee": {}, "employee": {}}"#, twice("/employee")),
    ] {
        let text = send(&rule, PLATE, &[], body).unwrap_or_else(|| panic!("{body} left"));
        assert!(text.starts_with(&expected), "{body}: {text}");
    }
    let whole = new(PLATE, r#"json = { "/a" = "[0-9]{9}" }"#).unwrap();
    for (body, expected) in [
        (
            r#"{"a": 123456782}"#,
            format!(
                "body field \"/a\" holds what can be a BSN (citizen service number), refused by the rule for {PLATE}; to allow it, write in that rule in [clients.c] http: json = {{ \"/a\" = {{ pattern = \"[0-9]{{9}}\", bsn = true }} }}"
            ),
        ),
        (
            r#"{"b": 1}"#,
            format!(
                "body field \"/b\" is not in the list of the rule for {PLATE}; to allow it, write in that rule in [clients.c] http: json = {{ \"/a\" = \"[0-9]{{9}}\", \"/b\" = \"…\" }}"
            ),
        ),
        (
            r#"{"a": {}}"#,
            format!(
                "body field \"/a\" is an object or an array; to allow it, list the fields in it in the rule for {PLATE} in [clients.c] http: json = {{ \"/a/…\" = \"…\" }}"
            ),
        ),
    ] {
        assert_eq!(send(&whole, PLATE, &[], body), Some(expected), "{body}");
    }
}

#[test]
fn a_body_that_is_not_json_is_refused_where_it_goes_wrong() {
    let rule = new(PLATE, BODY).unwrap();
    let deep = "[".repeat(200_000);
    for (body, line, column) in [
        ("123456782 Jansen", 1, 11),
        ("bsn=123456782", 1, 1),
        ("{\"on\": true,\n}", 2, 1),
        ("{\"on\": true} {}", 1, 14),
        ("<a/>", 1, 1),
        (deep.as_str(), 1, 200_000),
    ] {
        assert_eq!(
            send(&rule, PLATE, &[], body),
            Some(format!(
                "the body is not JSON (line {line}, column {column}), as the rule for {PLATE} in [clients.c] http requires"
            ))
        );
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let text = send(&rule, PLATE, &[], &deep).unwrap();
    assert!(
        text.starts_with("body field \"/*\" is not in the list"),
        "{text}"
    );
}

#[test]
fn a_rule_with_another_list_lets_no_body_through() {
    assert_eq!(
        send(&plate(), PLATE, &[], "{}"),
        Some(format!(
            "the body is not in the list of the rule for {PLATE}; to allow it, write in that rule in [clients.c] http: json = {{ \"…\" = \"…\" }}"
        ))
    );
    // And an empty list is one too.
    let rule = new(PLATE, "query = {}").unwrap();
    assert!(send(&rule, &format!("{PLATE}?a=1"), &[], "").is_some());
    assert_eq!(send(&rule, PLATE, &[], ""), None);
}

#[test]
fn a_list_that_is_wrong_is_told_with_what_would_be_right() {
    for (allow, toml, expected) in [
        (
            PLATE,
            r#"query = { a = "[A-Z" }"#,
            "query.a = \"[A-Z\" is no regular expression: unclosed character class",
        ),
        (
            PLATE,
            r#"query = { a = "a)|(?:b" }"#,
            "query.a = \"a)|(?:b\" is no regular expression: unopened group",
        ),
        (
            PLATE,
            r#"json = { "/a" = "(?x)a # b" }"#,
            "json.\"/a\" = \"(?x)a # b\" is no regular expression: unclosed group",
        ),
        (
            PLATE,
            r#"query = { a = "\\p{L}{1,500}" }"#,
            "query.a = \"\\p{L}{1,500}\" is too large once compiled; repeat less, or write a range such as A-Za-zÀ-ÿ for \\p{L}",
        ),
        (
            PLATE,
            r#"json = { "a" = "b" }"#,
            "json: \"a\" is no JSON pointer; it starts with /, such as \"/lines/*/amount\"",
        ),
        (
            PLATE,
            r#"headers = { "a b" = "c" }"#,
            "headers: \"a b\" is not the name of a header",
        ),
        (
            PLATE,
            r#"headers = { authorization = ".+" }"#,
            "headers: authorization may not be set by a connector",
        ),
        (
            PLATE,
            r#"path = { a = "b" }"#,
            "path.a is no part of the path; write {a} in place of the part that it is about",
        ),
        (
            "https://a.test/{b}",
            "",
            "the path has {b}; say what it may be with path = { b = \"…\" }",
        ),
        (
            "https://a.test/{b}",
            "query = {}",
            "the path has {b}; say what it may be with path = { b = \"…\" }",
        ),
        (
            "https://a.test/b-{c}",
            r#"path = { c = "d" }"#,
            "allow = \"https://a.test/b-{c}\" may have {name} only as a whole part of its path, each name once",
        ),
        (
            "https://a.test/{c}/{c}",
            r#"path = { c = "d" }"#,
            "allow = \"https://a.test/{c}/{c}\" may have {name} only as a whole part of its path, each name once",
        ),
        (
            "https://a.test/b/*",
            r#"query = { c = "d" }"#,
            "allow = \"https://a.test/b/*\" lets any path below it leave; a rule with lists has a whole path, with {name} for a part that differs",
        ),
    ] {
        assert_eq!(new(allow, toml).unwrap_err().to_string(), expected);
    }
    let long = format!("query = {{ a = \"{}\" }}", "a".repeat(1001));
    assert_eq!(
        new(PLATE, &long).unwrap_err().to_string(),
        "query.a has a pattern of more than 1000 bytes"
    );
}
