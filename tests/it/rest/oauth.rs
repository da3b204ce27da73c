//! The authorization code flow, step by step, and every way to do it wrong.

use super::{
    APPLICATION, Answer, BACK, PASSWORD, Rest, VERIFIER, authorization, issuing, redirected, tokens,
};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use koppel_host::platform::seed;
use serde_json::{Value, json};

const EMPLOYERS: &str = "/providers/employers";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_logs_in_and_the_application_works_as_that_user() {
    let rest = Rest::new().await;
    let metadata = rest.request(Method::GET, "/.well-known/oauth-authorization-server");
    let metadata = rest.send(metadata).await.with(200);
    assert_eq!(metadata["issuer"], rest.url(""));
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        json!(["S256"])
    );
    assert_eq!(metadata["token_endpoint"], rest.url("/oauth/token"));

    let (page, form) = rest.page(&authorization(&[])).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' https://hr.example;"),
        "{policy}"
    );
    let cookie = page.header("set-cookie");
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let text = page.text();
    assert!(text.contains("<p>The application hr-portal asks to work with your payroll data in koppel, as you.</p>"), "{text}");
    assert!(!text.contains("<script"), "{text}");

    let answer = rest.submit(&form, "anna", PASSWORD).await;
    let mut back = redirected(&answer);
    assert_eq!(back["from"], "koppel");
    assert_eq!(back["state"], "a state&with=signs");
    assert_eq!(back["iss"], rest.url(""));
    let code = back.remove("code").unwrap();

    let answer = rest.exchange(&code, VERIFIER).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.with(200);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 600);
    let first = tokens(&answer);
    assert_eq!(
        rest.get(&first.access, EMPLOYERS).await.with(200)["totalSize"],
        3
    );

    let second = tokens(&rest.refresh(&first.refresh).await);
    assert_ne!(first.refresh, second.refresh);
    rest.get(&second.access, EMPLOYERS).await.with(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_who_may_not_be_sent_back_sends_nobody_anywhere() {
    let rest = Rest::new().await;
    for (parameter, value, text) in [
        (
            "client_id",
            "",
            "The application did not send the parameter client_id.",
        ),
        (
            "redirect_uri",
            "",
            "The application did not send the parameter redirect_uri.",
        ),
        ("client_id", "none", "There is no application none here."),
        (
            "redirect_uri",
            "https://evil.example/",
            "The application hr-portal may not send you to https://evil.example/.",
        ),
        (
            "redirect_uri",
            "https://hr.example/back",
            "The application hr-portal may not send you to https://hr.example/back.",
        ),
        (
            "redirect_uri",
            "https://hr.example/back?from=koppel&x=1",
            "The application hr-portal may not send you to https://hr.example/back?from=koppel&#38;x=1.",
        ),
    ] {
        let (page, _) = rest.page(&authorization(&[(parameter, value)])).await;
        assert_eq!(page.status, 400, "{parameter} {value}");
        assert_eq!(page.header("location"), "");
        assert!(page.text().contains(text), "{text}\n{}", page.text());
    }
    let mut twice = authorization(&[]);
    twice.push(("client_id", "hr-portal"));
    let (page, _) = rest.page(&twice).await;
    assert_eq!(page.status, 400);
    assert!(
        page.text()
            .contains("The parameter client_id is there more than once.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_application_asked_wrongly_is_told_to_the_application() {
    let rest = Rest::new().await;
    for (parameter, value, error, description) in [
        (
            "response_type",
            "token",
            "unsupported_response_type",
            "response_type must be code",
        ),
        (
            "response_type",
            "",
            "unsupported_response_type",
            "response_type must be code",
        ),
        (
            "code_challenge_method",
            "plain",
            "invalid_request",
            "code_challenge_method must be S256",
        ),
        (
            "code_challenge_method",
            "",
            "invalid_request",
            "code_challenge_method must be S256",
        ),
        (
            "code_challenge",
            "",
            "invalid_request",
            "code_challenge must be the base64url of a SHA-256, 43 characters",
        ),
        (
            "code_challenge",
            "short",
            "invalid_request",
            "code_challenge must be the base64url of a SHA-256, 43 characters",
        ),
    ] {
        let (page, _) = rest.page(&authorization(&[(parameter, value)])).await;
        let back = redirected(&page);
        assert_eq!(back["error"], error, "{parameter} {value}");
        assert_eq!(back["error_description"], description);
        assert_eq!(back["state"], "a state&with=signs");
        assert!(!back.contains_key("code"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_works_in_the_browser_that_it_was_made_for_only() {
    let rest = Rest::new().await;
    let (_, mut mine) = rest.page(&authorization(&[])).await;
    let (_, other) = rest.page(&authorization(&[])).await;
    assert_ne!(mine.cookie, other.cookie);
    let cookie = std::mem::replace(&mut mine.cookie, other.cookie);
    let refused = |answer: Answer| {
        assert_eq!(answer.status, 400);
        assert!(
            answer
                .text()
                .contains("This form is too old, or was made for another browser.")
        );
    };
    refused(rest.submit(&mine, "anna", PASSWORD).await);
    mine.cookie = String::new();
    refused(rest.submit(&mine, "anna", PASSWORD).await);
    mine.cookie = cookie;
    let ticket = std::mem::take(&mut mine.ticket);
    refused(rest.submit(&mine, "anna", PASSWORD).await);
    // What it carries cannot be changed.
    let (request, tag) = ticket.split_once('.').unwrap();
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let changed = String::from_utf8(engine.decode(request).unwrap()).unwrap();
    let changed = changed.replace("hr.example", "evil.example");
    mine.ticket = format!("{}.{tag}", engine.encode(changed));
    refused(rest.submit(&mine, "anna", PASSWORD).await);
    mine.ticket = ticket;
    redirected(&rest.submit(&mine, "anna", PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_who_is_a_user() {
    let rest = Rest::new().await;
    for (user, password) in [
        ("anna", "wrong"),
        ("anna", ""),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        // Blocked.
        ("weg", PASSWORD),
    ] {
        let (_, form) = rest.page(&authorization(&[])).await;
        let answer = rest.submit(&form, user, password).await;
        assert_eq!(answer.status, 403, "{user}");
        let text = answer.text();
        assert!(
            text.contains("The user id or the password is not right."),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_a_password_is_slowed_down() {
    let rest = Rest::new().await;
    let (_, form) = rest.page(&authorization(&[])).await;
    for _ in 0..10 {
        assert_eq!(rest.submit(&form, "anna", "guess").await.status, 403);
    }
    // The right one does not help any more either.
    let answer = rest.submit(&form, "anna", PASSWORD).await;
    assert_eq!(answer.status, 429);
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");
    redirected(&rest.submit(&form, "bas", PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_for_whoever_has_the_verifier() {
    let rest = Rest::new().await;
    let invalid = |answer: &Answer, description: &str| {
        assert_eq!(
            answer.with(400),
            json!({"error": "invalid_grant", "error_description": description})
        );
    };
    let code = rest.code("anna").await;
    let wrong = VERIFIER.replace('d', "e");
    invalid(
        &rest.exchange(&code, &wrong).await,
        "code_verifier does not fit the code_challenge",
    );
    let code = rest.code("anna").await;
    let first = tokens(&rest.exchange(&code, VERIFIER).await);
    rest.get(&first.access, EMPLOYERS).await.with(200);
    invalid(
        &rest.exchange(&code, VERIFIER).await,
        "the code was used before; the login has ended",
    );
    // And what came of it is no good any more.
    unauthorized(
        &rest.get(&first.access, EMPLOYERS).await,
        "the login that the token came of has ended",
    );
    invalid(&rest.refresh(&first.refresh).await, "the login has ended");
    invalid(
        &rest.exchange("nonsense", VERIFIER).await,
        "there is no such code",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_used_twice_ends_the_login() {
    let rest = Rest::new().await;
    let first = rest.log_in("anna").await;
    let second = tokens(&rest.refresh(&first.refresh).await);
    rest.get(&second.access, EMPLOYERS).await.with(200);
    assert_eq!(
        rest.refresh(&first.refresh).await.with(400),
        json!({"error": "invalid_grant", "error_description": "the refresh token was used before; the login has ended"})
    );
    assert_eq!(
        rest.refresh(&second.refresh).await.with(400),
        json!({"error": "invalid_grant", "error_description": "the login has ended"})
    );
    for token in [first.access, second.access] {
        unauthorized(
            &rest.get(&token, EMPLOYERS).await,
            "the login that the token came of has ended",
        );
    }
    // Another login of the same user is another login.
    rest.get(&rest.token("anna").await, EMPLOYERS)
        .await
        .with(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_ends_a_login() {
    let rest = Rest::new().await;
    for by_access in [true, false] {
        let tokens = rest.log_in("anna").await;
        let token = if by_access {
            &tokens.access
        } else {
            &tokens.refresh
        };
        let fields = [("client_id", "hr-portal"), ("token", token.as_str())];
        rest.form("/oauth/revoke", &fields).await.with(200);
        assert_eq!(rest.get(&tokens.access, EMPLOYERS).await.status, 401);
        assert_eq!(rest.refresh(&tokens.refresh).await.status, 400);
    }
    let unknown = [("client_id", "hr-portal"), ("token", "nonsense")];
    rest.form("/oauth/revoke", &unknown).await.with(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_a_secret_has_to_show_it() {
    let rest = Rest::new().await;
    std::fs::write(rest.dir.path().join("secret"), "s3cret of the portal\n").unwrap();
    let with_secret = issuing("").replace(
        &format!("id = \"{APPLICATION}\""),
        &format!("id = \"{APPLICATION}\", secret = {{ file = \"secret\" }}"),
    );
    rest.reconfigure(&with_secret);
    let refused = json!({"error": "invalid_client", "error_description": "there is no such application, or its secret is another"});
    let tokens_of = rest.log_in_with_secret("s3cret of the portal").await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens_of.refresh.as_str()),
    ];
    let posted = |secret: &'static str| {
        let mut fields = refresh.to_vec();
        fields.extend([("client_id", "hr-portal"), ("client_secret", secret)]);
        fields
    };
    assert_eq!(rest.refresh(&tokens_of.refresh).await.with(401), refused);
    assert_eq!(
        rest.form("/oauth/token", &posted("wrong")).await.with(401),
        refused
    );
    let basic = |secret: &str| {
        rest.form_request("/oauth/token", &refresh)
            .basic_auth("hr-portal", Some(secret))
    };
    let answer = rest.send(basic("wrong")).await;
    assert_eq!(answer.with(401), refused);
    assert_eq!(answer.header("www-authenticate"), "Basic realm=\"koppel\"");
    // RFC 6749, section 2.3.1: form-encoded within Basic.
    let next = tokens(&rest.send(basic("s3cret+of%20the+portal")).await);
    let twice = rest
        .form_request("/oauth/token", &posted("s3cret of the portal"))
        .basic_auth("hr-portal", Some("s3cret+of+the+portal"));
    assert_eq!(rest.send(twice).await.with(400)["error"], "invalid_request");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", next.refresh.as_str()),
        ("client_id", "hr-portal"),
        ("client_secret", "s3cret of the portal"),
    ];
    tokens(&rest.form("/oauth/token", &fields).await);
    // A secret of an application that has none is a mistake, not a proof.
    rest.reconfigure(&issuing(""));
    assert_eq!(
        rest.form("/oauth/token", &posted("anything"))
            .await
            .with(401),
        refused
    );
}

impl Rest {
    async fn log_in_with_secret(&self, secret: &str) -> super::Tokens {
        let code = self.code("anna").await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "hr-portal"),
            ("client_secret", secret),
            ("code", code.as_str()),
            ("code_verifier", VERIFIER),
        ];
        tokens(&self.form("/oauth/token", &fields).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_request_is_told_what_is_wrong() {
    let rest = Rest::new().await;
    for (fields, error, description) in [
        (&[][..], "invalid_client", "client_id is missing"),
        (
            &[("client_id", "hr-portal")],
            "invalid_request",
            "grant_type is missing",
        ),
        (
            &[("client_id", "hr-portal"), ("grant_type", "password")],
            "unsupported_grant_type",
            "grant_type must be authorization_code or refresh_token",
        ),
        (
            &[
                ("client_id", "hr-portal"),
                ("grant_type", "authorization_code"),
                ("code", "x"),
            ],
            "invalid_request",
            "code_verifier is missing",
        ),
        (
            &[("client_id", "none"), ("grant_type", "refresh_token")],
            "invalid_client",
            "there is no such application, or its secret is another",
        ),
        (
            &[("client_id", "hr-portal"), ("client_id", "hr-portal")],
            "invalid_request",
            "client_id is there more than once",
        ),
    ] {
        let answer = rest.form("/oauth/token", fields).await;
        let status = if error == "invalid_client" { 401 } else { 400 };
        assert_eq!(
            answer.with(status),
            json!({"error": error, "error_description": description})
        );
    }
    let json = rest
        .request(Method::POST, "/oauth/token")
        .header("content-type", "application/json")
        .body("{}");
    assert_eq!(
        rest.send(json).await.with(400)["error_description"],
        "the body must be application/x-www-form-urlencoded"
    );
}

#[track_caller]
fn unauthorized(answer: &Answer, why: &str) {
    assert_eq!(
        answer.with(401),
        json!({"message": "Authorization has been denied for this request."})
    );
    assert_eq!(
        answer.header("www-authenticate"),
        format!("Bearer realm=\"koppel\", error=\"invalid_token\", error_description=\"{why}\"")
    );
}

/// A token of this server, changed and signed again with its key.
struct Forge {
    key: EncodingKey,
    public: Vec<u8>,
    header: Header,
    claims: Value,
}

impl Forge {
    async fn new(rest: &Rest) -> Self {
        let token = rest.token("anna").await;
        let pem = std::fs::read_to_string(rest.dir.path().join("data/signing-key.pem")).unwrap();
        let jwks = rest.send(rest.request(Method::GET, "/oauth/jwks")).await;
        Self {
            key: EncodingKey::from_ec_der(pem::parse(pem).unwrap().contents()),
            public: jwks.body,
            header: jsonwebtoken::decode_header(&token).unwrap(),
            claims: jsonwebtoken::dangerous::insecure_decode_claims(&token).unwrap(),
        }
    }

    fn with(&self, claims: Value) -> String {
        let mut all = self.claims.clone();
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        self.sign(&self.header, &all)
    }

    fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    /// Without what is needed to sign as `jsonwebtoken` does.
    fn raw(header: &Value, claims: &Value, signature: &str) -> String {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let (header, claims) = (header.to_string(), claims.to_string());
        format!(
            "{}.{}.{signature}",
            engine.encode(header),
            engine.encode(claims)
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_of_this_server_for_this_server_now_is_good() {
    let rest = Rest::new().await;
    let forge = Forge::new(&rest).await;
    rest.get(&forge.with(json!({})), EMPLOYERS).await.with(200);
    const UNREADABLE: &str = "the claims of the token cannot be read";
    let now = jiff::Timestamp::now().as_second();
    for (claims, why) in [
        (json!({"exp": now - 1}), "the token has expired"),
        (json!({"nbf": now + 60}), "the token is not valid yet"),
        (
            json!({"iss": "https://other.example"}),
            "the token is of another issuer",
        ),
        (
            json!({"aud": rest.url("")}),
            "the token is for another audience",
        ),
        (json!({"aud": ["https://other.example/v2"]}), UNREADABLE),
        (json!({"exp": null}), UNREADABLE),
        (json!({"aud": null}), UNREADABLE),
        (json!({"iss": null}), UNREADABLE),
        (json!({"exp": "tomorrow"}), UNREADABLE),
        (
            json!({"sid": "0190b3a0-0000-7000-8000-000000000000"}),
            "the login that the token came of has ended",
        ),
        (json!({"sid": null}), UNREADABLE),
        (
            json!({"sub": "nobody"}),
            "the user of the token is not known here",
        ),
        (
            json!({"client_id": "none"}),
            "the application of the token is not known here",
        ),
    ] {
        let answer = rest.get(&forge.with(claims.clone()), EMPLOYERS).await;
        assert_eq!(answer.status, 401, "{claims}");
        unauthorized(&answer, why);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_key_and_algorithm_of_this_server_sign() {
    let rest = Rest::new().await;
    let forge = Forge::new(&rest).await;
    let header = |change: &dyn Fn(&mut Header)| {
        let mut header = forge.header.clone();
        change(&mut header);
        forge.sign(&header, &forge.claims)
    };
    let kid = forge.header.kid.clone().unwrap();
    let raw = |header: Value, signature: &str| Forge::raw(&header, &forge.claims, signature);
    let good = forge.with(json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    // A keyed hash with the public key as its secret.
    let keyed = {
        let unsigned = raw(json!({"typ": "at+jwt", "alg": "HS256", "kid": kid}), "");
        let unsigned = unsigned.trim_end_matches('.');
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &forge.public);
        use base64::Engine as _;
        let tag = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .encode(ring::hmac::sign(&key, unsigned.as_bytes()));
        format!("{unsigned}.{tag}")
    };
    let other_key = {
        let pair = ring::signature::EcdsaKeyPair::generate_pkcs8(
            &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            &ring::rand::SystemRandom::new(),
        )
        .unwrap();
        let key = EncodingKey::from_ec_der(pair.as_ref());
        jsonwebtoken::encode(&forge.header, &forge.claims, &key).unwrap()
    };
    for (token, why) in [
        (
            raw(json!({"typ": "at+jwt", "alg": "none", "kid": kid}), ""),
            "the token is no signed JWT",
        ),
        (
            raw(
                json!({"typ": "at+jwt", "alg": "none", "kid": kid}),
                signature,
            ),
            "the token is no signed JWT",
        ),
        (
            keyed,
            "the signature algorithm of the token is not accepted",
        ),
        (
            raw(
                json!({"typ": "at+jwt", "alg": "ES384", "kid": kid}),
                signature,
            ),
            "the signature algorithm of the token is not accepted",
        ),
        (
            raw(
                json!({"typ": "at+jwt", "alg": "ES256", "kid": kid, "crit": ["exp"]}),
                signature,
            ),
            "the token has critical headers that are not understood",
        ),
        (other_key, "the signature of the token does not hold"),
        (
            format!("{signed}."),
            "the signature of the token does not hold",
        ),
        (signed.to_owned(), "the token is no signed JWT"),
        ("nonsense".to_owned(), "the token is no signed JWT"),
        (
            header(&|header| header.kid = Some("other".into())),
            "the token was signed with another key",
        ),
        (
            header(&|header| header.kid = None),
            "the token was signed with another key",
        ),
        (
            header(&|header| header.typ = Some("JWT".into())),
            "the token is no access token",
        ),
    ] {
        unauthorized(&rest.get(&token, EMPLOYERS).await, why);
    }
    assert_eq!(Algorithm::ES256, forge.header.alg);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_the_header_once_or_there_is_none() {
    let rest = Rest::new().await;
    let token = rest.token("anna").await;
    let path = format!("/v2{EMPLOYERS}");
    let get = || {
        rest.request(Method::GET, &path)
            .header("accept", super::ACCEPT)
    };
    let none = json!({"message": "Authorization has been denied for this request."});
    for request in [
        get(),
        get().header("authorization", ""),
        get().header("authorization", "Bearer"),
        get().header("authorization", "Bearer "),
        get().header("authorization", &token),
        get().header("authorization", format!("Basic {token}")),
        get().bearer_auth(&token).bearer_auth(&token),
        rest.request(Method::GET, &format!("{path}?access_token={token}")),
    ] {
        let answer = rest.send(request).await;
        assert_eq!(answer.with(401), none);
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"koppel\"");
    }
    let lower = get().header("authorization", format!("bearer  {token}"));
    rest.send(lower).await.with(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_code_or_token_is_kept_or_logged() {
    let rest = Rest::new().await;
    let code = rest.code("anna").await;
    let tokens = tokens(&rest.exchange(&code, VERIFIER).await);
    let run = seed::journal_run_id(1, 6);
    let path = format!("/providers/employers/payrolladministrations/journalruns/{run}");
    let change = json!({"action": "MarkAsProcessed", "message": "done"});
    rest.json(&tokens.access, Method::PATCH, &path, &change)
        .await
        .with(200);
    let data = rest.dir.path().join("data");
    let mut seen = 0;
    for entry in std::fs::read_dir(data).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        seen += bytes.len();
        for secret in [PASSWORD, &code, &tokens.access, &tokens.refresh, VERIFIER] {
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none());
        }
    }
    assert!(seen > 0);
    assert!(BACK.starts_with("https://"));
}
