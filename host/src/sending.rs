//! Sending a declaration: the one message that a run may send.
//!
//! Outside requests whose rule names the sending of a declaration leave with
//! the frozen message of a confirmed one in their body, and otherwise not at
//! all, whatever the connector tries.

use crate::catalogue::{Activity, id};
use crate::platform::DeclarationKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// The activity that sending a declaration of a kind is.
pub(crate) fn activity(kind: DeclarationKind) -> Activity {
    match kind {
        DeclarationKind::PayrollTaxReturn => id::PostSendPayrollTaxReturnByPayrollTaxReturnId,
        DeclarationKind::UpaPensionDeclaration => {
            id::PostSendUpaPensionDeclarationByUpaPensionDeclarationId
        }
    }
}

/// Whether an activity is the sending of a declaration.
pub(crate) fn is_sending(of: Activity) -> bool {
    DeclarationKind::ALL
        .iter()
        .any(|kind| activity(*kind) == of)
}

/// What became of the message in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It was not sent.
    #[default]
    Stayed,
    /// It was sent, and nobody knows whether it arrived.
    InDoubt,
    /// The outside party refused it.
    Refused,
    /// The outside party took it.
    Taken,
}

/// The message that a run may send, and what became of it.
pub struct Sending {
    kind: DeclarationKind,
    message: Vec<u8>,
    /// The message in base64, for parties that want it in an envelope.
    encoded: String,
    fate: Mutex<Fate>,
}

impl std::fmt::Debug for Sending {
    /// Without the message, which holds wages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sending")
            .field("kind", &self.kind)
            .field("bytes", &self.message.len())
            .field("fate", &self.fate())
            .finish()
    }
}

impl Sending {
    /// Of a frozen message.
    pub fn new(kind: DeclarationKind, message: Vec<u8>) -> Self {
        Self {
            kind,
            encoded: STANDARD.encode(&message),
            message,
            fate: Mutex::default(),
        }
    }

    /// Whether a request of this activity may have this body: one that holds
    /// the message, as it is or in base64 (RFC 4648, without line breaks).
    pub fn allows(&self, of: Activity, body: &[u8]) -> bool {
        activity(self.kind) == of
            && (memchr::memmem::find(body, &self.message).is_some()
                || memchr::memmem::find(body, self.encoded.as_bytes()).is_some())
    }

    /// Notes that the message is about to leave.
    pub fn leaves(&self) {
        self.set(Fate::InDoubt);
    }

    /// Notes that it did not leave after all: there was no connection.
    pub fn stays(&self) {
        self.set(Fate::Stayed);
    }

    /// Notes the reply of the outside party.
    pub fn answered(&self, status: StatusCode) {
        // Too Early, Too Many Requests and a timeout say nothing of the message.
        let undecided = matches!(status.as_u16(), 408 | 425 | 429);
        if status.is_success() {
            self.set(Fate::Taken);
        } else if status.is_client_error() && !undecided {
            self.set(Fate::Refused);
        }
    }

    /// Notes what became of it before the run was interrupted.
    pub fn was(&self, fate: Fate) {
        self.set(fate);
    }

    fn set(&self, fate: Fate) {
        let mut known = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        // What was taken once stays taken.
        if *known != Fate::Taken {
            *known = fate;
        }
    }

    /// What became of the message.
    pub fn fate(&self) -> Fate {
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_message_itself_may_leave_in_an_envelope_or_not() {
        let sending = Sending::new(DeclarationKind::PayrollTaxReturn, b"<a>1</a>".to_vec());
        let send = id::PostSendPayrollTaxReturnByPayrollTaxReturnId;
        assert!(sending.allows(send, b"<a>1</a>"));
        assert!(sending.allows(send, b"<Envelope>PGE+MTwvYT4=</Envelope>"));
        for other in [&b""[..], b"<a>2</a>", b"<a>1</a", b"<a> 1</a>"] {
            assert!(!sending.allows(send, other));
        }
        let pension = id::PostSendUpaPensionDeclarationByUpaPensionDeclarationId;
        assert!(!sending.allows(pension, b"<a>1</a>"));
        assert!(is_sending(send) && is_sending(pension));
        assert!(!is_sending(id::PostSendJournalRunExportByJournalRunId));
        assert!(!format!("{sending:?}").contains("<a>"), "{sending:?}");
    }

    #[test]
    fn a_message_is_in_doubt_until_the_party_decides() {
        let sending = Sending::new(DeclarationKind::UpaPensionDeclaration, b"m".to_vec());
        assert_eq!(sending.fate(), Fate::Stayed);
        sending.leaves();
        for undecided in [429, 500, 503] {
            sending.answered(StatusCode::from_u16(undecided).unwrap());
            assert_eq!(sending.fate(), Fate::InDoubt);
        }
        sending.answered(StatusCode::BAD_REQUEST);
        assert_eq!(sending.fate(), Fate::Refused);
        sending.leaves();
        sending.answered(StatusCode::CREATED);
        sending.leaves();
        assert_eq!(sending.fate(), Fate::Taken);
    }
}
