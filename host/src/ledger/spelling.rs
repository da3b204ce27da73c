//! Finding a text however it is spelled: as it is, percent-encoded, or escaped
//! as in JSON or XML, each character on its own, since programs differ in which
//! ones they encode.

use std::ops::Range;

/// Where a text occurs, by start. Occurrences may overlap.
pub(super) fn find(bytes: &[u8], text: &str) -> Vec<Range<usize>> {
    let Some(first) = text.chars().next() else {
        return Vec::new();
    };
    let occurs = |start| Some(start..end(bytes, start, text)?);
    if first.is_ascii_alphanumeric() {
        // The fast way for most secrets: at the character itself, and at what
        // could be an encoded form of it.
        let plain = memchr::memchr_iter(first as u8, bytes);
        let encoded = memchr::memchr3_iter(b'%', b'\\', b'&', bytes);
        let mut found: Vec<_> = plain.chain(encoded).filter_map(occurs).collect();
        found.sort_by_key(|range| range.start);
        return found;
    }
    let begins = |start: &usize| {
        let bytes = &bytes[*start..];
        plain(bytes, first).or(encoded(bytes, first)).is_some()
    };
    (0..bytes.len()).filter(begins).filter_map(occurs).collect()
}

/// Whether a text occurs on its own, and not as a part of a longer number or
/// word.
pub(crate) fn mentions(bytes: &[u8], text: &str) -> bool {
    let alone = |found: &Range<usize>| {
        let next = bytes.get(found.end);
        ends_word(&bytes[..found.start]) && !next.is_some_and(u8::is_ascii_alphanumeric)
    };
    find(bytes, text).iter().any(alone)
}

/// Whether what comes next begins a word or a number: after what is no letter
/// or digit, or after an escape (`%20`, `\n`, `\u0020`), which ends in one.
fn ends_word(before: &[u8]) -> bool {
    let at = |back: usize| before.len().checked_sub(back).map(|at| before[at]);
    !at(1).is_some_and(|last| last.is_ascii_alphanumeric())
        || at(3) == Some(b'%')
        || at(2) == Some(b'\\')
        || (at(6), at(5)) == (Some(b'\\'), Some(b'u'))
}

/// Where a text that starts here ends.
fn end(bytes: &[u8], start: usize, text: &str) -> Option<usize> {
    // There is more than one way where a character begins its own encoded
    // form: `%` and `%25`.
    let mut ends = vec![start];
    for c in text.chars() {
        ends = ends
            .into_iter()
            .flat_map(|end| {
                let lengths = [plain(&bytes[end..], c), encoded(&bytes[end..], c)];
                lengths
                    .into_iter()
                    .flatten()
                    .map(move |length| end + length)
            })
            .collect();
        ends.sort_unstable();
        ends.dedup();
        if ends.is_empty() {
            return None;
        }
    }
    ends.pop()
}

/// The length of a character as it is, if that comes next.
fn plain(bytes: &[u8], c: char) -> Option<usize> {
    let mut utf8 = [0; 4];
    let utf8 = c.encode_utf8(&mut utf8);
    bytes.starts_with(utf8.as_bytes()).then_some(utf8.len())
}

/// The length of a character in an encoded form, if that comes next.
fn encoded(bytes: &[u8], c: char) -> Option<usize> {
    match bytes.first()? {
        b'%' => percent(bytes, c),
        b'\\' => json(bytes, c),
        b'&' => xml(bytes, c),
        // A space in a form.
        b'+' if c == ' ' => Some(1),
        _ => None,
    }
}

fn percent(bytes: &[u8], c: char) -> Option<usize> {
    let mut utf8 = [0; 4];
    let utf8 = c.encode_utf8(&mut utf8).as_bytes();
    let (groups, _) = bytes.as_chunks::<3>();
    let groups = groups.get(..utf8.len())?;
    let same = |(group, byte): (&[u8; 3], &u8)| {
        group[0] == b'%' && hexadecimal(&group[1..]) == Some(u32::from(*byte))
    };
    groups.iter().zip(utf8).all(same).then_some(utf8.len() * 3)
}

fn json(bytes: &[u8], c: char) -> Option<usize> {
    let short = match bytes.get(1)? {
        b'u' => {
            let mut utf16 = [0; 2];
            let utf16 = c.encode_utf16(&mut utf16);
            let (groups, _) = bytes.as_chunks::<6>();
            let groups = groups.get(..utf16.len())?;
            let same = |(group, unit): (&[u8; 6], &u16)| {
                group.starts_with(b"\\u") && hexadecimal(&group[2..]) == Some(u32::from(*unit))
            };
            return groups
                .iter()
                .zip(&*utf16)
                .all(same)
                .then_some(utf16.len() * 6);
        }
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        other @ (b'"' | b'\\' | b'/') => char::from(*other),
        _ => return None,
    };
    (short == c).then_some(2)
}

/// The longest reference to a character: `&#x10FFFF;`, and a few zeros.
const REFERENCE: usize = 16;

fn xml(bytes: &[u8], c: char) -> Option<usize> {
    let window = &bytes[1..bytes.len().min(REFERENCE)];
    let length = memchr::memchr(b';', window)?;
    let meant = match &window[..length] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(hexadecimal(digits)?)?,
        [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        _ => return None,
    };
    (meant == c).then_some(length + 2)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn a_text_is_mentioned_where_it_stands_alone_however_it_is_spelled() {
        for text in [
            "999993653",
            "<bsn>999993653</bsn>",
            "a;999993653;b",
            "?of=%20999993653%2C",
            "\"bsn\":\"\\u0039\\u0039999\\u0039\\u0033653\"",
            "\\n999993653\\n",
            "\\u0020999993653",
            "1999993653 and 999993653",
        ] {
            assert!(mentions(text.as_bytes(), "999993653"), "{text}");
        }
        for text in [
            "",
            "99999365",
            "1999993653",
            "9999936530",
            "x999993653",
            "999993653x",
        ] {
            assert!(!mentions(text.as_bytes(), "999993653"), "{text}");
        }
    }
}
