//! PostgreSQL: the connection, and the tables that koppel makes there.

use crate::config::Store;
use crate::durable::StoreError;
use crate::ledger::Redactor;
use crate::secrets;
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, SqlSafeStr};
use sqlx_core::migrate::{Migration, MigrationType, Migrator};
use std::time::Duration;

/// The schema that holds everything of koppel.
const SCHEMA: &str = "koppel";

/// How long anything may take. Whoever is cut off must notice before its runs
/// are given to others.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What the server does with a session that is cut off or hangs, so that it
/// holds up nobody: times are in milliseconds.
const SESSION: [(&str, &str); 6] = [
    ("search_path", SCHEMA),
    ("idle_in_transaction_session_timeout", "5000"),
    ("lock_timeout", "8000"),
    ("statement_timeout", "9000"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_user_timeout", "10000"),
];

/// The migrations, in order. What is published is never changed.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (
        1,
        "runs",
        include_str!("../../migrations/postgres/0001_runs.sql"),
    ),
    (
        2,
        "ledger",
        include_str!("../../migrations/postgres/0002_ledger.sql"),
    ),
    (
        3,
        "claims",
        include_str!("../../migrations/postgres/0003_claims.sql"),
    ),
    (
        4,
        "content",
        include_str!("../../migrations/postgres/0004_content.sql"),
    ),
];

/// Connects, and makes or changes the tables where that is due.
///
/// # Errors
///
/// In words for the operator; never a secret.
pub(crate) async fn connect(config: &Store, redactor: &Redactor) -> Result<PgPool, String> {
    let told = |error: &dyn std::fmt::Display| {
        let text = format!("[store] {}: {error}", config.url);
        redactor.text(text)
    };
    let mut options = PgConnectOptions::from_url(&config.url)
        .map_err(|error| told(&error))?
        .application_name("koppel")
        .options(SESSION);
    if let Some(password) = &config.password {
        let password =
            secrets::read(password, redactor).map_err(|why| format!("[store] password: {why}"))?;
        options = options.password(password.expose_secret());
    }
    options = options.ssl_mode(if config.tls {
        PgSslMode::VerifyFull
    } else {
        PgSslMode::Disable
    });
    if let Some(roots) = &config.trusted_roots {
        options = options.ssl_root_cert(roots);
    }
    let pool = PgPoolOptions::new()
        .max_connections(config.connections)
        .acquire_timeout(PATIENCE / 2)
        .idle_timeout(Duration::from_secs(300))
        .connect_with(options.disable_statement_logging())
        .await
        .map_err(|error| told(&error))?;
    migrate(&pool).await.map_err(|error| told(&error))?;
    Ok(pool)
}

async fn migrate(pool: &PgPool) -> Result<(), sqlx_core::migrate::MigrateError> {
    // Two hosts that start at the same time make it once.
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(Lock::Schema.key())
        .execute(&mut *transaction)
        .await?;
    sqlx::query("CREATE SCHEMA IF NOT EXISTS koppel")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        let kind = MigrationType::Simple;
        Migration::new(version, name.into(), kind, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.to_vec())
        .run(pool)
        .await
}

/// What hosts take turns for, besides what has a name of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock {
    /// Making the schema.
    Schema,
    /// Appending to the ledger.
    Ledger,
}

impl Lock {
    /// The key of the advisory lock: `koppel` and a number.
    pub(crate) fn key(self) -> i64 {
        const KOPPEL: i64 = 0x6b6f_7070_656c << 8;
        KOPPEL
            | match self {
                Self::Schema => 1,
                Self::Ledger => 2,
            }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if passes(&error) {
            Self::Unavailable(error.to_string())
        } else {
            Self::Broken(error.to_string())
        }
    }
}

/// Whether the same may succeed later.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Connection, transaction rollback, no resources, operator intervention,
        // locks that were not available, a session that was ended (PostgreSQL,
        // appendix A).
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "40", "53", "57"].contains(&code.get(..2).unwrap_or_default())
                || ["55P03", "25P03"].contains(&code.as_ref())
        }),
        _ => false,
    }
}

/// Gives up what takes too long.
pub(crate) async fn within<T>(
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Unavailable(format!(
            "PostgreSQL did not answer within {} s",
            PATIENCE.as_secs()
        ))),
    }
}
