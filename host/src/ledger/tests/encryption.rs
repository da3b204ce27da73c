use super::*;
use crate::encryption::Vault;
use crate::servers::Servers;
use sqlx::postgres::PgPool;

/// Something that must not be found.
const NEEDLE: &str = "999993653";

impl TestLedger {
    /// The same file with these keys, of which the first is active.
    fn keyed(&self, ids: &[&str]) -> Ledger {
        Ledger::encrypted(&self.path(), Redactor::default(), Vault::of(ids)).unwrap()
    }

    /// Whether a text is anywhere in what is on disk.
    fn on_disk(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.into_iter().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            memchr::memmem::find(&bytes, text.as_bytes()).is_some()
        })
    }

    /// Makes it a file of schema 1, with such a row.
    fn of_schema_1(&self) {
        let connection = Connection::open(self.path()).unwrap();
        connection
            .execute_batch(include_str!("../schema.sql"))
            .unwrap();
        let entry = about(1);
        let mut row = Row {
            seq: 1,
            id: Uuid::nil(),
            time: "2025-01-31T09:30:00.000000Z".to_owned(),
            context: entry.context,
            kind: entry.kind.name().to_owned(),
            activity: None,
            check: None,
            exchange: None,
            summary: entry.summary,
            status: None,
            outcome: None,
            headers: Vec::new(),
            body_size: entry.body.len() as u64,
            body_sha256: super::super::chain::sha256(&entry.body),
            hash: String::new(),
        };
        row.hash = super::super::chain::hash(super::super::chain::GENESIS, &row);
        let insert = "INSERT INTO ledger (seq, time, run, client, \"user\", employer, kind, summary, headers, body_size, body_sha256, hash, body) VALUES (1, ?1, ?2, ?3, ?4, ?5, 'request', ?6, '[]', ?7, ?8, ?9, ?10)";
        connection
            .execute(
                insert,
                rusqlite::params![
                    row.time,
                    row.context.run.to_string(),
                    row.context.client,
                    row.context.user,
                    row.context.employer.to_string(),
                    row.summary,
                    row.body_size,
                    row.body_sha256,
                    row.hash,
                    entry.body
                ],
            )
            .unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
    }
}

/// A request about somebody.
fn about(number: u32) -> Entry {
    Entry {
        body: format!("<bsn>{NEEDLE}</bsn>{number}").into_bytes(),
        ..Entry::new(
            context(number),
            Kind::Request,
            "POST https://a.nl/".to_owned(),
        )
    }
}

/// A request that has somebody in its URL and a header.
fn around(number: u32) -> Entry {
    Entry {
        headers: headers(&[("x-person", NEEDLE)]),
        ..Entry::new(
            context(number),
            Kind::Request,
            format!("GET https://a.nl/?of={NEEDLE}"),
        )
    }
}

/// An empty folder for a ledger.
fn nowhere() -> TestLedger {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&other.path().join("unused.db"), Redactor::default());
    TestLedger {
        folder,
        ledger: ledger.unwrap(),
    }
}

async fn resealed(ledger: &Ledger) -> u64 {
    let (mut after, mut rows) = (0, 0);
    while let Some((last, more)) = ledger.reseal(after).await.unwrap() {
        (after, rows) = (last, rows + more.count);
    }
    rows
}

#[tokio::test]
async fn nothing_of_a_message_is_on_disk_in_clear_text() {
    let file = nowhere();
    let ledger = file.keyed(&["2026"]);
    ledger.append(about(1)).await.unwrap();
    ledger.append(around(2)).await.unwrap();
    assert!(!file.on_disk(NEEDLE));
    let (_, body) = ledger.row(1).await.unwrap().unwrap();
    assert_eq!(body, Some(about(1).body));
    let rows = ledger.rows(Filter::default()).await.unwrap();
    assert_eq!(rows[1].summary, around(2).summary);
    assert_eq!(rows[1].headers, around(2).headers);
    assert_eq!(ledger.verify().await.unwrap().unwrap().rows, 2);
    drop(ledger);
    assert!(!file.on_disk(NEEDLE));
}

