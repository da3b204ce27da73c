//! A connector of kind journal that books over HTTP, and is careless in the way
//! that its settings say.

use koppel_sdk::types::JournalRun;
use koppel_sdk::{
    Connector, ConnectorError, Context, Delivery, JournalConnector, Outcome, http, journal,
};
use serde_json::json;

pub struct Sloppy;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where it books.
    url: String,
    /// In which way it is careless.
    way: Way,
}

/// In which way it is careless.
#[derive(Clone, Copy, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// In none: it looks before it books.
    None,
    /// Books whatever was denied, and does not say so.
    Undeterred,
    /// Says something else than that it was denied.
    Silent,
    /// Books without looking.
    Blind,
    /// Looks, and books whatever it sees.
    Stubborn,
    /// Tries again by itself when there is no reply.
    Impatient,
    /// Says that nothing was booked when it does not know.
    Hopeful,
    /// Takes every reply for a success.
    Trusting,
    /// Sends another key each time.
    Keyed,
}

impl Connector for Sloppy {
    const NAME: &'static str = "sloppy";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Books carelessly";
    type Settings = Settings;

    fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok("fine".to_owned())
    }
}

impl JournalConnector for Sloppy {
    fn process_journal_run(
        context: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        let way = context.settings.way;
        let run = journal::run(journal_run_id)?;
        let (lines, total) = match journal::survey(&run, |_| None) {
            Ok(survey) => (survey.lines, survey.total.0),
            Err(ConnectorError::Denied(_)) if way == Way::Undeterred => (0, 0),
            Err(ConnectorError::Denied(_)) if way == Way::Silent => {
                return Err(ConnectorError::Refused("it did not work".to_owned()));
            }
            Err(error) => return Err(error),
        };
        let looks = !matches!(way, Way::Blind | Way::Keyed | Way::Trusting);
        if !(looks && is_there(context, &run)? && way != Way::Stubborn) {
            book(context, &run)?;
        }
        mark(&run, way)?;
        Ok(Outcome {
            delivery: Delivery::Booked,
            reference: "entry-1".to_owned(),
            lines,
            total,
        })
    }
}

koppel_sdk::export!(Sloppy as journal);

fn is_there(context: &Context<Settings>, run: &JournalRun) -> Result<bool, ConnectorError> {
    let asked = http::get(&context.settings.url).query("run", &run.id);
    let reply = asked.send()?;
    match reply.status() {
        200 => Ok(reply.text().contains("entry-1")),
        429 | 500.. => Err(ConnectorError::Unavailable(reply.retry_after())),
        status => Err(ConnectorError::OutsideParty(format!("status {status}"))),
    }
}

fn book(context: &Context<Settings>, run: &JournalRun) -> Result<(), ConnectorError> {
    let way = context.settings.way;
    let request = || {
        let post = http::post(&context.settings.url);
        let post = match way {
            Way::Keyed => post.header("idempotency-key", &context.run_id),
            _ => post,
        };
        post.json(&json!({"run": run.id}))
    };
    let reply = match way {
        Way::Hopeful => request()?.send()?,
        Way::Impatient => match request()?.send() {
            Ok(reply) => reply,
            Err(_) => journal::post(request()?)?,
        },
        _ => journal::post(request()?)?,
    };
    match reply.status() {
        200..=299 => Ok(()),
        _ if way == Way::Trusting => Ok(()),
        429 => Err(ConnectorError::Unavailable(reply.retry_after())),
        500.. if way == Way::Hopeful => Err(ConnectorError::Unavailable(None)),
        status => Err(ConnectorError::OutsideParty(format!("status {status}"))),
    }
}

fn mark(run: &JournalRun, way: Way) -> Result<(), ConnectorError> {
    match journal::mark_as_processed(run, "entry-1") {
        Err(ConnectorError::Denied(_)) if way == Way::Undeterred => Ok(()),
        marked => marked,
    }
}
