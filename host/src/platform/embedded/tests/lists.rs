//! Lists and their cursors.

use super::*;
use crate::bindings::koppel::loket::types::Problem;
use crate::platform::{Employers, JournalRuns, PayrollAdministrations, PayrollRuns};
use proptest::test_runner::{Config, TestRunner};

/// The lists, each with a parent that has a number of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Employers,
    PayrollAdministrations,
    PayrollRuns,
    PayrollRunResults,
    JournalRuns,
    JournalRunResults,
    JournalRunErrors,
}

const LISTS: [(List, u64); 7] = [
    (List::Employers, 4),
    (List::PayrollAdministrations, 3),
    (List::PayrollRuns, 15),
    (List::PayrollRunResults, 56),
    (List::JournalRuns, 12),
    (List::JournalRunResults, 14),
    (List::JournalRunErrors, 5),
];

/// A page: the items as JSON, the next cursor and the size of the whole.
type Listed = (Vec<serde_json::Value>, Option<String>, u64);

impl List {
    async fn page(self, data: &Data, request: PageRequest) -> Result<Listed, ActivityError> {
        macro_rules! listed {
            ($page:expr) => {{
                let page = $page.await?;
                let items = page.items.iter().map(|item| serde_json::json!(item));
                Ok((items.collect(), page.next, page.total_size))
            }};
        }
        let embedded = &data.embedded;
        let employers: Vec<Uuid> = (1..=4).rev().map(seed::employer_id).collect();
        let administration = seed::payroll_administration_id(1);
        match self {
            Self::Employers => listed!(embedded.employers(&employers, &request)),
            Self::PayrollAdministrations => {
                listed!(embedded.payroll_administrations(seed::employer_id(2), &request))
            }
            Self::PayrollRuns => listed!(embedded.payroll_runs(administration, &request)),
            Self::PayrollRunResults => {
                listed!(embedded.payroll_run_results(seed::payroll_run_id(1, 7), &request))
            }
            Self::JournalRuns => listed!(embedded.journal_runs(administration, &request)),
            Self::JournalRunResults => {
                listed!(embedded.journal_run_results(seed::journal_run_id(1, 7), &request))
            }
            Self::JournalRunErrors => {
                listed!(embedded.journal_run_errors(seed::journal_run_id(2, 12), &request))
            }
        }
    }

    /// All of it in one page.
    async fn whole(self, data: &Data) -> Vec<serde_json::Value> {
        let (items, next, total) = self.page(data, all()).await.unwrap();
        assert_eq!((next, total), (None, items.len() as u64), "{self:?}");
        items
    }

    /// All of it, page by page.
    async fn paged(self, data: &Data, size: u32) -> Vec<serde_json::Value> {
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let request = page(cursor.as_deref(), size);
            let (more, next, _) = self.page(data, request).await.unwrap();
            // One that has a next page is full.
            let full = more.len() == size as usize;
            assert!(full || (next.is_none() && more.len() < size as usize));
            assert!(next.is_none() || next != cursor);
            items.extend(more);
            cursor = next;
            if cursor.is_none() {
                return items;
            }
        }
    }
}

/// Demonstration data, with more in the lists that are short there.
async fn data() -> Data {
    let data = Data::seeded().await;
    let employer = seed::employer_id(2);
    for number in 1..=2 {
        data.execute(&format!(
            "INSERT INTO payroll_administration (id, employer, name) VALUES ('{}', '{employer}', 'more {number}')",
            Uuid::from_u128(number)
        ));
    }
    for number in 2..=5 {
        data.execute(&format!(
            "INSERT INTO journal_run_error SELECT journal_run, {number}, id, {number}, account_code, account_description, component_key, component_value, error_key, error_value FROM journal_run_error WHERE ord = 1"
        ));
    }
    data
}

/// A member of each item, as text.
fn members(items: &[serde_json::Value], name: &str) -> Vec<String> {
    items.iter().map(|item| item[name].to_string()).collect()
}

