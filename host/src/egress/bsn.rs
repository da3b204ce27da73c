//! Recognizing a BSN (burgerservicenummer, citizen service number) in a value
//! that is about to leave.
//!
//! A BSN has nine digits that pass the eleven-test (elfproef): nine times the
//! first digit, eight times the second, and so on to twice the eighth, less
//! the ninth, is a multiple of eleven. One in eleven numbers of nine digits
//! passes by chance, and an RSIN (the number of a legal person) always does.

/// Whether a value holds nine digits that stand alone and can be a BSN, also
/// when single spaces, dots or hyphens part them (`1234.56.782`).
pub(super) fn may_hold(value: &str) -> bool {
    // Once with and once without separators: `123456782-1` stands alone in
    // the first reading, `1234.56.782` in the second.
    [false, true].iter().any(|parted| scan(value, *parted))
}

/// Whether a value is a BSN: nine digits that pass the eleven-test.
pub(crate) fn is_citizen_service_number(value: &str) -> bool {
    let digits: Vec<_> = value.chars().map(|c| c.to_digit(10)).collect();
    digits.iter().all(Option::is_some) && is_bsn(&digits)
}

fn scan(value: &str, parted: bool) -> bool {
    let mut run: Vec<Option<u32>> = Vec::new();
    let mut separator = false;
    for c in value.chars() {
        if c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric()) {
            // A digit of another script has a value that is not looked up
            // here; it counts as any.
            run.push(c.to_digit(10));
            separator = false;
        } else if parted && !separator && !run.is_empty() && matches!(c, ' ' | '.' | '-') {
            separator = true;
        } else {
            if is_bsn(&run) {
                return true;
            }
            run.clear();
            separator = false;
        }
    }
    is_bsn(&run)
}

fn is_bsn(digits: &[Option<u32>]) -> bool {
    if digits.len() != 9 {
        return false;
    }
    let Some(digits) = digits.iter().copied().collect::<Option<Vec<u32>>>() else {
        return true;
    };
    let weighted: u32 = (2..=9)
        .rev()
        .zip(&digits)
        .map(|(weight, digit)| weight * digit)
        .sum();
    // Nine zeros pass too, and are never given out.
    weighted > 0 && weighted % 11 == digits[8] % 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_digits_that_pass_the_eleven_test_are_found_wherever_they_stand_alone() {
        // Numbers from published examples; none was given to a person.
        for value in [
            "123456782",
            "111222333",
            "Jan Jansen 123456782",
            "bsn:123456782;",
            "NL123456782B01",
            "1234.56.782",
            "123 456 782",
            "123-456-782",
            "12345678-2 en verder",
            "123456782-1",
            "１２３４５６７８２",
            "12345678²",
        ] {
            assert!(may_hold(value), "{value}");
        }
    }

    #[test]
    fn other_numbers_are_let_through() {
        for value in [
            "",
            "123456789",
            "123456783",
            "000000000",
            "12345678",
            "1234567820",
            "000038509504",
            "123456782123456782",
            "12345, 6782",
            "12345  6782",
            "1234a56782",
            "Voordijk 12, 1234AA Leiden",
        ] {
            assert!(!may_hold(value), "{value}");
        }
    }

    #[test]
    fn every_number_is_judged_by_the_published_rule() {
        let passing = (100_000_000_u64..100_011_000)
            .filter(|number| {
                let digits: Vec<u64> = (0..9).rev().map(|p| number / 10_u64.pow(p) % 10).collect();
                let sum: i64 = [9, 8, 7, 6, 5, 4, 3, 2, -1]
                    .iter()
                    .zip(&digits)
                    .map(|(weight, digit)| weight * digit.cast_signed())
                    .sum();
                assert_eq!(sum % 11 == 0, may_hold(&number.to_string()), "{number}");
                sum % 11 == 0
            })
            .count();
        assert_eq!(passing, 1000);
    }
}
