use super::super::chain::{GENESIS, hash};
use super::*;

const CHANGED: &str = "it was changed, or the row before it was replaced";

#[track_caller]
fn broken(verified: Result<Verified, Broken>, seq: u64, why: &str, how: &str) {
    let why = why.to_owned();
    let expected = Broken { seq, why };
    assert_eq!(verified, Err(expected.clone()), "{how}");
    assert_eq!(
        expected.to_string(),
        format!("row {seq} of the ledger: {}", expected.why)
    );
}

#[tokio::test]
async fn an_empty_ledger_holds_together() {
    let ledger = TestLedger::new();
    let expected = Verified {
        rows: 0,
        erased: 0,
        head: GENESIS.to_owned(),
    };
    assert_eq!(ledger.verify().await, Ok(expected));
}

#[tokio::test]
async fn a_ledger_holds_together_and_its_head_is_the_hash_of_the_last_row() {
    let ledger = TestLedger::of(4).await;
    let entry = Entry::new(context(5), Kind::RunFinished, String::new());
    ledger.append(entry).await;
    let verified = ledger.verify().await.unwrap();
    assert_eq!(verified.rows, 5);
    assert_eq!(verified.head, ledger.row(5).await.0.hash);
    assert_eq!(verified.head.len(), 64);
    // Each row is chained to the one before.
    let mut previous = GENESIS.to_owned();
    for row in ledger.rows(Filter::default()).await {
        let row = ledger.in_chain(row);
        assert_eq!(row.hash, hash(&previous, &row));
        previous = row.hash;
    }
}

#[tokio::test]
async fn sql_can_neither_change_nor_remove_a_row() {
    let ledger = TestLedger::of(2).await;
    let connection = Connection::open(ledger.path()).unwrap();
    for sql in [
        "UPDATE ledger SET client = 'x' WHERE seq = 1",
        "UPDATE ledger SET seq = 9 WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 2",
        "DELETE FROM ledger",
    ] {
        let refused = connection.execute(sql, []).unwrap_err();
        assert_eq!(refused.to_string(), "the ledger is append only", "{sql}");
    }
    assert_eq!(ledger.verify().await.map(|verified| verified.rows), Ok(2));
}

#[tokio::test]
async fn sql_cannot_replace_a_row() {
    let ledger = TestLedger::of(2).await;
    let connection = Connection::open(ledger.path()).unwrap();
    // SQLite runs no DELETE trigger for the row that a REPLACE pushes out.
    let refused = connection.execute(
        "REPLACE INTO ledger SELECT seq, time, run, 'x', \"user\", employer, kind, activity, \"check\", exchange, summary, status, outcome, headers, body_size, body_sha256, hash, body FROM ledger WHERE seq = 1",
        [],
    );
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the ledger is append only"
    );
    assert_eq!(ledger.row(1).await.0.context, context(1));
}

#[tokio::test]
async fn a_change_of_any_column_is_found_in_its_row() {
    let changes = [
        "seq = 9",
        "time = '2025-01-01T00:00:00.000000Z'",
        "run = '00000000-0000-0000-0000-000000000009'",
        "client = 'x'",
        "client = 'client-2 '",
        "\"user\" = 'x'",
        "employer = '00000000-0000-0000-0000-000000000009'",
        "kind = 'request'",
        "activity = 'GetEmployerByEmployerId'",
        "activity = NULL",
        "\"check\" = 'client'",
        "\"check\" = NULL",
        "exchange = '00000000-0000-0000-0000-000000000009'",
        "exchange = NULL",
        "summary = 'POST https://party.test/3'",
        "status = 200",
        "status = NULL",
        "outcome = 'failed'",
        "outcome = NULL",
        "outcome = ''",
        "headers = '[[\"accept\",\"*/*\"],[\"x-note\",\"een\"],[\"x-note\",\"\"]]'",
        "headers = '[[\"x-note\",\"één\"],[\"accept\",\"*/*\"],[\"x-note\",\"\"]]'",
        "headers = '[[\"accept\",\"*/*\"],[\"x-note\",\"één\"]]'",
        "headers = 'nothing'",
        "body_size = 11",
        "body_sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', body = x''",
        "hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
        "hash = (SELECT hash FROM ledger WHERE seq = 1)",
        // Two fields run together are not one and the other.
        "client = 'client-2user', \"user\" = '-2'",
    ];
    for change in changes {
        let ledger = TestLedger::of(3).await;
        ledger.tamper(&format!("UPDATE ledger SET {change} WHERE seq = 2"));
        let verified = ledger.verify().await;
        match change {
            // It looks like a row that is gone, and is.
            "seq = 9" => broken(verified, 3, "row 2 is missing", change),
            _ => broken(verified, 2, CHANGED, change),
        }
    }
}

#[tokio::test]
async fn a_changed_or_removed_body_is_found() {
    for (change, why) in [
        ("UPDATE content SET body = x'00'", "its body was changed"),
        ("UPDATE content SET body = x''", "its body was changed"),
        ("UPDATE content SET body = NULL", "its body was removed"),
        ("DELETE FROM content", "its body was removed"),
        (
            "UPDATE content SET private = CAST(replace(CAST(private AS TEXT), 'party', 'other') AS BLOB)",
            "what lies beside it was changed",
        ),
        (
            "UPDATE content SET private = x''",
            "what lies beside it was changed",
        ),
    ] {
        let ledger = TestLedger::of(3).await;
        ledger.tamper(&format!("{change} WHERE seq = 2"));
        broken(ledger.verify().await, 2, why, change);
    }
}

