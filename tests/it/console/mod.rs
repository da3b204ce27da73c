//! The web console, over real HTTP, as a browser without scripts sees it.

mod checks;
mod connectors;
mod hostile;
mod login;
mod messages;
mod oidc;
mod pages;
mod runs;
mod why;

use crate::harness::{all_activities, employer};
use crate::rest::{Answer, PASSWORD, Rest, with_server};
use http::Method;
use std::collections::BTreeMap;
use std::sync::Mutex;
use url::Url;

/// The application that the console acts as.
const APPLICATION: &str = "5e6a1e0e-6a53-4c39-9a4b-7f5c0a6f7d11";

/// A configuration with the console on, as an application that has everything.
fn with_console(clients: &str, server: &str, console: &str) -> String {
    let application = format!(
        "[clients.console]\napplication = {{ id = \"{APPLICATION}\" }}\n{}\n",
        all_activities()
    );
    with_server(
        &format!("{application}{clients}"),
        &format!("{server}\n[server.console]\napplication = \"console\"\n{console}"),
    )
}

/// The same with logins of koppel's own.
fn configured(clients: &str) -> String {
    with_console(clients, "[server.issuer]", "")
}

/// A browser: it keeps cookies, and runs no scripts.
struct Browser<'a> {
    rest: &'a Rest,
    cookies: Mutex<BTreeMap<String, String>>,
    language: &'static str,
}

impl<'a> Browser<'a> {
    fn new(rest: &'a Rest) -> Self {
        Self {
            rest,
            cookies: Mutex::default(),
            language: "en",
        }
    }

    /// One in which a user is logged in.
    async fn of(rest: &'a Rest, user: &str) -> Self {
        let browser = Self::new(rest);
        let answer = browser.log_in(user, "/console").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        browser
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<_> = cookies
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header("accept-language", self.language)
            .header("cookie", cookies.join("; "));
        let answer = self.rest.send(request).await;
        let mut kept = self.cookies.lock().unwrap();
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                kept.remove(name);
            } else {
                kept.insert(name.to_owned(), value.to_owned());
            }
        }
        drop(kept);
        answer
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.rest.request(Method::GET, path)).await
    }

    /// Goes where it is sent to.
    async fn follow(&self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            if answer.status != 303 {
                return answer;
            }
            let base = Url::parse(&self.rest.url("/")).unwrap();
            let to = base.join(answer.header("location")).unwrap();
            assert_eq!(to.origin(), base.origin(), "it leaves: {to}");
            let path = match to.query() {
                Some(query) => format!("{}?{query}", to.path()),
                None => to.path().to_owned(),
            };
            answer = self.get(&path).await;
        }
        panic!("it is sent round and round");
    }

    /// A page that is there.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", words(&answer.text()));
        answer.text()
    }

    /// Logs in on the way to a page.
    async fn log_in(&self, user: &str, to: &str) -> Answer {
        let form = self.follow(self.get(to).await).await;
        let ticket = field(&form.text(), "ticket");
        let fields = [
            ("ticket", ticket.as_str()),
            ("user", user),
            ("password", PASSWORD),
        ];
        let sent = self.rest.form_request("/oauth/authorize", &fields);
        let answer = self.send(sent).await;
        self.follow(answer).await
    }

    /// What a form of this session holds.
    async fn token(&self) -> String {
        // Of any page, also one that says that there is nothing.
        field(&self.get("/console/all/nothing/here").await.text(), "token")
    }

    /// Sends a form of this session.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let mut all = vec![("token", token.as_str())];
        all.extend_from_slice(fields);
        self.send(self.rest.form_request(path, &all)).await
    }
}

/// The value of a hidden field.
#[track_caller]
fn field(html: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = html.split(&start).nth(1);
    let value = rest.and_then(|rest| rest.split('"').next());
    value
        .unwrap_or_else(|| panic!("there is no {name}: {html}"))
        .to_owned()
}

/// What a page says, without its tags, in one line.
fn words(html: &str) -> String {
    let tags = regex::Regex::new(r"(?s)<(?:style|script).*?</(?:style|script)>|<[^>]*>").unwrap();
    let text = tags.replace_all(html, " ");
    let text = text
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The path of a page of an employer.
fn of(number: usize, rest: &str) -> String {
    format!("/console/{}{rest}", employer(number))
}
