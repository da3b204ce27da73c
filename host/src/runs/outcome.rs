//! Where a run goes from the end of an attempt.

use super::direct::Came;
use super::{Host, Output, RunError, Stop};
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::config::Retry;
use crate::durable::{End, Ended, Failing, Millis, Origin, Started, State};
use crate::ledger::Redactor;
use crate::registry::LoadError;
use crate::sandbox::{LimitReached, Line};
use backon::{BackoffBuilder, ExponentialBuilder};
use serde_json::Value;
use std::time::Duration;

/// How long a run waits at least with which the host could not go on, in
/// milliseconds.
const UNRECORDED: Millis = 5_000;

impl Host {
    /// What is kept of the end of an attempt; none when another worker has it.
    pub(super) fn end(&self, started: &Started, came: &Came) -> Option<End> {
        let run = &started.run;
        let redactor = self.ledger.redactor();
        let retry = self.live.with(|config| {
            let client = config.client(&run.client);
            client.map(|client| client.retry).unwrap_or_default()
        });
        let attempts = match run.origin {
            // Whoever waits for it hears of the failure, and decides.
            Origin::Direct => 1,
            Origin::Submitted | Origin::Schedule(_) => retry.attempts,
        };
        let mut end = End {
            to: Ended::Over(State::Succeeded),
            output: None,
            error: None,
            doubts: Vec::new(),
            log: clean_log(&came.report.log, redactor),
        };
        let error = match &came.report.outcome {
            Ok(output) => {
                end.output = kept(output, redactor);
                return Some(end);
            }
            Err(error) => error,
        };
        end.error = Some(Failing {
            code: error.code().to_owned(),
            message: redactor.text(error.to_string()),
        });
        let now = self.clock.now();
        end.doubts = came.journal.doubts();
        end.to = match error {
            RunError::Stopped(Stop::Fenced) => return None,
            RunError::Stopped(Stop::Doubt(doubt)) => {
                end.doubts = vec![doubt.clone()];
                Ended::Person { open: true }
            }
            RunError::Stopped(Stop::Diverged(_)) => Ended::Person { open: false },
            RunError::Stopped(Stop::Wait { until, .. }) => Ended::Suspended { due: *until },
            RunError::Stopped(Stop::Leaving) => Ended::Suspended { due: now },
            RunError::Stopped(Stop::Unrecorded(_)) => {
                let wait = delay(&retry, started.resumptions + 1, error);
                Ended::Suspended {
                    due: now + wait.max(UNRECORDED),
                }
            }
            RunError::Stopped(Stop::Cancelled(_)) => Ended::Over(State::Cancelled),
            _ if !end.doubts.is_empty() => Ended::Person { open: false },
            error if run.origin != Origin::Direct && may_go_on(error, came) => {
                match started.resumptions {
                    count if count < retry.attempts => Ended::Suspended {
                        due: now + delay(&retry, count + 1, error),
                    },
                    _ if came.journal.wrote() => Ended::Person { open: false },
                    _ => Ended::Over(State::Dead),
                }
            }
            error if !may_pass(error, came) => Ended::Over(State::Failed),
            // The connector says that nothing was done; the host knows better.
            _ if came.journal.wrote() => Ended::Person { open: false },
            _ if run.tries >= attempts && run.origin == Origin::Direct => {
                Ended::Over(State::Failed)
            }
            _ if run.tries >= attempts => Ended::Over(State::Dead),
            error => Ended::Again {
                due: now + delay(&retry, run.tries, error),
            },
        };
        if matches!(end.to, Ended::Suspended { .. }) {
            end.doubts.clear();
        }
        Some(end)
    }
}

/// What came of a run as it is kept, in JSON, without the secrets that the host
/// knows; none if nobody could read it again. What a connector answered may be
/// nested as deep as JSON is read, and lies deeper in this.
fn kept(output: &Output, redactor: &Redactor) -> Option<String> {
    // The outputs are our own; they always have a JSON form.
    let output = serde_json::to_string(output).unwrap_or_default();
    let output = redactor.text(output);
    // As those who read it do: a check that skips values reads deeper ones.
    let is_readable = serde_json::from_str::<Value>(&output).is_ok();
    is_readable.then_some(output)
}

/// The log as it is kept: a connector may log what it was told.
fn clean_log(log: &[Line], redactor: &Redactor) -> Vec<Line> {
    let clean = |line: &Line| Line {
        text: redactor.text(line.text.clone()),
        ..line.clone()
    };
    log.iter().map(clean).collect()
}

/// Whether the same attempt may come to its end when it goes on later.
fn may_go_on(error: &RunError, came: &Came) -> bool {
    match error {
        RunError::Host(_) => true,
        // What it wrote is not written again.
        RunError::Limit(LimitReached::Deadline(_)) => came.journal.wrote(),
        _ => false,
    }
}

/// Whether another attempt may succeed.
fn may_pass(error: &RunError, came: &Came) -> bool {
    match error {
        RunError::Connector(ConnectorError::Unavailable(_))
        | RunError::Limit(LimitReached::Deadline(_))
        | RunError::Load(LoadError::Unreadable { .. }) => true,
        // What may be sent again was sent, and it did not hear what came of it.
        RunError::Connector(ConnectorError::OutsideParty(_) | ConnectorError::Other(_)) => {
            came.journal.may_be_repeated()
        }
        _ => false,
    }
}

/// How long to wait before the next attempt, in milliseconds: twice as long
/// each time, and up to as much again at random, so that not all come at once.
fn delay(retry: &Retry, tries: u32, error: &RunError) -> Millis {
    let mut delays = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(retry.backoff_ms))
        .with_max_delay(Duration::from_millis(retry.max_backoff_ms))
        .without_max_times()
        .with_jitter()
        .build();
    let most = Duration::from_millis(retry.max_backoff_ms);
    let delay = delays.nth(tries.saturating_sub(1) as usize).unwrap_or(most);
    let asked = match error {
        RunError::Connector(ConnectorError::Unavailable(Some(seconds))) => {
            Duration::from_secs(u64::from(*seconds))
        }
        _ => Duration::ZERO,
    };
    delay.max(asked).as_millis() as Millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_run_can_be_read_again_however_deep_an_answer_is() {
        let redactor = Redactor::default();
        // JSON of 127 levels is read, and no more.
        for depth in 1..128 {
            let answer = "[".repeat(depth) + &"]".repeat(depth);
            let answer = serde_json::from_str(&answer).unwrap();
            let output = Output::Lookup { answer };
            let whole = serde_json::to_value(&output).unwrap();
            match kept(&output, &redactor) {
                Some(text) => assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), whole),
                None => assert!(depth > 120, "{depth} levels were not kept"),
            }
        }
        let deepest = "[".repeat(127) + &"]".repeat(127);
        let answer = serde_json::from_str(&deepest).unwrap();
        assert_eq!(kept(&Output::Lookup { answer }, &redactor), None);
    }
}
