//! The `koppel` command.

use std::process::ExitCode;

/// In the static program: the allocator of musl has one lock for all threads, and
/// gives memory back to the kernel all the time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    koppel_host::cli::main().await
}
