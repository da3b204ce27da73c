//! What changes while it is looked at: parts of a page, sent as they change, by
//! server-sent events (HTML, section 9.2). Each time they are made anew, after
//! the same checks; what is denied meanwhile is shown, and ends it.

use super::visit::{Visit, session};
use crate::api::Problem;
use askama::Template;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// How many pages may be live at a time.
pub(super) const STREAMS: usize = 100;

/// How long after each other it is looked.
const PAUSE: Duration = Duration::from_secs(1);

/// The name of the event after which nothing follows.
const OVER: &str = "over";

/// The parts of a page by the name of their event, and whether nothing will
/// change any more.
pub(super) struct Parts {
    pub(super) parts: Vec<(&'static str, String)>,
    pub(super) over: bool,
}

/// How the parts of a page are made.
pub(super) type Make =
    for<'a> fn(&'a Visit) -> Pin<Box<dyn Future<Output = Result<Parts, Problem>> + Send + 'a>>;

struct Watching {
    visit: Visit,
    headers: HeaderMap,
    make: Make,
    /// What was sent last, by its event.
    sent: HashMap<&'static str, String>,
    waiting: VecDeque<Event>,
    first: bool,
    over: bool,
    _place: OwnedSemaphorePermit,
}

/// A part of a page that says that there is no more of it.
#[derive(Template)]
#[template(path = "console/ended.html")]
struct Ended<'a> {
    texts: &'a [String],
}

/// Sends the parts of a page as they change. `headers` are those of the request:
/// whoever logs out sees no more.
pub(super) async fn watch(visit: Visit, headers: HeaderMap, make: Make) -> Response {
    let places = visit.console.streams.clone();
    let Ok(place) = places.try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let watching = Watching {
        visit,
        headers,
        make,
        sent: HashMap::new(),
        waiting: VecDeque::new(),
        first: true,
        over: false,
        _place: place,
    };
    let events = stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((Ok::<_, Infallible>(event), watching))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response()
}

impl Watching {
    /// The next event; none when there are no more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            if !std::mem::take(&mut self.first) {
                let stopping = self.visit.console.stopping.clone();
                tokio::select! {
                    () = stopping.cancelled() => return None,
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
            self.look().await;
        }
    }

    async fn look(&mut self) {
        if session(&self.visit.console, &self.headers).await.is_none() {
            let texts = [self.visit.texts().logged_out.to_owned()];
            self.end(&texts);
            return;
        }
        match (self.make)(&self.visit).await {
            Ok(made) => {
                for (name, html) in made.parts {
                    if self.sent.get(name) != Some(&html) {
                        let event = Event::default().event(name).data(&html);
                        self.waiting.push_back(event);
                        self.sent.insert(name, html);
                    }
                }
                if made.over {
                    self.over();
                }
            }
            // Tried again: it may come back.
            Err(problem) if problem.status.is_server_error() => {}
            Err(problem) => self.end(&problem.texts),
        }
    }

    fn end(&mut self, texts: &[String]) {
        let html = Ended { texts }.render().unwrap_or_default();
        for name in self.sent.keys() {
            let event = Event::default().event(*name).data(&html);
            self.waiting.push_back(event);
        }
        self.over();
    }

    fn over(&mut self) {
        // An event without data is none.
        self.waiting
            .push_back(Event::default().event(OVER).data("-"));
        self.over = true;
    }
}
