//! The ledger: a handle on whatever it is kept in, and how a row is made.

use super::alarm::{InForce, Threshold};
use super::chain::{self, Broken, Verified};
use super::postgres::Shared;
use super::sqlite::File;
use super::storage::{Appending, Storage};
use super::turns::{Asked, Earlier};
use super::{DenialCounters, Entry, Kind, Large, MAX_BODY, Redactor, Row};
use crate::telemetry::{self, Metrics};
use jiff::Timestamp;
use sqlx::postgres::PgPool;
use std::path::Path;
use std::sync::Arc;
use tracing::Instrument;
use uuid::Uuid;

/// The bytes up to which a body is searched for secrets at once; a larger one
/// would hold up others.
const SMALL: usize = 16 << 10;

/// The ledger. Cloning gives another handle on it.
#[derive(Clone)]
pub struct Ledger {
    storage: Arc<dyn Storage>,
    redactor: Redactor,
    denials: DenialCounters,
    threshold: InForce,
    metrics: Arc<Metrics>,
}

/// Why the ledger could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("ledger: {0}")]
pub struct LedgerError(pub(super) String);

/// Which rows are asked for. What is `None` or empty does not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these kinds.
    pub kinds: Vec<Kind>,
    /// Only of this client.
    pub client: Option<String>,
    /// Only of this user.
    pub user: Option<String>,
    /// Only of this employer.
    pub employer: Option<Uuid>,
    /// Only of one of these employers; none of them is none at all.
    pub among: Option<Vec<Uuid>>,
    /// Only of this run.
    pub run: Option<Uuid>,
    /// Only denials by this check.
    pub check: Option<String>,
    /// Only from this moment, to the microsecond.
    pub since: Option<Timestamp>,
    /// Only before this moment, to the microsecond.
    pub until: Option<Timestamp>,
    /// Only rows after this one.
    pub after: Option<u64>,
    /// At most so many: the newest.
    pub limit: Option<u32>,
    /// A page begins with the newest.
    pub newest_first: bool,
}

/// How often a client did something that the ledger holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The client.
    pub client: String,
    /// The activity: its `operationId`.
    pub activity: String,
    /// How many rows there are.
    pub count: u64,
    /// When the last was recorded, RFC 3339 in UTC.
    pub last: String,
}

impl Ledger {
    /// Opens the file, or makes an empty one, with its directory. What the
    /// redactor knows, now or later, is never stored.
    ///
    /// # Errors
    ///
    /// When the file cannot be made or is no ledger.
    pub fn open(path: &Path, redactor: Redactor) -> Result<Self, LedgerError> {
        Ok(Self::of(Arc::new(File::open(path)?), redactor))
    }

    /// The ledger of hosts on several machines.
    pub(crate) fn shared(pool: PgPool, redactor: Redactor) -> Self {
        Self::of(Arc::new(Shared::new(pool)), redactor)
    }

    fn of(storage: Arc<dyn Storage>, redactor: Redactor) -> Self {
        Self {
            storage,
            redactor,
            denials: DenialCounters::default(),
            threshold: Arc::new(Threshold::default),
            metrics: Arc::default(),
        }
    }

    /// With what counts its rows and denials.
    pub(crate) fn with_metrics(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// With the number of denials that raises an alarm, which is asked for at
    /// each denial. Otherwise it is the default one.
    pub fn with_alarms(self, threshold: impl Fn() -> Threshold + Send + Sync + 'static) -> Self {
        Self {
            threshold: Arc::new(threshold),
            ..self
        }
    }

    /// Counts what was denied through this handle and its clones.
    pub fn denials(&self) -> &DenialCounters {
        &self.denials
    }

    /// What keeps secrets out of the ledger.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Appends a row and returns its number once it is on disk. A denial that
    /// is one too many is followed by an alarm.
    ///
    /// # Errors
    ///
    /// When it could not be written. Then nothing was; or nobody knows, if the
    /// ledger is on another machine that fell silent meanwhile.
    pub async fn append(&self, entry: Entry) -> Result<u64, LedgerError> {
        let denial = (entry.kind == Kind::Denial).then(|| {
            let check = entry.check.clone().unwrap_or_default();
            (entry.context.client.clone(), check)
        });
        let threshold = denial.is_some().then(|| (self.threshold)());
        let kind = entry.kind;
        let appending = async {
            let asked = Asked {
                entry: self.redacted(entry).await?,
                threshold,
                after: None,
                metrics: self.metrics.clone(),
            };
            self.storage.append(asked, None).await
        };
        let (seq, alarm) = traced(kind, appending).await?;
        if let Some((client, check)) = denial {
            self.metrics.denial(&client, &check);
            self.denials.count(client, check);
        }
        if let Some(alarm) = alarm {
            alarm.raise();
        }
        Ok(seq)
    }

    /// Asks for a small row that is no denial; see [`Storage::append`].
    pub(super) fn ask(
        &self,
        entry: Entry,
        after: Option<Earlier>,
        own: Option<Earlier>,
    ) -> Appending {
        let asked = Asked {
            entry: redact(&self.redactor, entry),
            threshold: None,
            after,
            metrics: self.metrics.clone(),
        };
        self.storage.append(asked, own)
    }

    /// The rows that a filter selects, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn rows(&self, filter: Filter) -> Result<Vec<Row>, LedgerError> {
        self.storage.rows(filter).await
    }

