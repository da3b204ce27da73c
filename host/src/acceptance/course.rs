//! What was seen of one run.

use super::party::{Arrived, Onlooker};
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::durable::Step;
use crate::ledger::{Kind, Row};
use crate::platform::Frozen;
use crate::runs::{Rehearsal, RunError, RunReport, RunRequest, Usage, Witness};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Looks on at one run after the other.
pub(super) struct Eye {
    seen: Mutex<Seen>,
    onlooker: Option<Arc<dyn Onlooker>>,
}

/// What it saw of a run.
#[derive(Clone, Default)]
pub(super) struct Seen {
    seed: [u8; 32],
    pub(super) steps: Vec<Step>,
    /// How many steps there were before the connector was called.
    before: usize,
    frozen: Option<Frozen>,
    pub(super) called: bool,
    pub(super) answer: Option<Vec<u8>>,
    pub(super) usage: Usage,
}

impl Eye {
    pub(super) fn new(onlooker: Option<Arc<dyn Onlooker>>) -> Self {
        Self {
            seen: Mutex::default(),
            onlooker,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self) {
        *self.seen() = Seen::default();
    }

    pub(super) fn close(&self) -> Seen {
        let mut seen = std::mem::take(&mut *self.seen());
        seen.steps.sort_by_key(|step| step.seq);
        seen
    }
}

impl Witness for Eye {
    fn called(&self, _run: Uuid, seed: [u8; 32], frozen: Option<&Frozen>) {
        let mut seen = self.seen();
        seen.called = true;
        seen.seed = seed;
        seen.before = seen.steps.len();
        seen.frozen = frozen.cloned();
    }

    fn answered(&self, _run: Uuid, step: &Step) {
        if let Some(onlooker) = &self.onlooker {
            onlooker.step(step);
        }
        self.seen().steps.push(step.clone());
    }

    fn ended(&self, _run: Uuid, answer: Option<&[u8]>, usage: Usage) {
        let mut seen = self.seen();
        seen.answer = answer.map(ToOwned::to_owned);
        seen.usage = usage;
    }
}

/// One run of the connector, as it was seen.
pub(crate) struct Course {
    pub(super) request: RunRequest,
    pub(crate) report: RunReport,
    pub(super) seen: Seen,
    pub(super) arrived: Vec<Arrived>,
    pub(super) rows: Vec<Row>,
}

impl Course {
    /// Whether the connector did what it was asked.
    pub(crate) fn succeeded(&self) -> bool {
        self.report.outcome.is_ok()
    }

    /// How it ended, in one line, with what the host had to say in its log.
    pub(crate) fn ending(&self) -> String {
        let text = match &self.report.outcome {
            Ok(_) => "it succeeded".to_owned(),
            Err(error) => {
                let text = error.to_string();
                text.lines().next().unwrap_or_default().to_owned()
            }
        };
        let host = self.report.log.iter();
        let mut host = host.filter(|line| line.source == crate::sandbox::Source::Host);
        match host.next_back() {
            Some(line) if !self.succeeded() => format!("{text} (the host: {})", line.text),
            _ => text,
        }
    }

    /// Whether it ended by its own will, with an answer that it may give.
    pub(super) fn is_orderly(&self) -> bool {
        !matches!(
            self.report.outcome,
            Err(RunError::Crash(_)
                | RunError::Limit(_)
                | RunError::BadAnswer(_)
                | RunError::Host(_)
                | RunError::Stopped(_))
        )
    }

    /// The seconds after which it says to try again, if it says that.
    pub(super) fn unavailable(&self) -> Option<Option<u32>> {
        match self.report.outcome {
            Err(RunError::Connector(ConnectorError::Unavailable(seconds))) => Some(seconds),
            _ => None,
        }
    }

    /// The activity that was denied, if it ended with that.
    pub(super) fn denied(&self) -> Option<&str> {
        match &self.report.outcome {
            Err(RunError::Denied { activity, .. }) => Some(activity),
            _ => None,
        }
    }

    /// The rows of the ledger of what left or changed after the first denial.
    pub(super) fn left_after_denial(&self) -> Vec<String> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| row.seq);
        let denied = rows.iter().position(|row| row.kind == Kind::Denial.name());
        let after = denied.map_or(&[][..], |at| &rows[at..]);
        let left = after.iter().filter(|row| {
            let sent = row.kind == Kind::Request.name()
                && !row.summary.starts_with("GET ")
                && !row.summary.starts_with("HEAD ");
            sent || row.kind == Kind::ExportFile.name()
        });
        left.map(|row| row.summary.clone()).collect()
    }

    /// The activities that it performed, or tried to.
    pub(super) fn performed(&self) -> impl Iterator<Item = String> {
        let steps = self.seen.steps.iter().map(|step| step.what.clone());
        let requests = self.arrived.iter();
        steps.chain(requests.map(|arrived| arrived.hop.activity.to_string()))
    }

    /// Whether it made export files.
    pub(super) fn made_files(&self) -> bool {
        let mut steps = self.seen.steps.iter();
        steps.any(|step| step.what.starts_with("create file "))
    }

    /// What it takes to call it again with the same answers.
    pub(super) fn rehearsal(&self) -> Rehearsal {
        Rehearsal {
            run: self.report.run,
            request: self.request.clone(),
            seed: self.seen.seed,
            steps: self.seen.steps.clone(),
            before: self.seen.before,
            frozen: self.seen.frozen.clone(),
        }
    }
}
