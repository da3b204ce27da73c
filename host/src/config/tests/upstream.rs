use super::*;
use std::time::Duration;

const WHOLE: &str = r#"
[platform]
source = "loket"
[platform.loket]
base-url = "https://api.loket.nl/v2"
token-url = "https://oauth.loket.nl/token"
client-id = "koppel"
client-secret = { env = "LOKET_CLIENT_SECRET" }
refresh-token = { file = "secrets/refresh-token" }
token-file = "data/token.json"
provider = "920e36f5-b58e-578b-9c22-df4a4d0b7f36"
"#;

#[test]
fn an_upstream_is_read_with_its_defaults() {
    let upstream = resolved(WHOLE).upstream.unwrap();
    assert_eq!(upstream.base_url.as_str(), "https://api.loket.nl/v2");
    assert_eq!(
        upstream.token_file,
        Path::new("/etc/koppel/data/token.json")
    );
    assert_eq!(
        upstream.refresh_token,
        SecretReference::File("/etc/koppel/secrets/refresh-token".into())
    );
    assert_eq!(
        upstream.client_secret,
        SecretReference::Env("LOKET_CLIENT_SECRET".to_owned())
    );
    assert_eq!(
        (
            upstream.version.as_str(),
            upstream.requests_per_second.get(),
            upstream.timeout,
            upstream.retry,
            upstream.response_bytes,
        ),
        (
            "2018-01-01",
            10,
            Duration::from_secs(10),
            Duration::from_secs(15),
            10 << 20,
        )
    );
    assert_eq!(resolved("[platform]").upstream, None);
}

#[test]
fn source_and_upstream_go_together() {
    assert_eq!(
        fault("\n[platform]\nsource = \"loket\"\n"),
        "3: source \"loket\" needs [platform.loket] with base-url, token-url, client-id, client-secret, refresh-token, token-file and provider"
    );
    assert_eq!(
        fault(&WHOLE.replace("source = \"loket\"\n", "")),
        "3: [platform.loket] is not used: set `source = \"loket\"` under [platform], or remove it"
    );
}

#[test]
fn secrets_go_over_https_and_are_references() {
    let with = |from: &str, to: &str| WHOLE.replace(from, to);
    let https = "must be https: the access token goes over it (http is for a loopback address)";
    for host in ["http://api.loket.nl", "http://10.0.0.1", "ftp://127.0.0.1"] {
        assert_eq!(
            fault(&with("https://api.loket.nl", host)),
            format!("5: base-url {https}")
        );
    }
    assert_eq!(
        fault(&with("https://oauth", "http://oauth")),
        format!("6: token-url {https}")
    );
    for host in ["http://127.0.0.1:8080", "http://[::1]"] {
        resolved(&with("https://api.loket.nl", host));
    }
    assert_eq!(
        fault(&with("https://api", "https://koppel:hunter2@api")),
        "5: base-url may not hold a user name or password; secrets are references"
    );
    assert_eq!(
        fault(&with("/token\"", "/token?secret=hunter2\"")),
        "6: token-url may have no query and no fragment"
    );
    let written = fault(&with("{ env = \"LOKET_CLIENT_SECRET\" }", "\"hunter2\""));
    assert!(written.contains("the secret itself is never in this file"));
    assert!(!written.contains("hunter2"), "{written}");
}

#[test]
fn other_faults_of_an_upstream_are_told_with_their_line() {
    assert_eq!(
        fault(&format!("{WHOLE}version = \"latest\"")),
        "12: version \"latest\" must be a date, such as \"2018-01-01\""
    );
    assert!(fault(&format!("{WHOLE}requests-per-second = 0")).starts_with("12: "));
    assert!(fault(&format!("{WHOLE}burst = 1")).starts_with("12: unknown field `burst`"));
    assert_eq!(
        fault(&WHOLE.replace("client-id = \"koppel\"\n", "")),
        "4: missing field `client-id`"
    );
}
