use super::*;
use std::path::Path;
use std::sync::mpsc;
use tokio::task::JoinHandle;

fn writer() -> Arc<Writer> {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT")
        .unwrap();
    let checkpoints = Checkpoints::of(Path::new("")).unwrap();
    Writer::new(connection, Arc::new(checkpoints))
}

fn insert(n: u32) -> impl Fn(&Transaction<'_>) -> Result<u32, StoreError> + Send {
    move |db| {
        db.execute("INSERT INTO t VALUES (?1)", [n])?;
        Ok(n)
    }
}

fn rows(writer: &Writer) -> Vec<u32> {
    writer.read(|connection| {
        let mut select = connection.prepare("SELECT n FROM t ORDER BY n").unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    })
}

/// Something else that is being written, until it is let go.
async fn busy(writer: &Arc<Writer>) -> (mpsc::Sender<()>, JoinHandle<()>) {
    let (go, gone) = mpsc::channel();
    let (begins, begun) = mpsc::channel();
    let writes = writer.clone();
    let first = tokio::spawn(async move {
        let wait = move |_: &Transaction<'_>| {
            begins.send(()).unwrap();
            gone.recv().unwrap();
            Ok(())
        };
        writes.write(wait).await.unwrap();
    });
    while begun.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    (go, first)
}

/// Has all of this wait while something else is written, so that it shares
/// a transaction.
async fn at_once<F>(writer: &Arc<Writer>, all: Vec<F>) -> Vec<Result<u32, StoreError>>
where
    F: Fn(&Transaction<'_>) -> Result<u32, StoreError> + Send + 'static,
{
    let (go, first) = busy(writer).await;
    let many = all.len();
    let mut waiting = tokio::task::JoinSet::new();
    for (at, work) in all.into_iter().enumerate() {
        let writer = writer.clone();
        waiting.spawn(async move { (at, writer.write(work).await) });
    }
    while lock(&writer.waiting).jobs.len() < many {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    first.await.unwrap();
    let mut done = waiting.join_all().await;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, done)| done).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_leaves_nothing_and_takes_nothing_from_the_others() {
    let writer = writer();
    let twice: fn(u32) -> _ = |n| {
        move |db: &Transaction<'_>| {
            insert(n)(db)?;
            if n == 2 { insert(n)(db) } else { Ok(n) }
        }
    };
    let done = at_once(&writer, (1..4).map(twice).collect()).await;
    let [Ok(1), Err(StoreError::Broken(why)), Ok(3)] = &done[..] else {
        panic!("{done:?}");
    };
    assert_eq!(why, "UNIQUE constraint failed: t.n");
    assert_eq!(rows(&writer), [1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_panics_takes_nothing_from_the_others() {
    let writer = writer();
    let panics: fn(u32) -> _ = |n| {
        move |db: &Transaction<'_>| {
            let n = insert(n)(db)?;
            assert_ne!(n, 1, "this panic is part of the test");
            Ok(n)
        }
    };
    let done = at_once(&writer, (1..3).map(panics).collect()).await;
    let [Err(StoreError::Broken(why)), Ok(2)] = &done[..] else {
        panic!("{done:?}");
    };
    assert_eq!(why, "it panicked");
    assert_eq!(rows(&writer), [2]);
    assert_eq!(writer.write(insert(5)).await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_to_be_written_of_a_transaction_that_came_to_nothing() {
    let writer = writer();
    let rolls_back: fn(u32) -> _ = |n| {
        move |db: &Transaction<'_>| {
            let n = insert(n)(db)?;
            if n == 2 {
                db.execute_batch("ROLLBACK")?;
            }
            Ok(n)
        }
    };
    let done = at_once(&writer, (1..4).map(rolls_back).collect()).await;
    let [Ok(1), Err(StoreError::Unavailable(why)), Ok(3)] = &done[..] else {
        panic!("{done:?}");
    };
    assert_eq!(why, "the transaction was rolled back");
    assert_eq!(rows(&writer), [1, 3]);
    assert_eq!(writer.write(insert(5)).await.unwrap(), 5);
}

/// Inserts a number soon, and notes what is told of it.
async fn soon(writer: &Arc<Writer>, n: u32, told: &mpsc::Sender<Result<(), String>>) {
    let told = told.clone();
    let work = move |db: &Transaction<'_>| insert(n)(db).map(drop);
    let tell = move |done: Result<(), StoreError>| {
        told.send(done.map_err(|error| error.to_string())).unwrap();
    };
    writer.write_soon(work, tell).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_is_seen_by_whoever_reads() {
    let writer = writer();
    let (told, tells) = mpsc::channel();
    let (go, first) = busy(&writer).await;
    for n in 1..4 {
        soon(&writer, n, &told).await;
    }
    assert!(tells.try_recv().is_err(), "nothing came of it yet");
    go.send(()).unwrap();
    assert_eq!(rows(&writer), [1, 2, 3]);
    first.await.unwrap();
    assert_eq!(
        tells.try_iter().collect::<Vec<_>>(),
        [Ok(()), Ok(()), Ok(())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_waited_for_if_nothing_else_is_written_or_too_much_is_to_be() {
    let writer = writer();
    let (told, tells) = mpsc::channel();
    soon(&writer, 0, &told).await;
    // Not told: whoever asked was.
    assert_eq!(rows(&writer), [0]);
    let (go, first) = busy(&writer).await;
    let most = u32::try_from(MOST).unwrap();
    for n in 1..=most {
        soon(&writer, n, &told).await;
    }
    let one_more = soon(&writer, most + 1, &told);
    tokio::pin!(one_more);
    let early = tokio::time::timeout(Duration::from_millis(50), &mut one_more).await;
    assert!(early.is_err(), "it did not wait");
    go.send(()).unwrap();
    one_more.await;
    first.await.unwrap();
    assert_eq!(rows(&writer).len(), MOST + 2);
    assert_eq!(tells.try_iter().count(), MOST);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_when_nobody_waits_for_it_is_told() {
    let writer = writer();
    let (told, tells) = mpsc::channel();
    let (go, first) = busy(&writer).await;
    for n in [1, 1, 2] {
        soon(&writer, n, &told).await;
    }
    go.send(()).unwrap();
    first.await.unwrap();
    assert_eq!(rows(&writer), [1, 2]);
    let failed = "runs: UNIQUE constraint failed: t.n".to_owned();
    assert_eq!(
        tells.try_iter().collect::<Vec<_>>(),
        [Ok(()), Err(failed), Ok(())]
    );
}

#[test]
fn what_nobody_waits_for_is_written_when_the_runtime_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT")
        .unwrap();
    let checkpoints = Checkpoints::of(&path).unwrap();
    let writer = Writer::new(connection, Arc::new(checkpoints));
    let (told, tells) = mpsc::channel();
    // As if a thread was asked for, and did not begin.
    lock(&writer.waiting).is_writing = true;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(soon(&writer, 1, &told));
    drop(runtime);
    assert!(tells.try_recv().is_err(), "it was written before");
    drop(writer);
    assert_eq!(tells.try_recv(), Ok(Ok(())));
    let again = Connection::open(&path).unwrap();
    let count: u32 = again
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}
