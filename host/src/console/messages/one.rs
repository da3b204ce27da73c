//! One message, and its exact bytes.

use super::super::format::{Moment, bytes, short};
use super::super::names::kind_name;
use super::super::page::{Page, Section};
use super::super::visit::Visit;
use super::{Message, pretty};
use crate::api::{Asked, Problem, Reply};
use crate::catalogue::id;
use crate::language::{Texts, fill};
use askama::Template;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;

/// How many bytes are shown on a page; all can be downloaded.
const SHOWN: usize = 256 << 10;

/// How many bytes of what is no text are shown.
const SHOWN_BINARY: usize = 4 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(flatten)]
    message: Message,
    headers: Vec<Header>,
    ledger_hash: String,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

/// What is in a message, as it is shown.
struct Content {
    /// As text; of what is none, in hexadecimal.
    text: String,
    is_text: bool,
    /// Said when not all is shown.
    cut: Option<String>,
    /// Whether it is shown as it is, rather than laid out.
    exact: bool,
    /// The other view, if there is one.
    other: Option<String>,
}

#[derive(Template)]
#[template(path = "console/message.html")]
struct One {
    t: &'static Texts,
    page: Page,
    kind: &'static str,
    time: Moment,
    employer: String,
    size: String,
    details: Details,
    content: Option<Content>,
    download: Option<String>,
    /// Where the run is, and what else it exchanged.
    run: String,
    all_of_run: String,
    run_id: String,
}

pub(in crate::console) async fn show(visit: Visit) -> Response {
    let page = one(&visit).await;
    visit.respond(page)
}

async fn one(visit: &Visit) -> Result<One, Problem> {
    let asked = Asked::of(id::GetMessageByMessageId).about(visit.parameter("id"));
    let details: Details = visit.one(asked).await?;
    let message = &details.message;
    let path = visit.path(&format!("/messages/{}", message.id));
    let may = visit.may(id::GetMessageContentByMessageId) && message.content_available;
    let content = match may {
        true => Some(shown(visit, &bytes_of(visit).await?, &path)),
        false => None,
    };
    let t = visit.texts();
    let names = visit.names(true).await;
    Ok(One {
        t,
        page: visit.page(Section::Messages, &message.summary).await,
        kind: kind_name(t, &message.kind),
        time: Moment::new(&message.time),
        employer: names.of(message.employer_id),
        size: bytes(message.content_size, visit.language),
        content,
        download: may.then(|| format!("{path}/content")),
        run: visit.path(&format!("/runs/{}", message.run_id)),
        all_of_run: visit.path(&format!("/messages?runId={}", message.run_id)),
        run_id: short(&message.run_id),
        details,
    })
}

async fn content(visit: &Visit) -> Result<Reply, Problem> {
    let asked = Asked::of(id::GetMessageContentByMessageId).about(visit.parameter("id"));
    visit.console.api.ask(&visit.principal, asked).await
}

async fn bytes_of(visit: &Visit) -> Result<Bytes, Problem> {
    Ok(match content(visit).await? {
        Reply::File { bytes, .. } | Reply::Json(bytes) | Reply::Xml(bytes) => bytes,
    })
}

fn shown(visit: &Visit, bytes: &Bytes, path: &str) -> Content {
    let t = visit.texts();
    let cut = |most: usize| {
        let cut = bytes.len() > most;
        cut.then(|| fill(t.first_bytes_only, &[&most, &bytes.len()]))
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        let first = &bytes[..bytes.len().min(SHOWN_BINARY)];
        return Content {
            text: hexadecimal(first),
            is_text: false,
            cut: cut(SHOWN_BINARY),
            exact: true,
            other: None,
        };
    };
    let text_cut = cut(SHOWN);
    let end = text.floor_char_boundary(SHOWN);
    // What is not whole cannot be laid out.
    let laid_out = match &text_cut {
        None => pretty::pretty(text),
        Some(_) => None,
    };
    let wanted = visit.chosen("view") == "pretty";
    let (exact, other) = match &laid_out {
        None => (true, None),
        Some(_) if wanted => (false, Some(path.to_owned())),
        Some(_) => (true, Some(format!("{path}?view=pretty"))),
    };
    Content {
        text: match laid_out {
            Some(laid_out) if !exact => laid_out,
            _ => text[..end].to_owned(),
        },
        is_text: true,
        cut: text_cut,
        exact,
        other,
    }
}

/// Bytes as `hexdump -C` has them.
fn hexadecimal(bytes: &[u8]) -> String {
    let lines = bytes.chunks(16).enumerate().map(|(at, line)| {
        let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let plain = |byte: &u8| match byte {
            0x20..=0x7e => char::from(*byte),
            _ => '.',
        };
        let text: String = line.iter().map(plain).collect();
        format!("{:08x}  {:<47}  {text}", at * 16, digits.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `GET /console/{scope}/messages/{id}/content`: the exact bytes, as a file.
pub(in crate::console) async fn download(visit: Visit) -> Response {
    match content(&visit).await {
        Ok(reply) => reply.into_response(),
        Err(problem) => visit.problem(&problem),
    }
}

#[cfg(test)]
mod tests {
    use super::hexadecimal;

    #[test]
    fn bytes_that_are_no_text_are_shown_in_hexadecimal() {
        let bytes: Vec<u8> = (0x3c..0x50).chain([0xff]).collect();
        assert_eq!(
            hexadecimal(&bytes),
            "00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK\n\
             00000010  4c 4d 4e 4f ff                                   LMNO."
        );
    }
}
