//! The Exact Online REST API (OData v2 in JSON).
//!
//! Source: Exact Online REST API reference, endpoints
//! `financial/GLAccounts`, `financial/Journals`,
//! `generaljournalentry/GeneralJournalEntries` and `…Lines`.

use crate::Settings;
use crate::booking::{Booking, amount};
use koppel_sdk::http::{self, Response};
use koppel_sdk::{Cents, ConnectorError, journal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many codes are asked for at a time, to keep URLs short.
const CODES: usize = 20;

/// How many pages of a list are followed.
const PAGES: usize = 1_000;

pub(crate) struct Exact<'a> {
    settings: &'a Settings,
}

/// A line of an entry in Exact.
#[derive(Debug, Deserialize)]
pub(crate) struct EntryLine {
    /// Debit is positive.
    #[serde(rename = "AmountFC")]
    pub(crate) amount: Cents,
    #[serde(rename = "EntryNumber")]
    number: u64,
}

/// OData v2 wraps every answer in `d`.
#[derive(Deserialize)]
struct Envelope<T> {
    d: T,
}

#[derive(Deserialize)]
struct List<T> {
    results: Vec<T>,
    #[serde(rename = "__next")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    #[serde(rename = "ID")]
    id: String,
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Journal {
    description: String,
}

#[derive(Deserialize)]
struct Posted {
    #[serde(rename = "EntryID")]
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    journal_code: &'a str,
    financial_year: u32,
    financial_period: u32,
    currency: &'static str,
    general_journal_entry_lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    #[serde(rename = "GLAccount")]
    account: &'a str,
    #[serde(rename = "AmountFC")]
    amount: Cents,
    date: &'a str,
    description: &'a str,
    notes: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_center: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_unit: Option<&'a str>,
}

/// `{"error": {"code": "", "message": {"lang": "", "value": "…"}}}`
#[derive(Deserialize)]
struct Failure {
    error: FailureError,
}

#[derive(Deserialize)]
struct FailureError {
    message: FailureMessage,
}

#[derive(Deserialize)]
struct FailureMessage {
    value: String,
}

impl<'a> Exact<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self { settings }
    }

    fn url(&self, resource: &str) -> String {
        let base = self.settings.base_url.trim_end_matches('/');
        format!("{base}/api/v1/{}/{resource}", self.settings.division)
    }

    /// The description of the journal in the settings.
    pub(crate) fn journal(&self) -> Result<String, ConnectorError> {
        let code = &self.settings.journal_code;
        let request = http::get(self.url("financial/Journals"))
            .query("$filter", &format!("Code eq '{}'", quoted(code)))
            .query("$select", "Code,Description");
        let journals: Vec<Journal> = all(request)?;
        match journals.into_iter().next() {
            Some(journal) => Ok(journal.description),
            None => Err(ConnectorError::InvalidSettings(format!(
                "journal-code: division {} has no journal {code}",
                self.settings.division
            ))),
        }
    }

    /// The ids of the accounts that there are, by their codes.
    pub(crate) fn accounts(
        &self,
        codes: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, String>, ConnectorError> {
        let mut found = BTreeMap::new();
        let codes: Vec<&str> = codes.iter().copied().collect();
        for some in codes.chunks(CODES) {
            let filter: Vec<String> = some
                .iter()
                .map(|code| format!("Code eq '{}'", quoted(code)))
                .collect();
            let request = http::get(self.url("financial/GLAccounts"))
                .query("$filter", &filter.join(" or "))
                .query("$select", "ID,Code");
            let accounts: Vec<Account> = all(request)?;
            // Exact pads codes with spaces in some places.
            found.extend(
                accounts
                    .into_iter()
                    .map(|a| (a.code.trim().to_owned(), a.id)),
            );
        }
        Ok(found)
    }

    /// The entry that was booked for this marker, if there is one: its number
    /// and lines.
    pub(crate) fn entries_marked(
        &self,
        marker: &str,
        year: u32,
        period: u32,
    ) -> Result<Option<(String, Vec<EntryLine>)>, ConnectorError> {
        let filter = format!(
            "FinancialYear eq {year} and FinancialPeriod eq {period} and Notes eq '{}'",
            quoted(marker)
        );
        let lines = self.lines(&filter)?;
        Ok(lines
            .first()
            .map(|line| line.number.to_string())
            .map(|number| (number, lines)))
    }

    /// The number and lines of an entry.
    pub(crate) fn lines_of(&self, id: &str) -> Result<(String, Vec<EntryLine>), ConnectorError> {
        let lines = self.lines(&format!("EntryID eq guid'{}'", quoted(id)))?;
        match lines.first().map(|line| line.number.to_string()) {
            Some(number) => Ok((number, lines)),
            None => Err(ConnectorError::OutsideParty(format!(
                "Exact Online: entry {id} was accepted but cannot be found"
            ))),
        }
    }

    fn lines(&self, filter: &str) -> Result<Vec<EntryLine>, ConnectorError> {
        let request = http::get(self.url("generaljournalentry/GeneralJournalEntryLines"))
            .query("$filter", filter)
            .query("$select", "EntryNumber,AmountFC");
        all(request)
    }

    /// Books an entry, with the id of the account of each line, and returns the
    /// id of the entry.
    pub(crate) fn post(
        &self,
        booking: &Booking<'_>,
        accounts: &[&str],
    ) -> Result<String, ConnectorError> {
        let lines = booking.lines.iter().zip(accounts);
        let lines = lines.map(|(line, account)| Line {
            account,
            amount: amount(line),
            date: &booking.date,
            description: &line.payroll_component.value,
            notes: &booking.marker,
            cost_center: line.cost_center.as_ref().map(|center| center.code.as_str()),
            cost_unit: line.cost_unit.as_ref().map(|unit| unit.code.as_str()),
        });
        let entry = Entry {
            journal_code: &self.settings.journal_code,
            financial_year: booking.year,
            financial_period: booking.period,
            currency: "EUR",
            general_journal_entry_lines: lines.collect(),
        };
        let request =
            http::post(self.url("generaljournalentry/GeneralJournalEntries")).json(&entry)?;
        let reply = journal::post(request)?;
        let posted: Envelope<Posted> = good(&reply)?.json()?;
        Ok(posted.d.id)
    }
}

