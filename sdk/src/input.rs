//! Checks of what a person gives to a connector, with errors that name the
//! field.

use crate::ConnectorError;

/// A text of one line that is neither empty nor longer than `max` characters,
/// without spaces around it.
///
/// # Errors
///
/// `invalid-input`, which says what the field must be, never what it is.
pub fn text(field: &str, value: &str, max: usize) -> Result<String, ConnectorError> {
    let value = value.trim();
    let count = value.chars().count();
    if count == 0 || count > max || value.chars().any(char::is_control) {
        return Err(ConnectorError::InvalidInput(format!(
            "{field} must be one line of 1 to {max} characters"
        )));
    }
    Ok(value.to_owned())
}

/// A date that exists, ISO 8601: `2026-01-31`.
///
/// # Errors
///
/// `invalid-input`.
pub fn date(field: &str, value: &str) -> Result<String, ConnectorError> {
    if is_date(value) {
        Ok(value.to_owned())
    } else {
        Err(ConnectorError::InvalidInput(format!(
            "{field} must be a date such as 2026-01-31"
        )))
    }
}

fn is_date(value: &str) -> bool {
    let bytes = value.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = value.get(range)?;
        let all = digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| all)
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// A Dutch postal code, with or without a space: `1234 AB`. Gives it without,
/// in capitals.
///
/// # Errors
///
/// `invalid-input`.
pub fn postal_code(field: &str, value: &str) -> Result<String, ConnectorError> {
    let code: String = value.chars().filter(|c| *c != ' ').collect();
    let bytes = code.as_bytes();
    let right = bytes.len() == 6
        && (b'1'..=b'9').contains(&bytes[0])
        && bytes[1..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(u8::is_ascii_alphabetic);
    if right {
        Ok(code.to_ascii_uppercase())
    } else {
        Err(ConnectorError::InvalidInput(format!(
            "{field} must be a postal code such as 1234 AB"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_within_its_length() {
        assert_eq!(text("name", " Anna é ", 6), Ok("Anna é".to_owned()));
        for wrong in ["", "   ", "Anna de B", "a\nb", "a\u{1b}[2J"] {
            assert_eq!(
                text("name", wrong, 6),
                Err(ConnectorError::InvalidInput(
                    "name must be one line of 1 to 6 characters".to_owned()
                )),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_date_is_one_that_exists() {
        for right in ["2026-01-31", "2024-02-29", "2000-02-29", "2026-12-01"] {
            assert!(is_date(right), "{right}");
        }
        for wrong in [
            "",
            "2026-1-31",
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026-01-00",
            "31-01-2026",
            "2026-01-3é",
            "+026-01-31",
        ] {
            assert!(!is_date(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_postal_code_loses_its_space() {
        assert_eq!(postal_code("code", "1234 ab"), Ok("1234AB".to_owned()));
        for wrong in ["", "0234AB", "1234", "1234ABC", "12é4B", "ABCD12"] {
            assert!(postal_code("code", wrong).is_err(), "{wrong}");
        }
    }
}
