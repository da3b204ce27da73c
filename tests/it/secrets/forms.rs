//! How a secret can be spelled.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::fmt::Write;

/// The spellings of a secret that are looked for: as it is, in JSON, in base64
/// at each alignment, and percent-encoded. Written here in another way than the
/// redactor does.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::json!(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        percent(secret, |byte| byte.is_ascii_alphanumeric(), true),
        percent(secret, |byte| byte.is_ascii_alphanumeric(), false),
        percent(
            secret,
            |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
            true,
        ),
        percent(secret, |_| false, true),
    ];
    for before in 0..3 {
        let whole = [&vec![0; before], secret.as_bytes()].concat();
        for text in [
            STANDARD_NO_PAD.encode(&whole),
            URL_SAFE_NO_PAD.encode(&whole),
        ] {
            // Without the characters that depend on the neighbours.
            let end = text.len() - usize::from(whole.len() % 3 != 0);
            forms.push(text[[0, 2, 3][before]..end].to_owned());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

fn percent(secret: &str, plain: impl Fn(u8) -> bool, upper: bool) -> String {
    let mut text = String::new();
    for byte in secret.bytes() {
        match (plain(byte), upper) {
            (true, _) => text.push(char::from(byte)),
            (false, true) => write!(text, "%{byte:02X}").unwrap(),
            (false, false) => write!(text, "%{byte:02x}").unwrap(),
        }
    }
    text
}

/// The longest part that is ASCII, which stays as it is where the rest is
/// escaped in some other way.
fn ascii(secret: &str) -> &str {
    let parts = secret.split(|c: char| !c.is_ascii() || c == '"' || c == '\\');
    parts.max_by_key(|part| part.len()).unwrap_or_default()
}

/// The form of one of the secrets that occurs in bytes.
pub(super) fn find<'a>(bytes: &[u8], secrets: &'a [(&str, String)]) -> Option<(&'a str, String)> {
    secrets.iter().find_map(|(name, secret)| {
        let forms = forms(secret).into_iter().chain([ascii(secret).to_owned()]);
        let mut found = forms.filter(|form| memchr::memmem::find(bytes, form.as_bytes()).is_some());
        Some((*name, found.next()?))
    })
}

#[test]
fn each_spelling_is_found() {
    let secret = "a/b+c \u{e9}&\"d=";
    let secrets = [("it", secret.to_owned())];
    for (text, form) in [
        ("key=a/b+c \u{e9}&\"d=!", "plain"),
        (r#"{"key": "a/b+c é&\"d="}"#, "JSON"),
        ("?key=a%2Fb%2Bc+%C3%A9%26%22d%3D", "a form"),
        ("?key=a%2fb%2bc%20%c3%a9%26%22d%3d", "small letters"),
        // base64 of "me:" and the secret, and of "x" and the secret.
        ("bWU6YS9iK2Mgw6kmImQ9", "base64"),
        ("eGEvYitjIMOpJiJkPQ==", "base64 at another place"),
    ] {
        assert!(find(text.as_bytes(), &secrets).is_some(), "{form}: {text}");
    }
    assert_eq!(find(b"key=[redacted] a/b", &secrets), None);
}
