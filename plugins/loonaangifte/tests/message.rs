//! The message, checked by the official schema and independently of the code
//! that writes it.

use koppel_sdk::testing::MockHost;
use koppel_sdk::types::{Address, DeclarationStatus};
use koppel_sdk::{Connector, ConnectorError, Message};
use loonaangifte::Loonaangifte;
use std::path::Path;
use std::process::Command;

const SETTINGS: &str = r#"{"endpoint": "https://gateway.test/tax", "contact-person": "A. de Boer",
    "telephone": "071-1234567", "relation-number": "SWO00077"}"#;

/// A wage in the components of the demonstration data, in cents.
fn wage(employment: &str, gross: i64) -> Vec<(&str, u32, i64)> {
    vec![
        (employment, 1, gross),
        (employment, 50, gross * 297 / 1000),
        (employment, 101, gross),
        (employment, 102, gross),
        (employment, 103, gross),
        (employment, 104, gross),
        (employment, 105, gross),
        (employment, 106, gross * 549 / 10_000),
        (employment, 107, gross * 50 / 10_000),
        (employment, 108, gross * 153 / 10_000),
        (employment, 109, gross * 270 / 10_000),
        (employment, 110, gross * 675 / 10_000),
        (employment, 111, gross * 8 / 100),
        (employment, 112, gross * 8 / 100),
        (employment, 113, 15_250),
    ]
}

/// A host with three employees, who were paid in January 2022.
fn host() -> MockHost {
    let mut host = MockHost::new();
    host.payroll_tax_number("999990007L01");
    let first = host.employee("Wiel & <Zn>", Some("999990019"));
    let second = host.employee("Bergen", Some("999990020"));
    let third = host.employee("Visser", Some("999990032"));
    let mut results = wage(&first, 312_345);
    results.extend(wage(&second, 287_699));
    // A correction of an earlier wage: less than nothing.
    results.extend(wage(&third, -10_001));
    host.payroll_run(1, &results);
    host
}

fn requested(host: &mut MockHost) -> String {
    host.payroll_tax_return(1, DeclarationStatus::Requested, None, false)
}

fn create(host: &mut MockHost, id: &str) -> Result<Message, ConnectorError> {
    host.create::<Loonaangifte>(SETTINGS, id)
}

