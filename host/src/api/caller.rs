//! Who is calling: the access token of the call, and whether the operator
//! still knows the application and the user that it names.

use super::Api;
use super::reply::ApiError;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::oauth::{Principal, TokenError};
use http::{HeaderMap, header};

/// Says who is calling.
///
/// # Errors
///
/// 401 when there is no token, or one that is not good; 503 when it cannot be
/// verified now.
pub(super) async fn caller(api: &Api, headers: &HeaderMap) -> Result<Principal, ApiError> {
    let token = bearer(headers)?;
    let principal = match api.authenticator.verify(token).await {
        Ok(principal) => principal,
        Err(TokenError::Unavailable) => return Err(ActivityError::Unavailable(Some(1)).into()),
        Err(TokenError::Invalid(why)) => {
            tracing::info!(why, "a token was refused");
            return Err(ApiError::Unauthorized(Some(why)));
        }
    };
    api.host.live().with(|config| {
        // A provider may know the application by its id.
        let named = config.applications.get(&principal.client);
        let application = named.or_else(|| {
            let mut all = config.applications.values();
            all.find(|application| application.id.to_string() == principal.client)
        });
        let Some(application) = application else {
            return Err(ApiError::Unauthorized(Some(
                "the application of the token is not known here",
            )));
        };
        if !config.grants.users.contains_key(&principal.user) {
            return Err(ApiError::Unauthorized(Some(
                "the user of the token is not known here",
            )));
        }
        Ok(Principal {
            client: application.name.clone(),
            user: principal.user,
        })
    })
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1): one, in the
/// header only.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(ApiError::Unauthorized(None));
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or(ApiError::Unauthorized(None))
}
