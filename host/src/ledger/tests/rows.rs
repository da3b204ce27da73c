use super::*;
use jiff::Timestamp;

#[tokio::test]
async fn every_field_is_read_back() {
    let ledger = TestLedger::new();
    let before = Timestamp::now();
    assert_eq!(ledger.append(full(7)).await, 1);
    let (row, body) = ledger.row(1).await;
    let time: Timestamp = row.time.parse().unwrap();
    // The ledger keeps microseconds.
    assert!(before.as_microsecond() <= time.as_microsecond() && time <= Timestamp::now());
    assert_eq!(row.time.len(), "2025-01-31T09:30:00.000000Z".len());
    assert_eq!(body.as_deref(), Some("body 7 €".as_bytes()));
    let expected = Row {
        seq: 1,
        id: row.id,
        time: row.time.clone(),
        context: context(7),
        kind: "response".to_owned(),
        activity: Some("GetJournalRunByJournalRunId".to_owned()),
        check: Some("module".to_owned()),
        exchange: Some(Uuid::from_u128(2_007).to_string()),
        summary: "POST https://party.test/7".to_owned(),
        status: Some(201),
        outcome: Some("processed".to_owned()),
        headers: headers(&[("accept", "*/*"), ("x-note", "één"), ("x-note", "")]),
        body_size: 10,
        body_sha256: super::super::chain::sha256("body 7 €".as_bytes()),
        hash: row.hash.clone(),
    };
    assert_eq!(row, expected);
    assert_eq!(ledger.rows(Filter::default()).await, [expected]);
}

