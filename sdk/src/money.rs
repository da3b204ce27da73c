//! Money, exact to the cent.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};
use std::str::FromStr;

/// An amount in eurocents. Arithmetic never rounds; an overflow, which takes
/// more than 92 quadrillion euros, panics, and so ends the run.
///
/// Shown and read as a decimal number of euros with two decimals (`-12.05`),
/// in JSON as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(pub i64);

impl Cents {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCentsError(String);

impl fmt::Display for ParseCentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an amount with at most two decimals", self.0)
    }
}

impl std::error::Error for ParseCentsError {}

impl FromStr for Cents {
    type Err = ParseCentsError;

    fn from_str(text: &str) -> Result<Self, ParseCentsError> {
        let wrong = || ParseCentsError(text.to_owned());
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (euros, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        // More decimals are right only if they are zeros.
        let decimals = decimals.trim_end_matches('0');
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if euros.is_empty() || decimals.len() > 2 || !all_digits(euros) || !all_digits(decimals) {
            return Err(wrong());
        }
        let cents: i64 = format!("{euros}{decimals:0<2}")
            .parse()
            .map_err(|_| wrong())?;
        Ok(Self(if negative { -cents } else { cents }))
    }
}

impl Add for Cents {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        match self.0.checked_add(other.0) {
            Some(sum) => Self(sum),
            None => panic!("{self} + {other} is more than an amount can be"),
        }
    }
}

impl Neg for Cents {
    type Output = Self;

    fn neg(self) -> Self {
        match self.0.checked_neg() {
            Some(negative) => Self(negative),
            None => panic!("-({self}) is more than an amount can be"),
        }
    }
}

impl Sub for Cents {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl AddAssign for Cents {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cents {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// As a JSON number of euros: the digits are those of [`Cents`]' text.
impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Up to 15 digits a 64-bit float is written as the decimal it was
        // made from.
        if self.0.unsigned_abs() >= 1_000_000_000_000_000 {
            return Err(serde::ser::Error::custom(
                "amount too large for a JSON number",
            ));
        }
        serializer.serialize_f64(self.0 as f64 / 100.0)
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        number.to_string().parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_reads_back_as_it_is_written() {
        for (cents, text) in [
            (0, "0.00"),
            (5, "0.05"),
            (-1205, "-12.05"),
            (123_456_789, "1234567.89"),
        ] {
            assert_eq!(Cents(cents).to_string(), text);
            assert_eq!(text.parse(), Ok(Cents(cents)));
            let json = serde_json::to_string(&Cents(cents)).unwrap();
            assert_eq!(serde_json::from_str::<Cents>(&json).unwrap(), Cents(cents));
        }
        assert_eq!(
            serde_json::from_str::<Cents>("500.87").unwrap(),
            Cents(50_087)
        );
    }

    #[test]
    fn a_tenth_of_a_cent_is_refused_rather_than_rounded() {
        assert_eq!(
            "12.345".parse::<Cents>().unwrap_err().to_string(),
            "\"12.345\" is not an amount with at most two decimals"
        );
        for text in ["", ".5", "1,50", "1e3", "--1", "99999999999999999999"] {
            assert!(text.parse::<Cents>().is_err(), "{text}");
        }
    }
}
