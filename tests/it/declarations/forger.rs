//! A connector of kind declaration that does what it may not.

use super::{DESK, Gateway, TAX, sha256};
use crate::harness::{ANNA, TestHost, all_activities, client, error};
use koppel_host::desk::Declaration;
use koppel_host::runs::{Job, Output, RunReport};
use serde_json::Value;
use uuid::Uuid;

struct Forgery {
    host: TestHost,
    gateway: Gateway,
}

impl Forgery {
    /// With these settings besides the URL.
    async fn with(settings: &str) -> Self {
        let gateway = Gateway::start().await;
        let url = format!("http://party.test:{}/tax/forged", gateway.port);
        let more = format!(
            "{all}\nhttp = [{{ allow = \"{url}\", methods = [\"POST\"], activity = \"PostSendPayrollTaxReturnByPayrollTaxReturnId\", allow-private-addresses = true }}]\n\
             settings = {{ url = \"{url}\"{settings} }}\n\
             [clients.{DESK}]\napplication = {{ id = \"5c1d2b7e-0000-4000-8000-000000000001\", redirect-uris = [\"http://127.0.0.1/callback\"] }}\n{all}",
            all = all_activities()
        );
        let host = TestHost::new(&client("forger", &more)).await;
        Self { host, gateway }
    }

    async fn run(&self, job: Job) -> RunReport {
        self.host.run("forger", ANNA, 1, job).await
    }

    /// A declaration with the message of the forger, confirmed by Anna.
    async fn confirmed(&self) -> Uuid {
        let id = self.host.requested(TAX, 1, 1).await;
        self.run(Job::CreateDeclaration(id)).await.outcome.unwrap();
        let desk = self.host.host.desk(DESK, ANNA, TAX.entity(id)).await;
        desk.unwrap().unwrap().confirm(TAX, id).await.unwrap();
        id
    }

    async fn show(&self, id: Uuid) -> Declaration {
        let desk = self.host.host.desk(DESK, ANNA, TAX.entity(id)).await;
        desk.unwrap().unwrap().show(TAX, id).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_leaves_only_when_it_is_submitted() {
    let forgery = Forgery::with(", eager = true").await;
    let id = forgery.host.requested(TAX, 1, 1).await;
    let why = "PostSendPayrollTaxReturnByPayrollTaxReturnId: a message leaves only when a declaration that a person confirmed is submitted";
    for job in [Job::CreateDeclaration(id), Job::Check] {
        let report = forgery.run(job).await;
        assert!(report.outcome.is_err());
        assert_eq!(forgery.host.denials().await.pop().unwrap(), why);
    }
    assert_eq!(forgery.gateway.deliveries(), []);
    assert_eq!(forgery.show(id).await.status_text, "requested");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_confirmed_message_leaves() {
    for (settings, left) in [(", submit = \"other\"", 0), (", submit = \"more\"", 1)] {
        let forgery = Forgery::with(settings).await;
        let id = forgery.confirmed().await;
        assert!(
            forgery
                .run(Job::SubmitDeclaration(id))
                .await
                .outcome
                .is_err()
        );
        assert_eq!(
            forgery.host.denials().await,
            [
                "PostSendPayrollTaxReturnByPayrollTaxReturnId: the body of the request is not the message that a person confirmed"
            ]
        );
        let deliveries = forgery.gateway.deliveries();
        assert_eq!(deliveries.len(), left, "{settings}");
        assert!(deliveries.iter().all(|(_, body)| *body == [b'm'; 100]));
        assert_eq!(forgery.show(id).await.status_text, "confirmed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_leave_in_an_envelope() {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode([b'm'; 100]);
    let settings = format!(", submit = {{ envelope = \"{encoded}\" }}");
    let forgery = Forgery::with(&settings).await;
    let id = forgery.confirmed().await;
    let report = forgery.run(Job::SubmitDeclaration(id)).await;
    // What is no reference of a party is not kept as one.
    assert_eq!(
        report.outcome.unwrap(),
        Output::Submission {
            declaration: id,
            reference: "FORGED-1".to_owned(),
            sha256: sha256(&[b'm'; 100]),
        }
    );
    let body = format!("<Envelope>{encoded}</Envelope>").into_bytes();
    assert_eq!(forgery.gateway.deliveries()[0].1, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sent_is_not_marked_as_sent() {
    let forgery = Forgery::with(", submit = \"lie\"").await;
    let id = forgery.confirmed().await;
    assert_eq!(
        error(forgery.run(Job::SubmitDeclaration(id)).await),
        "the connector answered what it may not: it says that the message was sent, but the outside party took no request with it"
    );
    assert_eq!(forgery.show(id).await.status_text, "confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_crashes_after_sending_leaves_it_in_doubt() {
    let forgery = Forgery::with(", submit = \"crash\"").await;
    let id = forgery.confirmed().await;
    let text = error(forgery.run(Job::SubmitDeclaration(id)).await);
    assert!(text.starts_with("the connector crashed: "), "{text}");
    assert_eq!(forgery.gateway.deliveries().len(), 1);
    assert_eq!(forgery.show(id).await.status_text, "confirmed");
    let desk = forgery.host.host.desk(DESK, ANNA, TAX.entity(id)).await;
    let cancelled = desk.unwrap().unwrap().cancel(TAX, id).await;
    assert!(
        format!("{cancelled:?}").contains("may have reached the outside party"),
        "{cancelled:?}"
    );
    // The claim of the run that crashed is gone: it can be sent again.
    assert!(error(forgery.run(Job::SubmitDeclaration(id)).await).contains("crashed"));
    assert_eq!(forgery.gateway.deliveries().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_none_is_not_stored() {
    for (settings, why) in [
        (
            ", reference = \"\"",
            "the reference of a message has 1 to 64 visible ASCII characters",
        ),
        (
            ", reference = \"a b\"",
            "the reference of a message has 1 to 64 visible ASCII characters",
        ),
        (", size = 0", "a message has 1 to 10485760 bytes, not 0"),
        (
            ", size = 10485761",
            "a message has 1 to 10485760 bytes, not 10485761",
        ),
    ] {
        let forgery = Forgery::with(settings).await;
        let id = forgery.host.requested(TAX, 1, 1).await;
        assert_eq!(
            error(forgery.run(Job::CreateDeclaration(id)).await),
            format!("the connector answered what it may not: {why}")
        );
        assert_eq!(forgery.show(id).await.status_text, "requested");
    }
    // A reference that is taken.
    let forgery = Forgery::with("").await;
    forgery.confirmed().await;
    let second = forgery.host.requested(TAX, 1, 2).await;
    let text = error(forgery.run(Job::CreateDeclaration(second)).await);
    assert!(
        text.starts_with("the message reference \"FORGED-1\" is that of payroll tax return "),
        "{text}"
    );
    let json: Value = serde_json::to_value(forgery.show(second).await).unwrap();
    assert_eq!(json["status"], 1);
}
