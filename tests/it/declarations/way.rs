//! The way of a declaration in the payroll data, without a connector.

use super::{TAX, UPA};
use crate::harness::{ANNA, TestHost, all_activities, answer, client};
use koppel_host::bindings::koppel::loket::types::{
    ActivityError, DeclarationRequest, DeclarationStatus, PeriodOfYear,
};
use koppel_host::platform::{Claim, Platform, seed};
use serde_json::json;
use uuid::Uuid;

#[track_caller]
fn conflict<T: std::fmt::Debug>(result: Result<T, ActivityError>) -> String {
    match result {
        Err(ActivityError::Conflict(why)) => why,
        other => panic!("{other:?}"),
    }
}

async fn status(platform: &dyn Platform, id: Uuid) -> DeclarationStatus {
    platform.payroll_tax_return(id).await.unwrap().status
}

fn claim() -> Claim {
    Claim {
        run: Uuid::now_v7(),
        milliseconds: 60_000,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_declaration_changes_only_in_its_order() {
    let host = TestHost::new("").await;
    let platform = host.host.platform();
    let id = host.requested(TAX, 1, 1).await;
    let claim = claim();
    assert_eq!(status(platform, id).await, DeclarationStatus::Requested);
    assert_eq!(
        conflict(platform.confirm_declaration(id, ANNA).await),
        format!(
            "payroll tax return {id} cannot be confirmed: its status is 1 (requested); only one that is 3 (created) can"
        )
    );
    assert_eq!(
        conflict(platform.payroll_tax_return_message(id).await),
        format!("payroll tax return {id} has no message: its status is 1 (requested)")
    );
    platform.fail_declaration(id, "no wages").await.unwrap();
    assert_eq!(status(platform, id).await, DeclarationStatus::Failed);
    platform.store_message(id, "A", b"<a/>").await.unwrap();
    assert_eq!(status(platform, id).await, DeclarationStatus::Created);
    assert_eq!(
        conflict(platform.store_message(id, "B", b"<b/>").await),
        format!(
            "payroll tax return {id} cannot be given a message: its status is 3 (created); only one that is 1 (requested) or 2 (failed) can"
        )
    );
    assert_eq!(
        conflict(platform.claim_declaration(id, claim).await),
        format!(
            "payroll tax return {id} cannot be sent: its status is 3 (created); a person must confirm it first"
        )
    );
    let confirmed = platform.confirm_declaration(id, ANNA).await.unwrap();
    let frozen = platform.claim_declaration(id, claim).await.unwrap();
    assert_eq!(
        (frozen.reference.as_str(), frozen.message.as_slice()),
        ("A", &b"<a/>"[..])
    );
    assert_eq!(frozen.sha256, confirmed);
    assert!(!format!("{frozen:?}").contains("[60"), "{frozen:?}");
    platform
        .mark_declaration_sent(id, claim.run, "party-7")
        .await
        .unwrap();
    let sent = platform.payroll_tax_return(id).await.unwrap();
    assert_eq!(sent.status, DeclarationStatus::Sent);
    assert_eq!(sent.approved.as_ref().unwrap().user, ANNA);
    assert_eq!(sent.message_sha256.as_deref(), Some(confirmed.as_str()));
    let time = sent.send_time.as_ref().unwrap();
    assert_eq!(
        conflict(platform.claim_declaration(id, claim).await),
        format!("payroll tax return {id} was sent at {time} already; a correction is a new one")
    );
    assert_eq!(
        conflict(platform.cancel_declaration(id, ANNA).await),
        format!(
            "payroll tax return {id} cannot be cancelled: its status is 6 (sent); ask for a correction of it"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_of_a_confirmed_declaration_never_changes() {
    let host = TestHost::new("").await;
    let platform = host.host.platform();
    let id = host.requested(UPA, 1, 1).await;
    platform.store_message(id, "A", b"<a/>").await.unwrap();
    let confirmed = platform.confirm_declaration(id, ANNA).await.unwrap();
    let database = rusqlite::Connection::open(host.dir.path().join("data/koppel.db")).unwrap();
    for change in [
        "UPDATE declaration SET message = x'00'",
        "UPDATE declaration SET message_reference = 'B'",
        "UPDATE declaration SET approved_sha256 = 'C'",
    ] {
        assert_eq!(
            database.execute(change, []).unwrap_err().to_string(),
            "the message of a confirmed declaration never changes"
        );
    }
    assert_eq!(
        database
            .execute("DELETE FROM declaration", [])
            .unwrap_err()
            .to_string(),
        "a confirmed declaration is never removed"
    );
    // Whoever can remove the trigger is found out before anything is sent.
    database
        .execute_batch(
            "DROP TRIGGER declaration_message_is_frozen; UPDATE declaration SET message = x'00'",
        )
        .unwrap();
    assert_eq!(
        conflict(platform.claim_declaration(id, claim()).await),
        format!(
            "the message of pension declaration {id} is not the one that was confirmed: it has SHA-256 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d, the confirmed one {confirmed}; it is not sent"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_has_one_declaration_and_a_correction_refers_to_it() {
    let host = TestHost::new("").await;
    let platform = host.host.platform();
    let administration = seed::payroll_administration_id(1);
    let ask = async |request: DeclarationRequest| {
        platform
            .initiate_payroll_tax_return(administration, &request, ANNA)
            .await
    };
    let of = |year, period_number| {
        DeclarationRequest::Period(PeriodOfYear {
            year,
            period_number,
        })
    };
    assert_eq!(
        conflict(ask(of(2022, 9)).await),
        "there is no approved payroll run of period 9 of 2022"
    );
    let first = host.requested(TAX, 1, 1).await;
    assert_eq!(
        conflict(ask(of(2022, 1)).await),
        format!(
            "period 1 of 2022 has payroll tax return {first} already, whose status is 1 (requested); cancel it first"
        )
    );
    assert_eq!(
        conflict(ask(DeclarationRequest::CorrectionOf(first.to_string())).await),
        format!(
            "payroll tax return {first} cannot be corrected: its status is 1 (requested); one that was not sent is cancelled and asked for again"
        )
    );
    platform.cancel_declaration(first, ANNA).await.unwrap();
    let sent = host.sent(TAX, 1, 1).await;
    assert_eq!(
        conflict(ask(of(2022, 1)).await),
        format!(
            "period 1 of 2022 has payroll tax return {sent} already, whose status is 6 (sent); ask for a correction of it"
        )
    );
    let correction = ask(DeclarationRequest::CorrectionOf(sent.to_string()))
        .await
        .unwrap();
    assert_eq!(
        correction.corrects_payroll_tax_return_id,
        Some(sent.to_string())
    );
    assert!(correction.is_correction_message_prior_year, "2022 is past");
    assert_eq!(correction.payroll_period.period_number, 1);
    assert_eq!(correction.sequence_number, 3);
    let again = conflict(ask(DeclarationRequest::CorrectionOf(sent.to_string())).await);
    assert_eq!(
        again,
        format!(
            "payroll tax return {sent} has a correction already: payroll tax return {}, whose status is 1 (requested)",
            correction.id
        )
    );
    // The other kind, and another administration, know nothing of it.
    host.requested(UPA, 1, 1).await;
    let elsewhere = platform
        .initiate_payroll_tax_return(
            seed::payroll_administration_id(2),
            &DeclarationRequest::CorrectionOf(sent.to_string()),
            ANNA,
        )
        .await;
    assert_eq!(
        elsewhere.unwrap_err(),
        ActivityError::NotFound(sent.to_string())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_has_a_reference_of_its_own() {
    let host = TestHost::new("").await;
    let platform = host.host.platform();
    let first = host.requested(TAX, 1, 1).await;
    let second = host.requested(TAX, 2, 1).await;
    platform.store_message(first, "A", b"<a/>").await.unwrap();
    assert_eq!(
        conflict(platform.store_message(second, "A", b"<b/>").await),
        format!(
            "the message reference \"A\" is that of payroll tax return {first} already; each message has one of its own"
        )
    );
    assert_eq!(status(platform, second).await, DeclarationStatus::Requested);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_do_not_send_one_declaration() {
    let host = TestHost::new("").await;
    let platform = host.host.platform();
    let id = host.requested(TAX, 1, 1).await;
    platform.store_message(id, "A", b"<a/>").await.unwrap();
    platform.confirm_declaration(id, ANNA).await.unwrap();
    let (first, second) = (claim(), claim());
    platform.claim_declaration(id, first).await.unwrap();
    let busy = format!("payroll tax return {id} is being sent by run {}", first.run);
    assert_eq!(conflict(platform.claim_declaration(id, second).await), busy);
    assert_eq!(conflict(platform.cancel_declaration(id, ANNA).await), busy);
    assert_eq!(
        conflict(platform.mark_declaration_sent(id, second.run, "x").await),
        format!("payroll tax return {id} is being sent by another run")
    );
    // It left, but the reply was lost: it can be sent again, not cancelled.
    platform
        .release_declaration(id, first.run, true)
        .await
        .unwrap();
    assert_eq!(
        conflict(platform.cancel_declaration(id, ANNA).await),
        format!(
            "payroll tax return {id} cannot be cancelled: its message may have reached the outside party, whose reply was lost; submit it again to find out"
        )
    );
    let again = platform.claim_declaration(id, second).await.unwrap();
    assert!(again.left);
    // A run that vanished holds its claim for a while only.
    platform
        .release_declaration(id, second.run, false)
        .await
        .unwrap();
    let vanished = Claim {
        milliseconds: 0,
        ..claim()
    };
    platform.claim_declaration(id, vanished).await.unwrap();
    platform.claim_declaration(id, claim()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_one_kind_is_none_of_the_other() {
    let host = TestHost::new("").await;
    let platform = host.host.platform();
    let (tax, upa) = (host.sent(TAX, 1, 1).await, host.sent(UPA, 1, 2).await);
    assert_eq!(
        platform.payroll_tax_return(upa).await.unwrap_err(),
        ActivityError::NotFound(upa.to_string())
    );
    assert_eq!(
        platform.upa_pension_declaration_message(tax).await,
        Err(ActivityError::NotFound(tax.to_string()))
    );
    assert_eq!(platform.owner(UPA.entity(tax)).await.unwrap(), None);
    assert_eq!(platform.declaration_kind(tax).await.unwrap(), Some(TAX));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_response_or_a_correction_is_named() {
    let host = TestHost::new(&client("probe", &all_activities())).await;
    let (tax, upa) = (host.sent(TAX, 1, 1).await, host.sent(UPA, 1, 1).await);
    let (tax_response, upa_response) = (
        "PostSendResponseMessageByPayrollTaxReturnId",
        "PostSendResponseMessageByUpaPensionDeclarationId",
    );
    for (activity, id) in [(tax_response, tax), (upa_response, upa)] {
        for reference in ["", "a b", "\u{e9}", &"x".repeat(201)] {
            let query = json!({"activity": activity, "id": id, "reference": reference});
            assert_eq!(
                answer(host.lookup("probe", &query).await),
                json!({"invalid": ["reference: must be 1 to 200 visible ASCII characters"]}),
                "{reference}"
            );
        }
        assert_eq!(host.host.platform().response_count(id).await, Ok(0));
    }
    let (early, kind) = (host.requested(TAX, 1, 2).await, "payroll tax return");
    let query = json!({"activity": tax_response, "id": early});
    assert_eq!(
        answer(host.lookup("probe", &query).await),
        json!({"conflict": format!("{kind} {early} cannot be given a response message: its status is 1 (requested); it was not sent")})
    );
    for initiate in [
        "PostInitiatePayrollTaxReturnByPayrollAdministrationId",
        "PostInitiateUpaPensionDeclarationByPayrollAdministrationId",
    ] {
        let id = seed::payroll_administration_id(1);
        let query = json!({"activity": initiate, "id": id, "corrects": "nonsense"});
        assert_eq!(
            answer(host.lookup("probe", &query).await),
            json!({"invalid": ["correctionOf: must be a UUID in hyphenated lower-case form"]})
        );
        // One of another administration is none of this one.
        let other = host
            .sent(TAX, 2, 1 + u32::from(initiate.contains("Upa")))
            .await;
        let query = json!({"activity": initiate, "id": id, "corrects": other});
        assert_eq!(
            answer(host.lookup("probe", &query).await),
            json!({"not-found": other})
        );
    }
}
