//! Answering HTTP requests, beside `wasmtime serve`: for each a fresh instance
//! of a guest that reads a query and answers. Each server is a process of its
//! own.

use crate::calls::{NEVER, threads};
use crate::http::{Asking, CONNECTIONS, ask};
use crate::measure::{Rated, Timed, medians, rates};
use crate::report::{Report, Target};
use crate::setup::{ASKS, Koppel, Process, asks, component, configuration};
use anyhow::{Context, Result};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::{Request, StatusCode};
use koppel_host::runs::{Host, Job, Output, RunRequest};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The argument with which this program is told to serve.
const CHILD: &str = "--serve";

/// What both servers say when they listen.
const LISTENS: &str = "http://";

pub(crate) fn measure(report: &mut Report, lasting: Duration) -> Result<()> {
    let (Some(program), guest) = (wasmtime(), component("benches/asks-http.wasm")) else {
        return Ok(());
    };
    let two = threads(2)?;
    report.group("HTTP");
    let koppel = two.block_on(Koppel::start(&configuration(&asks(ASKS))))?;
    let mut serve = Command::new(program);
    // The standard library of its guest imports what a command has.
    serve.args(["serve", "-S", "cli", "--addr", "127.0.0.1:0"]);
    // The allocator that koppel has.
    serve.args(["-O", "pooling-allocator=y"]).arg(guest);
    let wasmtime = Server::start(serve)?;
    let mut own = Command::new(std::env::current_exe()?);
    own.arg(CHILD).arg(koppel.dir.path());
    // It opens what is there now.
    drop(koppel.host);
    let own = Server::start(own)?;
    let asking = |server: &Server| {
        let request = Request::post("/");
        two.block_on(Asking::of(server.address, request, NEVER.to_owned()))
    };
    let (beside, koppel) = (asking(&wasmtime)?, asking(&own)?);
    let [beside_one, koppel_one] = medians(
        &two,
        lasting,
        [
            Timed::one(|| ask(beside.clone())),
            Timed::one(|| ask(koppel.clone())),
        ],
    );
    report.times(
        "a request: fresh instance; koppel: a run, in the ledger on disk",
        "`wasmtime serve`",
        beside_one,
        koppel_one,
        Target::None,
    );
    let [beside, koppel] = rates(
        CONNECTIONS,
        [
            Some(Rated::new(&two, &beside, ask)),
            Some(Rated::new(&two, &koppel, ask)),
        ],
    )
    .map(|rate| rate.median);
    report.rates(
        &format!("requests, {CONNECTIONS} at a time"),
        "`wasmtime serve`",
        beside,
        koppel,
        Target::None,
    );
    Ok(())
}

/// The command of the engine, if it was installed.
fn wasmtime() -> Option<PathBuf> {
    std::env::var_os("KOPPEL_WASMTIME").map(PathBuf::from)
}

/// A server in a process of its own, which ends with this.
struct Server {
    _process: Process,
    address: SocketAddr,
}

impl Server {
    /// Starts one, and waits until it says where it listens.
    fn start(mut command: Command) -> Result<Self> {
        let mut process = Process(command.stderr(Stdio::piped()).spawn()?);
        let said = process.0.stderr.take().context("what it says")?;
        let mut said = BufReader::new(said);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if said.read_line(&mut line)? == 0 {
                anyhow::bail!("{command:?} does not serve");
            }
            if let Some((_, address)) = line.split_once(LISTENS) {
                break address.trim().trim_end_matches('/').parse()?;
            }
        };
        // It may say more; nobody reads it.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Ok(Self {
            _process: process,
            address,
        })
    }
}

/// Serves in a folder that was made ready: each request is a run of the guest,
/// with its body as the query.
pub(crate) fn serve(folder: &Path) -> Result<()> {
    threads(2)?.block_on(async {
        let host = Koppel::started(folder)?;
        let router = axum::Router::new()
            .route("/", axum::routing::post(run))
            .with_state(Arc::new(host));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        eprintln!("serving on {LISTENS}{}/", listener.local_addr()?);
        axum::serve(listener, router).await?;
        Ok(())
    })
}

async fn run(State(host): State<Arc<Host>>, query: String) -> Response {
    let report = host
        .run(RunRequest {
            client: ASKS.to_owned(),
            user: crate::setup::USER.to_owned(),
            employer: crate::setup::employer(),
            job: Job::Lookup(query),
        })
        .await;
    match report.outcome {
        Ok(Output::Lookup { answer, .. }) => axum::Json(answer).into_response(),
        other => (StatusCode::INTERNAL_SERVER_ERROR, format!("{other:?}")).into_response(),
    }
}
