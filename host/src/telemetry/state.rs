//! What is looked at when the metrics are asked for, because it has no moment
//! at which it happens.

use super::labels::State;
use crate::runs::Host;
use std::time::Duration;

/// How long what is looked at may take.
const LONGEST: Duration = Duration::from_secs(5);

impl Host {
    /// The metrics, in the text format of OpenMetrics.
    pub async fn scrape(&self) -> String {
        let metrics = self.metrics();
        // Two that scrape at a time see no halves.
        let _scraping = metrics.scraping.lock().await;
        let (ready, kept) = tokio::join!(
            tokio::time::timeout(LONGEST, self.readiness()),
            tokio::time::timeout(LONGEST, self.kept_counts()),
        );
        metrics.ready.set(i64::from(matches!(ready, Ok(Ok(())))));
        metrics.draining.set(i64::from(self.is_draining()));
        // What cannot be counted is not told, rather than told as it was.
        metrics.kept.clear();
        if let Ok(Ok(counts)) = kept {
            for (state, count) in counts {
                let of = State {
                    state: state.name(),
                };
                metrics
                    .kept
                    .get_or_create(&of)
                    .set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        self.live().with(|config| {
            let revoked = config.grants.revoked.now();
            let revoked = revoked.map_or(0, |revoked| revoked.all().len());
            metrics.revocations.set(revoked as i64);
        });
        let grants = self.grants_state();
        let version = |version: u64| i64::try_from(version).unwrap_or(i64::MAX);
        metrics
            .grants_version
            .set(grants.map_or(0, |grants| version(grants.version)));
        let refused = grants.and_then(|grants| grants.refused);
        metrics.grants_refused.set(refused.map_or(0, version));
        let followed = grants.is_some_and(|grants| grants.followed);
        metrics.grants_followed.set(i64::from(followed));
        if let Some(bytes) = resident() {
            metrics.resident.set(bytes);
        }
        metrics.text()
    }
}

/// The memory of this process, in bytes, where the system tells it.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}
