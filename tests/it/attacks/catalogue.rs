//! `docs/attacks.md` and the tests say the same.

use crate::harness::repository;
use std::collections::{BTreeMap, BTreeSet};

/// A row of the table.
struct Row {
    attack: String,
    outcome: String,
    test: String,
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(repository().join("docs/attacks.md")).unwrap();
    text.lines()
        // Of three columns, the last of which is the name of a test.
        .filter(|line| line.starts_with("| ") && line.trim_end().ends_with("` |"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [attack, outcome, test] = cells[..] else {
                panic!("{line}");
            };
            Row {
                attack: attack.to_owned(),
                outcome: outcome.to_owned(),
                test: test.trim_matches(['`', ' ', '|']).to_owned(),
            }
        })
        .collect()
}

/// The source of each family.
fn families() -> BTreeMap<String, String> {
    let folder = repository().join("tests/it/attacks");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .filter(|(name, _)| !["mod", "catalogue", "guest", "server"].contains(&name.as_str()))
        .collect()
}

/// The tests, as `family::test`.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for (family, source) in families() {
        for part in source.split("#[tokio::test").skip(1) {
            let name = part.split("async fn ").nth(1).unwrap();
            let name = name.split('(').next().unwrap();
            assert!(tests.insert(format!("{family}::{name}")), "{name}");
        }
    }
    tests
}

#[test]
fn every_attack_has_a_test_and_every_test_an_attack() {
    let listed: BTreeSet<String> = rows().into_iter().map(|row| row.test).collect();
    assert_eq!(listed, tests());
}

#[test]
fn there_are_at_least_seventy_attacks_and_no_two_are_the_same() {
    let rows = rows();
    let attacks: BTreeSet<&str> = rows.iter().map(|row| row.attack.as_str()).collect();
    assert_eq!(attacks.len(), rows.len());
    assert!(attacks.len() >= 70, "{}", attacks.len());
}

#[test]
fn the_outcomes_of_the_table_are_those_of_the_tests() {
    let families = families();
    for row in rows() {
        let family = row.test.split("::").next().unwrap();
        // As it is written in a string of Rust.
        let source = families[family].replace("\\\"", "\"").replace("\\n", "\n");
        let source = source.replace("\\\n", "");
        // What is in backticks is the text itself.
        for text in row.outcome.split('`').skip(1).step_by(2) {
            assert!(source.contains(text), "{}: {text}", row.test);
        }
    }
}
