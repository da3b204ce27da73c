//! Text of others, made safe to show.

/// Replaces control characters, and those that change the direction of text or
/// break lines unseen, so that neither a terminal nor its reader is misled by
/// whoever wrote the text. Line breaks and tabs stay.
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
            if (c.is_control() || misleads(c)) && !keep(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Marks, embeddings, overrides and isolates of the Unicode bidirectional
/// algorithm (UAX #9), and the separators of lines and paragraphs.
fn misleads(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

/// The beginning of a text, at most so many bytes, and how long it was if more.
pub(crate) fn clipped(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes);
    format!("{}… ({} bytes)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_a_reader_is_replaced() {
        let text = "a\u{202e}fdp.exe\u{2069}b\u{2028}c\u{200f}é";
        assert_eq!(
            one_line(text),
            "a\u{fffd}fdp.exe\u{fffd}b\u{fffd}c\u{fffd}é"
        );
    }

    #[test]
    fn what_is_too_long_is_clipped_between_characters() {
        assert_eq!(clipped("aé", 3), "aé");
        assert_eq!(clipped("aéé", 4), "aé… (5 bytes)");
    }

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
