//! A copy in memory of what is asked again and again: the modules that are on,
//! whom things belong to, single records, and how long lists are.
//!
//! All of it is of one version of the file, and SQLite tells without reading it
//! whether that is still the one (`PRAGMA data_version`). So what this or
//! another process changed is seen by the very next question. SQLite is not even
//! asked as long as nobody committed anything at all; see [`Commits`].

use super::commits::Commits;
use super::{Failure, record};
use crate::authorization::{EmployerModules, Map};
use crate::platform::{Entity, Owner};
use rusqlite::Connection;
use std::any::Any;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// How many of each kind are kept.
const MOST: usize = 10_000;

/// The longest name of a list whose length is kept, in bytes: longer than an
/// identifier.
const LONGEST: usize = 64;

/// The copy, with the version of the file that it is of.
pub(super) struct Watched(Mutex<Snapshot>);

struct Snapshot {
    /// A connection of its own: a version only tells of what other connections
    /// changed, and nothing waits for work on payroll data.
    connection: Connection,
    commits: Commits,
    version: Option<i64>,
    on: Option<Arc<EmployerModules>>,
    /// By what connectors name, which they could make collide in a quicker map.
    owners: HashMap<Entity, Option<Owner>>,
    records: Map<(&'static str, Uuid), Arc<dyn Any + Send + Sync>>,
    /// By the question and what it is asked about.
    lengths: HashMap<(String, String), u64>,
}

impl Watched {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "query_only", true)?;
        // Now there is a write-ahead log, for as long as this is connected.
        data_version(&connection)?;
        Ok(Self(Mutex::new(Snapshot {
            connection,
            commits: Commits::of(path),
            version: None,
            on: None,
            owners: HashMap::new(),
            records: Map::default(),
            lengths: HashMap::new(),
        })))
    }

    /// Asks the copy of the file as it is now. Not moved to a thread that may
    /// block: without a change nothing is read from disk, a single row is read
    /// otherwise, and a reader waits for no writer (WAL).
    fn ask<T>(
        &self,
        question: impl FnOnce(&mut Snapshot) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut snapshot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Both before reading: a change in between is then found the next time.
        let Snapshot {
            commits,
            connection,
            ..
        } = &mut *snapshot;
        if let Some(version) = commits.look(|| data_version(connection))? {
            snapshot.is_of(version);
        }
        question(&mut snapshot)
    }

    /// The version of the file; the same as long as nobody commits anything.
    pub(super) fn version(&self) -> Result<Option<i64>, Failure> {
        self.ask(|snapshot| Ok(snapshot.version))
    }

    /// The modules that are on.
    pub(super) fn modules(&self) -> Result<Arc<EmployerModules>, Failure> {
        self.ask(|snapshot| {
            let on = match &snapshot.on {
                Some(on) => on.clone(),
                None => Arc::new(modules(&snapshot.connection)?),
            };
            snapshot.on = Some(on.clone());
            Ok(on)
        })
    }

    /// Whom an entity belongs to.
    pub(super) fn owner(
        &self,
        entity: Entity,
        read: impl FnOnce(&Connection) -> rusqlite::Result<Option<Owner>>,
    ) -> Result<Option<Owner>, Failure> {
        self.ask(|snapshot| {
            if let Some(owner) = snapshot.owners.get(&entity) {
                return Ok(*owner);
            }
            let owner = read(&snapshot.connection)?;
            keep(&mut snapshot.owners, entity, owner);
            Ok(owner)
        })
    }

    /// A record of a table, which all who ask for it share.
    pub(super) fn record<T: Send + Sync + 'static>(
        &self,
        (table, id): (&'static str, Uuid),
        read: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<Arc<T>, Failure> {
        self.ask(|snapshot| {
            let known = snapshot.records.get(&(table, id));
            if let Some(Ok(known)) = known.map(|known| known.clone().downcast()) {
                return Ok(known);
            }
            let record = Arc::new(read(&snapshot.connection)?);
            keep(&mut snapshot.records, (table, id), record.clone());
            Ok(record)
        })
    }

    /// How long a list is: the answer to this question, which is asked through
    /// the connection of whoever reads the list. Counting takes as long as the
    /// list is, and each of its pages tells it.
    pub(super) fn length(
        &self,
        connection: &Connection,
        question: String,
        about: &str,
    ) -> Result<u64, Failure> {
        let key = (question, about.to_owned());
        let (version, known) =
            self.ask(|snapshot| Ok((snapshot.version, snapshot.lengths.get(&key).copied())))?;
        if let Some(length) = known {
            return Ok(length);
        }
        let length = connection
            .prepare_cached(&key.0)?
            .query_row([about], |row| row.get(0))?;
        self.ask(|snapshot| {
            // Otherwise it may be of another version.
            if snapshot.version == version && about.len() <= LONGEST {
                keep(&mut snapshot.lengths, key, length);
            }
            Ok(())
        })?;
        Ok(length)
    }
}

impl Snapshot {
    /// What is kept of another version is forgotten.
    fn is_of(&mut self, version: i64) {
        if self.version != Some(version) {
            self.on = None;
            self.owners.clear();
            self.records.clear();
            self.lengths.clear();
            self.version = Some(version);
        }
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}

fn keep<K: Eq + Hash, V, S: BuildHasher>(kept: &mut HashMap<K, V, S>, key: K, value: V) {
    // Simple, because it is rare: a change empties it long before.
    if kept.len() == MOST {
        kept.clear();
    }
    kept.insert(key, value);
}

fn modules(connection: &Connection) -> rusqlite::Result<EmployerModules> {
    let mut on = EmployerModules::default();
    let mut select = connection
        .prepare_cached("SELECT employer, module FROM employer_module WHERE is_on = 1")?;
    let rows = select.query_map([], |row| Ok((record::uuid(row, 0)?, row.get(1)?)))?;
    for row in rows {
        let (employer, module): (_, String) = row?;
        on.entry(employer).or_default().insert(&module);
    }
    Ok(on)
}
