//! Answers of look-ups that are kept: `[clients.NAME.cache]`.

/// How the answers of the look-ups of a client are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cache {
    /// How old an answer may be, in seconds.
    pub ttl_seconds: u64,
    /// How many answers are kept.
    #[serde(default = "default_entries")]
    pub entries: u64,
    /// Whether the employers share answers that concern none of them.
    #[serde(default)]
    pub shared: bool,
}

fn default_entries() -> u64 {
    1000
}

impl Cache {
    /// The oldest that an answer may become, in seconds: a year.
    pub const OLDEST: u64 = 366 * 24 * 60 * 60;
    /// The most answers of one client.
    pub const MOST: u64 = 1_000_000;

    /// Checks that these are numbers to work with.
    ///
    /// # Errors
    ///
    /// Names the key and its range.
    pub fn validate(&self) -> Result<(), String> {
        let ranges = [
            ("ttl-seconds", self.ttl_seconds, Self::OLDEST),
            ("entries", self.entries, Self::MOST),
        ];
        match ranges
            .iter()
            .find(|(_, value, most)| !(1..=*most).contains(value))
        {
            Some((key, value, most)) => Err(format!("{key} = {value} must be 1 to {most}")),
            None => Ok(()),
        }
    }
}
