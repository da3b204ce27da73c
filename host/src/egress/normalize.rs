//! URLs with a single meaning. What two parsers could read differently is
//! refused, so that the URL that is checked is the URL that is fetched.

use super::error::EgressError;
use url::{Host, Url};

/// Reads the URL of an outside request.
///
/// # Errors
///
/// [`EgressError::Url`] when it is no http(s) URL, or one that another parser
/// could read differently.
pub fn parse(text: &str) -> Result<Url, EgressError> {
    let refuse = |why: &str| Err(EgressError::Url(why.to_owned()));
    if text.len() > 8192 {
        return refuse("it is longer than 8192 bytes");
    }
    if let Some(c) = text
        .chars()
        .find(|c| c.is_control() || c.is_whitespace() || *c == '\\')
    {
        return refuse(&format!("it contains {c:?}"));
    }
    if !text.is_ascii() {
        return refuse(
            "it contains characters that are not ASCII; write a host in punycode and encode the rest",
        );
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return refuse(&error.to_string()),
    };
    if url.scheme() != "http" && url.scheme() != "https" {
        return refuse(&format!("scheme {} is not http or https", url.scheme()));
    }
    if url.fragment().is_some() {
        return refuse("it has a fragment");
    }
    let authority = authority(text);
    if authority.contains('@') || !url.username().is_empty() || url.password().is_some() {
        return refuse("it has user information");
    }
    let host = match url.host() {
        Some(Host::Domain(host)) if host.ends_with('.') => {
            return refuse("its host ends in a dot");
        }
        Some(host) => host.to_string(),
        None => return refuse("it has no host"),
    };
    // `http://127.1` and `http://0x7f000001` are 127.0.0.1 to some parsers,
    // including this one, and names to others.
    let written = without_port(authority);
    if !written.eq_ignore_ascii_case(&host) {
        return refuse(&format!("its host is written {written} but means {host}"));
    }
    path(text, &url)?;
    Ok(url)
}

fn path(text: &str, url: &Url) -> Result<(), EgressError> {
    let refuse = |why: &str| Err(EgressError::Url(why.to_owned()));
    let written = written_path(text);
    let lower = written.to_ascii_lowercase();
    for encoded in ["%2f", "%5c", "%2e", "%00", "%0a", "%0d", "%25"] {
        if lower.contains(encoded) {
            return refuse(&format!("its path contains {encoded}"));
        }
    }
    if written
        .split('/')
        .any(|segment| segment == "." || segment == "..")
    {
        return refuse("its path contains a dot segment");
    }
    if written.contains("//") {
        return refuse("its path contains an empty segment");
    }
    if written.contains(';') {
        return refuse("its path contains a semicolon");
    }
    // Whatever else the parser changed would be a difference to be wary of.
    if !written.is_empty() && written != url.path() {
        return refuse(&format!(
            "its path is written {written} but means {}",
            url.path()
        ));
    }
    Ok(())
}

fn after_scheme(text: &str) -> &str {
    text.split_once("://").map_or("", |(_, rest)| rest)
}

fn authority(text: &str) -> &str {
    after_scheme(text)
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default()
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        // The colons of an IPv6 address are inside its brackets.
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

fn written_path(text: &str) -> &str {
    let rest = after_scheme(text);
    let start = rest.find('/').unwrap_or(rest.len());
    let path = &rest[start..];
    // A slash after the query belongs to the query.
    if rest[..start].contains('?') {
        return "";
    }
    path.split(['?', '#']).next().unwrap_or_default()
}
