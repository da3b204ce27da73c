//! Replays the seeds of each target, and every input that once failed.

use super::TARGETS;
use std::path::{Path, PathBuf};

/// The inputs of a target in one of the folders.
fn inputs(folder: &str, target: &str) -> Vec<PathBuf> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let Ok(entries) = std::fs::read_dir(fuzz.join(folder).join(target)) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_seed_and_everything_that_once_failed_holds() {
    for (name, target) in TARGETS {
        let seeds = inputs("seeds", name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for input in seeds.into_iter().chain(inputs("failed", name)) {
            println!("{}", input.display());
            target(&std::fs::read(&input).unwrap());
        }
    }
}

#[test]
fn every_target_takes_what_is_nothing() {
    for (_, target) in TARGETS {
        for input in [&b""[..], b"\0", b"\xff\xfe", b"\n\n\n", b" ", &[b'['; 4096]] {
            target(input);
        }
    }
}
