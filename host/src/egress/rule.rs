//! A rule: where a client may send requests to, and as which activity.

use super::error::{EgressError, RuleError};
use super::fields::{Fields, WrittenLists};
use super::send::forbidden;
use crate::catalogue::Activity;
use http::{HeaderMap, HeaderName, Method};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// A rule of the configuration. Pure; [`Rule::allows`] says whether a request
/// is under it, and [`Rule::check`] whether all that is in it may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    allow: String,
    scheme: String,
    host: String,
    port: u16,
    path: PathRule,
    methods: Vec<Method>,
    activity: Activity,
    credential: Option<String>,
    allow_private_addresses: bool,
    trusted_roots: Option<PathBuf>,
    trace_context: bool,
    repeatable: bool,
    idempotency: Option<HeaderName>,
    fields: Option<Arc<Fields>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathRule {
    /// This path.
    Exact(String),
    /// Paths that start with this, which ends in a slash.
    Below(String),
    /// Paths with these segments.
    Segments(Vec<Segment>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// This one.
    Literal(String),
    /// Any that is not empty; the field list says what it may be.
    Named(String),
}

impl Rule {
    /// Reads a rule without a field list: everything may be in a request.
    ///
    /// # Errors
    ///
    /// As for [`Rule::with_lists`].
    pub fn new(
        allow: &str,
        methods: &[String],
        activity: Activity,
        credential: Option<String>,
        allow_private_addresses: bool,
    ) -> Result<Self, RuleError> {
        let lists = WrittenLists::default();
        Self::with_lists(
            allow,
            methods,
            activity,
            credential,
            allow_private_addresses,
            &lists,
        )
    }

    /// Reads a rule.
    ///
    /// `allow` is a URL such as `https://start.exactonline.nl/api/v1/*`:
    /// scheme, host and port are compared exactly, there are no wildcards in
    /// them; a path that ends in `/*` allows all paths below it; a segment such
    /// as `{kvkNummer}` stands for one segment of which `lists` says what it
    /// may be. A query is never part of `allow`.
    ///
    /// `lists` says what may be in a request; without any, everything may.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what it should be.
    pub fn with_lists(
        allow: &str,
        methods: &[String],
        activity: Activity,
        credential: Option<String>,
        allow_private_addresses: bool,
        lists: &WrittenLists,
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
        let (base, segments) = segments(&base).ok_or_else(|| {
            wrong("may have {name} only as a whole part of its path, each name once")
        })?;
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
        let named: Vec<&str> = segments.iter().filter_map(Segment::name).collect();
        let fields = Fields::new(lists, &named, forbidden)?;
        if below && fields.is_some() {
            return Err(wrong(
                "lets any path below it leave; a rule with lists has a whole path, with {name} for a part that differs",
            ));
        }
        Ok(Self {
            allow: allow.to_owned(),
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port,
            path: if below {
                PathRule::Below(url.path().to_owned())
            } else if named.is_empty() {
                PathRule::Exact(url.path().to_owned())
            } else {
                PathRule::Segments(segments)
            },
            methods,
            activity,
            credential,
            allow_private_addresses,
            trusted_roots: None,
            trace_context: false,
            repeatable: false,
            idempotency: None,
            fields: fields.map(Arc::new),
        })
    }

    /// The same rule, which trusts the certificate authorities in this file,
    /// PEM, instead of those of the operating system.
    ///
    /// # Errors
    ///
    /// When the rule has no TLS.
    pub fn with_trusted_roots(self, file: PathBuf) -> Result<Self, RuleError> {
        if self.scheme != "https" {
            let shown = without_user_information(&self.allow);
            return Err(RuleError(format!(
                "allow = \"{shown}\" has no use for trusted-roots; use https"
            )));
        }
        Ok(Self {
            trusted_roots: Some(file),
            ..self
        })
    }

    /// The same rule, whose requests tell the party which trace they belong to.
    #[must_use]
    pub fn with_trace_context(self) -> Self {
        Self {
            trace_context: true,
            ..self
        }
    }

    /// Whether a request tells the party which trace it belongs to.
    pub fn tells_trace(&self) -> bool {
        self.trace_context
    }

    /// The same rule, whose writes may be sent again when nobody knows whether
    /// they arrived: the outside party knows a request again that it had.
    #[must_use]
    pub fn with_repeatable_writes(self) -> Self {
        Self {
            repeatable: true,
            ..self
        }
    }

    /// The same rule, whose writes get a header by which the outside party
    /// knows them again, such as `Idempotency-Key`; so they may be sent again.
    ///
    /// # Errors
    ///
    /// When it is no header that the host could add.
    pub fn with_idempotency(self, header: &str) -> Result<Self, RuleError> {
        let name = HeaderName::from_bytes(header.as_bytes())
            .ok()
            .filter(|name| !forbidden(name) && *name != http::header::CONTENT_TYPE);
        let Some(name) = name else {
            return Err(RuleError(format!(
                "idempotency = {header:?} is no header that can be added; write idempotency = \"Idempotency-Key\""
            )));
        };
        Ok(Self {
            repeatable: true,
            idempotency: Some(name),
            ..self
        })
    }

    /// Whether its writes may be sent again when nobody knows whether they
    /// arrived.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// The header by which the outside party knows a write again.
    pub fn idempotency(&self) -> Option<&HeaderName> {
        self.idempotency.as_ref()
    }

    /// Whether the rule allows this method on this URL, which must have come
    /// through [`super::normalize::parse`].
    pub fn allows(&self, method: &Method, url: &Url) -> bool {
        let path = match &self.path {
            PathRule::Exact(path) => url.path() == path,
            PathRule::Below(prefix) => url.path().starts_with(prefix),
            PathRule::Segments(segments) => {
                let path = url.path().split('/');
                path.clone().count() == segments.len()
                    && path
                        .zip(segments)
                        .all(|(written, segment)| segment.fits(written))
            }
        };
        path && url.scheme() == self.scheme
            && url.host_str() == Some(&self.host)
            && url.port_or_known_default() == Some(self.port)
            && self.methods.contains(method)
    }

    /// Whether all that is in a request that the rule allows may leave: its
    /// named segments, query, headers and body.
    ///
    /// # Errors
    ///
    /// [`EgressError::Field`], which names the field and the line of the
    /// configuration, never the value.
    pub fn check(
        &self,
        client: &str,
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), EgressError> {
        let Some(fields) = &self.fields else {
            return Ok(());
        };
        let named: Vec<(&str, &str)> = match &self.path {
            PathRule::Segments(segments) => segments
                .iter()
                .zip(url.path().split('/'))
                .filter_map(|(segment, written)| Some((segment.name()?, written)))
                .collect(),
            PathRule::Exact(_) | PathRule::Below(_) => Vec::new(),
        };
        fields.check(client, &self.allow, &named, url, headers, body)
    }

    /// The address, as the operator wrote it.
    pub fn address(&self) -> &str {
        &self.allow
    }

    /// The methods.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(Method::as_str)
    }

    /// Whether it says field by field what may leave.
    pub fn lists_fields(&self) -> bool {
        self.fields.is_some()
    }

    /// The activity that a request under this rule is.
    pub fn activity(&self) -> Activity {
        self.activity
    }

    /// The credential that the host adds.
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }

    /// The file with the certificate authorities that it trusts, if it trusts
    /// others than the operating system does.
    pub fn trusted_roots(&self) -> Option<&Path> {
        self.trusted_roots.as_deref()
    }

    /// Whether requests under it go over TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
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

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Literal(_) => None,
        }
    }

    fn fits(&self, written: &str) -> bool {
        match self {
            Self::Named(_) => !written.is_empty(),
            Self::Literal(literal) => literal == written,
        }
    }
}

/// The segments of the path of a URL, and the URL with a letter in place of
/// each named one, so that it can be read like any other.
fn segments(allow: &str) -> Option<(String, Vec<Segment>)> {
    let start = allow.find("://").map_or(0, |at| at + 3);
    let Some(path) = allow[start..].find('/').map(|at| start + at) else {
        return Some((allow.to_owned(), Vec::new()));
    };
    let mut segments = Vec::new();
    let mut plain = Vec::new();
    for written in allow[path..].split('/') {
        let name = written
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let segment = match name {
            Some(name) if is_name(name) => Segment::Named(name.to_owned()),
            None if !written.contains(['{', '}']) => Segment::Literal(written.to_owned()),
            _ => return None,
        };
        if name.is_some() && segments.contains(&segment) {
            return None;
        }
        plain.push(if name.is_some() { "x" } else { written });
        segments.push(segment);
    }
    Some((format!("{}{}", &allow[..path], plain.join("/")), segments))
}

fn is_name(name: &str) -> bool {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    !name.is_empty() && name.chars().all(ordinary)
}

const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];
