use super::super::{Context, Kind};
use super::*;
use std::future::ready;
use std::pin::pin;
use std::sync::Mutex;
use uuid::Uuid;

/// A row with this text.
fn asked(text: &str, after: Option<&Earlier>) -> Asked {
    let context = Context {
        run: Uuid::nil(),
        client: "a".to_owned(),
        user: "anna".to_owned(),
        employer: Uuid::nil(),
    };
    Asked {
        entry: Entry::new(context, Kind::Request, text.to_owned()),
        at: Timestamp::UNIX_EPOCH,
        threshold: None,
        after: after.cloned(),
        erased: Vec::new(),
        metrics: Arc::default(),
    }
}

/// The texts of each turn that was tried.
type Tried = Arc<Mutex<Vec<Vec<String>>>>;

/// Takes turns until nobody asks any more; `answer` says what comes of each.
async fn take(queue: Queue, answer: impl Fn(&[String]) -> Result<(), Refused>) -> Vec<Vec<String>> {
    let tried = Tried::default();
    let append = |turn: Vec<Asked>| {
        let texts: Vec<_> = turn.into_iter().map(|asked| asked.entry.summary).collect();
        let appended = answer(&texts).map(|()| {
            let rows = texts.iter().enumerate();
            rows.map(|(number, _)| (number as u64, None)).collect()
        });
        tried.lock().unwrap().push(texts);
        ready(appended)
    };
    queue.take(append).await;
    tried.lock().unwrap().clone()
}

#[tokio::test]
async fn what_is_asked_for_at_a_time_is_appended_together_and_in_order() {
    let (turns, queue) = queue();
    let rows: Vec<_> = ["a", "b", "c"]
        .map(|text| turns.append(asked(text, None), None))
        .into();
    drop(turns);
    assert_eq!(take(queue, |_| Ok(())).await, [["a", "b", "c"]]);
    for (number, row) in rows.into_iter().enumerate() {
        assert_eq!(row.await.unwrap().0, number as u64);
    }
}

#[tokio::test]
async fn a_turn_is_no_larger_than_it_may_be() {
    let (turns, queue) = queue();
    for number in 0..ROWS + 1 {
        drop(turns.append(asked(&number.to_string(), None), None));
    }
    let mut large = asked("large", None);
    large.entry.body = vec![0; BYTES];
    drop(turns.append(large, None));
    drop(turns);
    let sizes: Vec<_> = take(queue, |_| Ok(())).await.iter().map(Vec::len).collect();
    assert_eq!(sizes, [ROWS, 2]);
    let (turns, queue) = super::queue();
    for text in ["small", "large", "large"] {
        let mut row = asked(text, None);
        row.entry.body = vec![0; if text == "large" { BYTES } else { 1 }];
        drop(turns.append(row, None));
    }
    drop(turns);
    assert_eq!(
        take(queue, |_| Ok(())).await,
        [["small"], ["large"], ["large"]]
    );
}

#[tokio::test]
async fn a_row_at_fault_keeps_no_other_from_being_appended() {
    let (turns, queue) = queue();
    let [a, bad, c] = ["a", "bad", "c"].map(|text| turns.append(asked(text, None), None));
    drop(turns);
    let refuse = |turn: &[String]| match turn.iter().any(|text| text == "bad") {
        true => Err(Refused::Row("it is bad".to_owned())),
        false => Ok(()),
    };
    let tried = take(queue, refuse).await;
    assert_eq!(
        tried,
        [vec!["a", "bad", "c"], vec!["a"], vec!["bad"], vec!["c"]]
    );
    assert!(a.await.is_ok() && c.await.is_ok());
    assert_eq!(bad.await.err().unwrap().to_string(), "ledger: it is bad");
}

#[tokio::test]
async fn the_beginning_of_a_run_is_appended_with_what_comes_next() {
    let (turns, mut queue) = queue();
    queue.held = Duration::from_hours(1);
    let mut taking = pin!(take(queue, |_| Ok(())));
    let opening = Earlier::default();
    drop(turns.append(asked("opening", None), Some(opening.clone())));
    tokio::select! {
        biased;
        tried = &mut taking => panic!("{tried:?}"),
        () = ready(()) => {}
    }
    drop(turns.append(asked("of another", None), Some(Earlier::default())));
    let closing = turns.append(asked("closing", Some(&opening)), None);
    drop(turns);
    assert_eq!(taking.await, [["opening", "of another", "closing"]]);
    assert_eq!(closing.await.unwrap().0, 2);
}

#[tokio::test]
async fn the_beginning_of_a_run_that_nothing_follows_is_appended_before_long() {
    let (turns, queue) = queue();
    let opening = turns.append(asked("opening", None), Some(Earlier::default()));
    let taking = tokio::spawn(take(queue, |_| Ok(())));
    assert_eq!(opening.await.unwrap().0, 0);
    drop(turns);
    assert_eq!(taking.await.unwrap(), [["opening"]]);
}

#[tokio::test]
async fn nothing_is_appended_after_a_row_that_is_not_there() {
    for refused in [
        || Refused::All("the disk is full".to_owned()),
        || Refused::Row("the disk is full".to_owned()),
    ] {
        let (turns, queue) = queue();
        let row = Earlier::default();
        let opening = turns.append(asked("opening", None), Some(row.clone()));
        let mut full = asked("closing", Some(&row));
        full.entry.body = vec![0; BYTES + 1];
        let closing = turns.append(full, None);
        let other = turns.append(asked("other", None), None);
        drop(turns);
        let refuse = |turn: &[String]| match turn[0].as_str() {
            "opening" => Err(refused()),
            _ => Ok(()),
        };
        let tried = take(queue, refuse).await;
        assert_eq!(tried, [["opening"], ["other"]]);
        assert_eq!(
            opening.await.err().unwrap().to_string(),
            "ledger: the disk is full"
        );
        assert_eq!(
            closing.await.err().unwrap().to_string(),
            "ledger: what must be recorded before it could not be: the disk is full"
        );
        assert!(other.await.is_ok());
    }
}

#[tokio::test]
async fn whoever_asks_when_nobody_appends_any_more_is_told() {
    let (turns, queue) = queue();
    drop(queue);
    let row = turns.append(asked("a", None), None);
    assert_eq!(
        row.await.err().unwrap().to_string(),
        "ledger: nobody appends to it any more"
    );
}
