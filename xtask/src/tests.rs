//! Passing all tests.

use crate::command::{cargo, if_possible, run};
use crate::{components, console_test, other_languages, scale, tools};
use anyhow::Result;
use std::thread;
use std::time::Instant;

/// How many tests are made at a time, if it is set.
const THREADS: &str = "RUST_TEST_THREADS";

/// Builds what the tests use, installs what they need, and passes them; with
/// arguments of `cargo test`, a part of them, without the browser. Says what took
/// how long.
///
/// # Errors
///
/// When something cannot be built, or a test fails.
pub(crate) fn tests(arguments: &[String]) -> Result<()> {
    let all = arguments.is_empty();
    // Beside compiling, which leaves the network alone.
    let installing = thread::spawn(move || installations(all));
    timed("components", || {
        components::plugins()?;
        components::guests()
    })?;
    // With all targets, what follows has nothing left to build.
    let mut build = cargo();
    build.args(["build", "--workspace", "--all-targets"]);
    timed("host and tests", || run(&mut build))?;
    if installing.join().is_err() {
        eprintln!("notice: the installations ended by a panic");
    }
    timed("connectors in other languages", || {
        let what = "the connectors in JavaScript and Python";
        if_possible(what, other_languages::build)
    })?;
    let mut test = cargo();
    test.args(["test", "--workspace"]).args(arguments);
    if std::env::var_os(THREADS).is_none() {
        // Many tests wait: for another process, a server, or a moment.
        let processors = thread::available_parallelism().map_or(1, usize::from);
        test.env(THREADS, (2 * processors).to_string());
    }
    timed("tests", || run(&mut test))?;
    match all {
        true => timed("browser", console_test::console_test_if_possible),
        false => Ok(()),
    }
}

/// Does a part, and says how long it took.
fn timed<T>(what: &str, part: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let done = part()?;
    eprintln!("xtask: {} s: {what}", began.elapsed().as_secs());
    Ok(done)
}

/// Installs what the tests take, as far as this machine allows. What it does not
/// allow is tried again when its turn comes, and said then.
fn installations(browser: bool) {
    tools::xmllint();
    scale::servers();
    let _ = other_languages::prepare();
    if browser {
        let _ = console_test::prepare();
    }
}
