//! What the ledger is kept in.

use super::alarm::Alarm;
use super::turns::{Asked, Earlier};
use super::{Broken, DenialCount, Filter, Kept, LedgerError, Resealed, Row, Use, Verified};
use async_trait::async_trait;
use std::pin::Pin;
use uuid::Uuid;

/// What came of asking for a row: its number, and the alarm that it raised.
pub(super) type Appending =
    Pin<Box<dyn Future<Output = Result<(u64, Option<Alarm>), LedgerError>> + Send>>;

/// Rows, each chained to the one before. Whoever appends may be one of several
/// processes: they take turns. See [`super::Ledger`] for what each of these is.
#[async_trait]
pub(super) trait Storage: Send + Sync {
    /// Asks for a row, without secrets, at once: rows are appended in the order
    /// in which they were asked for, whoever waits. What is given back is its
    /// number once it is on disk; if it fails, `own` is told. A denial comes
    /// with the threshold in force, and is followed by an alarm when it is one
    /// too many.
    fn append(&self, asked: Asked, own: Option<Earlier>) -> Appending;

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

    async fn kept(&self, until: String, after: u64, limit: u32) -> Result<Vec<Kept>, LedgerError>;

    async fn reseal(&self, after: u64) -> Result<Option<(u64, Resealed)>, LedgerError>;

    async fn verify(&self) -> Result<Result<Verified, Broken>, LedgerError>;
}
