//! When the sources of a connector change.

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the sources must be quiet: editors write in steps.
const SETTLE: Duration = Duration::from_millis(100);

/// Folders below that of a connector that are not its sources.
const NOT_SOURCES: [&str; 4] = ["target", ".git", "node_modules", "dist"];

/// Tells when something changed, until it is dropped.
pub(super) struct Sources {
    changes: mpsc::UnboundedReceiver<PathBuf>,
    _watcher: RecommendedWatcher,
}

impl Sources {
    /// Watches the folder of a connector; `ignored` is a file in it that `koppel
    /// dev` itself writes.
    pub(super) fn watch(folder: &Path, ignored: Option<&Path>) -> notify::Result<Self> {
        let (changed, changes) = mpsc::unbounded_channel();
        let ignored = ignored.map(Path::to_owned);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let Ok(event) = event else { return };
                if event.kind.is_access() {
                    return;
                }
                for path in event.paths {
                    if is_source(&path) && ignored.as_ref() != Some(&path) {
                        // Fails only when nobody listens any more.
                        let _ = changed.send(path);
                    }
                }
            })?;
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        for entry in std::fs::read_dir(folder)?.filter_map(Result::ok) {
            let name = entry.file_name();
            let skipped = NOT_SOURCES.iter().any(|skipped| name == *skipped);
            if entry.file_type()?.is_dir() && !skipped {
                watcher.watch(&entry.path(), RecursiveMode::Recursive)?;
            }
        }
        Ok(Self {
            changes,
            _watcher: watcher,
        })
    }

    /// Waits for a change and for quiet after it; gives one of the files.
    pub(super) async fn changed(&mut self) -> Option<PathBuf> {
        let first = self.changes.recv().await?;
        while let Ok(Some(_)) = tokio::time::timeout(SETTLE, self.changes.recv()).await {}
        Some(first)
    }
}

/// Whether a file is one that a person writes.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Of editors, and what cargo writes by itself.
    let passing = name.starts_with('.') || name.ends_with('~') || name.starts_with('#');
    !passing && name != "Cargo.lock" && !NOT_SOURCES.contains(&name.as_ref()) && name != "4913"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_leave_lying_is_no_source() {
        for (path, source) in [
            ("src/lib.rs", true),
            ("acceptance.toml", true),
            ("Cargo.toml", true),
            ("Cargo.lock", false),
            ("src/.lib.rs.swp", false),
            ("src/lib.rs~", false),
            ("src/4913", false),
            ("target", false),
        ] {
            assert_eq!(is_source(Path::new(path)), source, "{path}");
        }
    }
}
