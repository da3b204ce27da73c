//! The second reading: the auditfile itself.
//!
//! Sources: `XmlAuditfileFinancieel3.2.xsd`, Auditfiles.nl / Belastingdienst,
//! and `XmlAuditfileFinancieel4.0.xsd`, package XAF 4.0.3 of Belastingdienst
//! ODB. For a journal they differ in the namespace, in the number of the
//! company (4.0 has that of the trade register only), in the names of cost
//! centre and cost unit, and in how long some texts may be.

use crate::{Settings, Version};
use koppel_sdk::journal::{self, Survey};
use koppel_sdk::types::{Employer, JournalLine, JournalRun, PayrollAdministration};
use koppel_sdk::{Cents, ConnectorError};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::borrow::Cow;
use std::io::{self, Write};

/// The currency of Loket's amounts.
const CURRENCY: &str = "EUR";

/// An auditfile of a version being written.
struct Xml<W: Write>(Writer<W>, Version);

impl<W: Write> Xml<W> {
    /// What depends on the version: for 3.2, or for 4.0.
    fn either<T>(&self, v32: T, v40: T) -> T {
        match self.1 {
            Version::V32 => v32,
            Version::V40 => v40,
        }
    }

    fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        let clean = clean(text);
        self.0
            .create_element(name)
            .write_text_content(BytesText::new(clean.trim()))?;
        Ok(())
    }

    fn optional(&mut self, name: &str, text: Option<&str>, max: usize) -> io::Result<()> {
        match text {
            Some(text) => self.text(name, shorten(text, max)),
            None => Ok(()),
        }
    }

    fn open(&mut self, name: &str) -> io::Result<()> {
        let start = quick_xml::events::BytesStart::new(name);
        self.0.write_event(Event::Start(start))
    }

    fn close(&mut self, name: &str) -> io::Result<()> {
        self.0
            .write_event(Event::End(quick_xml::events::BytesEnd::new(name)))
    }
}

/// Without what XML 1.0 does not allow, which cannot be escaped either.
fn clean(text: &str) -> Cow<'_, str> {
    let allowed = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    // Nearly all are, and a file has millions.
    match text.chars().all(|c| allowed(&c)) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.chars().filter(allowed).collect()),
    }
}

