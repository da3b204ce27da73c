//! What is read ahead is what would be read.

use super::super::ahead::MOST;
use super::*;
use crate::bindings::koppel::loket::journal_runs::JournalLinePage;
use crate::platform::JournalRuns;

/// A page of two lines of a journal run, which has 14.
async fn lines(data: &Data, id: Uuid, cursor: Option<&str>) -> JournalLinePage {
    let asked = page(cursor, 2);
    let lines = data.embedded.journal_run_results(id, &asked).await;
    lines.unwrap()
}

/// Asks for the first two pages, and gives the cursor of the third.
async fn third(data: &Data, id: Uuid) -> Option<String> {
    let first = lines(data, id, None).await;
    lines(data, id, first.next.as_deref()).await.next
}

fn run() -> Uuid {
    seed::journal_run_id(1, 6)
}

#[tokio::test]
async fn the_next_page_is_read_before_it_is_asked_for() {
    let data = Data::seeded().await;
    let first = lines(&data, run(), None).await;
    assert_eq!(data.embedded.ahead.pages().len(), 0, "it may be all");
    let mut cursor = first.next.clone();
    let mut read = first.items;
    while cursor.is_some() {
        let page = lines(&data, run(), cursor.as_deref()).await;
        let more = usize::from(page.next.is_some());
        assert_eq!(data.embedded.ahead.pages().len(), more);
        read.extend(page.items);
        cursor = page.next;
    }
    let whole = data.embedded.journal_run_results(run(), &all()).await;
    let whole = whole.unwrap().items;
    assert_eq!(serde_json::json!(read), serde_json::json!(whole));
}

#[tokio::test]
async fn a_page_that_was_read_ahead_is_read_again_after_a_change() {
    let data = Data::seeded().await;
    let third = third(&data, run()).await;
    let other = Connection::open(data.path()).unwrap();
    // It is read ahead before it is changed.
    while !data
        .embedded
        .ahead
        .pages()
        .iter()
        .all(|(_, page)| page.is_finished())
    {
        tokio::task::yield_now().await;
    }
    let change = "UPDATE journal_line SET account_description = 'Lonen, gewijzigd'";
    other.execute_batch(change).unwrap();
    let page = lines(&data, run(), third.as_deref()).await;
    assert_eq!(page.items.len(), 2);
    for line in page.items {
        let account = line.general_ledger_account;
        assert_eq!(account.description, "Lonen, gewijzigd");
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_read_ahead_tells_why_when_it_is_asked_for() {
    let data = Data::seeded().await;
    let third = third(&data, run()).await;
    data.execute("UPDATE journal_run SET status = 1");
    let asked = page(third.as_deref(), 2);
    let refused = data.embedded.journal_run_results(run(), &asked).await;
    let Err(ActivityError::Conflict(why)) = refused else {
        panic!("{refused:?}");
    };
    let expected = format!(
        "journal run {} has no results: its status is 1 (no results)",
        run()
    );
    assert_eq!(why, expected);
}

#[tokio::test]
async fn pages_that_nobody_asks_for_make_room() {
    let data = Data::seeded().await;
    let mut copies = String::new();
    for number in 0..=MOST {
        let id = Uuid::from_u128(number as u128);
        copies += &format!(
            "INSERT INTO journal_run SELECT '{id}', payroll_administration, payroll_run, ord + 100 + {number}, year, period_number, period_start, period_end, status, processing_finished_time FROM journal_run WHERE id = '{0}';
             INSERT INTO journal_line SELECT '{id}', ord, account_code, account_description, cost_center_code, cost_center_description, cost_unit_code, cost_unit_description, component_key, component_value, debit, credit FROM journal_line WHERE journal_run = '{0}';",
            run()
        );
    }
    data.execute(&copies);
    let mut last = None;
    for number in 0..=MOST {
        last = third(&data, Uuid::from_u128(number as u128)).await;
    }
    assert_eq!(data.embedded.ahead.pages().len(), MOST);
    // The newest is there.
    let id = Uuid::from_u128(MOST as u128);
    let page = lines(&data, id, last.as_deref()).await;
    assert_eq!(page.items.len(), 2);
    assert_eq!(data.embedded.ahead.pages().len(), MOST);
}
