//! What is stored of one person: finding, giving and erasing it.
//!
//! It is found by reading all that is stored. An index from persons to messages
//! would have to be made of the same readings, be wrong for whatever a
//! connector writes in a form of its own, and be one more place that holds who
//! is who. Such requests are rare; reading a ledger is fast.

mod elsewhere;

pub use elsewhere::{Elsewhere, Recipient};

use super::worker::schedule::all;
use super::{Host, words};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::config::{Period, Retention, Subject};
use crate::durable::{Run, RunFilter, StoreError};
use crate::ledger::{Context, Entry, Kind, LedgerError, Row, mentions};
use crate::platform::{Entity, in_words};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// How many rows or runs are looked at in one go.
const PART: u32 = 500;

/// The shortest name that is taken for one of an employee, in bytes: shorter
/// ones are in every text.
const SHORTEST: usize = 4;

/// Who is meant, who asks, and why.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The identifier of an employee, or a citizen service number (BSN).
    pub person: String,
    /// What else names that person, such as a licence plate.
    pub also: Vec<String>,
    /// Who asks.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Why it could not be found, given or erased.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// It is asked in a way that makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The payroll data cannot be read.
    #[error("payroll data: {0}")]
    Platform(String),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The runs cannot be read or written.
    #[error(transparent)]
    Runs(#[from] StoreError),
}

/// All that is stored of a person.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Found {
    /// What was looked for.
    pub names: BTreeSet<String>,
    /// Rows of the ledger, by number.
    pub messages: Vec<Message>,
    /// Runs whose job, answer, error or log names the person.
    pub runs: Vec<FoundRun>,
    /// Where the person may be known besides.
    pub elsewhere: Elsewhere,
}

/// A row of the ledger that is about the person.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Message {
    /// The row. If it is about others too, without headers.
    #[serde(flatten)]
    pub row: Row,
    /// Its content as text, unless it is about others too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Whether it names other employees of the employer, or may do so.
    pub about_others: bool,
    /// Why it is not erased now, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// A run that is about the person.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundRun {
    /// The run, with its job and what came of it.
    #[serde(flatten)]
    pub run: Run,
    /// Why it is not erased now, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

impl Found {
    /// The rows that can be erased now.
    pub fn erasable(&self) -> Vec<u64> {
        let erasable = self.messages.iter().filter(|one| one.kept.is_none());
        erasable.map(|message| message.row.seq).collect()
    }

    /// The runs that can be erased now.
    pub fn erasable_runs(&self) -> Vec<Uuid> {
        let erasable = self.runs.iter().filter(|one| one.kept.is_none());
        erasable.map(|found| found.run.id).collect()
    }
}

/// What names the employees of an employer; none if that cannot be known.
type Employees = HashMap<Uuid, Option<Vec<BTreeSet<String>>>>;

impl Host {
    /// Finds all that is stored of a person: in the ledger and of runs.
    ///
    /// # Errors
    ///
    /// See [`PersonError`].
    pub async fn find_person(&self, asking: &Asking) -> Result<Found, PersonError> {
        words(&[&asking.by, &asking.why]).map_err(|why| PersonError::Invalid(why.to_string()))?;
        let names = self.names_of(asking).await?;
        let (mut messages, mut exchanges, mut employees) = (vec![], HashSet::new(), HashMap::new());
        let mut others = Vec::new();
        let mut after = 0;
        loop {
            let kept = self.ledger.kept(Timestamp::MAX, after, PART).await?;
            let Some(last) = kept.last() else { break };
            after = last.seq;
            for kept in kept {
                let Some((row, body)) = self.ledger.row(kept.seq).await? else {
                    continue;
                };
                if is_about(&names, &row, body.as_deref()) {
                    exchanges.extend(row.exchange.clone());
                    messages.push(self.message(row, body, &names, &mut employees).await?);
                } else if let Some(exchange) = row.exchange {
                    others.push((exchange, row.seq));
                }
            }
        }
        // The other half of an exchange, which need not name the person.
        for (exchange, seq) in others {
            if exchanges.contains(&exchange)
                && let Some((row, body)) = self.ledger.row(seq).await?
            {
                messages.push(self.message(row, body, &names, &mut employees).await?);
            }
        }
        messages.sort_by_key(|message| message.row.seq);
        let runs = self.runs_of(&names).await?;
        let elsewhere = self.live.with(|config| Elsewhere::of(&messages, config));
        Ok(Found {
            names,
            messages,
            runs,
            elsewhere,
        })
    }

