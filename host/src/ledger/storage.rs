//! What the ledger is kept in.

use super::alarm::{Alarm, Threshold};
use super::{Broken, DenialCount, Entry, Filter, LedgerError, Row, Use, Verified};
use async_trait::async_trait;
use uuid::Uuid;

/// Rows, each chained to the one before. Whoever appends may be one of several
/// processes: they take turns. See [`super::Ledger`] for what each of these is.
#[async_trait]
pub(super) trait Storage: Send + Sync {
    /// Appends a row, without secrets, and returns its number once it is on
    /// disk. A denial comes with the threshold in force, and is followed by an
    /// alarm when it is one too many.
    async fn append(
        &self,
        entry: Entry,
        threshold: Option<Threshold>,
    ) -> Result<(u64, Option<Alarm>), LedgerError>;

    async fn rows(&self, filter: Filter) -> Result<Vec<Row>, LedgerError>;

    async fn page(
        &self,
        filter: Filter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Row>, u64), LedgerError>;

    async fn message(&self, id: Uuid) -> Result<Option<Row>, LedgerError>;

    async fn row(&self, seq: u64) -> Result<Option<(Row, Option<Vec<u8>>)>, LedgerError>;

    async fn denial_counts(&self, filter: Filter) -> Result<Vec<DenialCount>, LedgerError>;

    async fn uses(&self, filter: Filter) -> Result<Vec<Use>, LedgerError>;

    async fn verify(&self) -> Result<Result<Verified, Broken>, LedgerError>;
}
