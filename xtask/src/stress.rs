//! Honest and hostile clients together, for longer than a test may take.

use crate::command::{cargo, run};
use crate::components;
use anyhow::Result;

/// Runs the ignored test that reports. It is a process of its own, so that its
/// memory is that of the host and the clients alone.
pub(crate) fn stress(seconds: u64) -> Result<()> {
    components::guests()?;
    let mut stress = cargo();
    stress
        .args(["test", "--package", "koppel-host", "--test", "it"])
        .args([
            "--",
            "--ignored",
            "--exact",
            "--nocapture",
            "stress::report",
        ])
        .env("KOPPEL_STRESS_SECONDS", seconds.to_string());
    run(&mut stress)
}
