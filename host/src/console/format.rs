//! Numbers and moments, as people read them.

use crate::language::Language;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// A moment.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// RFC 3339, for programs.
    pub(super) iso: String,
    /// For people: in UTC, to the second.
    pub(super) text: String,
}

impl Moment {
    /// Of RFC 3339. What is no moment is shown as it is.
    pub(super) fn new(iso: &str) -> Self {
        let text = iso.parse::<Timestamp>().map_or_else(
            |_| iso.to_owned(),
            |moment| {
                let there = moment.to_zoned_datetime(TimeZone::UTC);
                there.strftime("%Y-%m-%d %H:%M:%S").to_string()
            },
        );
        Self {
            iso: iso.to_owned(),
            text,
        }
    }
}

/// A number with its thousands apart, as the language does it.
pub(super) fn number(number: u64, language: Language) -> String {
    let apart = match language {
        Language::English => ',',
        Language::Dutch => '.',
    };
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(apart);
        }
        text.push(digit);
    }
    text
}

/// A size in bytes.
pub(super) fn bytes(size: u64, language: Language) -> String {
    let (mark, units) = match language {
        Language::English => ('.', ["bytes", "KiB", "MiB", "GiB"]),
        Language::Dutch => (',', ["bytes", "KiB", "MiB", "GiB"]),
    };
    let mut unit = 0;
    let mut tenths = u128::from(size) * 10;
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    match unit {
        0 => format!("{size} {}", units[0]),
        _ => format!("{}{mark}{} {}", tenths / 10, tenths % 10, units[unit]),
    }
}

/// The beginning of an identifier or a digest, which mostly is enough.
pub(super) fn short(id: &impl fmt::Display) -> String {
    id.to_string().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_utc_to_the_second() {
        let shown = |iso| Moment::new(iso).text;
        assert_eq!(shown("2026-01-31T09:30:00.123456Z"), "2026-01-31 09:30:00");
        assert_eq!(shown("2026-01-31T09:30:00+01:00"), "2026-01-31 08:30:00");
        assert_eq!(shown("<b>"), "<b>");
    }

    #[test]
    fn thousands_are_apart() {
        for (value, english, dutch) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1000, "1,000", "1.000"),
            (12_345_678, "12,345,678", "12.345.678"),
        ] {
            assert_eq!(number(value, Language::English), english);
            assert_eq!(number(value, Language::Dutch), dutch);
        }
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        for (size, expected) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_258_291, "1.1 MiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(bytes(size, Language::English), expected);
        }
        assert_eq!(bytes(1536, Language::Dutch), "1,5 KiB");
    }
}
