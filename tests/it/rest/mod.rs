//! The REST API, over real HTTP.

mod authorizations;
mod checks;
mod health;
mod kept_runs;
mod messages;
mod modules;
mod oauth;
mod oidc;
mod operators;
mod routes;
mod runs;
mod served;

use crate::harness::{TestHost, all_activities, configuration};
use http::{HeaderMap, Method, StatusCode};
use koppel_host::api::{Serving, start};
use koppel_host::runs::Host;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use url::Url;

/// The id of the application of the tests.
pub(crate) const APPLICATION: &str = "9f3c0b8e-2f54-4bd1-9a58-5d5a2f7f3f10";

/// Where it has users sent back to.
pub(crate) const BACK: &str = "https://hr.example/back?from=koppel";

/// The password of every user.
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The `Accept` of every call that is not about it.
const ACCEPT: &str = "application/json;version=2025-01-01";

/// A server on a host with demonstration data.
pub(crate) struct Rest {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) host: Arc<Host>,
    serving: Serving,
    http: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn with(&self, status: u16) -> Value {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{body}");
        self.json()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The descriptions of the messages of an error.
    #[track_caller]
    pub(crate) fn problems(&self, status: u16) -> Vec<String> {
        let body = self.with(status);
        let messages = body["messages"].as_array().unwrap();
        let text = |message: &Value| message["description"].as_str().unwrap().to_owned();
        messages.iter().map(text).collect()
    }
}

/// What a login gave.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// The configuration around the clients: users with a password, an application
/// that has everything, and a server.
pub(crate) fn with_server(clients: &str, server: &str) -> String {
    static HASH: LazyLock<String> =
        LazyLock::new(|| koppel_host::oauth::password::hash(PASSWORD).unwrap());
    let application = format!(
        "[clients.hr-portal]\napplication = {{ id = \"{APPLICATION}\", redirect-uris = [\"{BACK}\"] }}\n{}\n",
        all_activities()
    );
    let text = configuration(&format!(
        "{application}{clients}\n[server]\nlisten = \"127.0.0.1:0\"\n{server}\n"
    ));
    text.replace(
        "\nkind = ",
        &format!("\npassword-hash = \"{}\"\nkind = ", *HASH),
    )
}

/// [`with_server`] with koppel as the issuer.
pub(crate) fn issuing(clients: &str) -> String {
    with_server(clients, "[server.issuer]")
}

pub(crate) fn http() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

impl Rest {
    pub(crate) async fn new() -> Self {
        Self::with(&issuing("")).await
    }

