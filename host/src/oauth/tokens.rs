//! Access tokens that koppel issues: JWTs after RFC 9068.

use super::crypto::{self, ALGORITHMS};
use super::keys::SigningKey;
use super::store::{Login, now};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The type of an access token, so that no other JWT of ours passes for one.
const TYPE: &str = "at+jwt";

/// What an access token of koppel says (RFC 9068, section 2.2).
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    /// The id of the user.
    pub(crate) sub: String,
    /// The name of the application.
    pub(crate) client_id: String,
    /// The login that it came of.
    pub(crate) sid: Uuid,
    pub(crate) jti: Uuid,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
}

/// Makes an access token that is good for `seconds`.
///
/// # Errors
///
/// When it cannot be signed.
pub(crate) fn issue(
    key: &SigningKey,
    issuer: &str,
    audience: &str,
    login: &Login,
    seconds: u32,
) -> Result<String, String> {
    let now = now();
    let claims = Claims {
        iss: issuer.to_owned(),
        aud: audience.to_owned(),
        sub: login.user.clone(),
        client_id: login.client.clone(),
        sid: login.session,
        jti: Uuid::now_v7(),
        iat: now,
        nbf: now,
        exp: now + i64::from(seconds),
    };
    let header = Header {
        typ: Some(TYPE.to_owned()),
        kid: Some(key.id.clone()),
        ..Header::new(Algorithm::ES256)
    };
    jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(|error| error.to_string())
}

/// Verifies an access token of koppel.
///
/// # Errors
///
/// Why it is not good, in words for the caller.
pub(crate) fn verify(
    key: &SigningKey,
    issuer: &str,
    audience: &str,
    token: &str,
) -> Result<Claims, &'static str> {
    let header = header(token)?;
    if header.typ.as_deref() != Some(TYPE) {
        return Err("the token is no access token");
    }
    if header.kid.as_ref() != Some(&key.id) {
        return Err("the token was signed with another key");
    }
    let rules = rules(issuer, audience, &[Algorithm::ES256], 0);
    decode(token, &key.decoding, &rules)
}

/// The header of a token, if its algorithm is one that can be trusted at all.
pub(crate) fn header(token: &str) -> Result<Header, &'static str> {
    crypto::install();
    // `alg: none` and unknown algorithms do not even parse.
    let header = jsonwebtoken::decode_header(token).map_err(|_| "the token is no signed JWT")?;
    if header.crit.is_some() {
        // RFC 7515, section 4.1.11: what must be understood is not.
        return Err("the token has critical headers that are not understood");
    }
    if ALGORITHMS.contains(&header.alg) {
        Ok(header)
    } else {
        Err("the signature algorithm of the token is not accepted")
    }
}

/// What a token must fulfil; `leeway` is the difference that clocks may have,
/// in seconds.
pub(crate) fn rules(
    issuer: &str,
    audience: &str,
    algorithms: &[Algorithm],
    leeway: u64,
) -> Validation {
    let mut rules = Validation::new(Algorithm::ES256);
    rules.algorithms = algorithms.to_vec();
    rules.leeway = leeway;
    rules.validate_nbf = true;
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["iss", "aud", "exp"]);
    rules
}

/// Verifies the signature and the rules, and reads the claims.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(
    token: &str,
    key: &DecodingKey,
    rules: &Validation,
) -> Result<T, &'static str> {
    match jsonwebtoken::decode(token, key, rules) {
        Ok(decoded) => Ok(decoded.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::ExpiredSignature => "the token has expired",
            ErrorKind::ImmatureSignature => "the token is not valid yet",
            ErrorKind::InvalidIssuer => "the token is of another issuer",
            ErrorKind::InvalidAudience => "the token is for another audience",
            ErrorKind::MissingRequiredClaim(_) => "the token lacks a claim",
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => {
                "the signature algorithm of the token is not accepted"
            }
            ErrorKind::Json(_) | ErrorKind::Utf8(_) | ErrorKind::InvalidClaimFormat(_) => {
                "the claims of the token cannot be read"
            }
            _ => "the signature of the token does not hold",
        }),
    }
}
