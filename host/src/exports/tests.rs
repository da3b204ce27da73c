use super::*;
use std::path::PathBuf;
use tempfile::TempDir;

mod directory;
mod names;
mod quota;

const QUOTA: u64 = 1_000;

/// An export directory in a folder of its own.
struct Exports {
    folder: TempDir,
    dir: ExportDir,
}

impl Exports {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = ExportDir::open(&folder.path().join("exports"), QUOTA).unwrap();
        Self { folder, dir }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("exports")
    }

    /// Opens the directory once more, as another process does.
    fn again(&self, quota: u64) -> ExportDir {
        ExportDir::open(&self.path(), quota).unwrap()
    }

    /// Everything in the directory but what is staged, by name.
    fn names(&self) -> Vec<String> {
        let mut names = names_in(&self.path());
        names.retain(|name| name != STAGING);
        names
    }

    /// What is staged, by name, in the folders of all handles.
    fn staged(&self) -> Vec<String> {
        let staging = self.path().join(STAGING);
        let folders = names_in(&staging).into_iter();
        folders
            .filter(|name| !name.ends_with(LOCK))
            .flat_map(|folder| names_in(&staging.join(folder)))
            .collect()
    }

    fn sealed(&self, name: &str, bytes: &[u8]) -> Sealed {
        let mut writer = self.dir.create(name).unwrap();
        writer.write(bytes).unwrap();
        writer.seal().unwrap()
    }

    fn publish(&self, name: &str, bytes: &[u8]) -> Receipt {
        self.sealed(name, bytes).publish().unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap()
    }
}

fn names_in(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Why something that must fail did; the values in hand have no `Debug`.
#[track_caller]
fn error<T>(result: Result<T, ExportError>) -> ExportError {
    match result {
        Err(error) => error,
        Ok(_) => panic!("it succeeded"),
    }
}
