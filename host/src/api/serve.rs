//! Listening, with or without TLS, until told to stop.

use super::{Api, openapi, router, routes};
use crate::activities::Implementations;
use crate::config::{Server, Tls};
use crate::console::Console;
use crate::oauth::Authenticator;
use crate::runs::Host;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a client may take to send the headers of a request.
const HEADERS: Duration = Duration::from_secs(10);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration has no `[server]`.
    #[error(
        "there is no [server] in the configuration; add it, with [server.issuer] or [server.oidc]"
    )]
    NoServer,
    /// The address cannot be had.
    #[error("{0} cannot be listened on: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// The issuer cannot be set up.
    #[error("{0:#}")]
    Issuer(anyhow::Error),
}

/// A server that runs.
pub struct Serving {
    address: SocketAddr,
    url: String,
    handle: Handle<SocketAddr>,
    task: JoinHandle<std::io::Result<()>>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Serving {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it is reached: `public-url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops taking requests, waits for those that are under way and for runs
    /// that they started, at most `grace`, and ends.
    ///
    /// # Errors
    ///
    /// Why it had ended by itself.
    pub async fn stop(self, grace: Duration) -> std::io::Result<()> {
        self.stopping.cancel();
        self.handle.graceful_shutdown(Some(grace));
        let ended = self.task.await.unwrap_or_else(|error| Err(error.into()));
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("calls were still under way when the server stopped");
        }
        ended
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    ///
    /// Why it ended.
    pub async fn ended(&mut self) -> std::io::Result<()> {
        (&mut self.task)
            .await
            .unwrap_or_else(|error| Err(error.into()))
    }
}

/// Starts the REST API on the address in `[server]`. Port 0 stands for any
/// free one.
///
/// # Errors
///
/// See [`ServeError`].
pub async fn start(host: Arc<Host>) -> Result<Serving, ServeError> {
    let mut server = host
        .live()
        .with(|config| config.server.clone())
        .ok_or(ServeError::NoServer)?;
    let busy = |error| ServeError::Listen(server.listen, error);
    let listener = TcpListener::bind(server.listen).map_err(busy)?;
    listener.set_nonblocking(true).map_err(busy)?;
    let address = listener.local_addr().map_err(busy)?;
    if server.public_url.port() == Some(0) {
        // Fails only for URLs without a host, which this is not.
        let _ = server.public_url.set_port(Some(address.port()));
    }
    let tls = server.tls.as_ref().map(certificate).transpose()?;
    let Routed {
        router,
        tasks,
        stopping,
    } = router_for(host, &server)?;
    let handle = Handle::new();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    macro_rules! spawn {
        ($server:expr) => {{
            let mut listening = $server.handle(handle.clone());
            listening
                .http_builder()
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(Some(Duration::from_secs(30)))
                .max_concurrent_streams(64);
            tokio::spawn(async move { listening.serve(service).await })
        }};
    }
    let task = match tls {
        Some(tls) => {
            let tls = RustlsConfig::from_config(Arc::new(tls));
            spawn!(axum_server::from_tcp_rustls(listener, tls).map_err(busy)?)
        }
        None => spawn!(axum_server::from_tcp(listener).map_err(busy)?),
    };
    Ok(Serving {
        address,
        url: server.url(""),
        handle,
        task,
        tasks,
        stopping,
    })
}

/// What a server answers to.
pub(crate) struct Routed {
    pub(crate) router: Router,
    /// The work that must come to its end before the process does.
    tasks: TaskTracker,
    /// To be cancelled when it stops: what has no end by itself ends then.
    stopping: CancellationToken,
}

/// Everything that a server with these settings answers to.
pub(crate) fn router_for(host: Arc<Host>, server: &Server) -> Result<Routed, ServeError> {
    let authenticator = Authenticator::new(
        server,
        host.live().clone(),
        host.ledger().redactor().clone(),
        crate::egress::tls::config().map_err(ServeError::Issuer)?,
    )
    .map_err(ServeError::Issuer)?;
    let table = routes::table();
    let document = openapi::document(server, &table);
    let redactor = host.ledger().redactor().clone();
    let logins = authenticator.logins(server, host.live().clone(), redactor);
    let api = Arc::new(Api {
        host,
        authenticator,
        implementations: Implementations::collect(),
        tasks: TaskTracker::new(),
        openapi: document.to_string().into(),
        routes: table.into_iter().map(Arc::new).collect(),
        verifying: tokio::sync::Mutex::default(),
    });
    let stopping = CancellationToken::new();
    let console = match (logins, &server.console) {
        (Some(logins), Some(settings)) => {
            Console::new(api.clone(), logins, server, settings, stopping.clone())
                .map_err(ServeError::Issuer)?
                .routes()
        }
        _ => Router::new(),
    };
    Ok(Routed {
        router: router(&api, console),
        tasks: api.tasks.clone(),
        stopping,
    })
}

fn certificate(tls: &Tls) -> Result<rustls::ServerConfig, ServeError> {
    let failed = |path: &std::path::Path, why: &dyn std::fmt::Display| {
        ServeError::Tls(format!("{}: {why}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(&tls.certificate, &error))?;
    if chain.is_empty() {
        return Err(failed(&tls.certificate, &"it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.private_key)
        .map_err(|error| failed(&tls.private_key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| failed(&tls.certificate, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
