//! The outside party: takes messages and gives responses, as
//! `koppel_sdk::delivery` has it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Kept {
    /// The messages, by way (`tax` or `upa`) and reference.
    messages: BTreeMap<(String, String), Vec<u8>>,
    /// Every request that brought a message.
    deliveries: Vec<(String, Vec<u8>)>,
    /// The response messages, by reference of the message.
    responses: BTreeMap<String, Vec<(String, String)>>,
    /// What to answer to the next deliveries, after keeping the message if it
    /// says so.
    instead: Vec<(bool, u16)>,
}

/// A party on this machine.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) port: u16,
    kept: Arc<Mutex<Kept>>,
}

impl Gateway {
    /// One whose server the caller starts.
    pub(crate) fn on(port: u16) -> Self {
        Self {
            port,
            kept: Arc::default(),
        }
    }

    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let gateway = Self::on(port);
        let router = gateway.router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        gateway
    }

    /// What it answers.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/{way}/{reference}", put(deliver).post(deliver))
            .route("/{way}/{reference}/responses", get(list))
            .route("/{way}/{reference}/responses/{name}", get(one))
            .with_state(self.clone())
    }

    /// The requests that brought a message: reference and bytes.
    pub(crate) fn deliveries(&self) -> Vec<(String, Vec<u8>)> {
        self.kept.lock().unwrap().deliveries.clone()
    }

    /// The messages that it has: reference and bytes.
    pub(crate) fn messages(&self) -> Vec<(String, Vec<u8>)> {
        let kept = self.kept.lock().unwrap();
        let messages = kept.messages.iter();
        messages
            .map(|((_, reference), bytes)| (reference.clone(), bytes.clone()))
            .collect()
    }

    /// Answers the next delivery with this status, after keeping the message
    /// or without.
    pub(crate) fn instead(&self, keeping: bool, status: u16) {
        self.kept.lock().unwrap().instead.push((keeping, status));
    }

    /// Has a response message to a message.
    pub(crate) fn respond(&self, reference: &str, name: &str, body: &str) {
        let mut kept = self.kept.lock().unwrap();
        let responses = kept.responses.entry(reference.to_owned()).or_default();
        responses.push((name.to_owned(), body.to_owned()));
    }
}

async fn deliver(
    State(gateway): State<Gateway>,
    Path((way, reference)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let mut kept = gateway.kept.lock().unwrap();
    kept.deliveries.push((reference.clone(), body.to_vec()));
    let instead = kept.instead.pop();
    if let Some((false, status)) = instead {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let number = kept.messages.len() + 1;
    let key = (way, reference);
    let known = kept.messages.get(&key);
    if known.is_some_and(|known| *known != body) {
        return StatusCode::CONFLICT.into_response();
    }
    kept.messages.insert(key, body.to_vec());
    match instead {
        Some((_, status)) => StatusCode::from_u16(status).unwrap().into_response(),
        None => (
            StatusCode::CREATED,
            format!(r#"{{"reference": "G-{number}"}}"#),
        )
            .into_response(),
    }
}

async fn list(
    State(gateway): State<Gateway>,
    Path((way, reference)): Path<(String, String)>,
) -> Response {
    let kept = gateway.kept.lock().unwrap();
    if !kept.messages.contains_key(&(way, reference.clone())) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let responses = kept.responses.get(&reference).into_iter().flatten();
    let names: Vec<_> = responses.map(|(name, _)| name.clone()).collect();
    axum::Json(names).into_response()
}

async fn one(
    State(gateway): State<Gateway>,
    Path((_, reference, name)): Path<(String, String, String)>,
) -> Response {
    let kept = gateway.kept.lock().unwrap();
    let mut responses = kept.responses.get(&reference).into_iter().flatten();
    match responses.find(|(known, _)| *known == name) {
        Some((_, body)) => body.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
