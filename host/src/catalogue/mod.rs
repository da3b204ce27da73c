//! The catalogue: every activity that koppel knows, one row each.
//!
//! A row ties together the Loket `operationId`, its REST method and path, the
//! WIT function that performs it and the module (product) it belongs to. The
//! contract tests compare the rows with `wit/`, with the SDK and with Loket's
//! own list of operations, so that none of them can drift.

mod rows;

pub use rows::{ROWS, id};

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

/// The modules (products) that there are, in the order of their names.
pub static MODULES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let names: BTreeSet<_> = ROWS.iter().filter_map(|row| row.module).collect();
    names.into_iter().collect()
});

/// Whose operation an activity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An operation of Loket's REST API v2.
    Loket,
    /// An operation that Loket's API does not have, named in the same way and
    /// served below the same `/v2`.
    Koppel,
}

/// Whether an activity changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Reads only.
    Read,
    /// Changes data, or sends something to an outside party.
    Write,
}

/// How a connector performs an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Surface {
    /// By calling a function of the contract: `interface` and `function` in
    /// kebab-case, within the package `koppel:loket`.
    Function {
        /// The interface, such as `journal-runs`.
        interface: &'static str,
        /// The function, which is the `operationId` in kebab-case.
        function: &'static str,
    },
    /// By an act of the host on behalf of the connector: an outside request
    /// whose rule names the activity, or an export file.
    Act,
    /// Not at all: it is for people, through an application of theirs (the
    /// command `koppel`, or the REST API). No component can even ask for it.
    Rest,
}

/// One row of the catalogue.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// The `operationId`.
    pub id: &'static str,
    /// Whose operation it is.
    pub origin: Origin,
    /// The HTTP method of the operation in the REST API v2.
    pub method: &'static str,
    /// The path of the operation, below `/v2`.
    pub path: &'static str,
    /// How a connector performs it.
    pub surface: Surface,
    /// Whether it changes something.
    pub access: Access,
    /// The module (product) that the employer or its provider must have on, if
    /// the activity belongs to one.
    pub module: Option<&'static str>,
    /// What it does, for a person.
    pub summary: &'static str,
}

/// An activity: a reference to its row in the catalogue. Small and cheap to
/// compare, so that authorization can work on bit sets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Activity(u16);

impl Activity {
    /// Finds an activity by its `operationId`. The comparison is exact.
    pub fn find(id: &str) -> Option<Self> {
        ROWS.iter().position(|row| row.id == id).and_then(Self::at)
    }

    /// Finds the activity that a function of `koppel:loket` performs.
    pub fn of_function(interface: &str, function: &str) -> Option<Self> {
        ROWS.iter()
            .position(|row| matches!(row.surface, Surface::Function { interface: i, function: f } if i == interface && f == function))
            .and_then(Self::at)
    }

    /// All activities, in the order of the catalogue.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..ROWS.len()).filter_map(Self::at)
    }

    fn at(index: usize) -> Option<Self> {
        u16::try_from(index).ok().map(Self)
    }

    /// The position in the catalogue.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The row.
    pub fn row(self) -> &'static Row {
        // An Activity is only made from a position in ROWS.
        &ROWS[self.index()]
    }

    /// The `operationId`.
    pub fn id(self) -> &'static str {
        self.row().id
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl serde::Serialize for Activity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// The known `operationId` nearest to a misspelt one, if any is near.
pub fn suggestion(unknown: &str) -> Option<&'static str> {
    let wanted = unknown.to_lowercase();
    ROWS.iter()
        .map(|row| {
            (
                strsim::jaro_winkler(&wanted, &row.id.to_lowercase()),
                row.id,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.9)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_activity_is_listed_once() {
        let ids: HashSet<_> = ROWS.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), ROWS.len());
        let operations: HashSet<_> = ROWS.iter().map(|row| (row.method, row.path)).collect();
        assert_eq!(operations.len(), ROWS.len());
    }

    #[test]
    fn a_constant_means_the_row_of_its_name() {
        assert_eq!(id::GetEmployersByUserId.id(), "GetEmployersByUserId");
        assert_eq!(
            id::GetAdditionalTaxliabilityByLicensePlateNumber.id(),
            "GetAdditionalTaxliabilityByLicensePlateNumber"
        );
        for activity in Activity::all() {
            assert_eq!(Activity::find(activity.id()), Some(activity));
        }
    }

    #[test]
    fn a_misspelt_activity_is_suggested() {
        assert_eq!(
            suggestion("getJournalRunByJournalrunId"),
            Some("GetJournalRunByJournalRunId")
        );
        assert_eq!(suggestion("DropTable"), None);
    }
}
