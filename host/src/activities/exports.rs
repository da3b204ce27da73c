//! `koppel:connector/exports`: export files, linked for clients that have a
//! directory for them.

use super::WIT_VERSION;
use crate::bindings::koppel::connector::exports::{ExportError, Receipt};
use crate::bindings::koppel::loket::types::ActivityError;
use crate::catalogue::Activity;
use crate::exports::{ExportError as DirError, ExportWriter};
use crate::ledger::{Entry, Kind, Large, MAX_BODY};
use crate::runs::replay::{Call, Found, Slot};
use crate::sandbox::State;
use crate::session::{Fault, Session};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};

/// What stands behind a guest's `export-file` handle. Dropping it unfinished
/// removes the file.
pub struct ExportFile {
    /// None once it is finished, or after a failed write.
    writer: Option<ExportWriter>,
}

type Outcome<T> = wasmtime::Result<(Result<T, ExportError>,)>;

pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut exports = linker.instance(&format!("koppel:connector/exports@{WIT_VERSION}"))?;
    exports.resource(
        "export-file",
        ResourceType::host::<ExportFile>(),
        |mut store, handle| {
            let handle = Resource::<ExportFile>::new_own(handle);
            store.data_mut().table.delete(handle)?;
            Ok(())
        },
    )?;
    exports.func_wrap_async("create", |store, (name,): (String,)| {
        Box::new(async move { answer(create(store, name).await) })
    })?;
    exports.func_wrap_async(
        "[method]export-file.write",
        |store, (file, bytes): (Resource<ExportFile>, Vec<u8>)| {
            Box::new(async move { answer(write(store, &file, bytes).await) })
        },
    )?;
    exports.func_wrap_async(
        "[method]export-file.finish",
        |store, (file,): (Resource<ExportFile>,)| {
            Box::new(async move { answer(finish(store, &file).await) })
        },
    )
}

/// Why an export call did not succeed: for the guest, or the end of the run.
enum Failure {
    Guest(ExportError),
    Host(wasmtime::Error),
}

fn answer<T>(result: Result<T, Failure>) -> Outcome<T> {
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(Failure::Guest(error)) => Ok((Err(error),)),
        Err(Failure::Host(error)) => Err(error),
    }
}

impl From<DirError> for Failure {
    fn from(error: DirError) -> Self {
        Self::Guest(match error {
            DirError::InvalidName(why) => ExportError::InvalidName(why),
            DirError::AlreadyExists => ExportError::AlreadyExists,
            DirError::QuotaExceeded { quota } => ExportError::QuotaExceeded(quota),
            DirError::Io(why) => ExportError::Other(why),
        })
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Guest(ActivityError::Denied(denial)) => Self::Guest(ExportError::Denied(denial)),
            Fault::Guest(other) => Self::Guest(ExportError::Other(format!("{other:?}"))),
            Fault::Host(error) => Self::Host(super::end(error)),
        }
    }
}

impl From<wasmtime::component::ResourceTableError> for Failure {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        // A forged or stale handle: not something a guest recovers from.
        Self::Host(error.into())
    }
}

/// Runs the five checks on the activity that the operator set for exports.
async fn authorize(session: &Session) -> Result<Activity, Failure> {
    let activity = session.live.with(|config| {
        let client = config.client(&session.client)?;
        Some(client.exports.as_ref()?.activity)
    });
    // The table may have gone from the configuration since the run began.
    let Some(activity) = activity else {
        let why = format!(
            "client \"{client}\" has no export directory any more; add [clients.{client}] exports = {{ directory = \"…\", quota-bytes = …, activity = \"…\" }}",
            client = session.client
        );
        return Err(refuse(session, why).await);
    };
    session.authorize(activity, None).await?;
    Ok(activity)
}

/// Records that something was refused, and makes it what the guest is told.
async fn refuse(session: &Session, why: String) -> Failure {
    let denial = Entry {
        check: Some("exports".to_owned()),
        outcome: Some("refused".to_owned()),
        ..Entry::new(session.context(), Kind::Denial, why.clone())
    };
    match session.record(denial).await {
        Ok(()) => Failure::Guest(ExportError::Other(why)),
        Err(fault) => fault.into(),
    }
}

/// What the journal knows of a call, for those that have an answer like this.
type Known<T> = Result<T, ExportError>;

fn known<T: DeserializeOwned>(answer: &[u8]) -> Result<Known<T>, Failure> {
    serde_json::from_slice(answer)
        .map_err(|error| Failure::Host(wasmtime::Error::msg(format!("the journal: {error}"))))
}

/// Keeps an answer in the journal before the guest gets it.
async fn keep<T: Serialize>(
    session: &Session,
    slot: &Slot,
    call: &Call,
    done: Result<T, Failure>,
) -> Result<T, Failure> {
    let done = match done {
        Ok(done) => Ok(done),
        Err(Failure::Guest(error)) => Err(error),
        Err(Failure::Host(error)) if session.journal.put_off(format!("{error:#}")) => {
            return session.journal.brake().halt().await;
        }
        Err(host) => return Err(host),
    };
    let sealed = session.journal.seal(&done);
    if !session.journal.answered(slot, call, sealed).await {
        return session.journal.brake().halt().await;
    }
    done.map_err(Failure::Guest)
}

