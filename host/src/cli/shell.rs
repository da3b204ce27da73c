//! `koppel completions` and `koppel man`: what shells and people know of the
//! command, made from its own definition.

use super::{Cli, Failure};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;
use std::path::PathBuf;

/// For which shell.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

/// Where the pages are to be.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A directory, made if there is none.
    directory: PathBuf,
}

/// `koppel completions`: the script that a shell reads.
pub(super) fn completions(asked: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(asked.shell, &mut Cli::command(), "koppel", &mut script);
    let written = std::io::stdout().write_all(&script);
    written.map_err(|error| Failure::Failed(error.to_string()))
}

/// `koppel man`: a page (troff, section 1) for the command and each of its
/// subcommands.
pub(super) fn man(asked: &Man) -> Result<(), Failure> {
    let directory = &asked.directory;
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    written.map_err(|error| Failure::Failed(format!("{}: {error}", directory.display())))
}
