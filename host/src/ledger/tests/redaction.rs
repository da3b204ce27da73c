use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

const SECRET: &str = "s3cr3t-Value";

fn redactor(secrets: &[&str]) -> Redactor {
    let redactor = Redactor::default();
    for secret in secrets {
        redactor.add(secret);
    }
    redactor
}

/// What is stored of a text.
fn redacted(secrets: &[&str], text: &str) -> String {
    redactor(secrets).text(text.to_owned())
}

#[test]
fn a_plain_secret_is_taken_out_wherever_it_stands() {
    for (text, expected) in [
        ("s3cr3t-Value", "[redacted]"),
        ("key=s3cr3t-Value&x=1", "key=[redacted]&x=1"),
        ("s3cr3t-Values3cr3t-Value", "[redacted][redacted]"),
        ("s3cr3t-Value, s3cr3t-Value.", "[redacted], [redacted]."),
        ("één s3cr3t-Value €", "één [redacted] €"),
        ("S3CR3T-VALUE s3cr3t-Valu", "S3CR3T-VALUE s3cr3t-Valu"),
        ("", ""),
    ] {
        assert_eq!(redacted(&[SECRET], text), expected, "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_redacted_too() {
    let redactor = redactor(&[SECRET]);
    let mut bytes = vec![0xff, 0x00];
    bytes.extend(SECRET.as_bytes());
    bytes.push(0xfe);
    assert_eq!(redactor.bytes(bytes), b"\xff\x00[redacted]\xfe");
}

#[test]
fn a_percent_encoded_secret_is_taken_out_however_much_of_it_is_encoded() {
    let secret = "a-b_c.d/e+f g=é";
    for encoded in [
        "a%2Db%5Fc%2Ed%2Fe%2Bf%20g%3D%C3%A9",
        "a%2db%5fc%2ed%2fe%2bf%20g%3d%c3%a9",
        // As RFC 3986 has it: what is unreserved stays.
        "a-b_c.d%2Fe%2Bf%20g%3D%C3%A9",
        // The path and the query of a URL.
        "a-b_c.d/e+f%20g=%C3%A9",
        // A form.
        "a-b_c.d%2Fe%2Bf+g%3D%C3%A9",
    ] {
        let text = format!("https://party.test/?key={encoded}&x=%20");
        assert_eq!(
            redacted(&[secret], &text),
            "https://party.test/?key=[redacted]&x=%20",
            "{encoded}"
        );
    }
}

#[test]
fn a_secret_that_looks_encoded_itself_is_taken_out() {
    for secret in ["100%25x", "a\\\\b\\n", "a&amp;b", "%%%%", "a+b+ c"] {
        let json = serde_json::json!({ "key": secret }).to_string();
        assert_eq!(redacted(&[secret], &json), r#"{"key":"[redacted]"}"#);
        let url = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        assert_eq!(redacted(&[secret], &url), "[redacted]");
        assert_eq!(redacted(&[secret], secret), "[redacted]");
    }
}

#[test]
fn a_secret_in_json_is_taken_out_and_the_json_stays_json() {
    let secret = "a\"b\\c/d\u{7f}é\u{1f511}<&>'\t";
    for json in [
        serde_json::json!({ "error": format!("key {secret} is unknown") }).to_string(),
        // As PHP and .NET escape.
        r#"{"error":"key a\"b\\c\/d\u007f\u00e9\ud83d\udd11\u003c\u0026\u003e\u0027\t is unknown"}"#.to_owned(),
        r#"{"error":"key a\u0022b\u005Cc\/d\u007F\u00E9\uD83D\uDD11\u003C\u0026\u003E'\u0009 is unknown"}"#.to_owned(),
    ] {
        let redacted = redacted(&[secret], &json);
        let value: serde_json::Value = serde_json::from_str(&redacted).unwrap();
        assert_eq!(value["error"], "key [redacted] is unknown", "{json}");
    }
}

#[test]
fn a_secret_in_xml_is_taken_out() {
    let secret = "a&b<c>d\"e'f";
    for xml in [
        "a&amp;b&lt;c&gt;d&quot;e&apos;f",
        "a&amp;b&lt;c>d\"e'f",
        "a&#38;b&#60;c&#62;d&#34;e&#39;f",
        "a&#x26;b&#x3C;c&#x3e;d&#x22;e&#x27;f",
    ] {
        let text = format!("<error>{xml} &amp; more</error>");
        assert_eq!(
            redacted(&[secret], &text),
            "<error>[redacted] &amp; more</error>"
        );
    }
}

#[test]
fn a_secret_in_base64_is_taken_out_at_each_alignment() {
    for before in ["", "1", "12", "123", "1234"] {
        for after in ["", "1", "12", "123"] {
            let whole = format!("{before}{SECRET}{after}");
            for encoded in [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                let redacted = redacted(&[SECRET], &encoded);
                // Each byte of the secret that three characters or more hold is gone.
                let core = core(&encoded, before.len(), SECRET.len());
                assert_eq!(redacted, encoded.replace(core, "[redacted]"), "{whole}");
                assert_ne!(redacted, encoded);
            }
        }
    }
}

/// The characters of a base64 text that hold nothing but the bits of the part
/// that begins after `before` bytes and has `length` bytes.
fn core(encoded: &str, before: usize, length: usize) -> &str {
    &encoded[(before * 8).div_ceil(6)..(before + length) * 8 / 6]
}

#[test]
fn a_secret_in_base64_of_either_alphabet_is_taken_out() {
    // Its base64 has both characters that the alphabets differ in.
    let secret = "\u{fb}\u{ff}>>>???~~~";
    let (standard, url) = (STANDARD.encode(secret), URL_SAFE.encode(secret));
    assert!(
        standard.contains('+') && standard.contains('/'),
        "{standard}"
    );
    let escaped = standard.replace('/', "\\/");
    let percent = utf8_percent_encode(&standard, NON_ALPHANUMERIC).to_string();
    for encoded in [standard, url, escaped, percent] {
        let redacted = redacted(&[secret], &encoded);
        let rest = redacted.strip_prefix("[redacted]").unwrap_or(&redacted);
        // The last character holds bits of what follows; padding is no secret.
        let rest = rest.trim_end_matches("%3D").trim_end_matches('=');
        assert!(rest.len() <= 1, "{encoded}: {redacted}");
    }
}

#[test]
fn basic_authentication_is_taken_out() {
    for user in ["a", "ab", "abc", "me@party.test"] {
        let encoded = STANDARD.encode(format!("{user}:{SECRET}"));
        let text = format!("Authorization: Basic {encoded} was refused");
        let redacted = redacted(&[SECRET], &text);
        assert!(redacted.contains("[redacted]"), "{redacted}");
        assert!(!redacted.contains(core(&encoded, user.len() + 1, SECRET.len())));
        assert!(redacted.ends_with(" was refused"));
    }
}

#[test]
fn headers_that_carry_secrets_lose_their_value_whatever_it_is() {
    let names = [
        "authorization",
        "Proxy-Authorization",
        "COOKIE",
        "Set-Cookie",
        "X-Api-Key",
        "ApiKey",
        "api-key",
    ];
    let redactor = redactor(&[]);
    for name in names {
        assert_eq!(
            redactor.headers(headers(&[(name, "Bearer anything")])),
            headers(&[(name, "[redacted]")])
        );
    }
}

#[test]
fn other_headers_lose_known_secrets_only() {
    let given = [
        ("accept", "application/json"),
        ("x-key", "s3cr3t-Value"),
        ("location", "https://party.test/?key=s3cr3t%2DValue"),
        ("authorization-info", "none"),
    ];
    assert_eq!(
        redactor(&[SECRET]).headers(headers(&given)),
        headers(&[
            ("accept", "application/json"),
            ("x-key", "[redacted]"),
            ("location", "https://party.test/?key=[redacted]"),
            ("authorization-info", "none"),
        ])
    );
}

#[test]
fn secrets_shorter_than_four_bytes_are_left() {
    assert_eq!(redacted(&["abc", "", "1"], "abc 1 YWJj"), "abc 1 YWJj");
    assert_eq!(redacted(&["abcd"], "abcd abc"), "[redacted] abc");
    // Two characters, four bytes.
    assert_eq!(redacted(&["éé"], "éé é"), "[redacted] é");
}

#[test]
fn a_secret_within_another_leaves_no_rest() {
    for secrets in [["inner", "an inner one"], ["an inner one", "inner"]] {
        assert_eq!(
            redacted(&secrets, "an inner one, inner, an inner"),
            "[redacted], [redacted], an [redacted]"
        );
    }
}

#[test]
fn secrets_that_overlap_leave_no_rest() {
    assert_eq!(
        redacted(&["one-two", "two-three"], "one-two-three!"),
        "[redacted]!"
    );
    assert_eq!(redacted(&["abab"], "xababababx"), "x[redacted]x");
    assert_eq!(redacted(&["abab"], "xabababx"), "x[redacted]x");
}

#[test]
fn a_secret_that_was_added_twice_changes_nothing() {
    let secrets = [SECRET, SECRET];
    assert_eq!(redacted(&secrets, "x s3cr3t-Value"), "x [redacted]");
}

#[test]
fn a_forgotten_secret_is_left_and_others_are_not() {
    let redactor = redactor(&[SECRET, "another-one"]);
    redactor.forget(SECRET);
    redactor.forget("never-added");
    let text = redactor.text(format!("{SECRET} another-one"));
    assert_eq!(text, format!("{SECRET} [redacted]"));
}

#[test]
fn handles_share_their_secrets() {
    let one = Redactor::default();
    let other = one.clone();
    one.add(SECRET);
    assert_eq!(other.text(SECRET.to_owned()), "[redacted]");
}

#[test]
fn debug_shows_nothing() {
    let redactor = redactor(&[SECRET]);
    assert_eq!(format!("{redactor:?}"), "Redactor");
    assert_eq!(format!("{redactor:#?}"), "Redactor");
}

#[tokio::test]
async fn no_secret_reaches_the_file() {
    let ledger = TestLedger::new();
    ledger.ledger.redactor().add(SECRET);
    let basic = STANDARD.encode(format!("me:{SECRET}"));
    let entry = Entry {
        outcome: Some(format!("refused: {SECRET}")),
        headers: headers(&[("Authorization", &basic), ("x-key", SECRET)]),
        body: format!("{{\"key\":\"{SECRET}\",\"basic\":\"{basic}\"}}").into_bytes(),
        ..Entry::new(
            context(1),
            Kind::Request,
            format!("GET https://party.test/?key={SECRET}"),
        )
    };
    ledger.append(entry).await;
    let (row, body) = ledger.row(1).await;
    let shown = core(&basic, 3, SECRET.len());
    let body = String::from_utf8(body.unwrap()).unwrap();
    assert_eq!(row.summary, "GET https://party.test/?key=[redacted]");
    assert_eq!(row.outcome.as_deref(), Some("refused: [redacted]"));
    assert_eq!(
        row.headers,
        headers(&[("Authorization", "[redacted]"), ("x-key", "[redacted]")])
    );
    assert_eq!(
        body,
        format!(
            "{{\"key\":\"[redacted]\",\"basic\":\"{}\"}}",
            basic.replace(shown, "[redacted]")
        )
    );
    // The hash is of what is stored: a hash of the secret would help to guess it.
    assert_eq!(row.body_size, body.len() as u64);
    assert!(ledger.verify().await.is_ok());
    let path = ledger.path();
    drop(ledger.ledger);
    let file = std::fs::read(path).unwrap();
    assert!(memchr::memmem::find(&file, SECRET.as_bytes()).is_none());
    assert!(memchr::memmem::find(&file, shown.as_bytes()).is_none());
}

/// RFC 3986: the unreserved characters stay.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The forms of a secret, made here in another way than the redactor does.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::json!(secret).to_string();
    let all = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let url = utf8_percent_encode(secret, RESERVED).to_string();
    let form = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        all,
        url,
        form,
    ];
    for before in 0..3 {
        let whole = format!("{}{secret}", "u".repeat(before));
        for encoded in [STANDARD.encode(&whole), URL_SAFE.encode(&whole)] {
            forms.push(core(&encoded, before, secret.len()).to_owned());
        }
    }
    forms
}

/// Any secret that is looked for and is no part of what takes its place.
fn any_secret() -> impl Strategy<Value = String> {
    let any = prop_oneof!["[ -~]{4,40}", "[A-Za-z0-9+/=_.-]{4,60}", "[^\\[\\]]{4,12}"];
    any.prop_filter("it is like the marker", |secret| {
        secret.len() >= 4 && !secret.contains(['[', ']']) && !"redacted".contains(secret)
    })
}

proptest! {
    #[test]
    fn no_form_of_a_secret_is_left_in_a_text(
        secrets in proptest::collection::vec(any_secret(), 1..4),
        pieces in proptest::collection::vec((any::<usize>(), any::<usize>(), "\\PC{0,8}"), 1..12),
    ) {
        let mut text = String::new();
        for (secret, form, between) in &pieces {
            let forms = forms(&secrets[secret % secrets.len()]);
            text += &forms[form % forms.len()];
            text += between;
        }
        let redactor = redactor(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
        let redacted = redactor.bytes(text.clone().into_bytes());
        // Text stays text.
        let redacted = String::from_utf8(redacted).unwrap();
        prop_assert_eq!(&redacted, &redactor.text(text));
        prop_assert!(redacted.contains("[redacted]"));
        for secret in &secrets {
            for form in forms(secret) {
                prop_assert!(!redacted.contains(&form), "{:?} in {:?}", form, redacted);
            }
        }
    }

    #[test]
    fn a_text_without_secrets_is_left_as_it_is(text in "[ -~é€]{0,200}") {
        // Its characters do not occur in the text, nor does its base64.
        prop_assert_eq!(redacted(&["\u{1f511}\u{1f511}\u{1f511}"], &text), text);
    }
}