    /// One row with its body. The body is none when it was too large to keep.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn row(&self, seq: u64) -> Result<Option<(Row, Option<Vec<u8>>)>, LedgerError> {
        self.storage.row(seq).await
    }

    /// Checks that no row was changed, removed or inserted.
    ///
    /// # Errors
    ///
    /// The outer error when the ledger cannot be read; the inner one names the
    /// first row that is broken.
    pub async fn verify(&self) -> Result<Result<Verified, Broken>, LedgerError> {
        self.storage.verify().await
    }

    /// What the ledger is kept in.
    pub(super) fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    /// Without the secrets that are known.
    async fn redacted(&self, entry: Entry) -> Result<Entry, LedgerError> {
        if entry.body.len() < SMALL {
            return Ok(redact(&self.redactor, entry));
        }
        let redactor = self.redactor.clone();
        tokio::task::spawn_blocking(move || redact(&redactor, entry))
            .await
            .map_err(|error| LedgerError(error.to_string()))
    }
}

/// Waits for a row in a span.
pub(super) async fn traced<T>(
    kind: Kind,
    appending: impl Future<Output = Result<(u64, T), LedgerError>>,
) -> Result<(u64, T), LedgerError> {
    let span = telemetry::ledger_write(kind.name());
    let appended = appending.instrument(span.clone()).await?;
    span.record("row", appended.0);
    Ok(appended)
}

fn redact(redactor: &Redactor, entry: Entry) -> Entry {
    Entry {
        summary: redactor.text(entry.summary),
        outcome: entry.outcome.map(|outcome| redactor.text(outcome)),
        headers: redactor.headers(entry.headers),
        body: redactor.bytes(entry.body),
        ..entry
    }
}

pub(super) fn row(seq: u64, previous: &str, entry: Entry) -> (Row, Option<Vec<u8>>) {
    let large = entry.large.unwrap_or_else(|| Large {
        size: entry.body.len() as u64,
        sha256: chain::sha256(&entry.body),
    });
    let body = (large.size <= MAX_BODY as u64).then_some(entry.body);
    let mut row = Row {
        seq,
        id: Uuid::nil(),
        time: time(Timestamp::now()),
        context: entry.context,
        kind: entry.kind.name().to_owned(),
        activity: entry.activity,
        check: entry.check,
        exchange: entry.exchange.map(|id| id.to_string()),
        summary: entry.summary,
        status: entry.status,
        outcome: entry.outcome,
        headers: entry.headers,
        body_size: large.size,
        body_sha256: large.sha256,
        hash: String::new(),
    };
    row.hash = chain::hash(previous, &row);
    row.id = chain::id(&row.hash);
    (row, body)
}

/// A moment as it is stored: always six decimals, so that times sort as text.
pub(super) fn time(moment: Timestamp) -> String {
    format!("{moment:.6}")
}

/// Headers as they are stored.
pub(super) fn headers(row: &Row) -> String {
    serde_json::json!(row.headers).to_string()
}

/// What a [`Row`] does not tell of how it is stored.
pub(super) struct Stored {
    pub(super) run: String,
    pub(super) employer: String,
    pub(super) headers: String,
    pub(super) body: Option<Vec<u8>>,
}

pub(super) fn holds(before: &Verified, row: &Row, stored: &Stored) -> Result<(), String> {
    if row.seq != before.rows + 1 {
        return Err(format!("row {} is missing", before.rows + 1));
    }
    match &stored.body {
        Some(body) if chain::sha256(body) != row.body_sha256 => {
            return Err("its body was changed".to_owned());
        }
        None if row.body_size <= MAX_BODY as u64 => {
            return Err("its body was removed".to_owned());
        }
        _ => {}
    }
    // What reads the same but is written in another way was changed as well;
    // filters would miss it.
    let same = stored.run == row.context.run.to_string()
        && stored.employer == row.context.employer.to_string()
        && stored.headers == headers(row);
    if !same || chain::hash(&before.head, row) != row.hash {
        return Err("it was changed, or the row before it was replaced".to_owned());
    }
    Ok(())
}
