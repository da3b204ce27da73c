//! Why components are not loaded, in words for the operator.

use super::MAX_BYTES;
use super::effort::FUNCTION_BYTES;
use crate::activities::WIT_VERSION;
use crate::catalogue::Activity;
use crate::distribution::{SignatureError, signature_file};
use std::fmt;
use std::path::PathBuf;

/// Why a component was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is larger than [`MAX_BYTES`].
    #[error("the file has {size} bytes; a component has at most {MAX_BYTES}")]
    TooLarge {
        /// The size of the file.
        size: usize,
    },
    /// A function of it is larger than the compiler is given.
    #[error(
        "a function of this component has {bytes} bytes of code; at most {FUNCTION_BYTES} are compiled"
    )]
    LargeFunction {
        /// The code of the function, in bytes.
        bytes: usize,
    },
    /// Compiling it would take too much work.
    #[error(
        "compiling this component would take too much work: {}, and limits.compile-effort is {limit}", counted(*.units)
    )]
    TooMuchWork {
        /// The work, see [`super::Effort::units`].
        units: u64,
        /// The limit.
        limit: u64,
    },
    /// It is a core module.
    #[error(
        "this is a core WebAssembly module, not a component; build it with --target wasm32-wasip2"
    )]
    CoreModule,
    /// It is not WebAssembly at all.
    #[error("this is not a WebAssembly component: it does not start with the bytes of one")]
    NotWebAssembly,
    /// It does not validate or compile.
    #[error("this component is not valid: {0}")]
    Invalid(String),
    /// It exports no kind of connector that this host knows.
    #[error(
        "this component is no connector: it must export koppel:connector/connector@{WIT_VERSION} and one of koppel:connector/journal@{WIT_VERSION}, koppel:connector/lookup@{WIT_VERSION}, koppel:connector/product@{WIT_VERSION}, koppel:connector/declaration@{WIT_VERSION}; it exports {exports}"
    )]
    NotAConnector {
        /// What it exports.
        exports: String,
    },
    /// It was built against another version of the contract.
    #[error(
        "this component was built against version {found} of the contract ({package}); this host offers {WIT_VERSION}: build it with the SDK of koppel {WIT_VERSION}"
    )]
    WrongVersion {
        /// The package.
        package: String,
        /// Its version in the component.
        found: String,
    },
    /// It was built against a newer version of the contract.
    #[error(
        "this component was built against version {found} of the contract ({package}), which is newer than the {WIT_VERSION} that this host offers: it may need what this host does not have; take a newer koppel, or build it with the SDK of koppel {WIT_VERSION}"
    )]
    NewerVersion {
        /// The package.
        package: String,
        /// Its version in the component.
        found: String,
    },
    /// It imports things that koppel never offers.
    #[error("this component imports what koppel does not offer: {}", some(.0))]
    Unknown(Vec<String>),
    /// It imports more than its client was granted.
    #[error("{0}")]
    NotGranted(NotGranted),
    /// The operator requires a signature by a trusted key.
    #[error(
        "{error}, and the configuration has [platform] signatures = \"required\"{}",
        advice(component, error)
    )]
    Signature {
        /// The file of the component.
        component: PathBuf,
        /// What is wrong with its signature.
        error: SignatureError,
    },
    /// Its bytes are not the ones that the operator pinned.
    #[error(
        "the file has SHA-256 {found}, but [clients.{client}] sha256 = \"{pinned}\"; if the new file is wanted, change that line"
    )]
    WrongDigest {
        /// The client.
        client: String,
        /// What the configuration says.
        pinned: String,
        /// What the file has.
        found: String,
    },
}

/// What would allow a component whose signature is not right.
fn advice(component: &std::path::Path, error: &SignatureError) -> String {
    let optional = "to load components whoever made them, put in the configuration:\n  [platform] signatures = \"optional\"";
    let file = signature_file(component);
    match error {
        SignatureError::Missing => format!(
            "\nput its signature into {}, as `koppel sign` does; or, {optional}",
            file.display()
        ),
        SignatureError::Untrusted(key) => format!(
            "\nto trust that key, put in the configuration:\n  [platform] trusted-keys = [\"<the public key with the number {key}>\"]\nor, {optional}"
        ),
        SignatureError::Malformed | SignatureError::Wrong(_) => {
            format!(
                "\nget {} anew from whoever made it; or, {optional}",
                file.display()
            )
        }
    }
}

/// What a component imports but its client was not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotGranted {
    /// The client.
    pub client: String,
    /// The missing activities.
    pub activities: Vec<Activity>,
    /// The lines of the configuration that would grant all of it.
    pub lines: Vec<String>,
    /// Whether it wants outside requests without having a rule.
    pub http: bool,
    /// Whether it wants export files without having a directory.
    pub exports: bool,
}

impl fmt::Display for NotGranted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "client \"{}\" is not loaded: its component imports what was not granted:",
            self.client
        )?;
        for activity in &self.activities {
            write!(f, "\n  activity {activity}")?;
        }
        if self.http {
            write!(f, "\n  outside requests (wasi:http)")?;
        }
        if self.exports {
            write!(f, "\n  export files (koppel:connector/exports)")?;
        }
        write!(f, "\nto grant it, put in the configuration:")?;
        for line in &self.lines {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// The most names that one text holds: a component can have a million.
const NAMES: usize = 20;

/// Names in one line; of many, the first.
pub(super) fn some<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let mut names = names.into_iter();
    let first: Vec<String> = names
        .by_ref()
        .take(NAMES)
        .map(|name| name.as_ref().to_owned())
        .collect();
    match names.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn counted(units: u64) -> String {
    match units {
        u64::MAX => "more units than can be counted".to_owned(),
        units => format!("{units} units"),
    }
}
