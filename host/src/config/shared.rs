//! `[store]` and `[queue]`: where runs are kept and wait. Without a URL, both
//! are on this machine.

use super::queue::Queue;
use super::reference::ByReference;
use super::secret::SecretReference;
use serde::Deserialize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use url::{Host, Url};

/// What is wrong, and where in the file.
pub(super) type Faults = Vec<(Range<usize>, String)>;

/// What hosts on several machines share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Where runs, the ledger and claims are kept.
    pub store: Store,
    /// Where runs wait.
    pub nats: Nats,
}

/// A PostgreSQL database.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where it is, without a password.
    pub url: Url,
    /// The password of its user, if it asks for one.
    pub password: Option<SecretReference>,
    /// The certificate authorities (PEM) to trust instead of the system's.
    pub trusted_roots: Option<PathBuf>,
    /// How many connections a host makes at most.
    pub connections: u32,
    /// Whether the connection is encrypted and the server's name checked: always,
    /// but for a loopback address.
    pub tls: bool,
}

/// A NATS server with JetStream.
#[derive(Clone, Debug)]
pub struct Nats {
    /// Where it is, without a password.
    pub url: Url,
    /// The user.
    pub user: Option<String>,
    /// Their password.
    pub password: Option<SecretReference>,
    /// The token, where the server asks for one instead.
    pub token: Option<SecretReference>,
    /// The certificate authorities (PEM) to trust as well.
    pub trusted_roots: Option<PathBuf>,
    /// What the streams and buckets of this installation begin with.
    pub name: String,
    /// How long a host may be silent before its runs are given to others, in
    /// milliseconds.
    pub ack_wait_ms: u64,
    /// How often a run is taken up by hosts that then fall silent, before it is
    /// given up.
    pub deliveries: u32,
    /// On how many servers everything is kept, in a cluster.
    pub replicas: usize,
    /// Whether the connection is encrypted: always, but for a loopback address.
    pub tls: bool,
    /// Where the grants are.
    pub grants: Granting,
}

/// Where what is granted comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Granting {
    /// From the file of each host.
    #[default]
    File,
    /// It is published once for all hosts: [`super::Published`].
    Published,
}

impl Nats {
    /// How long a host may be silent.
    pub fn ack_wait(&self) -> Duration {
        Duration::from_millis(self.ack_wait_ms)
    }
}

/// The PostgreSQL database that hosts on several machines share.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenStore {
    /// `postgresql://USER@HOST:PORT/DATABASE`, without a password.
    // As text: an error of a URL repeats it, with the password in it.
    #[schemars(with = "ByReference<Url>")]
    url: Spanned<String>,
    /// Where the password is.
    password: Option<SecretReference>,
    /// A file with the certificate authorities to trust, PEM.
    #[schemars(with = "Option<ByReference<PathBuf>>")]
    trusted_roots: Option<PathBuf>,
    /// How many connections a host makes at most, 2 to 1000.
    #[serde(default = "default_connections")]
    #[schemars(with = "ByReference<u32>")]
    connections: Spanned<u32>,
    /// Says that all hosts are on this machine, so that `source = "embedded"` is
    /// the same file for all of them.
    #[serde(default)]
    pub(super) one_machine: bool,
}

fn default_connections() -> Spanned<u32> {
    Spanned::new(0..0, 10)
}

