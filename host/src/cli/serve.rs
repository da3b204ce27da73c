//! `koppel serve` and `koppel password`.

use super::Failure;
use super::output::{DIM, GREEN, Output};
use super::run::watch;
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
    let mut serving = crate::api::start(host).await?;
    out.result(
        &json!({"listening": serving.address(), "url": serving.url()}),
        || {
            anstream::println!(
                "{GREEN}serving{GREEN:#} {} {DIM}on {}{DIM:#}",
                serving.url(),
                serving.address()
            );
        },
    );
    let ended = tokio::select! {
        ended = serving.ended() => Some(ended),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    match ended {
        Some(ended) => ended.map_err(failed),
        None => {
            tracing::info!("stopping");
            serving.stop(GRACE).await.map_err(failed)
        }
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
