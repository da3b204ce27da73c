mod credentials;
mod elsewhere;
mod encryption;
mod faults;
mod following;
mod live;
mod names;
mod published;
mod queue;
mod resolved;
mod retention;
mod schema;
mod shared;
mod upstream;

use super::*;

/// Where the files of the tests would lie. Nothing is read from there.
const PATH: &str = "/etc/koppel/platform.toml";

/// A configuration that has no faults.
#[track_caller]
fn resolved(text: &str) -> Config {
    Config::parse(Path::new(PATH), text).unwrap_or_else(|error| panic!("{error}"))
}

/// The faults of one that has them: each as `<line>: <text>`.
#[track_caller]
fn faults(text: &str) -> Vec<String> {
    let error = Config::parse(Path::new(PATH), text).unwrap_err();
    let show = |fault: &Fault| match fault.line {
        Some(line) => format!("{line}: {}", fault.text),
        None => fault.text.clone(),
    };
    error.faults.iter().map(show).collect()
}

/// The only fault.
#[track_caller]
fn fault(text: &str) -> String {
    let mut faults = faults(text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.remove(0)
}
