//! A server with something for every route.

use super::modules::ACHMEA;
use super::{ACCEPT, APPLICATION, Answer, Rest, issuing};
use crate::activities::{self, Made};
use crate::harness::{employer, plugin, requested};
use crate::journal::XAF;
use http::Method;
use koppel_host::api::Route;
use koppel_host::ledger::{Context, Entry, Kind};
use koppel_host::platform::DeclarationKind;
use koppel_host::runs::{Job, RunRequest};
use serde_json::{Value, json};
use uuid::Uuid;

/// A server with declarations: of each kind one that was sent, and one that was
/// asked for.
pub(super) struct Served {
    pub(super) rest: Rest,
    made: Made,
    tax: Uuid,
    upa: Uuid,
    message: Uuid,
    run: Uuid,
}

impl Served {
    pub(super) async fn new() -> Self {
        let rest = Rest::with(&issuing(&plugin("journal-xaf", XAF))).await;
        let made = Made::on(&rest.host).await;
        let tax = requested(&rest.host, DeclarationKind::PayrollTaxReturn, 1, 2);
        let (tax, of) = (tax.await, DeclarationKind::UpaPensionDeclaration);
        let upa = requested(&rest.host, of, 1, 2).await;
        let message = message(&rest).await;
        let request = RunRequest {
            client: "journal-xaf".to_owned(),
            user: "anna".to_owned(),
            employer: employer(1),
            job: Job::Check,
        };
        // There is no worker.
        let run = rest.host.submit(request, None).await.unwrap().run().id;
        Self {
            rest,
            made,
            tax,
            upa,
            message,
            run,
        }
    }

    /// An identifier with which each activity is allowed for employer 1.
    pub(super) fn good(&self, activity: &str) -> String {
        match activity {
            "GetAuthorizationsByEmployerId"
            | "GetModulesByEmployerId"
            | "PatchModulesByEmployerId"
            | "GetMessagesByEmployerId"
            | "GetConnectorRunsByEmployerId"
            | "PostConnectorRunByEmployerId"
            | "GetExplanationsByEmployerId"
            | "GetDenialsByEmployerId" => employer(1).to_string(),
            "GetMessageByMessageId" | "GetMessageContentByMessageId" => self.message.to_string(),
            "GetConnectorRunByConnectorRunId" | "PatchConnectorRunByConnectorRunId" => {
                self.run.to_string()
            }
            "GetApplicationAuthorizationsByApplicationId" => APPLICATION.to_owned(),
            "PutMessageByPayrollTaxReturnId" => self.tax.to_string(),
            "PutMessageByUpaPensionDeclarationId"
            | "PatchUpaPensionDeclarationByUpaPensionDeclarationId" => self.upa.to_string(),
            other => activities::good(other, &self.made),
        }
    }

    /// A body that fits.
    fn body(&self, activity: &str) -> Value {
        let file = "PGEvPg==";
        match activity {
            "PatchJournalRunByJournalRunId" => json!({"action": "MarkAsProcessed", "message": "x"}),
            "PutMessageByPayrollTaxReturnId" | "PutMessageByUpaPensionDeclarationId" => {
                json!({"messageReference": "R-2", "messageFile": file})
            }
            "PatchPayrollTaxReturnsByPayrollTaxReturnIds" => {
                json!([{"id": self.tax, "action": "confirm"}])
            }
            "PatchUpaPensionDeclarationByUpaPensionDeclarationId" => json!({"action": "cancel"}),
            "PatchModulesByEmployerId" => json!([{"id": ACHMEA, "enabled": true}]),
            "PostSendResponseMessageByPayrollTaxReturnId" => {
                json!({"responseMessageFile": file, "responseMessage": {
                    "dateOfReceipt": "2022-02-18T16:06:39Z", "reference": "A-1",
                    "responseType": {"key": 1, "value": "Acknowledgement"}}})
            }
            "PostSendResponseMessageByUpaPensionDeclarationId" => {
                json!({"responseMessageFile": file, "responseMessages": [{
                    "datetimeOfMessageReceipt": "2022-02-18T16:06:39Z", "reference": "A-1",
                    "responseType": {"key": 2, "value": ""}, "responseStatus": {"key": 2, "value": ""},
                    "code": "R012", "description": "onbekend", "employeeNumber": 3}]})
            }
            "PostConnectorRunByEmployerId" => {
                json!({"client": "journal-xaf", "job": {"kind": "check"}})
            }
            "PatchConnectorRunByConnectorRunId" => json!({"action": "cancel", "reason": "x"}),
            initiate if initiate.starts_with("PostInitiate") => {
                json!({"year": 2022, "periodNumber": 3})
            }
            _ => json!({}),
        }
    }

    /// A call with a body that fits.
    pub(super) async fn call(&self, token: &str, route: &Route, path: &str) -> Answer {
        let row = route.activity.row();
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        if row.method == "GET" {
            return self.rest.get(token, path).await;
        }
        let body = self.body(row.id);
        let request = self
            .rest
            .request(method, &format!("/v2{path}"))
            .bearer_auth(token)
            .header("accept", ACCEPT)
            .header("content-type", "application/json")
            // Asked of one route only.
            .header("idempotency-key", "a key")
            .body(body.to_string());
        self.rest.send(request).await
    }
}

/// Puts a message of employer 1 in the ledger.
async fn message(rest: &Rest) -> Uuid {
    let ledger = rest.host.ledger();
    let context = Context {
        run: Uuid::from_u128(1),
        client: "journal-xaf".to_owned(),
        user: "anna".to_owned(),
        employer: employer(1),
    };
    let entry = Entry {
        body: b"<a/>".to_vec(),
        ..Entry::new(context, Kind::ExportFile, "a.xaf".to_owned())
    };
    let seq = ledger.append(entry).await.unwrap();
    ledger.row(seq).await.unwrap().unwrap().0.id
}
