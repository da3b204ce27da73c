//! NATS: the connection, and key-value buckets.

use crate::config::Nats;
use crate::ledger::Redactor;
use crate::secrets;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::{self, DiscardPolicy, StorageType};
use async_nats::jetstream::{self, Context};
use async_nats::{ConnectOptions, Event};
use secrecy::ExposeSecret;
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long an answer may take. Whoever is cut off must notice before its runs
/// are given to others.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that is waited before the server is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Connects. What is cut later is connected again, for ever.
///
/// # Errors
///
/// In words for the operator; never a secret.
pub(crate) async fn connect(config: &Nats, redactor: &Redactor) -> Result<Context, String> {
    let read = |key: &str, reference| {
        secrets::read(reference, redactor).map_err(|why| format!("[queue] {key}: {why}"))
    };
    let mut options = ConnectOptions::new()
        .name("koppel")
        .connection_timeout(PATIENCE)
        .request_timeout(Some(PATIENCE))
        .ping_interval(Duration::from_secs(5))
        .require_tls(config.tls)
        .reconnect_delay_callback(|attempts| {
            let shift = u32::try_from(attempts.min(8)).unwrap_or(8);
            Duration::from_millis(10 << shift).min(AGAIN)
        })
        .event_callback(|event| async move {
            match event {
                Event::Connected => tracing::info!("connected with NATS"),
                // The end of whoever opened it.
                Event::Closed => tracing::info!("the connection with NATS is closed"),
                event => tracing::warn!(%event, "NATS"),
            }
        });
    if let Some(password) = &config.password {
        let user = config.user.clone().unwrap_or_default();
        options =
            options.user_and_password(user, read("password", password)?.expose_secret().to_owned());
    }
    if let Some(token) = &config.token {
        options = options.token(read("token", token)?.expose_secret().to_owned());
    }
    if let Some(roots) = &config.trusted_roots {
        options = options.add_root_certificates(roots.clone());
    }
    let client = options
        .connect(config.url.as_str())
        .await
        .map_err(|error| redactor.text(format!("[queue] {}: {error}", config.url)))?;
    let mut context = jetstream::new(client);
    context.set_timeout(PATIENCE.min(config.ack_wait() / 3));
    Ok(context)
}

/// Opens a key-value bucket, or makes it of this shape.
pub(super) async fn bucket(
    context: &Context,
    name: &str,
    shape: stream::Config,
) -> Result<Store, String> {
    if let Ok(store) = context.get_key_value(name).await {
        return Ok(store);
    }
    // Made as the client does, which first asks the server for what one of
    // version 2.9 does not tell.
    let made = context.get_or_create_stream(stream::Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        ..shape
    });
    made.await.map_err(told)?;
    context.get_key_value(name).await.map_err(told)
}

/// What the server or the connection says.
pub(super) fn told(error: impl std::fmt::Display) -> String {
    format!("NATS: {error}")
}

/// How long is waited when something cannot be followed.
const UNREACHABLE: Duration = Duration::from_secs(1);

/// Follows something until the guard is dropped; again, when that ends with an
/// error.
pub(super) fn follow<F>(
    mut followed: impl FnMut() -> F + Send + 'static,
    failed: impl Fn(String) + Send + Sync + 'static,
) -> DropGuard
where
    F: Future<Output = Result<Infallible, String>> + Send,
{
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        let forever = async {
            loop {
                let Err(why) = followed().await;
                failed(why);
                tokio::time::sleep(UNREACHABLE).await;
            }
        };
        tokio::select! {
            () = forever => {}
            () = stopped.cancelled() => {}
        }
    });
    stop.drop_guard()
}
