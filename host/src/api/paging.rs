//! Loket's pages, by number, on lists that have cursors.

use crate::bindings::koppel::loket as records;
use crate::bindings::koppel::loket::types::{ActivityError, PageRequest, Problem};
use crate::session::Fault;

/// The most items on a page, and how many there are unless the caller says
/// otherwise.
pub(super) const MOST: u32 = 250;

/// How many items are fetched at a time to get past them.
const STRIDE: u64 = 1000;

/// A page of a list of the contract.
pub(crate) trait Page: Clone + Send + Sync + 'static {
    /// What the list is of.
    type Item: Send + 'static;

    /// The items, the cursor of the next page, and how many items there are.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>, u64);
}

macro_rules! pages {
    ($($page:ty: $item:ty),+ $(,)?) => {$(
        impl Page for $page {
            type Item = $item;

            fn into_parts(self) -> (Vec<$item>, Option<String>, u64) {
                (self.items, self.next, self.total_size)
            }
        }
    )+};
}

pages! {
    records::employers::EmployerPage: records::employers::Employer,
    records::payroll_administrations::PayrollAdministrationPage: records::payroll_administrations::PayrollAdministration,
    records::payroll_runs::PayrollRunPage: records::payroll_runs::PayrollRun,
    records::journal_runs::JournalRunPage: records::journal_runs::JournalRun,
    records::journal_runs::JournalLinePage: records::journal_runs::JournalLine,
    records::journal_runs::JournalRunErrorPage: records::journal_runs::JournalRunError,
    records::journal_runs::ExportAuditRecordPage: records::journal_runs::ExportAuditRecord,
    records::employees::EmployeePage: records::employees::Employee,
    records::employments::EmploymentPage: records::employments::Employment,
    records::payroll_tax_returns::PayrollTaxReturnPage: records::payroll_tax_returns::PayrollTaxReturn,
    records::upa_pension_declarations::UpaPensionDeclarationPage: records::upa_pension_declarations::UpaPensionDeclaration,
    records::insurance::InsuredWagePercentagePage: records::insurance::InsuredWagePercentage,
}

/// Which page a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// From 1.
    pub(super) number: u64,
    /// From 1 to [`MOST`].
    pub(super) size: u32,
}

impl Wanted {
    /// Reads `pageNumber` and `pageSize`.
    ///
    /// # Errors
    ///
    /// `invalid`, with all that is wrong.
    pub(super) fn read(number: Option<&str>, size: Option<&str>) -> Result<Self, ActivityError> {
        let mut problems = Vec::new();
        let mut one = |name: &str, text: Option<&str>, default: u64, most: u64, range: &str| {
            let value = match text {
                None => Some(default),
                Some(text) if text.bytes().all(|c| c.is_ascii_digit()) => {
                    text.parse().ok().filter(|value| (1..=most).contains(value))
                }
                Some(_) => None,
            };
            value.unwrap_or_else(|| {
                problems.push(Problem {
                    code: 400,
                    description: format!(
                        "{name}: must be {range}, not {:?}",
                        text.unwrap_or_default()
                    ),
                    properties: vec![name.to_owned()],
                });
                default
            })
        };
        let most = u64::from(MOST);
        let number = one("pageNumber", number, 1, u32::MAX.into(), "a number from 1");
        let size = one("pageSize", size, most, most, "1 to 250");
        if !problems.is_empty() {
            return Err(ActivityError::Invalid(problems));
        }
        Ok(Self {
            number,
            size: u32::try_from(size).unwrap_or(MOST),
        })
    }

    /// How many items come before the page.
    pub(super) fn before(self) -> u64 {
        (self.number - 1) * u64::from(self.size)
    }

    /// The items of the page, of a list that is at hand as a whole.
    pub(super) fn cut<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter()
            .skip(usize::try_from(self.before()).unwrap_or(usize::MAX))
            .take(self.size as usize)
            .collect()
    }

    /// Gets the page: past the items before it, many at a time, and then the
    /// page itself. A page after the last one is empty.
    ///
    /// # Errors
    ///
    /// Those of `fetch`.
    pub(super) async fn get<P, F>(
        self,
        fetch: impl Fn(PageRequest) -> F,
    ) -> Result<(Vec<P::Item>, u64), Fault>
    where
        P: Page,
        F: Future<Output = Result<P, Fault>>,
    {
        let mut before = self.before();
        let mut cursor = None;
        while before > 0 {
            let size = before.min(STRIDE);
            let page = fetch(PageRequest {
                size: u32::try_from(size).unwrap_or(MOST),
                cursor,
            })
            .await?;
            let (_, next, total) = page.into_parts();
            if next.is_none() {
                return Ok((Vec::new(), total));
            }
            cursor = next;
            before -= size;
        }
        let page = fetch(PageRequest {
            size: self.size,
            cursor,
        })
        .await?;
        let (items, _, total) = page.into_parts();
        Ok((items, total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone)]
    struct Numbers(Vec<u64>, Option<String>, u64);

    impl Page for Numbers {
        type Item = u64;

        fn into_parts(self) -> (Vec<u64>, Option<String>, u64) {
            (self.0, self.1, self.2)
        }
    }

    /// A page of the numbers below `total`; its cursor is where it starts.
    async fn numbers(total: u64, page: PageRequest) -> Result<Numbers, Fault> {
        let start: u64 = page.cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let end = (start + u64::from(page.size)).min(total);
        let next = (end < total).then(|| end.to_string());
        Ok(Numbers((start..end).collect(), next, total))
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let refused = |number, size| match Wanted::read(number, size) {
            Err(ActivityError::Invalid(problems)) => problems
                .into_iter()
                .map(|problem| problem.description)
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        for number in [
            "0",
            "-1",
            "+1",
            "1.0",
            "x",
            "4294967296",
            "99999999999999999999999",
        ] {
            assert_eq!(
                refused(Some(number), None),
                [format!(
                    "pageNumber: must be a number from 1, not {number:?}"
                )]
            );
        }
        assert_eq!(
            refused(Some("0"), Some("251")),
            [
                "pageNumber: must be a number from 1, not \"0\"",
                "pageSize: must be 1 to 250, not \"251\""
            ]
        );
        let wanted = Wanted {
            number: 1,
            size: 250,
        };
        assert_eq!(Wanted::read(None, None), Ok(wanted));
    }

    proptest! {
        #[test]
        fn pages_by_number_are_the_list_cut_in_pieces(total in 0u64..5000, number in 1u64..40, size in 1u32..=250) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let got = runtime.block_on(Wanted { number, size }.get(|page| numbers(total, page)));
            let (items, found) = got.unwrap_or_else(|_| panic!("it failed"));
            let start = ((number - 1) * u64::from(size)).min(total);
            let end = (start + u64::from(size)).min(total);
            prop_assert_eq!(items, (start..end).collect::<Vec<_>>());
            prop_assert_eq!(found, total);
        }
    }
}