#[tokio::test]
async fn what_was_in_clear_text_is_encrypted_and_then_with_another_key() {
    let file = nowhere();
    let clear = file.again();
    for number in 1..=3 {
        clear.append(about(number)).await.unwrap();
    }
    let denial = Entry::new(context(4), Kind::Denial, "no".to_owned());
    clear.append(denial).await.unwrap();
    let before = clear.rows(Filter::default()).await.unwrap();
    drop(clear);
    assert!(file.on_disk(NEEDLE));

    let first = file.keyed(&["2025"]);
    assert_eq!(resealed(&first).await, 3);
    assert_eq!(resealed(&first).await, 0);
    assert!(!file.on_disk(NEEDLE));

    let both = file.keyed(&["2026", "2025"]);
    // The host goes on meanwhile, and knows both.
    assert_eq!(first.append(about(5)).await.unwrap(), 5);
    assert_eq!(resealed(&both).await, 4);
    let second = file.keyed(&["2026"]);
    assert_eq!(second.rows(Filter::default()).await.unwrap()[..4], before);
    let (_, body) = second.row(5).await.unwrap().unwrap();
    assert_eq!(body, Some(about(5).body));
    assert_eq!(second.verify().await.unwrap().unwrap().rows, 5);
}

#[tokio::test]
async fn a_ledger_of_the_schema_before_is_read_and_its_bodies_are_encrypted() {
    let file = nowhere();
    file.of_schema_1();
    let clear = file.again();
    let verified = clear.verify().await.unwrap().unwrap();
    let (row, body) = clear.row(1).await.unwrap().unwrap();
    assert_eq!(body, Some(about(1).body));
    drop(clear);
    let keyed = file.keyed(&["2026"]);
    assert_eq!(resealed(&keyed).await, 1);
    assert!(!file.on_disk(NEEDLE));
    let (same, body) = keyed.row(1).await.unwrap().unwrap();
    assert_eq!((same, body), (row, Some(about(1).body)));
    assert_eq!(keyed.verify().await.unwrap().unwrap(), verified);
    // Nothing of the row itself can be changed.
    let connection = Connection::open(file.path()).unwrap();
    for sql in [
        "UPDATE ledger SET body = x'00'",
        "UPDATE ledger SET client = 'x', body = NULL",
    ] {
        let refused = connection.execute(sql, []).unwrap_err();
        assert_eq!(refused.to_string(), "the ledger is append only", "{sql}");
    }
}

#[tokio::test]
async fn without_the_key_nothing_is_read_written_or_lost() {
    let file = nowhere();
    let ledger = file.keyed(&["2026"]);
    ledger.append(about(1)).await.unwrap();
    let told = "row 1: it is encrypted with key \"2026\", which is not in the configuration: add `\"2026\" = { env = \"…\" }` under [encryption.keys]";
    let other = file.keyed(&["2027"]);
    for error in [
        other.rows(Filter::default()).await.unwrap_err(),
        other.row(1).await.unwrap_err(),
        other.verify().await.unwrap_err(),
        other.reseal(0).await.unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.starts_with(&format!("ledger: {told}")), "{error}");
    }
    let off = file.again();
    let refused = off.append(about(2)).await.unwrap_err().to_string();
    assert!(
        refused.ends_with("[encryption] is missing, and what was stored until now is encrypted: put it back, so that nothing more is stored in clear text"),
        "{refused}"
    );
    assert_eq!(ledger.append(about(2)).await.unwrap(), 2);
    assert_eq!(ledger.verify().await.unwrap().unwrap().rows, 2);
}