/// Where runs wait.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct WrittenQueue {
    /// How many runs `koppel serve` makes at a time, 1 to 64.
    #[schemars(with = "ByReference<u32>")]
    pub(super) workers: u32,
    /// How long runs that are under way may go on when the process is to end, in
    /// seconds, 0 to 3600.
    #[schemars(with = "ByReference<u32>")]
    pub(super) drain_seconds: u32,
    /// A NATS server with JetStream: `tls://HOST:4222`. Without, runs wait in
    /// the file `runs` of `[platform]`.
    #[schemars(with = "Option<ByReference<Url>>")]
    url: Option<Spanned<String>>,
    /// The user.
    #[schemars(with = "Option<ByReference<String>>")]
    user: Option<String>,
    /// Where their password is.
    password: Option<SecretReference>,
    /// Where the token is, if the server asks for one instead.
    token: Option<SecretReference>,
    /// A file with certificate authorities to trust as well, PEM.
    #[schemars(with = "Option<ByReference<PathBuf>>")]
    trusted_roots: Option<PathBuf>,
    /// What the streams and buckets begin with.
    #[schemars(with = "ByReference<String>")]
    name: String,
    /// How long a host may be silent before its runs are given to others, in
    /// milliseconds.
    #[schemars(range(min = 1_000, max = 3_600_000))]
    ack_wait_ms: u64,
    /// How often a run is taken up by hosts that then fall silent.
    #[schemars(range(min = 1, max = 1_000))]
    deliveries: u32,
    /// On how many servers of a cluster everything is kept, 1 to 5.
    #[schemars(with = "ByReference<usize>")]
    replicas: usize,
    /// Where the grants are: in the file of each host, or published once for all.
    grants: Granting,
}

impl Default for WrittenQueue {
    fn default() -> Self {
        Self {
            workers: Queue::default().workers,
            drain_seconds: Queue::default().drain_seconds,
            url: None,
            user: None,
            password: None,
            token: None,
            trusted_roots: None,
            name: "koppel".to_owned(),
            ack_wait_ms: 30_000,
            deliveries: 5,
            replicas: 1,
            grants: Granting::File,
        }
    }
}

/// Both together, or neither.
///
/// # Errors
///
/// Every fault with the span that it is about.
pub(super) fn resolve(
    store: Option<Spanned<WrittenStore>>,
    queue: Option<Spanned<WrittenQueue>>,
    embedded: bool,
    base: &Path,
) -> Result<Option<Shared>, Faults> {
    let shares = queue
        .as_ref()
        .is_some_and(|queue| queue.get_ref().url.is_some());
    match (store, queue) {
        (Some(store), Some(queue)) if shares => {
            let (span, store) = (store.span(), store.into_inner());
            let mut faults = Faults::new();
            if embedded && !store.one_machine {
                let text = "[store] is for hosts on several machines, and the payroll data is a file of this one: set source = \"loket\" under [platform], or one-machine = true under [store] if all hosts are on this machine".to_owned();
                faults.push((span, text));
            }
            let store = store.resolve(base, &mut faults);
            let span = queue.span();
            let nats = queue.into_inner().resolve(&span, base, &mut faults);
            match (store, nats) {
                (Some(store), Some(nats)) if faults.is_empty() => Ok(Some(Shared { store, nats })),
                _ => Err(faults),
            }
        }
        (Some(store), _) => Err(vec![(
            store.span(),
            "[store] needs a queue that hosts share as well: add `url = \"tls://…\"` of a NATS server under [queue]".to_owned(),
        )]),
        (None, Some(queue)) if shares => Err(vec![(
            queue.span(),
            "[queue] url needs a store that hosts share as well: add `[store]` with `url = \"postgresql://…\"`".to_owned(),
        )]),
        (None, Some(queue)) => match queue.get_ref().unused() {
            Some(key) => Err(vec![(
                queue.span(),
                format!("[queue] {key} is for a NATS server: add `url = \"tls://…\"`, or remove it"),
            )]),
            None => Ok(None),
        },
        (None, None) => Ok(None),
    }
}

