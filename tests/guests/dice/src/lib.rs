//! A connector of kind journal that reads the clocks and random numbers, sends
//! what it saw, and sees more afterwards.

use koppel_sdk::{
    Connector, ConnectorError, Context, Delivery, JournalConnector, Outcome, activities, http,
    journal, log,
};
use serde_json::json;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime};

pub struct Dice;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where it sends what it saw.
    url: String,
}

impl Connector for Dice {
    const NAME: &'static str = "dice";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Reads clocks and random numbers";
    type Settings = Settings;

    fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok("fine".to_owned())
    }
}

impl JournalConnector for Dice {
    fn process_journal_run(
        context: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        let began = Instant::now();
        let run = journal::run(journal_run_id)?;
        let survey = journal::survey(&run, |_| None)?;
        let mut numbers = Vec::new();
        for number in 0..3 {
            let time = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            // Long enough for the clocks to show something else.
            std::thread::sleep(Duration::from_millis(5));
            let seen = json!({
                "number": number,
                "time": time.as_nanos().to_string(),
                "elapsed": began.elapsed().as_nanos().to_string(),
                // The seed of a hash map is a random number of the host.
                "random": RandomState::new().hash_one(number).to_string(),
                "order": HashMap::from([(1, ()), (2, ()), (3, ()), (4, ())]).into_keys().collect::<Vec<_>>(),
            });
            log::info(seen.to_string());
            let reply = journal::post(http::post(&context.settings.url).json(&seen)?)?;
            numbers.push(reply.text());
            // Something that reads between the writes.
            activities::get_journal_run_by_journal_run_id(&run.id)?;
        }
        let reference = numbers.join(" ");
        journal::mark_as_processed(&run, &reference)?;
        Ok(survey.outcome(Delivery::Booked, reference))
    }
}

koppel_sdk::export!(Dice as journal);
