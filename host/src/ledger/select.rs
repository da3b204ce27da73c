//! Which rows a filter selects, pages of them, and the row of an identifier.

use super::sqlite::SELDOM;
use super::store::time;
use super::{Filter, Kind, Ledger, LedgerError, Row, Use};
use rusqlite::types::Value;
use uuid::Uuid;

/// The condition of a filter in SQL, and its values by name. What does not
/// restrict is not in it, so that an index is used for what does.
pub(super) fn selected(filter: &Filter) -> (String, Vec<(&'static str, Value)>) {
    let (kind, kinds) = match &filter.kinds[..] {
        [] => ("", None),
        [one] => ("kind = :kinds", Some(one.name().to_owned())),
        // The plus: no index of kinds, whose rows would have to be sorted.
        some => {
            let names: Vec<_> = some.iter().map(|kind| kind.name()).collect();
            (
                "+kind IN (SELECT value FROM json_each(:kinds))",
                Some(serde_json::json!(names).to_string()),
            )
        }
    };
    let all: [(&str, &'static str, Option<Value>); 10] = [
        (kind, ":kinds", kinds.map(Into::into)),
        (
            "client = :client",
            ":client",
            filter.client.clone().map(Into::into),
        ),
        (
            "\"user\" = :user",
            ":user",
            filter.user.clone().map(Into::into),
        ),
        (
            "employer = :employer",
            ":employer",
            filter.employer.map(|id| id.to_string().into()),
        ),
        (
            "employer IN (SELECT value FROM json_each(:among))",
            ":among",
            filter
                .among
                .as_ref()
                .map(|among| serde_json::json!(among).to_string().into()),
        ),
        (
            "run = :run",
            ":run",
            filter.run.map(|id| id.to_string().into()),
        ),
        (
            "\"check\" = :check",
            ":check",
            filter.check.clone().map(Into::into),
        ),
        (
            "time >= :since",
            ":since",
            filter.since.map(|since| time(since).into()),
        ),
        (
            "time < :until",
            ":until",
            filter.until.map(|until| time(until).into()),
        ),
        (
            "seq > :after",
            ":after",
            filter.after.map(|after| integer(after).into()),
        ),
    ];
    // So that there is always one.
    let mut condition = "TRUE".to_owned();
    let mut values = Vec::new();
    for (sql, name, value) in all {
        if let Some(value) = value {
            condition.push_str(" AND ");
            condition.push_str(sql);
            values.push((name, value));
        }
    }
    if let [kind] = &filter.kinds[..]
        && ![Kind::RunStarted, Kind::RunFinished].contains(kind)
    {
        // Or SQLite does not see that the index of such kinds has them all.
        condition.push_str(" AND ");
        condition.push_str(SELDOM);
    }
    (condition, values)
}

impl Ledger {
    /// A part of the rows that a filter selects, oldest first unless it says
    /// otherwise, and how many it selects in all: `size` rows after the first
    /// `skip`. What is appended comes at the end, so a part of them, oldest
    /// first, does not change once it is full. The limit of the filter does not
    /// count.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn page(
        &self,
        filter: Filter,
        skip: u64,
        size: u32,
    ) -> Result<(Vec<Row>, u64), LedgerError> {
        self.storage().page(filter, skip, size).await
    }

    /// What clients did, of the rows that a filter selects, counted by client
    /// and activity. The kinds and the limit of the filter do not matter. What
    /// was only read is not recorded, and so not in it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn uses(&self, filter: Filter) -> Result<Vec<Use>, LedgerError> {
        let filter = Filter {
            kinds: Kind::DEEDS.to_vec(),
            ..filter
        };
        self.storage().uses(filter).await
    }

    /// The request, reply or export file of this identifier; none if there is
    /// no such row, or it is about something else.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn message(&self, id: Uuid) -> Result<Option<Row>, LedgerError> {
        self.storage().message(id).await
    }
}

impl Row {
    /// Whether it is about what was exchanged with the outside.
    pub fn is_message(&self) -> bool {
        Kind::MESSAGES.iter().any(|kind| kind.name() == self.kind)
    }
}

/// As SQLite has it. No ledger gets so long.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
