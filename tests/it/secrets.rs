//! Every secret of a configuration, looked for in everything that koppel
//! writes: results, errors and logs at their most talkative, the ledger and all
//! other files, replies of the REST API, and what a connector gets.

mod forms;
mod party;

use crate::harness::{
    ANNA, TestHost, all_activities, client, configuration, employer, repository,
    upstream_configuration,
};
use crate::loket::{self, Loket, instead};
use crate::outside::walk;
use forms::find;
use koppel_host::platform::seed;
use party::{Mutual, mutual, plain};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Characters that the spellings differ in.
const IN_VARIABLE: &str = "tok/en+Env=7f%3~9&";
const IN_FILE: &str = "fi le+k\u{e9}y=\"5\"&<x>";
const IN_KEYRING: &str = "ring-9a1b/2c+3d==";
/// What cannot be used, and must not be quoted in the error.
const BROKEN: &str = "br0ken\nsecret-line";
const OF_APPLICATION: &str = "app+s3cret/of the portal";
const PASSWORD: &str = "correct horse battery";
const WRONG: &str = "wrong-but-near-pa55word";

/// Everything, but for the compiler: it sees components only, and writes
/// hundreds of megabytes about each.
const LOG: &str = "trace,cranelift_codegen=off,cranelift_frontend=off,wasmtime_internal_cranelift=off,wasmtime_environ=off,regalloc2=off";

