//! The message: `Pensioenaangifte` of `upa-like.xsd` beside this crate.

use crate::Settings;
use koppel_sdk::payroll::Paid;
use koppel_sdk::types::{Gender, UpaPensionDeclaration};
use koppel_sdk::{Cents, ConnectorError, numbers};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::io;

/// The namespace: koppel's own, so that nobody takes the message for one of the
/// official schema.
pub(crate) const NAMESPACE: &str = "urn:koppel:upa-like:1";

/// What stands above every message.
const NOTICE: &str = " Modelled on the UPA after the Loonaangifte; the official UPA schema was not available. Check before use. ";

/// How many faults are named.
const NAMED: usize = 10;

/// The most that an amount can be: ten digits in all.
const MAX: i64 = 9_999_999_999;

/// What is declared of one employment.
pub(crate) struct Participant {
    paid: Paid,
    citizen_service_number: String,
    date_of_birth: String,
    pensionable: Cents,
    employee_premium: Cents,
    employer_premium: Cents,
    hours: i64,
}

/// Checks everyone.
///
/// # Errors
///
/// `refused`, with what is wrong by employee number, never with the value.
pub(crate) fn participants(
    settings: &Settings,
    paid: Vec<Paid>,
) -> Result<Vec<Participant>, ConnectorError> {
    let (mut participants, mut faults) = (Vec::new(), Vec::new());
    for one in paid {
        let number = one.employee.employee_number;
        match participant(settings, one) {
            Ok(participant) => participants.push(participant),
            Err(fault) => faults.push(format!("employee {number}: {fault}")),
        }
    }
    if faults.is_empty() {
        return Ok(participants);
    }
    let more = faults.len().saturating_sub(NAMED);
    faults.truncate(NAMED);
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    Err(ConnectorError::Refused(faults.join("; ")))
}

fn participant(settings: &Settings, paid: Paid) -> Result<Participant, &'static str> {
    let citizen_service_number = paid
        .citizen_service_number
        .clone()
        .ok_or("there is no citizen service number (BSN)")?;
    if !numbers::is_citizen_service_number(&citizen_service_number) {
        return Err("the citizen service number (BSN) does not pass the eleven-test (elfproef)");
    }
    let date_of_birth = paid
        .employee
        .date_of_birth
        .clone()
        .ok_or("there is no date of birth")?;
    if paid.employee.last_name.trim().is_empty() {
        return Err("there is no last name");
    }
    let components = &settings.components;
    let participant = Participant {
        pensionable: paid.sum(&components.pensionable_wage),
        employee_premium: paid.sum(&components.employee_premium),
        employer_premium: paid.sum(&components.employer_premium),
        // From hundredths of an hour, rounded half up.
        hours: (paid.sum(&components.hours).0 + 50).div_euclid(100),
        paid,
        citizen_service_number,
        date_of_birth,
    };
    let amounts = [
        participant.pensionable,
        participant.employee_premium,
        participant.employer_premium,
    ];
    if amounts.iter().any(|amount| amount.abs().0 > MAX) {
        return Err("an amount has more than ten digits");
    }
    Ok(participant)
}

/// An element and what is in it.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        // What XML 1.0 does not allow cannot be escaped either.
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        self.0
            .create_element(name)
            .write_text_content(BytesText::new(clean.trim()))?;
        Ok(())
    }

    fn optional(&mut self, name: &str, text: Option<&str>) -> io::Result<()> {
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => self.text(name, text),
            None => Ok(()),
        }
    }

    fn open(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::Start(BytesStart::new(name)))
    }

    fn close(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }
}

/// The reference of the message, at most 32 characters, unique because it holds
/// a part of the identifier of the declaration.
pub(crate) fn reference(declaration: &UpaPensionDeclaration, number: &str) -> String {
    let period = &declaration.payroll_period;
    let id: String = declaration.id.chars().rev().take(12).collect();
    let id: String = id.chars().rev().collect();
    format!("{number}-{}{:02}-{id}", period.year, period.period_number)
}

