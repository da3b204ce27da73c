//! A real registry on this machine: Debian's `docker-registry`, on a free port
//! and in a folder of its own.

use crate::servers::{Ends, folder, free_port, listens, required};
use std::path::Path;

/// The program.
const PROGRAM: &str = "/usr/bin/docker-registry";

/// The name and the password of the user of a registry that asks for one.
pub(super) const USER: &str = "acme";
pub(super) const PASSWORD: &str = "correct horse";

/// bcrypt of the password.
const HASH: &str = "$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";

/// A registry, until it is dropped.
pub(super) struct Registry {
    pub(super) port: u16,
    _running: Ends,
}

impl Registry {
    /// One that everybody may use, or one that asks for a password; none with a
    /// notice where it is not installed.
    pub(super) fn start(asks: bool) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            required("docker-registry is not installed (Debian: docker-registry)");
            return None;
        }
        let (folder, port) = (folder("registry"), free_port());
        let auth = if asks {
            std::fs::write(folder.join("htpasswd"), format!("{USER}:{HASH}\n")).unwrap();
            format!(
                "auth:\n  htpasswd:\n    realm: koppel\n    path: {}/htpasswd\n",
                folder.display()
            )
        } else {
            String::new()
        };
        let configuration = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {0}/data\nhttp:\n  addr: 127.0.0.1:{port}\n{auth}",
            folder.display()
        );
        let file = folder.join("config.yml");
        std::fs::write(&file, configuration).unwrap();
        let running = Ends::start(
            &folder,
            &format!(
                "exec env --default-signal=INT '{PROGRAM}' serve '{}'",
                file.display()
            ),
        );
        listens(port, &folder);
        Some(Self {
            port,
            _running: running,
        })
    }

    /// Its name: host and port.
    pub(super) fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `[registries]` for a configuration, with a password in the file
    /// `password`, if it asks for one.
    pub(super) fn configuration(&self, asks: bool) -> String {
        let credential = if asks {
            format!("username = \"{USER}\"\npassword = {{ file = \"password\" }}\n")
        } else {
            String::new()
        };
        format!(
            "[registries.\"{}\"]\nplain-http = true\n{credential}",
            self.name()
        )
    }
}
