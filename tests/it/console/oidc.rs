//! Logging in to the console at an OpenID Connect provider, which here is a small
//! server with a key of its own.

use super::{Browser, with_console, words};
use crate::rest::Rest;
use axum::extract::{Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

type Fields = HashMap<String, String>;

/// The provider: it logs in whoever it is told to, and checks what a client must
/// show.
struct Provider {
    url: String,
    encoding: EncodingKey,
    public: Value,
    user: Mutex<String>,
    /// Members of the ID token that are to be others.
    instead: Mutex<Value>,
    /// The last request to log in.
    asked: Mutex<Fields>,
}

impl Provider {
    async fn start() -> Arc<Self> {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random);
        let pair = pair.unwrap();
        let point = pair.public_key().as_ref();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            encoding: EncodingKey::from_ec_der(der.as_ref()),
            public: json!({
                "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
                "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
                "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
            }),
            user: Mutex::new("anna".to_owned()),
            instead: Mutex::new(json!({})),
            asked: Mutex::default(),
        });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider
    }
}

async fn discovery(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let url = &provider.url;
    Json(json!({
        "issuer": url, "jwks_uri": format!("{url}/keys"),
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
    }))
}

async fn keys(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(json!({"keys": [provider.public]}))
}

async fn authorize(State(provider): State<Arc<Provider>>, Query(asked): Query<Fields>) -> Redirect {
    let to = format!(
        "{}?code=c0de&state={}",
        asked["redirect_uri"], asked["state"]
    );
    *provider.asked.lock().unwrap() = asked;
    Redirect::to(&to)
}

async fn token(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, StatusCode> {
    let form = url::form_urlencoded::parse(body.as_bytes());
    let form: Fields = form.into_owned().collect();
    let asked = provider.asked.lock().unwrap().clone();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    let secret = format!("Basic {}", STANDARD.encode("koppel-console:s%25cret"));
    let fits = challenge == asked["code_challenge"]
        && asked["code_challenge_method"] == "S256"
        && asked["scope"] == "openid"
        && form["grant_type"] == "authorization_code"
        && form["code"] == "c0de"
        && form["redirect_uri"] == asked["redirect_uri"]
        && headers["authorization"] == secret;
    if !fits {
        return Err(StatusCode::BAD_REQUEST);
    }
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({
        "iss": provider.url, "aud": "koppel-console", "sub": *provider.user.lock().unwrap(),
        "nonce": asked["nonce"], "iat": now, "exp": now + 60,
    });
    for (name, value) in provider.instead.lock().unwrap().as_object().unwrap() {
        claims[name] = value.clone();
    }
    let header = Header {
        kid: Some("1".to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    let token = jsonwebtoken::encode(&header, &claims, &provider.encoding).unwrap();
    Ok(Json(
        json!({"id_token": token, "access_token": "x", "token_type": "Bearer"}),
    ))
}

async fn site(provider: &Provider) -> Rest {
    let oidc = format!(
        "[server.oidc]\nissuer = \"{}\"\naudience = \"koppel\"",
        provider.url
    );
    let console = "client-id = \"koppel-console\"\nclient-secret = { file = \"console-secret\" }";
    let rest = Rest::with(&with_console("", &oidc, console)).await;
    std::fs::write(rest.dir.path().join("console-secret"), "s%cret").unwrap();
    rest
}

/// Goes from a page to the provider, and gives the path with which it comes back.
async fn there_and_back(browser: &Browser<'_>) -> String {
    let sent = browser.get("/console/login?next=/console/all/runs").await;
    assert_eq!(sent.status, 303, "{}", words(&sent.text()));
    let at_provider = crate::rest::http()
        .get(sent.header("location"))
        .send()
        .await
        .unwrap();
    assert_eq!(at_provider.status(), 303);
    let back = at_provider.headers()["location"].to_str().unwrap();
    back.strip_prefix(&browser.rest.url("")).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_logs_in_at_the_provider_and_out_here() {
    let provider = Provider::start().await;
    let rest = site(&provider).await;
    let browser = Browser::new(&rest);
    let back = there_and_back(&browser).await;
    let answer = browser.get(&back).await;
    assert_eq!(
        answer.header("location"),
        "/console/all/runs",
        "{}",
        words(&answer.text())
    );
    let page = browser.page("/console/all/runs").await;
    assert!(page.contains("<span class=\"user\">anna</span>"), "{page}");
    assert_eq!(browser.post("/console/logout", &[]).await.status, 303);
    assert_eq!(browser.get("/console/all").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_that_is_not_good_logs_nobody_in() {
    let provider = Provider::start().await;
    let rest = site(&provider).await;
    for (instead, why) in [
        (
            json!({"nonce": "another"}),
            "the ID token is of another attempt to log in",
        ),
        (
            json!({"aud": "koppel"}),
            "the token is for another audience",
        ),
        (
            json!({"iss": "https://evil.example"}),
            "the token is of another issuer",
        ),
        (json!({"exp": 1}), "the token has expired"),
        (
            json!({"azp": "other", "aud": ["koppel-console", "other"]}),
            "the ID token was issued to another application",
        ),
        (json!({"sub": ""}), "the ID token does not say whose it is"),
        (
            json!({"sub": "nobody"}),
            "user \"nobody\" is not known here, or is blocked",
        ),
        (
            json!({"sub": "weg"}),
            "user \"weg\" is not known here, or is blocked",
        ),
    ] {
        *provider.instead.lock().unwrap() = instead;
        let browser = Browser::new(&rest);
        let back = there_and_back(&browser).await;
        let answer = browser.get(&back).await;
        assert_eq!(answer.status, 403, "{why}");
        assert!(
            words(&answer.text()).contains(why),
            "{why}: {}",
            words(&answer.text())
        );
        assert_eq!(browser.get("/console/all").await.status, 303, "{why}");
    }
    *provider.instead.lock().unwrap() = json!({});
    // What another browser began, and a code that the provider refuses.
    let browser = Browser::new(&rest);
    let back = there_and_back(&browser).await;
    let other = Browser::new(&rest);
    assert_eq!(other.get(&back).await.status, 400);
    let refused = browser.get(&back.replace("c0de", "other")).await;
    assert_eq!(refused.status, 403);
    let said = words(&refused.text());
    assert!(
        said.contains("the provider refused the code of this login (400 Bad Request)"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_is_said_to_be_the_trouble() {
    let oidc = "[server.oidc]\nissuer = \"http://127.0.0.1:9\"\naudience = \"koppel\"";
    let rest = Rest::with(&with_console("", oidc, "client-id = \"x\"")).await;
    let browser = Browser::new(&rest);
    let answer = browser.get("/console/login").await;
    assert_eq!(answer.status, 503);
    assert!(
        words(&answer.text()).contains("Nobody can log in now."),
        "{}",
        answer.text()
    );
}
