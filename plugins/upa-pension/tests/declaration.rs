//! The message, checked by the schema beside the connector and independently of
//! the code that writes it; and the responses, person by person.

use koppel_sdk::testing::MockHost;
use koppel_sdk::types::{DeclarationStatus, UpaResponseStatus};
use koppel_sdk::{Connector, ConnectorError};
use std::path::Path;
use std::process::Command;
use upa_pension::UpaPension;

const SETTINGS: &str = r#"{"endpoint": "https://gateway.test/upa",
    "sending-party-number": "SWO00077", "scheme": "PFZW-01"}"#;

const NAMESPACE: &str = "urn:koppel:upa-like:1";

/// Two employees, who were paid in January 2022.
fn host() -> MockHost {
    let mut host = MockHost::new();
    host.payroll_tax_number("999990007L01");
    let first = host.employee("Wiel & <Zn>", Some("999990019"));
    let second = host.employee("Bergen", Some("999990020"));
    host.payroll_run(
        1,
        &[
            (&first, 62, 312_345),
            (&first, 60, 16_554),
            (&first, 61, 33_108),
            (&first, 113, 16_000),
            (&second, 62, 287_699),
            (&second, 60, 15_248),
            (&second, 61, 30_496),
            (&second, 113, 8_050),
        ],
    );
    host
}

fn create(host: &mut MockHost, id: &str) -> String {
    let message = host.create::<UpaPension>(SETTINGS, id).unwrap();
    String::from_utf8(message.bytes).unwrap()
}

#[test]
fn a_declaration_adds_up_and_says_what_it_is_modelled_on() {
    let mut host = host();
    let id = host.upa_pension_declaration(1, DeclarationStatus::Requested, None);
    let xml = create(&mut host, &id);
    validate(&xml);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let texts = |name: &str| -> Vec<String> {
        let nodes = document.descendants();
        nodes
            .filter(|node| node.has_tag_name((NAMESPACE, name)))
            .map(|node| node.text().unwrap_or_default().to_owned())
            .collect()
    };
    for (total, part) in [
        ("TotPensLn", "PensLn"),
        ("TotPremWn", "PremWn"),
        ("TotPremWg", "PremWg"),
    ] {
        let cents = |text: &String| text.replace('.', "").parse::<i64>().unwrap();
        let sum: i64 = texts(part).iter().map(cents).sum();
        assert_eq!(texts(total).iter().map(cents).collect::<Vec<_>>(), [sum]);
    }
    assert_eq!(texts("TotPensLn"), ["6000.44"]);
    assert_eq!(texts("AantIkv"), ["2"]);
    assert_eq!(texts("AantVerlU"), ["160", "81"]);
    assert_eq!(texts("SofiNr"), ["999990019", "999990020"]);
    assert_eq!(texts("IdBer"), ["999990007L01-202201-000000000701"]);
    assert!(
        xml.contains("the official UPA schema was not available"),
        "{xml}"
    );
    let warned = host.log().iter().any(|(_, text)| {
        text.contains("the official UPA schema was not available: check it against that of the pension administrator before use")
    });
    assert!(warned, "{:?}", host.log());
}

#[test]
fn a_correction_is_a_new_message_that_names_the_one_before() {
    let mut host = host();
    let first = host.upa_pension_declaration(1, DeclarationStatus::Sent, None);
    host.declaration_message(&first, "REF-1", b"<sent/>");
    let id = host.upa_pension_declaration(1, DeclarationStatus::Requested, Some(&first));
    let xml = create(&mut host, &id);
    validate(&xml);
    assert!(
        xml.contains("<IdBerGecorrigeerd>REF-1</IdBerGecorrigeerd>"),
        "{xml}"
    );
    assert!(
        xml.contains("<IdBer>999990007L01-202201-000000000702</IdBer>"),
        "{xml}"
    );
}

#[test]
fn what_is_wrong_with_a_person_is_said_by_number() {
    let mut host = host();
    host.employee("Drie", Some("999990021"));
    host.employee("Vier", None);
    let id = host.upa_pension_declaration(1, DeclarationStatus::Requested, None);
    assert_eq!(
        host.create::<UpaPension>(SETTINGS, &id),
        Err(ConnectorError::Refused(
            "employee 3: the citizen service number (BSN) does not pass the eleven-test (elfproef); \
             employee 4: there is no citizen service number (BSN)"
                .to_owned()
        ))
    );
}

