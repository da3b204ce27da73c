//! The outside party: a server on this machine.

use super::Events;
use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, Response, StatusCode};
use std::collections::HashMap;
use std::time::Duration;

pub(super) struct Party {
    pub(super) port: u16,
}

impl Party {
    pub(super) async fn start(events: Events) -> Self {
        let router = Router::new().fallback(reply).with_state(events);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port }
    }
}

/// Notes the request, and replies as its query asks.
async fn reply(
    State(events): State<Events>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut event = format!("arrived {}", parts.method);
    event += &format!(
        " {}{}",
        parts.headers["host"].to_str().unwrap(),
        parts.uri.path()
    );
    for shown in ["authorization", "x-mine", "content-type", "content-length"] {
        if let Some(value) = parts.headers.get(shown) {
            event += &format!(" {shown}={}", value.to_str().unwrap());
        }
    }
    if !body.is_empty() {
        event += &format!(" {}", String::from_utf8_lossy(&body));
    }
    events.note(event);

    let number = |name: &str| query.get(name).and_then(|n| n.parse::<usize>().ok());
    let mut response = Response::new(Body::from("fine"));
    if let Some(status) = number("status") {
        *response.status_mut() = StatusCode::from_u16(status as u16).unwrap();
    }
    if let Some(bytes) = number("sized") {
        *response.body_mut() = vec![b'x'; bytes].into();
    }
    if let Some(bytes) = number("streamed") {
        let chunks = (0..bytes).map(|_| Ok::<_, std::io::Error>("x"));
        *response.body_mut() = Body::from_stream(futures_util::stream::iter(chunks));
    }
    if query.contains_key("drip") {
        let drops = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>("x"), ()))
        });
        *response.body_mut() = Body::from_stream(drops);
    }
    if query.contains_key("silent") {
        std::future::pending::<()>().await;
    }
    let headers = response.headers_mut();
    for (name, value) in &query {
        if let Some(name) = name.strip_prefix("header-") {
            let name = HeaderName::try_from(name).unwrap();
            // "~" stands for a byte that is not text.
            let value: Vec<u8> = value
                .bytes()
                .map(|b| if b == b'~' { 0xff } else { b })
                .collect();
            headers.insert(name, value.try_into().unwrap());
        }
    }
    if let Some(bytes) = number("headers") {
        for part in 0..4 {
            let name = HeaderName::try_from(format!("x-part-{part}")).unwrap();
            headers.insert(name, "x".repeat(bytes / 4).try_into().unwrap());
        }
    }
    response
}
