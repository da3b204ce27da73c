//! Places: how many runs are under way at a time, in all and of one client.
//! Others wait, within their deadlines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// The places of a host.
pub(super) struct Places {
    all: Semaphore,
    /// By client, with how many it may have.
    clients: Mutex<HashMap<String, (usize, Arc<Semaphore>)>>,
}

/// A place, until it is dropped.
pub(super) struct Place<'a> {
    // In this order: the place in all is given back first.
    _in_all: SemaphorePermit<'a>,
    _of_client: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(all: usize) -> Self {
        Self {
            all: Semaphore::new(all),
            clients: Mutex::default(),
        }
    }

    /// Waits for a place for a client that may have so many.
    ///
    /// # Errors
    ///
    /// Never: the places are not closed.
    pub(super) async fn take(&self, client: &str, most: usize) -> Result<Place<'_>, AcquireError> {
        // Its own first, so that what it has too many of takes nothing from
        // others while it waits.
        let of_client = self.of(client, most).acquire_owned().await?;
        let in_all = self.all.acquire().await?;
        Ok(Place {
            _in_all: in_all,
            _of_client: of_client,
        })
    }

    fn of(&self, client: &str, most: usize) -> Arc<Semaphore> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        match clients.get(client) {
            Some((same, places)) if *same == most => places.clone(),
            // New, or the limit is another now; runs under way by the old one
            // come to their end beside.
            _ => {
                let places = Arc::new(Semaphore::new(most));
                clients.insert(client.to_owned(), (most, places.clone()));
                places
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_client_has_its_own_places_and_all_together_no_more_than_there_are() {
        let places = Places::new(3);
        let take = |client: &'static str| places.take(client, 2).now_or_never();
        let first = take("a").unwrap().unwrap();
        let second = take("a").unwrap().unwrap();
        assert!(take("a").is_none(), "a third of the same client");
        let other = take("b").unwrap().unwrap();
        assert!(take("c").is_none(), "a fourth in all");
        drop(first);
        let again = take("c").unwrap().unwrap();
        assert!(take("a").is_none());
        drop((second, other, again));
        assert!(take("a").is_some());
    }

    #[tokio::test]
    async fn who_waits_for_a_place_of_its_own_takes_none_of_others() {
        let places = Places::new(2);
        let _first = places.take("a", 1).await.unwrap();
        let mut waiting = Box::pin(places.take("a", 1));
        assert!((&mut waiting).now_or_never().is_none());
        assert!(places.take("b", 1).now_or_never().is_some());
    }

    #[tokio::test]
    async fn another_limit_is_in_force_at_the_next_run() {
        let places = Places::new(9);
        let _first = places.take("a", 1).await.unwrap();
        assert!(places.take("a", 1).now_or_never().is_none());
        assert!(places.take("a", 2).now_or_never().is_some());
    }
}
