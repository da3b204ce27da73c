//! The way of a declaration of the platform from its message to the outside
//! party.

use super::{Standing, activities};
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationStatus};
use crate::catalogue::Activity;
use crate::platform::loket::Loket;
use crate::platform::{Claim, DeclarationKind, Declarations, Frozen, in_words};
use crate::wire::declarations::{Action, Change, ChangeOf, File, Message};
use crate::wire::shared::Id;
use async_trait::async_trait;
use http::Method;
use serde::Serialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use uuid::Uuid;

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn conflict<T>(text: String) -> Result<T, ActivityError> {
    Err(ActivityError::Conflict(text))
}

impl Standing {
    fn awaits_message(&self) -> Result<(), ActivityError> {
        self.must_be(
            &[DeclarationStatus::Requested, DeclarationStatus::Failed],
            "given a message",
            "only one that is 1 (requested) or 2 (failed) can",
        )
    }

    fn is_confirmed(&self) -> Result<(), ActivityError> {
        if self.status == DeclarationStatus::Sent {
            return conflict(format!(
                "{} was sent at {} already; a correction is a new one",
                self.name(),
                self.sent_time.as_deref().unwrap_or("an unknown time")
            ));
        }
        let needs = if self.status == DeclarationStatus::Created {
            "a person must confirm it first"
        } else {
            "only one that a person confirmed can"
        };
        self.must_be(&[DeclarationStatus::Confirmed], "sent", needs)
    }

    /// That a message is the one that the platform says there is.
    fn has(&self, message: &[u8]) -> Result<String, ActivityError> {
        let (given, stated) = (sha256(message), self.sha256.as_ref());
        match stated.filter(|stated| **stated != given) {
            None => Ok(given),
            Some(stated) => conflict(format!(
                "the message that the platform gives for {} is not the one that it has by its own word: it has SHA-256 {given}, that one {stated}",
                self.name()
            )),
        }
    }
}

impl Loket {
    /// The kind of a declaration that was attributed a moment ago, or
    /// `unavailable` in the unlikely case that it was forgotten since.
    async fn must_know(&self, id: Uuid) -> Result<DeclarationKind, ActivityError> {
        let kind = self.kind_of(id).await;
        kind.ok_or(ActivityError::Unavailable(Some(1)))
    }

    async fn stands(&self, id: Uuid) -> Result<Standing, ActivityError> {
        let kind = self.must_know(id).await?;
        self.standing(kind, id).await
    }

    /// Has a person's action on a declaration done by the platform.
    async fn act(
        &self,
        kind: DeclarationKind,
        id: Uuid,
        action: Action,
    ) -> Result<(), ActivityError> {
        let activity = activities(kind).change;
        let done: Result<Option<IgnoredAny>, _> = match kind {
            DeclarationKind::PayrollTaxReturn => {
                let body = [ChangeOf {
                    id: Id(id.to_string()),
                    action,
                }];
                self.tell_with(Method::PATCH, activity, id, &body).await
            }
            DeclarationKind::UpaPensionDeclaration => {
                let body = Change { action };
                self.tell_with(Method::PATCH, activity, id, &body).await
            }
        };
        done.map(|_| ())
    }

    /// Gives the platform a response message to a declaration that was sent,
    /// unless it has it.
    pub(super) async fn respond(
        &self,
        kind: DeclarationKind,
        id: Uuid,
        reference: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<(), ActivityError> {
        let standing = self.standing(kind, id).await?;
        standing.must_be(
            &[DeclarationStatus::Sent],
            "given a response message",
            "it was not sent",
        )?;
        let reference = reference.to_owned();
        // Loket shows one after a while only, and without its reference.
        if standing.responses.contains(&reference)
            || self.claims.has_response(id, reference.clone()).await?
        {
            return Ok(());
        }
        let activity: Activity = activities(kind).respond;
        let _: Option<IgnoredAny> = self.tell_with(Method::POST, activity, id, body).await?;
        self.claims.responded(id, reference).await
    }
}

#[async_trait]
impl Declarations for Loket {
    /// Only of what was attributed a moment ago.
    async fn declaration_kind(&self, id: Uuid) -> Result<Option<DeclarationKind>, ActivityError> {
        Ok(self.kind_of(id).await)
    }

