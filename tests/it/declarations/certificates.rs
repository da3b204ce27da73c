//! Delivery to a party that requires a client certificate, from a certificate
//! authority of its own.

use super::{Chain, Gateway, TAX};
use crate::harness::{ANNA, TestHost};
use axum_server::tls_rustls::RustlsConfig;
use koppel_host::ledger::Kind;
use koppel_host::runs::{Job, RunReport};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, PEM.
struct Issued {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Issued {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    fn client(&self) -> Issued {
        self.issue("koppel.test", ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A server of this authority that lets nobody in without a certificate of
    /// it.
    async fn serve(&self) -> Gateway {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap();
        roots.add(root).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .unwrap();
        let server = self.issue("party.test", ExtendedKeyUsagePurpose::ServerAuth);
        let chain = vec![CertificateDer::from_pem_slice(server.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let gateway = Gateway::on(listener.local_addr().unwrap().port());
        let router = gateway.router();
        let config = RustlsConfig::from_config(Arc::new(config));
        tokio::spawn(async move {
            axum_server::from_tcp_rustls(listener, config)
                .unwrap()
                .serve(router.into_make_service())
                .await
                .unwrap();
        });
        gateway
    }
}

const RULE: &str =
    "allow-private-addresses = true, credential = \"gateway\", trusted-roots = \"roots.pem\"";

const CREDENTIAL: &str = "[credentials.gateway]\ncertificate = { file = \"client.pem\" }\nprivate-key = { file = \"client.key\" }\n";

/// The chain in front of a party that requires a certificate. The client's own
/// files lie beside the configuration.
async fn chain(authority: &Authority, client: &Issued, rule: &str) -> Chain {
    let gateway = authority.serve().await;
    let base = format!("https://party.test:{}", gateway.port);
    let clients = super::clients(&base, rule) + CREDENTIAL;
    let host = TestHost::new(&clients).await;
    let chain = Chain { host, gateway };
    chain.write("roots.pem", &authority.pem);
    chain.write("client.pem", &client.certificate);
    chain.write("client.key", &client.key);
    chain
}

impl Chain {
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.host.dir.path().join(name), text).unwrap();
    }

    /// A confirmed return, submitted.
    async fn submitted(&self) -> (uuid::Uuid, RunReport) {
        let id = self.created(TAX, 1).await;
        self.confirm(TAX, id).await;
        let report = self.submit(TAX, id).await;
        (id, report)
    }

    /// That nothing arrived, and that the log of the run says why.
    async fn nothing_arrived(&self, report: RunReport, id: uuid::Uuid, why: &str) {
        let log = format!("{:?}", report.log);
        assert!(log.contains(why), "{why}\n{log}");
        assert!(report.outcome.is_err(), "{:?}", report.outcome);
        assert_eq!(self.gateway.deliveries(), []);
        assert_eq!(self.show(TAX, id).await.status_text, "confirmed");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_delivered_with_the_certificate_whose_key_stays_in_the_host() {
    let authority = Authority::new();
    let client = authority.client();
    let chain = chain(&authority, &client, RULE).await;
    let (id, report) = chain.submitted().await;
    assert!(
        report.outcome.is_ok(),
        "{:?} {:?}",
        report.outcome,
        report.log
    );
    let (reference, bytes) = chain.gateway.deliveries().remove(0);
    assert_eq!(
        chain.show(TAX, id).await.message_sha256,
        Some(super::sha256(&bytes))
    );
    // What is fetched goes the same way.
    chain.gateway.respond(
        &reference,
        "A-1",
        &format!("<Responsemessage><Identification><RefersToMessageId>{reference}</RefersToMessageId><DatumTijdOntvangst>2022-02-18T16:06:39Z</DatumTijdOntvangst><ResponseType>acknowledgement</ResponseType></Identification></Responsemessage>"),
    );
    let polled = chain.run(TAX, Job::PollDeclaration(id)).await;
    assert!(polled.outcome.is_ok(), "{:?}", polled.outcome);

    // The key is in its own file and nowhere else: not in a database, not in
    // the log of a run, not in what is printed for debugging.
    let lines: Vec<&str> = client
        .key
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    let der = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).unwrap();
    let mut needles: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    // The private scalar lies within the structure.
    needles.push(&der.secret_der()[36..68]);
    for path in files(chain.host.dir.path()) {
        if path.ends_with("client.key") {
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        for needle in &needles {
            let found = content.windows(needle.len()).any(|part| part == *needle);
            assert!(!found, "{}", path.display());
        }
    }
    let config = chain.host.host.live().now();
    let shown = format!(
        "{:?} {report:?} {polled:?} {config:?}",
        chain.host.rows(&[]).await
    );
    for line in lines {
        assert!(!shown.contains(line));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_certificate_or_with_one_of_another_authority_nothing_arrives() {
    let authority = Authority::new();
    let none = RULE.replace("credential = \"gateway\", ", "");
    let bare = chain(&authority, &authority.client(), &none).await;
    let (id, report) = bare.submitted().await;
    bare.nothing_arrived(report, id, "party.test failed: ")
        .await;

    let stranger = Authority::new().client();
    let other = chain(&authority, &stranger, RULE).await;
    let (id, report) = other.submitted().await;
    other
        .nothing_arrived(report, id, "party.test failed: ")
        .await;
    // With the right one it arrives, without restart.
    let right = authority.client();
    other.write("client.pem", &right.certificate);
    other.write("client.key", &right.key);
    other.submit(TAX, id).await.outcome.unwrap();
    assert_eq!(other.gateway.deliveries().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_is_not_trusted_gets_nothing() {
    let authority = Authority::new();
    let system = RULE.replace(", trusted-roots = \"roots.pem\"", "");
    let strict = chain(&authority, &authority.client(), &system).await;
    let (id, report) = strict.submitted().await;
    strict
        .nothing_arrived(report, id, "invalid peer certificate: UnknownIssuer")
        .await;
    // Nothing left, so that it can be cancelled.
    let desk = strict.desk(ANNA, TAX, id).await;
    let cancelled = desk.cancel(TAX, id).await.unwrap();
    assert_eq!(cancelled.status_text, "cancelled");

    let other = chain(&authority, &authority.client(), RULE).await;
    other.write("roots.pem", &Authority::new().pem);
    let (id, report) = other.submitted().await;
    other
        .nothing_arrived(report, id, "invalid peer certificate: ")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_right_are_named_without_their_content() {
    let authority = Authority::new();
    let client = authority.client();
    let chain = chain(&authority, &client, RULE).await;
    let (id, report) = {
        chain.write("client.key", &authority.client().key);
        chain.submitted().await
    };
    chain
        .nothing_arrived(
            report,
            id,
            "credential \\\"gateway\\\": the private key does not fit the certificate: ",
        )
        .await;
    for (name, text, why) in [
        ("client.key", "", "credential \\\"gateway\\\": it is empty"),
        (
            "client.key",
            "s3cret",
            "credential \\\"gateway\\\": private-key: it holds no private key in PEM that is not encrypted",
        ),
        (
            "client.pem",
            "",
            "credential \\\"gateway\\\": certificate: it holds no certificate in PEM",
        ),
        ("roots.pem", "", "roots.pem: it holds no certificate in PEM"),
    ] {
        chain.write("client.pem", &client.certificate);
        chain.write("client.key", &client.key);
        chain.write(name, text);
        let report = chain.submit(TAX, id).await;
        assert!(!format!("{report:?}").contains("s3cret"));
        chain.nothing_arrived(report, id, why).await;
        // It could not be tried, which is no denial.
        assert_eq!(chain.host.denials().await, [] as [&str; 0]);
        let last = chain.host.rows(&[Kind::Response]).await.pop().unwrap();
        assert!(last.outcome.is_some());
    }
    chain.write("roots.pem", &authority.pem);
    chain.submit(TAX, id).await.outcome.unwrap();
    assert_eq!(chain.gateway.deliveries().len(), 1);
}
