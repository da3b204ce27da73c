//! Declarations of one host, made and sent by another.

use super::on_a_host::probe;
use super::pair::Pair;
use crate::declarations::{self, gateway::Gateway};
use crate::harness::{ANNA, answer, employer};
use koppel_host::bindings::koppel::loket::types::{DeclarationRequest, PeriodOfYear};
use koppel_host::desk::{Declaration, Desk};
use koppel_host::ledger::{Filter, Kind};
use koppel_host::platform::{Claim, DeclarationKind, Entity, in_words, seed};
use koppel_host::runs::{Job, Output};
use koppel_host::session::Fault;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// Host A with both declaration connectors before a gateway, on host B.
struct Chain {
    pair: Pair,
    gateway: Gateway,
}

impl Chain {
    async fn start() -> Self {
        let gateway = Gateway::start().await;
        let base = format!("http://party.test:{}", gateway.port);
        let clients = declarations::clients(&base, "allow-private-addresses = true");
        Self {
            pair: Pair::new(&clients, "").await,
            gateway,
        }
    }

    /// Anna's desk at host A.
    async fn desk(&self) -> Desk {
        let of = Entity::Employer(employer(1));
        let found = self.pair.a.host.desk(declarations::DESK, ANNA, of).await;
        found.unwrap().unwrap()
    }

    /// Asks for a declaration of January 2022 at host A.
    async fn initiate(&self, kind: DeclarationKind) -> Declaration {
        let request = DeclarationRequest::Period(PeriodOfYear {
            year: 2022,
            period_number: 1,
        });
        let desk = self.desk().await;
        let administration = seed::payroll_administration_id(1);
        desk.initiate(kind, administration, &request).await.unwrap()
    }

    async fn run(&self, kind: DeclarationKind, job: Job) -> Result<Output, String> {
        let client = declarations::client(kind);
        let report = self.pair.a.run(client, ANNA, 1, job).await;
        report
            .outcome
            .map_err(|error| format!("{error} {:?}", report.log))
    }

    /// A declaration with a message that was confirmed, all of it at host A.
    async fn confirmed(&self, kind: DeclarationKind) -> Uuid {
        let id: Uuid = self.initiate(kind).await.id.parse().unwrap();
        let made = self.run(kind, Job::CreateDeclaration(id)).await;
        assert!(made.is_ok(), "{made:?}");
        let confirmed = self.desk().await.confirm(kind, id).await.unwrap();
        assert_eq!(confirmed.status, 5);
        id
    }

    async fn at_a(&self, kind: DeclarationKind, id: Uuid) -> Declaration {
        self.desk().await.show(kind, id).await.unwrap()
    }

