use super::*;
use crate::encryption::Vault;

const WHY: &str = "request 12 of a person";

/// A text that must not be found any more.
const NEEDLE: &str = "https://party.test/2";

fn on_disk(file: &TestLedger) -> bool {
    let files = std::fs::read_dir(file.folder.path()).unwrap();
    files.into_iter().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        memchr::memmem::find(&bytes, NEEDLE.as_bytes()).is_some()
    })
}

async fn erased(ledger: &Ledger, rows: &[u64]) -> u64 {
    ledger.erase("K. Vos", WHY, rows.to_vec()).await.unwrap()
}

#[tokio::test]
async fn what_is_erased_is_gone_and_the_chain_holds() {
    let file = TestLedger::of(4).await;
    let before = file.rows(Filter::default()).await;
    assert!(on_disk(&file));
    assert_eq!(erased(&file.ledger, &[2, 3]).await, 5);
    assert!(!on_disk(&file));
    let verified = file.verify().await.unwrap();
    assert_eq!((verified.rows, verified.erased), (5, 2));
    let rows = file.rows(Filter::default()).await;
    // The others, and what the chain has of these, are as they were.
    assert_eq!((&rows[0], &rows[3]), (&before[0], &before[3]));
    assert!(rows[1].is_erased() && !rows[0].is_erased());
    assert_eq!(rows[1].summary, "[erased]");
    assert_eq!(rows[1].headers, []);
    assert_eq!(rows[1].hash, before[1].hash);
    assert_eq!(rows[1].context, before[1].context);
    assert!(rows[1].body_sha256.starts_with("hmac-sha256:"));
    let (_, body) = file.row(2).await;
    assert_eq!(body, None);
    // Who, why and of what is kept.
    let (row, erasure) = file.ledger.erasure_of(3).await.unwrap().unwrap();
    let expected = Erasure {
        by: "K. Vos".to_owned(),
        why: WHY.to_owned(),
        rows: vec![(2, 3)],
    };
    assert_eq!((row.seq, erasure), (5, expected));
    assert_eq!(row.summary, format!("2 rows: {WHY}"));
    assert_eq!(row.context.user, "K. Vos");
    assert_eq!(file.ledger.erasure_of(4).await.unwrap(), None);
    let day = row.time.split('T').next().unwrap();
    let refused = file.ledger.content(&rows[1]).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("its contents were erased on {day} by K. Vos: {WHY}")
    );
    // What is erased again is erased.
    erased(&file.ledger, &[2]).await;
    assert_eq!(file.verify().await.unwrap().erased, 2);
}

#[tokio::test]
async fn what_was_removed_without_an_erasure_is_found_beside_one() {
    let file = TestLedger::of(4).await;
    erased(&file.ledger, &[2]).await;
    file.tamper("DELETE FROM content WHERE seq = 3");
    let broken = file.verify().await.unwrap_err();
    assert_eq!((broken.seq, &*broken.why), (3, "its body was removed"));
    // An erasure cannot be made to say more, or taken away.
    for change in [
        "UPDATE content SET body = CAST(replace(CAST(body AS TEXT), '[2,2]', '[2,3]') AS BLOB) WHERE seq = 5",
        "DELETE FROM content WHERE seq = 5",
    ] {
        file.tamper(change);
        assert_eq!(file.verify().await.unwrap_err().seq, 5, "{change}");
    }
}

#[tokio::test]
async fn erasures_are_not_among_what_can_be_erased() {
    let file = TestLedger::of(3).await;
    let denial = Entry::new(context(4), Kind::Denial, "no".to_owned());
    file.append(denial).await;
    erased(&file.ledger, &[1]).await;
    let kept = file.ledger.kept(jiff::Timestamp::MAX, 0, 10).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|kept| kept.seq).collect();
    assert_eq!(kept, [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_ledger_erases_in_the_same_way() {
    let Some((servers, database, pool)) = encryption::shared().await else {
        return;
    };
    let ledger = Ledger::shared(pool, Redactor::default(), Vault::of(&["2026"]));
    for number in 1..=4 {
        ledger.append(full(number)).await.unwrap();
    }
    assert_eq!(erased(&ledger, &[2, 3]).await, 5);
    let verified = ledger.verify().await.unwrap().unwrap();
    assert_eq!((verified.rows, verified.erased), (5, 2));
    let left = servers.psql(
        &database,
        "SELECT string_agg(seq::text, ',' ORDER BY seq) FROM koppel.content",
    );
    assert_eq!(left.unwrap().trim(), "1,4,5");
    let kept = ledger.kept(jiff::Timestamp::MAX, 0, 10).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|kept| (kept.seq, kept.run)).collect();
    assert_eq!(kept, [(1, context(1).run), (4, context(4).run)]);
    servers
        .psql(&database, "DELETE FROM koppel.content WHERE seq = 4")
        .unwrap();
    let broken = ledger.verify().await.unwrap().unwrap_err();
    assert_eq!((broken.seq, &*broken.why), (4, "its body was removed"));
}
