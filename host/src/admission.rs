//! Admission: what a component asks for, read from the binary itself, against
//! what its client was granted.
//!
//! A component's import list is its request. It cannot lie: what is not
//! imported cannot be called, and what is imported must have been granted, all
//! of it, or the component is not loaded.

mod effort;
mod refusal;
mod version;

pub use effort::{Effort, measure};
pub use refusal::{NotGranted, Refusal};

use crate::activities::WIT_VERSION;
use crate::authorization::ActivitySet;
use crate::catalogue::Activity;
use crate::sandbox::Limits;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use version::Fit;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

/// The largest component that is compiled, in bytes: compiling takes time and
/// memory in proportion. One in Python, with its interpreter, has 20 to 30 MB.
pub const MAX_BYTES: usize = 64 << 20;

/// The kinds of connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Books or exports journal runs.
    Journal,
    /// Asks an outside register about one thing.
    Lookup,
    /// Asks a price for, orders and cancels a product.
    Product,
    /// Makes and sends payroll tax returns or pension declarations.
    Declaration,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::Journal,
        Self::Lookup,
        Self::Product,
        Self::Declaration,
    ];

    /// The interface that a component of this kind exports.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Lookup => "lookup",
            Self::Product => "product",
            Self::Declaration => "declaration",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.interface())
    }
}

/// What a component is and asks for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inspection {
    /// The SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// The size of the file in bytes.
    pub size: usize,
    /// The kinds of connector that it exports.
    pub kinds: BTreeSet<Kind>,
    /// The versions of `koppel:loket` and `koppel:connector` that it uses.
    pub wit_versions: BTreeSet<String>,
    /// The activities that it imports, in alphabetical order.
    pub activities: Vec<Activity>,
    /// Whether it imports `wasi:http`.
    pub http: bool,
    /// Whether it imports export files.
    pub exports: bool,
    /// The other interfaces that it imports.
    pub interfaces: BTreeSet<String>,
    /// Imports that this host does not know, as `interface#function`.
    pub unknown: Vec<String>,
}

/// Compiles a component and reads what it asks for, within the default limits.
///
/// # Errors
///
/// A [`Refusal`] when it is no connector of this version of the contract.
/// Whether it may be loaded is for [`admit`] to say.
pub fn inspect(engine: &Engine, bytes: &[u8]) -> Result<(Component, Inspection), Refusal> {
    inspect_within(engine, bytes, Limits::default().compile_effort)
}

/// As [`inspect`], with another limit of [`Limits::compile_effort`].
///
/// # Errors
///
/// As for [`inspect`].
pub fn inspect_within(
    engine: &Engine,
    bytes: &[u8],
    compile_effort: u64,
) -> Result<(Component, Inspection), Refusal> {
    precheck(bytes, compile_effort)?;
    compile(engine, bytes)
}

/// Refuses what must not even be compiled: what is no component, and what
/// would take more work than `compile_effort` (see [`Effort::units`]).
///
/// # Errors
///
/// A [`Refusal`] that says so.
pub(crate) fn precheck(bytes: &[u8], compile_effort: u64) -> Result<(), Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooLarge { size: bytes.len() });
    }
    // The preamble: magic, then version and layer (component model, Binary.md).
    match (bytes.get(..4), bytes.get(4..8)) {
        (Some(b"\0asm"), Some([1, 0, 0, 0])) => return Err(Refusal::CoreModule),
        (Some(b"\0asm"), _) => {}
        _ => return Err(Refusal::NotWebAssembly),
    }
    let effort = measure(bytes);
    if effort.largest_function > effort::FUNCTION_BYTES {
        return Err(Refusal::LargeFunction {
            bytes: effort.largest_function,
        });
    }
    if effort.units > compile_effort {
        return Err(Refusal::TooMuchWork {
            units: effort.units,
            limit: compile_effort,
        });
    }
    Ok(())
}

/// Compiles a component that passed [`precheck`], and reads what it asks for.
///
/// # Errors
///
/// As for [`inspect`].
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<(Component, Inspection), Refusal> {
    let component = catch_unwind(AssertUnwindSafe(|| Component::from_binary(engine, bytes)))
        .map_err(|panic| Refusal::Invalid(failed(panic.as_ref())))?
        .map_err(|error| Refusal::Invalid(one_line(&error)))?;
    let digest = Sha256::digest(bytes).into();
    let inspection = read(engine, &component, &digest, bytes.len())?;
    Ok((component, inspection))
}

