//! What people do with a run.

use super::super::visit::Deed;
use super::one::again;
use crate::api::Asked;
use crate::catalogue::id;
use crate::oauth::Parameters;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// `POST /console/{scope}/runs/{id}`: cancels, retries or decides.
pub(in crate::console) async fn act(deed: Deed) -> Response {
    let Deed { visit, form } = deed;
    let run = visit.parameter("id").to_owned();
    let asked = Asked::of(id::PatchConnectorRunByConnectorRunId)
        .about(&run)
        .json(&change(&form));
    match visit.console.api.ask(&visit.principal, asked).await {
        Ok(_) => Redirect::to(&visit.path(&format!("/runs/{run}"))).into_response(),
        Err(problem) if problem.denied.is_some() => visit.problem(&problem),
        Err(problem) => again(&visit, &problem, &form).await,
    }
}

/// What the REST API takes. What is missing or too much it says itself.
fn change(form: &Parameters) -> Value {
    let mut change = Map::new();
    for name in ["action", "reason", "verdict"] {
        if let Some(value) = form.get(name) {
            change.insert(name.to_owned(), value.into());
        }
    }
    if let Some(status) = form.get("status") {
        // What is no number is refused as one.
        let status = status.parse::<u16>().map_or(json!(status), Value::from);
        // Forms have the line ends of the web, whatever was put into them.
        let body = form.get("body").unwrap_or_default().replace("\r\n", "\n");
        let mut reply = json!({"status": status, "body": STANDARD.encode(body)});
        if let Some(media_type) = form.get("mediaType") {
            reply["mediaType"] = media_type.into();
        }
        change.insert("reply".to_owned(), reply);
    }
    Value::Object(change)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_what_the_rest_api_takes() {
        let form = |text: &str| change(&Parameters::read(text.as_bytes()).unwrap());
        assert_eq!(form("action=retry&reason="), json!({"action": "retry"}));
        assert_eq!(
            form("action=cancel&reason=not+now"),
            json!({"action": "cancel", "reason": "not now"})
        );
        assert_eq!(
            form("action=decide&verdict=happened&status=201&mediaType=text/plain&body=a%0D%0Ab"),
            json!({"action": "decide", "verdict": "happened",
                "reply": {"status": 201, "mediaType": "text/plain", "body": "YQpi"}})
        );
        assert_eq!(form("action=decide&status=x")["reply"]["status"], "x");
    }
}
