//! Passing all tests.

use crate::command::{cargo, if_possible, run};
use crate::{components, console_test, other_languages, scale, tools};
use anyhow::Result;
use std::thread;

/// Builds what the tests use, installs what they need, and passes them; with
/// arguments of `cargo test`, a part of them, without the browser.
///
/// # Errors
///
/// When something cannot be built, or a test fails.
pub(crate) fn tests(arguments: &[String]) -> Result<()> {
    let all = arguments.is_empty();
    // Beside compiling, which leaves the network and the disk alone.
    let installing = thread::spawn(move || installations(all));
    components::plugins()?;
    components::guests()?;
    // With them, what follows has nothing left to build.
    run(cargo().args(["build", "--workspace", "--all-targets"]))?;
    if installing.join().is_err() {
        eprintln!("notice: the installations ended by a panic");
    }
    if_possible(
        "the connectors in JavaScript and Python",
        other_languages::build,
    )?;
    run(cargo().args(["test", "--workspace"]).args(arguments))?;
    match all {
        true => console_test::console_test_if_possible(),
        false => Ok(()),
    }
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
