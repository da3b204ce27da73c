//! What follows from the answer of a connector of kind declaration.

use super::super::job::Answer;
use super::super::{Host, Output, RunError};
use super::{Done, Step, fault, refused};
use crate::bindings::exports::koppel::connector::declaration::Message;
use crate::bindings::koppel::connector::types::ConnectorError;
use crate::catalogue::Activity;
use crate::ledger::{Entry, Kind};
use crate::platform::Frozen;
use crate::sending::{Fate, Sending};
use crate::session::Session;

/// The longest reference of a message, in bytes.
const REFERENCE_BYTES: usize = 64;

/// The largest message, in bytes.
const MESSAGE_BYTES: usize = 10 << 20;

/// The longest reference of an outside party, in bytes.
const PARTY_REFERENCE_BYTES: usize = 200;

/// Says what is wrong with a message, or the reference in it.
pub(crate) fn check_message(reference: &str, message: &[u8]) -> Result<(), String> {
    let clean = !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_graphic());
    if !clean || reference.len() > REFERENCE_BYTES {
        return Err(format!(
            "the reference of a message has 1 to {REFERENCE_BYTES} visible ASCII characters"
        ));
    }
    if message.is_empty() || message.len() > MESSAGE_BYTES {
        return Err(format!(
            "a message has 1 to {MESSAGE_BYTES} bytes, not {}",
            message.len()
        ));
    }
    Ok(())
}

impl Host {
    /// What follows from the answer of the connector.
    pub(super) async fn follow(
        &self,
        session: &Session,
        step: &Step,
        called: Result<Answer, RunError>,
    ) -> Result<Output, RunError> {
        match (&step.done, called) {
            (Done::Create, Ok(Answer::Message(message))) => self.keep(session, step, message).await,
            (Done::Create, Err(RunError::Connector(ConnectorError::Refused(why)))) => {
                let what = format!("{} {} has no message: {why}", step.kind.noun(), step.id);
                self.write(session, step.activity, what).await?;
                let failed = self.platform.fail_declaration(step.id, &why).await;
                failed.map_err(refused)?;
                Err(RunError::Connector(ConnectorError::Refused(why)))
            }
            (Done::Submit { frozen, sending }, called) => {
                self.sent(session, step, frozen, sending, called).await
            }
            (Done::Poll { known }, Ok(_)) => {
                let total = self.platform.response_count(step.id).await;
                let total = total.map_err(refused)?;
                Ok(Output::Responses {
                    declaration: step.id,
                    new: total.saturating_sub(*known),
                    total,
                })
            }
            (_, Err(error)) => Err(error),
            (_, Ok(_)) => Err(RunError::Host("it was asked for something else".to_owned())),
        }
    }

    async fn keep(
        &self,
        session: &Session,
        step: &Step,
        message: Message,
    ) -> Result<Output, RunError> {
        let (reference, message) = (message.reference, message.bytes);
        check_message(&reference, &message).map_err(RunError::BadAnswer)?;
        let what = format!(
            "store message {reference} of {} {}, {} bytes",
            step.kind.noun(),
            step.id,
            message.len()
        );
        self.write(session, step.activity, what).await?;
        let stored = self
            .platform
            .store_message(step.id, &reference, &message)
            .await;
        Ok(Output::DeclarationMessage {
            declaration: step.id,
            reference,
            bytes: message.len(),
            sha256: stored.map_err(refused)?,
        })
    }

    async fn sent(
        &self,
        session: &Session,
        step: &Step,
        frozen: &Frozen,
        sending: &Sending,
        called: Result<Answer, RunError>,
    ) -> Result<Output, RunError> {
        let fate = sending.fate();
        let reference = match called {
            Ok(Answer::Submitted(reference)) => reference,
            Ok(_) => {
                self.release(session, step, frozen, fate).await?;
                return Err(RunError::Host("it was asked to send".to_owned()));
            }
            Err(error) => {
                self.release(session, step, frozen, fate).await?;
                return Err(error);
            }
        };
        // Its word is not taken for it. One that was sent by an earlier run may
        // have been found at the outside party.
        if fate != Fate::Taken && !frozen.left {
            self.release(session, step, frozen, fate).await?;
            return Err(RunError::BadAnswer(
                "it says that the message was sent, but the outside party took no request with it"
                    .to_owned(),
            ));
        }
        let clean = !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_graphic());
        let reference = if clean && reference.len() <= PARTY_REFERENCE_BYTES {
            reference
        } else {
            // It is sent, whatever the party calls it.
            frozen.reference.clone()
        };
        let what = format!(
            "{} {} was sent, reference {reference}",
            step.kind.noun(),
            step.id
        );
        // Unrecorded, it is not marked; the next run finds that it was sent.
        if let Err(error) = self.write(session, step.activity, what).await {
            self.release(session, step, frozen, Fate::Taken).await?;
            return Err(error);
        }
        let marked = self
            .platform
            .mark_declaration_sent(step.id, session.run, &reference)
            .await;
        marked.map_err(refused)?;
        Ok(Output::Submission {
            declaration: step.id,
            reference,
            sha256: frozen.sha256.clone(),
        })
    }

    pub(super) async fn release(
        &self,
        session: &Session,
        step: &Step,
        frozen: &Frozen,
        fate: Fate,
    ) -> Result<(), RunError> {
        let left = match fate {
            Fate::Stayed => frozen.left,
            Fate::Refused => false,
            Fate::InDoubt | Fate::Taken => true,
        };
        let released = self
            .platform
            .release_declaration(step.id, session.run, left)
            .await;
        released.map_err(refused)
    }

    pub(super) async fn write(
        &self,
        session: &Session,
        activity: Activity,
        what: String,
    ) -> Result<(), RunError> {
        let entry = Entry {
            activity: Some(activity.id().to_owned()),
            ..Entry::new(session.context(), Kind::ActivityWrite, what)
        };
        session.record(entry).await.map_err(fault)
    }
}