    /// By an operation of koppel's own: Loket makes messages itself.
    async fn store_message(
        &self,
        id: Uuid,
        reference: &str,
        message: &[u8],
    ) -> Result<String, ActivityError> {
        let standing = self.stands(id).await?;
        standing.awaits_message()?;
        let body = Message {
            message_reference: reference.to_owned(),
            message_file: File(message.to_vec()),
        };
        let activity = activities(standing.kind).store_message;
        let stored = self.tell_with::<IgnoredAny>(Method::PUT, activity, id, &body);
        match stored.await {
            Ok(_) => Ok(sha256(message)),
            Err(error @ (ActivityError::NotFound(_) | ActivityError::Other(_))) => {
                Err(ActivityError::Other(format!(
                    "the platform did not take the message of {} ({activity}): {}; Loket makes messages itself, and has no operation for this",
                    standing.name(),
                    in_words(&error)
                )))
            }
            Err(error) => Err(error),
        }
    }

    /// The platform is not told: it has no operation for it. The ledger has
    /// why.
    async fn fail_declaration(&self, _: Uuid, _: &str) -> Result<(), ActivityError> {
        Ok(())
    }

    async fn awaits_message(&self, id: Uuid) -> Result<(), ActivityError> {
        self.stands(id).await?.awaits_message()
    }

    async fn confirm_declaration(&self, id: Uuid, _: &str) -> Result<String, ActivityError> {
        let standing = self.stands(id).await?;
        standing.must_be(
            &[DeclarationStatus::Created],
            "confirmed",
            "only one that is 3 (created) can",
        )?;
        let sha256 = standing.has(&self.message(standing.kind, id).await?)?;
        self.act(standing.kind, id, Action::Confirm).await?;
        self.claims.confirmed(id, sha256.clone()).await?;
        Ok(sha256)
    }

    async fn cancel_declaration(&self, id: Uuid, _: &str) -> Result<(), ActivityError> {
        let standing = self.stands(id).await?;
        if standing.status == DeclarationStatus::Sent {
            return standing.must_be(&[], "cancelled", "ask for a correction of it");
        }
        let held = self.claims.held(id).await?.unwrap_or_default();
        if let Some(run) = held.run {
            return conflict(format!("{} is being sent by run {run}", standing.name()));
        }
        if held.left {
            return conflict(format!(
                "{} cannot be cancelled: its message may have reached the outside party, whose reply was lost; submit it again to find out",
                standing.name()
            ));
        }
        self.act(standing.kind, id, Action::Cancel).await
    }

    async fn claim_declaration(&self, id: Uuid, claim: Claim) -> Result<Frozen, ActivityError> {
        let standing = self.stands(id).await?;
        standing.is_confirmed()?;
        let message = self.message(standing.kind, id).await?;
        let sha256 = standing.has(&message)?;
        let held = self.claims.claim(id, sha256.clone(), claim).await?;
        if let Some(time) = held.sent_time {
            return conflict(format!(
                "{} was sent at {time} already; a correction is a new one",
                standing.name()
            ));
        }
        if let Some(run) = held.run {
            return conflict(format!("{} is being sent by run {run}", standing.name()));
        }
        if held.sha256 != sha256 {
            return conflict(format!(
                "the message of {} is not the one that was confirmed: it has SHA-256 {sha256}, the confirmed one {}; it is not sent",
                standing.name(),
                held.sha256
            ));
        }
        // First the claim, then the status: what was cancelled before the claim
        // is seen to be.
        let still = self.standing(standing.kind, id).await;
        if let Err(error) = still.and_then(|standing| standing.is_confirmed()) {
            self.claims.release(id, claim.run, held.left).await?;
            return Err(error);
        }
        Ok(Frozen {
            reference: standing.reference.unwrap_or(standing.id),
            message,
            sha256,
            left: held.left,
        })
    }

    async fn release_declaration(
        &self,
        id: Uuid,
        run: Uuid,
        left: bool,
    ) -> Result<(), ActivityError> {
        self.claims.release(id, run, left).await
    }

    async fn mark_declaration_sent(
        &self,
        id: Uuid,
        run: Uuid,
        party_reference: &str,
    ) -> Result<(), ActivityError> {
        let marked = self.claims.mark_sent(id, run, party_reference.to_owned());
        if marked.await? {
            return Ok(());
        }
        conflict(format!("declaration {id} is being sent by another run"))
    }

    async fn response_count(&self, id: Uuid) -> Result<u64, ActivityError> {
        Ok(self.stands(id).await?.responses.len() as u64)
    }

    /// Loket's API does not give it back.
    async fn response_file(&self, id: Uuid, reference: &str) -> Result<Vec<u8>, ActivityError> {
        Err(ActivityError::Other(format!(
            "the file of response message {reference} to declaration {id} is not available from another platform ([platform] source = \"loket\")"
        )))
    }
}