/// What a compiled component is and asks for. `digest` and `size` are those of
/// the bytes that it was compiled from.
///
/// # Errors
///
/// As [`inspect`].
pub(crate) fn read(
    engine: &Engine,
    component: &Component,
    digest: &[u8; 32],
    size: usize,
) -> Result<Inspection, Refusal> {
    let kind = component.component_type();
    let mut inspection = Inspection {
        sha256: hex::encode(digest),
        size,
        kinds: BTreeSet::new(),
        wit_versions: BTreeSet::new(),
        activities: Vec::new(),
        http: false,
        exports: false,
        interfaces: BTreeSet::new(),
        unknown: Vec::new(),
    };
    let mut exported = BTreeSet::new();
    for (name, _) in kind.exports(engine) {
        exported.insert(name.to_owned());
        if let Some(("koppel:connector", interface)) = ours(name, &mut inspection)? {
            let found = Kind::ALL.iter().find(|kind| kind.interface() == interface);
            inspection.kinds.extend(found);
        }
    }
    for (name, item) in kind.imports(engine) {
        let functions: Vec<String> = match &item.ty {
            ComponentItem::ComponentInstance(instance) => instance
                .exports(engine)
                .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
                .map(|(function, _)| function.to_owned())
                .collect(),
            _ => {
                inspection.unknown.push(name.to_owned());
                continue;
            }
        };
        match ours(name, &mut inspection)? {
            Some(("koppel:loket", interface)) => {
                for function in functions {
                    match Activity::of_function(interface, &function) {
                        Some(activity) => inspection.activities.push(activity),
                        None => inspection.unknown.push(format!("{name}#{function}")),
                    }
                }
            }
            Some((_, "exports")) => inspection.exports = true,
            Some((_, "log" | "types")) => {
                inspection.interfaces.insert(name.to_owned());
            }
            Some(_) => inspection.unknown.push(name.to_owned()),
            None if among(&HTTP, name) => {
                inspection.http = true;
                inspection.interfaces.insert(name.to_owned());
            }
            None if among(&BASE, name) => {
                inspection.interfaces.insert(name.to_owned());
            }
            None => inspection.unknown.push(name.to_owned()),
        }
    }
    inspection.activities.sort_by_key(|activity| activity.id());
    let is_connector = |name: &String| {
        name.strip_prefix("koppel:connector/connector@")
            .is_some_and(|version| version::judge(version, WIT_VERSION) == Fit::Fits)
    };
    if !inspection.unknown.is_empty() {
        return Err(Refusal::Unknown(inspection.unknown));
    }
    if inspection.kinds.is_empty() || !exported.iter().any(is_connector) {
        let exports = if exported.is_empty() {
            "nothing".to_owned()
        } else {
            refusal::some(exported)
        };
        return Err(Refusal::NotAConnector { exports });
    }
    Ok(inspection)
}

/// The interfaces of WASI 0.2 that are linked for every component, because
/// Rust's standard library imports them; see [`crate::sandbox::Sandbox::linker`].
const BASE: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// The interfaces of WASI 0.2 that are linked for a client with a rule for
/// outside requests.
const HTTP: [&str; 2] = ["wasi:http/outgoing-handler", "wasi:http/types"];

/// Whether an import is one of these interfaces, in a version of WASI 0.2.
fn among(interfaces: &[&str], name: &str) -> bool {
    name.split_once('@').is_some_and(|(interface, version)| {
        interfaces.contains(&interface) && version.starts_with("0.2.")
    })
}

/// Splits the name of an interface of koppel's own packages into package and
/// interface, and notes the version.
fn ours<'a>(
    name: &'a str,
    inspection: &mut Inspection,
) -> Result<Option<(&'a str, &'a str)>, Refusal> {
    let Some((package, rest)) = name.split_once('/') else {
        return Ok(None);
    };
    if !package.starts_with("koppel:") {
        return Ok(None);
    }
    let (interface, version) = rest.split_once('@').unwrap_or((rest, "none"));
    match version::judge(version, WIT_VERSION) {
        Fit::Fits => {}
        Fit::Newer => {
            return Err(Refusal::NewerVersion {
                package: package.to_owned(),
                found: version.to_owned(),
            });
        }
        Fit::Other => {
            return Err(Refusal::WrongVersion {
                package: package.to_owned(),
                found: version.to_owned(),
            });
        }
    }
    inspection.wit_versions.insert(version.to_owned());
    Ok(Some((package, interface)))
}

/// Says whether a component may be loaded for a client.
///
/// # Errors
///
/// [`Refusal::NotGranted`], which names everything that is missing and the
/// lines to add.
pub fn admit(
    client: &str,
    inspection: &Inspection,
    granted: &ActivitySet,
    http: bool,
    exports: bool,
) -> Result<(), Refusal> {
    let missing: Vec<Activity> = inspection
        .activities
        .iter()
        .copied()
        .filter(|activity| !granted.contains(*activity))
        .collect();
    let (http, exports) = (inspection.http && !http, inspection.exports && !exports);
    if missing.is_empty() && !http && !exports {
        return Ok(());
    }
    let mut lines = Vec::new();
    if !missing.is_empty() {
        let all: Vec<String> = granted
            .iter()
            .chain(missing.iter().copied())
            .map(|activity| format!("\"{activity}\""))
            .collect();
        lines.push(format!(
            "[clients.{client}] activities = [{}]",
            all.join(", ")
        ));
    }
    if http {
        lines.push(format!(
            "[clients.{client}] http = [{{ allow = \"https://…/*\", methods = [\"GET\"], activity = \"…\" }}]"
        ));
    }
    if exports {
        lines.push(format!(
            "[clients.{client}] exports = {{ directory = \"…\", quota-bytes = 50_000_000, activity = \"PostDownloadJournalRunExportByJournalRunId\" }}"
        ));
    }
    Err(Refusal::NotGranted(NotGranted {
        client: client.to_owned(),
        activities: missing,
        lines,
        http,
        exports,
    }))
}

/// Why the compiler failed on what it found valid. It panics on one thing that
/// is known: what two components hand each other through memory is copied by code
/// that it makes itself, with a memory of each, and then refuses.
fn failed(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    match text.unwrap_or_default() {
        text if text.contains("multiple memories") => "it is composed of components that hand each other what is in memory, which takes multiple memories".to_owned(),
        text => format!("the compiler failed on it: {text}"),
    }
}

/// An error and its causes, in one line.
fn one_line(error: &wasmtime::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
        .replace('\n', " ")
}
