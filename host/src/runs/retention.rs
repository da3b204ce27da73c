//! Retention: what was kept for long enough is erased.

use super::Host;
use crate::config::{Period, Subject};
use crate::durable::{Millis, RunFilter, State, StoreError, moment};
use crate::ledger::LedgerError;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many rows or runs are looked at in one go.
const PART: u32 = 1_000;

/// How often it is looked whether a day has passed since the last time.
const LOOK: Duration = Duration::from_secs(600);

/// A day, in milliseconds.
const DAY: Millis = 86_400_000;

/// What the last time is kept under, beside those of schedules.
const TICK: &str = "[retention]";

/// Who erases, in the ledger.
const BY: &str = "retention";

/// What was erased because its period was over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Applied {
    /// Of how many rows of the ledger what lies beside them, by what they are
    /// about.
    pub contents: BTreeMap<Subject, u64>,
    /// How many runs.
    pub runs: u64,
}

/// Why not all was erased whose period is over. What was, stays so.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// There is no period.
    #[error(
        "there is no [retention] in the configuration, so everything is kept: write, say, `lookup = \"P90D\"` under [retention]"
    )]
    None,
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The runs cannot be read or written.
    #[error(transparent)]
    Runs(#[from] StoreError),
}

impl Host {
    /// Erases what was kept for longer than `[retention]` says; `dry` only
    /// counts it. Messages of runs that are not over are kept.
    ///
    /// # Errors
    ///
    /// See [`RetentionError`].
    pub async fn apply_retention(&self, dry: bool) -> Result<Applied, RetentionError> {
        let retention = self.live.with(|config| config.retention.clone());
        if retention.is_empty() {
            return Err(RetentionError::None);
        }
        let now = Timestamp::from_millisecond(self.clock.now()).unwrap_or_default();
        let mut applied = Applied::default();
        if !retention.contents.is_empty() {
            let open = self.open_runs().await?;
            self.erase_contents(&retention.contents, now, &open, dry, &mut applied)
                .await?;
        }
        if let Some(period) = retention.runs {
            let before = period.before(now).as_millisecond();
            applied.runs = self.remove_runs(before, dry).await?;
        }
        Ok(applied)
    }

    /// The runs that are not over: what they sent may be asked for again.
    async fn open_runs(&self) -> Result<HashSet<Uuid>, StoreError> {
        let open = State::ALL.into_iter().filter(|state| !state.is_over());
        let filter = RunFilter {
            states: open.collect(),
            ..RunFilter::default()
        };
        let runs = self.runs.runs(filter).await?;
        Ok(runs.into_iter().map(|run| run.id).collect())
    }

    async fn erase_contents(
        &self,
        periods: &BTreeMap<Subject, Period>,
        now: Timestamp,
        open: &HashSet<Uuid>,
        dry: bool,
        applied: &mut Applied,
    ) -> Result<(), LedgerError> {
        let until = periods.values().map(|period| period.before(now)).max();
        let why: Vec<_> = periods
            .iter()
            .map(|(subject, period)| format!("{} {period}", subject.name()))
            .collect();
        let why = format!("kept for as long as [retention] says: {}", why.join(", "));
        let mut after = 0;
        loop {
            let kept = self
                .ledger
                .kept(until.unwrap_or(Timestamp::MIN), after, PART)
                .await?;
            let Some(last) = kept.last() else {
                return Ok(());
            };
            after = last.seq;
            let mut rows = Vec::new();
            for row in &kept {
                let subject = Subject::of(row.activity.as_deref());
                let time: Option<Timestamp> = row.time.parse().ok();
                let is_over = match (periods.get(&subject), time) {
                    (Some(period), Some(time)) => time < period.before(now),
                    _ => false,
                };
                if is_over && !open.contains(&row.run) {
                    *applied.contents.entry(subject).or_default() += 1;
                    rows.push(row.seq);
                }
            }
            if !dry && !rows.is_empty() {
                self.ledger.erase(BY, &why, rows).await?;
            }
        }
    }

    async fn remove_runs(&self, before: Millis, dry: bool) -> Result<u64, StoreError> {
        let over = State::ALL.into_iter().filter(|state| state.is_over());
        let mut filter = RunFilter {
            states: over.collect(),
            until: Some(before),
            limit: Some(PART),
            ..RunFilter::default()
        };
        let mut removed = 0;
        loop {
            let runs = self.runs.runs(filter.clone()).await?;
            let Some(last) = runs.last() else {
                return Ok(removed);
            };
            filter.before = Some(last.number);
            let over = runs
                .iter()
                .filter(|run| run.ended.is_some_and(|at| at < before));
            let over: Vec<_> = over.map(|run| run.id).collect();
            removed += match dry {
                true => over.len() as u64,
                false => self.runs.remove(over).await?,
            };
        }
    }

    /// Applies `[retention]` once a day, on one of the hosts that share a store,
    /// until it is stopped.
    pub(super) async fn retain(self: Arc<Self>, stop: CancellationToken) {
        loop {
            if let Err(error) = self.retain_when_due().await {
                tracing::warn!(%error, "[retention] is put off");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn retain_when_due(&self) -> Result<(), RetentionError> {
        if self.live.with(|config| config.retention.is_empty()) {
            return Ok(());
        }
        let now = self.clock.now();
        let last = self.runs.ticked(TICK).await?;
        // Also when the clock was moved back.
        if last.is_some_and(|last| (last..last + DAY).contains(&now)) {
            return Ok(());
        }
        self.runs.tick(TICK, now).await?;
        let applied = self.apply_retention(false).await?;
        tracing::info!(
            contents = applied.contents.values().sum::<u64>(),
            runs = applied.runs,
            at = moment(now),
            "[retention] was applied"
        );
        Ok(())
    }
}
