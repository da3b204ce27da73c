//! The queue of several machines: a work-queue stream of NATS JetStream.
//!
//! A run that waits is one message of a subject of its own, which holds when it
//! is due and nothing else. Two things keep it one: a message with the same
//! identifier is dropped by the server (`Nats-Msg-Id`), and none is added to a
//! subject that has one. Whoever leases a run says again and again that it is
//! there; when it does not, the server gives the run to another.

mod setup;
#[cfg(test)]
mod tests;

use super::{Lease, Millis, QueueError, RunQueue, StoreError};
use crate::config::Nats;
use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID};
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::{AckKind, Context, Message};
use async_trait::async_trait;
use futures_util::StreamExt;
use setup::Names;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long is waited for something to lease before it is asked for again.
const WAIT: Duration = Duration::from_secs(1);

/// How long an answer of the server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that the server keeps a run back; then it is looked at again.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What the message of a run says, besides when it is due, that came before it
/// was. Only the deliveries of other messages count.
const EARLY: &str = " early";

/// How many runs that are not due are put back before something else is done.
const IN_ONE_GO: usize = 100;

/// The reason in a dead letter.
const WHY: &str = "Koppel-Why";

/// Runs in a work-queue stream, as one host leases them.
pub struct JetStream {
    context: Context,
    names: Names,
    consumer: PullConsumer,
    ack_wait: Duration,
    /// How often a run is delivered without being given back.
    deliveries: i64,
    held: Mutex<HashMap<u64, Held>>,
    leases: AtomicU64,
    /// What came while nobody asked.
    next: Mutex<Option<Message>>,
}

/// A run that this host has.
struct Held {
    message: Message,
    /// When the server last heard that this host has it.
    heard: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each statement leaves what is guarded whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(error: impl std::fmt::Display) -> QueueError {
    StoreError::Unavailable(format!("NATS: {error}")).into()
}

impl JetStream {
    /// The queue of this configuration, whose streams are made if they are not
    /// there.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or refuses.
    pub async fn new(context: Context, config: &Nats) -> Result<Self, StoreError> {
        let names = Names::of(config);
        let made = setup::streams(&context, &names, config).await;
        let consumer = made.map_err(|why| StoreError::Broken(format!("NATS: {why}")))?;
        Ok(Self {
            context,
            names,
            consumer,
            ack_wait: config.ack_wait(),
            deliveries: i64::from(config.deliveries),
            held: Mutex::default(),
            leases: AtomicU64::new(1),
            next: Mutex::default(),
        })
    }

    /// Adds a message to the subject of a run, after the one of this sequence;
    /// 0 is none. Says whether it was.
    async fn add(
        &self,
        run: Uuid,
        text: String,
        after: u64,
        id: Option<String>,
    ) -> Result<bool, QueueError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, after.to_string());
        if let Some(id) = id {
            headers.insert(NATS_MESSAGE_ID, id);
        }
        let subject = self.names.subject(run);
        let sent = async {
            let sent = self
                .context
                .publish_with_headers(subject, headers, text.into());
            sent.await?.await
        };
        match sent.await {
            Ok(ack) => Ok(!ack.duplicate),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The next message, if there is one now.
    async fn fetch(&self) -> Result<Option<Message>, QueueError> {
        if let Some(message) = lock(&self.next).take() {
            return Ok(Some(message));
        }
        let fetched = async {
            let mut messages = self
                .consumer
                .fetch()
                .max_messages(1)
                .messages()
                .await
                .map_err(unavailable)?;
            messages.next().await.transpose().map_err(unavailable)
        };
        match tokio::time::timeout(PATIENCE, fetched).await {
            Ok(fetched) => fetched,
            Err(_) => Err(unavailable("it did not answer")),
        }
    }

    /// Puts a new message in the place of one; says whether it was still there.
    async fn replace(
        &self,
        message: &Message,
        run: Uuid,
        text: String,
    ) -> Result<bool, QueueError> {
        let (sequence, _) = place(message)?;
        let added = self.add(run, text, sequence, None).await?;
        // The one before went when it was added, if it was.
        message.ack().await.map_err(unavailable)?;
        Ok(added)
    }

    fn take(&self, lease: &Lease) -> Result<Message, QueueError> {
        let held = lock(&self.held).remove(&lease.token);
        held.map(|held| held.message)
            .ok_or(QueueError::Lost(lease.run))
    }
}

/// The place of a message in the stream, and how often it was delivered.
fn place(message: &Message) -> Result<(u64, i64), QueueError> {
    let info = message.info().map_err(unavailable)?;
    Ok((info.stream_sequence, info.delivered))
}

#[async_trait]
impl RunQueue for JetStream {
    async fn push(&self, run: Uuid, due: Millis) -> Result<(), QueueError> {
        let id = format!("{run} {due}");
        self.add(run, due.to_string(), 0, Some(id)).await?;
        Ok(())
    }