/// The first `max` characters.
fn shorten(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Writes the file.
pub(crate) fn write(
    out: &mut impl Write,
    settings: &Settings,
    employer: &Employer,
    administration: &PayrollAdministration,
    run: &JournalRun,
    survey: &Survey,
) -> Result<(), ConnectorError> {
    let mut xml = Xml(Writer::new_with_indent(out, b' ', 1), settings.version);
    xml.0
        .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = quick_xml::events::BytesStart::new("auditfile");
    let namespace = xml.either(
        "http://www.auditfiles.nl/XAF/3.2",
        "http://www.odb.belastingdienst.nl/Belastingdienst/BCPP/1.1/structures/XmlauditfileXAF_4.0",
    );
    root.push_attribute(("xmlns", namespace));
    xml.0.write_event(Event::Start(root))?;
    header(&mut xml, run)?;
    xml.open("company")?;
    company(&mut xml, employer, administration)?;
    accounts(&mut xml, settings, survey)?;
    period(&mut xml, run)?;
    transactions(&mut xml, settings, run, survey)?;
    xml.close("company")?;
    xml.close("auditfile")?;
    Ok(())
}

fn header<W: Write>(xml: &mut Xml<W>, run: &JournalRun) -> io::Result<()> {
    let year = run.payroll_period.year;
    xml.open("header")?;
    xml.text("fiscalYear", &year.to_string())?;
    xml.text("startDate", &format!("{year:04}-01-01"))?;
    xml.text("endDate", &format!("{year:04}-12-31"))?;
    xml.text("curCode", CURRENCY)?;
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(jiff::Timestamp::now())
        .date();
    xml.text("dateCreated", &today.to_string())?;
    xml.text("softwareDesc", "koppel journal-xaf")?;
    xml.text("softwareVersion", env!("CARGO_PKG_VERSION"))?;
    xml.close("header")
}

fn company<W: Write>(
    xml: &mut Xml<W>,
    employer: &Employer,
    administration: &PayrollAdministration,
) -> io::Result<()> {
    match xml.1 {
        Version::V32 => xml.text("companyIdent", &employer.employer_number.to_string())?,
        Version::V40 => {
            let number = employer.chamber_of_commerce_number.as_deref();
            xml.optional("Commercenr", number, 100)?;
        }
    }
    let name = xml.either(999, 255);
    xml.text("companyName", shorten(&employer.company_name, name))?;
    xml.text("taxRegistrationCountry", "NL")?;
    // The schema wants the element; an unknown number is left empty.
    let number = administration
        .payroll_tax_number
        .as_deref()
        .unwrap_or_default();
    xml.text("taxRegIdent", shorten(number, 30))?;
    if employer.street.is_some() || employer.city.is_some() || employer.postal_code.is_some() {
        xml.open("streetAddress")?;
        let street = xml.either(999, 100);
        xml.optional("streetname", employer.street.as_deref(), street)?;
        let number = employer.house_number.map(|number| number.to_string());
        xml.optional("number", number.as_deref(), 15)?;
        xml.optional("city", employer.city.as_deref(), 50)?;
        xml.optional("postalCode", employer.postal_code.as_deref(), 10)?;
        // The schema lists the countries; only an ISO 3166 code is one.
        let country = employer
            .country
            .as_deref()
            .filter(|country| country.len() == 2);
        xml.optional("country", country, 2)?;
        xml.close("streetAddress")?;
    }
    Ok(())
}

fn accounts<W: Write>(xml: &mut Xml<W>, settings: &Settings, survey: &Survey) -> io::Result<()> {
    let description_length = xml.either(999, 255);
    xml.open("generalLedger")?;
    for (code, description) in &survey.accounts {
        let prefixes = &settings.balance_account_prefixes;
        let balance = prefixes.iter().any(|prefix| code.starts_with(prefix));
        xml.open("ledgerAccount")?;
        xml.text("accID", code)?;
        xml.text("accDesc", shorten(description, description_length))?;
        xml.text("accTp", if balance { "B" } else { "P" })?;
        xml.close("ledgerAccount")?;
    }
    xml.close("generalLedger")
}

fn period<W: Write>(xml: &mut Xml<W>, run: &JournalRun) -> io::Result<()> {
    let period = &run.payroll_period;
    xml.open("periods")?;
    xml.open("period")?;
    xml.text("periodNumber", &period.period_number.to_string())?;
    xml.text("startDatePeriod", &period.period_start_date)?;
    xml.text("endDatePeriod", &period.period_end_date)?;
    xml.close("period")?;
    xml.close("periods")
}

fn transactions<W: Write>(
    xml: &mut Xml<W>,
    settings: &Settings,
    run: &JournalRun,
    survey: &Survey,
) -> Result<(), ConnectorError> {
    let period = &run.payroll_period;
    let title = format!(
        "Journaal salarissen {}-{:02}",
        period.year, period.period_number
    );
    let reference = format!(
        "{}-{:02}-{}",
        period.year, period.period_number, run.sequence_number
    );
    xml.open("transactions")?;
    xml.text("linesCount", &survey.lines.to_string())?;
    xml.text("totalDebit", &survey.total.to_string())?;
    xml.text("totalCredit", &survey.total.to_string())?;
    xml.open("journal")?;
    xml.text("jrnID", &settings.journal_id)?;
    xml.text("desc", &settings.journal_description)?;
    xml.text("jrnTp", "M")?;
    xml.open("transaction")?;
    xml.text("nr", &reference)?;
    xml.text("desc", &title)?;
    xml.text("periodNumber", &period.period_number.to_string())?;
    xml.text("trDt", &period.period_end_date)?;
    journal::revisit(run, survey, |number, journal_line| {
        let date = &period.period_end_date;
        Ok(line(xml, number, &reference, date, &journal_line)?)
    })?;
    xml.close("transaction")?;
    xml.close("journal")?;
    xml.close("transactions")?;
    Ok(())
}

fn line<W: Write>(
    xml: &mut Xml<W>,
    number: u32,
    reference: &str,
    date: &str,
    line: &JournalLine,
) -> io::Result<()> {
    // A line is debit or credit; a negative amount keeps its side and sign, so
    // that the totals of the file are those of the journal.
    let (amount, side) = if line.credit_amount == 0 {
        (Cents(line.debit_amount), "D")
    } else {
        (Cents(line.credit_amount), "C")
    };
    xml.open("trLine")?;
    xml.text("nr", &number.to_string())?;
    xml.text("accID", &line.general_ledger_account.code)?;
    xml.text("docRef", reference)?;
    xml.text("effDate", date)?;
    xml.text("desc", &line.payroll_component.value)?;
    xml.text("amnt", &amount.to_string())?;
    xml.text("amntTp", side)?;
    let center = line.cost_center.as_ref().map(|center| center.code.as_str());
    let (name, length) = xml.either(("costID", 35), ("cost", 999));
    xml.optional(name, center, length)?;
    let unit = line.cost_unit.as_ref().map(|unit| unit.code.as_str());
    let (name, length) = xml.either(("prodID", 35), ("product", 999));
    xml.optional(name, unit, length)?;
    xml.close("trLine")
}