#[test]
fn each_person_that_is_not_in_order_is_kept_and_told_apart() {
    let mut host = host();
    let id = host.upa_pension_declaration(1, DeclarationStatus::Sent, None);
    host.declaration_message(&id, "REF-1", b"<sent/>");
    let response = r#"<?xml version="1.0"?><Retourbericht xmlns="urn:koppel:upa-like:1">
  <IdBer>REF-1</IdBer><DatTdOntv>2022-02-18T16:06:39Z</DatTdOntv><Status>NOK</Status>
  <Melding><Status>NOK</Status><Code>R012</Code><Omschrijving>Onbekende regeling &amp; meer</Omschrijving><PersNr>2</PersNr><NumIV>1</NumIV><SofiNr>999990020</SofiNr></Melding>
  <Melding><Status>OK</Status><Code>0</Code><Omschrijving>Verwerkt</Omschrijving><PersNr>1</PersNr></Melding>
</Retourbericht>"#;
    validate(response);
    host.reply(
        "GET",
        "https://gateway.test/upa/REF-1/responses/N-1",
        200,
        response,
    );
    host.reply(
        "GET",
        "https://gateway.test/upa/REF-1/responses",
        200,
        r#"["N-1"]"#,
    );
    host.poll_response::<UpaPension>(SETTINGS, &id).unwrap();
    let [stored] = host.upa_responses(&id) else {
        panic!("{:?}", host.upa_responses(&id));
    };
    assert_eq!(stored.response_status, UpaResponseStatus::Rejected);
    let lines: Vec<_> = stored
        .lines
        .iter()
        .map(|line| {
            (
                line.employee_number,
                line.response_status,
                line.code.as_str(),
                line.description.as_str(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (
                Some(2),
                UpaResponseStatus::Rejected,
                "R012",
                "Onbekende regeling & meer"
            ),
            (Some(1), UpaResponseStatus::Accepted, "0", "Verwerkt"),
        ]
    );
}

#[test]
fn a_response_that_is_none_is_not_stored() {
    for (body, why) in [
        (
            "<Retourbericht><IdBer>other</IdBer><DatTdOntv>2022-02-18T16:06:39Z</DatTdOntv><Status>OK</Status></Retourbericht>",
            "response message N-1: it refers to message other",
        ),
        (
            "<Retourbericht><IdBer>REF-1</IdBer><DatTdOntv>gisteren</DatTdOntv><Status>OK</Status></Retourbericht>",
            "response message N-1: DatTdOntv is no moment",
        ),
        ("<html>", "response message N-1: it is no Retourbericht: "),
    ] {
        let mut host = host();
        let id = host.upa_pension_declaration(1, DeclarationStatus::Sent, None);
        host.declaration_message(&id, "REF-1", b"<sent/>");
        host.reply(
            "GET",
            "https://gateway.test/upa/REF-1/responses/N-1",
            200,
            body,
        );
        host.reply(
            "GET",
            "https://gateway.test/upa/REF-1/responses",
            200,
            r#"["N-1"]"#,
        );
        let Err(ConnectorError::OutsideParty(text)) =
            host.poll_response::<UpaPension>(SETTINGS, &id)
        else {
            panic!("it was stored");
        };
        assert!(text.starts_with(why), "{text}");
        assert!(host.upa_responses(&id).is_empty());
    }
}

#[test]
fn the_check_warns_too() {
    let mut host = host();
    let works = host.check::<UpaPension>(SETTINGS).unwrap();
    assert!(
        works.contains("the official UPA schema was not available"),
        "{works}"
    );
    assert!(UpaPension::SUMMARY.contains("no official schema"));
    let settings = SETTINGS.replace("SWO00077", "SWO");
    assert_eq!(
        host.check::<UpaPension>(&settings),
        Err(ConnectorError::InvalidSettings(
            "sending-party-number must have 8 characters".to_owned()
        ))
    );
}

/// By the schema beside the connector.
fn validate(file: &str) {
    if Command::new("xmllint").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
            "xmllint is missing"
        );
        eprintln!("skipped: xmllint is missing; the message is not validated");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("message.xml");
    std::fs::write(&path, file).unwrap();
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("upa-like.xsd"))
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
