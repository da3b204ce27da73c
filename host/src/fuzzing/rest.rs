use crate::api::router_for;
use crate::config::Config;
use crate::egress::SystemResolver;
use crate::oauth::password;
use crate::platform::seed;
use crate::runs::Host;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// A request as text, so that seeds can be read and written by hand: a line
/// with method and target, lines with headers, an empty line, the body.
/// `{token}` stands for the access token of a user who may access the first
/// employer only.
///
/// Whatever it is, the API answers, without a failure of its own, and with
/// nothing of another employer.
pub fn rest_input(data: &[u8]) {
    let Some(request) = read(data) else {
        return;
    };
    let asked = format!("{request:?}");
    let (status, headers, body) = SERVER.answer(request);
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{asked}");
    let text = String::from_utf8_lossy(&body);
    let json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if json {
        assert!(
            serde_json::from_slice::<serde_json::Value>(&body).is_ok(),
            "{asked}: {text}"
        );
    }
    // What the caller wrote is repeated to say what is wrong with it.
    let said = String::from_utf8_lossy(data);
    let of_others = SERVER.of_others.iter();
    for secret in of_others.filter(|secret| !said.contains(*secret)) {
        assert!(!text.contains(secret), "{secret} in the answer to {asked}");
    }
}

/// The server under test.
static SERVER: LazyLock<Server> = LazyLock::new(|| match Server::start() {
    Ok(server) => server,
    Err(error) => panic!("no server: {error:#}"),
});

struct Server {
    runtime: Runtime,
    router: Router,
    token: String,
    /// What answers may not hold: the names of other employers.
    of_others: Vec<String>,
    _dir: TempDir,
}

const PASSWORD: &str = "correct horse battery";
const BACK: &str = "https://hr.example/back";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Server {
    fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        // In memory, where that is to be had: each answer waits for its disk.
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            TempDir::new_in(memory)?
        } else {
            TempDir::new()?
        };
        let (router, of_others) = runtime.block_on(prepare(&dir))?;
        let mut server = Self {
            runtime,
            router,
            token: String::new(),
            of_others,
            _dir: dir,
        };
        server.token = server.log_in()?;
        Ok(server)
    }

    fn answer(&self, mut request: Request<Body>) -> (StatusCode, http::HeaderMap, Bytes) {
        let from = SocketAddr::from(([127, 0, 0, 1], 1));
        request.extensions_mut().insert(ConnectInfo(from));
        self.runtime.block_on(async {
            let response = match self.router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (parts, body) = response.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => panic!("a body that ends early: {error}"),
            };
            (parts.status, parts.headers, body)
        })
    }

    /// The way of a browser and an application.
    fn log_in(&self) -> anyhow::Result<String> {
        let form = |pairs: &[(&str, &str)]| -> String {
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        };
        let query = form(&[
            ("response_type", "code"),
            ("client_id", "hr-portal"),
            ("redirect_uri", BACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let get = Request::get(format!("/oauth/authorize?{query}")).body(Body::empty())?;
        let (_, headers, page) = self.answer(get);
        let between = |text: &str, start: &str, end: char| -> anyhow::Result<String> {
            let found = text
                .split(start)
                .nth(1)
                .and_then(|rest| rest.split(end).next());
            found
                .map(ToOwned::to_owned)
                .ok_or_else(|| anyhow::anyhow!("no {start} in {text}"))
        };
        let page = String::from_utf8_lossy(&page).into_owned();
        let ticket = between(&page, "name=\"ticket\" value=\"", '"')?;
        let cookie = headers[header::SET_COOKIE].to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default();
        let post = |path: &str, cookie: &str, pairs: &[(&str, &str)]| {
            Request::post(path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::COOKIE, cookie)
                .body(Body::from(form(pairs)))
        };
        let fields = [
            ("ticket", &*ticket),
            ("user", "bas"),
            ("password", PASSWORD),
        ];
        let (_, headers, _) = self.answer(post("/oauth/authorize", cookie, &fields)?);
        let code = between(headers[header::LOCATION].to_str()?, "code=", '&')?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "hr-portal"),
            ("code", &*code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", BACK),
        ];
        let (_, _, tokens) = self.answer(post("/oauth/token", "", &fields)?);
        between(
            &String::from_utf8_lossy(&tokens),
            "\"access_token\":\"",
            '"',
        )
    }
}

async fn prepare(dir: &TempDir) -> anyhow::Result<(Router, Vec<String>)> {
    let hash = password::hash(PASSWORD).map_err(anyhow::Error::msg)?;
    let all: Vec<_> = crate::catalogue::ROWS.iter().map(|row| row.id).collect();
    let text = format!(
        r#"
[platform]
[clients.hr-portal]
application = {{ id = "9f3c0b8e-2f54-4bd1-9a58-5d5a2f7f3f10", redirect-uris = ["{BACK}"] }}
activities = {all:?}
[rights]
everything = {all:?}
[roles]
professional = ["everything"]
[modules.provider]
"{}" = ["journal", "payroll-tax-return", "upa", "achmea", "fleurtjedag"]
[[users]]
id = "bas"
kind = "employer"
role = "professional"
rights = ["everything"]
employers = ["{}"]
password-hash = "{hash}"
[server]
listen = "127.0.0.1:0"
[server.issuer]
access-token-seconds = 86400
"#,
        seed::provider_id(1),
        seed::employer_id(1),
    );
    let path = dir.path().join("platform.toml");
    std::fs::write(&path, &text)?;
    let config = Config::load(&path)?;
    let server = config.server.clone();
    let server = server.ok_or_else(|| anyhow::anyhow!("no server"))?;
    let host = Arc::new(Host::start(config, Arc::new(SystemResolver))?);
    let embedded = host.embedded()?;
    embedded
        .seed()
        .await
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut of_others = Vec::new();
    for number in 2..=4 {
        let employer =
            crate::platform::Employers::employer(embedded, seed::employer_id(number)).await;
        let employer = employer.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        of_others.push(employer.company_name.clone());
    }
    let router = router_for(host.clone(), &server)?.router;
    Ok((router, of_others))
}

fn read(data: &[u8]) -> Option<Request<Body>> {
    let (head, body) = match data.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let space = first.iter().position(|byte| *byte == b' ')?;
    let method = Method::from_bytes(&first[..space]).ok()?;
    let target = Uri::try_from(&first[space + 1..]).ok()?;
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = line[colon + 1..].trim_ascii();
        let value = match value.strip_suffix(b"{token}") {
            Some(start) => [start, SERVER.token.as_bytes()].concat(),
            None => value.to_vec(),
        };
        request = request.header(name, HeaderValue::from_bytes(&value).ok()?);
    }
    request.body(Body::from(body.to_vec())).ok()
}
