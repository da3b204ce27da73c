//! URLs that have one meaning pass unchanged; all others are refused.

mod hosts;
mod paths;

use crate::egress::normalize::parse;
use proptest::prelude::*;

/// Each of these passes and means the text beside it.
#[track_caller]
fn pass(table: &[(&str, &str)]) {
    for (text, means) in table {
        match parse(text) {
            Ok(url) => assert_eq!(url.as_str(), *means, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }
}

/// Each of these is refused for the reason beside it.
#[track_caller]
fn refuse(table: &[(&str, &str)]) {
    for (text, why) in table {
        match parse(text) {
            Ok(url) => panic!("{text} passes as {url}"),
            Err(error) => assert_eq!(
                error.to_string(),
                format!("the URL is refused: {why}"),
                "{text}"
            ),
        }
    }
}

#[test]
fn ordinary_urls_pass() {
    pass(&[
        ("https://party.test", "https://party.test/"),
        ("https://party.test/", "https://party.test/"),
        ("https://party.test?a=b", "https://party.test/?a=b"),
        (
            "https://party.test?a=/b/../c",
            "https://party.test/?a=/b/../c",
        ),
        ("http://party.test:8080/a/b", "http://party.test:8080/a/b"),
        ("https://party.test:443/", "https://party.test/"),
        ("https://party.test:/", "https://party.test/"),
        ("HTTPS://Party.TEST/A", "https://party.test/A"),
        (
            "https://party.test/a%20b/%C3%A9",
            "https://party.test/a%20b/%C3%A9",
        ),
        (
            "https://party.test/api/v1/1/Accounts(guid'0-0')?$filter=Code%20eq%20'1'",
            "https://party.test/api/v1/1/Accounts(guid'0-0')?$filter=Code%20eq%20%271%27",
        ),
        (
            "https://party.test/a.b/..c/.d/e../...",
            "https://party.test/a.b/..c/.d/e../...",
        ),
        ("https://party.test/a@b:c", "https://party.test/a@b:c"),
        (
            "https://party.test/?a=%2e%2e%2f%00;%zz",
            "https://party.test/?a=%2e%2e%2f%00;%zz",
        ),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/"),
        (
            "https://xn--mnchen-3ya.test/",
            "https://xn--mnchen-3ya.test/",
        ),
    ]);
}

#[test]
fn a_fragment_is_refused() {
    let why = "it has a fragment";
    refuse(&[
        ("https://party.test/#", why),
        ("https://party.test/a#b", why),
        ("https://party.test#@evil.test/", why),
        ("https://party.test?a#b", why),
    ]);
}

#[test]
fn a_scheme_that_is_not_http_or_https_is_refused() {
    refuse(&[
        ("ftp://party.test/", "scheme ftp is not http or https"),
        ("file:///etc/passwd", "scheme file is not http or https"),
        ("ws://party.test/", "scheme ws is not http or https"),
        ("data:text/plain,a", "scheme data is not http or https"),
        (
            "javascript:alert(1)",
            "scheme javascript is not http or https",
        ),
        (
            "blob:https://party.test/a",
            "scheme blob is not http or https",
        ),
        (
            "http+unix://party.test/",
            "scheme http+unix is not http or https",
        ),
        (
            "view-source:http://party.test/",
            "scheme view-source is not http or https",
        ),
        ("localhost:80/a", "scheme localhost is not http or https"),
        ("party.test/a", "relative URL without a base"),
        ("//party.test/a", "relative URL without a base"),
        ("/a", "relative URL without a base"),
        ("", "relative URL without a base"),
        ("://party.test/", "relative URL without a base"),
    ]);
}

#[test]
fn what_does_not_begin_with_scheme_and_host_is_refused() {
    let why = "it is not written as scheme://host";
    refuse(&[
        ("http:party.test/", why),
        ("http:/party.test/", why),
        ("http:///party.test/", why),
        ("https:////party.test/", why),
        // The path would be looked for after the second colon.
        ("https:party.test/api/..%2fadmin?x=://party.test", why),
        ("https:party.test/?x=://party.test/api/", why),
        ("http://", "empty host"),
        ("http:///", "empty host"),
        ("http://:80/", "empty host"),
        ("http://?a", "empty host"),
    ]);
}

#[test]
fn characters_that_are_not_ascii_are_refused() {
    let why =
        "it contains characters that are not ASCII; write a host in punycode and encode the rest";
    refuse(&[
        ("https://münchen.test/", why),
        // Look like a slash, a dot and digits, and become them when normalized.
        ("https://party.test／admin/", why),
        ("https://party。test/", why),
        ("https://①②⑦.⓪.⓪.①/", why),
        ("https://party\u{ad}.test/", why),
        ("https://party\u{200d}.test/", why),
        ("https://party.test/é", why),
        ("https://party.test/?a=é", why),
        ("\u{feff}https://party.test/", why),
    ]);
}

#[test]
fn control_characters_white_space_and_backslashes_are_refused() {
    for (c, shown) in [
        ('\r', "'\\r'"),
        ('\n', "'\\n'"),
        ('\0', "'\\0'"),
        ('\t', "'\\t'"),
        (' ', "' '"),
        ('\\', "'\\\\'"),
        ('\u{7f}', "'\\u{7f}'"),
        ('\u{1}', "'\\u{1}'"),
        ('\u{85}', "'\\u{85}'"),
        ('\u{a0}', "'\\u{a0}'"),
        ('\u{2028}', "'\\u{2028}'"),
    ] {
        let why = format!("it contains {shown}");
        for text in [
            format!("https://party.test/{c}"),
            format!("https://party{c}.test/"),
            format!("https://party.test{c}@evil.test/"),
            format!("https:{c}//party.test/"),
            format!("{c}https://party.test/"),
            format!("https://party.test/?a={c}b"),
        ] {
            refuse(&[(&text, &why)]);
        }
    }
    refuse(&[
        (
            "https://party.test/ HTTP/1.1\r\nHost: evil.test\r\n",
            "it contains ' '",
        ),
        ("https:\\\\party.test\\a", "it contains '\\\\'"),
    ]);
}

#[test]
fn a_url_that_is_too_long_is_refused() {
    let url = |bytes: usize| {
        let start = "https://party.test/";
        format!("{start}{}", "a".repeat(bytes - start.len()))
    };
    assert!(parse(&url(8192)).is_ok());
    refuse(&[(&url(8193), "it is longer than 8192 bytes")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What passes is already as plain as the parser could make it: reading
    /// the result again gives the same, and the written path is the meant one.
    #[test]
    fn what_passes_is_stable(
        text in "(https?://|[hH]ttps?:/{0,3})([a-z0-9.]{1,6}|[a-z0-9.@:%\\[\\]]{0,12})[/?#;a-z0-9.%\\\\]{0,16}",
    ) {
        if let Ok(url) = parse(&text) {
            let again = parse(url.as_str()).unwrap();
            prop_assert_eq!(&again, &url);
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(!url.path().contains("//") && !url.path().contains("/../"));
            let host = url.host_str().unwrap();
            prop_assert!(text.to_lowercase().contains(&format!("://{host}")), "{} in {}", host, text);
            prop_assert!(url.path() == "/" || text.contains(url.path()));
        }
    }
}
