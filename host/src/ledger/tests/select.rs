use super::*;
use jiff::Timestamp;

/// A ledger of three rows with these times.
async fn timed() -> TestLedger {
    let ledger = TestLedger::of(3).await;
    for (seq, time) in [
        (1, "2025-01-31T09:29:59.999999Z"),
        (2, "2025-01-31T09:30:00.000000Z"),
        (3, "2025-01-31T09:30:00.500000Z"),
    ] {
        ledger.tamper(&format!(
            "UPDATE ledger SET time = '{time}' WHERE seq = {seq}"
        ));
    }
    ledger
}

fn moment(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn since_selects_from_a_moment_on_whatever_its_precision() {
    let ledger = timed().await;
    for (since, expected) in [
        ("2025-01-31T09:29:59Z", vec![1, 2, 3]),
        ("2025-01-31T09:30:00Z", vec![2, 3]),
        ("2025-01-31T10:30:00+01:00", vec![2, 3]),
        ("2025-01-31T09:30:00.000001Z", vec![3]),
        ("2025-01-31T09:30:00.5Z", vec![3]),
        ("2025-01-31T09:30:01Z", vec![]),
    ] {
        let filter = Filter {
            since: moment(since),
            ..Filter::default()
        };
        assert_eq!(ledger.numbers(filter).await, expected, "{since}");
    }
}

#[tokio::test]
async fn until_selects_what_came_before_a_moment_and_not_what_came_at_it() {
    let ledger = timed().await;
    for (since, until, expected) in [
        (None, "2025-01-31T09:29:59.999999Z", vec![]),
        (None, "2025-01-31T09:30:00Z", vec![1]),
        (None, "2025-01-31T09:30:00.000001Z", vec![1, 2]),
        (None, "2025-01-31T10:30:00.5+01:00", vec![1, 2]),
        (None, "2025-02-01T00:00:00Z", vec![1, 2, 3]),
        // Periods that follow each other share no row and leave none out.
        (
            moment("2025-01-31T09:30:00Z"),
            "2025-01-31T09:30:00.5Z",
            vec![2],
        ),
        (
            moment("2025-01-31T09:30:00.5Z"),
            "2025-01-31T09:31:00Z",
            vec![3],
        ),
    ] {
        let filter = Filter {
            since,
            until: moment(until),
            ..Filter::default()
        };
        assert_eq!(ledger.numbers(filter).await, expected, "{until}");
    }
}

#[tokio::test]
async fn pages_are_the_selected_rows_cut_in_pieces_with_their_number() {
    let ledger = TestLedger::of(5).await;
    let page = async |filter: Filter, skip, size| {
        let (rows, total) = ledger.ledger.page(filter, skip, size).await.unwrap();
        let numbers: Vec<u64> = rows.iter().map(|row| row.seq).collect();
        (numbers, total)
    };
    for (skip, size, expected) in [
        (0, 2, vec![1, 2]),
        (2, 2, vec![3, 4]),
        (4, 2, vec![5]),
        (6, 2, vec![]),
        (0, 250, vec![1, 2, 3, 4, 5]),
        (u64::MAX, u32::MAX, vec![]),
    ] {
        assert_eq!(page(Filter::default(), skip, size).await, (expected, 5));
    }
    let mut again = full(2);
    again.kind = Kind::Request;
    ledger.append(again).await;
    let of_client = Filter {
        client: Some("client-2".to_owned()),
        // A page has its own.
        limit: Some(1),
        ..Filter::default()
    };
    assert_eq!(page(of_client.clone(), 0, 9).await, (vec![2, 6], 2));
    assert_eq!(page(of_client.clone(), 1, 9).await, (vec![6], 2));
    let newest = Filter {
        newest_first: true,
        ..of_client
    };
    assert_eq!(page(newest.clone(), 0, 1).await, (vec![6], 2));
    assert_eq!(page(newest, 1, 9).await, (vec![2], 2));
    // Of some employers, and of none of them.
    for (among, expected) in [
        (vec![1, 3], vec![1, 3]),
        (vec![9], vec![]),
        (vec![], vec![]),
    ] {
        let among = among.into_iter().map(|of| Uuid::from_u128(1_000 + of));
        let filter = Filter {
            among: Some(among.collect()),
            ..Filter::default()
        };
        let total = expected.len() as u64;
        assert_eq!(page(filter, 0, 9).await, (expected, total));
    }
}

#[tokio::test]
async fn what_clients_did_is_counted_by_activity_and_what_was_denied_is_not_in_it() {
    let ledger = TestLedger::new();
    for (number, kind) in [
        (1, Kind::Request),
        (1, Kind::Response),
        (1, Kind::ActivityWrite),
        (1, Kind::Denial),
        (2, Kind::ExportFile),
        (2, Kind::Denial),
    ] {
        let mut entry = full(number);
        entry.kind = kind;
        ledger.append(entry).await;
    }
    let mut other = full(1);
    (other.kind, other.activity) = (Kind::Request, Some("Another".to_owned()));
    ledger.append(other).await;
    let mut nothing = full(1);
    (nothing.kind, nothing.activity) = (Kind::ActivityWrite, None);
    ledger.append(nothing).await;
    let uses = async |filter| {
        let uses = ledger.ledger.uses(filter).await.unwrap().into_iter();
        uses.map(|one| (one.client, one.activity, one.count))
            .collect::<Vec<_>>()
    };
    let of = |client: &str, activity: &str, count| (client.to_owned(), activity.to_owned(), count);
    let get = "GetJournalRunByJournalRunId";
    assert_eq!(
        uses(Filter::default()).await,
        [
            of("client-1", "Another", 1),
            of("client-1", get, 2),
            of("client-2", get, 1)
        ]
    );
    let of_second = Filter {
        among: Some(vec![Uuid::from_u128(1_002)]),
        ..Filter::default()
    };
    assert_eq!(uses(of_second).await, [of("client-2", get, 1)]);
    let last = ledger.ledger.uses(Filter::default()).await.unwrap();
    assert_eq!(last[1].last, ledger.row(3).await.0.time);
}

#[tokio::test]
async fn a_message_is_found_by_an_id_that_does_not_tell_its_number() {
    let ledger = TestLedger::of(3).await;
    for seq in 1..=3 {
        let (row, _) = ledger.row(seq).await;
        assert_eq!(row.id.get_version_num(), 8);
        assert_eq!(row.id.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(row.hash[..12], row.id.simple().to_string()[..12]);
        assert_eq!(ledger.ledger.message(row.id).await.unwrap(), Some(row));
    }
    let (row, _) = ledger.row(2).await;
    // One that begins in the same way.
    let mut bytes = row.id.into_bytes();
    bytes[15] ^= 1;
    for other in [Uuid::from_bytes(bytes), Uuid::nil(), Uuid::max()] {
        assert_eq!(ledger.ledger.message(other).await.unwrap(), None);
    }
    // Something that is no message.
    let entry = Entry::new(context(4), Kind::Denial, "no".to_owned());
    let denial = ledger.append(entry).await;
    let (denial, _) = ledger.row(denial).await;
    assert_eq!(ledger.ledger.message(denial.id).await.unwrap(), None);
    // A row that was damaged is nobody's.
    ledger.tamper("UPDATE ledger SET hash = 'é' WHERE seq = 2");
    assert_eq!(ledger.row(2).await.0.id, Uuid::nil());
    assert_eq!(ledger.ledger.message(row.id).await.unwrap(), None);
}

impl TestLedger {
    /// How SQLite finds what is asked for.
    pub(super) fn plan(&self, sql: &str, values: &[(&str, rusqlite::types::Value)]) -> Vec<String> {
        let connection = Connection::open(self.path()).unwrap();
        let mut select = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let steps = select.query_map(values, |row| row.get("detail")).unwrap();
        steps.collect::<Result<_, _>>().unwrap()
    }

    /// The same for the rows of a filter, in their order.
    fn plan_of(&self, filter: &Filter) -> Vec<String> {
        let (condition, values) = super::super::select::selected(filter);
        let sql = format!(
            "SELECT * FROM ledger LEFT JOIN content USING (seq) WHERE {condition} ORDER BY seq"
        );
        self.plan(&sql, &values)
    }
}

#[tokio::test]
async fn rows_of_one_kind_are_found_by_an_index_unless_every_run_has_one() {
    let ledger = TestLedger::new();
    let found = |kind| {
        let kinds = vec![kind];
        ledger.plan_of(&Filter {
            kinds,
            ..Filter::default()
        })
    };
    for kind in [Kind::RunResumed, Kind::Request, Kind::Denial, Kind::Erasure] {
        let plan = found(kind);
        assert_eq!(plan[0], "SEARCH ledger USING INDEX ledger_kinds (kind=?)");
        assert!(!plan.concat().contains("B-TREE"), "{plan:?}");
    }
    for kind in [Kind::RunStarted, Kind::RunFinished] {
        assert!(sqlite::SELDOM.contains(&format!("kind <> '{}'", kind.name())));
        assert_eq!(found(kind)[0], "SCAN ledger");
    }
    let of_run = ledger.plan_of(&Filter {
        kinds: vec![Kind::RunStarted],
        run: Some(Uuid::from_u128(1)),
        ..Filter::default()
    });
    assert_eq!(of_run[0], "SEARCH ledger USING INDEX ledger_run (run=?)");
}

#[tokio::test]
async fn what_is_asked_of_an_employer_is_found_by_an_index() {
    let ledger = TestLedger::new();
    let filter = Filter {
        kinds: Kind::MESSAGES.to_vec(),
        employer: Some(Uuid::from_u128(1)),
        since: moment("2025-01-31T09:30:00Z"),
        ..Filter::default()
    };
    let steps = ledger.plan_of(&filter);
    assert!(
        steps[0].starts_with("SEARCH ledger USING INDEX ledger_employer (employer=?)"),
        "{steps:?}"
    );
    // In its order, without sorting.
    assert!(!steps.concat().contains("B-TREE"), "{steps:?}");
    let by_hash = format!("SELECT * FROM {}", sqlite::BY_HASH);
    let steps = ledger.plan(&by_hash, &[]);
    assert!(steps[0].contains("ledger_message"), "{steps:?}");
    // The same kinds.
    for kind in Kind::MESSAGES {
        assert!(by_hash.contains(&format!("'{}'", kind.name())), "{kind:?}");
    }
    assert_eq!(by_hash.matches('\'').count(), 2 * Kind::MESSAGES.len());
}

#[tokio::test]
async fn bytes_that_are_not_those_that_were_recorded_are_not_given() {
    let ledger = TestLedger::of(3).await;
    let (row, body) = ledger.row(2).await;
    let content = ledger.ledger.content(&row).await.unwrap();
    assert_eq!(Some(content.bytes), body);
    assert_eq!(hex::encode(content.sha256), row.body_sha256);
    for change in ["body = x'00'", "body = NULL"] {
        ledger.tamper(&format!("UPDATE content SET {change} WHERE seq = 2"));
        assert_eq!(
            ledger.ledger.content(&row).await.unwrap_err().to_string(),
            "row 2 of the ledger: its bytes are not those that were recorded; `koppel ledger verify` names the first row that was changed"
        );
    }
    // The others are still good.
    let (row, _) = ledger.row(3).await;
    assert!(ledger.ledger.content(&row).await.is_ok());
    let large = Row {
        body_size: MAX_BODY as u64 + 1,
        ..row
    };
    assert_eq!(
        ledger.ledger.content(&large).await.unwrap_err().to_string(),
        format!(
            "its 67108865 bytes were too many to keep; their SHA-256 is {}",
            large.body_sha256
        )
    );
}
