//! Payroll data of a platform with Loket's REST API v2, over HTTP.
//!
//! Each activity is the request of the same name in the catalogue. What the
//! platform refuses is refused here too, so both sides authorize: koppel by
//! its five checks, the platform by its own. Unlike the embedded data, this
//! gives `denied` too: when the platform refuses (403).

mod attribution;
mod claims;
mod client;
mod declarations;
mod employees;
mod employers;
mod insurance;
mod journal_exports;
mod journal_runs;
mod pages;
mod payroll_administrations;
mod payroll_runs;
mod records;
mod token_file;
mod tokens;
mod trade_register;
mod vehicles;

use crate::bindings::koppel::loket::payroll_runs::PayrollRunResult;
use crate::bindings::koppel::loket::types::ActivityError;
use crate::config::Upstream;
use crate::ledger::Redactor;
use crate::platform::Modules;
use async_trait::async_trait;
use attribution::Known;
use claims::Claims;
use client::Client;
use moka::future::Cache;
use sqlx::postgres::PgPool;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long the results of a payroll run are kept, which every page of them
/// takes as a whole.
const RESULTS_KEPT: Duration = Duration::from_secs(60);

/// How many results are kept at most, of all payroll runs together.
const RESULTS_CAPACITY: u64 = 200_000;

/// A platform with Loket's REST API v2.
pub struct Loket {
    client: Client,
    provider: Uuid,
    known: Known,
    claims: Claims,
    results: Cache<Uuid, Arc<Vec<PayrollRunResult>>>,
}

impl Loket {
    /// Prepares requests to the platform; sends none yet. The redactor is told
    /// every secret and token before it is used. Claims are kept in the database
    /// that hosts share, where they do.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be set up, or the file of claims not be
    /// opened.
    pub fn new(
        config: &Upstream,
        tls: rustls::ClientConfig,
        redactor: Redactor,
        pool: Option<PgPool>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(config, tls, redactor)?,
            provider: config.provider,
            known: Known::new(),
            claims: match pool {
                Some(pool) => Claims::shared(pool),
                None => Claims::open(&config.claims)?,
            },
            results: Cache::builder()
                .max_capacity(RESULTS_CAPACITY)
                .weigher(|_, results: &Arc<Vec<_>>| {
                    u32::try_from(results.len()).unwrap_or(u32::MAX)
                })
                .time_to_live(RESULTS_KEPT)
                .build(),
        })
    }
}

/// None are turned here: those of the configuration hold, and the platform has
/// its own.
#[async_trait]
impl Modules for Loket {
    async fn turn_module(&self, _: Uuid, _: &str, _: bool, _: &str) -> Result<(), ActivityError> {
        Err(ActivityError::Other(
            "the modules of another platform are turned there; what check 4 goes by here is [modules] of the configuration".to_owned(),
        ))
    }
}
