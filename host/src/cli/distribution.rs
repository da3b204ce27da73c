//! `koppel push`, `pull`, `sign` and `key`: components on their way from
//! whoever makes them to whoever runs them.

use super::Failure;
use super::inspect::CompileEffort;
use super::output::{GREEN, Output};
use crate::config::{Config, Registry as Configured, SecretReference};
use crate::distribution::{
    self, Access, OciReference, Policy, Registry, RegistryError, signature_file,
};
use crate::sandbox::Sandbox;
use clap::Args;
use secrecy::ExposeSecret;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How a registry is reached, where the configuration does not say it.
#[derive(Debug, Args)]
pub(super) struct Reach {
    /// The name of the user at the registry.
    #[arg(long, requires = "password")]
    username: Option<String>,
    /// Where the password or token is: `env:NAME`, `file:PATH` or `keyring:NAME`.
    #[arg(long, requires = "username", value_parser = reference)]
    password: Option<SecretReference>,
    /// Speaks plain HTTP with the registry.
    #[arg(long)]
    plain_http: bool,
}

/// A reference to a secret, as an argument.
fn reference(text: &str) -> Result<SecretReference, String> {
    match text.split_once(':') {
        Some(("env", name)) => Ok(SecretReference::Env(name.to_owned())),
        Some(("file", path)) => Ok(SecretReference::File(path.into())),
        Some(("keyring", name)) => Ok(SecretReference::Keyring(name.to_owned())),
        // Not repeated: it may be the secret itself.
        _ => Err("write env:NAME, file:PATH or keyring:NAME, never the secret itself".to_owned()),
    }
}

impl Reach {
    /// How the registry of a reference is reached: as is said here, or as the
    /// configuration says, if there is one.
    fn access(
        &self,
        reference: &OciReference,
        config: &Path,
        out: &Output,
    ) -> Result<Access, Failure> {
        let registry = reference.registry();
        if self.plain_http || self.username.is_some() {
            let said = Configured {
                credential: self.username.clone().zip(self.password.clone()),
                plain_http: self.plain_http,
                trusted_roots: None,
            };
            return said
                .access(registry, out.redactor())
                .map_err(Failure::Input);
        }
        if !config.exists() {
            return Ok(Access::default());
        }
        let config = Config::load(config)?;
        let access = config.distribution.access(registry, out.redactor());
        access.map_err(Failure::Input)
    }
}

/// What is pushed, and where.
#[derive(Debug, Args)]
pub(super) struct Push {
    /// The file of the component; its signature is beside it, in FILE.minisig, if
    /// it has one.
    component: PathBuf,
    /// Where it goes, by a tag: registry.example.nl/acme/journal:1.0.0.
    reference: OciReference,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    effort: CompileEffort,
}

/// What is pulled, and where to.
#[derive(Debug, Args)]
pub(super) struct Pull {
    /// Where it is, by tag or by digest.
    reference: OciReference,
    /// Writes the component to this file, with its signature beside it. Without,
    /// only the line for the configuration is shown.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    reach: Reach,
}

/// What is signed, and with what.
#[derive(Debug, Args)]
pub(super) struct Sign {
    /// The file of the component. The signature is written to FILE.minisig.
    component: PathBuf,
    /// The file of the secret key, as `koppel key` or minisign makes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the password of the key is: `env:NAME`, `file:PATH` or
    /// `keyring:NAME`; without, it is asked for if the key has one.
    #[arg(long, value_parser = reference)]
    password: Option<SecretReference>,
    /// What you say of the component, which is signed with it.
    #[arg(long)]
    comment: Option<String>,
}

/// Where a new pair of keys goes.
#[derive(Debug, Args)]
pub(super) struct NewKey {
    /// The file of the secret key; the public one goes into FILE.pub.
    file: PathBuf,
    /// Where its password is: `env:NAME`, `file:PATH` or `keyring:NAME`; without,
    /// it is asked for.
    #[arg(long, value_parser = reference, conflicts_with = "no_password")]
    password: Option<SecretReference>,
    /// Does not protect the secret key by a password.
    #[arg(long)]
    no_password: bool,
}

