//! Numbers with a check digit.

/// Whether a text is a citizen service number (burgerservicenummer, BSN): nine
/// digits that pass the eleven-test (elfproef): the sum of the digits times 9,
/// 8, 7, 6, 5, 4, 3, 2 and -1 is a multiple of 11. The first three digits are
/// not all zero.
pub fn is_citizen_service_number(text: &str) -> bool {
    let digits = text.as_bytes();
    if digits.len() != 9 || !digits.iter().all(u8::is_ascii_digit) || text.starts_with("000") {
        return false;
    }
    let weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
    let sum: i32 = digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| i32::from(digit - b'0') * weight)
        .sum();
    sum % 11 == 0
}

/// Whether a text is a wage-tax number (loonheffingennummer): nine digits that
/// pass the same test, `L`, and two digits that are not both zero.
pub fn is_wage_tax_number(text: &str) -> bool {
    let Some((fiscal, sub)) = text.split_once('L') else {
        return false;
    };
    let digits = sub.len() == 2 && sub.bytes().all(|b| b.is_ascii_digit());
    is_citizen_service_number(fiscal) && digits && sub != "00"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_digit_is_found_wherever_it_is() {
        let right = "999990019";
        assert!(is_citizen_service_number(right));
        for at in 0..9 {
            for digit in b'0'..=b'9' {
                let mut wrong = right.as_bytes().to_vec();
                if wrong[at] == digit {
                    continue;
                }
                wrong[at] = digit;
                let wrong = String::from_utf8(wrong).unwrap();
                assert!(!is_citizen_service_number(&wrong), "{wrong}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "99999001",
            "9999900190",
            "99999001x",
            "000000012",
            "９９9990019",
        ] {
            assert!(!is_citizen_service_number(text), "{text}");
        }
        assert!(is_wage_tax_number("999990007L01"));
        for text in [
            "999990007",
            "999990007L00",
            "999990007L1",
            "999990008L01",
            "999990007l01",
            "999990007LL1",
        ] {
            assert!(!is_wage_tax_number(text), "{text}");
        }
    }
}
