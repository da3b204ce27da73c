//! A rule: where a client may send requests to, and as which activity.

use super::error::RuleError;
use crate::catalogue::Activity;
use http::Method;
use std::borrow::Cow;
use url::Url;

/// A rule of the configuration. Pure; [`Rule::allows`] decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    scheme: String,
    host: String,
    port: u16,
    path: PathRule,
    methods: Vec<Method>,
    activity: Activity,
    credential: Option<String>,
    allow_private_addresses: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathRule {
    /// This path.
    Exact(String),
    /// Paths that start with this, which ends in a slash.
    Below(String),
}

impl Rule {
    /// Reads a rule.
    ///
    /// `allow` is a URL such as `https://start.exactonline.nl/api/v1/*`:
    /// scheme, host and port are compared exactly, there are no wildcards in
    /// them; a path that ends in `/*` allows all paths below it. A query is
    /// never part of a rule.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what it should be.
    pub fn new(
        allow: &str,
        methods: &[String],
        activity: Activity,
        credential: Option<String>,
        allow_private_addresses: bool,
    ) -> Result<Self, RuleError> {
        let wrong = |problem: &str| {
            let shown = without_user_information(allow);
            RuleError(format!("allow = \"{shown}\" {problem}"))
        };
        let (base, below) = match allow.strip_suffix("/*") {
            Some(base) => (format!("{base}/"), true),
            None => (allow.to_owned(), false),
        };
        if base.contains('*') {
            return Err(wrong("may have a * only as the last part of its path"));
        }
        let url = super::normalize::parse(&base).map_err(|error| wrong(&error.to_string()))?;
        if url.query().is_some() {
            return Err(wrong("may not have a query"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(wrong("has no host"));
        };
        if url.scheme() == "http" && credential.is_some() && !allow_private_addresses {
            return Err(wrong("would send a credential in clear text; use https"));
        }
        if methods.is_empty() {
            return Err(RuleError(
                "methods = [] allows nothing; name the methods, such as \"GET\"".to_owned(),
            ));
        }
        let methods = methods
            .iter()
            .map(|name| match Method::from_bytes(name.as_bytes()) {
                Ok(method) if METHODS.contains(&method) => Ok(method),
                _ => Err(RuleError(format!(
                    "\"{name}\" is not one of the methods GET, HEAD, POST, PUT, PATCH, DELETE"
                ))),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port,
            path: if below {
                PathRule::Below(url.path().to_owned())
            } else {
                PathRule::Exact(url.path().to_owned())
            },
            methods,
            activity,
            credential,
            allow_private_addresses,
        })
    }

    /// Whether the rule allows this method on this URL, which must have come
    /// through [`super::normalize::parse`].
    pub fn allows(&self, method: &Method, url: &Url) -> bool {
        let path = match &self.path {
            PathRule::Exact(path) => url.path() == path,
            PathRule::Below(prefix) => url.path().starts_with(prefix),
        };
        path && url.scheme() == self.scheme
            && url.host_str() == Some(&self.host)
            && url.port_or_known_default() == Some(self.port)
            && self.methods.contains(method)
    }

    /// The activity that a request under this rule is.
    pub fn activity(&self) -> Activity {
        self.activity
    }

    /// The credential that the host adds.
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }

    /// Whether the host may resolve to addresses that are not public, for a
    /// party on the operator's own network.
    pub fn allow_private_addresses(&self) -> bool {
        self.allow_private_addresses
    }
}

/// The URL without what precedes an `@`, which could be a password.
fn without_user_information(url: &str) -> Cow<'_, str> {
    match url.split_once("://").unwrap_or(("", url)) {
        (scheme, rest) if rest.contains('@') => {
            let rest = rest.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://…@{rest}").into()
        }
        _ => url.into(),
    }
}

const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];
