//! The ledger: a handle on whatever it is kept in, and how a row is made.

use super::alarm::{InForce, Threshold};
use super::beside::Beside;
use super::chain::{Broken, Verified};
use super::postgres::Shared;
use super::sqlite::File;
use super::storage::{Appending, Storage};
use super::turns::{Asked, Earlier};
use super::{DenialCounters, Entry, Kind, Opening, Redactor, Resealed, Row};
use crate::encryption::{EncryptionError, Vault};
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

/// How many rows are encrypted anew in one go, and how many bytes of bodies, if
/// there is more than one.
pub(super) const RESEALED: u32 = 200;
pub(super) const RESEALED_BYTES: usize = 8 << 20;

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

impl From<EncryptionError> for LedgerError {
    fn from(error: EncryptionError) -> Self {
        Self(error.to_string())
    }
}

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
        Self::encrypted(path, redactor, Vault::default())
    }

    /// As [`Ledger::open`], with the keys of its contents.
    pub(crate) fn encrypted(
        path: &Path,
        redactor: Redactor,
        vault: Vault,
    ) -> Result<Self, LedgerError> {
        Ok(Self::of(Arc::new(File::open(path, vault)?), redactor))
    }

    /// The ledger of hosts on several machines.
    pub(crate) fn shared(pool: PgPool, redactor: Redactor, vault: Vault) -> Self {
        Self::of(Arc::new(Shared::new(pool, vault)), redactor)
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
        // Boxed, as all that may be recorded is within what seldom is.
        Box::pin(self.append_with(entry, None, Vec::new())).await
    }

    /// As [`Ledger::append`], of a run that began with a row which must be there
    /// before.
    ///
    /// # Errors
    ///
    /// As those, and when that row could not be written.
    pub(crate) async fn append_to(
        &self,
        opening: &Opening,
        entry: Entry,
    ) -> Result<u64, LedgerError> {
        let after = Some(opening.row().clone());
        Box::pin(self.append_with(entry, after, Vec::new())).await
    }

    /// As [`Ledger::append`], after a row that must be there, and erases what
    /// lies beside these rows with it.
    pub(super) async fn append_with(
        &self,
        entry: Entry,
        after: Option<Earlier>,
        erased: Vec<u64>,
    ) -> Result<u64, LedgerError> {
        let denial = (entry.kind == Kind::Denial).then(|| {
            let check = entry.check.clone().unwrap_or_default();
            (entry.context.client.clone(), check)
        });
        let threshold = denial.is_some().then(|| (self.threshold)());
        let kind = entry.kind;
        let appending = async {
            let asked = Asked {
                entry: self.redacted(entry).await?,
                at: Timestamp::now(),
                threshold,
                after,
                erased,
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
            at: Timestamp::now(),
            threshold: None,
            after,
            erased: Vec::new(),
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

    /// Encrypts what is in clear text, or encrypted with another key than the
    /// active one, of some of the rows after this one. Gives the last of them
    /// and what they were; none when there are no more. Without an active
    /// key there is nothing to do.
    ///
    /// # Errors
    ///
    /// When a key is missing, or the ledger cannot be written. Then these rows
    /// are as they were.
    pub(crate) async fn reseal(&self, after: u64) -> Result<Option<(u64, Resealed)>, LedgerError> {
        self.storage.reseal(after).await
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
    /// In the row itself.
    pub(super) body: Option<Vec<u8>>,
    pub(super) beside: Option<Beside>,
}