    /// Records that what is stored of a person is about to be given to somebody.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded.
    pub async fn record_export(&self, asking: &Asking, found: &Found) -> Result<(), PersonError> {
        let rows: Vec<_> = found.messages.iter().map(|one| one.row.seq).collect();
        let context = Context::of_operator(&asking.by);
        let summary = format!(
            "{} rows and {} runs of a person: {}",
            rows.len(),
            found.runs.len(),
            asking.why
        );
        let entry = Entry {
            body: serde_json::json!({"rows": rows}).to_string().into_bytes(),
            ..Entry::new(context, Kind::PersonExported, summary)
        };
        self.ledger.append(entry).await?;
        Ok(())
    }

    /// Erases what was found of a person, but for what is kept. Gives how many
    /// rows and runs.
    ///
    /// # Errors
    ///
    /// See [`PersonError`].
    pub async fn erase_person(
        &self,
        asking: &Asking,
        found: &Found,
    ) -> Result<(u64, u64), PersonError> {
        let (rows, runs) = (found.erasable(), found.erasable_runs());
        let erased = rows.len() as u64;
        if rows.is_empty() && runs.is_empty() {
            return Ok((0, 0));
        }
        // Also when there are runs only: that is to be known, too.
        self.ledger.erase(&asking.by, &asking.why, rows).await?;
        Ok((erased, self.runs.remove(runs).await?))
    }

    /// What names a person: what was given, and what the payroll data has.
    async fn names_of(&self, asking: &Asking) -> Result<BTreeSet<String>, PersonError> {
        let mut names: BTreeSet<String> = asking.also.iter().cloned().collect();
        if let Some(short) = names.iter().find(|name| name.trim().len() < SHORTEST) {
            return Err(PersonError::Invalid(format!(
                "{short:?} would be found in what is not about this person: give at least {SHORTEST} characters"
            )));
        }
        let person = asking.person.trim();
        if let Ok(id) = Uuid::try_parse(person) {
            names.insert(id.to_string());
            names.extend(self.citizen_service_number(id).await?);
        } else if crate::egress::is_citizen_service_number(person) {
            names.insert(person.to_owned());
        } else {
            return Err(PersonError::Invalid(
                "a person is named by the identifier of an employee (UUID), or by a citizen service number (BSN) of nine digits that pass the eleven-test"
                    .to_owned(),
            ));
        }
        Ok(names)
    }

    /// The BSN of an employee whom the payroll data has, and whose it has.
    async fn citizen_service_number(&self, id: Uuid) -> Result<Option<String>, PersonError> {
        let platform = |error| PersonError::Platform(in_words(&error));
        match self.platform.citizen_service_number(id).await {
            Ok(number) => Ok(number),
            Err(ActivityError::NotFound(_)) => Ok(None),
            Err(error) => Err(platform(error)),
        }
    }

    async fn message(
        &self,
        row: Row,
        body: Option<Vec<u8>>,
        names: &BTreeSet<String>,
        employees: &mut Employees,
    ) -> Result<Message, PersonError> {
        let of = row.context.employer;
        let all = match employees.entry(of) {
            MapEntry::Occupied(known) => known.into_mut(),
            MapEntry::Vacant(unknown) => unknown.insert(self.employees_of(of).await),
        };
        let about_others = match all {
            Some(all) => {
                let (others, own): (Vec<_>, Vec<_>) =
                    all.iter().partition(|one| one.is_disjoint(names));
                // Others can have the same last name.
                let own: BTreeSet<_> = own.into_iter().flatten().collect();
                others.into_iter().flatten().any(|name| {
                    !own.contains(name)
                        && !names.iter().any(|own| mentions(own.as_bytes(), name))
                        && mentions_in(&row, body.as_deref(), name)
                })
            }
            // Nobody can say that it is not.
            None => true,
        };
        let open = self.runs.run(row.context.run).await?;
        let is_open = open.is_some_and(|run| !run.state.is_over());
        let retention = self.live.with(|config| config.retention.clone());
        let kept = if is_open {
            Some("its run is not over".to_owned())
        } else if about_others {
            Some(about_others_until(&row, &retention))
        } else {
            kept_by_law(&row, &retention, self.clock.now())
        };
        let body = body.filter(|_| !about_others);
        Ok(Message {
            body: body.map(|body| String::from_utf8_lossy(&body).into_owned()),
            row: Row {
                headers: match about_others {
                    true => Vec::new(),
                    false => row.headers,
                },
                ..row
            },
            about_others,
            kept,
        })
    }

