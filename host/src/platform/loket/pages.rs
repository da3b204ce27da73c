//! Pages: from Loket's, by number, to the contract's, by cursor.
//!
//! A cursor holds how many items came before, and a mark of its list. With
//! pages by number it cannot hold more: when the platform adds or removes an
//! item between two pages, an item can come twice, or not at all.

use super::Loket;
use super::client::{Ask, unreadable};
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest, Problem};
use crate::wire;
use crate::wire::envelope::List;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// The most items that are asked of the platform at a time: Loket's default.
const UPSTREAM_PAGE: u64 = 250;

/// The most pages of a list that are read as a whole.
const WHOLE_LIST_PAGES: u64 = 200;

/// The items of a page, the cursor of the next one, and the number of items in
/// the whole list.
pub(super) type Page<T> = (Vec<T>, Option<String>, u64);

/// Makes the pages of the contract from a [`Page`].
macro_rules! into_page {
    ($page:ident, $result:expr, $convert:expr) => {{
        let (items, next, total_size) = $result;
        $page {
            items: items.into_iter().map($convert).collect(),
            next,
            total_size,
        }
    }};
}
pub(super) use into_page;

/// A position in one list.
pub(super) struct Position {
    mark: String,
    /// How many items come before.
    pub(super) offset: u64,
    /// How many items are wanted.
    pub(super) size: u64,
}

impl Position {
    /// What a request for a page of this list means.
    ///
    /// # Errors
    ///
    /// `invalid` when the size is outside 1 to 1000, or the cursor of another
    /// list.
    pub(super) fn read(ask: Ask<'_>, request: &PageRequest) -> Result<Self, ActivityError> {
        if !(1..=1000).contains(&request.size) {
            let problem = format!("must be 1 to 1000, not {}", request.size);
            return Err(invalid("pageSize", &problem));
        }
        let mut hash = Sha256::new();
        hash.update(ask.activity.id());
        hash.update([0]);
        hash.update(ask.id);
        let mark = hex::encode(&hash.finalize()[..4]);
        let offset = match &request.cursor {
            None => 0,
            Some(cursor) => cursor
                .strip_prefix(&mark)
                .filter(|offset| offset.len() == 8)
                .and_then(|offset| u32::from_str_radix(offset, 16).ok())
                .map(u64::from)
                .ok_or_else(|| invalid("cursor", "is not a cursor of this list"))?,
        };
        Ok(Self {
            mark,
            offset,
            size: u64::from(request.size),
        })
    }

    /// The page of a list that is at hand as a whole.
    pub(super) fn slice<T: Clone>(&self, all: &[T]) -> Page<T> {
        let from = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let items: Vec<T> = all.iter().skip(from).take(size).cloned().collect();
        let next = self.next(items.len(), all.len() as u64);
        (items, next, all.len() as u64)
    }

    /// The cursor after this many items of the page, if more follow.
    pub(super) fn next(&self, items: usize, total: u64) -> Option<String> {
        let offset = self.offset + items as u64;
        (items > 0 && offset < total).then(|| format!("{}{offset:08x}", self.mark))
    }
}

fn invalid(field: &str, problem: &str) -> ActivityError {
    ActivityError::Invalid(vec![Problem {
        code: 400,
        description: format!("{field}: {problem}"),
        properties: vec![field.to_owned()],
    }])
}

impl Loket {
    /// A page of a list as it is wanted, from as many of the platform's pages
    /// as it takes.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
        request: &PageRequest,
    ) -> Result<Page<T>, ActivityError> {
        let position = Position::read(ask, request)?;
        let size = position.size.min(UPSTREAM_PAGE);
        let mut skip = usize::try_from(position.offset % size).unwrap_or(usize::MAX);
        let wanted = usize::try_from(position.size).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        let mut number = position.offset / size + 1;
        loop {
            let list: List<T> = self.upstream_page(ask, number, size).await?;
            let last = number * size >= list.total_size;
            items.extend(list.embedded.into_iter().skip(skip));
            if last || items.len() >= wanted {
                items.truncate(wanted);
                let next = position.next(items.len(), list.total_size);
                return Ok((items, next, list.total_size));
            }
            (number, skip) = (number + 1, 0);
        }
    }

    /// A whole list.
    ///
    /// # Errors
    ///
    /// `other` when it has more than 50,000 items.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
    ) -> Result<Vec<T>, ActivityError> {
        let mut items = Vec::new();
        for number in 1..=WHOLE_LIST_PAGES {
            let list: List<T> = self.upstream_page(ask, number, UPSTREAM_PAGE).await?;
            items.extend(list.embedded);
            if number * UPSTREAM_PAGE >= list.total_size {
                return Ok(items);
            }
        }
        Err(unreadable(
            ask.activity,
            "the list has more than 50000 items",
        ))
    }

    /// One page of the platform, which must be the one that was asked for and
    /// whole: a list that lacks items must not look like one that ends.
    pub(super) async fn upstream_page<T: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
        number: u64,
        size: u64,
    ) -> Result<List<T>, ActivityError> {
        let (number_text, size_text) = (number.to_string(), size.to_string());
        let mut query = vec![
            ("pageNumber", number_text.as_str()),
            ("pageSize", size_text.as_str()),
        ];
        query.extend(wire::order_by(ask.activity).map(|order| ("orderBy", order)));
        query.extend(ask.query);
        let list: List<T> = self
            .client
            .get(Ask {
                query: &query,
                ..ask
            })
            .await?;
        if (list.current_page, list.page_size) != (number, size) {
            let why = format!(
                "it is page {} of {} items, not {number} of {size}",
                list.current_page, list.page_size
            );
            return Err(unreadable(ask.activity, &why));
        }
        let expected = list
            .total_size
            .saturating_sub((number - 1) * size)
            .min(size);
        if list.embedded.len() as u64 != expected {
            let why = format!(
                "the page has {} items where {expected} should be",
                list.embedded.len()
            );
            return Err(unreadable(ask.activity, &why));
        }
        Ok(list)
    }
}
