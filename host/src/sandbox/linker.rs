//! What a component is linked with: a base that grants nothing, and the
//! activities that were granted to its client.

use super::State;
use crate::activities;
use crate::authorization::ActivitySet;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::random::WasiRandom;

/// A linker that grants nothing.
///
/// Rust's standard library imports a base of WASI whether it is used or not:
/// it is linked, but empty (no environment, arguments, directories, input).
/// Sockets are never linked.
///
/// # Errors
///
/// Only when a definition clashes with another: a fault of koppel.
pub(super) fn base(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    wasmtime_wasi_io::add_to_linker_async(l)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    random::random::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    activities::log::link(l)?;
    Ok(linker)
}

/// A linker that holds exactly this, and the base. `wasi:http` is linked only
/// with `http`.
///
/// # Errors
///
/// As for [`base`].
pub(super) fn link(
    base: &Linker<State>,
    granted: &ActivitySet,
    http: bool,
    exports: bool,
) -> wasmtime::Result<Linker<State>> {
    let mut linker = base.clone();
    let l = &mut linker;
    if http {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(l)?;
    }
    if exports {
        activities::exports::link(l)?;
    }
    activities::link(l, granted)?;
    Ok(linker)
}
