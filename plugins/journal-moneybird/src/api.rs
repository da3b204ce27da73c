//! The REST API v2 of Moneybird.
//!
//! Sources: <https://developer.moneybird.com/api/documents_general_journal_documents>,
//! <https://developer.moneybird.com/api/ledger_accounts>,
//! <https://developer.moneybird.com/introduction> and the OpenAPI description
//! that Moneybird publishes (`moneybird/openapi`, version v2-20261002). What
//! matters of it here:
//!
//! - identifiers are numbers of 18 digits, in JSON as strings or numbers;
//! - amounts are decimal strings;
//! - a filter is `key:value,key:value`, and replaces the default one, which
//!   looks at this year only;
//! - lists come in pages of at most 100, the next one announced in `Link`;
//! - errors are `{"error": "text"}` or `{"error": {"field": ["text"]}}`;
//! - 150 requests per 5 minutes; beyond that 429, with `Retry-After` as a moment
//!   (UTC, seconds since 1970) rather than a duration.

use crate::Settings;
use koppel_sdk::http::{self, Response};
use koppel_sdk::{Cents, ConnectorError, journal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The size of a page; the most that Moneybird gives.
const PER_PAGE: usize = 100;

/// How many pages of a list are followed.
const PAGES: usize = 100;

/// What a general journal document may be booked on.
const JOURNAL: &str = "general_journal_document";

pub(crate) struct Moneybird<'a> {
    settings: &'a Settings,
}

/// A ledger account.
#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    #[serde(deserialize_with = "identifier")]
    pub(crate) id: String,
    pub(crate) name: String,
    /// The number that people know it by, if it has one.
    #[serde(rename = "account_id")]
    pub(crate) number: Option<String>,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    allowed_document_types: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Account {
    /// Whether it can be booked on in a general journal document.
    pub(crate) fn usable(&self) -> bool {
        self.active
            && self
                .allowed_document_types
                .iter()
                .any(|kind| kind == JOURNAL)
    }
}

/// A general journal document.
#[derive(Debug, Deserialize)]
pub(crate) struct Document {
    #[serde(deserialize_with = "identifier")]
    pub(crate) id: String,
    reference: Option<String>,
    #[serde(default)]
    general_journal_document_entries: Vec<BookedEntry>,
}

#[derive(Debug, Deserialize)]
struct BookedEntry {
    debit: String,
    credit: String,
}

impl Document {
    /// The number of lines, the sum of the debits and that of the credits.
    ///
    /// # Errors
    ///
    /// `outside-party` when an amount is none.
    pub(crate) fn sums(&self) -> Result<(usize, Cents, Cents), ConnectorError> {
        let amount = |text: &str| {
            text.parse::<Cents>().map_err(|error| {
                ConnectorError::OutsideParty(format!("Moneybird: document {}: {error}", self.id))
            })
        };
        let (mut debit, mut credit) = (Cents::ZERO, Cents::ZERO);
        for entry in &self.general_journal_document_entries {
            debit += amount(&entry.debit)?;
            credit += amount(&entry.credit)?;
        }
        Ok((self.general_journal_document_entries.len(), debit, credit))
    }
}

/// An entry of a document to be booked.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) ledger_account_id: String,
    pub(crate) debit: String,
    pub(crate) credit: String,
    pub(crate) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) project_id: Option<String>,
}

#[derive(Serialize)]
struct NewDocument<'a> {
    general_journal_document: NewDocumentBody<'a>,
}

#[derive(Serialize)]
struct NewDocumentBody<'a> {
    reference: &'a str,
    date: &'a str,
    general_journal_document_entries_attributes: Vec<Entry>,
}

#[derive(Deserialize)]
struct Created {
    #[serde(deserialize_with = "identifier")]
    id: String,
}

/// An identifier: digits, as a string or as a number.
fn identifier<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }
    let id = match Either::deserialize(deserializer)? {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    };
    // It becomes part of an address.
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(serde::de::Error::custom(format!("{id:?} is no identifier")));
    }
    Ok(id)
}

