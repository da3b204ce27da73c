//! Text of others, made safe to show.

/// Replaces control characters, so that a terminal is not steered by whoever
/// wrote the text. Line breaks and tabs stay.
pub(crate) fn printable(text: &str) -> String {
    replaced(text, |c| c == '\t' || c == '\n')
}

/// As [`printable`], in one line.
pub(crate) fn one_line(text: &str) -> String {
    replaced(text, |c| c == '\t')
}

fn replaced(text: &str, keep: impl Fn(char) -> bool) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && !keep(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_replaced() {
        let text = "a\u{1b}[2J\tb\r\n\u{9b}c\u{7f}";
        assert_eq!(
            printable(text),
            "a\u{fffd}[2J\tb\u{fffd}\n\u{fffd}c\u{fffd}"
        );
        assert_eq!(
            one_line(text),
            "a\u{fffd}[2J\tb\u{fffd}\u{fffd}\u{fffd}c\u{fffd}"
        );
    }
}