/// Names of secrets with their values.
type Secrets = Vec<(&'static str, String)>;

/// A folder in which commands run, all their output, and where secrets are
/// allowed to be.
struct Scene {
    dir: PathBuf,
    written: Vec<(String, Vec<u8>)>,
    sources: Vec<PathBuf>,
}

impl Scene {
    fn new(dir: &Path) -> Self {
        let sources = vec![dir.join("platform.toml"), dir.join("secrets")];
        Self {
            dir: dir.to_owned(),
            written: Vec::new(),
            sources,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koppel"));
        command
            .current_dir(&self.dir)
            .env("NO_COLOR", "1")
            .env("KOPPEL_LOG", LOG)
            .env("KOPPEL_TEST_TOKEN", IN_VARIABLE)
            .args(arguments);
        command
    }

    /// Runs a command, and keeps what it writes.
    fn koppel(&mut self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let name = arguments.join(" ");
        self.keep(&format!("output of {name}"), &output.stdout);
        self.keep(&format!("errors of {name}"), &output.stderr);
        output
    }

    fn run(&mut self, client: &str, query: &Value) -> Output {
        let (employer, query) = (employer(1).to_string(), query.to_string());
        let run = ["run", client, "--user", ANNA, "--employer", &employer];
        let run = [&run[..], &["--lookup", &query]].concat();
        self.koppel(&run);
        self.koppel(&[&["--json"][..], &run].concat())
    }

    fn keep(&mut self, name: &str, bytes: &[u8]) {
        self.written.push((name.to_owned(), bytes.to_vec()));
    }

    /// Every row of the ledger, as people read it.
    fn read_ledger(&mut self) {
        let verified = self.koppel(&["--json", "ledger", "verify"]);
        let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
        for row in 1..=verified["rows"].as_u64().unwrap() {
            self.koppel(&["messages", &row.to_string()]);
        }
        for list in ["messages", "denials", "alarms", "clients"] {
            self.koppel(&[list]);
            self.koppel(&["--json", list]);
        }
        self.koppel(&["validate"]);
    }

    /// None of the secrets is in anything that was written.
    #[track_caller]
    fn holds_none(&self, secrets: &Secrets) {
        for (name, bytes) in &self.written {
            absent(name, bytes, secrets);
        }
        for file in walk(&self.dir) {
            if !self.sources.iter().any(|source| file.starts_with(source)) {
                let bytes = std::fs::read(&file).unwrap();
                absent(&file.display().to_string(), &bytes, secrets);
            }
        }
    }
}

#[track_caller]
fn absent(name: &str, bytes: &[u8], secrets: &Secrets) {
    if let Some((secret, form)) = find(bytes, secrets) {
        let at = memchr::memmem::find(bytes, form.as_bytes()).unwrap();
        let around = &bytes[at.saturating_sub(300)..bytes.len().min(at + 100)];
        panic!(
            "the {secret} is in {name} as {form}:\n{}",
            String::from_utf8_lossy(around)
        );
    }
}

/// A key in the keyring of this user, removed in the end. None where the kernel
/// gives none, as in many containers.
#[cfg(target_os = "linux")]
struct Key(linux_keyutils::Key);

#[cfg(target_os = "linux")]
impl Key {
    fn add(name: &str, secret: &str) -> Option<Self> {
        use linux_keyutils::{KeyRing, KeyRingIdentifier};
        let ring = KeyRing::from_special_id(KeyRingIdentifier::User, true);
        match ring.and_then(|ring| ring.add_key(name, secret)) {
            Ok(key) => Some(Self(key)),
            Err(error) => {
                eprintln!("skipped: this kernel gives no keyring: {error}");
                None
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Key {
    fn drop(&mut self) {
        let _ = self.0.invalidate();
    }
}

/// The connector and its credentials.
fn clients(port: u16, mutual: &Mutual, keyring: &str) -> String {
    let rule = |path: &str, credential: &str| {
        format!(
            "{{ allow = \"http://127.0.0.1:{port}/{path}/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", credential = \"{credential}\", allow-private-addresses = true }}"
        )
    };
    let rules = ["variable", "file", "keyring", "broken", "missing"].map(|name| rule(name, name));
    let more = format!(
        "{}\nhttp = [{},\n{{ allow = \"https://127.0.0.1:{}/*\", methods = [\"GET\"], activity = \"PostSendJournalRunExportByJournalRunId\", credential = \"certificate\", allow-private-addresses = true, trusted-roots = \"roots.pem\" }}]\n\
         exports = {{ directory = \"exports\", quota-bytes = 1000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}",
        all_activities(),
        rules.join(",\n"),
        mutual.port,
    );
    client("hostile", &more)
        + &format!(
            r#"
[credentials.variable]
header = "authorization"
scheme = "Bearer"
value = {{ env = "KOPPEL_TEST_TOKEN" }}
[credentials.file]
query = "key"
value = {{ file = "secrets/key" }}
[credentials.keyring]
header = "x-api-token"
value = {keyring}
[credentials.broken]
header = "x-api-token"
value = {{ file = "secrets/broken" }}
[credentials.missing]
header = "x-api-token"
value = {{ keyring = "koppel-test-no-such-key" }}
[credentials.certificate]
certificate = {{ file = "client.pem" }}
private-key = {{ file = "secrets/client-key" }}
"#
        )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_credential_is_in_anything_that_koppel_writes() {
    assert!(repository().join("dist/guests/hostile.wasm").exists());
    let ((port, seen), mutual) = (plain().await, mutual().await);
    let name = format!("koppel-test-{}", uuid::Uuid::now_v7());
    #[cfg(target_os = "linux")]
    let key = Key::add(&name, IN_KEYRING);
    #[cfg(not(target_os = "linux"))]
    let key: Option<()> = None;
    let keyring = match &key {
        Some(_) => format!("{{ keyring = \"{name}\" }}"),
        None => "{ file = \"secrets/keyring\" }".to_owned(),
    };
    let text = configuration(&clients(port, &mutual, &keyring));
    let TestHost { dir, host } = TestHost::with(&text).await;
    drop(host);
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir(dir.path().join("secrets")).unwrap();
    put("secrets/key", IN_FILE);
    put("secrets/keyring", IN_KEYRING);
    put("secrets/broken", BROKEN);
    put("secrets/client-key", &mutual.key);
    put("client.pem", &mutual.certificate);
    put("roots.pem", &mutual.authority);

    let mut scene = Scene::new(dir.path());
    let base = format!("http://127.0.0.1:{port}");
    for path in ["variable", "file", "keyring"] {
        for end in ["here", "away"] {
            let url = format!("{base}/{path}/{end}");
            let request = json!({"attack": "request", "url": url});
            let output = scene.run("hostile", &request);
            let text = String::from_utf8_lossy(&output.stdout);
            // It did reach the party, and came back.
            let refused = text.contains("\"status\": 400") && text.contains("[redacted]");
            assert!(end == "away" || refused, "{path}: {text}");
        }
    }
    for secret in [IN_VARIABLE, IN_FILE, IN_KEYRING] {
        let seen = seen.lock().unwrap();
        assert!(
            seen.iter().any(|value| value == secret),
            "{secret} was not sent"
        );
    }
    let url = format!("https://127.0.0.1:{}/here", mutual.port);
    scene.run("hostile", &json!({"attack": "request", "url": url}));
    assert!(!mutual.seen.lock().unwrap().is_empty());
    for path in ["broken", "missing"] {
        let url = format!("{base}/{path}/here");
        scene.run("hostile", &json!({"attack": "request", "url": url}));
    }
    // What the connector was given goes where it can: files, its log, errors.
    scene.run("hostile", &json!({"attack": "export", "name": "a.txt"}));
    scene.run("hostile", &json!({"attack": "look-around"}));
    scene.run("hostile", &json!({"attack": "panic"}));
    scene.read_ledger();
    // A secret that someone wrote into the file itself.
    for line in [
        format!("value = {IN_FILE:?}"),
        format!("value = {{ env = {IN_FILE:?}, file = \"a\" }}"),
        format!("value = {{ token = {IN_FILE:?} }}"),
        format!("value = [{IN_FILE:?}]"),
    ] {
        put(
            "secrets/inline.toml",
            &format!("[platform]\n[credentials.a]\nheader = \"a\"\n{line}\n"),
        );
        let refused = scene.koppel(&["validate", "secrets/inline.toml"]);
        assert_eq!(refused.status.code(), Some(3), "{line}");
    }
    let mut secrets = vec![
        ("secret in a variable", IN_VARIABLE.to_owned()),
        ("secret in a file", IN_FILE.to_owned()),
        ("secret in the keyring", IN_KEYRING.to_owned()),
        ("second line of the broken secret", "secret-line".to_owned()),
        ("first line of the broken secret", "br0ken".to_owned()),
    ];
    let lines = mutual.key.lines().filter(|line| !line.starts_with("---"));
    secrets.extend(lines.map(|line| ("private key", line.to_owned())));
    scene.holds_none(&secrets);
    // The log was as talkative as it gets.
    let logged = |text: &[u8]| {
        let errors = scene
            .written
            .iter()
            .filter(|(name, _)| name.starts_with("errors of"));
        errors
            .filter(|(_, bytes)| memchr::memmem::find(bytes, text).is_some())
            .count()
    };
    assert!(logged(b"TRACE") > 10);
}

/// `koppel serve`, killed when a test ends early.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the REST API answers, and whether it may hold tokens.
struct Caller<'a> {
    url: String,
    http: reqwest::Client,
    scene: &'a mut Scene,
}

impl Caller<'_> {
    async fn send(&mut self, name: &str, request: reqwest::RequestBuilder) -> (String, String) {
        let response = request.send().await.unwrap();
        let head = format!("{} {:?}", response.status(), response.headers());
        let body = response.text().await.unwrap();
        if !name.starts_with("tokens") {
            self.scene.keep(name, format!("{head}\n{body}").as_bytes());
        }
        (head, body)
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.http
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }

    /// Logs in with a password, and gives the code.
    async fn code(&mut self, password: &str) -> Option<String> {
        let query = crate::rest::authorization(&[]);
        let url = format!("{}/oauth/authorize", self.url);
        let url = url::Url::parse_with_params(&url, query).unwrap();
        let page = self.http.get(url).send().await.unwrap();
        let cookie = page.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let page = page.text().await.unwrap();
        let ticket = page.split("name=\"ticket\" value=\"").nth(1).unwrap();
        let ticket = ticket.split('"').next().unwrap();
        let fields = [("ticket", ticket), ("user", ANNA), ("password", password)];
        let request = self
            .post("/oauth/authorize", &fields)
            .header("cookie", cookie);
        let (head, _) = self.send("tokens: log-in", request).await;
        let code = head.split("code=").nth(1)?;
        Some(code.split(['&', '"']).next().unwrap().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_secret_of_the_rest_api_is_in_anything_that_koppel_writes() {
    let text = crate::rest::issuing("").replace(
        &format!("id = \"{}\"", crate::rest::APPLICATION),
        &format!(
            "id = \"{}\", secret = {{ file = \"secrets/application\" }}",
            crate::rest::APPLICATION
        ),
    );
    let TestHost { dir, host } = TestHost::with(&text).await;
    drop(host);
    std::fs::create_dir(dir.path().join("secrets")).unwrap();
    std::fs::write(dir.path().join("secrets/application"), OF_APPLICATION).unwrap();
    let mut scene = Scene::new(dir.path());
    let signing_key = dir.path().join("data/signing-key.pem");
    scene.sources.push(signing_key.clone());
    let log = dir.path().join("serve.log");
    let mut command = scene.command(&["--json", "serve"]);
    command
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap());
    let mut serving = Serving(command.spawn().unwrap());
    let stdout = BufReader::new(serving.0.stdout.take().unwrap());
    let url = stdout
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            line.trim()
                .strip_prefix("\"url\": \"")?
                .split('"')
                .next()
                .map(ToOwned::to_owned)
        })
        .unwrap();

    let http = crate::rest::http();
    let mut caller = Caller {
        url,
        http,
        scene: &mut scene,
    };
    assert_eq!(caller.code(WRONG).await, None);
    let code = caller.code(PASSWORD).await.unwrap();
    let exchange = |secret: &str| {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "hr-portal"),
            ("client_secret", secret),
            ("code", &code),
            ("code_verifier", crate::rest::VERIFIER),
            ("redirect_uri", crate::rest::BACK),
        ];
        caller.post("/oauth/token", &fields)
    };
    let (wrong, right) = (exchange(WRONG), exchange(OF_APPLICATION));
    caller.send("token endpoint, wrong secret", wrong).await;
    let (_, tokens) = caller.send("tokens: the right secret", right).await;
    let tokens: Value = serde_json::from_str(&tokens).unwrap();
    let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let (access, refresh) = (token("access_token"), token("refresh_token"));
    let get = |path: &str, token: &str| {
        let request = caller.http.get(format!("{}{path}", caller.url));
        request
            .bearer_auth(token)
            .header("accept", "application/json;version=2025-01-01")
    };
    let other = format!("/v2/providers/employers/{}", employer(4));
    let requests = [
        ("employers", get("/v2/providers/employers", &access)),
        ("another employer", get(&other, &access)),
        (
            "a token that is not good",
            get("/v2/providers/employers", &format!("{access}x")),
        ),
        (
            "a token in the path",
            get(&format!("/v2/{access}"), &access),
        ),
        (
            "a token in the query",
            get(
                &format!("/v2/providers/employers?access_token={access}"),
                &access,
            ),
        ),
        ("the document", get("/openapi.json", &access)),
        ("the keys", get("/oauth/jwks", &access)),
    ];
    let mut echoed = Vec::new();
    for (name, request) in requests {
        let (head, body) = caller.send(&format!("tokens: {name}"), request).await;
        // What a caller wrote itself may come back to it; nothing else.
        if !name.starts_with("a token in") {
            echoed.push((name, format!("{head}\n{body}")));
        }
    }
    let basic = caller
        .post(
            "/oauth/token",
            &[("grant_type", "refresh_token"), ("refresh_token", &refresh)],
        )
        .basic_auth("hr-portal", Some(OF_APPLICATION.replace('+', "%2B")));
    let (_, refreshed) = caller.send("tokens: refreshed", basic).await;
    let refreshed: Value = serde_json::from_str(&refreshed).unwrap();
    let second = refreshed["refresh_token"].as_str().unwrap().to_owned();
    let fields = [
        ("token", &*second),
        ("client_id", "hr-portal"),
        ("client_secret", OF_APPLICATION),
    ];
    let revoke = caller.post("/oauth/revoke", &fields);
    caller.send("revoked", revoke).await;
    let id = serving.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(serving.0.wait().unwrap().success());

    scene.read_ledger();
    let hash = text.split("password-hash = \"").nth(1).unwrap();
    let mut secrets = vec![
        ("secret of the application", OF_APPLICATION.to_owned()),
        ("password", PASSWORD.to_owned()),
        ("wrong password", WRONG.to_owned()),
        (
            "hash of the password",
            hash.split('"').next().unwrap().to_owned(),
        ),
        ("code", code),
        ("access token", access.clone()),
        ("refresh token", refresh),
        ("second refresh token", second),
    ];
    let key = std::fs::read_to_string(signing_key).unwrap();
    let lines = key.lines().filter(|line| !line.starts_with("---"));
    secrets.extend(lines.map(|line| ("signing key", line.to_owned())));
    for (name, reply) in &echoed {
        absent(name, reply.as_bytes(), &secrets);
    }
    scene.holds_none(&secrets);
    assert!(std::fs::read_to_string(log).unwrap().contains("TRACE"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_token_of_another_platform_is_in_anything_that_koppel_writes() {
    let loket = Loket::start().await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("secrets")).unwrap();
    let text = upstream_configuration(&loket.url, &client("probe", &all_activities()), "")
        .replace("file = \"client-secret\"", "file = \"secrets/client\"")
        .replace("file = \"refresh-token\"", "file = \"secrets/refresh\"");
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    put("platform.toml", &text);
    put("secrets/client", loket::CLIENT_SECRET);
    put("secrets/refresh", &loket.told(|told| told.refresh.clone()));
    let mut scene = Scene::new(dir.path());
    // It must keep the newest refresh token.
    scene.sources.push(dir.path().join("data/token.json"));
    let mut secrets = vec![
        ("client secret", loket::CLIENT_SECRET.to_owned()),
        ("refresh token", loket.told(|told| told.refresh.clone())),
    ];
    let employer = json!({"activity": "GetEmployerByEmployerId", "id": employer(1)});
    scene.run("probe", &employer);
    let run = json!({"activity": "GetJournalRunByJournalRunId", "id": seed::journal_run_id(1, 6)});
    scene.run("probe", &run);
    // A platform that repeats tokens in what it says.
    for status in [401, 403, 404, 500] {
        let said = json!({"message": "the token was {token}"});
        let again = (0..4).map(|_| instead(status, said.clone()).header("x-token", "{token}"));
        loket.next(again);
        scene.run("probe", &employer);
        loket.told(|told| told.instead.clear());
    }
    let denied = scene.koppel(&["--json", "denials"]);
    let denied = String::from_utf8(denied.stdout).unwrap();
    assert!(denied.contains("the token was"), "{denied}");
    put("secrets/refresh", "another-refresh-token");
    secrets.push(("wrong refresh token", "another-refresh-token".to_owned()));
    scene.run("probe", &employer);
    scene.read_ledger();
    let tokens = loket.told(|told| told.tokens.clone());
    assert!(tokens.len() > 3, "{tokens:?}");
    let tokens = tokens
        .iter()
        .map(|token| token.trim_start_matches("Bearer "));
    secrets.extend(tokens.map(|token| ("access token", token.to_owned())));
    secrets.push((
        "last refresh token",
        loket.told(|told| told.refresh.clone()),
    ));
    scene.holds_none(&secrets);
}