impl<'a> Moneybird<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self { settings }
    }

    fn url(&self, resource: &str) -> String {
        let base = self.settings.base_url.trim_end_matches('/');
        let administration = &self.settings.administration_id;
        format!("{base}/api/v2/{administration}/{resource}.json")
    }

    /// All ledger accounts. (This list has no pages.)
    pub(crate) fn accounts(&self) -> Result<Vec<Account>, ConnectorError> {
        self.get(http::get(self.url("ledger_accounts")))
    }

    /// The document with this reference, if there is one, in the year of a day
    /// (`2025-01-31`) or those beside it: a person may have moved it.
    ///
    /// # Errors
    ///
    /// `outside-party` when there is more than one: then a person has to look.
    pub(crate) fn find(
        &self,
        reference: &str,
        day: &str,
    ) -> Result<Option<Document>, ConnectorError> {
        let year: u32 = day
            .split('-')
            .next()
            .and_then(|year| year.parse().ok())
            .ok_or_else(|| ConnectorError::Other(format!("{day} is no date")))?;
        let mut found = Vec::new();
        for year in [year, year - 1, year + 1] {
            // Whoever does not know the filter must not make it look booked.
            let mut documents = self.documents(&format!(
                "period:{year}0101..{year}1231,reference:{reference}"
            ))?;
            documents.retain(|document| document.reference.as_deref() == Some(reference));
            found.extend(documents);
        }
        if found.len() > 1 {
            let ids: Vec<_> = found.iter().map(|document| document.id.as_str()).collect();
            return Err(ConnectorError::OutsideParty(format!(
                "Moneybird has the documents {} for this journal run; delete all but one by hand",
                ids.join(", ")
            )));
        }
        Ok(found.pop())
    }

    /// All pages of a list of documents.
    fn documents(&self, filter: &str) -> Result<Vec<Document>, ConnectorError> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let request = http::get(self.url("documents/general_journal_documents"))
                .query("filter", filter)
                .query("per_page", &PER_PAGE.to_string())
                .query("page", &page.to_string());
            let reply = request.send()?;
            let documents: Vec<Document> = good(&reply)?.json()?;
            let more = documents.len() >= PER_PAGE || announces_next(&reply);
            all.extend(documents);
            if !more {
                return Ok(all);
            }
        }
        Err(ConnectorError::OutsideParty(format!(
            "Moneybird: a list of more than {PAGES} pages"
        )))
    }

    /// One document.
    pub(crate) fn document(&self, id: &str) -> Result<Document, ConnectorError> {
        let resource = format!("documents/general_journal_documents/{id}");
        self.get(http::get(self.url(&resource)))
    }

    /// Books a document and returns its id.
    pub(crate) fn post(
        &self,
        reference: &str,
        date: &str,
        entries: Vec<Entry>,
    ) -> Result<String, ConnectorError> {
        let document = NewDocument {
            general_journal_document: NewDocumentBody {
                reference,
                date,
                general_journal_document_entries_attributes: entries,
            },
        };
        let url = self.url("documents/general_journal_documents");
        let reply = journal::post(http::post(url).json(&document)?)?;
        let created: Created = good(&reply)?.json()?;
        Ok(created.id)
    }

    fn get<T: DeserializeOwned>(&self, request: http::Request) -> Result<T, ConnectorError> {
        let reply = request.send()?;
        Ok(good(&reply)?.json()?)
    }
}

/// Whether the header `Link` names a next page (RFC 8288).
fn announces_next(reply: &Response) -> bool {
    reply.header("link").is_some_and(|link| {
        link.split(',')
            .any(|link| link.contains("rel=\"next\"") || link.contains("rel=next"))
    })
}

/// `{"error": …}`, where the error is a text or, for what does not validate,
/// texts by field.
#[derive(Deserialize)]
struct Failure {
    error: FailureError,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FailureError {
    Text(String),
    Fields(BTreeMap<String, Vec<String>>),
}

/// Sorts out the replies that are no answer.
fn good(reply: &Response) -> Result<&Response, ConnectorError> {
    let failed = |what: String| Err(ConnectorError::OutsideParty(format!("Moneybird: {what}")));
    match reply.status() {
        200..300 => Ok(reply),
        401 => failed(
            "it does not accept the credential (status 401); the operator sets it in [credentials]"
                .to_owned(),
        ),
        403 => failed(format!(
            "the credential may not do this (status 403: {}); it needs the scope documents",
            says(reply)
        )),
        404 => failed(format!(
            "{} (status 404); is administration-id right, and may the credential see that administration?",
            says(reply)
        )),
        429 => Err(ConnectorError::Unavailable(wait(reply))),
        500.. => Err(ConnectorError::Unavailable(wait(reply))),
        status => failed(format!("status {status}: {}", says(reply))),
    }
}

/// What Moneybird says of an error.
fn says(reply: &Response) -> String {
    match reply.json::<Failure>().map(|failure| failure.error) {
        Ok(FailureError::Text(text)) => text,
        Ok(FailureError::Fields(fields)) => {
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(field, texts)| format!("{field} {}", texts.join(", ")))
                .collect();
            fields.join("; ")
        }
        Err(_) => reply.text().chars().take(200).collect(),
    }
}

/// How many seconds to wait: `Retry-After` is a moment in seconds since 1970 in
/// Moneybird, and a number of seconds for everybody else (RFC 9110).
fn wait(reply: &Response) -> Option<u32> {
    let value: u64 = reply.header("retry-after")?.trim().parse().ok()?;
    // Nobody asks to wait for three years.
    if value < 100_000_000 {
        return u32::try_from(value).ok();
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.ok()?.as_secs();
    u32::try_from(value.saturating_sub(now).max(1)).ok()
}
