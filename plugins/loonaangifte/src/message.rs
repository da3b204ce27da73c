//! The message itself.
//!
//! Source: `Loonaangifte2022v2.0.xsd`, Belastingdienst.

use crate::Settings;
use crate::fields::{Amounts, HOURS, euros, hours};
use crate::survey::{Relationship, Survey, abroad, postal_code};
use koppel_sdk::ConnectorError;
use koppel_sdk::types::{Address, Employee, Gender, IncomePeriod, PayrollTaxReturn};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::collections::BTreeSet;
use std::io;

const NAMESPACE: &str = "http://xml.belastingdienst.nl/schemas/Loonaangifte/2022/01";

/// An income relationship that an earlier message had and this one has not:
/// citizen service number and number.
pub(crate) type Withdrawn = (String, String);

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

    fn optional(&mut self, name: &str, text: Option<&str>, max: usize) -> io::Result<()> {
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => self.text(name, &shorten(text, max)),
            None => Ok(()),
        }
    }

    fn flag(&mut self, name: &str, flag: bool) -> io::Result<()> {
        self.text(name, if flag { "J" } else { "N" })
    }

    fn open(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::Start(BytesStart::new(name)))
    }

    fn close(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }
}

/// The first `max` characters.
fn shorten(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// The reference of the message (IdBer, berichtkenmerk): at most 32 characters,
/// unique because it holds a part of the identifier of the declaration.
pub(crate) fn reference(declaration: &PayrollTaxReturn, wage_tax_number: &str) -> String {
    let period = &declaration.payroll_period;
    let id: String = declaration.id.chars().rev().take(12).collect();
    let id: String = id.chars().rev().collect();
    format!(
        "{wage_tax_number}-{}{:02}-{id}",
        period.year, period.period_number
    )
}

/// Writes the message.
///
/// # Errors
///
/// Only when writing to memory fails.
pub(crate) fn write(
    settings: &Settings,
    declaration: &PayrollTaxReturn,
    survey: &Survey,
    withdrawn: &BTreeSet<Withdrawn>,
    reference: &str,
) -> Result<Vec<u8>, ConnectorError> {
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', 1));
    xml.0
        .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = BytesStart::new("Loonaangifte");
    root.push_attribute(("xmlns", NAMESPACE));
    root.push_attribute(("version", "2.0"));
    xml.0.write_event(Event::Start(root))?;
    header(&mut xml, settings, reference)?;
    xml.open("AdministratieveEenheid")?;
    xml.text("LhNr", &survey.wage_tax_number)?;
    xml.text("NmIP", &shorten(&declaration.withholding_party, 200))?;
    period(&mut xml, declaration, survey, withdrawn)?;
    xml.close("AdministratieveEenheid")?;
    xml.close("Loonaangifte")?;
    Ok(xml.0.into_inner())
}

fn header(xml: &mut Xml, settings: &Settings, reference: &str) -> io::Result<()> {
    xml.open("Bericht")?;
    xml.text("IdBer", reference)?;
    // To the second, in UTC.
    let now = format!("{:.0}", jiff::Timestamp::now());
    xml.text("DatTdAanm", &now)?;
    xml.text("ContPers", &settings.contact_person)?;
    xml.text("TelNr", &settings.telephone)?;
    xml.text("RelNr", &settings.relation_number)?;
    xml.text(
        "GebrSwPakket",
        &shorten(
            concat!("koppel loonaangifte ", env!("CARGO_PKG_VERSION")),
            27,
        ),
    )?;
    xml.close("Bericht")
}

/// A return, also one that replaces an earlier one of the same year, is
/// complete. A correction of a year that is closed is a `TijdvakCorrectie` by
/// itself, which takes back what the message before had and this one has not.
fn period(
    xml: &mut Xml,
    declaration: &PayrollTaxReturn,
    survey: &Survey,
    withdrawn: &BTreeSet<Withdrawn>,
) -> io::Result<()> {
    let correction = declaration.is_correction_message_prior_year;
    let outer = if correction {
        "TijdvakCorrectie"
    } else {
        "TijdvakAangifte"
    };
    xml.open(outer)?;
    xml.text("DatAanvTv", &declaration.payroll_period.period_start_date)?;
    xml.text("DatEindTv", &declaration.payroll_period.period_end_date)?;
    if !correction {
        xml.open("VolledigeAangifte")?;
    }
    collective(xml, &survey.totals, !correction)?;
    for relationship in &survey.relationships {
        income_relationship(xml, relationship)?;
    }
    if correction {
        for (citizen_service_number, number) in withdrawn {
            xml.open("InkomstenverhoudingIntrekking")?;
            xml.text("NumIV", number)?;
            xml.text("SofiNr", citizen_service_number)?;
            xml.close("InkomstenverhoudingIntrekking")?;
        }
    } else {
        xml.close("VolledigeAangifte")?;
    }
    xml.close(outer)
}

/// The totals. What is to be paid is the sum of the rounded totals, so that the
/// message adds up by itself.
fn collective(xml: &mut Xml, totals: &Amounts, with_grand_total: bool) -> io::Result<()> {
    let mut to_pay = 0;
    xml.open("CollectieveAangifte")?;
    for (field, amount) in totals.iter() {
        let Some(total) = field.total else { continue };
        if field.paid {
            to_pay += euros(amount);
        }
        xml.text(total, &euros(amount).to_string())?;
    }
    xml.text("TotTeBet", &to_pay.to_string())?;
    if with_grand_total {
        // There is no balance of corrections of earlier periods in it: they
        // are messages of their own.
        xml.text("TotGen", &to_pay.to_string())?;
    }
    xml.close("CollectieveAangifte")
}

fn income_relationship(xml: &mut Xml, relationship: &Relationship) -> io::Result<()> {
    let employment = &relationship.employment;
    xml.open("InkomstenverhoudingInitieel")?;
    xml.text("NumIV", &employment.income_relationship_number.to_string())?;
    xml.text("DatAanv", &employment.start_date)?;
    xml.optional("DatEind", employment.end_date.as_deref(), 10)?;
    xml.text("PersNr", &relationship.employee.employee_number.to_string())?;
    person(
        xml,
        &relationship.employee,
        &relationship.citizen_service_number,
    )?;
    income_period(xml, &employment.start_date, &relationship.income_period)?;
    xml.open("Werknemersgegevens")?;
    for (field, amount) in relationship.amounts.iter() {
        if field.name == HOURS {
            xml.text(field.name, &hours(amount).to_string())?;
        } else {
            xml.text(field.name, &amount.to_string())?;
        }
    }
    xml.close("Werknemersgegevens")?;
    xml.close("InkomstenverhoudingInitieel")
}

fn person(xml: &mut Xml, employee: &Employee, citizen_service_number: &str) -> io::Result<()> {
    xml.open("NatuurlijkPersoon")?;
    xml.text("SofiNr", citizen_service_number)?;
    let initials: String = employee
        .initials
        .as_deref()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_uppercase)
        .collect();
    xml.optional("Voorl", Some(&initials), 6)?;
    xml.optional("Voorv", employee.prefix.as_deref(), 10)?;
    xml.optional("SignNm", Some(&employee.last_name), 200)?;
    xml.optional("Gebdat", employee.date_of_birth.as_deref(), 10)?;
    let gender = match employee.gender {
        Gender::Unknown => "0",
        Gender::Male => "1",
        Gender::Female => "2",
    };
    xml.text("Gesl", gender)?;
    match &employee.address {
        Some(address) if abroad(address) => address_abroad(xml, address)?,
        Some(address) => dutch_address(xml, address)?,
        None => {}
    }
    xml.close("NatuurlijkPersoon")
}