impl WrittenStore {
    fn resolve(self, base: &Path, faults: &mut Faults) -> Option<Store> {
        let span = self.url.span();
        let mut fault = |text: String| faults.push((span.clone(), format!("[store] {text}")));
        let url = parsed(self.url.get_ref(), &mut fault)?;
        if !["postgresql", "postgres"].contains(&url.scheme()) {
            fault(format!(
                "url must begin with postgresql://, and begins with {}://",
                url.scheme()
            ));
        }
        if url.password().is_some() {
            fault("url may not hold a password: write password = { env = \"<variable>\" } or { file = \"<path>\" }".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            fault(
                "url may have no query and no fragment: what it may say has keys of its own"
                    .to_owned(),
            );
        }
        if url.host().is_none() || url.path().len() < 2 {
            fault(
                "url must name a host and a database: postgresql://koppel@db.example/koppel"
                    .to_owned(),
            );
        }
        let connections = *self.connections.get_ref();
        if !(2..=1_000).contains(&connections) {
            let text = format!("[store] connections = {connections} must be 2 to 1000");
            faults.push((self.connections.span(), text));
        }
        Some(Store {
            tls: !loopback(&url),
            url,
            password: self.password.map(|password| password.within(base)),
            trusted_roots: self.trusted_roots.map(|roots| base.join(roots)),
            connections,
        })
    }
}

impl WrittenQueue {
    /// Whether the grants are published, and not in the file.
    pub(super) fn is_published(&self) -> bool {
        self.url.is_some() && self.grants == Granting::Published
    }

    /// A key that only a server has, if one is written.
    fn unused(&self) -> Option<&'static str> {
        let default = Self::default();
        [
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("token", self.token.is_some()),
            ("trusted-roots", self.trusted_roots.is_some()),
            ("name", self.name != default.name),
            ("ack-wait-ms", self.ack_wait_ms != default.ack_wait_ms),
            ("deliveries", self.deliveries != default.deliveries),
            ("replicas", self.replicas != default.replicas),
            ("grants", self.grants != default.grants),
        ]
        .into_iter()
        .find_map(|(key, written)| written.then_some(key))
    }

    fn resolve(self, span: &Range<usize>, base: &Path, faults: &mut Faults) -> Option<Nats> {
        let url = self.url?;
        let mut fault = |span: &Range<usize>, text: String| {
            faults.push((span.clone(), format!("[queue] {text}")));
        };
        let at = url.span();
        let url = parsed(url.get_ref(), &mut |text| fault(&at, text))?;
        let tls = !loopback(&url);
        match url.scheme() {
            "tls" => {}
            "nats" if !tls => {}
            "nats" => fault(
                &at,
                "url must begin with tls:// (nats:// is for a loopback address)".to_owned(),
            ),
            other => fault(
                &at,
                format!("url must begin with tls://, and begins with {other}://"),
            ),
        }
        if !url.username().is_empty() || url.password().is_some() {
            fault(&at, "url may hold no user and no password: write user = \"…\" and password = { env = \"<variable>\" } or { file = \"<path>\" }".to_owned());
        }
        if self.user.is_some() != self.password.is_some() {
            fault(span, "user and password go together".to_owned());
        }
        if self.token.is_some() && self.user.is_some() {
            fault(
                span,
                "a server asks either for a token or for a user and a password".to_owned(),
            );
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if self.name.is_empty() || self.name.len() > 32 || !self.name.chars().all(plain) {
            fault(
                span,
                format!(
                    "name = {:?} must be 1 to 32 letters, digits, `-` and `_`",
                    self.name
                ),
            );
        }
        let ranges = [
            ("ack-wait-ms", self.ack_wait_ms, 1_000, 3_600_000),
            ("deliveries", u64::from(self.deliveries), 1, 1_000),
            ("replicas", self.replicas as u64, 1, 5),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                fault(span, format!("{key} = {value} must be {least} to {most}"));
            }
        }
        Some(Nats {
            tls: tls || url.scheme() == "tls",
            url,
            user: self.user,
            password: self.password.map(|password| password.within(base)),
            token: self.token.map(|token| token.within(base)),
            trusted_roots: self.trusted_roots.map(|roots| base.join(roots)),
            name: self.name,
            ack_wait_ms: self.ack_wait_ms,
            deliveries: self.deliveries,
            replicas: self.replicas,
            grants: self.grants,
        })
    }
}

/// A URL; what is wrong with it is told without it.
fn parsed(text: &str, fault: &mut impl FnMut(String)) -> Option<Url> {
    Url::parse(text)
        .inspect_err(|error| fault(format!("url is none: {error}")))
        .ok()
}

fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // For schemes that URLs do not know, a host is a name.
        Some(Host::Domain(name)) => name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}
