use crate::catalogue::id;
use crate::egress::{Rule, normalize};
use http::Method;

fn new(allow: &str, methods: &[&str], credential: Option<&str>) -> Result<Rule, String> {
    let methods: Vec<_> = methods.iter().map(|&method| method.to_owned()).collect();
    let credential = credential.map(str::to_owned);
    Rule::new(
        allow,
        &methods,
        id::PostSendJournalRunExportByJournalRunId,
        credential,
        false,
    )
    .map_err(|error| error.to_string())
}

#[track_caller]
fn rule(allow: &str) -> Rule {
    new(allow, &["GET", "POST"], None).unwrap()
}

#[track_caller]
fn allows(rule: &Rule, method: &Method, url: &str) -> bool {
    rule.allows(method, &normalize::parse(url).unwrap())
}

#[track_caller]
fn expect(allow: &str, allowed: &[&str], refused: &[&str]) {
    let rule = rule(allow);
    for url in allowed {
        assert!(allows(&rule, &Method::GET, url), "{allow} refuses {url}");
    }
    for url in refused {
        assert!(!allows(&rule, &Method::GET, url), "{allow} allows {url}");
    }
}

#[test]
fn an_exact_path_allows_that_path_with_any_query_and_nothing_else() {
    expect(
        "https://party.test/api/cars.json",
        &[
            "https://party.test/api/cars.json",
            "https://party.test/api/cars.json?",
            "https://party.test/api/cars.json?plate=AB123C&next=/admin",
        ],
        &[
            "https://party.test/api/cars.json/",
            "https://party.test/api/cars.json/x",
            "https://party.test/api/cars.jsonx",
            "https://party.test/api/cars",
            "https://party.test/api/Cars.json",
            "https://party.test/api/%63ars.json",
            "https://party.test/",
        ],
    );
}

#[test]
fn a_rule_without_a_path_allows_the_root_only() {
    for allow in ["https://party.test", "https://party.test/"] {
        expect(
            allow,
            &[
                "https://party.test",
                "https://party.test/",
                "https://party.test?a=b",
            ],
            &["https://party.test/a", "https://party.test/*"],
        );
    }
}

#[test]
fn a_star_at_the_end_allows_what_is_below_it() {
    expect(
        "https://party.test/api/v1/*",
        &[
            "https://party.test/api/v1/",
            "https://party.test/api/v1/a",
            "https://party.test/api/v1/a/b%20c?d=e",
        ],
        &[
            "https://party.test/api/v1",
            "https://party.test/api/v1?a=/api/v1/",
            "https://party.test/api/v10/a",
            "https://party.test/api/v2/a",
            "https://party.test/API/v1/a",
            "https://party.test/api/%761/a",
            "https://party.test/a/api/v1/a",
        ],
    );
    expect(
        "https://party.test/*",
        &["https://party.test", "https://party.test/a/b"],
        &["https://other.test/a"],
    );
}

#[test]
fn scheme_host_and_port_are_compared_exactly() {
    expect(
        "https://party.test/*",
        &["https://party.test:443/a"],
        &[
            "http://party.test/a",
            "http://party.test:443/a",
            "https://party.test:8443/a",
            "https://www.party.test/a",
            "https://party.test.other.test/a",
            "https://notparty.test/a",
            "https://party.tes/a",
        ],
    );
    expect(
        "http://party.test:8080/*",
        &["http://party.test:8080/a"],
        &[
            "http://party.test/a",
            "http://party.test:80/a",
            "https://party.test:8080/a",
        ],
    );
    expect(
        "http://[2606:4700::1111]/*",
        &["http://[2606:4700::1111]:80/a"],
        &["http://[2606:4700::1112]/a"],
    );
}

#[test]
fn a_default_port_may_be_written_or_not() {
    for allow in ["https://party.test/", "https://party.test:443/"] {
        expect(
            allow,
            &["https://party.test/", "https://party.test:443/"],
            &[],
        );
    }
    for allow in ["http://party.test/", "http://party.test:80/"] {
        expect(allow, &["http://party.test/", "http://party.test:80/"], &[]);
    }
}

#[test]
fn the_case_of_scheme_and_host_does_not_matter() {
    for allow in ["HTTPS://Party.TEST/a", "https://party.test/a"] {
        expect(
            allow,
            &["https://party.test/a", "Https://PARTY.test/a"],
            &["https://party.test/A"],
        );
    }
}

#[test]
fn only_the_methods_that_are_named_are_allowed() {
    let rule = rule("https://party.test/");
    for method in [Method::GET, Method::POST] {
        assert!(allows(&rule, &method, "https://party.test/"));
    }
    for method in [
        Method::HEAD,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::CONNECT,
        Method::from_bytes(b"get").unwrap(),
    ] {
        assert!(!allows(&rule, &method, "https://party.test/"), "{method}");
    }
}

