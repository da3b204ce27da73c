//! The `koppel` command.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    koppel_host::cli::main().await
}
