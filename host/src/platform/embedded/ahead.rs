//! Pages that are read before they are asked for. Whoever goes through a list asks
//! for one page after the other, and works on each: the next one is read
//! meanwhile, and given out if nobody committed anything since.

use super::{Embedded, Failure};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest};
use crate::platform::embedded::watched::Watched;
use rusqlite::Connection;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::JoinHandle;

/// How many pages wait at most to be asked for. The oldest goes first: whoever it
/// was read for seldom comes back.
pub(super) const MOST: usize = 32;

/// The longest name of what a list belongs to, in bytes: longer than an identifier.
const LONGEST: usize = 64;

/// A page of the contract.
pub(super) trait Listed: Send + 'static {
    /// The cursor of the page after it.
    fn next(&self) -> Option<&str>;
}

/// Which page it is: the list, whose it is, the cursor, and the size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    list: &'static str,
    parent: String,
    page: (Option<String>, u32),
}

/// A page, with the version of the payroll data that it is of.
pub(super) type Read = Option<(i64, Box<dyn Any + Send>)>;

/// The pages that were read or are being read.
#[derive(Default)]
pub(super) struct Ahead(Mutex<VecDeque<(Key, JoinHandle<Read>)>>);

impl Ahead {
    pub(super) fn pages(&self) -> MutexGuard<'_, VecDeque<(Key, JoinHandle<Read>)>> {
        // Whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, key: &Key) -> Option<JoinHandle<Read>> {
        let mut pages = self.pages();
        let at = pages.iter().position(|(known, _)| known == key)?;
        pages.remove(at).map(|(_, page)| page)
    }

    fn put(&self, key: Key, page: JoinHandle<Read>) {
        let mut pages = self.pages();
        if pages.len() == MOST {
            pages.pop_front();
        }
        pages.push_back((key, page));
    }
}

impl Embedded {
    /// A page of a list of something, which `read` reads; the next one is read
    /// ahead if it is not the first.
    pub(super) async fn in_order<P, F>(
        &self,
        (list, parent): (&'static str, String),
        page: &PageRequest,
        read: F,
    ) -> Result<P, ActivityError>
    where
        P: Listed,
        F: Fn(&Connection, &Watched, &PageRequest) -> Result<P, Failure> + Clone + Send + 'static,
    {
        let key = |page: &PageRequest| Key {
            list,
            parent: parent.clone(),
            page: (page.cursor.clone(), page.size),
        };
        // Most lists are no longer than a page.
        let goes_on = page.cursor.is_some() && parent.len() <= LONGEST;
        let reading = goes_on.then(|| self.ahead.take(&key(page))).flatten();
        let found = match reading {
            Some(reading) => self.current(reading.await.ok().flatten()),
            None => None,
        };
        let found = match found {
            Some(page) => page,
            None => {
                let (watched, page, read) = (self.watched.clone(), page.clone(), read.clone());
                self.ask(move |connection| read(connection, &watched, &page))
                    .await?
            }
        };
        if let Some(next) = found.next()
            && goes_on
        {
            let next = PageRequest {
                cursor: Some(next.to_owned()),
                size: page.size,
            };
            self.ahead.put(key(&next), self.read_ahead(next, read));
        }
        Ok(found)
    }

    /// A page that was read ahead, if it is what would be read now.
    fn current<P: Listed>(&self, read: Read) -> Option<P> {
        let (version, page) = read?;
        let now = self.watched.version().ok().flatten();
        let page = page.downcast().ok().filter(|_| now == Some(version))?;
        Some(*page)
    }

    fn read_ahead<P, F>(&self, page: PageRequest, read: F) -> JoinHandle<Read>
    where
        P: Listed,
        F: Fn(&Connection, &Watched, &PageRequest) -> Result<P, Failure> + Send + 'static,
    {
        let (connection, watched) = (self.connection.clone(), self.watched.clone());
        tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let version = watched.version().ok().flatten()?;
            // Why it cannot be read is found out by whoever asks for it.
            let page = read(&connection, &watched, &page).ok()?;
            Some((version, Box::new(page) as Box<dyn Any + Send>))
        })
    }
}