#[tokio::test]
async fn what_was_empty_and_is_filled_is_found() {
    for change in [
        "activity = ''",
        "\"check\" = ''",
        "exchange = ''",
        "outcome = ''",
        "status = 0",
        "headers = '[[\"\",\"\"]]'",
        // What reads as no headers all the same.
        "headers = 'nothing'",
        "headers = '[ ]'",
    ] {
        let ledger = TestLedger::new();
        let entry = Entry::new(context(1), Kind::RunStarted, String::new());
        ledger.append(entry).await;
        ledger.tamper(&format!("UPDATE ledger SET {change}"));
        broken(ledger.verify().await, 1, CHANGED, change);
    }
}

#[tokio::test]
async fn an_identifier_that_filters_would_miss_is_found() {
    for change in [
        "run = '{00000000-0000-0000-0000-00000000000a}'",
        "run = '0000000000000000000000000000000a'",
        "employer = upper(employer)",
    ] {
        let ledger = TestLedger::new();
        let mut entry = full(10);
        entry.context.employer = Uuid::from_u128(0xa);
        ledger.append(entry).await;
        ledger.tamper(&format!("UPDATE ledger SET {change}"));
        broken(ledger.verify().await, 1, CHANGED, change);
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_found_in_its_row() {
    for change in [
        "status = 65736",
        "status = -1",
        "body_size = -1",
        "summary = CAST(x'ff' AS TEXT)",
    ] {
        let ledger = TestLedger::of(3).await;
        ledger.tamper(&format!("UPDATE ledger SET {change} WHERE seq = 2"));
        let broken = ledger.verify().await.unwrap_err();
        assert_eq!(broken.seq, 2, "{change}");
        assert!(broken.why.starts_with("it cannot be read: "), "{broken}");
    }
}

#[tokio::test]
async fn a_removed_row_is_found() {
    for (removed, found) in [(1, 2), (2, 3), (3, 4)] {
        let ledger = TestLedger::of(4).await;
        ledger.tamper(&format!("DELETE FROM ledger WHERE seq = {removed}"));
        let why = format!("row {removed} is missing");
        broken(ledger.verify().await, found, &why, "removed");
        // Moving the others up does not hide it.
        ledger.tamper(&format!(
            "UPDATE ledger SET seq = seq - 1 WHERE seq > {removed}"
        ));
        broken(ledger.verify().await, removed, CHANGED, "moved up");
    }
}

#[tokio::test]
async fn a_removed_last_row_is_found_by_a_head_that_was_kept_elsewhere() {
    let ledger = TestLedger::of(3).await;
    let kept = ledger.verify().await.unwrap();
    ledger.tamper("DELETE FROM ledger WHERE seq = 3");
    let verified = ledger.verify().await.unwrap();
    assert_eq!(verified.rows, 2);
    assert_ne!(verified.head, kept.head);
    // Another row in its place has another hash, and the chain goes on from it.
    assert_eq!(ledger.append(full(3)).await, 3);
    let verified = ledger.verify().await.unwrap();
    assert_eq!(verified.rows, kept.rows);
    assert_ne!(verified.head, kept.head);
}

#[tokio::test]
async fn swapped_rows_are_found() {
    let ledger = TestLedger::of(4).await;
    ledger.tamper(
        "UPDATE ledger SET seq = 99 WHERE seq = 2; UPDATE ledger SET seq = 2 WHERE seq = 3; UPDATE ledger SET seq = 3 WHERE seq = 99;",
    );
    broken(ledger.verify().await, 2, CHANGED, "swapped");
}

#[tokio::test]
async fn an_inserted_row_is_found() {
    let ledger = TestLedger::of(2).await;
    let copy = "time, run, client, \"user\", employer, kind, activity, \"check\", exchange, summary, status, outcome, headers, body_size, body_sha256, hash, body FROM ledger WHERE seq = 2";
    ledger.tamper(&format!("INSERT INTO ledger SELECT 3, {copy}"));
    broken(ledger.verify().await, 3, CHANGED, "at the end");
    let ledger = TestLedger::of(2).await;
    ledger.tamper(&format!("INSERT INTO ledger SELECT 0, {copy}"));
    broken(ledger.verify().await, 0, "row 1 is missing", "at the start");
}

#[tokio::test]
async fn a_row_that_was_replaced_with_its_own_hash_is_found_in_the_next() {
    let ledger = TestLedger::of(3).await;
    let (first, _) = ledger.row(1).await;
    let mut second = ledger.in_chain(ledger.row(2).await.0);
    second.context.client = "x".to_owned();
    let forged = hash(&first.hash, &second);
    ledger.tamper(&format!(
        "UPDATE ledger SET client = 'x', hash = '{forged}' WHERE seq = 2"
    ));
    broken(ledger.verify().await, 3, CHANGED, "replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_ledgers_on_one_file_append_without_breaking_the_chain() {
    let ledger = TestLedger::new();
    let append = |ledger: Ledger, from: u32| async move {
        let mut numbers = Vec::new();
        for number in from..from + 20 {
            numbers.push(ledger.append(full(number)).await.unwrap());
        }
        numbers
    };
    let tasks = [
        tokio::spawn(append(ledger.ledger.clone(), 0)),
        tokio::spawn(append(ledger.again(), 100)),
        tokio::spawn(append(ledger.again(), 200)),
    ];
    let mut numbers = Vec::new();
    for task in tasks {
        let mine = task.await.unwrap();
        assert!(mine.is_sorted());
        numbers.extend(mine);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=60).collect::<Vec<u64>>());
    assert_eq!(ledger.verify().await.map(|verified| verified.rows), Ok(60));
}
