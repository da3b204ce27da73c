//! Declarations: Loket's examples are read, and what is written is read as what
//! it was.

use super::domains::text;
use super::properties::{id, period, there_and_back, timestamp};
use super::{example, first};
use crate::bindings::koppel::loket::payroll_tax_returns::{
    PayrollTaxReturn, ResponseMessage as TaxResponse, ResponseType,
};
use crate::bindings::koppel::loket::types::{
    ActivityError, DeclarationEvent, DeclarationRequest, DeclarationStatus, PeriodOfYear,
};
use crate::bindings::koppel::loket::upa_pension_declarations::{
    ResponseLine, ResponseMessage as UpaResponse, ResponseStatus, UpaPensionDeclaration,
};
use crate::wire::envelope::Single;
use crate::wire::{declarations, payroll_tax_returns, read, upa_pension_declarations};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn declaration_status() -> impl Strategy<Value = DeclarationStatus> {
    prop_oneof![
        Just(DeclarationStatus::Requested),
        Just(DeclarationStatus::Failed),
        Just(DeclarationStatus::Created),
        Just(DeclarationStatus::Cancelled),
        Just(DeclarationStatus::Confirmed),
        Just(DeclarationStatus::Sent),
        Just(DeclarationStatus::Deleted),
    ]
}

prop_compose! {
    fn event()(time in timestamp(), user in text()) -> DeclarationEvent {
        DeclarationEvent { time, user }
    }
}

prop_compose! {
    fn tax_response()(
        reference in text(), date_of_receipt in timestamp(), error in any::<bool>(),
        response_class in of(any::<u32>()), description in text(),
    ) -> TaxResponse {
        let response_type = if error { ResponseType::Error } else { ResponseType::Acknowledgement };
        TaxResponse { reference, date_of_receipt, response_type, response_class, description }
    }
}

prop_compose! {
    fn tax_return()(
        (id, administration, corrects) in (id(), id(), of(id())), period in period(),
        sequence_number in any::<u32>(), status in declaration_status(), number in of(text()),
        party in text(), prior in any::<bool>(), texts in any::<[Option<String>; 3]>(),
        (made, sent) in (of(timestamp()), of(timestamp())),
        (requested, approved, cancelled) in (event(), of(event()), of(event())),
        responses in vec(tax_response(), 0..3),
    ) -> PayrollTaxReturn {
        let [message_reference, message_sha256, failure] = texts;
        PayrollTaxReturn {
            id, payroll_administration_id: administration, payroll_period: period, sequence_number,
            status, wage_tax_number: number, withholding_party: party,
            corrects_payroll_tax_return_id: corrects, is_correction_message_prior_year: prior,
            message_reference, message_sha256, message_creation_time: made, failure, requested,
            approved, cancelled, send_time: sent, response_messages: responses,
        }
    }
}

fn response_status() -> impl Strategy<Value = ResponseStatus> {
    prop_oneof![
        Just(ResponseStatus::Received),
        Just(ResponseStatus::Accepted),
        Just(ResponseStatus::Rejected),
    ]
}

prop_compose! {
    fn response_line()(
        response_status in response_status(), code in text(), description in text(),
        employee_number in of(any::<u32>()), income_relationship_number in of(any::<u32>()),
        citizen_service_number in of("[0-9]{9}"),
    ) -> ResponseLine {
        ResponseLine {
            response_status, code, description, employee_number, income_relationship_number,
            citizen_service_number,
        }
    }
}

/// Response messages, each with a reference of its own.
fn upa_responses() -> impl Strategy<Value = Vec<UpaResponse>> {
    let message = (timestamp(), response_status(), vec(response_line(), 0..4));
    vec(message, 0..4).prop_map(|messages| {
        let message = |(place, (time, status, lines))| UpaResponse {
            reference: format!("R-{place}"),
            date_of_receipt: time,
            response_status: status,
            lines,
        };
        (0..)
            .zip(messages)
            .map(|(n, m): (u32, _)| message((n, m)))
            .collect()
    })
}

prop_compose! {
    fn pension_declaration()(
        (id, administration, corrects) in (id(), id(), of(id())), period in period(),
        sequence_number in any::<u32>(), status in declaration_status(), number in of(text()),
        agent in text(), texts in any::<[Option<String>; 3]>(),
        (made, sent) in (of(timestamp()), of(timestamp())),
        (requested, approved, cancelled) in (event(), of(event()), of(event())),
        responses in upa_responses(),
    ) -> UpaPensionDeclaration {
        let [message_reference, message_sha256, failure] = texts;
        UpaPensionDeclaration {
            id, payroll_administration_id: administration, payroll_period: period, sequence_number,
            status, payroll_taxes_number: number, withholding_agent_name: agent,
            corrects_upa_pension_declaration_id: corrects, message_reference, message_sha256,
            creation_time: made, failure, requested, approved, cancelled, sent_time: sent,
            response_messages: responses,
        }
    }
}

