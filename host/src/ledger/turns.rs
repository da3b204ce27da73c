//! Turns: what is to be appended at a moment is appended together, in the order
//! in which it was asked for. The more there is to do, the more rows share what
//! it costs to have them on disk. None waits for others to come, but for the one
//! that a run begins with: the next of that run is seldom far.

use super::alarm::{Alarm, Threshold};
use super::storage::Appending;
use super::{Entry, Kind, LedgerError};
use crate::encryption::EncryptionError;
use crate::telemetry::Metrics;
use jiff::Timestamp;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

/// The most rows of one turn.
const ROWS: usize = 256;

/// The most bytes of bodies in one turn, if there is more than one row.
const BYTES: usize = 8 << 20;

/// How long a row that nobody waits for may wait for one that somebody does.
const HELD: Duration = Duration::from_millis(5);

/// An entry with what goes with it.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) entry: Entry,
    /// When it was asked for.
    pub(super) at: Timestamp,
    /// For a denial, the threshold in force.
    pub(super) threshold: Option<Threshold>,
    /// The row that must be there before it, if one must.
    pub(super) after: Option<Earlier>,
    /// The rows of which what lies beside them is erased with it.
    pub(super) erased: Vec<u64>,
    /// What counts it once it is on disk.
    pub(super) metrics: Arc<Metrics>,
}

/// A row that was asked for earlier; it tells why that failed, if it did.
/// Whoever appends rows goes through them in order, so what comes later finds it
/// told.
#[derive(Clone, Default)]
pub(crate) struct Earlier(Arc<OnceLock<String>>);

/// What came of a turn: the number of each row, and the alarm that it raised.
pub(super) type Appended = Vec<(u64, Option<Alarm>)>;

/// Why nothing of a turn was appended.
pub(super) enum Refused {
    /// One of the rows may be at fault.
    Row(String),
    /// No row can be appended now.
    All(String),
}

impl From<EncryptionError> for Refused {
    fn from(error: EncryptionError) -> Self {
        Self::All(error.to_string())
    }
}

/// A row that waits for its turn.
struct Waiting {
    asked: Asked,
    since: Instant,
    /// What is told when it fails, besides whoever waits.
    own: Option<Earlier>,
    told: oneshot::Sender<Result<(u64, Option<Alarm>), LedgerError>>,
}

/// Where rows wait for their turn.
pub(super) struct Turns(mpsc::UnboundedSender<Waiting>);

/// The rows that wait for their turn, for whoever appends them.
pub(super) struct Queue {
    waiting: mpsc::UnboundedReceiver<Waiting>,
    /// How long a row may wait for another.
    held: Duration,
}

/// A queue of rows, and the way into it.
pub(super) fn queue() -> (Turns, Queue) {
    let (turns, waiting) = mpsc::unbounded_channel();
    let held = HELD;
    (Turns(turns), Queue { waiting, held })
}

impl Turns {
    /// Puts a row at the end of the queue, at once. What is given back says
    /// what came of it. If there is `own`, it is told if the row fails, and
    /// nobody waits for the row but others that come after it.
    pub(super) fn append(&self, asked: Asked, own: Option<Earlier>) -> Appending {
        let (told, answer) = oneshot::channel();
        let gone = || LedgerError("nobody appends to it any more".to_owned());
        let sent = self.0.send(Waiting {
            asked,
            since: Instant::now(),
            own,
            told,
        });
        Box::pin(async move {
            sent.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        })
    }
}

impl Queue {
    /// Appends what waits, until nobody is left who could ask.
    pub(super) async fn take<F>(mut self, mut append: impl FnMut(Vec<Asked>) -> F)
    where
        F: Future<Output = Result<Appended, Refused>>,
    {
        let mut first = None;
        loop {
            let next = match first.take() {
                Some(next) => Some(next),
                None => self.waiting.recv().await,
            };
            let Some(next) = next else { return };
            let turn = self.turn(next, &mut first).await;
            one(turn, &mut append).await;
        }
    }

    /// The rows of a turn that begins with this one. One that is too large for
    /// it is the first of the next.
    async fn turn(&mut self, first: Waiting, too_large: &mut Option<Waiting>) -> Vec<Waiting> {
        let held = tokio::time::Instant::now() + self.held;
        let mut bytes = first.asked.entry.body.len();
        let mut is_awaited = first.is_awaited();
        let mut turn = vec![first];
        while turn.len() < ROWS {
            let next = match self.waiting.try_recv() {
                Ok(next) => Some(next),
                Err(_) if !is_awaited => {
                    let next = timeout_at(held, self.waiting.recv()).await;
                    next.ok().flatten()
                }
                Err(_) => None,
            };
            let Some(next) = next else { break };
            is_awaited |= next.is_awaited();
            bytes += next.asked.entry.body.len();
            if bytes > BYTES {
                *too_large = Some(next);
                break;
            }
            turn.push(next);
        }
        turn
    }
}

/// One turn. When a row may be at fault, each has a turn of its own.
async fn one<F>(turn: Vec<Waiting>, append: &mut impl FnMut(Vec<Asked>) -> F)
where
    F: Future<Output = Result<Appended, Refused>>,
{
    let mut turns = vec![turn];
    while let Some(turn) = turns.pop() {
        let turn: Vec<_> = turn.into_iter().filter_map(Waiting::not_orphaned).collect();
        if turn.is_empty() {
            continue;
        }
        let asked = turn.iter().map(|waiting| waiting.asked.clone()).collect();
        match append(asked).await {
            Ok(appended) => {
                for (waiting, appended) in turn.into_iter().zip(appended) {
                    waiting.count(appended.1.is_some());
                    // Whoever asked may have gone; the row stays.
                    let _ = waiting.told.send(Ok(appended));
                }
            }
            Err(Refused::Row(_)) if turn.len() > 1 => {
                turns.extend(turn.into_iter().rev().map(|waiting| vec![waiting]));
            }
            Err(Refused::Row(why) | Refused::All(why)) => {
                turn.into_iter().for_each(|waiting| waiting.fail(&why));
            }
        }
    }
}

impl Waiting {
    /// Whether somebody waits for it, and not only for what comes after it.
    fn is_awaited(&self) -> bool {
        self.own.is_none()
    }

    /// Counts it, and the alarm that it raised, if it did.
    fn count(&self, raised: bool) {
        let metrics = &self.asked.metrics;
        let took = self.since.elapsed();
        metrics.row(self.asked.entry.kind.name(), took);
        if raised {
            metrics.row(Kind::Alarm.name(), took);
        }
    }

    /// It, unless the row that must be there before it is not.
    fn not_orphaned(self) -> Option<Self> {
        let after = self.asked.after.clone();
        let Some(why) = after.as_ref().and_then(|earlier| earlier.0.get()) else {
            return Some(self);
        };
        self.fail(&format!(
            "what must be recorded before it could not be: {why}"
        ));
        None
    }

    fn fail(self, why: &str) {
        if let Some(own) = &self.own {
            // It fails once.
            let _ = own.0.set(why.to_owned());
        }
        let _ = self.told.send(Err(LedgerError(why.to_owned())));
    }
}

#[cfg(test)]
mod tests;
