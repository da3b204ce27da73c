//! `wasi:http`, made synchronous.

use super::{HttpErrorKind, Request};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::streams::StreamError;

type Reply = (u16, Vec<(String, String)>, Vec<u8>);

pub(super) fn exchange(request: Request) -> Result<Reply, HttpErrorKind> {
    let (scheme, rest) = match request.url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        _ => return Err(refused("the URL is not http or https")),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };

    let headers = Fields::new();
    for (name, value) in &request.headers {
        headers
            .append(name, value.as_bytes())
            .map_err(|error| refused(&format!("header {name}: {error:?}")))?;
    }
    let outgoing = OutgoingRequest::new(headers);
    let method = match request.method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        other => Method::Other(other.to_owned()),
    };
    let set = outgoing.set_method(&method).is_ok()
        && outgoing.set_scheme(Some(&scheme)).is_ok()
        && outgoing.set_authority(Some(authority)).is_ok()
        && outgoing.set_path_with_query(Some(&path)).is_ok();
    if !set {
        return Err(refused("the URL is not valid"));
    }
    let body = outgoing
        .body()
        .map_err(|()| refused("the body cannot be set"))?;
    let future = handle(outgoing, None).map_err(kind)?;
    send_body(body, &request.body)?;

    future.subscribe().block();
    let response = match future.get() {
        Some(Ok(result)) => result.map_err(kind)?,
        _ => return Err(HttpErrorKind::Failed("no reply".to_owned())),
    };
    let headers = response.headers().entries();
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let body = response
        .consume()
        .map_err(|()| HttpErrorKind::Failed("no body".to_owned()))?;
    Ok((response.status(), headers, read_body(&body)?))
}

fn send_body(body: OutgoingBody, bytes: &[u8]) -> Result<(), HttpErrorKind> {
    if !bytes.is_empty() {
        let stream = body
            .write()
            .map_err(|()| refused("the body cannot be written"))?;
        for chunk in bytes.chunks(4096) {
            // The most that blocking-write-and-flush takes at a time.
            if stream.blocking_write_and_flush(chunk).is_err() {
                // The host refused it; the reply says why.
                return Ok(());
            }
        }
    }
    OutgoingBody::finish(body, None).map_err(kind)
}

fn read_body(body: &IncomingBody) -> Result<Vec<u8>, HttpErrorKind> {
    let stream = body
        .stream()
        .map_err(|()| HttpErrorKind::Failed("no body".to_owned()))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) => bytes.extend(chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(HttpErrorKind::Failed(error.to_debug_string()));
            }
        }
    }
}

fn refused(why: &str) -> HttpErrorKind {
    HttpErrorKind::Refused(why.to_owned())
}

fn kind(code: ErrorCode) -> HttpErrorKind {
    let text = format!("{code:?}");
    match code {
        ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::LoopDetected
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::ConfigurationError => HttpErrorKind::Refused(text),
        ErrorCode::HttpResponseTimeout => HttpErrorKind::Timeout,
        ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseHeaderSectionSize(_) => HttpErrorKind::TooLarge(text),
        _ => HttpErrorKind::Failed(text),
    }
}
