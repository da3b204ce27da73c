//! Requests put together by hand, as no library would.

use serde::Deserialize;
use serde_json::Value;

/// Every part of a request, as it is.
#[derive(Deserialize)]
pub struct Raw {
    #[serde(default = "get")]
    pub method: String,
    #[serde(default = "http")]
    pub scheme: String,
    pub authority: String,
    #[serde(default)]
    pub path: Option<String>,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: String,
    /// How many bytes of the body it writes at a time.
    #[serde(default = "chunk")]
    pub chunk: usize,
    /// How often it writes nothing before the body.
    #[serde(default)]
    pub empty: u32,
    #[serde(default)]
    pub trailers: Vec<(String, String)>,
    /// The timeouts of the request, in nanoseconds.
    #[serde(default)]
    pub timeout: Option<u64>,
}

fn get() -> String {
    "GET".to_owned()
}

fn chunk() -> usize {
    4096
}

fn http() -> String {
    "http".to_owned()
}

/// Sends it. The answer holds the reply, or which step was refused.
#[cfg(not(target_family = "wasm"))]
pub fn send(_: Raw) -> Value {
    Value::Null
}

/// Sends it. The answer holds the reply, or which step was refused.
#[cfg(target_family = "wasm")]
pub fn send(raw: Raw) -> Value {
    wasi::send(raw).unwrap_or_else(|refused| serde_json::json!({ "refused": refused }))
}

#[cfg(target_family = "wasm")]
mod wasi {
    use super::Raw;
    use serde_json::{Value, json};
    use wasip2::http::outgoing_handler::handle;
    use wasip2::http::types::{
        Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
    };

    pub(super) fn send(raw: Raw) -> Result<Value, String> {
        let request = OutgoingRequest::new(fields(&raw.headers)?);
        let method = match raw.method.as_str() {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            "CONNECT" => Method::Connect,
            "OPTIONS" => Method::Options,
            "TRACE" => Method::Trace,
            "PATCH" => Method::Patch,
            other => Method::Other(other.to_owned()),
        };
        let scheme = match raw.scheme.as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => Scheme::Other(other.to_owned()),
        };
        request.set_method(&method).map_err(|()| "method")?;
        request.set_scheme(Some(&scheme)).map_err(|()| "scheme")?;
        let authority = Some(raw.authority.as_str());
        request.set_authority(authority).map_err(|()| "authority")?;
        let path = raw.path.as_deref();
        request.set_path_with_query(path).map_err(|()| "path")?;
        let body = request.body().map_err(|()| "body")?;
        let options = raw.timeout.map(|timeout| {
            let options = RequestOptions::new();
            let _ = options.set_connect_timeout(Some(timeout));
            let _ = options.set_first_byte_timeout(Some(timeout));
            let _ = options.set_between_bytes_timeout(Some(timeout));
            options
        });
        let future = match handle(request, options) {
            Ok(future) => future,
            Err(code) => return Ok(json!({"error": format!("{code:?}")})),
        };
        if !raw.body.is_empty() {
            let stream = body.write().map_err(|()| "stream")?;
            for _ in 0..raw.empty {
                let _ = stream.blocking_write_and_flush(&[]);
            }
            for chunk in raw.body.as_bytes().chunks(raw.chunk) {
                if stream.blocking_write_and_flush(chunk).is_err() {
                    break;
                }
            }
        }
        let trailers = match raw.trailers.as_slice() {
            [] => None,
            trailers => Some(fields(trailers)?),
        };
        if let Err(code) = OutgoingBody::finish(body, trailers) {
            return Ok(json!({"error": format!("{code:?}")}));
        }
        future.subscribe().block();
        let response = match future.get() {
            Some(Ok(Ok(response))) => response,
            Some(Ok(Err(code))) => return Ok(json!({"error": format!("{code:?}")})),
            _ => return Err("no reply".to_owned()),
        };
        let headers: Vec<(String, String)> = response
            .headers()
            .entries()
            .into_iter()
            .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
            .collect();
        let status = response.status();
        let incoming = response.consume().map_err(|()| "reply")?;
        let stream = incoming.stream().map_err(|()| "reply")?;
        let mut body = Vec::new();
        while let Ok(chunk) = stream.blocking_read(64 << 10) {
            body.extend(chunk);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(json!({"status": status, "headers": headers, "body": body}))
    }

    fn fields(list: &[(String, String)]) -> Result<Fields, String> {
        let fields = Fields::new();
        for (name, value) in list {
            fields
                .append(name, value.as_bytes())
                .map_err(|error| format!("header {name}: {error:?}"))?;
        }
        Ok(fields)
    }
}
