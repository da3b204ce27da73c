//! `koppel new`: writes a connector to begin with.

use super::Failure;
use super::output::{BOLD, GREEN, Output};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::fs::{File, create_dir_all};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The longest name, in characters.
const LONGEST: usize = 64;

/// What is to be written, and where.
#[derive(Debug, Args)]
pub(super) struct New {
    /// The name of the connector, in kebab-case: `journal-example`.
    name: String,
    /// What it does.
    #[arg(long, value_enum)]
    kind: Kind,
    /// The folder, which must not exist or be empty; by default named after the
    /// connector.
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
    /// A folder with the SDK, instead of the one that this version of koppel was
    /// released with; or else the variable KOPPEL_SDK.
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Books journal runs in an accounting package.
    Journal,
    /// Makes and sends payroll tax returns.
    Declaration,
    /// Asks a register about one thing.
    Lookup,
    /// Asks the price of something, orders and cancels it.
    Product,
}

/// A file of a new connector: where it goes, and what it is made of.
type Template = (&'static str, &'static str);

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../templates/new/", $path))
    };
}

const COMMON: [Template; 3] = [
    ("Cargo.toml", template!("common/Cargo.toml.in")),
    ("README.md", template!("common/README.md.in")),
    (".gitignore", template!("common/gitignore.in")),
];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Declaration => "declaration",
            Self::Lookup => "lookup",
            Self::Product => "product",
        }
    }

    /// What the connector says it is, until its developer says better.
    fn summary(self) -> &'static str {
        match self {
            Self::Journal => "Books journal runs in an accounting package",
            Self::Declaration => "Makes payroll tax returns and sends them to a gateway",
            Self::Lookup => "Looks up cars in a register by licence plate",
            Self::Product => "Asks the price of an article, orders and cancels it",
        }
    }

    fn templates(self) -> &'static [Template] {
        match self {
            Self::Journal => &[
                ("src/lib.rs", template!("journal/lib.rs.in")),
                ("src/api.rs", template!("journal/api.rs.in")),
                ("tests/connector.rs", template!("journal/connector.rs.in")),
                ("acceptance.toml", template!("journal/acceptance.toml.in")),
            ],
            Self::Declaration => &[
                ("src/lib.rs", template!("declaration/lib.rs.in")),
                (
                    "tests/connector.rs",
                    template!("declaration/connector.rs.in"),
                ),
                (
                    "acceptance.toml",
                    template!("declaration/acceptance.toml.in"),
                ),
            ],
            Self::Lookup => &[
                ("src/lib.rs", template!("lookup/lib.rs.in")),
                ("tests/connector.rs", template!("lookup/connector.rs.in")),
                ("acceptance.toml", template!("lookup/acceptance.toml.in")),
            ],
            Self::Product => &[
                ("src/lib.rs", template!("product/lib.rs.in")),
                ("tests/connector.rs", template!("product/connector.rs.in")),
                ("acceptance.toml", template!("product/acceptance.toml.in")),
            ],
        }
    }
}

/// `koppel new`.
pub(super) fn new(asked: &New, out: &Output) -> Result<(), Failure> {
    check_name(&asked.name)?;
    let folder = std::env::var_os("KOPPEL_SDK").map(PathBuf::from);
    let sdk = sdk(asked.sdk.as_ref().or(folder.as_ref()).map(PathBuf::as_path))?;
    let folder = asked
        .path
        .clone()
        .unwrap_or_else(|| asked.name.clone().into());
    must_be_empty(&folder)?;
    let filled = |template: &str| {
        let summary = asked.kind.summary();
        template
            .replace("{{name}}", &asked.name)
            .replace("{{crate}}", &asked.name.replace('-', "_"))
            .replace("{{Type}}", &type_name(&asked.name))
            .replace("{{kind}}", asked.kind.name())
            .replace("{{summary}}", summary)
            .replace("{{sdk}}", &sdk)
    };
    let mut written = Vec::new();
    for (path, template) in COMMON.iter().chain(asked.kind.templates()) {
        let path = folder.join(path);
        write(&path, &filled(template))
            .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
        written.push(path);
    }
    out.result(
        &json!({"name": asked.name, "kind": asked.kind.name(), "folder": folder, "files": written}),
        || {
            anstream::println!("{GREEN}made{GREEN:#} {BOLD}{}{BOLD:#}", folder.display());
            for path in &written {
                anstream::println!("  {}", path.display());
            }
            anstream::println!("Go on in that folder with `cargo test`, and then `koppel dev`.");
        },
    );
    Ok(())
}

fn check_name(name: &str) -> Result<(), Failure> {
    let wrong = |why: &str| {
        Err(Failure::Input(format!(
            "{name:?} cannot be the name of a connector: {why}"
        )))
    };
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if name.len() > LONGEST {
        return wrong("it is longer than 64 characters");
    }
    if !name.split('-').all(word) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return wrong("it must be in kebab-case and begin with a letter, such as journal-example");
    }
    // Cargo refuses these as names of packages, or warns.
    if RESERVED.contains(&name) {
        return wrong("it means something to Rust");
    }
    Ok(())
}

/// Words of Rust, and crates that it brings.
const RESERVED: [&str; 46] = [
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue",
    "core", "crate", "do", "dyn", "else", "enum", "extern", "false", "fn", "for", "if", "impl",
    "in", "let", "loop", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "self", "static", "std", "struct", "super", "test", "trait", "true", "type", "unsafe", "use",
    "where",
];

/// The name of the type of the connector: `JournalExample`.
fn type_name(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

/// The SDK as a dependency, in TOML.
fn sdk(folder: Option<&Path>) -> Result<String, Failure> {
    let Some(folder) = folder else {
        return Ok(format!(
            "{{ git = \"{}\", tag = \"v{}\" }}",
            env!("CARGO_PKG_REPOSITORY"),
            env!("CARGO_PKG_VERSION")
        ));
    };
    let wrong = |why: String| Failure::Input(format!("--sdk {}: {why}", folder.display()));
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml"))
        .map_err(|error| wrong(format!("Cargo.toml: {error}")))?;
    if !manifest.contains("name = \"koppel-sdk\"") {
        return Err(wrong("it is not the SDK of koppel".to_owned()));
    }
    let folder = folder
        .canonicalize()
        .map_err(|error| wrong(error.to_string()))?;
    let path = toml::Value::String(folder.display().to_string());
    Ok(format!("{{ path = {path} }}"))
}

/// Refuses a folder that has something in it: nothing is overwritten.
fn must_be_empty(folder: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::Input(format!(
            "{} is not empty; nothing was written. Choose another with --path",
            folder.display()
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::Input(format!("{}: {error}", folder.display()))),
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        create_dir_all(parent)?;
    }
    // Never over another file, even one that appeared meanwhile.
    File::create_new(path)?.write_all(text.as_bytes())
}