    async fn at_b(&self, kind: DeclarationKind, id: Uuid) -> Declaration {
        let platform = self.pair.b.host.platform();
        match kind {
            DeclarationKind::PayrollTaxReturn => {
                Arc::unwrap_or_clone(platform.payroll_tax_return(id).await.unwrap()).into()
            }
            DeclarationKind::UpaPensionDeclaration => {
                Arc::unwrap_or_clone(platform.upa_pension_declaration(id).await.unwrap()).into()
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_of_another_host_is_made_confirmed_sent_and_answered() {
    for kind in DeclarationKind::ALL {
        let chain = Chain::start().await;
        let id: Uuid = chain.initiate(kind).await.id.parse().unwrap();
        assert_eq!(chain.at_b(kind, id).await.status, 1);
        let made = chain.run(kind, Job::CreateDeclaration(id)).await.unwrap();
        let Output::DeclarationMessage {
            sha256, reference, ..
        } = made
        else {
            panic!("{made:?}");
        };
        let created = chain.at_b(kind, id).await;
        assert_eq!(created.status, 3);
        assert_eq!(created.message_sha256.as_ref(), Some(&sha256));
        assert_eq!(
            chain
                .run(kind, Job::SubmitDeclaration(id))
                .await
                .unwrap_err(),
            format!(
                "{} {id} cannot be sent: its status is 3 (created); a person must confirm it first []",
                kind.noun()
            )
        );
        chain.desk().await.confirm(kind, id).await.unwrap();
        assert_eq!(chain.at_b(kind, id).await.status, 5);

        let sent = chain.run(kind, Job::SubmitDeclaration(id)).await;
        assert!(sent.is_ok(), "{sent:?}");
        let deliveries = chain.gateway.deliveries();
        assert_eq!(deliveries.len(), 1);
        assert_eq!(declarations::sha256(&deliveries[0].1), sha256);
        declarations::validate(kind, &deliveries[0].1);
        // The other host does not know it yet; this one does.
        assert_eq!(chain.at_b(kind, id).await.status, 5);
        let shown = chain.at_a(kind, id).await;
        assert_eq!(shown.status, 6);
        let time = shown.sent.unwrap();
        assert_eq!(
            chain
                .run(kind, Job::SubmitDeclaration(id))
                .await
                .unwrap_err(),
            format!(
                "{} {id} was sent at {time} already; a correction is a new one []",
                kind.noun()
            )
        );

        chain.gateway.respond(
            &reference,
            "A-1",
            &declarations::acknowledgement(kind, &reference),
        );
        for new in [1, 0] {
            let polled = chain.run(kind, Job::PollDeclaration(id)).await;
            let expected = Output::Responses {
                declaration: id,
                new,
                total: 1,
            };
            assert_eq!(polled, Ok(expected));
        }
        // By the response the other host sees that it was sent, and sends it
        // no more.
        let answered = chain.at_b(kind, id).await;
        assert_eq!(answered.status, 6);
        assert_eq!(answered.responses, chain.at_a(kind, id).await.responses);
        assert_eq!(answered.responses[0].reference, "A-1");
        let claim = Claim {
            run: Uuid::now_v7(),
            milliseconds: 1_000,
        };
        let claimed = chain.pair.b.host.platform().claim_declaration(id, claim);
        let refused = in_words(&claimed.await.unwrap_err());
        assert!(refused.contains(" was sent at "), "{refused}");
        let writes = Filter {
            kinds: vec![Kind::ActivityWrite],
            ..Filter::default()
        };
        let writes = chain.pair.b.host.ledger().rows(writes).await.unwrap();
        let last: Vec<_> = writes
            .iter()
            .rev()
            .take(2)
            .map(|row| &row.summary)
            .collect();
        assert_eq!(
            last,
            [
                &format!("store response message A-1 to {} {id}", kind.noun()),
                &format!(
                    "{} {id} was sent by the application: it has response message A-1",
                    kind.noun()
                ),
            ]
        );
        assert_eq!(chain.pair.b.denials().await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_whose_reply_was_lost_is_neither_cancelled_nor_sent_twice() {
    let chain = Chain::start().await;
    let kind = DeclarationKind::PayrollTaxReturn;
    let id = chain.confirmed(kind).await;
    chain.gateway.instead(true, 500);
    chain
        .run(kind, Job::SubmitDeclaration(id))
        .await
        .unwrap_err();
    let Err(Fault::Guest(refused)) = chain.desk().await.cancel(kind, id).await else {
        panic!("it was cancelled");
    };
    assert_eq!(
        in_words(&refused),
        format!(
            "payroll tax return {id} cannot be cancelled: its message may have reached the outside party, whose reply was lost; submit it again to find out"
        )
    );
    assert_eq!(chain.at_b(kind, id).await.status, 5);
    // The same message again: the gateway has it already.
    let again = chain.run(kind, Job::SubmitDeclaration(id)).await;
    assert!(again.is_ok(), "{again:?}");
    assert_eq!(chain.gateway.messages().len(), 1);
    assert_eq!(chain.at_a(kind, id).await.status, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_makes_messages_itself_is_told_apart() {
    let chain = Chain::start().await;
    let kind = DeclarationKind::PayrollTaxReturn;
    let id: Uuid = chain.initiate(kind).await.id.parse().unwrap();
    chain.pair.front.lacks("PUT");
    let why = chain
        .run(kind, Job::CreateDeclaration(id))
        .await
        .unwrap_err();
    let expected = format!(
        "the host failed: the platform did not take the message of payroll tax return {id} (PutMessageByPayrollTaxReturnId): {id} does not exist; Loket makes messages itself, and has no operation for this"
    );
    assert!(why.starts_with(&expected), "{why}");
    assert_eq!(chain.at_b(kind, id).await.status, 1);
    // Cancelled at host A, it is cancelled there.
    let cancelled = chain.desk().await.cancel(kind, id).await.unwrap();
    assert_eq!(cancelled.status, 4);
    assert_eq!(chain.at_b(kind, id).await.status, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_cannot_say_that_a_declaration_was_sent_which_was_not() {
    let pair = Pair::new(&probe(), "").await;
    let kind = DeclarationKind::PayrollTaxReturn;
    let id = crate::harness::requested(&pair.b.host, kind, 1, 2).await;
    let b = pair.b.host.platform();
    b.store_message(id, "R-2", b"<a/>").await.unwrap();
    b.confirm_declaration(id, ANNA).await.unwrap();
    let query = json!({"activity": "PostSendResponseMessageByPayrollTaxReturnId", "id": id});
    assert_eq!(
        answer(pair.a.lookup("probe", &query).await),
        json!({"conflict": format!("payroll tax return {id} cannot be given a response message: its status is 5 (confirmed); it was not sent")})
    );
    let asked = pair.front.asked();
    assert!(
        asked.iter().all(|asked| asked.starts_with("GET ")),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_do_it_with_the_command_and_name_the_employer() {
    let chain = Chain::start().await;
    let of = employer(1).to_string();
    let koppel = |arguments: &[&str]| {
        let who = [
            "--user",
            ANNA,
            "--client",
            declarations::DESK,
            "--employer",
            &of,
        ];
        let all = [&["--json", "declarations"], arguments, &who].concat();
        let (code, output, errors) = crate::products::koppel(&chain.pair.a, &all);
        assert_eq!((code, errors.as_str()), (0, ""), "{arguments:?}");
        serde_json::from_str::<serde_json::Value>(&output).unwrap()
    };
    let asked = koppel(&["initiate", "--kind", "upa", "--period", "2022-02"]);
    let id = asked["id"].as_str().unwrap();
    assert_eq!(koppel(&["list"])[0], asked);
    assert_eq!(koppel(&["show", id]), asked);
    let b = chain.pair.b.host.platform();
    let made = b.store_message(id.parse().unwrap(), "R-2", b"<a/>").await;
    let confirmed = koppel(&["confirm", id]);
    assert_eq!(
        (&confirmed["status"], &confirmed["message-sha256"]),
        (&json!(5), &json!(made.unwrap()))
    );
    assert_eq!(koppel(&["show", id, "--message"]), "<a/>");
    assert_eq!(koppel(&["cancel", id])["status"], 4);
    let kind = DeclarationKind::UpaPensionDeclaration;
    assert_eq!(chain.at_b(kind, id.parse().unwrap()).await.status, 4);
}
