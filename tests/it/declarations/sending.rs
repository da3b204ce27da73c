//! The whole chain, through the real connectors and a gateway.

use super::{Chain, TAX, UPA, sha256};
use crate::harness::{ANNA, error, formats};
use koppel_host::ledger::Kind;
use koppel_host::platform::{DeclarationKind, seed};
use koppel_host::runs::{Job, Output};
use std::process::Command;

/// A message is valid by the schema that it is written to.
pub(crate) fn validate(kind: DeclarationKind, message: &[u8]) {
    let schema = match kind {
        DeclarationKind::PayrollTaxReturn => {
            let Some(formats) = formats() else { return };
            formats.join("loonaangifte/Loonaangifte2022v2.0.xsd")
        }
        DeclarationKind::UpaPensionDeclaration => {
            crate::harness::repository().join("plugins/upa-pension/upa-like.xsd")
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("message.xml");
    std::fs::write(&path, message).unwrap();
    let run = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg(path)
        .output();
    match run {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => {
            assert!(
                std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
                "xmllint: {error}"
            );
            eprintln!("skipped: xmllint: {error}; the message is not validated");
        }
    }
}

/// What a party says to a message that it received.
pub(crate) fn acknowledgement(kind: DeclarationKind, reference: &str) -> String {
    match kind {
        DeclarationKind::PayrollTaxReturn => format!(
            "<Responsemessage version=\"2006.1\"><Identification><MessageId>A-1</MessageId><RefersToMessageId>{reference}</RefersToMessageId><DatumTijdOntvangst>2022-02-18T16:06:39Z</DatumTijdOntvangst><ResponseType>acknowledgement</ResponseType></Identification></Responsemessage>"
        ),
        DeclarationKind::UpaPensionDeclaration => format!(
            "<Retourbericht xmlns=\"urn:koppel:upa-like:1\"><IdBer>{reference}</IdBer><DatTdOntv>2022-02-18T16:06:39Z</DatTdOntv><Status>ACK</Status></Retourbericht>"
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_is_made_confirmed_by_a_person_sent_and_answered() {
    for kind in [TAX, UPA] {
        let chain = Chain::start().await;
        let id = chain.host.requested(kind, 1, 1).await;
        let made = chain.create(kind, id).await;
        let created = chain.show(kind, id).await;
        assert_eq!((created.status, created.status_text), (3, "created"));
        assert_eq!(created.message_sha256.as_deref(), Some(made.as_str()));
        assert_eq!(chain.gateway.deliveries(), []);

        let confirmed = chain.confirm(kind, id).await;
        assert_eq!((confirmed.status, confirmed.status_text), (5, "confirmed"));
        assert_eq!(confirmed.approved.unwrap().user, ANNA);
        assert_eq!(confirmed.message_sha256.as_deref(), Some(made.as_str()));
        assert_eq!(chain.gateway.deliveries(), []);

        let report = chain.submit(kind, id).await;
        assert_eq!(
            report.outcome.unwrap(),
            Output::Submission {
                declaration: id,
                reference: "G-1".to_owned(),
                sha256: made.clone(),
            }
        );
        let sent = chain.show(kind, id).await;
        assert_eq!((sent.status, sent.status_text), (6, "sent"));
        let deliveries = chain.gateway.deliveries();
        let [(reference, bytes)] = deliveries.as_slice() else {
            panic!("{deliveries:?}");
        };
        assert_eq!(sent.message_reference.as_ref(), Some(reference));
        assert_eq!(sha256(bytes), made, "what left is what was confirmed");
        validate(kind, bytes);

        let response = acknowledgement(kind, reference);
        chain.gateway.respond(reference, "A-1", &response);
        for new in [1, 0] {
            let report = chain.run(kind, Job::PollDeclaration(id)).await;
            assert_eq!(
                report.outcome.unwrap(),
                Output::Responses {
                    declaration: id,
                    new,
                    total: 1
                }
            );
        }
        let answered = chain.show(kind, id).await;
        assert_eq!(answered.responses.len(), 1);
        assert_eq!(answered.responses[0].reference, "A-1");
        let file = chain.host.host.platform().response_file(id, "A-1").await;
        assert_eq!(file.unwrap(), response.as_bytes());

        // The ledger holds the bytes that left, and each step before it.
        let requests = chain.host.rows(&[Kind::Request]).await;
        let body = chain.host.body(requests[0].seq).await;
        assert_eq!(sha256(&body), made);
        let writes: Vec<_> = chain
            .host
            .rows(&[Kind::ActivityWrite])
            .await
            .into_iter()
            .map(|row| (row.context.client, row.summary))
            .collect();
        let (noun, client) = (kind.noun(), super::client(kind));
        assert!(
            writes[0]
                .1
                .starts_with(&format!("store message {reference} of {noun} {id}, "))
        );
        assert_eq!(
            writes[1],
            ("desk".to_owned(), format!("confirm {noun} {id}"))
        );
        assert_eq!(
            writes[2],
            (
                client.to_owned(),
                format!("send {noun} {id}, message {reference}, SHA-256 {made}")
            )
        );
        assert_eq!(writes[3].1, format!("{noun} {id} was sent, reference G-1"));
        assert_eq!(
            writes[4].1,
            format!("store response message A-1 to {noun} {id}")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_period_of_every_employer_becomes_a_valid_message() {
    let chain = Chain::start().await;
    for kind in [TAX, UPA] {
        for (of, period) in [(1, 1), (1, 2), (2, 1), (2, 3), (3, 2)] {
            let id = chain.host.requested(kind, of, period).await;
            let job = Job::CreateDeclaration(id);
            let report = chain.host.run(super::client(kind), ANNA, of, job).await;
            assert!(report.outcome.is_ok(), "{:?}", report.outcome);
            let desk = chain.desk(ANNA, kind, id).await;
            validate(kind, &desk.message(kind, id).await.unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_person_confirmed_never_leaves() {
    let chain = Chain::start().await;
    for kind in [TAX, UPA] {
        let noun = kind.noun();
        let id = chain.host.requested(kind, 1, 1).await;
        assert_eq!(
            error(chain.submit(kind, id).await),
            format!(
                "{noun} {id} cannot be sent: its status is 1 (requested); only one that a person confirmed can"
            )
        );
        chain.create(kind, id).await;
        assert_eq!(
            error(chain.submit(kind, id).await),
            format!(
                "{noun} {id} cannot be sent: its status is 3 (created); a person must confirm it first"
            )
        );
        let desk = chain.desk(ANNA, kind, id).await;
        desk.cancel(kind, id).await.unwrap();
        assert_eq!(
            error(chain.submit(kind, id).await),
            format!(
                "{noun} {id} cannot be sent: its status is 4 (cancelled); only one that a person confirmed can"
            )
        );
    }
    assert_eq!(chain.gateway.deliveries(), []);
    assert_eq!(chain.host.rows(&[Kind::Request]).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_what_was_confirmed_though_the_payroll_data_changed() {
    let chain = Chain::start().await;
    let id = chain.created(TAX, 1).await;
    let confirmed = chain.confirm(TAX, id).await.message_sha256.unwrap();
    let database =
        rusqlite::Connection::open(chain.host.dir.path().join("data/koppel.db")).unwrap();
    database
        .execute_batch(
            "UPDATE payroll_run_result SET value = value * 2; UPDATE employee SET last_name = 'Anders'",
        )
        .unwrap();
    chain.submit(TAX, id).await.outcome.unwrap();
    let deliveries = chain.gateway.deliveries();
    assert_eq!(sha256(&deliveries[0].1), confirmed);
    let text = String::from_utf8(deliveries[0].1.clone()).unwrap();
    assert!(!text.contains("Anders"), "{text}");
    // A message that is made now is another one.
    let other = chain.created(TAX, 2).await;
    let desk = chain.desk(ANNA, TAX, other).await;
    let other = String::from_utf8(desk.message(TAX, other).await.unwrap()).unwrap();
    assert!(other.contains("Anders"), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_not_sent_again() {
    let chain = Chain::start().await;
    let id = chain.sent(TAX, 1).await;
    let time = chain.show(TAX, id).await.sent.unwrap();
    assert_eq!(
        error(chain.submit(TAX, id).await),
        format!("payroll tax return {id} was sent at {time} already; a correction is a new one")
    );
    assert_eq!(chain.gateway.deliveries().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_whose_reply_was_lost_is_sent_again_as_the_same_message() {
    let chain = Chain::start().await;
    let id = chain.created(TAX, 1).await;
    chain.confirm(TAX, id).await;
    // It is kept, but the reply says that nobody knows.
    chain.gateway.instead(true, 503);
    assert_eq!(
        error(chain.submit(TAX, id).await),
        "not available now; try again later"
    );
    assert_eq!(chain.show(TAX, id).await.status_text, "confirmed");
    let desk = chain.desk(ANNA, TAX, id).await;
    let cancelled = desk.cancel(TAX, id).await;
    assert!(
        format!("{cancelled:?}").contains("its message may have reached the outside party"),
        "{cancelled:?}"
    );
    chain.submit(TAX, id).await.outcome.unwrap();
    assert_eq!(chain.show(TAX, id).await.status_text, "sent");
    let deliveries = chain.gateway.deliveries();
    assert_eq!(deliveries.len(), 2);
    assert_eq!(deliveries[0], deliveries[1]);
    assert_eq!(chain.gateway.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_that_the_party_refused_can_be_cancelled_and_asked_for_anew() {
    let chain = Chain::start().await;
    let id = chain.created(UPA, 1).await;
    chain.confirm(UPA, id).await;
    chain.gateway.instead(false, 400);
    assert_eq!(
        error(chain.submit(UPA, id).await),
        "the outside party says: status 400: "
    );
    let desk = chain.desk(ANNA, UPA, id).await;
    let cancelled = desk.cancel(UPA, id).await.unwrap();
    assert_eq!(cancelled.status_text, "cancelled");
    let again = chain.sent(UPA, 1).await;
    let references: Vec<_> = chain
        .gateway
        .deliveries()
        .into_iter()
        .map(|(reference, _)| reference)
        .collect();
    assert_ne!(references[0], references[1]);
    assert_eq!(
        chain.show(UPA, again).await.message_reference.as_ref(),
        Some(&references[1])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_cannot_be_reached_leaves_the_declaration_as_it_was() {
    let chain = Chain::start().await;
    let id = chain.created(TAX, 1).await;
    chain.confirm(TAX, id).await;
    // Nobody listens there any more.
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = unused.local_addr().unwrap().port();
    drop(unused);
    let base = format!("http://party.test:{port}");
    let clients = super::clients(&base, "allow-private-addresses = true");
    chain
        .host
        .write_configuration(&crate::harness::configuration(&clients));
    chain.host.host.live().reload();
    assert_eq!(
        error(chain.submit(TAX, id).await),
        "not available now; try again later"
    );
    let desk = chain.desk(ANNA, TAX, id).await;
    assert_eq!(desk.cancel(TAX, id).await.unwrap().status_text, "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_a_new_message_that_refers_to_the_one_before() {
    let chain = Chain::start().await;
    for kind in [TAX, UPA] {
        let first = chain.sent(kind, 1).await;
        let before = chain.show(kind, first).await;
        let correction = chain.correction(kind, first).await;
        assert_eq!(correction.corrects, Some(first.to_string()));
        let id = correction.id.parse().unwrap();
        // The raise that was forgotten, for the first employee.
        let database =
            rusqlite::Connection::open(chain.host.dir.path().join("data/koppel.db")).unwrap();
        database
            .execute(
                "UPDATE payroll_run_result SET value = value + 10000 WHERE employment = ?1 AND component_key IN (62, 101)",
                [seed::employment_id(1, 1).to_string()],
            )
            .unwrap();
        chain.create(kind, id).await;
        chain.confirm(kind, id).await;
        chain.submit(kind, id).await.outcome.unwrap();
        let after = chain.show(kind, id).await;
        assert_ne!(after.message_reference, before.message_reference);
        assert_ne!(after.message_sha256, before.message_sha256);
        // The one before stays as it was sent.
        assert_eq!(chain.show(kind, first).await, before);
        let (_, message) = chain.gateway.deliveries().pop().unwrap();
        validate(kind, &message);
        let message = String::from_utf8(message).unwrap();
        let refers = match kind {
            // 2022 is over: a correction message by itself.
            DeclarationKind::PayrollTaxReturn => "<TijdvakCorrectie>".to_owned(),
            DeclarationKind::UpaPensionDeclaration => format!(
                "<IdBerGecorrigeerd>{}</IdBerGecorrigeerd>",
                before.message_reference.unwrap()
            ),
        };
        assert!(message.contains(&refers), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pension_administrator_says_of_a_person_is_kept_and_shown() {
    let chain = Chain::start().await;
    let id = chain.sent(UPA, 1).await;
    let reference = chain.show(UPA, id).await.message_reference.unwrap();
    let number = seed::citizen_service_number(1, 3);
    chain.gateway.respond(
        &reference,
        "N-1",
        &format!(
            "<Retourbericht xmlns=\"urn:koppel:upa-like:1\"><IdBer>{reference}</IdBer><DatTdOntv>2022-02-18T16:06:39Z</DatTdOntv><Status>NOK</Status>\
             <Melding><Status>NOK</Status><Code>R012</Code><Omschrijving>Onbekende regeling</Omschrijving><PersNr>3</PersNr><NumIV>1</NumIV><SofiNr>{number}</SofiNr></Melding>\
             <Melding><Status>OK</Status><Code>0</Code><Omschrijving>Verwerkt</Omschrijving><PersNr>4</PersNr></Melding></Retourbericht>"
        ),
    );
    let report = chain.run(UPA, Job::PollDeclaration(id)).await;
    assert!(report.outcome.is_ok(), "{:?}", report.outcome);
    let shown = chain.show(UPA, id).await;
    let [response] = shown.responses.as_slice() else {
        panic!("{shown:?}");
    };
    assert_eq!(response.status, "NOK");
    let lines: Vec<_> = response
        .lines
        .iter()
        .map(|line| (line.employee_number, line.status, line.description.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (Some(3), "NOK", "Onbekende regeling"),
            (Some(4), "OK", "Verwerkt")
        ]
    );
    // People see the employee number; the citizen service number stays inside.
    assert!(!format!("{shown:?}").contains(&number));
    let kept = chain.host.host.platform().upa_pension_declaration(id).await;
    let kept = kept.unwrap();
    let line = &kept.response_messages[0].lines[0];
    assert_eq!(line.citizen_service_number.as_ref(), Some(&number));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_that_cannot_be_made_says_why_and_can_be_tried_again() {
    let chain = Chain::start().await;
    let id = chain.host.requested(TAX, 1, 1).await;
    let database =
        rusqlite::Connection::open(chain.host.dir.path().join("data/koppel.db")).unwrap();
    let number = |digits: &str| {
        let employee = seed::employee_id(1, 5).to_string();
        database
            .execute(
                "UPDATE employee SET citizen_service_number = ?2 WHERE id = ?1",
                [employee.as_str(), digits],
            )
            .unwrap();
    };
    number("999912345");
    let why =
        "employee 5: the citizen service number (BSN) does not pass the eleven-test (elfproef)";
    let report = chain.run(TAX, Job::CreateDeclaration(id)).await;
    assert!(!format!("{:?}", report.log).contains("9999"));
    assert_eq!(error(report), format!("refused: {why}"));
    let failed = chain.show(TAX, id).await;
    assert_eq!((failed.status, failed.failure.as_deref()), (2, Some(why)));
    number(&seed::citizen_service_number(1, 5));
    chain.create(TAX, id).await;
    let created = chain.show(TAX, id).await;
    assert_eq!((created.status, created.failure), (3, None));
    for row in chain.host.rows(&[]).await {
        assert!(!format!("{row:?}").contains("999912345"), "{row:?}");
    }
}
