//! A JSON value that knows where it is, for errors that say so.

use super::ImportError;
use serde_json::Value;
use uuid::Uuid;

/// The most that an amount can be, in whole euros. Below it, the shortest
/// decimal form of a 64-bit float is the text of the file.
const MAX_EUROS: f64 = 1e12;

#[derive(Clone)]
pub(super) struct Node<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn new(path: String, value: &'a Value) -> Self {
        Self { path, value }
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> ImportError {
        ImportError::Value {
            path: self.path.clone(),
            problem: problem.into(),
        }
    }

    fn wrong(&self, expected: &str) -> ImportError {
        self.error(format!("{} is not {expected}", self.value))
    }

    /// A member that must be there.
    pub(super) fn get(&self, name: &str) -> Result<Self, ImportError> {
        self.opt(name).ok_or_else(|| ImportError::Value {
            path: format!("{}.{name}", self.path),
            problem: "is missing".to_owned(),
        })
    }

    /// A member that may be absent or null.
    pub(super) fn opt(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self::new(format!("{}.{name}", self.path), value))
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, ImportError> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let item = |(index, value)| Self::new(format!("{}[{index}]", self.path), value);
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, ImportError> {
        self.value.as_str().ok_or_else(|| self.wrong("a text"))
    }

    pub(super) fn number(&self) -> Result<u32, ImportError> {
        let number = self.value.as_u64().and_then(|n| u32::try_from(n).ok());
        number.ok_or_else(|| self.wrong("a whole number of 0 or more"))
    }

    pub(super) fn flag(&self) -> Result<bool, ImportError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("true or false"))
    }

    pub(super) fn id(&self) -> Result<String, ImportError> {
        let id = self.value.as_str().and_then(|id| Uuid::parse_str(id).ok());
        Ok(id.ok_or_else(|| self.wrong("a UUID"))?.to_string())
    }

    /// A date, or the date of a moment.
    pub(super) fn date(&self) -> Result<String, ImportError> {
        let date = self.value.as_str().and_then(|text| {
            let date = text.split('T').next()?;
            date.parse::<jiff::civil::Date>().ok()
        });
        Ok(date.ok_or_else(|| self.wrong("a date"))?.to_string())
    }

    pub(super) fn timestamp(&self) -> Result<String, ImportError> {
        let moment = self
            .value
            .as_str()
            .and_then(|t| t.parse::<jiff::Timestamp>().ok());
        Ok(moment.ok_or_else(|| self.wrong("a moment"))?.to_string())
    }

    /// An amount in euros, exact to the cent, as cents.
    pub(super) fn cents(&self) -> Result<i64, ImportError> {
        let number = self
            .value
            .as_number()
            .ok_or_else(|| self.wrong("an amount"))?;
        if number.as_f64().is_none_or(|euros| euros.abs() >= MAX_EUROS) {
            return Err(self.wrong("an amount below 1,000,000,000,000"));
        }
        let text = number.to_string();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let (euros, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > 2 {
            return Err(self.error(format!("{text} has more than two decimals")));
        }
        let cents = format!("{euros}{decimals:0<2}").parse::<i64>();
        let cents = cents.map_err(|_| self.wrong("an amount"))?;
        Ok(if negative { -cents } else { cents })
    }

    /// A pair of key and text. Loket names the text `value` or `description`.
    pub(super) fn key_value(&self) -> Result<(u32, &'a str), ImportError> {
        let text = match self.opt("value") {
            Some(value) => value,
            None => self.get("description")?,
        };
        Ok((self.get("key")?.number()?, text.text()?))
    }

    /// A code with its description.
    pub(super) fn coded(&self) -> Result<(&'a str, &'a str), ImportError> {
        Ok((self.get("code")?.text()?, self.get("description")?.text()?))
    }
}
