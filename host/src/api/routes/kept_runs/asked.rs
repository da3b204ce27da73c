//! What is asked of runs. The shapes are koppel's own.

use super::job::ConnectorJob;
use crate::api::call::invalid;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::runs::{Job, OutsideReply, Verdict};
use crate::wire::declarations::File;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A run that is submitted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConnectorRunSubmission")]
pub(super) struct Submission {
    /// The connector: one that the operator set up for this and this employer.
    client: String,
    job: ConnectorJob,
}

/// What a person does with a run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConnectorRunChange")]
pub(super) struct Change {
    action: Word,
    /// Why, of a cancellation: 1 to 1,000 bytes in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What became of the write in doubt, of a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verdict: Option<Decided>,
    /// What the outside party replied, of something that happened: the run goes
    /// on with it. Without, it begins anew, and that write is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<Reply>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ConnectorRunAction")]
enum Word {
    /// One that is under way is stopped, not in the middle of something that
    /// changes anything.
    Cancel,
    /// Queues it again, from the start.
    Retry,
    /// Says what became of the write that nobody knows of.
    Decide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ConnectorRunVerdict")]
enum Decided {
    /// It happened: it is not made again.
    Happened,
    /// It did not happen: it is made now.
    DidNotHappen,
    /// The run ends here.
    Stop,
}

/// What an outside party replied, as a person found out.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "OutsideReply")]
struct Reply {
    /// The HTTP status.
    status: u16,
    /// The media type of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    /// The body, in base64.
    body: File,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the body: it may hold wages.
        write!(f, "Reply({})", self.status)
    }
}

/// What is done with a run.
#[derive(Debug)]
pub(super) enum Action {
    /// Cancel it, for this reason.
    Cancel(String),
    /// Queue it again.
    Retry,
    /// Decide what became of the write in doubt.
    Decide(Verdict),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancel(_) => "cancel",
            Self::Retry => "retry",
            Self::Decide(Verdict::Happened(None)) => "decide happened",
            Self::Decide(Verdict::Happened(Some(_))) => "decide happened, with a reply",
            Self::Decide(Verdict::DidNotHappen) => "decide did-not-happen",
            Self::Decide(Verdict::Stop) => "decide stop",
        })
    }
}

impl Change {
    /// The action.
    ///
    /// # Errors
    ///
    /// `invalid` when something is missing, or would be passed over.
    pub(super) fn read(self) -> Result<Action, ActivityError> {
        let Self {
            action,
            reason,
            verdict,
            reply,
        } = self;
        let happened = action == Word::Decide && verdict == Some(Decided::Happened);
        for (field, given, of, whose) in [
            ("reason", reason.is_some(), action == Word::Cancel, "cancel"),
            (
                "verdict",
                verdict.is_some(),
                action == Word::Decide,
                "decide",
            ),
            ("reply", reply.is_some(), happened, "verdict \"happened\""),
        ] {
            if given && !of {
                return Err(invalid(field, &format!("is for {whose} only")));
            }
        }
        let missing = |field: &str| invalid(field, "is missing");
        Ok(match action {
            Word::Cancel => Action::Cancel(reason.ok_or_else(|| missing("reason"))?),
            Word::Retry => Action::Retry,
            Word::Decide => {
                let verdict = verdict.ok_or_else(|| missing("verdict"))?;
                Action::Decide(match verdict {
                    Decided::Happened => Verdict::Happened(reply.map(OutsideReply::from)),
                    Decided::DidNotHappen => Verdict::DidNotHappen,
                    Decided::Stop => Verdict::Stop,
                })
            }
        })
    }
}

impl From<Reply> for OutsideReply {
    fn from(reply: Reply) -> Self {
        Self {
            status: reply.status,
            media_type: reply.media_type,
            body: reply.body.0,
        }
    }
}

impl Submission {
    /// The connector, and what it is asked to do.
    ///
    /// # Errors
    ///
    /// `invalid` when something is missing, or would be passed over.
    pub(super) fn read(self) -> Result<(String, Job), ActivityError> {
        Ok((self.client, self.job.read()?))
    }
}