proptest! {
    #[test]
    fn a_payroll_tax_return_survives(of in tax_return()) {
        let wire = there_and_back(&payroll_tax_returns::PayrollTaxReturn::from(of.clone()));
        prop_assert_eq!(wire.into_record(of.payroll_administration_id.clone()), of);
    }

    #[test]
    fn a_pension_declaration_survives(of in pension_declaration()) {
        let wire = upa_pension_declarations::UpaPensionDeclaration::from(of.clone());
        let wire = there_and_back(&wire);
        prop_assert_eq!(wire.into_record(of.payroll_administration_id.clone()), of);
    }

    #[test]
    fn a_file_survives(bytes in vec(any::<u8>(), 0..100)) {
        let wire = there_and_back(&declarations::File(bytes.clone()));
        prop_assert_eq!(wire.0, bytes);
    }
}

#[test]
fn lokets_own_examples_of_declarations_are_read() {
    let list = "GetPayrollTaxReturnsByPayrollAdministrationId";
    let Some(listed) = first::<payroll_tax_returns::PayrollTaxReturn>(list) else {
        return;
    };
    let one = example("GetPayrollTaxReturnByPayrollTaxReturnId", "200").unwrap();
    let one: Single<payroll_tax_returns::PayrollTaxReturn> = read(&one).unwrap();
    let one = one.content.into_record("a".to_owned());
    assert_eq!(listed.id.0, one.id);
    assert_eq!(
        (one.status, one.sequence_number),
        (DeclarationStatus::Created, 1)
    );
    assert_eq!(one.requested.user, "Jong, I");
    assert_eq!(one.payroll_period.year, 2017);
    let [response] = one.response_messages.as_slice() else {
        panic!("{:?}", one.response_messages);
    };
    assert_eq!(
        (response.reference.as_str(), response.response_class),
        ("1", Some(26))
    );
    assert_eq!(response.response_type, ResponseType::Error);
    assert_eq!(response.description, "Loonheffingennummer is onjuist");
    let list = "GetUpaPensionDeclarationsByPayrollAdministrationId";
    let upa = first::<upa_pension_declarations::UpaPensionDeclaration>(list).unwrap();
    let upa = upa.into_record("a".to_owned());
    assert_eq!(upa.status, DeclarationStatus::Created);
    let [response] = upa.response_messages.as_slice() else {
        panic!("{:?}", upa.response_messages);
    };
    assert_eq!(response.response_status, ResponseStatus::Rejected);
    assert_eq!(response.reference, response.date_of_receipt);
    assert_eq!(response.lines[0].code, "NOK");
    assert_eq!(response.lines[0].employee_number, Some(156));
}

#[test]
fn what_is_asked_of_a_declaration_is_one_thing() {
    let asked = |text: Value| {
        let read: declarations::Initiate = read(text.to_string().as_bytes()).unwrap();
        DeclarationRequest::try_from(read)
    };
    let period = DeclarationRequest::Period(PeriodOfYear {
        year: 2022,
        period_number: 3,
    });
    assert_eq!(
        asked(json!({"year": 2022, "periodNumber": 3})),
        Ok(period.clone())
    );
    assert_eq!(
        serde_json::to_value(declarations::Initiate::from(&period)).unwrap(),
        json!({"year": 2022, "periodNumber": 3})
    );
    for unclear in [
        json!({}),
        json!({"year": 2022}),
        json!({"year": 2022, "periodNumber": 3, "correctionOf": Uuid::nil()}),
    ] {
        let Err(ActivityError::Invalid(problems)) = asked(unclear) else {
            panic!("it was taken");
        };
        assert_eq!(
            problems[0].description,
            "give year and periodNumber, or correctionOf: koppel takes no period by itself"
        );
    }
    let unknown = read::<declarations::Initiate>(b"{\"notifyOfInitiation\": \"a@b.nl\"}");
    assert!(
        unknown
            .unwrap_err()
            .to_string()
            .contains("notifyOfInitiation")
    );
    let status = read::<declarations::Status>(b"{\"key\": 0, \"value\": \"\"}");
    assert!(
        status
            .unwrap_err()
            .problem
            .starts_with("0 is not a status of a declaration (1 to 7)")
    );
    let file = read::<declarations::File>(b"\"secret!\"").err().unwrap();
    assert_eq!(file.problem, "is not base64");
}
