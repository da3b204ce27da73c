//! Paths that a server, or a proxy before it, could read differently.

use super::refuse;

#[test]
fn dot_segments_are_refused_however_they_are_written() {
    let dots = "its path contains a dot segment";
    refuse(&[
        ("https://party.test/api/../admin", dots),
        ("https://party.test/api/./a", dots),
        ("https://party.test/..", dots),
        ("https://party.test/.", dots),
        ("https://party.test/api/..?a", dots),
        (
            "https://party.test/api/%2e%2e/admin",
            "its path contains %2e",
        ),
        ("https://party.test/api/.%2E/admin", "its path contains %2e"),
        ("https://party.test/api/%2e/a", "its path contains %2e"),
        ("https://party.test/a%2ejson", "its path contains %2e"),
        (
            "https://party.test/api/%252e%252e/admin",
            "its path contains %25",
        ),
        (
            "https://party.test/api/..;/admin",
            "its path contains a semicolon",
        ),
        (
            "https://party.test/api/..%3b/admin",
            "its path contains %3b",
        ),
        (
            "https://party.test/api/..%3Ba=b/admin",
            "its path contains %3b",
        ),
        // Two bytes for a dot or a slash, as some decoders accept.
        (
            "https://party.test/api/%c0%ae%c0%ae/admin",
            "its path is not UTF-8 when it is decoded",
        ),
        (
            "https://party.test/api/..%C0%AFadmin",
            "its path is not UTF-8 when it is decoded",
        ),
        (
            "https://party.test/api/%e0%80%af",
            "its path is not UTF-8 when it is decoded",
        ),
        (
            "https://party.test/api/%u002e%u002e/admin",
            "its path contains a % without two hexadecimal digits",
        ),
    ]);
}

#[test]
fn a_path_that_a_server_could_read_differently_is_refused() {
    let whole = "its path contains a % without two hexadecimal digits";
    refuse(&[
        (
            "https://party.test/api//admin",
            "its path contains an empty segment",
        ),
        ("https://party.test//", "its path contains an empty segment"),
        (
            "https://party.test//evil.test/",
            "its path contains an empty segment",
        ),
        (
            "https://party.test/api%2f..%2fadmin",
            "its path contains %2f",
        ),
        ("https://party.test/api%2Fadmin", "its path contains %2f"),
        ("https://party.test/api%5cadmin", "its path contains %5c"),
        (
            "https://party.test/a%00.json",
            "its path contains '\\0' when it is decoded",
        ),
        (
            "https://party.test/a%0d%0aHost:evil.test",
            "its path contains '\\r' when it is decoded",
        ),
        (
            "https://party.test/a%0Ab",
            "its path contains '\\n' when it is decoded",
        ),
        (
            "https://party.test/a%09b",
            "its path contains '\\t' when it is decoded",
        ),
        (
            "https://party.test/a%7fb",
            "its path contains '\\u{7f}' when it is decoded",
        ),
        (
            "https://party.test/a%c2%85b",
            "its path contains '\\u{85}' when it is decoded",
        ),
        ("https://party.test/a;b", "its path contains a semicolon"),
        ("https://party.test/a%", whole),
        ("https://party.test/a%2", whole),
        ("https://party.test/a%zz", whole),
        ("https://party.test/a%2g/b", whole),
        ("https://party.test/%/ab", whole),
        (
            "https://party.test/a\"b",
            "its path is written /a\"b but means /a%22b",
        ),
        (
            "https://party.test/<a>",
            "its path is written /<a> but means /%3Ca%3E",
        ),
        (
            "https://party.test/{a}",
            "its path is written /{a} but means /%7Ba%7D",
        ),
    ]);
}