    pub(crate) async fn with(configuration: &str) -> Self {
        let TestHost { dir, host } = TestHost::with(configuration).await;
        let host = Arc::new(host);
        let serving = start(host.clone())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        Self {
            dir,
            host,
            serving,
            http: http(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.serving.url())
    }

    /// Replaces the configuration that is in force.
    pub(crate) fn reconfigure(&self, text: &str) {
        let path = self.dir.path().join("platform.toml");
        std::fs::write(path, text).unwrap();
        match self.host.live().reload() {
            koppel_host::config::Reload::Replaced => {}
            koppel_host::config::Reload::Kept(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        let request = self.request(Method::GET, &format!("/v2{path}"));
        self.send(request.bearer_auth(token).header("accept", ACCEPT))
            .await
    }

    pub(crate) async fn json(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Answer {
        let request = self.request(method, &format!("/v2{path}"));
        let request = request
            .bearer_auth(token)
            .header("accept", ACCEPT)
            .header("content-type", "application/json")
            .body(body.to_string());
        self.send(request).await
    }

    /// A form, as an application or a browser sends it.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.form_request(path, fields)).await
    }

    pub(crate) fn form_request(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> reqwest::RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// The login page: what the browser gets, and what its form carries.
    pub(crate) async fn page(&self, query: &[(&str, &str)]) -> (Answer, Form) {
        let url = Url::parse_with_params(&self.url("/oauth/authorize"), query).unwrap();
        let page = self.send(self.http.get(url)).await;
        let form = Form::of(&page);
        (page, form)
    }

    /// Sends the form of a login page.
    pub(crate) async fn submit(&self, form: &Form, user: &str, password: &str) -> Answer {
        let fields = [
            ("ticket", form.ticket.as_str()),
            ("user", user),
            ("password", password),
        ];
        let request = self.form_request("/oauth/authorize", &fields);
        self.send(request.header("cookie", &form.cookie)).await
    }

    /// A code for a user, by way of the login page.
    pub(crate) async fn code(&self, user: &str) -> String {
        let (_, form) = self.page(&authorization(&[])).await;
        let answer = self.submit(&form, user, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        redirected(&answer).remove("code").unwrap()
    }

    pub(crate) async fn exchange(&self, code: &str, verifier: &str) -> Answer {
        self.form(
            "/oauth/token",
            &[
                ("grant_type", "authorization_code"),
                ("client_id", "hr-portal"),
                ("code", code),
                ("code_verifier", verifier),
                ("redirect_uri", BACK),
            ],
        )
        .await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.form(
            "/oauth/token",
            &[
                ("grant_type", "refresh_token"),
                ("client_id", "hr-portal"),
                ("refresh_token", token),
            ],
        )
        .await
    }

    /// The whole flow.
    pub(crate) async fn log_in(&self, user: &str) -> Tokens {
        let code = self.code(user).await;
        tokens(&self.exchange(&code, VERIFIER).await)
    }

    /// The access token of a user.
    pub(crate) async fn token(&self, user: &str) -> String {
        self.log_in(user).await.access
    }

    /// The denials so far: activity, check and reason.
    pub(crate) async fn denials(&self) -> Vec<(String, String, String)> {
        let filter = koppel_host::ledger::Filter {
            kinds: vec![koppel_host::ledger::Kind::Denial],
            ..Default::default()
        };
        let rows = self.host.ledger().rows(filter).await.unwrap();
        rows.into_iter()
            .map(|row| {
                (
                    row.activity.unwrap_or_default(),
                    row.check.unwrap_or_default(),
                    row.summary,
                )
            })
            .collect()
    }
}

#[track_caller]
pub(crate) fn tokens(answer: &Answer) -> Tokens {
    let body = answer.with(200);
    Tokens {
        access: body["access_token"].as_str().unwrap().to_owned(),
        refresh: body["refresh_token"].as_str().unwrap().to_owned(),
    }
}

/// The query of an authorization request, with these parameters instead.
pub(crate) fn authorization<'a>(other: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    static CHALLENGE: LazyLock<String> = LazyLock::new(|| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
    });
    let mut query = HashMap::from([
        ("response_type", "code"),
        ("client_id", "hr-portal"),
        ("redirect_uri", BACK),
        ("code_challenge", CHALLENGE.as_str()),
        ("code_challenge_method", "S256"),
        ("state", "a state&with=signs"),
    ]);
    query.extend(other.iter().copied());
    query
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// What a login form carries.
pub(crate) struct Form {
    pub(crate) ticket: String,
    pub(crate) cookie: String,
}

impl Form {
    fn of(page: &Answer) -> Self {
        let text = page.text();
        let ticket = text
            .split("name=\"ticket\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let cookie = page.header("set-cookie").split(';').next();
        Self {
            ticket: ticket.unwrap_or_default().to_owned(),
            cookie: cookie.unwrap_or_default().to_owned(),
        }
    }
}

/// The parameters of the URL that a browser is sent to.
#[track_caller]
pub(crate) fn redirected(answer: &Answer) -> HashMap<String, String> {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let url = Url::parse(answer.header("location")).unwrap();
    assert!(url.as_str().starts_with(BACK), "{url}");
    url.query_pairs().into_owned().collect()
}

/// The modules that are on for provider 1.
pub(crate) const MODULES: [&str; 4] = ["journal", "payroll-tax-return", "upa", "achmea"];

/// The activities that need no module, or one of these.
pub(crate) fn with_modules(on: &[&str]) -> Vec<&'static str> {
    let rows = koppel_host::catalogue::ROWS.iter();
    rows.filter(|row| row.module.is_none_or(|module| on.contains(&module)))
        .map(|row| row.id)
        .collect()
}

/// Loket's body of a refusal.
pub(crate) fn forbidden(reason: &str) -> Value {
    json!({"message": format!("Insufficient rights for this request, reason \"{reason}\"")})
}

/// Loket's body of an error with one message.
pub(crate) fn failed(code: u16, kind: &str, description: &str, properties: &[&str]) -> Value {
    json!({
        "version": {"resourceVersion": "2018-01-01", "obsoleteDate": null},
        "messages": [{"code": code, "id": null, "type": kind, "description": description, "properties": properties}],
        "_embedded": [],
    })
}

impl Rest {
    /// Stops the server.
    pub(crate) async fn stop(self) {
        let grace = std::time::Duration::from_secs(10);
        self.serving.stop(grace).await.unwrap();
    }
}
