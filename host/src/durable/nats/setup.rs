//! The streams of the queue, and what they are called.

use crate::config::Nats;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, stream};
use std::time::Duration;
use uuid::Uuid;

/// How long the server remembers the identifiers of messages.
const REMEMBERED: Duration = Duration::from_secs(120);

/// How long dead letters are kept.
const DEAD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The consumer that all hosts share.
const WORKERS: &str = "workers";

/// What things are called, so that several installations can share a server.
#[derive(Clone, Debug)]
pub(super) struct Names(String);

impl Names {
    pub(super) fn of(config: &Nats) -> Self {
        Self(config.name.clone())
    }

    /// The subject of a run that waits.
    pub(super) fn subject(&self, run: Uuid) -> String {
        format!("{}.runs.{run}", self.0)
    }

    /// The run of a subject.
    pub(super) fn run(&self, subject: &str) -> Option<Uuid> {
        let run = subject.strip_prefix(&self.0)?.strip_prefix(".runs.")?;
        Uuid::try_parse(run).ok()
    }

    pub(super) fn dead_subject(&self, run: Uuid) -> String {
        format!("{}.dead.{run}", self.0)
    }
}

/// Makes the streams and the consumer, or changes them to what the
/// configuration says.
pub(super) async fn streams(
    context: &Context,
    names: &Names,
    config: &Nats,
) -> Result<PullConsumer, async_nats::Error> {
    let name = &names.0;
    let runs = Config {
        name: format!("{name}-runs"),
        subjects: vec![format!("{name}.runs.*")],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        // One message for a run; a new one takes the place of the one before.
        max_messages_per_subject: 1,
        discard: DiscardPolicy::Old,
        duplicate_window: REMEMBERED,
        num_replicas: config.replicas,
        ..Config::default()
    };
    let dead = Config {
        name: format!("{name}-dead"),
        subjects: vec![format!("{name}.dead.*")],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        max_age: DEAD,
        num_replicas: config.replicas,
        ..Config::default()
    };
    for config in [&runs, &dead] {
        context.create_or_update_stream(config.clone()).await?;
    }
    let stream: stream::Stream = context.get_stream(&runs.name).await?;
    let consumer = pull::Config {
        durable_name: Some(WORKERS.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: config.ack_wait(),
        // Deliveries are counted by whoever leases: what the server gives up by
        // itself stays where nobody looks.
        max_deliver: -1,
        // What waits to be due counts too.
        max_ack_pending: -1,
        ..pull::Config::default()
    };
    Ok(stream.create_consumer(consumer).await?)
}
