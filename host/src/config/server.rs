//! The REST API: where it listens, who its callers are and whom it trusts to
//! say so.

use super::SecretReference;
use crate::catalogue::Activity;
use crate::platform::Owner;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;
use uuid::Uuid;

/// `[server]`: the REST API of koppel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address that it listens on.
    pub listen: SocketAddr,
    /// How it is reached from outside, without a path: `https://koppel.example`.
    pub public_url: Url,
    /// The certificate and key, if it speaks TLS itself.
    pub tls: Option<Tls>,
    /// Whose tokens it accepts.
    pub tokens: Tokens,
    /// The web console, if there is one.
    pub console: Option<Console>,
    /// How long it goes on serving after it was told to stop, in seconds, so
    /// that whoever distributes requests notices first.
    pub notice_seconds: u32,
}

impl Server {
    /// Where a browser comes back to after somebody logged in to the console.
    pub fn console_callback(&self) -> String {
        self.url("/console/callback")
    }

    /// Whether browsers reach it over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// A URL below [`Server::public_url`]; `path` begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }
}

/// The certificate chain and private key of the server, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The file of the certificate chain.
    pub certificate: PathBuf,
    /// The file of the private key.
    pub private_key: PathBuf,
}

/// `[server.console]`: the web console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    /// The application that it acts as: what that was granted, people can do
    /// with it.
    pub application: String,
    /// How long a login lasts, in minutes.
    pub session_minutes: u32,
    /// What the OpenID Connect provider knows it as; none with an issuer of
    /// koppel's own.
    pub registration: Option<Registration>,
}

/// What an OpenID Connect provider knows the console as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its `client_id` there.
    pub client_id: String,
    /// Where its secret is; none for a public client.
    pub client_secret: Option<SecretReference>,
}

/// Whose tokens the REST API accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// Those that koppel issues itself.
    Issuer(Issuer),
    /// Those of an OpenID Connect provider.
    Oidc(Oidc),
}

/// `[server.issuer]`: koppel issues tokens for its own users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The file of the private key that signs tokens, PKCS#8 PEM.
    pub signing_key: PathBuf,
    /// The SQLite database of authorization codes and refresh tokens.
    pub data: PathBuf,
    /// How long an access token is good for, in seconds.
    pub access_token_seconds: u32,
    /// How long a refresh token is good for, in days.
    pub refresh_token_days: u32,
}

/// `[server.oidc]`: an OpenID Connect provider issues tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oidc {
    /// Its issuer identifier, exactly as in the tokens.
    pub issuer: String,
    /// The audience that a token must be for.
    pub audience: String,
    /// The claim that holds the id of the user.
    pub user_claim: String,
    /// The claim that holds the name or id of the application.
    pub client_claim: String,
}

/// An external application: a client that calls the REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its name: the key in `[clients]`, and its `client_id`.
    pub name: String,
    /// Its identifier in the paths of the API.
    pub id: Uuid,
    /// Where a user may be sent back to, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Where its secret is; none for a public client.
    pub secret: Option<SecretReference>,
}

/// The Argon2id hash of a password, in PHC string format. Not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(super) String);

impl PasswordHash {
    /// The hash, to compare a password with.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// The connectors that perform activities for external applications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connectors {
    /// For all employers of a provider.
    pub provider: HashMap<Uuid, BTreeMap<Activity, String>>,
    /// For one employer, before those of its provider.
    pub employer: HashMap<Uuid, BTreeMap<Activity, String>>,
}

impl Connectors {
    /// The client that performs an activity for an employer.
    pub fn of(&self, activity: Activity, owner: Owner) -> Option<&str> {
        self.employer
            .get(&owner.employer)
            .and_then(|connectors| connectors.get(&activity))
            .or_else(|| self.provider.get(&owner.provider)?.get(&activity))
            .map(String::as_str)
    }
}
