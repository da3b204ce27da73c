//! The ledger: everything that left for an outside party, every export file,
//! every change of payroll data and every denial, in the order in which it
//! happened.
//!
//! It is append only (triggers refuse anything else) and each row holds a hash
//! of itself and of the row before, so that a changed or removed row is found
//! by [`Ledger::verify`]. An append returns once the row is on disk; only then
//! may the host go on. Secrets are redacted before anything is stored.
//!
//! What a row says of people lies beside it (`beside`), encrypted if the
//! configuration has keys.
//!
//! Denials are counted by client and check ([`DenialCounters`] for this process,
//! [`Ledger::denial_counts`] for the whole ledger), and too many raise an alarm.

mod alarm;
mod beside;
mod chain;
mod content;
mod denials;
mod erasure;
mod opening;
mod postgres;
mod redact;
mod select;
mod spelling;
mod sqlite;
mod storage;
mod store;
#[cfg(test)]
mod tests;
mod turns;
mod verifying;

pub use crate::encryption::Resealed;
pub use alarm::Threshold;
pub use chain::{Broken, Verified};
pub use content::{Content, ContentError};
pub use denials::{DenialCount, DenialCounter, DenialCounters};
pub use erasure::Erasure;
pub(crate) use erasure::Kept;
pub(crate) use opening::Opening;
pub use redact::Redactor;
pub(crate) use spelling::mentions;
pub use store::{Filter, Ledger, LedgerError, Use};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The largest body that is stored whole, in bytes. Of a larger one, the size
/// and the hash are kept.
pub const MAX_BODY: usize = 64 << 20;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A run began, or another attempt at it.
    RunStarted,
    /// A run that was interrupted goes on.
    RunResumed,
    /// A run was interrupted; it may go on.
    RunInterrupted,
    /// A person decided what becomes of a run.
    RunDecided,
    /// A run ended; the outcome says how.
    RunFinished,
    /// A request is about to leave for an outside party.
    Request,
    /// The reply to a request, or why there is none.
    Response,
    /// An export file.
    ExportFile,
    /// Something was denied.
    Denial,
    /// A change of payroll data is about to be made.
    ActivityWrite,
    /// A client was denied again and again.
    Alarm,
    /// What rows say of people was erased.
    Erasure,
    /// What rows say of a person was given.
    PersonExported,
    /// What is stored is about to be encrypted with another key, or was; the
    /// outcome says which.
    KeyRotation,
}

impl Kind {
    /// The kinds of what was exchanged with the outside.
    pub const MESSAGES: [Self; 3] = [Self::Request, Self::Response, Self::ExportFile];

    /// The kinds of what a client did: what left, and what changed.
    pub const DEEDS: [Self; 3] = [Self::Request, Self::ExportFile, Self::ActivityWrite];

    /// The kinds of which everything that can be about people lies beside the
    /// chain, so that it can be encrypted and erased: see [`beside`].
    const APART: [Self; 4] = [
        Self::Request,
        Self::Response,
        Self::ExportFile,
        Self::ActivityWrite,
    ];

    /// The name, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::RunStarted => "run-started",
            Self::RunResumed => "run-resumed",
            Self::RunInterrupted => "run-interrupted",
            Self::RunDecided => "run-decided",
            Self::RunFinished => "run-finished",
            Self::Request => "request",
            Self::Response => "response",
            Self::ExportFile => "export-file",
            Self::Denial => "denial",
            Self::ActivityWrite => "activity-write",
            Self::Alarm => "alarm",
            Self::Erasure => "erasure",
            Self::PersonExported => "person-exported",
            Self::KeyRotation => "key-rotation",
        }
    }
}

/// Whose doing it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Context {
    /// The run.
    pub run: Uuid,
    /// The client.
    pub client: String,
    /// The user.
    pub user: String,
    /// The employer.
    pub employer: Uuid,
}

impl Context {
    /// An act of the operator, by the command, which is of no run and of no
    /// employer.
    pub(crate) fn of_operator(by: &str) -> Self {
        Self {
            run: Uuid::now_v7(),
            client: "koppel".to_owned(),
            user: by.to_owned(),
            employer: Uuid::nil(),
        }
    }
}

/// Something to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose doing it was.
    pub context: Context,
    /// What it is about.
    pub kind: Kind,
    /// The activity, if it was one.
    pub activity: Option<String>,
    /// For a denial, the check that was red.
    pub check: Option<String>,
    /// Ties a response to its request.
    pub exchange: Option<Uuid>,
    /// One line: the method and URL, the name of a file, the reason of a denial.
    pub summary: String,
    /// The HTTP status of a response.
    pub status: Option<u16>,
    /// How it ended, if it did.
    pub outcome: Option<String>,
    /// HTTP headers.
    pub headers: Vec<(String, String)>,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// What is kept of a body instead of its bytes, when it is larger than
    /// [`MAX_BODY`].
    pub large: Option<Large>,
}

/// What is kept of a large body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Large {
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
}

impl Entry {
    /// An entry with the rest left empty.
    pub fn new(context: Context, kind: Kind, summary: String) -> Self {
        Self {
            context,
            kind,
            activity: None,
            check: None,
            exchange: None,
            summary,
            status: None,
            outcome: None,
            headers: Vec::new(),
            body: Vec::new(),
            large: None,
        }
    }
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// What it is called where its number may not be known: made from `hash`.
    pub id: Uuid,
    /// When it was recorded, RFC 3339 in UTC.
    pub time: String,
    /// Whose doing it was.
    #[serde(flatten)]
    pub context: Context,
    /// What it is about: the name of a [`Kind`].
    pub kind: String,
    /// The activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,
    /// The red check of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Ties a response to its request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// One line.
    pub summary: String,
    /// The HTTP status of a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// HTTP headers.
    pub headers: Vec<(String, String)>,
    /// The size of the body in bytes.
    pub body_size: u64,
    /// The SHA-256 of the body, lower-case hexadecimal.
    pub body_sha256: String,
    /// The hash of this row, chained to the row before.
    pub hash: String,
}
