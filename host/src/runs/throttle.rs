//! The limits of outside parties, kept by the host for all clients together.

use crate::config::Config;
use crate::durable::{Clock, Millis, RunStore};
use crate::egress::Party;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

/// How often it is looked whether another host gave a place back.
const LOOK: Duration = Duration::from_millis(50);

/// The time zone of the calendar days of daily budgets.
const ZONE: &str = "Europe/Amsterdam";

/// Counts what is sent to outside parties.
pub(crate) struct Throttle {
    store: Arc<dyn RunStore>,
    clock: Arc<dyn Clock>,
    under_way: Mutex<HashMap<(String, u32), Arc<Semaphore>>>,
    /// When the requests of the last minute were sent. GCRA, which rate
    /// limiters usually do, lets twice as many through in the first minute;
    /// a party that counts would refuse them.
    sent: Mutex<HashMap<String, VecDeque<Instant>>>,
}

/// A place among the requests that are under way.
pub(crate) struct Turn {
    _places: Vec<OwnedSemaphorePermit>,
    _shared: Vec<SharedPlace>,
}

/// A place among the requests of all hosts; given back when it is dropped.
struct SharedPlace {
    store: Arc<dyn RunStore>,
    id: Uuid,
}

impl Drop for SharedPlace {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (store, id) = (self.store.clone(), self.id);
        runtime.spawn(async move {
            // It would be taken for as long as this host is there.
            while let Some(limits) = store.shared_limits()
                && let Err(error) = limits.leave(id).await
            {
                tracing::warn!(%error, "a place among the requests to a party is not given back yet");
                tokio::time::sleep(LOOK).await;
            }
        });
    }
}

/// Why a request has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The party.
    pub(crate) party: String,
    /// How long.
    pub(crate) wait: Duration,
}

/// Why there is no turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// Not yet.
    Held(Held),
    /// The budget cannot be read or written.
    Unknown(String),
}

impl Throttle {
    pub(crate) fn new(store: Arc<dyn RunStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            under_way: Mutex::default(),
            sent: Mutex::default(),
        }
    }

    /// Now, by the clock of the host.
    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Waits for a place among the requests to the parties that this URL is of,
    /// and takes one of their budgets.
    ///
    /// # Errors
    ///
    /// When a budget is used up; nothing was taken of the others then, except
    /// of those that let it through before.
    pub(crate) async fn turn(&self, config: &Config, url: &Url) -> Result<Turn, NoTurn> {
        let of_url = |party: &Party| Some((party.budget(url)?, party.clone()));
        let parties: Vec<_> = config.parties.iter().filter_map(of_url).collect();
        let (mut places, mut shared) = (Vec::new(), Vec::new());
        for (budget, party) in &parties {
            if let Some(most) = party.concurrency {
                let place = self.place(budget, most).acquire_owned().await;
                // It is never closed.
                places.extend(place.ok());
                shared.extend(self.shared_place(budget, most).await?);
            }
        }
        for (budget, party) in &parties {
            if let Some(most) = party.per_minute
                && let Some(wait) = self.minute(budget, most).await?
            {
                return Err(NoTurn::Held(Held {
                    party: budget.clone(),
                    wait,
                }));
            }
            if let Some(most) = party.per_day {
                self.day(budget, most).await?;
            }
        }
        Ok(Turn {
            _places: places,
            _shared: shared,
        })
    }

    fn place(&self, budget: &str, most: u32) -> Arc<Semaphore> {
        let mut known = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Semaphore::new(most as usize));
        known
            .entry((budget.to_owned(), most))
            .or_insert_with(fresh)
            .clone()
    }

    /// Waits for a place among the requests of all hosts, where there are
    /// several. The deadline of the run ends the waiting.
    async fn shared_place(&self, budget: &str, most: u32) -> Result<Option<SharedPlace>, NoTurn> {
        let Some(limits) = self.store.shared_limits() else {
            return Ok(None);
        };
        loop {
            let entered = limits.enter(budget, most).await;
            if let Some(id) = entered.map_err(|error| NoTurn::Unknown(error.to_string()))? {
                let store = self.store.clone();
                return Ok(Some(SharedPlace { store, id }));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Takes one of the last minute; or how long until there is one.
    async fn minute(&self, budget: &str, most: u32) -> Result<Option<Duration>, NoTurn> {
        match self.store.shared_limits() {
            Some(limits) => {
                let taken = limits.minute(budget, most).await;
                taken.map_err(|error| NoTurn::Unknown(error.to_string()))
            }
            None => Ok(self.own_minute(budget, most).err()),
        }
    }

    /// As [`Self::minute`], of this process.
    fn own_minute(&self, budget: &str, most: u32) -> Result<(), Duration> {
        let mut known = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = known.entry(budget.to_owned()).or_default();
        let now = Instant::now();
        while sent.front().is_some_and(|first| now - *first >= MINUTE) {
            sent.pop_front();
        }
        let too_many = (sent.len() + 1).saturating_sub(most as usize);
        match too_many.checked_sub(1).and_then(|index| sent.get(index)) {
            Some(leaves) => Err(MINUTE.saturating_sub(now - *leaves)),
            None => {
                sent.push_back(now);
                Ok(())
            }
        }
    }

    async fn day(&self, budget: &str, most: u32) -> Result<(), NoTurn> {
        let (day, left) = today(self.clock.now()).map_err(NoTurn::Unknown)?;
        match self.store.spend(budget, &day, most).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NoTurn::Held(Held {
                party: budget.to_owned(),
                wait: left,
            })),
            Err(error) => Err(NoTurn::Unknown(error.to_string())),
        }
    }
}

/// The calendar day, and how long it goes on.
fn today(now: Millis) -> Result<(String, Duration), String> {
    let today = || {
        let now = jiff::Timestamp::from_millisecond(now)?.in_tz(ZONE)?;
        let end = now.tomorrow()?.start_of_day()?;
        let left = end.timestamp().as_millisecond() - now.timestamp().as_millisecond();
        Ok::<_, jiff::Error>((now.date().to_string(), left))
    };
    let (day, left) = today().map_err(|error| error.to_string())?;
    Ok((day, Duration::from_millis(left.max(0) as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_the_netherlands() {
        let at = |text: &str| {
            let moment: jiff::Timestamp = text.parse().unwrap();
            today(moment.as_millisecond()).unwrap()
        };
        assert_eq!(
            at("2026-01-31T22:59:59Z"),
            ("2026-01-31".to_owned(), Duration::from_secs(1))
        );
        assert_eq!(
            at("2026-01-31T23:00:00Z"),
            ("2026-02-01".to_owned(), Duration::from_secs(24 * 3_600))
        );
        // The day on which summer time begins has 23 hours.
        assert_eq!(
            at("2026-03-28T23:00:00Z"),
            ("2026-03-29".to_owned(), Duration::from_secs(23 * 3_600))
        );
    }
}
