//! Real servers for the tests: PostgreSQL and NATS on this machine, on free
//! ports and in temporary folders. They end with the process that started them,
//! however it ends.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Both servers, which the tests of one process share.
pub(crate) struct Servers {
    /// `postgresql://user@127.0.0.1:port`, without a database.
    pub(crate) postgres: String,
    /// The port of PostgreSQL.
    pub(crate) postgres_port: u16,
    /// The port of NATS.
    pub(crate) nats_port: u16,
    programs: Programs,
    _running: Option<[Ends; 2]>,
}

/// The servers, or none with a notice where they are not installed. Then
/// `KOPPEL_REQUIRE_SERVERS=1` makes the test fail.
pub(crate) fn servers() -> Option<&'static Servers> {
    static SERVERS: OnceLock<Option<Servers>> = OnceLock::new();
    let servers = SERVERS
        .get_or_init(|| Programs::find().map(Servers::start))
        .as_ref();
    if servers.is_none() {
        required("PostgreSQL and NATS are not installed (Debian: postgresql, nats-server)");
    }
    servers
}

/// Says why a test is skipped; `KOPPEL_REQUIRE_SERVERS=1` makes it fail.
pub(crate) fn required(why: &str) {
    assert!(
        std::env::var_os("KOPPEL_REQUIRE_SERVERS")
            .is_none_or(|value| value.is_empty() || value == "0"),
        "{why}"
    );
    // Not captured: who reads the summary of the tests must see it.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

struct Programs {
    postgres: PathBuf,
    nats: PathBuf,
}

impl Programs {
    fn find() -> Option<Self> {
        let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|bin| bin.join("initdb").exists() && bin.join("psql").exists())
            .collect();
        versions.sort();
        let nats = [
            "/usr/sbin/nats-server",
            "/usr/bin/nats-server",
            "/usr/local/bin/nats-server",
        ];
        Some(Self {
            postgres: versions.pop()?,
            nats: nats.iter().map(PathBuf::from).find(|path| path.exists())?,
        })
    }
}

/// A program that ends when this is dropped, or when the process is gone: it is
/// told by the end of its standard input.
pub(crate) struct Ends(Child);

impl Ends {
    pub(crate) fn start(folder: &Path, script: &str) -> Self {
        // The shell outlives the process by as long as it takes to clean up.
        let script = format!(
            "trap '' INT HUP; {script} >'{0}/log' 2>&1 </dev/null & server=$!; cat; kill -INT $server; wait $server; rm -rf '{0}'",
            folder.display()
        );
        let child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

pub(crate) fn folder(name: &str) -> PathBuf {
    tempfile::Builder::new()
        .prefix(&format!("koppel-{name}-"))
        .tempdir()
        .unwrap()
        .keep()
}

/// Waits until something listens.
pub(crate) fn listens(port: u16, folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "it does not listen: {}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

/// As whom PostgreSQL runs, which refuses root.
fn as_postgres() -> &'static str {
    if is_root() {
        "setpriv --reuid=postgres --regid=postgres --init-groups "
    } else {
        ""
    }
}

fn sh(script: &str) {
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
}

impl Servers {
    fn start(programs: Programs) -> Self {
        // What is measured is measured as it would be used.
        let fsync = match std::env::var_os("KOPPEL_TEST_FSYNC") {
            Some(_) => "on",
            None => "off",
        };
        let (data, port, bin) = (folder("postgres"), free_port(), &programs.postgres);
        let user = as_postgres();
        if !user.is_empty() {
            sh(&format!("chown postgres '{}'", data.display()));
        }
        sh(&format!(
            "cd / && {user}{bin}/initdb --pgdata='{data}/data' --auth=trust --username=koppel --encoding=UTF8 --no-sync",
            bin = bin.display(),
            data = data.display()
        ));
        let postgres = Ends::start(
            &data,
            &format!(
                "cd / && exec {user}{bin}/postgres -D '{data}/data' -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c fsync={fsync} -c synchronous_commit={fsync}",
                bin = bin.display(),
                data = data.display()
            ),
        );
        let (nats, nats_port) = (folder("nats"), free_port());
        let nats_running = Ends::start(
            &nats,
            &format!(
                "exec '{}' -a 127.0.0.1 -p {nats_port} -js -sd '{}/data'",
                programs.nats.display(),
                nats.display()
            ),
        );
        listens(port, &data);
        listens(nats_port, &nats);
        let servers = Self {
            postgres: format!("postgresql://koppel@127.0.0.1:{port}"),
            postgres_port: port,
            nats_port,
            programs,
            _running: Some([postgres, nats_running]),
        };
        // It listens before it answers.
        let deadline = Instant::now() + Duration::from_secs(30);
        while servers.psql("postgres", "SELECT 1").is_err() {
            assert!(Instant::now() < deadline, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        servers
    }

    /// Runs SQL; gives what it prints.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(self.programs.postgres.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(format!("{}/{database}", self.postgres))
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)
                .unwrap()
                .trim_end()
                .to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// An empty database of its own.
    pub(crate) fn database(&self) -> String {
        let name = format!("koppel_{}", uuid::Uuid::now_v7().simple());
        self.psql("postgres", &format!("CREATE DATABASE {name}"))
            .unwrap();
        name
    }

    /// `[store]` and `[queue]` for hosts that share these servers, reached
    /// through these ports.
    pub(crate) fn configuration(&self, database: &str, ports: (u16, u16), queue: &str) -> String {
        format!(
            "[store]\nurl = \"postgresql://koppel@127.0.0.1:{}/{database}\"\none-machine = true\n\
             [queue]\nurl = \"nats://127.0.0.1:{}\"\nname = \"{}\"\n{queue}\n",
            ports.0,
            ports.1,
            &database[database.len() - 24..],
        )
    }

    /// The ports of both servers themselves.
    pub(crate) fn ports(&self) -> (u16, u16) {
        (self.postgres_port, self.nats_port)
    }
}
