//! Outside parties that repeat all that reaches them, in every spelling.

use super::forms::forms;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// What reached a party: every header and parameter of the query.
pub(super) type Seen = Arc<Mutex<Vec<String>>>;

async fn repeat(seen: Seen, uri: Uri, headers: HeaderMap) -> Response {
    let query = uri.query().unwrap_or_default();
    let parameters = url::form_urlencoded::parse(query.as_bytes());
    let mut values: Vec<String> = parameters.map(|(_, value)| value.into_owned()).collect();
    values.extend(headers.values().map(|value| {
        let value = value.to_str().unwrap();
        value.strip_prefix("Bearer ").unwrap_or(value).to_owned()
    }));
    seen.lock().unwrap().extend(values.clone());
    let all: Vec<_> = values.iter().flat_map(|value| forms(value)).collect();
    let body = format!("{uri}\n{}", all.join("\n"));
    if uri.path().ends_with("/away") {
        // To where no rule allows a request, with what it got in the path.
        let there = values.iter().map(|value| {
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        });
        let there = format!("/elsewhere/{}", there.collect::<Vec<_>>().join("/"));
        return (StatusCode::FOUND, [(header::LOCATION, there)], body).into_response();
    }
    let headers = [("x-first", values.first()), ("x-last", values.last())]
        .map(|(name, value)| (name, value.cloned().unwrap_or_default()));
    (StatusCode::BAD_REQUEST, headers, body).into_response()
}

fn router() -> (Router, Seen) {
    let seen = Seen::default();
    let noted = seen.clone();
    let repeat = move |uri: Uri, headers: HeaderMap| repeat(noted.clone(), uri, headers);
    (Router::new().fallback(any(repeat)), seen)
}

/// A party over HTTP: its port, and what reached it.
pub(super) async fn plain() -> (u16, Seen) {
    let (router, seen) = router();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (port, seen)
}

/// A party that wants a client certificate.
pub(super) struct Mutual {
    pub(super) port: u16,
    pub(super) seen: Seen,
    /// PEM: the authority of its certificate, and the certificate and key of
    /// the client.
    pub(super) authority: String,
    pub(super) certificate: String,
    pub(super) key: String,
}

pub(super) async fn mutual() -> Mutual {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let issue = |name: &str, usage| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let (certificate, key) = issue("koppel.test", ExtendedKeyUsagePurpose::ClientAuth);
    let (own, own_key) = issue("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
        .unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(own.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(own_key.as_bytes()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (router, seen) = router();
    let tls = RustlsConfig::from_config(Arc::new(config));
    tokio::spawn(async move {
        axum_server::from_tcp_rustls(listener, tls)
            .unwrap()
            .serve(router.into_make_service())
            .await
            .unwrap();
    });
    Mutual {
        port,
        seen,
        authority,
        certificate,
        key,
    }
}
