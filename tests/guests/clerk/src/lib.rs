//! A connector of kind journal that books nothing, and ends as its settings say.

use koppel_sdk::types::JournalRunChange;
use koppel_sdk::{
    Connector, ConnectorError, Context, Delivery, JournalConnector, Outcome, activities, journal,
};

pub struct Clerk;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    ends: End,
}

/// How it ends.
#[derive(Clone, Copy, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// As it should: marked as processed.
    Marked,
    /// Well, as it says, but without having marked anything.
    Unmarked,
    /// Well, as it says, but marked as failed.
    MarkedAsFailed,
    /// With an answer that may pass.
    Unavailable,
    /// With an answer that does not.
    Refused,
    /// By a trap.
    Trap,
    /// By a trap, after it marked as processed.
    MarkedThenTrap,
    /// Not by itself.
    Never,
}

impl Connector for Clerk {
    const NAME: &'static str = "clerk";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Ends as told";
    type Settings = Settings;

    fn check(_: &Context<Settings>) -> Result<String, ConnectorError> {
        Ok("fine".to_owned())
    }
}

impl JournalConnector for Clerk {
    fn process_journal_run(
        context: &Context<Settings>,
        journal_run_id: &str,
    ) -> Result<Outcome, ConnectorError> {
        let run = journal::run(journal_run_id)?;
        let survey = journal::survey(&run, |_| None)?;
        let reference = "entry-1".to_owned();
        match context.settings.ends {
            End::Marked => journal::mark_as_processed(&run, &reference)?,
            End::Unmarked => (),
            End::MarkedAsFailed => {
                let change = JournalRunChange::MarkAsProcessingFailed("on purpose".to_owned());
                activities::patch_journal_run_by_journal_run_id(&run.id, &change)?;
            }
            End::Unavailable => return Err(ConnectorError::Unavailable(Some(9))),
            End::Refused => return Err(ConnectorError::Refused("on purpose".to_owned())),
            End::Trap => panic!("on purpose"),
            End::MarkedThenTrap => {
                journal::mark_as_processed(&run, &reference)?;
                panic!("on purpose");
            }
            End::Never => std::thread::sleep(std::time::Duration::from_secs(3_600)),
        }
        Ok(survey.outcome(Delivery::Booked, reference))
    }
}

koppel_sdk::export!(Clerk as journal);
