//! The REST API beside a handler of the same framework that reads the same and
//! asks nobody.

use crate::calls::threads;
use crate::http::{Asking, CONNECTIONS, ask, connect};
use crate::measure::{Rated, rates};
use crate::report::{Report, Target};
use crate::setup::{Koppel, USER, all, configuration};
use anyhow::{Context, Result};
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::http::request::Builder;
use hyper::{Method, Request, Response};
use koppel_host::catalogue::id;
use koppel_host::platform::seed;
use koppel_host::runs::Host;
use koppel_host::wire::envelope::Single;
use koppel_host::wire::journal_runs::JournalRun;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use uuid::Uuid;

const APPLICATION: &str = "9f3c0b8e-2f54-4bd1-9a58-5d5a2f7f3f10";
const BACK: &str = "https://hr.example/back";
const PASSWORD: &str = "correct horse battery";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let two = threads(2)?;
    report.group("REST");
    let hash = koppel_host::oauth::password::hash(PASSWORD).map_err(anyhow::Error::msg)?;
    let text = configuration(&format!(
        "[clients.hr-portal]\napplication = {{ id = \"{APPLICATION}\", redirect-uris = [\"{BACK}\"] }}\nactivities = {}\n\
         [server]\nlisten = \"127.0.0.1:0\"\n[server.issuer]\n",
        all()
    ))
    .replace("\nkind = ", &format!("\npassword-hash = \"{hash}\"\nkind = "));
    let koppel = two.block_on(Koppel::start(&text))?;
    let host = koppel.host.clone();
    let serving = two.block_on(koppel_host::api::start(host.clone()))?;
    let token = two.block_on(log_in(serving.address()))?;
    let plain = two.block_on(plain(host))?;
    let path = id::GetJournalRunByJournalRunId.row().path;
    let run = seed::journal_run_id(1, 6).to_string();
    let path = format!("/v2{}", path.replace("{journalrunId}", &run));
    let with = get(&path).header("authorization", format!("Bearer {token}"));
    let with = two.block_on(Asking::of(serving.address(), with, String::new()))?;
    let without = get(&format!("/journal-runs/{run}"));
    let without = two.block_on(Asking::of(plain, without, String::new()))?;
    let [without, with] = rates(
        CONNECTIONS,
        [
            Some(Rated::new(&two, &without, ask)),
            Some(Rated::new(&two, &with, ask)),
        ],
    )
    .map(|rate| rate.median);
    report.times(
        "reads of a journal run: token, five checks; time of each",
        "plain handler",
        1.0 / without,
        1.0 / with,
        Target::None,
    );
    report.rates("the same", "plain handler", without, with, Target::None);
    Ok(())
}

fn get(path: &str) -> Builder {
    Request::get(path).header("accept", "application/json;version=2018-01-01")
}

/// A server that reads the same, and asks nobody.
async fn plain(host: Arc<Host>) -> Result<SocketAddr> {
    async fn read(State(host): State<Arc<Host>>, Path(id): Path<Uuid>) -> impl IntoResponse {
        let run = host
            .platform()
            .journal_run(id)
            .await
            .expect("a journal run");
        axum::Json(Single::new(JournalRun::from(Arc::unwrap_or_clone(run))))
    }
    let router = axum::Router::new()
        .route("/journal-runs/{id}", axum::routing::get(read))
        .with_state(host);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// The access token of the user, by way of the login page.
async fn log_in(address: SocketAddr) -> Result<String> {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let query = form(&[
        ("response_type", "code"),
        ("client_id", "hr-portal"),
        ("redirect_uri", BACK),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "x"),
    ]);
    let page = send(
        address,
        Method::GET,
        &format!("/oauth/authorize?{query}"),
        "",
        "",
    )
    .await?;
    let cookie = header(&page.0, "set-cookie")?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    let ticket = page.1.split("name=\"ticket\" value=\"").nth(1);
    let ticket = ticket
        .and_then(|rest| rest.split('"').next())
        .context(page.1.clone())?;
    let fields = form(&[("ticket", ticket), ("user", USER), ("password", PASSWORD)]);
    let sent = send(address, Method::POST, "/oauth/authorize", cookie, &fields).await?;
    let location = header(&sent.0, "location")?;
    let code = location.split("code=").nth(1).context(location.clone())?;
    let code = code.split('&').next().unwrap_or_default();
    let fields = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", "hr-portal"),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", BACK),
    ]);
    let (_, body) = send(address, Method::POST, "/oauth/token", "", &fields).await?;
    let body: serde_json::Value = serde_json::from_str(&body)?;
    let token = body["access_token"].as_str().context(body.to_string())?;
    Ok(token.to_owned())
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn header(of: &Response<()>, name: &str) -> Result<String> {
    let value = of
        .headers()
        .get(name)
        .with_context(|| format!("{name}: {of:?}"))?;
    Ok(value.to_str()?.to_owned())
}

async fn send(
    address: SocketAddr,
    method: Method,
    path: &str,
    cookie: &str,
    body: &str,
) -> Result<(Response<()>, String)> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", cookie)
        .body(Full::new(Bytes::from(body.to_owned())))?;
    let response = connect(address).await?.send_request(request).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok((
        Response::from_parts(parts, ()),
        String::from_utf8(body.to_vec())?,
    ))
}