/// A text within an OData string.
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

/// All pages of a list.
fn all<T: DeserializeOwned>(first: http::Request) -> Result<Vec<T>, ConnectorError> {
    let mut items = Vec::new();
    let mut next = Some(first);
    for _ in 0..PAGES {
        let Some(request) = next.take() else {
            return Ok(items);
        };
        let reply = request.send()?;
        let page: Envelope<List<T>> = good(&reply)?.json()?;
        items.extend(page.d.results);
        next = page.d.next.map(http::get);
    }
    Err(ConnectorError::OutsideParty(format!(
        "Exact Online: a list of more than {PAGES} pages"
    )))
}

/// Sorts out the replies that are no answer.
fn good(reply: &Response) -> Result<&Response, ConnectorError> {
    let says = || match reply.json::<Failure>() {
        Ok(failure) => failure.error.message.value,
        Err(_) => reply.text().chars().take(200).collect(),
    };
    match reply.status() {
        200..300 => Ok(reply),
        401 | 403 => Err(ConnectorError::OutsideParty(format!(
            "Exact Online does not accept the credential (status {}); the operator sets it in [credentials]",
            reply.status()
        ))),
        // The limit is per minute, so a minute later is soon enough.
        429 => Err(ConnectorError::Unavailable(
            reply.retry_after().or(Some(60)),
        )),
        500.. => Err(ConnectorError::Unavailable(reply.retry_after())),
        status => Err(ConnectorError::OutsideParty(format!(
            "Exact Online: status {status}: {}",
            says()
        ))),
    }
}
