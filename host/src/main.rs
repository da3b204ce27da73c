//! The `koppel` command.

use std::process::ExitCode;

/// What is recorded is made by one thread and freed by another, which writes it.
/// Then the allocator of glibc has threads wait for each other (a seventh fewer
/// runs in a second), and that of musl has one lock for all.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    koppel_host::cli::main().await
}
