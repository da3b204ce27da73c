//! URLs with a single meaning. What two parsers could read differently is
//! refused, so that the URL that is checked is the URL that is fetched.

use super::error::EgressError;
use percent_encoding::percent_decode_str;
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
    // Url reads `http:host` and `http:///host` as `http://host`.
    let Some(rest) = after_scheme(text) else {
        return refuse("it is not written as scheme://host");
    };
    if url.fragment().is_some() {
        return refuse("it has a fragment");
    }
    let authority = authority(rest);
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
    path(rest, &url)?;
    Ok(url)
}

fn path(rest: &str, url: &Url) -> Result<(), EgressError> {
    let refuse = |why: &str| Err(EgressError::Url(why.to_owned()));
    let written = written_path(rest);
    // Servers and the proxies before them do not agree on when to decode.
    let lower = written.to_ascii_lowercase();
    for encoded in ["%2f", "%5c", "%2e", "%3b", "%25"] {
        if lower.contains(encoded) {
            return refuse(&format!("its path contains {encoded}"));
        }
    }
    if !escapes_are_whole(written) {
        return refuse("its path contains a % without two hexadecimal digits");
    }
    // Also refuses the overlong forms in which UTF-8 was once written.
    let Ok(decoded) = percent_decode_str(written).decode_utf8() else {
        return refuse("its path is not UTF-8 when it is decoded");
    };
    if let Some(c) = decoded.chars().find(|c| c.is_control()) {
        return refuse(&format!("its path contains {c:?} when it is decoded"));
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

fn escapes_are_whole(path: &str) -> bool {
    path.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// What follows `http://` or `https://`, if that is how it begins.
fn after_scheme(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(':')?;
    let rest = rest.strip_prefix("//")?;
    (!rest.starts_with('/')).then_some(rest)
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        // The colons of an IPv6 address are inside its brackets.
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

fn written_path(rest: &str) -> &str {
    // A slash after the query belongs to the query.
    let before_query = rest.split(['?', '#']).next().unwrap_or_default();
    before_query
        .find('/')
        .map_or("", |start| &before_query[start..])
}