#[track_caller]
fn refused(result: Result<Message, ConnectorError>) -> String {
    match result {
        Err(ConnectorError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payroll_tax_return_becomes_a_valid_message_whose_totals_are_the_sums_of_its_parts() {
    let mut host = host();
    let id = requested(&mut host);
    let message = create(&mut host, &id).unwrap();
    assert_eq!(message.reference, "999990007L01-202201-000000000601");
    let xml = String::from_utf8(message.bytes).unwrap();
    validate(&xml);
    let document = check_independently(&xml, 3);
    let text = |name| texts(&document, name);
    assert_eq!(text("IdBer"), [message.reference]);
    assert_eq!(text("LhNr"), ["999990007L01"]);
    assert_eq!(text("SofiNr"), ["999990019", "999990020", "999990032"]);
    assert_eq!(text("SignNm"), ["Wiel & <Zn>", "Bergen", "Visser"]);
    assert_eq!(text("LnLbPh"), ["3123.45", "2876.99", "-100.01"]);
    assert_eq!(text("TotLnLbPh"), ["5900"]);
    // 152.5 hours are 153.
    assert_eq!(text("AantVerlU"), ["153"; 3]);
    assert_eq!(text("Pc"), ["1234AA"; 3]);
    assert_eq!(text("Voorl"), ["SL"; 3]);
    assert_eq!(text("RelNr"), ["SWO00077"]);
}

#[test]
fn who_was_employed_without_wages_is_reported_and_who_was_not_is_left_out() {
    let mut host = host();
    let unpaid = host.employee("Nul", Some("999990044"));
    let before = host.employee("Eerder", Some("999990056"));
    host.change_employment(&before, |employment| {
        employment.end_date = Some("2021-12-31".to_owned());
    });
    let after = host.employee("Later", Some("999990068"));
    host.change_employment(&after, |employment| {
        employment.start_date = "2022-02-01".to_owned();
    });
    host.change_employment(&unpaid, |employment| {
        employment.end_date = Some("2022-01-01".to_owned());
    });
    let id = requested(&mut host);
    let xml = String::from_utf8(create(&mut host, &id).unwrap().bytes).unwrap();
    validate(&xml);
    let document = check_independently(&xml, 4);
    assert_eq!(texts(&document, "PersNr"), ["1", "2", "3", "4"]);
    assert_eq!(texts(&document, "DatEind"), ["2022-01-01"]);
}

#[test]
fn several_payroll_runs_of_a_period_are_one_return() {
    let mut host = host();
    let first = "00000000-0000-4000-8000-000000000401";
    host.payroll_run(1, &[(first, 101, 100), (first, 50, 37)]);
    host.payroll_run(2, &[(first, 101, 99_900)]);
    let id = requested(&mut host);
    let xml = String::from_utf8(create(&mut host, &id).unwrap().bytes).unwrap();
    let document = check_independently(&xml, 3);
    assert_eq!(texts(&document, "LnLbPh")[0], "3124.45");
}

#[test]
fn an_address_abroad_is_one_and_an_unknown_one_is_left_out() {
    let mut host = host();
    host.change_employee(1, |employee| {
        employee.address = Some(Address {
            street: Some("Rue de la Très Longue Histoire Ancienne".to_owned()),
            house_number: Some(7),
            house_number_addition: None,
            postal_code: Some("1000".to_owned()),
            city: Some("Bruxelles".to_owned()),
            country: Some("BE".to_owned()),
        });
    });
    host.change_employee(2, |employee| employee.address = None);
    let id = requested(&mut host);
    let xml = String::from_utf8(create(&mut host, &id).unwrap().bytes).unwrap();
    validate(&xml);
    let document = check_independently(&xml, 3);
    assert_eq!(texts(&document, "LandCd"), ["BE"]);
    assert_eq!(texts(&document, "Pc"), ["1000", "1234AA"]);
}

#[test]
fn the_settings_say_which_components_make_an_amount() {
    let mut host = host();
    let settings = SETTINGS.replace(
        r#""telephone""#,
        r#""components": {"LnTabBB": [1], "AantVerlU": []}, "telephone""#,
    );
    let id = requested(&mut host);
    let message = host.create::<Loonaangifte>(&settings, &id).unwrap();
    let xml = String::from_utf8(message.bytes).unwrap();
    validate(&xml);
    let document = check_independently(&xml, 3);
    assert_eq!(
        texts(&document, "LnTabBB"),
        ["3123.45", "2876.99", "-100.01"]
    );
    assert_eq!(texts(&document, "AantVerlU"), ["0"; 3]);
    let misspelt = SETTINGS.replace(
        r#""telephone""#,
        r#""components": {"Loon": [1]}, "telephone""#,
    );
    let Err(ConnectorError::InvalidSettings(why)) = host.create::<Loonaangifte>(&misspelt, &id)
    else {
        panic!("it was taken");
    };
    assert!(
        why.starts_with("components: there is no field Loon;"),
        "{why}"
    );
}

#[test]
fn what_is_wrong_with_a_person_is_said_by_number_and_never_with_the_value() {
    let mut host = MockHost::new();
    host.payroll_tax_number("999990007L01");
    host.employee("Een", Some("999990018"));
    host.employee("Twee", None);
    host.employee("Drie", Some("999990019"));
    host.employee("Vier", Some("999990020"));
    let fifth = host.employee("Vijf", Some("999990032"));
    host.change_employee(3, |employee| employee.date_of_birth = None);
    host.change_employee(4, |employee| {
        if let Some(address) = &mut employee.address {
            address.postal_code = Some("0123 AB".to_owned());
        }
    });
    host.change_employment(&fifth, |employment| employment.income_period = None);
    host.payroll_run(1, &[]);
    let id = requested(&mut host);
    let why = refused(create(&mut host, &id));
    assert_eq!(
        why,
        "employee 1: the citizen service number (BSN) does not pass the eleven-test (elfproef); \
         employee 2: there is no citizen service number (BSN); \
         employee 3: there is no date of birth; \
         employee 4: the postal code is not like 1234AB; \
         employee 5: it is not known how the employment is insured and taxed"
    );
    let log = format!("{:?}", host.log());
    assert!(
        !why.contains("99999") && !log.contains("99999"),
        "{why} {log}"
    );
}

#[test]
fn an_amount_that_the_schema_cannot_hold_is_refused() {
    let mut host = host();
    let first = "00000000-0000-4000-8000-000000000401";
    host.payroll_run(1, &[(first, 101, 9_999_999_999)]);
    let id = requested(&mut host);
    assert_eq!(
        refused(create(&mut host, &id)),
        "employee 1: LnLbPh has more than ten digits"
    );
}

#[test]
fn a_wrong_wage_tax_number_is_refused_without_being_shown() {
    let mut host = host();
    for wrong in ["999990008L01", "999990007L00", "12L1"] {
        host.payroll_tax_number(wrong);
        let id = requested(&mut host);
        let why = refused(create(&mut host, &id));
        assert!(why.starts_with("the wage-tax number (loonheffingennummer) of the payroll administration is not right: "), "{why}");
        assert!(!why.contains(wrong), "{why}");
    }
}

#[test]
fn what_there_is_no_schema_or_no_payroll_run_for_is_refused() {
    let mut host = host();
    let id = host.payroll_tax_return(2, DeclarationStatus::Requested, None, false);
    assert_eq!(
        refused(create(&mut host, &id)),
        "there is no approved payroll run of period 2 of 2022"
    );
    let created = host.payroll_tax_return(1, DeclarationStatus::Created, None, false);
    assert_eq!(
        refused(create(&mut host, &created)),
        format!(
            "payroll tax return {created} has a message already: its status is DeclarationStatus::Created"
        )
    );
}

#[test]
fn a_correction_of_an_earlier_year_takes_back_what_is_no_longer_there() {
    let mut host = host();
    let first = requested(&mut host);
    let before = create(&mut host, &first).unwrap();
    host.declaration_message(&first, &before.reference, &before.bytes);
    // The second employee turns out to be someone else.
    let mut corrected = MockHost::clone(&host);
    corrected.citizen_service_number(2, Some("999990044"));
    let id = corrected.payroll_tax_return(1, DeclarationStatus::Requested, Some(&first), true);
    let message = create(&mut corrected, &id).unwrap();
    assert_ne!(message.reference, before.reference);
    let xml = String::from_utf8(message.bytes).unwrap();
    validate(&xml);
    let document = check_independently(&xml, 3);
    let paths = |name: &str| {
        document
            .descendants()
            .filter(|node| node.has_tag_name((NAMESPACE, name)))
            .count()
    };
    assert_eq!(
        (paths("TijdvakCorrectie"), paths("TijdvakAangifte")),
        (1, 0)
    );
    let withdrawn: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name((NAMESPACE, "InkomstenverhoudingIntrekking")))
        .map(|node| (child(&node, "SofiNr"), child(&node, "NumIV")))
        .collect();
    assert_eq!(withdrawn, [("999990020".to_owned(), "1".to_owned())]);

    // Within the year, a complete return takes the place of the one before.
    let id = corrected.payroll_tax_return(1, DeclarationStatus::Requested, Some(&first), false);
    let xml = String::from_utf8(create(&mut corrected, &id).unwrap().bytes).unwrap();
    validate(&xml);
    assert!(!xml.contains("Intrekking") && xml.contains("VolledigeAangifte"));
}

#[test]
fn nothing_is_made_when_the_numbers_may_not_be_read() {
    let mut host = host();
    let id = requested(&mut host);
    host.deny("GetCitizenServiceNumberByEmployeeId");
    let Err(ConnectorError::Denied(denial)) = create(&mut host, &id) else {
        panic!("it was not denied");
    };
    assert_eq!(denial.activity, "GetCitizenServiceNumberByEmployeeId");
}

#[test]
fn settings_that_the_message_cannot_hold_are_named() {
    let mut host = host();
    for (from, to, why) in [
        (
            "SWO00077",
            "SWO77",
            "relation-number must have 8 characters",
        ),
        (
            "A. de Boer",
            " ",
            "contact-person must have 1 to 35 characters",
        ),
        (
            "https://gateway.test/tax",
            "gateway",
            "endpoint must be a URL such as https://gateway.example.nl/messages, without a slash at its end",
        ),
    ] {
        let settings = SETTINGS.replace(from, to);
        assert_eq!(
            host.check::<Loonaangifte>(&settings),
            Err(ConnectorError::InvalidSettings(why.to_owned()))
        );
    }
    assert!(host.check::<Loonaangifte>(SETTINGS).is_ok());
    assert_eq!(Loonaangifte::NAME, "loonaangifte");
}

const NAMESPACE: &str = "http://xml.belastingdienst.nl/schemas/Loonaangifte/2022/01";

fn texts(document: &roxmltree::Document<'_>, name: &str) -> Vec<String> {
    let found = document
        .descendants()
        .filter(|node| node.has_tag_name((NAMESPACE, name)));
    found
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

fn child(node: &roxmltree::Node<'_, '_>, name: &str) -> String {
    let found = node
        .children()
        .find(|child| child.has_tag_name((NAMESPACE, name)));
    found
        .and_then(|node| node.text())
        .unwrap_or_default()
        .to_owned()
}

/// The collective part against the sum of its parts, read back from the XML.
fn check_independently(xml: &str, relationships: usize) -> roxmltree::Document<'_> {
    // The totals of the schema and what they are the sum of.
    const TOTALS: [(&str, &str, bool); 21] = [
        ("TotLnLbPh", "LnLbPh", false),
        ("TotLnSV", "LnSV", false),
        ("TotPrlnAofAnwLg", "PrlnAofAnwLg", false),
        ("TotPrlnAofAnwHg", "PrlnAofAnwHg", false),
        ("TotPrlnAofAnwUit", "PrlnAofAnwUit", false),
        ("TotPrlnAwfAnwLg", "PrlnAwfAnwLg", false),
        ("TotPrlnAwfAnwHg", "PrlnAwfAnwHg", false),
        ("TotPrlnAwfAnwHz", "PrlnAwfAnwHz", false),
        ("PrLnUFO", "PrLnUfo", false),
        ("IngLbPh", "IngLbPh", true),
        ("TotPrAofLg", "PrAofLg", true),
        ("TotPrAofHg", "PrAofHg", true),
        ("TotPrAofUit", "PrAofUit", true),
        ("TotOpslWko", "OpslWko", true),
        ("TotPrGediffWhk", "PrGediffWhk", true),
        ("TotPrAwfLg", "PrAwfLg", true),
        ("TotPrAwfHg", "PrAwfHg", true),
        ("TotPrAwfHz", "PrAwfHz", true),
        ("PrUFO", "PrUFO", true),
        ("IngBijdrZvw", "BijdrZvw", true),
        ("TotWghZvw", "WghZvw", true),
    ];
    let document = roxmltree::Document::parse(xml).unwrap();
    let named = |name: &str| -> Vec<roxmltree::Node<'_, '_>> {
        let nodes = document.descendants();
        nodes
            .filter(|node| node.has_tag_name((NAMESPACE, name)))
            .collect()
    };
    let collective = named("CollectieveAangifte");
    assert_eq!(collective.len(), 1);
    let parts = named("Werknemersgegevens");
    assert_eq!(parts.len(), relationships);
    let mut to_pay = 0;
    for (total, part, paid) in TOTALS {
        let cents: i64 = parts
            .iter()
            .map(|node| child(node, part).replace('.', "").parse::<i64>().unwrap())
            .sum();
        let stated: i64 = child(&collective[0], total).parse().unwrap();
        assert_eq!(stated, cents.div_euclid(100), "{total}");
        if paid {
            to_pay += stated;
        }
    }
    let stated: i64 = child(&collective[0], "TotTeBet").parse().unwrap();
    assert_eq!(stated, to_pay);
    let grand = child(&collective[0], "TotGen");
    assert!(grand.is_empty() || grand == stated.to_string(), "{grand}");
    drop(collective);
    drop(parts);
    roxmltree::Document::parse(xml).unwrap()
}

/// The official schema, by xmllint.
fn validate(file: &str) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/formats/loonaangifte/Loonaangifte2022v2.0.xsd");
    let xmllint = Command::new("xmllint").arg("--version").output().is_ok();
    if !schema.exists() || !xmllint {
        let what = if xmllint {
            "the reference schemas are"
        } else {
            "xmllint is"
        };
        assert!(
            std::env::var_os("KOPPEL_REQUIRE_FORMATS").is_none(),
            "{what} missing"
        );
        eprintln!("skipped: {what} missing; the message is not validated");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("message.xml");
    std::fs::write(&path, file).unwrap();
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .args([&schema, &path])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
