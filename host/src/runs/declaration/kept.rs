//! The answer of a connector as it is kept, with what it takes to do what
//! follows from it.

use super::super::Job;
use super::super::job::Answer;
use super::{Done, Step, activity};
use crate::platform::{DeclarationKind, Frozen};
use crate::sending::{Fate, Sending};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// What a connector answered, with what it takes to do what follows from it.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) answer: Answer,
    /// Of the message that was sent: reference, SHA-256, whether it had left
    /// before, and what became of it.
    sent: Option<(String, String, bool, Fate)>,
    /// How many responses there were before.
    known: u64,
}

impl Kept {
    pub(super) fn of(step: &Step, answer: &Answer) -> Self {
        let sent = match &step.done {
            Done::Submit { frozen, sending } => Some((
                frozen.reference.clone(),
                frozen.sha256.clone(),
                frozen.left,
                sending.fate(),
            )),
            _ => None,
        };
        Self {
            answer: answer.clone(),
            sent,
            known: match step.done {
                Done::Poll { known } => known,
                _ => 0,
            },
        }
    }

    pub(super) fn step(&self, job: &Job, kind: DeclarationKind, id: Uuid) -> Step {
        let done = match (job, &self.sent) {
            (Job::CreateDeclaration(_), _) => Done::Create,
            (Job::SubmitDeclaration(_), Some((reference, sha256, left, fate))) => {
                let sending = Sending::new(kind, Vec::new());
                sending.was(*fate);
                Done::Submit {
                    frozen: Frozen {
                        reference: reference.clone(),
                        // It is not sent again.
                        message: Vec::new(),
                        sha256: sha256.clone(),
                        left: *left,
                    },
                    sending: Arc::new(sending),
                }
            }
            _ => Done::Poll { known: self.known },
        };
        Step {
            id,
            kind,
            activity: activity(job, kind),
            done,
        }
    }
}
