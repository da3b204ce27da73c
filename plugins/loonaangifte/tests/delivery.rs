//! Sending, and what comes back.

use koppel_sdk::testing::MockHost;
use koppel_sdk::types::{DeclarationStatus, ResponseType};
use koppel_sdk::{ConnectorError, Message, Submission};
use loonaangifte::Loonaangifte;

const SETTINGS: &str = r#"{"endpoint": "https://gateway.test/tax", "contact-person": "A. de Boer",
    "telephone": "071-1234567", "relation-number": "SWO00077"}"#;

const REFERENCE: &str = "999990007L01-202201-000000000601";

/// A response message in the form of the tax administration.
fn response(refers_to: &str, kind: &str, more: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<Responsemessage version="2006.1">
	<Identification>
		<MessageId>A-ef2bf140</MessageId>
		<RefersToMessageId>{refers_to}</RefersToMessageId>
		<DatumTijdOntvangst>2022-02-18T16:06:39Z</DatumTijdOntvangst>
		<ResponseType>{kind}</ResponseType>
	</Identification>{more}
</Responsemessage>"#
    )
}

fn message() -> Message {
    Message {
        reference: REFERENCE.to_owned(),
        bytes: b"<frozen/>".to_vec(),
    }
}

fn sent() -> (MockHost, String) {
    let mut host = MockHost::new();
    let id = host.payroll_tax_return(1, DeclarationStatus::Sent, None, false);
    host.declaration_message(&id, REFERENCE, b"<frozen/>");
    (host, id)
}

#[test]
fn the_frozen_bytes_are_put_under_their_reference() {
    let (mut host, id) = sent();
    host.reply(
        "PUT",
        "https://gateway.test/tax/",
        201,
        r#"{"reference": "G-17"}"#,
    );
    assert_eq!(
        host.submit::<Loonaangifte>(SETTINGS, &id, &message()),
        Ok(Submission {
            reference: "G-17".to_owned()
        })
    );
    let [request] = host.requests() else {
        panic!("{:?}", host.requests());
    };
    assert_eq!(request.url, format!("https://gateway.test/tax/{REFERENCE}"));
    assert_eq!(request.body, b"<frozen/>");
    // Sending reads nothing of the payroll data.
    assert_eq!(host.performed(), [] as [&str; 0]);
}

#[test]
fn what_the_gateway_says_is_told_apart() {
    let (mut host, id) = sent();
    let url = "https://gateway.test/tax/";
    host.reply("PUT", url, 409, "");
    host.reply_with("PUT", url, 503, &[("Retry-After", "30")], "");
    host.reply("PUT", url, 400, "no such sender");
    let mut submit = || host.submit::<Loonaangifte>(SETTINGS, &id, &message());
    assert_eq!(
        submit(),
        Err(ConnectorError::OutsideParty(format!(
            "it has another message under reference {REFERENCE}"
        )))
    );
    assert_eq!(submit(), Err(ConnectorError::Unavailable(Some(30))));
    assert_eq!(
        submit(),
        Err(ConnectorError::OutsideParty(
            "status 400: no such sender".to_owned()
        ))
    );
}

#[test]
fn each_response_is_fetched_and_stored_once() {
    let (mut host, id) = sent();
    let base = format!("https://gateway.test/tax/{REFERENCE}/responses");
    let error = "<Fouten><Code>26</Code><Omschrijving>Loonheffingennummer is onjuist &amp; meer</Omschrijving></Fouten>";
    for _ in 0..2 {
        host.reply(
            "GET",
            &format!("{base}/A-1"),
            200,
            response(REFERENCE, "acknowledgement", ""),
        );
        // Written in ISO 8859-1.
        let latin: Vec<u8> = response(REFERENCE, "error", &error.replace("meer", "mëër"))
            .chars()
            .map(|c| c as u8)
            .collect();
        host.reply("GET", &format!("{base}/A-2"), 200, latin);
        host.reply("GET", &base, 200, r#"["A-1", "A-2"]"#);
    }
    host.poll_response::<Loonaangifte>(SETTINGS, &id).unwrap();
    host.poll_response::<Loonaangifte>(SETTINGS, &id).unwrap();
    let stored = host.payroll_tax_return_responses(&id);
    assert_eq!(stored.len(), 2);
    assert_eq!(
        (
            stored[0].reference.as_str(),
            stored[0].response_type,
            stored[0].description.as_str()
        ),
        ("A-1", ResponseType::Acknowledgement, "received")
    );
    assert_eq!(
        (stored[1].response_type, stored[1].description.as_str()),
        (
            ResponseType::Error,
            "26 Loonheffingennummer is onjuist & mëër"
        )
    );
    assert_eq!(stored[1].date_of_receipt, "2022-02-18T16:06:39Z");
    // The second time only the list was asked for.
    assert_eq!(host.requests().len(), 4);
}

#[test]
fn a_response_to_another_message_or_of_another_form_is_not_stored() {
    let base = format!("https://gateway.test/tax/{REFERENCE}/responses");
    for (body, why) in [
        (response("other", "error", ""), "it refers to message other"),
        (
            response(REFERENCE, "maybe", ""),
            "ResponseType is neither acknowledgement nor error",
        ),
        ("<html/>".to_owned(), "it is no Responsemessage"),
        (
            "<Responsemessage>".to_owned(),
            "it is not XML: it ends too soon",
        ),
        (
            response(REFERENCE, "error", "&bomb;"),
            "it is not XML: &bomb;",
        ),
    ] {
        let (mut host, id) = sent();
        host.reply("GET", &format!("{base}/A-1"), 200, body);
        host.reply("GET", &base, 200, r#"["A-1"]"#);
        assert_eq!(
            host.poll_response::<Loonaangifte>(SETTINGS, &id),
            Err(ConnectorError::OutsideParty(format!(
                "response message A-1: {why}"
            )))
        );
        assert!(host.payroll_tax_return_responses(&id).is_empty());
    }
}
