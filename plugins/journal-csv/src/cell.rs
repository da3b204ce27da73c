//! The cells: amounts, and text that no spreadsheet takes for a formula.

use crate::Decimal;
use koppel_sdk::Cents;

/// An amount in euros with two decimals: `-12,05`.
pub(crate) fn amount(cents: i64, decimal: Decimal) -> String {
    let amount = Cents(cents).to_string();
    match decimal {
        Decimal::Comma => amount.replace('.', ","),
        Decimal::Point => amount,
    }
}

/// Text that is text in a spreadsheet too. What starts with `=`, `+`, `-`, `@`,
/// a tab, a carriage return or a line feed gets an apostrophe in front, which
/// spreadsheets take for the mark of a text. A plain number is left as it is.
pub(crate) fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !is_number(text) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Digits, with a sign before and one decimal comma or point within, if any.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned.split_once([',', '.']) {
        Some((whole, decimals)) => digits(whole) && digits(decimals),
        None => digits(unsigned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_compute_gets_an_apostrophe() {
        for text in [
            "=1+1",
            "=HYPERLINK(\"http://x\")",
            "+SUM(A1)",
            "-2+3",
            "-",
            "--1",
            "-1,5,5",
            "@SUM(A1)",
            "\tx",
            "\r=1",
            "\n=1",
            "-1e9",
        ] {
            assert_eq!(safe(text), format!("'{text}"));
        }
    }

    #[test]
    fn a_plain_number_and_plain_text_are_left_as_they_are() {
        for text in [
            "", "-5", "+5", "-12,05", "-12.05", "40110", "Lonen", "a=b", "'x", "1-2",
        ] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn an_amount_has_the_decimal_sign_of_the_settings() {
        assert_eq!(amount(-1_205, Decimal::Comma), "-12,05");
        assert_eq!(amount(-1_205, Decimal::Point), "-12.05");
        assert_eq!(amount(0, Decimal::Comma), "0,00");
    }
}
