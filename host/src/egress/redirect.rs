//! Where a redirect leads, and with which method.

use super::{EgressError, Reply};
use http::{Method, StatusCode, header};
use url::Url;

/// The method to follow a redirect with; none if the reply is no redirect, or
/// one that is for the connector to judge: RFC 9110 leaves open what a POST
/// becomes after 301 and 302.
pub(super) fn next_method(method: &Method, status: StatusCode) -> Option<Method> {
    let reads = method == Method::GET || method == Method::HEAD;
    match status.as_u16() {
        301 | 302 => reads.then(|| method.clone()),
        303 if method == Method::HEAD => Some(Method::HEAD),
        303 => Some(Method::GET),
        307 | 308 => Some(method.clone()),
        _ => None,
    }
}

/// Where a reply redirects to, if it says so.
pub(super) fn redirect(reply: &Reply, from: &Url) -> Result<Option<String>, EgressError> {
    let Some(location) = reply.headers.get(header::LOCATION) else {
        return Ok(None);
    };
    let location = location
        .to_str()
        .map_err(|_| EgressError::Redirect("its location is not text".to_owned()))?;
    match Url::parse(location) {
        Err(url::ParseError::RelativeUrlWithoutBase) => match from.join(location) {
            Ok(url) => Ok(Some(url.into())),
            Err(error) => Err(EgressError::Redirect(error.to_string())),
        },
        // A full URL is judged as it is written; joining would tidy it first.
        _ => Ok(Some(location.to_owned())),
    }
}