    /// What names each employee of an employer: identifier, BSN and last name.
    async fn employees_of(&self, employer: Uuid) -> Option<Vec<BTreeSet<String>>> {
        let platform = &self.platform;
        platform.owner(Entity::Employer(employer)).await.ok()??;
        let list = async { Ok::<_, ActivityError>(all!(platform.employees(employer))) };
        let mut named = Vec::new();
        for employee in list.await.ok()? {
            let id = Uuid::try_parse(&employee.id).ok()?;
            let mut names = BTreeSet::from([id.to_string()]);
            names.extend(platform.citizen_service_number(id).await.ok()?);
            names.extend(Some(employee.last_name).filter(|name| name.len() >= SHORTEST));
            named.push(names);
        }
        Some(named)
    }

    async fn runs_of(&self, names: &BTreeSet<String>) -> Result<Vec<FoundRun>, PersonError> {
        let mut filter = RunFilter {
            limit: Some(PART),
            ..RunFilter::default()
        };
        let mut found = Vec::new();
        loop {
            let runs = self.runs.runs(filter.clone()).await?;
            let Some(last) = runs.last() else {
                return Ok(found);
            };
            filter.before = Some(last.number);
            for run in runs {
                let attempts = self.runs.attempts(run.id).await?;
                let text = serde_json::json!([run, attempts]).to_string();
                if names.iter().any(|name| mentions(text.as_bytes(), name)) {
                    let kept = (!run.state.is_over()).then(|| "it is not over".to_owned());
                    found.push(FoundRun { run, kept });
                }
            }
        }
    }
}

/// Whether a row names somebody.
fn is_about(names: &BTreeSet<String>, row: &Row, body: Option<&[u8]>) -> bool {
    names.iter().any(|name| mentions_in(row, body, name))
}

fn mentions_in(row: &Row, body: Option<&[u8]>, name: &str) -> bool {
    let headers = row.headers.iter().map(|(_, value)| value.as_bytes());
    [row.summary.as_bytes(), body.unwrap_or_default()]
        .into_iter()
        .chain(headers)
        .any(|text| mentions(text, name))
}

/// Why a row of the payroll administration is kept.
fn kept_by_law(row: &Row, retention: &Retention, now: i64) -> Option<String> {
    let subject = Subject::of(row.activity.as_deref());
    if !subject.is_kept_by_law() {
        return None;
    }
    let time = row.time.parse().ok()?;
    let law = Period::by_law().end(time);
    let own = retention.contents.get(&subject);
    let end = own.map_or(law, |period| period.end(time).max(law));
    let day = day(end);
    (end.as_millisecond() > now)
        .then(|| format!("it is of the payroll administration, kept until {day} (art. 52 AWR)"))
}

/// Until when a row is kept that names others, too.
fn about_others_until(row: &Row, retention: &Retention) -> String {
    let subject = Subject::of(row.activity.as_deref());
    let name = subject.name();
    let period = retention.contents.get(&subject).copied();
    match period.zip(row.time.parse().ok()) {
        Some((period, time)) => {
            let day = day(period.end(time));
            format!("it is about others, too, and is kept until {day} ([retention] {name})")
        }
        None => format!("it is about others, too, and is kept for ever: [retention] has no {name}"),
    }
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}
