//! The outside parties: an accounting package like Exact Online, and a gateway
//! for declarations. They count, and hold a request when the test says so.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Where a request is held, for ever: whoever sent it is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// A look-up of lines.
    LookUp,
    /// An entry, before it is booked.
    BeforeBooking,
    /// An entry, after it was booked.
    AfterBooking,
    /// The message of a declaration, after it was taken.
    AfterDelivery,
}

#[derive(Default)]
pub(crate) struct Kept {
    /// The entries that were booked.
    pub(crate) entries: Vec<Value>,
    /// The idempotency keys of the entries, as they came.
    pub(crate) keys: Vec<Option<String>>,
    known: HashMap<String, usize>,
    /// The requests that brought an entry.
    pub(crate) posts: usize,
    /// The messages that were taken, by reference, and how often each came.
    pub(crate) messages: BTreeMap<String, (Vec<u8>, usize)>,
    /// All requests.
    pub(crate) requests: usize,
    hold: Option<Hold>,
    /// What is answered to everything, instead.
    pub(crate) down: Option<u16>,
    /// Loses the reply to the next entry, after booking it.
    pub(crate) lose_reply: bool,
    /// How long everything takes.
    pub(crate) delay: Duration,
    under_way: usize,
    /// The most requests that were under way at a time.
    pub(crate) most: usize,
    /// The markers of entries in the order in which they came.
    pub(crate) order: Vec<String>,
}

/// A party on this machine.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) port: u16,
    kept: Arc<Mutex<Kept>>,
    held: Arc<Notify>,
}

impl Party {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let party = Self {
            port: listener.local_addr().unwrap().port(),
            kept: Arc::default(),
            held: Arc::default(),
        };
        let base = "/api/v1/{division}";
        let router = Router::new()
            .route(&format!("{base}/financial/GLAccounts"), get(accounts))
            .route(
                &format!("{base}/generaljournalentry/GeneralJournalEntryLines"),
                get(lines),
            )
            .route(
                &format!("{base}/generaljournalentry/GeneralJournalEntries"),
                post(entries),
            )
            .route("/tax/{reference}", put(deliver))
            .with_state(party.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        party
    }

    /// The request that books, as the journal of a run calls it.
    pub(crate) fn posting(&self) -> String {
        format!(
            "POST http://127.0.0.1:{}/api/v1/123456/generaljournalentry/GeneralJournalEntries",
            self.port
        )
    }

    pub(crate) fn told<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.kept.lock().unwrap())
    }

    /// How often a journal run was booked.
    pub(crate) fn booked(&self, journal_run: &str) -> usize {
        let marker = format!("koppel:{journal_run}");
        self.told(|kept| kept.order.iter().filter(|known| **known == marker).count())
    }

    /// Holds the next request of this kind; waits until it is there.
    pub(crate) fn hold(&self, hold: Hold) {
        self.told(|kept| kept.hold = Some(hold));
    }

    pub(crate) async fn held(&self) {
        let held = tokio::time::timeout(Duration::from_secs(60), self.held.notified());
        held.await.expect("the request did not come");
    }

    async fn stop_here(&self, point: Hold) {
        let stop = self.told(|kept| {
            let stop = kept.hold == Some(point);
            if stop {
                kept.hold = None;
            }
            stop
        });
        if stop {
            self.held.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Notes a request; what to answer instead, if something.
    async fn enter(&self) -> Result<UnderWay, Response> {
        let (down, delay) = self.told(|kept| {
            kept.requests += 1;
            kept.under_way += 1;
            kept.most = kept.most.max(kept.under_way);
            (kept.down, kept.delay)
        });
        let under_way = UnderWay(self.clone());
        tokio::time::sleep(delay).await;
        match down {
            Some(status) => Err(StatusCode::from_u16(status).unwrap().into_response()),
            None => Ok(under_way),
        }
    }
}

struct UnderWay(Party);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.told(|kept| kept.under_way -= 1);
    }
}

async fn accounts(
    State(party): State<Party>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let _under_way = match party.enter().await {
        Ok(under_way) => under_way,
        Err(instead) => return instead,
    };
    let codes: Vec<&str> = query["$filter"].split('\'').skip(1).step_by(2).collect();
    let found: Vec<_> = codes
        .iter()
        .map(|code| json!({"ID": format!("guid-{code}"), "Code": code}))
        .collect();
    Json(json!({"d": {"results": found}})).into_response()
}

async fn lines(
    State(party): State<Party>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let _under_way = match party.enter().await {
        Ok(under_way) => under_way,
        Err(instead) => return instead,
    };
    party.stop_here(Hold::LookUp).await;
    let filter = &query["$filter"];
    let found = party.told(|kept| {
        let mut found = Vec::new();
        for (number, entry) in (1..).zip(&kept.entries) {
            for line in entry["GeneralJournalEntryLines"].as_array().unwrap() {
                let marked = filter.contains(line["Notes"].as_str().unwrap());
                if marked || filter.contains(&format!("'entry-{number}'")) {
                    found.push(
                        json!({"EntryNumber": 25_900_000 + number, "AmountFC": line["AmountFC"]}),
                    );
                }
            }
        }
        found
    });
    Json(json!({"d": {"results": found}})).into_response()
}

async fn entries(
    State(party): State<Party>,
    headers: HeaderMap,
    Json(entry): Json<Value>,
) -> Response {
    let _under_way = match party.enter().await {
        Ok(under_way) => under_way,
        Err(instead) => return instead,
    };
    party.stop_here(Hold::BeforeBooking).await;
    let key = headers
        .get("idempotency-key")
        .map(|key| key.to_str().unwrap().to_owned());
    let (number, lost) = party.told(|kept| {
        kept.posts += 1;
        kept.keys.push(key.clone());
        let lost = std::mem::take(&mut kept.lose_reply);
        if let Some(number) = key.as_ref().and_then(|key| kept.known.get(key)) {
            return (*number, lost);
        }
        let marker = entry["GeneralJournalEntryLines"][0]["Notes"].as_str();
        kept.order.push(marker.unwrap().to_owned());
        kept.entries.push(entry);
        let number = kept.entries.len();
        if let Some(key) = key {
            kept.known.insert(key, number);
        }
        (number, lost)
    });
    party.stop_here(Hold::AfterBooking).await;
    if lost {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let reply = json!({"d": {"EntryID": format!("entry-{number}")}});
    (StatusCode::CREATED, Json(reply)).into_response()
}

async fn deliver(
    State(party): State<Party>,
    Path(reference): Path<String>,
    body: Bytes,
) -> Response {
    let _under_way = match party.enter().await {
        Ok(under_way) => under_way,
        Err(instead) => return instead,
    };
    let known = party.told(|kept| {
        let known = kept
            .messages
            .entry(reference.clone())
            .or_insert_with(|| (body.to_vec(), 0));
        known.1 += 1;
        known.0 == body
    });
    party.stop_here(Hold::AfterDelivery).await;
    if known {
        let reply = json!({"reference": format!("G-{reference}")});
        (StatusCode::CREATED, Json(reply)).into_response()
    } else {
        StatusCode::CONFLICT.into_response()
    }
}
