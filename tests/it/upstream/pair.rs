//! Two hosts: one works on the data of the other, over HTTP, through a front
//! that notes what is asked.

use crate::harness::{ANNA, TestHost, employer, upstream_configuration};
use crate::loket;
use crate::rest::{BACK, Rest, VERIFIER, issuing, tokens};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use koppel_host::config::Reload;
use koppel_host::runs::{Job, RunReport, RunRequest};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const SECRET: &str = "a long secret of the application";

/// Host A, on the data of host B.
pub(super) struct Pair {
    pub(super) a: TestHost,
    pub(super) b: Rest,
    pub(super) front: Front,
    /// The configuration of B.
    pub(super) text: String,
    _secret: TempDir,
}

/// What stands before B.
#[derive(Clone)]
pub(super) struct Front {
    url: String,
    target: String,
    http: reqwest::Client,
    seen: Arc<Mutex<Vec<String>>>,
    /// A method that is not found.
    missing: Arc<Mutex<Option<&'static str>>>,
}

impl Front {
    async fn before(target: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            target,
            http: crate::rest::http(),
            seen: Arc::default(),
            missing: Arc::default(),
        };
        let router = Router::new().fallback(forward).with_state(front.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        front
    }

    /// What was asked below `/v2` since the last time, as `METHOD /path?query`.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
            .into_iter()
            .filter(|asked| asked.contains(" /v2/"))
            .map(|asked| asked.replacen(" /v2/", " /", 1))
            .collect()
    }

    /// From now on, B has no operation with this method.
    pub(super) fn lacks(&self, method: &'static str) {
        *self.missing.lock().unwrap() = Some(method);
    }
}

async fn forward(State(front): State<Front>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let asked = format!("{} {path}", parts.method);
    front.seen.lock().unwrap().push(asked);
    if *front.missing.lock().unwrap() == Some(parts.method.as_str()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    for hop in ["host", "content-length", "connection", "transfer-encoding"] {
        parts.headers.remove(hop);
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let sent = front
        .http
        .request(parts.method, format!("{}{path}", front.target))
        .headers(parts.headers)
        .body(body)
        .send();
    let answer = sent.await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = Response::new(Body::from(answer.bytes().await.unwrap()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl Pair {
    /// With these clients on A, and these besides its application on B.
    pub(super) async fn new(clients: &str, of_b: &str) -> Self {
        let secret = tempfile::tempdir().unwrap();
        let path = secret.path().join("secret");
        std::fs::write(&path, SECRET).unwrap();
        // The application of B is host A, which can keep a secret.
        let text = issuing(of_b).replacen(
            "redirect-uris = ",
            &format!("secret = {{ file = {path:?} }}, redirect-uris = "),
            1,
        );
        let b = Rest::with(&text).await;
        let front = Front::before(b.url("")).await;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("client-secret"), SECRET).unwrap();
        std::fs::write(dir.path().join("refresh-token"), authorized(&b).await).unwrap();
        let configuration = upstream_configuration(&front.url, clients, "")
            .replacen("/token\"", "/oauth/token\"", 1)
            .replacen(loket::CLIENT_ID, "hr-portal", 1);
        let a = TestHost::start(dir, &configuration);
        Self {
            a,
            b,
            front,
            text,
            _secret: secret,
        }
    }

    /// Runs a client of B there, as Anna for employer 1.
    pub(super) async fn run_on_b(&self, client: &str, job: Job) -> RunReport {
        let request = RunRequest {
            client: client.to_owned(),
            user: ANNA.to_owned(),
            employer: employer(1),
            job,
        };
        self.b.host.run(request).await
    }

    /// Looks something up with the probe of B.
    pub(super) async fn lookup_on_b(&self, query: &Value) -> Value {
        let job = Job::Lookup(query.to_string());
        crate::harness::answer(self.run_on_b("probe", job).await)
    }

    /// Replaces the configuration of A that is in force.
    pub(super) fn reconfigure_a(&self, change: impl Fn(&str) -> String) {
        let path = self.a.dir.path().join("platform.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text, "nothing was changed");
        std::fs::write(&path, changed).unwrap();
        match self.a.host.live().reload() {
            Reload::Replaced => {}
            Reload::Kept(error) => panic!("{error}"),
        }
    }

    /// Replaces the configuration of B that is in force by a changed form of
    /// the one that it began with.
    pub(super) fn reconfigure_b(&self, change: impl Fn(&str) -> String) {
        self.b.reconfigure(&change(&self.text));
    }

    /// The same host A in another process.
    pub(super) fn restarted(self) -> Self {
        let text = std::fs::read_to_string(self.a.dir.path().join("platform.toml")).unwrap();
        let TestHost { dir, host } = self.a;
        drop(host);
        Self {
            a: TestHost::start(dir, &text),
            ..self
        }
    }
}

/// Anna lets host A in, and it gets its first refresh token.
async fn authorized(b: &Rest) -> String {
    let code = b.code(ANNA).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "hr-portal"),
        ("client_secret", SECRET),
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", BACK),
    ];
    tokens(&b.form("/oauth/token", &form).await).refresh
}
