//! Tokens of an OpenID Connect provider, which here is a small server with
//! keys of its own.

use super::{Answer, Rest, with_server};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const EMPLOYERS: &str = "/providers/employers";

/// What the provider publishes now.
#[derive(Default)]
struct Published {
    keys: Mutex<Vec<Value>>,
    issuer: Mutex<String>,
    fetched: AtomicUsize,
}

struct Provider {
    url: String,
    published: Arc<Published>,
}

/// A key of the provider.
struct Key {
    id: &'static str,
    encoding: EncodingKey,
    public: Value,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random)
                .unwrap();
        let point = pair.public_key().as_ref();
        Self {
            id,
            encoding: EncodingKey::from_ec_der(der.as_ref()),
            public: json!({
                "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id,
                "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
                "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
            }),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header {
            kid: Some(self.id.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}

impl Provider {
    async fn new() -> Self {
        let published = Arc::new(Published::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        *published.issuer.lock().unwrap() = url.clone();
        let discovery = async |State(published): State<Arc<Published>>| {
            let issuer = published.issuer.lock().unwrap().clone();
            Json(json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}))
        };
        let keys = async |State(published): State<Arc<Published>>| {
            published.fetched.fetch_add(1, Ordering::SeqCst);
            Json(json!({"keys": published.keys.lock().unwrap().clone()}))
        };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(published.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, published }
    }

    fn publish(&self, keys: &[&Key]) {
        *self.published.keys.lock().unwrap() = keys.iter().map(|key| key.public.clone()).collect();
    }

    fn claims(&self) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({
            "iss": self.url, "aud": ["koppel", "other"], "sub": "anna",
            "client_id": "hr-portal", "iat": now, "exp": now + 300,
        })
    }

    async fn rest(&self) -> Rest {
        let server = format!(
            "[server.oidc]\nissuer = \"{}\"\naudience = \"koppel\"",
            self.url
        );
        Rest::with(&with_server("", &server)).await
    }
}

#[track_caller]
fn refused(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.ends_with(&format!("error_description=\"{why}\"")),
        "{challenge}"
    );
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_provider_is_verified_with_its_published_keys() {
    let provider = Provider::new().await;
    let key = Key::new("first");
    provider.publish(&[&key]);
    let rest = provider.rest().await;
    let claims = provider.claims();
    let body = rest.get(&key.sign(&claims), EMPLOYERS).await.with(200);
    assert_eq!(body["totalSize"], 3);
    // By the id of the application, as well as by its name.
    let by_id = with(&claims, "client_id", json!(super::APPLICATION));
    rest.get(&key.sign(&by_id), EMPLOYERS).await.with(200);
    let now = jiff::Timestamp::now().as_second();
    for (name, value, why) in [
        (
            "iss",
            json!("https://other.example"),
            "the token is of another issuer",
        ),
        ("aud", json!("other"), "the token is for another audience"),
        ("exp", json!(now - 31), "the token has expired"),
        ("nbf", json!(now + 60), "the token is not valid yet"),
        ("aud", json!(null), "the token lacks a claim"),
        ("exp", json!(null), "the token lacks a claim"),
        ("sub", json!(null), "the token does not say whose it is"),
        (
            "sub",
            json!("nobody"),
            "the user of the token is not known here",
        ),
        (
            "client_id",
            json!(""),
            "the token does not say which application it was issued to",
        ),
        (
            "client_id",
            json!("none"),
            "the application of the token is not known here",
        ),
    ] {
        let token = key.sign(&with(&claims, name, value));
        refused(&rest.get(&token, EMPLOYERS).await, why);
    }
    assert_eq!(
        provider.published.fetched.load(Ordering::SeqCst),
        1,
        "fetched once"
    );
    // koppel issues nothing itself then.
    assert_eq!(rest.form("/oauth/token", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_found_and_an_unknown_one_does_not_flood_the_provider() {
    let provider = Provider::new().await;
    let (first, second, never) = (Key::new("first"), Key::new("second"), Key::new("never"));
    provider.publish(&[&first]);
    let rest = provider.rest().await;
    let claims = provider.claims();
    rest.get(&first.sign(&claims), EMPLOYERS).await.with(200);
    provider.publish(&[&first, &second]);
    // A moment after the last fetch; another may not follow at once.
    let unknown = "the token was signed with a key that its issuer does not publish";
    refused(&rest.get(&second.sign(&claims), EMPLOYERS).await, unknown);
    assert_eq!(provider.published.fetched.load(Ordering::SeqCst), 1);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    rest.get(&second.sign(&claims), EMPLOYERS).await.with(200);
    assert_eq!(provider.published.fetched.load(Ordering::SeqCst), 2);
    for _ in 0..20 {
        refused(&rest.get(&never.sign(&claims), EMPLOYERS).await, unknown);
    }
    assert!(provider.published.fetched.load(Ordering::SeqCst) <= 3);
    // The same name with another key is a forgery.
    let forged = Key::new("first");
    refused(
        &rest.get(&forged.sign(&claims), EMPLOYERS).await,
        "the signature of the token does not hold",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_used_for_what_it_was_published_for_only() {
    let provider = Provider::new().await;
    let key = Key::new("first");
    let rest = provider.rest().await;
    let unknown = "the token was signed with a key that its issuer does not publish";
    for (name, value) in [
        ("use", json!("enc")),
        ("alg", json!("ES384")),
        ("kty", json!("oct")),
    ] {
        let mut public = key.public.clone();
        public[name] = value;
        public["k"] = json!("c2VjcmV0");
        *provider.published.keys.lock().unwrap() = vec![public];
        tokio::time::sleep(Duration::from_millis(1100)).await;
        refused(
            &rest.get(&key.sign(&provider.claims()), EMPLOYERS).await,
            unknown,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_asked_or_lies_about_itself_makes_nobody_known() {
    let provider = Provider::new().await;
    let key = Key::new("first");
    provider.publish(&[&key]);
    let rest = provider.rest().await;
    *provider.published.issuer.lock().unwrap() = "https://other.example".to_owned();
    let answer = rest.get(&key.sign(&provider.claims()), EMPLOYERS).await;
    assert_eq!(answer.problems(503), ["not available now; try again later"]);
    assert_eq!(answer.header("retry-after"), "1");
    // Once it answers as it should, it is asked again.
    *provider.published.issuer.lock().unwrap() = provider.url.clone();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    rest.get(&key.sign(&provider.claims()), EMPLOYERS)
        .await
        .with(200);
}
