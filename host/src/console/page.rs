//! What all pages have in common.

use super::files;
use super::visit::{Scope, Visit};
use crate::api::Problem;
use crate::catalogue::{Activity, id};
use crate::language::{Language, Texts};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// How long a language is remembered, in seconds.
pub(super) const YEAR: u32 = 365 * 86_400;

/// The sections of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Connectors,
    Why,
    Runs,
    Messages,
    Modules,
    Ledger,
    None,
}

/// An entry of the navigation.
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) text: &'static str,
    pub(super) here: bool,
}

/// A language that can be chosen.
pub(super) struct Choice {
    pub(super) language: Language,
    pub(super) chosen: bool,
}

/// What is around the content of a page.
pub(super) struct Page {
    pub(super) language: Language,
    pub(super) title: String,
    pub(super) user: String,
    /// What each form holds.
    pub(super) token: String,
    /// Where this page is.
    pub(super) here: String,
    /// `/console/…` of the same employers.
    pub(super) base: String,
    /// The name of the employer, if the page is of one.
    pub(super) employer: Option<String>,
    /// Where another employer is chosen; none for who may not list them.
    pub(super) employers: Option<String>,
    pub(super) entries: Vec<Entry>,
    pub(super) languages: Vec<Choice>,
    /// Whether it changes while it is looked at.
    pub(super) live: bool,
    pub(super) css: String,
    pub(super) icon: String,
    pub(super) htmx: String,
    pub(super) sse: String,
}

/// The sections with the activity that each takes, and their paths.
const SECTIONS: [(Section, &str, Activity); 7] = [
    (Section::Overview, "", id::GetFiguresByUserId),
    (
        Section::Connectors,
        "/connectors",
        id::GetConnectorsByUserId,
    ),
    (Section::Why, "/why", id::GetExplanationsByEmployerId),
    (Section::Runs, "/runs", id::GetConnectorRunsByEmployerId),
    (Section::Messages, "/messages", id::GetMessagesByEmployerId),
    (Section::Modules, "/modules", id::GetModulesByEmployerId),
    (
        Section::Ledger,
        "/ledger",
        id::GetLedgerVerificationByUserId,
    ),
];

fn named(section: Section, t: &Texts) -> &'static str {
    match section {
        Section::Overview => t.overview,
        Section::Connectors => t.connectors,
        Section::Why => t.why_denied,
        Section::Runs => t.runs,
        Section::Messages => t.messages,
        Section::Modules => t.modules,
        Section::Ledger => t.ledger,
        Section::None => "",
    }
}

impl Page {
    pub(super) fn new(
        visit: &Visit,
        section: Section,
        title: &str,
        employer: Option<String>,
    ) -> Self {
        let t = visit.texts();
        let offered = SECTIONS
            .into_iter()
            .filter(|(_, _, takes)| visit.may(*takes));
        let entries = offered.map(|(entry, path, _)| Entry {
            path: visit.path(path),
            text: named(entry, t),
            here: entry == section,
        });
        let of_section = SECTIONS.iter().find(|(entry, ..)| *entry == section);
        let to = of_section.map_or("", |(_, path, _)| path);
        Self {
            language: visit.language,
            title: title.to_owned(),
            user: visit.session.user.clone(),
            token: visit.session.token.clone(),
            here: visit.here(),
            base: visit.path(""),
            employer,
            employers: visit
                .may(id::GetEmployersByUserId)
                .then(|| visit.path(&format!("/employers?to={to}"))),
            entries: entries.collect(),
            languages: Language::ALL
                .map(|language| Choice {
                    language,
                    chosen: language == visit.language,
                })
                .into(),
            live: false,
            css: files::address("console.css"),
            icon: files::address("icon.svg"),
            htmx: files::address("htmx.js"),
            sse: files::address("sse.js"),
        }
    }
}

/// A page that was made.
pub(super) fn complete<T: Template>(status: StatusCode, page: &T) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Why there is no page, or why something was not done.
#[derive(Template)]
#[template(path = "console/problem.html")]
struct ProblemPage<'a> {
    t: &'static Texts,
    page: Page,
    texts: &'a [String],
    /// Where the five checks explain it.
    why: Option<String>,
}

impl Visit {
    /// A page that says why there is no other.
    pub(super) fn problem(&self, problem: &Problem) -> Response {
        let t = self.texts();
        let title = match problem.status {
            StatusCode::FORBIDDEN if problem.denied.is_some() => t.denied,
            StatusCode::FORBIDDEN => t.refused,
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => t.not_right,
            StatusCode::NOT_FOUND => t.not_found,
            StatusCode::CONFLICT => t.not_now,
            StatusCode::SERVICE_UNAVAILABLE => t.later,
            _ => t.failed,
        };
        let activity = problem.denied.as_deref();
        let explains = self.may(id::GetExplanationsByEmployerId);
        let why = activity.filter(|_| explains).map(|activity| {
            let question = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("client", &self.principal.client)
                .append_pair("user", &self.principal.user)
                .append_pair("activity", activity)
                .finish();
            self.path(&format!("/why?{question}"))
        });
        let employer = match self.scope {
            Scope::All => None,
            // Not its name, which might be what was denied.
            Scope::One(id) => Some(id.to_string()),
        };
        let page = ProblemPage {
            t,
            page: Page::new(self, Section::None, title, employer),
            texts: &problem.texts,
            why,
        };
        let mut response = complete(problem.status, &page);
        if let Some(seconds) = problem.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The pages of a list.
pub(super) struct Pages {
    /// Which items are shown, of how many.
    pub(super) shown: String,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

impl Pages {
    /// Of a list of `total` items, of which the page with this number (from 1)
    /// has at most `size`. `address` is that of a page without its number, with
    /// a query that has begun.
    pub(super) fn new(t: &Texts, number: u64, size: u64, total: u64, address: &str) -> Self {
        let first = (number - 1).saturating_mul(size) + 1;
        let last = total.min(number.saturating_mul(size));
        let page = |number: u64| format!("{address}page={number}");
        let shown = if first > last {
            crate::language::fill(t.shown_none, &[&total])
        } else {
            crate::language::fill(t.shown_of, &[&first, &last, &total])
        };
        Self {
            shown,
            previous: (number > 1).then(|| page(number - 1)),
            next: (last < total).then(|| page(number + 1)),
        }
    }
}

impl Visit {
    /// The number of the page of a list that is wanted, from 1.
    pub(super) fn page_number(&self) -> u64 {
        let number = self.chosen("page").parse().unwrap_or(1);
        number.clamp(1, u32::MAX.into())
    }

    /// The address of a list with these choices, to which the number of a page
    /// can be added.
    pub(super) fn address(&self, path: &str, choices: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in choices.iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        let query = query.finish();
        let join = if query.is_empty() { "" } else { "&" };
        self.path(&format!("{path}?{query}{join}"))
    }
}