fn failed(error: &RegistryError) -> Failure {
    Failure::Failed(error.to_string())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}

/// `koppel push`.
pub(super) async fn push(asked: &Push, config: &Path, out: &Output) -> Result<(), Failure> {
    let (component, reference) = (&asked.component, &asked.reference);
    if reference.digest().is_some() {
        return Err(Failure::Input(format!(
            "{reference}: push to a tag, such as {}:1.0.0; the digest follows from what is pushed",
            reference.to_string().split('@').next().unwrap_or_default()
        )));
    }
    let bytes = read(component)?;
    let sandbox = Sandbox::new().map_err(|error| Failure::Failed(format!("{error:#}")))?;
    // What nobody could load is not handed out.
    let what = component.display().to_string();
    let inspection = asked
        .effort
        .inspect(&sandbox, &what, &bytes)
        .map_err(Failure::NotLoaded)?;
    let signature = std::fs::read_to_string(signature_file(component)).ok();
    let access = asked.reach.access(reference, config, out)?;
    let busy = out.busy(format!("pushing {reference}"));
    let title = component.file_name().unwrap_or_default().to_string_lossy();
    let created = jiff::Timestamp::now().to_string();
    let registry = Registry::new(reference, &access);
    let pushed = registry
        .push(
            reference,
            &bytes,
            &inspection,
            &title,
            &created,
            signature.as_deref(),
        )
        .await;
    busy.finish_and_clear();
    let pinned = pushed.map_err(|error| failed(&error))?;
    out.result(
        &json!({"reference": reference.to_string(), "pinned": pinned.to_string(), "sha256": inspection.sha256, "signed": signature.is_some()}),
        || {
            let signed = if signature.is_some() { "signed" } else { "not signed" };
            anstream::println!("{GREEN}pushed{GREEN:#} {reference} ({signed})");
            anstream::println!("  oci = \"{pinned}\"");
        },
    );
    Ok(())
}

/// `koppel pull`.
pub(super) async fn pull(asked: &Pull, config: &Path, out: &Output) -> Result<(), Failure> {
    let reference = &asked.reference;
    let access = asked.reach.access(reference, config, out)?;
    let busy = out.busy(format!("pulling {reference}"));
    let pulled = Registry::new(reference, &access).pull(reference).await;
    busy.finish_and_clear();
    let pulled = pulled.map_err(|error| failed(&error))?;
    if let Some(path) = &asked.output {
        pulled
            .write(path)
            .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    }
    let artifact = &pulled.artifact;
    out.result(
        &json!({
            "reference": reference.to_string(),
            "pinned": pulled.pinned.to_string(),
            "sha256": artifact.sha256,
            "size": artifact.size,
            "created": artifact.created,
            "signed": artifact.signature.is_some(),
            "file": asked.output,
        }),
        || {
            anstream::println!(
                "{GREEN}pulled{GREEN:#} {reference}: {} bytes",
                artifact.size
            );
            anstream::println!("  oci = \"{}\"", pulled.pinned);
        },
    );
    Ok(())
}

/// What is known of a component in a registry, by the keys that the
/// configuration trusts.
pub(super) async fn pulled(
    reference: &OciReference,
    config: &Path,
    out: &Output,
) -> Result<distribution::Pulled, Failure> {
    let reach = Reach {
        username: None,
        password: None,
        plain_http: false,
    };
    let access = reach.access(reference, config, out)?;
    let pulled = Registry::new(reference, &access).pull(reference).await;
    pulled.map_err(|error| failed(&error))
}

fn password(reference: Option<&SecretReference>, out: &Output) -> Result<Option<String>, Failure> {
    let Some(reference) = reference else {
        return Ok(None);
    };
    let secret = crate::secrets::read(reference, out.redactor());
    let secret = secret.map_err(|why| Failure::Input(format!("--password: {why}")))?;
    Ok(Some(secret.expose_secret().to_owned()))
}

fn asked(prompt: &str) -> Result<String, Failure> {
    rpassword::prompt_password(prompt).map_err(|error| {
        Failure::Input(format!(
            "the password cannot be asked for ({error}); give --password"
        ))
    })
}

