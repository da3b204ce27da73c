//! The way of a declaration from its message to the outside party: what the
//! host does with payroll tax returns and pension declarations alike. None of
//! it is a function that a connector could call.
//!
//! The message is made once (status 3), confirmed by a person (5) and sent
//! (6). From its confirmation on it never changes; what is sent are those
//! bytes.

use super::Entity;
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationStatus};
use async_trait::async_trait;
use uuid::Uuid;

/// The statuses of a declaration, in the order of Loket's keys from 1, with
/// words for each.
pub(super) const STATUSES: [(DeclarationStatus, &str); 7] = [
    (DeclarationStatus::Requested, "requested"),
    (DeclarationStatus::Failed, "failed"),
    (DeclarationStatus::Created, "created"),
    (DeclarationStatus::Cancelled, "cancelled"),
    (DeclarationStatus::Confirmed, "confirmed"),
    (DeclarationStatus::Sent, "sent"),
    (DeclarationStatus::Deleted, "deleted"),
];

/// A conflict: a declaration whose status is this key cannot be `done`, and
/// what it `needs` instead.
pub(super) fn not_now(
    kind: DeclarationKind,
    id: &str,
    key: usize,
    done: &str,
    needs: &str,
) -> ActivityError {
    let text = STATUSES.get(key.wrapping_sub(1));
    let text = text.map_or("unknown", |(_, text)| text);
    ActivityError::Conflict(format!(
        "{} {id} cannot be {done}: its status is {key} ({text}); {needs}",
        kind.noun()
    ))
}

/// The kinds of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclarationKind {
    /// A payroll tax return (loonaangifte).
    PayrollTaxReturn,
    /// A pension declaration (uniforme pensioenaangifte).
    UpaPensionDeclaration,
}

impl DeclarationKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::PayrollTaxReturn, Self::UpaPensionDeclaration];

    /// What it is called.
    pub fn noun(self) -> &'static str {
        match self {
            Self::PayrollTaxReturn => "payroll tax return",
            Self::UpaPensionDeclaration => "pension declaration",
        }
    }

    /// The entity of this kind with this id.
    pub fn entity(self, id: Uuid) -> Entity {
        match self {
            Self::PayrollTaxReturn => Entity::PayrollTaxReturn(id),
            Self::UpaPensionDeclaration => Entity::UpaPensionDeclaration(id),
        }
    }
}

/// A message that was confirmed, as it was confirmed.
#[derive(Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The reference in it.
    pub reference: String,
    /// The exact bytes.
    pub message: Vec<u8>,
    /// Their SHA-256 at confirmation, lower-case hexadecimal.
    pub sha256: String,
    /// Whether it may have left in an earlier attempt whose reply was lost.
    pub left: bool,
}

impl std::fmt::Debug for Frozen {
    /// Without the message, which holds wages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frozen")
            .field("reference", &self.reference)
            .field("bytes", &self.message.len())
            .field("sha256", &self.sha256)
            .field("left", &self.left)
            .finish()
    }
}

/// A claim on sending a declaration, so that no two runs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The run that sends.
    pub run: Uuid,
    /// For how long, in milliseconds: a run that vanished holds it no longer.
    pub milliseconds: u64,
}

/// The way of a declaration. `not-found` when there is none of this id,
/// `conflict` when its status does not allow it.
#[async_trait]
pub trait Declarations: Send + Sync {
    /// Which kind of declaration this is; none if there is none.
    async fn declaration_kind(&self, id: Uuid) -> Result<Option<DeclarationKind>, ActivityError>;

    /// Stores the message of a declaration that was asked for (from status 1
    /// or 2 to 3) and gives its SHA-256. The same message again changes nothing.
    async fn store_message(
        &self,
        id: Uuid,
        reference: &str,
        message: &[u8],
    ) -> Result<String, ActivityError>;

    /// Notes why the message could not be made (from status 1 or 2 to 2).
    async fn fail_declaration(&self, id: Uuid, why: &str) -> Result<(), ActivityError>;

    /// Whether the message of a declaration may still be made.
    async fn awaits_message(&self, id: Uuid) -> Result<(), ActivityError>;

    /// Confirms a declaration in the name of a person (from status 3 to 5),
    /// freezes its message and gives the SHA-256 that was frozen.
    async fn confirm_declaration(&self, id: Uuid, user: &str) -> Result<String, ActivityError>;

    /// Cancels a declaration in the name of a person (from status 1, 2, 3 or 5
    /// to 4), unless it is being sent.
    async fn cancel_declaration(&self, id: Uuid, user: &str) -> Result<(), ActivityError>;

    /// Claims a confirmed declaration (status 5) for sending and gives what is
    /// to be sent, after comparing it with what was confirmed. A run that has it
    /// already keeps it.
    async fn claim_declaration(&self, id: Uuid, claim: Claim) -> Result<Frozen, ActivityError>;

    /// Gives a claim back without the declaration being sent. `left` says
    /// whether the message may have reached the outside party all the same, in
    /// this run or an earlier one. As long as a claim is not given back, it
    /// counts as such.
    async fn release_declaration(
        &self,
        id: Uuid,
        run: Uuid,
        left: bool,
    ) -> Result<(), ActivityError>;

    /// Marks a claimed declaration as sent (from status 5 to 6), with the
    /// reference of the outside party. Again with the same reference changes
    /// nothing.
    async fn mark_declaration_sent(
        &self,
        id: Uuid,
        run: Uuid,
        party_reference: &str,
    ) -> Result<(), ActivityError>;

    /// How many response messages a declaration has.
    async fn response_count(&self, id: Uuid) -> Result<u64, ActivityError>;

    /// The file that a response message came in.
    async fn response_file(&self, id: Uuid, reference: &str) -> Result<Vec<u8>, ActivityError>;
}