async fn create(
    mut store: StoreContextMut<'_, State>,
    name: String,
) -> Result<Resource<ExportFile>, Failure> {
    let session = store.data().session.clone();
    // Empty files take nothing of the quota, but they take a name each. All that
    // are asked for count, so that a replay counts the same.
    let files = store.data().limits.export_files;
    let left = store.data().export_files.checked_sub(1);
    store.data_mut().export_files = left.unwrap_or(0);
    let directory = store.data().exports.clone();
    let directory = move || {
        directory.ok_or_else(|| {
            DirError::Io("this client had no export directory when the run began".to_owned())
        })
    };
    let slot = session.journal.slot();
    let call = Call::new(format!("create file {name}"), &());
    let writer = match session.journal.find(&slot, &call) {
        Found::Answered(answer) => {
            known::<()>(&answer)?.map_err(Failure::Guest)?;
            blocking(move || directory()?.create_again(&name)).await?
        }
        Found::Stopped => return session.journal.brake().halt().await,
        Found::New | Found::Unknown { .. } => {
            let created = async {
                authorize(&session).await?;
                if left.is_none() {
                    let why =
                        format!("the run made its {files} export files (limits.export-files)");
                    return Err(refuse(&session, why).await);
                }
                blocking(move || directory()?.create(&name)).await
            };
            let (writer, created) = match created.await {
                Ok(writer) => (Some(writer), Ok(())),
                Err(failure) => (None, Err(failure)),
            };
            keep(&session, &slot, &call, created).await?;
            writer.ok_or_else(|| Failure::Host(wasmtime::Error::msg("there is no file")))?
        }
    };
    let file = ExportFile {
        writer: Some(writer),
    };
    Ok(store.data_mut().table.push(file)?)
}

async fn write(
    mut store: StoreContextMut<'_, State>,
    file: &Resource<ExportFile>,
    bytes: Vec<u8>,
) -> Result<(), Failure> {
    let session = store.data().session.clone();
    let mut writer = take(&mut store, file)?;
    let slot = session.journal.slot();
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let call = Call::new("write to a file".to_owned(), &sha256);
    let writer = match session.journal.find(&slot, &call) {
        Found::Answered(answer) => {
            known::<()>(&answer)?.map_err(Failure::Guest)?;
            blocking(move || writer.write_again(&bytes).map(|()| writer)).await?
        }
        Found::Stopped => return session.journal.brake().halt().await,
        Found::New | Found::Unknown { .. } => {
            let (writer, written) = blocking(move || {
                let written = writer.write(&bytes);
                Ok((writer, written))
            })
            .await?;
            let written = written.map_err(Failure::from);
            keep(&session, &slot, &call, written).await?;
            writer
        }
    };
    store.data_mut().table.get_mut(file)?.writer = Some(writer);
    Ok(())
}

async fn finish(
    mut store: StoreContextMut<'_, State>,
    file: &Resource<ExportFile>,
) -> Result<Receipt, Failure> {
    let session = store.data().session.clone();
    let writer = take(&mut store, file)?;
    let slot = session.journal.slot();
    let call = Call {
        write: true,
        // Whether it was published can be seen.
        repeatable: true,
        ..Call::new("publish a file".to_owned(), &writer.name())
    };
    let begun = match session.journal.find(&slot, &call) {
        Found::Answered(answer) => return known(&answer)?.map_err(Failure::Guest),
        Found::Stopped => return session.journal.brake().halt().await,
        Found::Unknown { .. } => true,
        Found::New => false,
    };
    let Some(busy) = session.journal.brake().begin() else {
        return session.journal.brake().halt().await;
    };
    let published = publish(&session, &slot, &call, writer, begun).await;
    // What is halted below waits for the end of the write.
    drop(busy);
    keep(&session, &slot, &call, published).await
}

async fn publish(
    session: &Session,
    slot: &Slot,
    call: &Call,
    writer: ExportWriter,
    begun: bool,
) -> Result<Receipt, Failure> {
    let activity = authorize(session).await?;
    let sealed = blocking(move || writer.seal()).await?;
    let receipt = sealed.receipt().clone();
    let published = Receipt {
        name: receipt.name.clone(),
        size: receipt.size,
        sha256: receipt.sha256,
    };
    let (sealed, there) = blocking(move || {
        let there = begun && sealed.is_published()?;
        Ok((sealed, there))
    })
    .await?;
    if there {
        return Ok(published);
    }
    // Recorded before it can be seen: a file in the directory is in the ledger.
    let entry = |outcome: &str| Entry {
        activity: Some(activity.id().to_owned()),
        outcome: Some(outcome.to_owned()),
        ..Entry::new(session.context(), Kind::ExportFile, receipt.name.clone())
    };
    let (sealed, body) = blocking(move || {
        let body = sealed.read(MAX_BODY as u64)?;
        Ok((sealed, body))
    })
    .await?;
    let large = body.is_none().then(|| Large {
        size: published.size,
        sha256: published.sha256.clone(),
    });
    let written = Entry {
        body: body.unwrap_or_default(),
        large,
        ..entry("written")
    };
    session.record(written).await?;
    if !session.journal.intend(slot, call).await {
        return Err(Failure::Host(wasmtime::Error::msg(
            "it cannot be noted in the journal",
        )));
    }
    if let Err(error) = blocking(move || sealed.publish()).await {
        session
            .record(entry("not published, see the log of the run"))
            .await?;
        return Err(error);
    }
    Ok(published)
}

fn take(
    store: &mut StoreContextMut<'_, State>,
    file: &Resource<ExportFile>,
) -> Result<ExportWriter, Failure> {
    let file = store.data_mut().table.get_mut(file)?;
    file.writer.take().ok_or_else(|| {
        Failure::Guest(ExportError::Other(
            "this file is finished, or writing it failed before".to_owned(),
        ))
    })
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DirError> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(Failure::Host(wasmtime::Error::from(error))),
    }
}
