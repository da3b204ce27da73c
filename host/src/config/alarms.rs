//! What raises an alarm: `[alarms]`.

use crate::ledger::Threshold;

/// What raises an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Alarms {
    /// How many denials of one client. 10 within 60 seconds.
    pub denials: Threshold,
}

impl Alarms {
    /// Checks that these are numbers to work with.
    ///
    /// # Errors
    ///
    /// Names the key and its range.
    pub fn validate(&self) -> Result<(), String> {
        self.denials
            .validate()
            .map_err(|text| format!("denials: {text}"))
    }
}