#[tokio::test]
async fn what_is_left_empty_stays_empty() {
    let ledger = TestLedger::new();
    let entry = Entry::new(context(1), Kind::RunStarted, String::new());
    ledger.append(entry).await;
    let (row, body) = ledger.row(1).await;
    assert_eq!(body.as_deref(), Some(&[][..]));
    assert_eq!(
        (
            row.activity,
            row.check,
            row.exchange,
            row.outcome,
            row.status
        ),
        (None, None, None, None, None)
    );
    assert_eq!((row.summary.as_str(), row.body_size), ("", 0));
    assert_eq!(row.headers, []);
    // The SHA-256 of nothing.
    assert_eq!(
        row.body_sha256,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[tokio::test]
async fn a_body_is_kept_to_the_byte() {
    let ledger = TestLedger::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let entry = Entry::new(context(1), Kind::ExportFile, "a.xaf".to_owned());
    let entry = Entry {
        body: bytes.clone(),
        ..entry
    };
    ledger.append(entry).await;
    assert_eq!(ledger.row(1).await.1, Some(bytes));
}

#[tokio::test]
async fn a_body_above_the_limit_keeps_its_size_and_hash_only() {
    let ledger = TestLedger::new();
    for size in [MAX_BODY, MAX_BODY + 1] {
        let entry = Entry::new(context(1), Kind::Response, "large".to_owned());
        let body = vec![0; size];
        ledger.append(Entry { body, ..entry }).await;
    }
    let (row, body) = ledger.row(1).await;
    assert_eq!(row.body_size, 67_108_864);
    assert_eq!(body.map(|body| body.len()), Some(MAX_BODY));
    assert_eq!(
        row.body_sha256,
        // head -c 67108864 /dev/zero | sha256sum
        "3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351"
    );
    let (row, body) = ledger.row(2).await;
    assert_eq!((row.body_size, body), (67_108_865, None));
    assert_eq!(
        row.body_sha256,
        "91990977345985aaf03af1358f4f989d7eaf985b58529efb72f613c588f6599a"
    );
    assert_eq!(ledger.verify().await.map(|verified| verified.rows), Ok(2));
}

#[tokio::test]
async fn a_body_that_is_too_large_to_be_given_is_its_size_and_hash() {
    let ledger = TestLedger::new();
    let large = Large {
        size: MAX_BODY as u64 + 1,
        sha256: "91990977345985aaf03af1358f4f989d7eaf985b58529efb72f613c588f6599a".to_owned(),
    };
    let entry = Entry::new(context(1), Kind::ExportFile, "large.xaf".to_owned());
    let entry = Entry {
        large: Some(large),
        ..entry
    };
    ledger.append(entry).await;
    let (row, body) = ledger.row(1).await;
    assert_eq!((row.body_size, body), (67_108_865, None));
    assert_eq!(
        row.body_sha256,
        "91990977345985aaf03af1358f4f989d7eaf985b58529efb72f613c588f6599a"
    );
    assert_eq!(ledger.verify().await.map(|verified| verified.rows), Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_together_are_all_there_in_one_chain() {
    let ledger = TestLedger::new();
    let other = ledger.again();
    let mut appending = tokio::task::JoinSet::new();
    for number in 1..=600 {
        // Another process appends at the same time.
        let ledger = if number % 3 == 0 {
            &other
        } else {
            &ledger.ledger
        };
        let ledger = ledger.clone();
        appending.spawn(async move { ledger.append(full(number)).await.unwrap() });
    }
    let mut numbers = appending.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=600).collect::<Vec<_>>());
    assert_eq!(ledger.verify().await.map(|verified| verified.rows), Ok(600));
}

#[tokio::test]
async fn the_end_of_a_run_is_recorded_after_its_beginning() {
    let ledger = TestLedger::new();
    let entry = |kind| Entry::new(context(1), kind, "check".to_owned());
    let opening = ledger.ledger.open_run(entry(Kind::RunStarted));
    let end = ledger.ledger.close_run(&opening, entry(Kind::RunFinished));
    assert_eq!(end.await.unwrap(), 2);
    let kinds: Vec<_> = ledger.rows(Filter::default()).await;
    let kinds: Vec<_> = kinds.into_iter().map(|row| row.kind).collect();
    assert_eq!(kinds, ["run-started", "run-finished"]);
}

#[tokio::test]
async fn a_row_that_is_not_there_is_none() {
    let ledger = TestLedger::of(1).await;
    for seq in [0, 2, u64::from(u32::MAX)] {
        assert_eq!(ledger.ledger.row(seq).await.unwrap(), None);
    }
}

#[tokio::test]
async fn rows_are_numbered_from_1_and_go_on_after_reopening() {
    let ledger = TestLedger::of(2).await;
    let again = ledger.again();
    assert_eq!(again.append(full(3)).await.unwrap(), 3);
    assert_eq!(ledger.append(full(4)).await, 4);
    let numbers = ledger.numbers(Filter::default()).await;
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[tokio::test]
async fn each_kind_is_stored_by_its_name() {
    let ledger = TestLedger::new();
    let kinds = [
        (Kind::RunStarted, "run-started"),
        (Kind::RunFinished, "run-finished"),
        (Kind::Request, "request"),
        (Kind::Response, "response"),
        (Kind::ExportFile, "export-file"),
        (Kind::Denial, "denial"),
        (Kind::ActivityWrite, "activity-write"),
    ];
    for (kind, name) in kinds {
        ledger
            .append(Entry::new(context(1), kind, "x".to_owned()))
            .await;
        assert_eq!(serde_json::json!(kind), name);
        let filter = Filter {
            kinds: vec![kind],
            ..Filter::default()
        };
        let rows = ledger.rows(filter).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].kind, name);
    }
    let filter = Filter {
        kinds: Kind::MESSAGES.to_vec(),
        ..Filter::default()
    };
    assert_eq!(ledger.numbers(filter).await, [3, 4, 5]);
}

#[tokio::test]
async fn a_filter_selects_by_client_user_employer_and_run() {
    let ledger = TestLedger::of(3).await;
    // One that shares everything with row 2 but the user.
    let mut entry = full(2);
    entry.context.user = "another".to_owned();
    ledger.append(entry).await;
    let none = Filter::default;
    let cases = [
        (
            Filter {
                client: Some("client-2".to_owned()),
                ..none()
            },
            vec![2, 4],
        ),
        (
            Filter {
                user: Some("user-2".to_owned()),
                ..none()
            },
            vec![2],
        ),
        (
            Filter {
                employer: Some(Uuid::from_u128(1_002)),
                ..none()
            },
            vec![2, 4],
        ),
        (
            Filter {
                run: Some(Uuid::from_u128(3)),
                ..none()
            },
            vec![3],
        ),
        (
            Filter {
                client: Some("client-2".to_owned()),
                user: Some("another".to_owned()),
                kinds: vec![Kind::Denial, Kind::Response],
                ..none()
            },
            vec![4],
        ),
        (
            Filter {
                client: Some("client-2".to_owned()),
                run: Some(Uuid::from_u128(3)),
                ..none()
            },
            vec![],
        ),
        // Values, never patterns or SQL.
        (
            Filter {
                client: Some("client-%".to_owned()),
                ..none()
            },
            vec![],
        ),
        (
            Filter {
                user: Some("' OR 1 = 1 --".to_owned()),
                ..none()
            },
            vec![],
        ),
        (
            Filter {
                client: Some(String::new()),
                ..none()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(ledger.numbers(filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_limit_gives_the_newest_oldest_first() {
    let ledger = TestLedger::of(5).await;
    let cases = [
        (None, Some(2), vec![4, 5]),
        (None, Some(5), vec![1, 2, 3, 4, 5]),
        (None, Some(99), vec![1, 2, 3, 4, 5]),
        (None, Some(0), vec![]),
        (Some(3), None, vec![4, 5]),
        (Some(3), Some(1), vec![5]),
        (Some(0), None, vec![1, 2, 3, 4, 5]),
        (Some(5), None, vec![]),
    ];
    for (after, limit, expected) in cases {
        let filter = Filter {
            after,
            limit,
            ..Filter::default()
        };
        assert_eq!(ledger.numbers(filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn the_ledger_and_its_directory_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/ledger.db");
    let ledger = Ledger::open(&path, Redactor::default()).unwrap();
    ledger.append(full(1)).await.unwrap();
    assert!(path.exists());
}

#[test]
fn a_file_that_is_no_ledger_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let refused = |made: &str| {
        let bytes = std::fs::read(&path).unwrap();
        let Err(error) = Ledger::open(&path, Redactor::default()) else {
            panic!("{made} is taken for a ledger");
        };
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{made}");
        std::fs::remove_file(&path).unwrap();
        error.to_string().replace(&*path.to_string_lossy(), "x.db")
    };
    let database = |sql: &str| {
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(sql).unwrap();
    };

    std::fs::write(&path, "a text of some length, which is no database at all").unwrap();
    assert_eq!(refused("a text"), "ledger: x.db: file is not a database");
    database("PRAGMA user_version = 3");
    assert_eq!(
        refused("a newer ledger"),
        "ledger: x.db: it has schema 3; this version of koppel reads schema 2"
    );
    database("CREATE TABLE notes (text)");
    assert_eq!(
        refused("a database of another program"),
        "ledger: x.db: it is a database of something else"
    );
    drop(crate::platform::Embedded::open(&path).unwrap());
    assert_eq!(
        refused("payroll data"),
        "ledger: x.db: it is a database of something else"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let path = file.join("ledger.db");
    let Err(error) = Ledger::open(&path, Redactor::default()) else {
        panic!("it was opened");
    };
    let start = format!("ledger: {}: ", path.display());
    assert!(error.to_string().starts_with(&start), "{error}");
}
