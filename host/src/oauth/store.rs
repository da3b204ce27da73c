//! Logins, codes and refresh tokens, in an SQLite file.
//!
//! A code and a refresh token are good once. One that comes back was copied,
//! and whose copy it is nobody can tell: the whole login ends, and with it
//! every token that came of it (RFC 6749, section 4.1.2; RFC 9700, section
//! 4.14.2).

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// How long a code is good for, in seconds: the application is on its way.
pub(crate) const CODE_SECONDS: i64 = 60;

/// A login: one user, one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) session: Uuid,
    pub(crate) client: String,
    pub(crate) user: String,
}

/// What the application must show again to exchange its code.
#[derive(Clone, Debug)]
pub(crate) struct CodeBinding {
    pub(crate) redirect_uri: String,
    /// The S256 challenge (RFC 7636).
    pub(crate) challenge: String,
}

/// Why something is not exchanged for tokens.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GrantError {
    /// For the application, in words.
    #[error("{0}")]
    Invalid(&'static str),
    /// The database failed.
    #[error("tokens: {0}")]
    Store(String),
}

impl From<rusqlite::Error> for GrantError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.to_string())
    }
}

/// The database. Cloning gives another handle on it.
#[derive(Clone)]
pub(crate) struct Store(Arc<Mutex<Connection>>);

