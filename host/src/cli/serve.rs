//! `koppel serve` and `koppel password`.

use super::Failure;
use super::output::{DIM, GREEN, Output};
use super::run::watch;
use crate::api::Serving;
use crate::oauth::password;
use crate::runs::Host;
use crate::telemetry;
use secrecy::zeroize::Zeroizing;
use serde_json::json;
use std::io::{IsTerminal, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// `koppel serve`: until SIGTERM or SIGINT.
pub(super) async fn serve(host: Host, out: &Output) -> Result<(), Failure> {
    let host = Arc::new(host);
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let _watching = watch(&host);
    let metrics = host.live().with(|config| config.telemetry.metrics.clone());
    let metrics = metrics
        .map(|metrics| telemetry::listen(host.clone(), &metrics))
        .transpose()
        .map_err(Failure::Failed)?;
    let has_server = host.live().with(|config| config.server.is_some());
    let serving = if has_server {
        Some(crate::api::start(host.clone()).await?)
    } else {
        None
    };
    let working = host.work();
    let has_console = host.live().with(|config| {
        let server = config.server.as_ref();
        server.is_some_and(|server| server.console.is_some())
    });
    let console = serving
        .as_ref()
        .filter(|_| has_console)
        .map(|serving| format!("{}/console", serving.url()));
    out.result(
        &json!({
            "listening": serving.as_ref().map(Serving::address),
            "url": serving.as_ref().map(Serving::url),
            "console": console,
            "workers": host.live().with(|config| config.queue.workers),
            "metrics": metrics.as_ref().map(telemetry::Listening::address),
        }),
        || match &serving {
            Some(serving) => {
                anstream::println!(
                    "{GREEN}serving{GREEN:#} {} {DIM}on {}{DIM:#}",
                    serving.url(),
                    serving.address()
                );
                if let Some(console) = &console {
                    anstream::println!("{GREEN}console{GREEN:#} {console}");
                }
            }
            None => anstream::println!(
                "{GREEN}working{GREEN:#} on the queue {DIM}there is no [server] in the configuration, so there is no REST API{DIM:#}"
            ),
        },
    );
    let mut serving = serving;
    // Why it stops, and whether others get notice of it.
    let (ended, notice) = tokio::select! {
        ended = ended(&mut serving) => (Some(ended), false),
        _ = terminate.recv() => (None, true),
        _ = interrupt.recv() => (None, false),
    };
    tracing::info!("stopping");
    host.drain();
    let (drain, of_server) = host.live().with(|config| {
        let server = config.server.as_ref();
        let notice = server.map_or(0, |server| server.notice_seconds);
        (config.queue.drain_seconds, notice)
    });
    let drain = Duration::from_secs(drain.into());
    let notice = Duration::from_secs(if notice { of_server.into() } else { 0 });
    let served = async {
        match (ended, serving) {
            (Some(ended), _) => ended.map_err(failed),
            (None, Some(serving)) => {
                tokio::time::sleep(notice).await;
                serving.stop(drain).await.map_err(failed)
            }
            (None, None) => Ok(()),
        }
    };
    let stopped = async { tokio::join!(served, working.stop(drain)).0 };
    tokio::select! {
        stopped = stopped => stopped,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// Waits until a server ends by itself; for ever if there is none.
async fn ended(serving: &mut Option<Serving>) -> std::io::Result<()> {
    match serving {
        Some(serving) => serving.ended().await,
        None => std::future::pending().await,
    }
}

/// `koppel password`: the hash of a password that is typed twice, or of what
/// standard input holds.
pub(super) fn password(out: &Output) -> Result<(), Failure> {
    let input = |error: std::io::Error| Failure::Input(error.to_string());
    let mut stdin = std::io::stdin();
    let typed = if stdin.is_terminal() {
        let prompt = |text| rpassword::prompt_password(text).map(Zeroizing::new);
        let first = prompt("Password: ").map_err(input)?;
        let again = prompt("Again: ").map_err(input)?;
        if first != again {
            return Err(Failure::Input("the two are not the same".to_owned()));
        }
        first
    } else {
        let mut text = Zeroizing::new(String::new());
        stdin.read_to_string(&mut text).map_err(input)?;
        Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
    };
    let hash = password::hash(&typed).map_err(Failure::Input)?;
    out.result(&json!({"password-hash": hash}), || {
        anstream::println!("password-hash = \"{hash}\"");
    });
    Ok(())
}