/// Writes the message; `corrects` is the reference of the one that it corrects.
///
/// # Errors
///
/// Only when writing to memory fails.
pub(crate) fn write(
    settings: &Settings,
    declaration: &UpaPensionDeclaration,
    number: &str,
    participants: &[Participant],
    reference: &str,
    corrects: Option<&str>,
) -> Result<Vec<u8>, ConnectorError> {
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', 1));
    xml.0
        .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.0
        .write_event(Event::Comment(BytesText::from_escaped(NOTICE)))?;
    let mut root = BytesStart::new("Pensioenaangifte");
    root.push_attribute(("xmlns", NAMESPACE));
    xml.0.write_event(Event::Start(root))?;
    xml.open("Bericht")?;
    xml.text("IdBer", reference)?;
    xml.optional("IdBerGecorrigeerd", corrects)?;
    // To the second, in UTC.
    let now = format!("{:.0}", jiff::Timestamp::now());
    xml.text("DatTdAanm", &now)?;
    xml.text("RelNr", &settings.sending_party_number)?;
    xml.text(
        "GebrSwPakket",
        concat!("koppel upa-pension ", env!("CARGO_PKG_VERSION")),
    )?;
    xml.close("Bericht")?;
    xml.open("AdministratieveEenheid")?;
    xml.text("LhNr", number)?;
    xml.text("NmIP", &declaration.withholding_agent_name)?;
    xml.open("TijdvakAangifte")?;
    xml.text("DatAanvTv", &declaration.payroll_period.period_start_date)?;
    xml.text("DatEindTv", &declaration.payroll_period.period_end_date)?;
    let sum =
        |amount: fn(&Participant) -> Cents| -> Cents { participants.iter().map(amount).sum() };
    xml.open("CollectieveAangifte")?;
    xml.text("AantIkv", &participants.len().to_string())?;
    xml.text("TotPensLn", &sum(|p| p.pensionable).to_string())?;
    xml.text("TotPremWn", &sum(|p| p.employee_premium).to_string())?;
    xml.text("TotPremWg", &sum(|p| p.employer_premium).to_string())?;
    xml.close("CollectieveAangifte")?;
    for participant in participants {
        income_relationship(&mut xml, settings, participant)?;
    }
    xml.close("TijdvakAangifte")?;
    xml.close("AdministratieveEenheid")?;
    xml.close("Pensioenaangifte")?;
    Ok(xml.0.into_inner())
}

fn income_relationship(
    xml: &mut Xml,
    settings: &Settings,
    participant: &Participant,
) -> io::Result<()> {
    let (employee, employment) = (&participant.paid.employee, &participant.paid.employment);
    xml.open("Inkomstenverhouding")?;
    xml.text("NumIV", &employment.income_relationship_number.to_string())?;
    xml.text("DatAanv", &employment.start_date)?;
    xml.optional("DatEind", employment.end_date.as_deref())?;
    xml.text("PersNr", &employee.employee_number.to_string())?;
    xml.open("NatuurlijkPersoon")?;
    xml.text("SofiNr", &participant.citizen_service_number)?;
    let letters = employee.initials.as_deref().unwrap_or_default().chars();
    let initials: String = letters
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_uppercase)
        .collect();
    xml.optional("Voorl", Some(&initials))?;
    xml.optional("Voorv", employee.prefix.as_deref())?;
    xml.text("SignNm", &employee.last_name)?;
    xml.text("Gebdat", &participant.date_of_birth)?;
    let gender = match employee.gender {
        Gender::Unknown => "0",
        Gender::Male => "1",
        Gender::Female => "2",
    };
    xml.text("Gesl", gender)?;
    xml.close("NatuurlijkPersoon")?;
    xml.open("Pensioengegevens")?;
    xml.text("CdRegeling", &settings.scheme)?;
    xml.text("PensLn", &participant.pensionable.to_string())?;
    xml.text("PremWn", &participant.employee_premium.to_string())?;
    xml.text("PremWg", &participant.employer_premium.to_string())?;
    xml.text("AantVerlU", &participant.hours.to_string())?;
    xml.close("Pensioengegevens")?;
    xml.close("Inkomstenverhouding")
}
