use crate::catalogue::id;
use crate::egress::{Rule, is_special, normalize};
use http::{Method, Uri};
use std::net::IpAddr;
use std::sync::LazyLock;
use url::{Host, Url};

/// Rules as an operator writes them, and what the text of a URL that they allow
/// must begin with, in small letters.
static RULES: LazyLock<Vec<(Rule, &str)>> = LazyLock::new(|| {
    [
        ("https://party.test/api/*", "https://party.test"),
        ("https://party.test/api", "https://party.test"),
        ("https://party.test/{one}/lines", "https://party.test"),
        ("http://127.0.0.1:8080/*", "http://127.0.0.1:8080"),
        ("https://[2001:db8::1]/*", "https://[2001:db8::1]"),
    ]
    .into_iter()
    .filter_map(|(allow, start)| {
        let methods = ["GET".to_owned()];
        let activity = id::GetGeocodeByAddress;
        let rule = Rule::new(allow, &methods, activity, None, false);
        Some((rule.ok()?, start))
    })
    .collect()
});

/// The URL of an outside request: one that is not refused has one meaning, to
/// this parser and another, and is allowed only by a rule of its own origin.
pub fn egress_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(url) = normalize::parse(text) else {
        return;
    };
    assert!(matches!(url.scheme(), "http" | "https"));
    assert!(url.username().is_empty() && url.password().is_none());
    assert_eq!(url.fragment(), None);
    assert_eq!(normalize::parse(url.as_str()).as_ref(), Ok(&url));
    same_elsewhere(text, &url);
    for part in url.path().split('/') {
        assert!(part != "." && part != "..", "{url}");
    }
    let lower = text.to_ascii_lowercase();
    for (rule, start) in RULES.iter() {
        assert!(!rule.allows(&Method::POST, &url));
        if rule.allows(&Method::GET, &url) {
            let rest = lower.strip_prefix(start).unwrap_or("another origin");
            // The port may be written where it goes without saying.
            let rest = rest.strip_prefix(':').map_or(rest, |rest| {
                rest.trim_start_matches(|c: char| c.is_ascii_digit())
            });
            let path = rest.is_empty() || rest.starts_with(['/', '?']);
            assert!(path, "{text} by {rule:?}");
        }
    }
    let address: Option<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        _ => None,
    };
    if let Some(address) = address {
        judged(address);
    }
}

/// What the client that sends the request reads in the same text.
fn same_elsewhere(text: &str, url: &Url) {
    let Ok(uri) = text.parse::<Uri>() else {
        return;
    };
    assert_eq!(uri.scheme_str(), Some(url.scheme()), "{text}");
    let host = uri.host().map(str::to_ascii_lowercase);
    assert_eq!(host.as_deref(), url.host_str(), "{text}");
    let port = uri.port_u16().or_else(|| url.port_or_known_default());
    assert_eq!(port, url.port_or_known_default(), "{text}");
    assert_eq!(uri.path(), url.path(), "{text}");
    // The query is sent as the URL has it, and judged as that.
    assert_eq!(uri.query().is_some(), url.query().is_some(), "{text}");
}

/// An address that the standard library knows not to be public is special.
fn judged(address: IpAddr) {
    let canonical = address.to_canonical();
    let not_public = canonical.is_loopback()
        || canonical.is_unspecified()
        || canonical.is_multicast()
        || match canonical {
            IpAddr::V4(v4) => {
                v4.is_private() || v4.is_link_local() || v4.is_broadcast() || v4.is_documentation()
            }
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
        };
    assert!(!not_public || is_special(address), "{address}");
}