fn dutch_address(xml: &mut Xml, address: &Address) -> io::Result<()> {
    xml.open("AdresBinnenland")?;
    xml.optional("Str", address.street.as_deref(), 24)?;
    let number = address.house_number.map(|number| number.to_string());
    xml.optional("HuisNr", number.as_deref(), 5)?;
    xml.optional("HuisNrToev", address.house_number_addition.as_deref(), 4)?;
    xml.optional("Pc", postal_code(address).as_deref(), 6)?;
    xml.optional("Woonpl", address.city.as_deref(), 24)?;
    xml.close("AdresBinnenland")
}

fn address_abroad(xml: &mut Xml, address: &Address) -> io::Result<()> {
    xml.open("AdresBuitenland")?;
    xml.optional("Str", address.street.as_deref(), 24)?;
    let number = address.house_number.map(|number| number.to_string());
    xml.optional("HuisNr", number.as_deref(), 9)?;
    xml.optional("Pc", address.postal_code.as_deref(), 9)?;
    xml.optional("Woonpl", address.city.as_deref(), 24)?;
    xml.optional("LandCd", address.country.as_deref(), 2)?;
    xml.close("AdresBuitenland")
}

fn income_period(xml: &mut Xml, start: &str, period: &IncomePeriod) -> io::Result<()> {
    xml.open("Inkomstenperiode")?;
    xml.text("DatAanv", start)?;
    xml.text("SrtIV", &period.income_relationship_type)?;
    let nature = period.employment_nature.map(|nature| nature.to_string());
    xml.optional("CdAard", nature.as_deref(), 2)?;
    let agreement = period.collective_agreement.map(|code| code.to_string());
    xml.optional("CAO", agreement.as_deref(), 4)?;
    for (name, flag) in [
        ("IndArbovOnbepTd", period.indefinite),
        ("IndSchriftArbov", period.written),
        ("IndOprov", period.on_call),
    ] {
        if let Some(flag) = flag {
            xml.flag(name, flag)?;
        }
    }
    xml.flag("IndLhKort", period.wage_tax_credit)?;
    xml.text("LbTab", &period.wage_tax_table)?;
    xml.flag("IndWAO", period.insured_wao)?;
    xml.flag("IndWW", period.insured_ww)?;
    xml.flag("IndZW", period.insured_zw)?;
    xml.text("CdZvw", &period.healthcare_insurance)?;
    xml.close("Inkomstenperiode")
}