    /// The server cannot tell whose run a message is, so runs of full clients
    /// are leased too; the store refuses them, and they are put back.
    async fn lease(&self, now: Millis, _full: &[String]) -> Result<Option<Lease>, QueueError> {
        for _ in 0..IN_ONE_GO {
            let Some(message) = self.fetch().await? else {
                return Ok(None);
            };
            let text = std::str::from_utf8(&message.payload).unwrap_or_default();
            let waited = text.ends_with(EARLY);
            let due: Option<Millis> = text.trim_end_matches(EARLY).parse().ok();
            let (Some(run), Some(due)) = (self.names.run(&message.subject), due) else {
                tracing::error!(subject = %message.subject, "a message of the queue is none of koppel's, and is removed");
                message.double_ack().await.map_err(unavailable)?;
                continue;
            };
            if let Ok(early @ 1..) = u64::try_from(due.saturating_sub(now)) {
                if waited {
                    let wait = Duration::from_millis(early).min(LONGEST);
                    let kept = message.ack_with(AckKind::Nak(Some(wait))).await;
                    kept.map_err(unavailable)?;
                } else {
                    self.replace(&message, run, format!("{due}{EARLY}")).await?;
                }
                continue;
            }
            if waited {
                // Its deliveries count from here on.
                self.replace(&message, run, due.to_string()).await?;
                continue;
            }
            let (_, delivered) = place(&message)?;
            let token = self.leases.fetch_add(1, Ordering::Relaxed);
            let heard = Instant::now();
            lock(&self.held).insert(token, Held { message, heard });
            return Ok(Some(Lease {
                run,
                token,
                worn: delivered > self.deliveries,
            }));
        }
        Ok(None)
    }

    async fn wait(&self) {
        if lock(&self.next).is_some() {
            return;
        }
        let awaited = async {
            let batch = self.consumer.batch().max_messages(1).expires(WAIT);
            let mut messages = batch.messages().await.ok()?;
            messages.next().await?.ok()
        };
        let began = Instant::now();
        let came = tokio::time::timeout(2 * WAIT, awaited).await.ok().flatten();
        match came {
            Some(message) => *lock(&self.next) = Some(message),
            // Cut off, it would be asked without end.
            None => tokio::time::sleep_until(began + WAIT / 4).await,
        }
    }

    async fn heartbeat(&self, lease: &Lease) -> Result<(), QueueError> {
        let (message, heard) = {
            let held = lock(&self.held);
            let held = held.get(&lease.token).ok_or(QueueError::Lost(lease.run))?;
            (held.message.clone(), held.heard)
        };
        let now = Instant::now();
        match message.double_ack_with(AckKind::Progress).await {
            Ok(()) => {
                if let Some(held) = lock(&self.held).get_mut(&lease.token) {
                    held.heard = now;
                }
                Ok(())
            }
            // Another may have it from here on.
            Err(_) if heard.elapsed() >= self.ack_wait => {
                lock(&self.held).remove(&lease.token);
                Err(QueueError::Lost(lease.run))
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    fn heartbeat_every(&self) -> Duration {
        self.ack_wait / 4
    }

    async fn ack(&self, lease: &Lease) -> Result<(), QueueError> {
        let message = self.take(lease)?;
        message.double_ack().await.map_err(unavailable)
    }

    async fn retry_at(&self, lease: &Lease, due: Millis) -> Result<(), QueueError> {
        let message = self.take(lease)?;
        if self.replace(&message, lease.run, due.to_string()).await? {
            Ok(())
        } else {
            Err(QueueError::Lost(lease.run))
        }
    }

    async fn dead_letter(&self, lease: &Lease, why: &str) -> Result<(), QueueError> {
        tracing::warn!(run = %lease.run, why, "a run is given up");
        let message = self.take(lease)?;
        let mut headers = HeaderMap::new();
        // A header is one line.
        let why: String = why
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        headers.insert(WHY, why);
        headers.insert(
            NATS_MESSAGE_ID,
            format!("{} {}", lease.run, place(&message)?.0),
        );
        let subject = self.names.dead_subject(lease.run);
        let sent = async {
            let sent = self
                .context
                .publish_with_headers(subject, headers, message.payload.clone());
            sent.await?.await
        };
        sent.await.map_err(unavailable)?;
        message.double_ack().await.map_err(unavailable)
    }
}