#[tokio::test]
async fn an_encrypted_body_that_was_changed_or_moved_is_found() {
    for (change, why) in [
        ("SET body = x'00' WHERE seq = 2", "its body was changed"),
        (
            "SET body = (SELECT body FROM content WHERE seq = 1) WHERE seq = 2",
            "its body was changed",
        ),
        (
            "SET private = (SELECT private FROM content WHERE seq = 1), body = (SELECT body FROM content WHERE seq = 1) WHERE seq = 2",
            "what lies beside it was changed",
        ),
    ] {
        let file = nowhere();
        let ledger = file.keyed(&["2026"]);
        for number in 1..=3 {
            ledger.append(about(number)).await.unwrap();
        }
        file.tamper(&format!("UPDATE content {change}"));
        let broken = ledger.verify().await.unwrap().unwrap_err();
        assert_eq!((broken.seq, &*broken.why), (2, why), "{change}");
        // The others are had as before.
        let rows = ledger.rows(Filter::default()).await.unwrap();
        assert_eq!(rows[2].summary, about(3).summary);
        let content = ledger.content(&rows[1]).await.unwrap_err();
        assert!(content.to_string().contains("not those that were recorded"));
    }
}

/// A database of its own. None where PostgreSQL is not installed.
pub(super) async fn shared() -> Option<(&'static Servers, String, PgPool)> {
    let servers = crate::servers::servers()?;
    let database = servers.database();
    let text = servers.configuration(&database, servers.ports(), "") + "[platform]\n";
    let config = crate::config::Config::parse(std::path::Path::new("platform.toml"), &text);
    let store = config.unwrap().shared.unwrap().store;
    let pool = crate::shared::postgres::connect(&store, &Redactor::default()).await;
    Some((servers, database, pool.unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_ledger_is_encrypted_in_the_same_ways() {
    let Some((servers, database, pool)) = shared().await else {
        return;
    };
    let open = |vault| Ledger::shared(pool.clone(), Redactor::default(), vault);
    let count = |sql: &str| servers.psql(&database, sql).unwrap().trim().to_owned();
    let readable = || {
        count(&format!(
            "SELECT count(*) FROM koppel.content WHERE position('{NEEDLE}'::bytea IN private) > 0 OR position('{NEEDLE}'::bytea IN body) > 0"
        ))
    };

    let clear = open(Vault::default());
    clear.append(about(1)).await.unwrap();
    clear.append(around(2)).await.unwrap();
    assert_eq!(readable(), "2");
    let first = open(Vault::of(&["2025"]));
    assert_eq!(resealed(&first).await, 2);
    assert_eq!(readable(), "0");
    first.append(around(3)).await.unwrap();
    let refused = clear.append(about(4)).await.unwrap_err().to_string();
    assert!(refused.contains("[encryption] is missing"), "{refused}");
    let both = open(Vault::of(&["2026", "2025"]));
    assert_eq!(resealed(&both).await, 3);
    assert_eq!(resealed(&both).await, 0);
    let second = open(Vault::of(&["2026"]));
    let (_, body) = second.row(1).await.unwrap().unwrap();
    assert_eq!(body, Some(about(1).body));
    let rows = second.rows(Filter::default()).await.unwrap();
    assert_eq!(rows[2].summary, around(3).summary);
    assert_eq!(second.verify().await.unwrap().unwrap().rows, 3);
    let missing = first.rows(Filter::default()).await.unwrap_err().to_string();
    assert!(
        missing.starts_with("ledger: row 1: it is encrypted with key \"2026\""),
        "{missing}"
    );
    let stored = "SELECT count(*) FROM koppel.ledger WHERE summary <> '' OR headers <> '[]'";
    assert_eq!(count(stored), "0");
    // Nothing of a row changes; what lies beside it, changed, is found.
    let change = "UPDATE koppel.ledger SET body = '\\x00' WHERE seq = 1";
    let refused = servers.psql(&database, change).unwrap_err();
    assert!(refused.contains("the ledger is append only"), "{refused}");
    count("UPDATE koppel.content SET body = '\\x00' WHERE seq = 1");
    let broken = second.verify().await.unwrap().unwrap_err();
    assert_eq!((broken.seq, &*broken.why), (1, "its body was changed"));
}
