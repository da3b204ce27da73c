//! Declarations: from asking for one to what the outside party says.

mod certificates;
mod command;
mod forger;
pub(crate) mod gateway;
mod people;
mod sending;
mod way;

pub(crate) use sending::{acknowledgement, validate};

use crate::harness::{ANNA, TestHost, component};
use gateway::Gateway;
use koppel_host::bindings::koppel::loket::types::DeclarationRequest;
use koppel_host::desk::{Declaration, Desk};
use koppel_host::platform::{DeclarationKind, seed};
use koppel_host::runs::{Job, Output, RunReport};
use uuid::Uuid;

pub(crate) const TAX: DeclarationKind = DeclarationKind::PayrollTaxReturn;
const UPA: DeclarationKind = DeclarationKind::UpaPensionDeclaration;

/// The application of people: it has no component that could run.
pub(crate) const DESK: &str = "desk";

/// A host with both connectors, in front of a gateway.
pub(crate) struct Chain {
    pub(crate) host: TestHost,
    gateway: Gateway,
}

pub(crate) fn client(kind: DeclarationKind) -> &'static str {
    match kind {
        DeclarationKind::PayrollTaxReturn => "loonaangifte",
        DeclarationKind::UpaPensionDeclaration => "upa-pension",
    }
}

/// The configuration of both connectors and of people's application.
pub(crate) fn clients(base: &str, more: &str) -> String {
    let tax = component("plugins/loonaangifte.wasm");
    let upa = component("plugins/upa-pension.wasm");
    let people = crate::harness::all_activities();
    format!(
        r#"[clients.loonaangifte]
component = {tax:?}
activities = ["GetEmployerByEmployerId", "GetEmployeesByEmployerId", "GetCitizenServiceNumberByEmployeeId", "GetEmploymentsByEmployerId", "GetPayrollRunsByPayrollAdministrationId", "GetPayrollRunResultsByPayrollRunId", "GetPayrollTaxReturnByPayrollTaxReturnId", "GetMessageByPayrollTaxReturnId", "PostInitiatePayrollTaxReturnByPayrollAdministrationId", "PostSendPayrollTaxReturnByPayrollTaxReturnId", "PostSendResponseMessageByPayrollTaxReturnId"]
http = [
    {{ allow = "{base}/tax/*", methods = ["PUT"], activity = "PostSendPayrollTaxReturnByPayrollTaxReturnId", {more} }},
    {{ allow = "{base}/tax/*", methods = ["GET"], activity = "PostSendResponseMessageByPayrollTaxReturnId", {more} }},
]
settings = {{ endpoint = "{base}/tax", contact-person = "A. de Boer", telephone = "071-1234567", relation-number = "SWO00077" }}

[clients.upa-pension]
component = {upa:?}
activities = ["GetEmployerByEmployerId", "GetEmployeesByEmployerId", "GetCitizenServiceNumberByEmployeeId", "GetEmploymentsByEmployerId", "GetPayrollRunsByPayrollAdministrationId", "GetPayrollRunResultsByPayrollRunId", "GetUpaPensionDeclarationByUpaPensionDeclarationId", "PostInitiateUpaPensionDeclarationByPayrollAdministrationId", "PostSendUpaPensionDeclarationByUpaPensionDeclarationId", "PostSendResponseMessageByUpaPensionDeclarationId"]
http = [
    {{ allow = "{base}/upa/*", methods = ["PUT"], activity = "PostSendUpaPensionDeclarationByUpaPensionDeclarationId", {more} }},
    {{ allow = "{base}/upa/*", methods = ["GET"], activity = "PostSendResponseMessageByUpaPensionDeclarationId", {more} }},
]
settings = {{ endpoint = "{base}/upa", sending-party-number = "SWO00077", scheme = "PFZW-01" }}

[clients.{DESK}]
application = {{ id = "5c1d2b7e-0000-4000-8000-000000000001", redirect-uris = ["http://127.0.0.1/callback"] }}
{people}
"#
    )
}

impl Chain {
    pub(crate) async fn start() -> Self {
        let gateway = Gateway::start().await;
        let base = format!("http://party.test:{}", gateway.port);
        let host = TestHost::new(&clients(&base, "allow-private-addresses = true")).await;
        Self { host, gateway }
    }

    /// The desk of a user for whoever a declaration belongs to.
    async fn desk(&self, user: &str, kind: DeclarationKind, id: Uuid) -> Desk {
        let found = self.host.host.desk(DESK, user, kind.entity(id)).await;
        found.unwrap().unwrap()
    }

    async fn run(&self, kind: DeclarationKind, job: Job) -> RunReport {
        self.host.run(client(kind), ANNA, 1, job).await
    }

    /// A declaration of employer 1 with its message.
    async fn created(&self, kind: DeclarationKind, period: u32) -> Uuid {
        let id = self.host.requested(kind, 1, period).await;
        self.create(kind, id).await;
        id
    }

    /// The message of a declaration that was asked for: its SHA-256.
    async fn create(&self, kind: DeclarationKind, id: Uuid) -> String {
        let report = self.run(kind, Job::CreateDeclaration(id)).await;
        match report.outcome {
            Ok(Output::DeclarationMessage { sha256, .. }) => sha256,
            other => panic!("{other:?} {:?}", report.log),
        }
    }

    /// Confirms as Anna does.
    async fn confirm(&self, kind: DeclarationKind, id: Uuid) -> Declaration {
        let desk = self.desk(ANNA, kind, id).await;
        desk.confirm(kind, id).await.unwrap()
    }

    async fn submit(&self, kind: DeclarationKind, id: Uuid) -> RunReport {
        self.run(kind, Job::SubmitDeclaration(id)).await
    }

    /// A declaration of employer 1 that was sent.
    pub(crate) async fn sent(&self, kind: DeclarationKind, period: u32) -> Uuid {
        let id = self.created(kind, period).await;
        self.confirm(kind, id).await;
        let report = self.submit(kind, id).await;
        assert!(
            report.outcome.is_ok(),
            "{:?} {:?}",
            report.outcome,
            report.log
        );
        id
    }

    async fn show(&self, kind: DeclarationKind, id: Uuid) -> Declaration {
        self.desk(ANNA, kind, id)
            .await
            .show(kind, id)
            .await
            .unwrap()
    }

    /// Asks for a correction of a declaration that was sent.
    async fn correction(&self, kind: DeclarationKind, of: Uuid) -> Declaration {
        let desk = self.desk(ANNA, kind, of).await;
        let request = DeclarationRequest::CorrectionOf(of.to_string());
        let administration = seed::payroll_administration_id(1);
        desk.initiate(kind, administration, &request).await.unwrap()
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}
