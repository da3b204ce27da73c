//! XML and JSON laid out for reading. Only white space between their parts is
//! other than in what was exchanged: nothing is read as a number or sorted.

use quick_xml::Reader;
use quick_xml::events::{BytesText, Event};
use quick_xml::writer::Writer;
use serde::de::IgnoredAny;

/// The text laid out, if it is XML or JSON with more than one part.
pub(super) fn pretty(text: &str) -> Option<String> {
    let laid_out = match text
        .trim_start()
        .trim_start_matches('\u{feff}')
        .chars()
        .next()?
    {
        '{' | '[' => json(text),
        '<' => xml(text),
        _ => None,
    };
    laid_out.filter(|laid_out| laid_out != text)
}

fn json(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let mut characters = text.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                out.push('"');
                while let Some(character) = characters.next() {
                    out.push(character);
                    match character {
                        '\\' => out.extend(characters.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(character);
                while characters
                    .next_if(|next| next.is_ascii_whitespace())
                    .is_some()
                {}
                // What is empty stays together.
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(',');
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    Some(out)
}

fn xml(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    loop {
        match reader.read_event().ok()? {
            Event::Eof => break,
            // As text, beside which no line is broken.
            Event::GeneralRef(name) => {
                let text = BytesText::from_escaped(format!("&{};", &*name));
                writer.write_event(Event::Text(text)).ok()?;
            }
            Event::Text(text) if text.bytes().all(|byte| byte.is_ascii_whitespace()) => {}
            event => writer.write_event(event).ok()?,
        }
    }
    String::from_utf8(writer.into_inner()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_with_its_order_and_its_numbers() {
        let text = r#"{"b":[1.00,1e400, {}],"a":"x,{}:\"\\","c":{"d":null} , "e":[ ]}"#;
        let expected = r#"{
  "b": [
    1.00,
    1e400,
    {}
  ],
  "a": "x,{}:\"\\",
  "c": {
    "d": null
  },
  "e": []
}"#;
        assert_eq!(pretty(text).unwrap(), expected);
        assert_eq!(pretty(expected), None);
    }

    #[test]
    fn xml_is_laid_out_with_its_text_as_it_is() {
        let text = "<?xml version=\"1.0\"?><a x='1'><b> two  words &lt;</b><!-- c --><d/></a>";
        let expected = "<?xml version=\"1.0\"?>\n<a x='1'>\n  <b> two  words &lt;</b>\n  <!-- c -->\n  <d/>\n</a>";
        assert_eq!(pretty(text).unwrap(), expected);
    }

    #[test]
    fn what_is_neither_is_left_alone() {
        for text in ["", "a;b", "{", "{\"a\":}", "[1,]", "<a><b></a>", "1"] {
            assert_eq!(pretty(text), None, "{text}");
        }
    }
}
