//! `koppel serve` and `koppel password`.

use super::Failure;
use super::output::{DIM, GREEN, Output};
use super::run::watch;
use crate::api::Serving;
use crate::oauth::password;
use crate::runs::Host;
use secrecy::zeroize::Zeroizing;
use serde_json::json;
use std::io::{IsTerminal, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long calls that are under way may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(30);

/// `koppel serve`: until SIGTERM or SIGINT.
pub(super) async fn serve(host: Host, out: &Output) -> Result<(), Failure> {
    let host = Arc::new(host);
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let _watching = watch(&host);
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
    let ended = tokio::select! {
        ended = ended(&mut serving) => Some(ended),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    tracing::info!("stopping");
    let stopped = async {
        match (ended, serving) {
            (Some(ended), _) => ended.map_err(failed),
            (None, Some(serving)) => serving.stop(GRACE).await.map_err(failed),
            (None, None) => Ok(()),
        }
    };
    let (stopped, ()) = tokio::join!(stopped, working.stop(GRACE));
    stopped
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
