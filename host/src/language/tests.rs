use super::*;
use regex::Regex;
use std::path::Path;

#[test]
fn the_language_that_is_liked_best_is_chosen() {
    for (field, expected) in [
        ("", Language::English),
        ("nl", Language::Dutch),
        ("nl-BE,en;q=0.9", Language::Dutch),
        ("en-GB,nl;q=0.9", Language::English),
        ("de,fr;q=0.9,nl;q=0.3,en;q=0.2", Language::Dutch),
        ("de", Language::English),
        ("nl;q=0", Language::English),
        ("nl;q=x", Language::Dutch),
        (";;,,q=1", Language::English),
    ] {
        assert_eq!(Language::accepted(field), expected, "{field}");
    }
}

#[test]
fn values_come_in_the_places_of_a_text() {
    assert_eq!(fill("{} of {}", &[&1, &"<b>"]), "1 of <b>");
    assert_eq!(fill("none", &[&1]), "none");
    assert_eq!(fill("{}{}", &[&1]), "1");
}

#[test]
fn every_text_is_there_in_both_languages_with_the_same_places() {
    for (name, english, dutch) in table::all() {
        assert!(
            !english.trim().is_empty() && !dutch.trim().is_empty(),
            "{name}"
        );
        let places = |text: &str| text.matches("{}").count();
        assert_eq!(places(english), places(dutch), "{name}");
    }
    // What is the same in both is a word of both.
    let same = table::all().filter(|(_, english, dutch)| english == dutch);
    let same: Vec<_> = same.map(|(name, ..)| name).collect();
    assert_eq!(same, table::SAME);
}

/// What of a template is read by people: what is between tags, and the
/// attributes that are text.
fn read_by_people(template: &str) -> Vec<String> {
    let code = Regex::new(r"(?s)\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}").unwrap();
    let text = code.replace_all(template, "");
    let attribute =
        Regex::new(r#"(?:aria-label|aria-description|title|alt|placeholder)="([^"]*)""#).unwrap();
    let named = attribute
        .captures_iter(&text)
        .map(|found| found[1].to_owned());
    let mut read: Vec<String> = named.collect();
    let tags = Regex::new(r"(?s)<!--.*?-->|<[^>]*>").unwrap();
    read.extend(tags.split(&text).map(ToOwned::to_owned));
    read.retain(|text| text.chars().any(char::is_alphabetic));
    read
}

/// The files of a folder with this extension: name and text.
fn files(folder: &Path, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

#[test]
fn templates_hold_no_text_of_their_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let all = files(&folder, "html");
    assert!(all.len() > 10);
    for (name, template) in all {
        let read = read_by_people(&template);
        let own: Vec<_> = read
            .iter()
            .map(|text| text.trim())
            // Its name, and what is written so in every language.
            .filter(|text| !["koppel", "- koppel", "SHA-256", "HTTP"].contains(text))
            .collect();
        assert_eq!(own, [] as [&str; 0], "{name}");
        for forbidden in ["|safe", "style=", "onclick", "javascript:"] {
            assert!(
                !template.contains(forbidden) || name.contains("/oauth/"),
                "{name}: {forbidden}"
            );
        }
    }
}

#[test]
fn every_text_is_used() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = files(&here.join("templates"), "html");
    all.extend(files(&here.join("src/console"), "rs"));
    all.extend(files(&here.join("src/oauth"), "rs"));
    for (name, ..) in table::all() {
        let used = Regex::new(&format!(r"\bt\.{name}\b|\btexts\(\)\.{name}\b")).unwrap();
        assert!(all.iter().any(|(_, text)| used.is_match(text)), "{name}");
    }
}
