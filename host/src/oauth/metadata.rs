//! What applications can find out about the issuer: RFC 8414 and RFC 7517.

use super::Issuer;
use axum::Json;
use axum::extract::State;
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn metadata(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let methods = ["none", "client_secret_basic", "client_secret_post"];
    Json(json!({
        "issuer": issuer.identifier(),
        "authorization_endpoint": issuer.server.url("/oauth/authorize"),
        "token_endpoint": issuer.server.url("/oauth/token"),
        "revocation_endpoint": issuer.server.url("/oauth/revoke"),
        "jwks_uri": issuer.server.url("/oauth/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "authorization_response_iss_parameter_supported": true,
    }))
}

/// `GET /oauth/jwks`: the public keys.
pub(super) async fn jwks(State(issuer): State<Arc<Issuer>>) -> Json<JwkSet> {
    Json(issuer.key.public())
}