/// `koppel sign`.
pub(super) fn sign(asked_for: &Sign, out: &Output) -> Result<(), Failure> {
    let component = &asked_for.component;
    let bytes = read(component)?;
    let path = &asked_for.key;
    let secret = read(path)?;
    let secret = String::from_utf8(secret)
        .map_err(|_| Failure::Input(format!("{}: it is no secret key", path.display())))?;
    let wrong =
        |error: distribution::SignError| Failure::Input(format!("{}: {error}", path.display()));
    let mut password = password(asked_for.password.as_ref(), out)?;
    if password.is_none() && distribution::public_of(&secret, None).is_err() {
        password = Some(asked("Password of the key: ")?);
    }
    let password = password.as_deref();
    let key = distribution::public_of(&secret, password).map_err(wrong)?;
    let comment = asked_for.comment.clone().unwrap_or_else(|| {
        let name = component.file_name().unwrap_or_default().to_string_lossy();
        format!("{name}, signed {}", jiff::Timestamp::now())
    });
    if comment.chars().any(char::is_control) {
        return Err(Failure::Input("--comment: it is one line".to_owned()));
    }
    let signature = distribution::sign(&bytes, &secret, password, &comment).map_err(wrong)?;
    let file = signature_file(component);
    std::fs::write(&file, &signature)
        .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    out.result(
        &json!({"component": component, "signature": file, "key": key, "number": key.number(), "comment": comment}),
        || {
            anstream::println!("{GREEN}signed{GREEN:#} {}", component.display());
            anstream::println!("  {} by key {}", file.display(), key.number());
        },
    );
    Ok(())
}

/// `koppel key`.
pub(super) fn key(wanted: &NewKey, out: &Output) -> Result<(), Failure> {
    let public_file = {
        let mut name = wanted.file.clone().into_os_string();
        name.push(".pub");
        PathBuf::from(name)
    };
    for path in [&wanted.file, &public_file] {
        if path.exists() {
            return Err(Failure::Input(format!(
                "{} exists; nothing was written",
                path.display()
            )));
        }
    }
    let password = match password(wanted.password.as_ref(), out)? {
        Some(password) => Some(password),
        None if wanted.no_password => None,
        None => {
            let first = asked("Password for the key: ")?;
            if first != asked("Again: ")? {
                return Err(Failure::Input(
                    "these are two passwords; nothing was written".to_owned(),
                ));
            }
            Some(first)
        }
    };
    let failed = |path: &Path, error: std::io::Error| {
        Failure::Failed(format!("{}: {error}", path.display()))
    };
    let made = distribution::generate(password.as_deref());
    let (secret, public) = made.map_err(|error| Failure::Failed(error.to_string()))?;
    let mut options = OpenOptions::new();
    // For the owner's eyes, from the first moment.
    options.write(true).create_new(true).mode(0o600);
    options
        .open(&wanted.file)
        .and_then(|mut file| file.write_all(secret.as_bytes()))
        .map_err(|error| failed(&wanted.file, error))?;
    let text = format!(
        "untrusted comment: koppel public key {}\n{public}\n",
        public.number()
    );
    std::fs::write(&public_file, text).map_err(|error| failed(&public_file, error))?;
    out.result(
        &json!({"secret": wanted.file, "public": public_file, "key": public, "number": public.number()}),
        || {
            anstream::println!("{GREEN}made{GREEN:#} {} and {}", wanted.file.display(), public_file.display());
            anstream::println!("Operators trust it with:");
            anstream::println!("  [platform] signatures = \"required\"");
            anstream::println!("  [platform] trusted-keys = [\"{public}\"]");
        },
    );
    Ok(())
}

/// The keys that the configuration trusts, if there is one.
pub(super) fn trusted(config: &Path) -> Policy {
    // A configuration with faults trusts nobody.
    let config = config.exists().then(|| Config::load(config).ok()).flatten();
    config
        .map(|config| config.distribution.signatures)
        .unwrap_or_default()
}
