//! Credentials: their headers, and secrets written where references belong.

use super::*;

#[test]
fn the_header_of_a_credential_has_a_name_that_http_allows() {
    let named = |name: &str| {
        format!(
            "[platform]\n\n[credentials.exact]\nheader = \"{name}\"\nvalue = {{ env = \"A\" }}\n"
        )
    };
    let config = resolved(&named("X-Api-Key"));
    let place = CredentialPlace::Header {
        name: "x-api-key".to_owned(),
        scheme: None,
    };
    assert_eq!(config.credentials["exact"].place, place);
    for name in ["", "x api key", "authorization:", "é"] {
        assert_eq!(
            fault(&named(name)),
            format!("3: \"{name}\" is not the name of an HTTP header")
        );
    }
}

#[test]
fn a_credential_goes_in_a_header_or_in_the_query() {
    let written = |place: &str| {
        format!("[platform]\n[credentials.google]\n{place}\nvalue = {{ env = \"A\" }}\n")
    };
    let config = resolved(&written("query = \"Api.key_1\""));
    let place = CredentialPlace::Query {
        name: "Api.key_1".to_owned(),
    };
    assert_eq!(config.credentials["google"].place, place);
    let either =
        "2: a credential has either `header` or `query`: the name under which the secret is sent";
    for (place, expected) in [
        ("", either),
        ("query = \"key\"\nheader = \"apikey\"", either),
        (
            "query = \"key\"\nscheme = \"Bearer\"",
            "2: scheme goes before a secret in a header, not in a query: remove it",
        ),
        (
            "query = \"\"",
            "2: \"\" is not the name of a parameter: use letters, digits, `-`, `_` and `.`",
        ),
        (
            "query = \"key&a\"",
            "2: \"key&a\" is not the name of a parameter: use letters, digits, `-`, `_` and `.`",
        ),
    ] {
        assert_eq!(fault(&written(place)), expected, "{place}");
    }
}

#[test]
fn a_parameter_of_a_credential_is_not_for_the_connector() {
    let text = r#"[platform]
[clients.geocode]
component = "a.wasm"
activities = ["GetGeocodeByAddress"]
http = [
{ allow = "https://maps.test/json", methods = ["GET"], activity = "GetGeocodeByAddress", credential = "google", query = { Key = ".*", address = ".*" } },
]
[credentials.google]
query = "key"
value = { env = "A" }
"#;
    assert_eq!(
        fault(text),
        "6: query.Key may not be listed: credential \"google\" is added under that name"
    );
}

#[test]
fn a_secret_that_is_written_into_the_file_is_refused_without_repeating_it() {
    for value in [
        "\"s3cret\"",
        "7353837",
        "73.53837",
        "[\"s3cret\"]",
        "{ token = \"s3cret\" }",
        "{ env = [\"s3cret\"] }",
        "{ env = 7353837 }",
        "{ file = 73.53837 }",
        "{ s3cret = true }",
        "{ env = \"A\", file = \"s3cret\" }",
        "{}",
        "true",
    ] {
        let text = format!(
            "[platform]\n[credentials.exact]\nheader = \"authorization\"\nvalue = {value}\n"
        );
        assert_eq!(
            fault(&text),
            "4: write { env = \"<variable>\" }, { file = \"<path>\" } or { keyring = \"<key>\" }; the secret itself is never in this file",
            "{value}"
        );
    }
}

#[test]
fn a_secret_that_stands_for_a_whole_credential_is_not_repeated_either() {
    for value in ["\"s3cret\"", "7353837", "9223372036854775807", "73.53837"] {
        let text = format!("[platform]\n[credentials]\nexact = {value}\n");
        assert_eq!(
            fault(&text),
            "3: a credential is a table: write it as `[credentials.<name>]` with `header` and `value`",
            "{value}"
        );
    }
    assert_eq!(
        fault("[platform]\n[credentials]\nexact = [\"s3cret\"]\n"),
        "3: invalid type: sequence, expected a table"
    );
    assert_eq!(
        fault("[platform]\n[credentials.exact]\nheader = \"a\"\n"),
        "2: value is missing: write { env = \"<variable>\" }, { file = \"<path>\" } or { keyring = \"<key>\" }; the secret itself is never in this file"
    );
}

#[test]
fn a_client_certificate_has_a_certificate_and_a_key_and_nothing_else() {
    let written = |lines: &str| format!("[platform]\n[credentials.gateway]\n{lines}\n");
    let config = resolved(&written(
        "certificate = { file = \"client.pem\" }\nprivate-key = { file = \"client.key\" }",
    ));
    let credential = &config.credentials["gateway"];
    let base = config.path.parent().unwrap();
    let file = |name: &str| SecretReference::File(base.join(name));
    assert_eq!(
        credential.place,
        CredentialPlace::Handshake {
            certificate: file("client.pem")
        }
    );
    assert_eq!(credential.value, file("client.key"));
    let wrong = "2: a client certificate has `certificate` and `private-key`, and neither `header`, `query`, `scheme` nor `value`";
    let (certificate, key) = (
        "certificate = { env = \"A\" }",
        "private-key = { env = \"B\" }",
    );
    for lines in [
        certificate.to_owned(),
        key.to_owned(),
        format!("{certificate}\n{key}\nheader = \"a\""),
        format!("{certificate}\n{key}\nscheme = \"a\""),
        format!("{certificate}\n{key}\nquery = \"a\""),
        format!("{certificate}\n{key}\nvalue = {{ env = \"C\" }}"),
        format!("{certificate}\nvalue = {{ env = \"C\" }}\nheader = \"a\""),
    ] {
        assert_eq!(fault(&written(&lines)), wrong, "{lines}");
    }
    assert_eq!(
        fault(&written(
            "certificate = { env = \"A\" }\nprivate-key = \"s3cret\""
        )),
        "4: write { env = \"<variable>\" }, { file = \"<path>\" } or { keyring = \"<key>\" }; the secret itself is never in this file"
    );
}

#[test]
fn a_client_certificate_and_trusted_roots_take_https() {
    let written = |scheme: &str, more: &str| {
        format!(
            "[platform]\n[clients.a]\ncomponent = \"a.wasm\"\nactivities = [\"GetGeocodeByAddress\"]\nhttp = [\n{{ allow = \"{scheme}://maps.test/json\", methods = [\"GET\"], activity = \"GetGeocodeByAddress\", allow-private-addresses = true, {more} }},\n]\n[credentials.gateway]\ncertificate = {{ env = \"A\" }}\nprivate-key = {{ env = \"B\" }}\n"
        )
    };
    let (credential, roots) = ("credential = \"gateway\"", "trusted-roots = \"roots.pem\"");
    let config = resolved(&written("https", &format!("{credential}, {roots}")));
    let base = config.path.parent().unwrap();
    assert_eq!(
        config.clients["a"].http[0].trusted_roots(),
        Some(base.join("roots.pem").as_path())
    );
    assert_eq!(
        fault(&written("http", credential)),
        "6: credential \"gateway\" is a client certificate, which takes https"
    );
    assert_eq!(
        fault(&written("http", roots)),
        "6: allow = \"http://maps.test/json\" has no use for trusted-roots; use https"
    );
}