impl Store {
    /// Opens the file, or makes an empty one, with its directory.
    ///
    /// # Errors
    ///
    /// In words for the operator.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| named(&error))?;
        }
        let mut connection = Connection::open(path).map_err(|error| named(&error))?;
        prepare(&mut connection).map_err(|error| named(&error))?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Changes the database: all of it or, when the database fails, nothing.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, GrantError> + Send + 'static,
    ) -> Result<T, GrantError> {
        self.with(|connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction);
            // What a refusal changed (a login that ended) is kept.
            if !matches!(result, Err(GrantError::Store(_))) {
                transaction.commit()?;
            }
            result
        })
        .await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, GrantError> + Send + 'static,
    ) -> Result<T, GrantError> {
        let connection = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            // A transaction rolls back when its thread panics, so what a
            // poisoned lock guards is whole.
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await
            .unwrap_or_else(|error| Err(GrantError::Store(error.to_string())))
    }

    /// Starts a login that lasts `seconds`, and gives its code.
    pub(crate) async fn start(
        &self,
        client: String,
        user: String,
        binding: CodeBinding,
        seconds: i64,
    ) -> Result<String, GrantError> {
        let code = secret()?;
        let hash = digest(&code);
        self.change(move |database| {
            let now = now();
            // What nobody can use any more, except to be told so.
            database.execute("DELETE FROM session WHERE expires < ?1", [now])?;
            let session = Uuid::now_v7().to_string();
            database.execute(
                "INSERT INTO session (id, client, \"user\", created, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![session, client, user, now, now + seconds],
            )?;
            database.execute(
                "INSERT INTO code (hash, session, redirect_uri, challenge, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![hash, session, binding.redirect_uri, binding.challenge, now + CODE_SECONDS],
            )?;
            Ok(())
        })
        .await?;
        Ok(code)
    }

    /// Exchanges a code for a refresh token. A code is good for one attempt,
    /// whatever comes of it.
    pub(crate) async fn exchange(
        &self,
        code: &str,
        client: String,
        redirect_uri: Option<String>,
        verifier: &str,
    ) -> Result<(Login, String), GrantError> {
        let (hash, challenge) = (digest(code), challenge(verifier));
        let refresh = secret()?;
        let refresh_hash = digest(&refresh);
        let login = self
            .change(move |database| {
                let found = database
                    .query_row(
                        "SELECT session, redirect_uri, challenge, expires, used FROM code WHERE hash = ?1",
                        [&hash],
                        |row| {
                            let binding = CodeBinding {
                                redirect_uri: row.get(1)?,
                                challenge: row.get(2)?,
                            };
                            Ok((row.get::<_, String>(0)?, binding, row.get::<_, i64>(3)?, row.get::<_, Option<i64>>(4)?))
                        },
                    )
                    .optional()?;
                let Some((session, binding, expires, used)) = found else {
                    return Err(GrantError::Invalid("there is no such code"));
                };
                let login = login(database, &session)?;
                if login.client != client {
                    return Err(GrantError::Invalid("the code is of another application"));
                }
                if used.is_some() {
                    revoke(database, &session, "a code was used twice")?;
                    return Err(GrantError::Invalid("the code was used before; the login has ended"));
                }
                database.execute("UPDATE code SET used = ?2 WHERE hash = ?1", params![hash, now()])?;
                if expires < now() {
                    return Err(GrantError::Invalid("the code is too old"));
                }
                if redirect_uri.as_ref().is_some_and(|uri| *uri != binding.redirect_uri) {
                    return Err(GrantError::Invalid("redirect_uri is not the one that the code was sent to"));
                }
                if binding.challenge != challenge {
                    return Err(GrantError::Invalid("code_verifier does not fit the code_challenge"));
                }
                valid(database, &session)?;
                keep(database, &refresh_hash, &session)?;
                Ok(login)
            })
            .await?;
        Ok((login, refresh))
    }

    /// Exchanges a refresh token for the next one. `allowed` says whether the
    /// user may still log in; if not, the token stays as it is.
    pub(crate) async fn refresh(
        &self,
        token: &str,
        client: String,
        allowed: impl FnOnce(&str) -> bool + Send + 'static,
    ) -> Result<(Login, String), GrantError> {
        let hash = digest(token);
        let next = secret()?;
        let next_hash = digest(&next);
        let login = self
            .change(move |database| {
                let found = database
                    .query_row(
                        "SELECT session, used FROM refresh_token WHERE hash = ?1",
                        [&hash],
                        |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?)),
                    )
                    .optional()?;
                let Some((session, used)) = found else {
                    return Err(GrantError::Invalid("there is no such refresh token"));
                };
                let login = login(database, &session)?;
                if login.client != client {
                    return Err(GrantError::Invalid(
                        "the refresh token is of another application",
                    ));
                }
                if used.is_some() {
                    revoke(database, &session, "a refresh token was used twice")?;
                    return Err(GrantError::Invalid(
                        "the refresh token was used before; the login has ended",
                    ));
                }
                valid(database, &session)?;
                if !allowed(&login.user) {
                    return Err(GrantError::Invalid("the user may not log in any more"));
                }
                database.execute(
                    "UPDATE refresh_token SET used = ?2 WHERE hash = ?1",
                    params![hash, now()],
                )?;
                keep(database, &next_hash, &session)?;
                Ok(login)
            })
            .await?;
        Ok((login, next))
    }

    /// Ends the login of a refresh token of this application, if there is one.
    pub(crate) async fn end(&self, token: &str, client: String) -> Result<(), GrantError> {
        let hash = digest(token);
        self.change(move |database| {
            let session: Option<String> = database
                .query_row(
                    "SELECT session.id FROM session JOIN refresh_token ON session = session.id WHERE hash = ?1 AND client = ?2",
                    params![hash, client],
                    |row| row.get(0),
                )
                .optional()?;
            match session {
                Some(session) => revoke(database, &session, "the application ended it"),
                None => Ok(()),
            }
        })
        .await
    }

    /// Ends a login.
    pub(crate) async fn end_session(&self, session: Uuid) -> Result<(), GrantError> {
        self.change(move |database| {
            revoke(database, &session.to_string(), "the application ended it")
        })
        .await
    }

    /// Whether a login is still good.
    pub(crate) async fn is_live(&self, session: Uuid) -> Result<bool, GrantError> {
        let checked = self
            .with(move |database| valid(database, &session.to_string()))
            .await;
        match checked {
            Ok(()) => Ok(true),
            Err(GrantError::Invalid(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn prepare(connection: &mut Connection) -> Result<(), String> {
    let database = |error: rusqlite::Error| error.to_string();
    connection
        .busy_timeout(Duration::from_secs(5))
        .and_then(|()| connection.pragma_update(None, "journal_mode", "WAL"))
        // A token that was used stays used, whatever happens to the machine.
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        .and_then(|()| connection.pragma_update(None, "foreign_keys", true))
        .map_err(database)?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(database)?;
    let version: i64 = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(database)?;
    match version {
        0 => transaction
            .execute_batch(include_str!("schema.sql"))
            .and_then(|()| transaction.pragma_update(None, "user_version", 1))
            .and_then(|()| transaction.commit())
            .map_err(database),
        1 => Ok(()),
        found => Err(format!(
            "it has schema {found}; this version of koppel reads schema 1"
        )),
    }
}

fn login(database: &Connection, session: &str) -> Result<Login, GrantError> {
    let (id, client, user): (String, String, String) = database.query_row(
        "SELECT id, client, \"user\" FROM session WHERE id = ?1",
        [session],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let session = Uuid::parse_str(&id).map_err(|error| GrantError::Store(error.to_string()))?;
    Ok(Login {
        session,
        client,
        user,
    })
}

fn valid(database: &Connection, session: &str) -> Result<(), GrantError> {
    let found: Option<(i64, Option<i64>)> = database
        .prepare_cached("SELECT expires, revoked FROM session WHERE id = ?1")?
        .query_row([session], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        Some((_, Some(_))) => Err(GrantError::Invalid("the login has ended")),
        Some((expires, None)) if expires >= now() => Ok(()),
        _ => Err(GrantError::Invalid("the login is too old")),
    }
}

fn keep(database: &Connection, hash: &[u8], session: &str) -> Result<(), GrantError> {
    database.execute(
        "INSERT INTO refresh_token (hash, session) VALUES (?1, ?2)",
        params![hash, session],
    )?;
    Ok(())
}

fn revoke(database: &Connection, session: &str, reason: &str) -> Result<(), GrantError> {
    let changed = database.execute(
        "UPDATE session SET revoked = ?2, reason = ?3 WHERE id = ?1 AND revoked IS NULL",
        params![session, now(), reason],
    )?;
    if changed > 0 {
        tracing::warn!(session, reason, "a login has ended");
    }
    Ok(())
}

pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A new code or token: 256 random bits.
fn secret() -> Result<String, GrantError> {
    super::random::<32>().map_err(GrantError::Store)
}

fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// The S256 challenge of a verifier (RFC 7636, section 4.2).
fn challenge(verifier: &str) -> String {
    super::base64url(&Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests;