#[tokio::test]
async fn each_list_holds_what_belongs_to_its_parent() {
    let data = data().await;
    for (list, size) in LISTS {
        assert_eq!(list.whole(&data).await.len() as u64, size, "{list:?}");
    }
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_the_rest_in_order() {
    let data = data().await;
    let newest_first: Vec<u32> = (1..=12).rev().collect();
    // Payroll runs: also those of 2022.
    let runs = [newest_first.clone(), vec![3, 2, 1]].concat();
    for (list, newest_first) in [(List::PayrollRuns, runs), (List::JournalRuns, newest_first)] {
        let items = list.whole(&data).await;
        let period = |item: &serde_json::Value| {
            serde_json::from_value(item["payroll_period"]["period_number"].clone()).unwrap()
        };
        let periods: Vec<u32> = items.iter().map(period).collect();
        assert_eq!(periods, newest_first, "{list:?}");
    }
    let employers = List::Employers.whole(&data).await;
    assert_eq!(
        members(&employers, "employer_number"),
        ["1001", "1002", "1003", "2001"]
    );
    let administrations = List::PayrollAdministrations.whole(&data).await;
    assert_eq!(
        members(&administrations, "name"),
        [
            "\"Van Dam Installatietechniek B.V.\"",
            "\"more 1\"",
            "\"more 2\""
        ]
    );
    let errors = List::JournalRunErrors.whole(&data).await;
    assert_eq!(
        members(&errors, "payroll_employee_number"),
        ["3", "2", "3", "4", "5"]
    );
    let lines = List::JournalRunResults.whole(&data).await;
    assert_eq!(lines[0]["general_ledger_account"]["code"], "40110");
    assert_eq!(lines[13]["general_ledger_account"]["code"], "16101");
    let results = List::PayrollRunResults.whole(&data).await;
    let keys: Vec<_> = results[..5]
        .iter()
        .map(|item| item["payroll_component"]["key"].as_u64().unwrap())
        .collect();
    assert_eq!(keys, [1, 50, 60, 99, 1]);
}

#[tokio::test]
async fn employers_are_those_that_were_asked_for() {
    let data = data().await;
    let (one, three) = (seed::employer_id(1), seed::employer_id(3));
    let among = [three, Uuid::from_u128(9), one, one];
    let listed = data.embedded.employers(&among, &all()).await.unwrap();
    let ids: Vec<_> = listed.items.iter().map(|item| item.id.clone()).collect();
    assert_eq!(ids, [one.to_string(), three.to_string()]);
    assert_eq!(listed.total_size, 2);
    let none = data.embedded.employers(&[], &all()).await.unwrap();
    assert_eq!((none.items.len(), none.next, none.total_size), (0, None, 0));
}

#[tokio::test]
async fn the_list_of_an_unknown_parent_is_empty() {
    let data = data().await;
    let unknown = Uuid::from_u128(9);
    let embedded = &data.embedded;
    let runs = embedded.payroll_runs(unknown, &all()).await.unwrap();
    assert_eq!((runs.items.len(), runs.next, runs.total_size), (0, None, 0));
    let runs = embedded.journal_runs(unknown, &all()).await.unwrap();
    assert_eq!((runs.items.len(), runs.next, runs.total_size), (0, None, 0));
}

#[test]
fn pages_of_every_size_give_the_whole_list_once_and_in_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = runtime.block_on(data());
    let wholes: Vec<_> = LISTS
        .iter()
        .map(|(list, _)| runtime.block_on(list.whole(&data)))
        .collect();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(64)
    };
    // Small ones, those around the sizes of the lists, and large ones.
    let sizes = prop_oneof![1..=60_u32, 1..=1_000_u32, Just(1), Just(1_000)];
    let lists = 0..LISTS.len();
    TestRunner::new(config)
        .run(&(sizes, lists), |(size, at)| {
            let (list, _) = LISTS[at];
            let paged = runtime.block_on(list.paged(&data, size));
            prop_assert_eq!(&paged, &wholes[at], "{:?} by {}", list, size);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn the_last_page_has_no_next_one_even_when_it_is_full() {
    let data = data().await;
    for (list, total) in LISTS {
        let size = u32::try_from(total).unwrap();
        let (items, next, whole) = list.page(&data, page(None, size)).await.unwrap();
        assert_eq!((items.len() as u64, next, whole), (total, None, total));
        let (items, next, whole) = list.page(&data, page(None, size - 1)).await.unwrap();
        assert_eq!((items.len() as u64, whole), (total - 1, total));
        let (items, next, whole) = list.page(&data, page(next.as_deref(), size)).await.unwrap();
        assert_eq!((items.len(), next, whole), (1, None, total));
    }
}

#[tokio::test]
async fn a_cursor_stays_good_while_items_are_added() {
    let data = data().await;
    let before = List::JournalRuns.whole(&data).await;
    let (first, next, _) = List::JournalRuns.page(&data, page(None, 5)).await.unwrap();
    // One that is newer than all, and one that comes last.
    for (id, ord) in [(1, 99), (2, 0)] {
        data.execute(&format!(
            "INSERT INTO journal_run SELECT '{}', payroll_administration, payroll_run, {ord}, year, period_number, period_start, period_end, status, processing_finished_time FROM journal_run WHERE id = '{}'",
            Uuid::from_u128(id),
            seed::journal_run_id(1, 1)
        ));
    }
    let request = page(next.as_deref(), 100);
    let (rest, next, total) = List::JournalRuns.page(&data, request).await.unwrap();
    assert_eq!((next, total), (None, 14));
    let mut expected = before;
    let seen = [first, rest].concat();
    expected.push(seen[12].clone());
    assert_eq!(seen, expected);
    assert_eq!(seen[12]["id"], Uuid::from_u128(2).to_string());
}

fn invalid(field: &str, description: &str) -> ActivityError {
    ActivityError::Invalid(vec![Problem {
        code: 400,
        description: description.to_owned(),
        properties: vec![field.to_owned()],
    }])
}

#[tokio::test]
async fn sizes_outside_1_to_1000_are_refused() {
    let data = data().await;
    for (list, _) in LISTS {
        for size in [0, 1_001, u32::MAX] {
            let refused = list.page(&data, page(None, size)).await;
            let why = format!("pageSize: must be 1 to 1000, not {size}");
            assert_eq!(refused, Err(invalid("pageSize", &why)), "{list:?}");
        }
        assert!(list.page(&data, page(None, 1_000)).await.is_ok());
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let data = data().await;
    let mut cursors = Vec::new();
    for (list, _) in LISTS {
        let (_, next, _) = list.page(&data, page(None, 1)).await.unwrap();
        cursors.push((list, next.unwrap()));
    }
    for (list, _) in LISTS {
        for (of, cursor) in &cursors {
            let answered = list.page(&data, page(Some(cursor), 1)).await;
            if list == *of {
                assert!(answered.is_ok());
            } else {
                let refused = invalid("cursor", "cursor: is not a cursor of this list");
                assert_eq!(answered, Err(refused), "{list:?} by one of {of:?}");
            }
        }
    }
    // The same sort of list, of another parent.
    let (administration, request) = (seed::payroll_administration_id(2), page(None, 1));
    let other = data.embedded.payroll_runs(administration, &request).await;
    let request = page(other.unwrap().next.as_deref(), 1);
    let refused = invalid("cursor", "cursor: is not a cursor of this list");
    assert_eq!(List::PayrollRuns.page(&data, request).await, Err(refused));
}

#[tokio::test]
async fn a_cursor_that_was_made_up_is_refused() {
    let data = data().await;
    let (_, next, _) = List::PayrollRuns.page(&data, page(None, 1)).await.unwrap();
    let good = next.unwrap();
    let mark = &good[..8];
    for cursor in [
        String::new(),
        "x".to_owned(),
        mark.to_owned(),
        good[..23].to_owned(),
        format!("{good}0"),
        format!("{mark}000000000000000g"),
        format!("{mark}00000000000000é"),
        format!("{mark}' OR 1 = 1 -- x"),
        format!(" {good}"),
        good.to_uppercase() + "Z",
    ] {
        let refused = List::PayrollRuns.page(&data, page(Some(&cursor), 1)).await;
        assert_eq!(
            refused,
            Err(invalid("cursor", "cursor: is not a cursor of this list")),
            "{cursor:?}"
        );
    }
}