#[test]
fn a_rule_tells_what_it_was_made_of() {
    let methods = ["HEAD", "PUT", "PATCH", "DELETE"];
    let rule = new("https://party.test/", &methods, Some("exact")).unwrap();
    assert_eq!(rule.activity(), id::PostSendJournalRunExportByJournalRunId);
    assert_eq!(rule.credential(), Some("exact"));
    assert!(!rule.allow_private_addresses());
    assert!(allows(&rule, &Method::DELETE, "https://party.test/"));
}

#[test]
fn a_star_anywhere_else_is_an_error() {
    for allow in [
        "*",
        "https://*/",
        "https://*.party.test/*",
        "https://party.test*",
        "https://party.test/a*",
        "https://party.test/*.json",
        "https://party.test/*/a/*",
        "https://party.test/**",
        "https://party.test:*/",
        "*://party.test/",
    ] {
        assert_eq!(
            new(allow, &["GET"], None).unwrap_err(),
            format!("allow = \"{allow}\" may have a * only as the last part of its path")
        );
    }
}

#[test]
fn a_query_is_never_part_of_a_rule() {
    for allow in [
        "https://party.test/a?b=c",
        "https://party.test/a?",
        "https://party.test?a/*",
    ] {
        assert_eq!(
            new(allow, &["GET"], None).unwrap_err(),
            format!("allow = \"{allow}\" may not have a query")
        );
    }
}

#[test]
fn a_url_that_is_refused_to_a_connector_is_refused_in_a_rule() {
    for (allow, why) in [
        ("party.test", "relative URL without a base"),
        ("/a/*", "relative URL without a base"),
        ("", "relative URL without a base"),
        ("ftp://party.test/", "scheme ftp is not http or https"),
        ("https://party.test/#a", "it has a fragment"),
        ("https://party.test./", "its host ends in a dot"),
        (
            "https://127.1/*",
            "its host is written 127.1 but means 127.0.0.1",
        ),
        (
            "https://party.test/a/../*",
            "its path contains a dot segment",
        ),
        (
            "https://party.test//*",
            "its path contains an empty segment",
        ),
        ("https://party.test/%2f/*", "its path contains %2f"),
        ("https://*", "empty host"),
    ] {
        let expected = format!("allow = \"{allow}\" the URL is refused: {why}");
        assert_eq!(new(allow, &["GET"], None).unwrap_err(), expected);
    }
}

#[test]
fn a_password_in_a_rule_is_refused_without_repeating_it() {
    for (allow, shown) in [
        ("https://anna:s3cret@party.test/a", "https://…@party.test/a"),
        ("https://s3cret@party.test/a/*", "https://…@party.test/a/*"),
        (
            "https://anna:s3@cret@party.test/a",
            "https://…@party.test/a",
        ),
    ] {
        assert_eq!(
            new(allow, &["GET"], None).unwrap_err(),
            format!("allow = \"{shown}\" the URL is refused: it has user information")
        );
    }
    // The slash ends the host for the parser, which takes the rest for a port.
    let error = new("https://anna:s3/cret@party.test/", &["GET"], None).unwrap_err();
    assert_eq!(
        error,
        "allow = \"https://…@party.test/\" the URL is refused: invalid port number"
    );
}

#[test]
fn a_credential_is_not_sent_in_clear_text_over_a_public_network() {
    let clear = "http://party.test/";
    assert_eq!(
        new(clear, &["GET"], Some("exact")).unwrap_err(),
        "allow = \"http://party.test/\" would send a credential in clear text; use https"
    );
    assert!(new(clear, &["GET"], None).is_ok());
    assert!(new("https://party.test/", &["GET"], Some("exact")).is_ok());
    // On the operator's own network it is the operator's choice.
    let own = Rule::new(
        clear,
        &["GET".to_owned()],
        id::PostSendJournalRunExportByJournalRunId,
        Some("exact".to_owned()),
        true,
    );
    assert!(own.unwrap().allow_private_addresses());
}

#[test]
fn methods_are_named_and_known() {
    assert_eq!(
        new("https://party.test/", &[], None).unwrap_err(),
        "methods = [] allows nothing; name the methods, such as \"GET\""
    );
    for method in [
        "get", "*", "", "OPTIONS", "CONNECT", "TRACE", "GET ", "G\nT", "FETCH",
    ] {
        assert_eq!(
            new("https://party.test/", &["GET", method], None).unwrap_err(),
            format!("\"{method}\" is not one of the methods GET, HEAD, POST, PUT, PATCH, DELETE")
        );
    }
}
