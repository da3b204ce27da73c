//! `[store]` and `[queue]`: both or neither, and no secret in the file.

use crate::config::{Config, SecretReference};
use std::path::Path;
use std::time::Duration;

const BOTH: &str = r#"[platform]
[store]
url = "postgresql://koppel@db.example:5433/koppel"
password = { env = "KOPPEL_STORE" }
trusted-roots = "ca.pem"
connections = 20
one-machine = true
[queue]
workers = 16
url = "tls://nats.example"
user = "koppel"
password = { file = "nats-password" }
name = "koppel-test"
ack-wait-ms = 10_000
deliveries = 3
replicas = 3
"#;

fn parse(text: &str) -> Result<Config, Vec<(Option<usize>, String)>> {
    let parsed = Config::parse(Path::new("/etc/koppel/platform.toml"), text);
    parsed.map_err(|error| {
        let faults = error.faults.into_iter();
        faults.map(|fault| (fault.line, fault.text)).collect()
    })
}

/// The only fault of a file.
#[track_caller]
fn fault(text: &str) -> (Option<usize>, String) {
    let mut faults = parse(text).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn hosts_that_share_have_a_store_and_a_queue() {
    let config = parse(BOTH).unwrap();
    assert_eq!(config.queue.workers, 16);
    let shared = config.shared.unwrap();
    let (store, nats) = (shared.store, shared.nats);
    assert_eq!(store.url.host_str(), Some("db.example"));
    assert_eq!(
        store.password,
        Some(SecretReference::Env("KOPPEL_STORE".to_owned()))
    );
    assert_eq!(
        store.trusted_roots.as_deref(),
        Some(Path::new("/etc/koppel/ca.pem"))
    );
    assert_eq!((store.connections, store.tls), (20, true));
    assert_eq!(nats.user.as_deref(), Some("koppel"));
    let file = SecretReference::File("/etc/koppel/nats-password".into());
    assert_eq!(nats.password, Some(file));
    assert_eq!(nats.ack_wait(), Duration::from_secs(10));
    assert_eq!(
        (nats.name.as_str(), nats.deliveries, nats.replicas),
        ("koppel-test", 3, 3)
    );
    assert!(nats.tls);
    assert!(
        parse("[platform]\n[queue]\nworkers = 2\n")
            .unwrap()
            .shared
            .is_none()
    );
}

#[test]
fn on_a_loopback_address_there_is_no_tls() {
    let text = BOTH
        .replace("db.example:5433", "127.0.0.1")
        .replace("tls://nats.example", "nats://127.0.0.1:4222")
        .replace("trusted-roots = \"ca.pem\"\n", "");
    let shared = parse(&text).unwrap().shared.unwrap();
    assert!(!shared.store.tls && !shared.nats.tls);
    let (line, text) = fault(&BOTH.replace("tls://", "nats://"));
    assert_eq!(
        (line, text.as_str()),
        (
            Some(10),
            "[queue] url must begin with tls:// (nats:// is for a loopback address)"
        )
    );
}

#[test]
fn one_without_the_other_is_told() {
    assert_eq!(
        fault("[platform]\n[store]\nurl = \"postgresql://db.example/koppel\"\n"),
        (
            Some(2),
            "[store] needs a queue that hosts share as well: add `url = \"tls://…\"` of a NATS server under [queue]".to_owned()
        )
    );
    assert_eq!(
        fault("[platform]\n[queue]\nurl = \"tls://nats.example\"\n"),
        (
            Some(2),
            "[queue] url needs a store that hosts share as well: add `[store]` with `url = \"postgresql://…\"`".to_owned()
        )
    );
    assert_eq!(
        fault("[platform]\n[queue]\nack-wait-ms = 1\n").1,
        "[queue] ack-wait-ms is for a NATS server: add `url = \"tls://…\"`, or remove it"
    );
}

#[test]
fn payroll_data_of_one_machine_is_not_for_several() {
    assert_eq!(
        fault(&BOTH.replace("one-machine = true\n", "")),
        (
            Some(2),
            "[store] is for hosts on several machines, and the payroll data is a file of this one: set source = \"loket\" under [platform], or one-machine = true under [store] if all hosts are on this machine".to_owned()
        )
    );
}

#[test]
fn a_password_in_a_url_is_refused_and_not_repeated() {
    for text in [
        BOTH.replace("koppel@db.example:5433", "koppel:s3cret@db.example"),
        BOTH.replace("koppel@db.example:5433", "koppel:s3cret@db.example:port"),
        BOTH.replace("tls://nats", "tls://koppel:s3cret@nats"),
        BOTH.replace("{ env = \"KOPPEL_STORE\" }", "\"s3cret\""),
        BOTH.replace("{ file = \"nats-password\" }", "\"s3cret\""),
    ] {
        let (line, text) = fault(&text);
        assert!(line.is_some());
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_eq!(
        fault(&BOTH.replace("koppel@db", "koppel:s3cret@db")).1,
        "[store] url may not hold a password: write password = { env = \"<variable>\" } or { file = \"<path>\" }"
    );
}

#[test]
fn what_makes_no_sense_is_told_with_its_range() {
    let all = [
        (
            "connections = 20",
            "connections = 1",
            "[store] connections = 1 must be 2 to 1000",
        ),
        (
            "postgresql://",
            "mysql://",
            "[store] url must begin with postgresql://, and begins with mysql://",
        ),
        (
            "5433/koppel",
            "5433",
            "[store] url must name a host and a database: postgresql://koppel@db.example/koppel",
        ),
        (
            "5433/koppel",
            "5433/koppel?sslmode=disable",
            "[store] url may have no query and no fragment: what it may say has keys of its own",
        ),
        (
            "ack-wait-ms = 10_000",
            "ack-wait-ms = 10",
            "[queue] ack-wait-ms = 10 must be 1000 to 3600000",
        ),
        (
            "deliveries = 3",
            "deliveries = 0",
            "[queue] deliveries = 0 must be 1 to 1000",
        ),
        (
            "replicas = 3",
            "replicas = 7",
            "[queue] replicas = 7 must be 1 to 5",
        ),
        (
            "koppel-test",
            "koppel.test",
            "[queue] name = \"koppel.test\" must be 1 to 32 letters, digits, `-` and `_`",
        ),
        (
            "user = \"koppel\"\n",
            "",
            "[queue] user and password go together",
        ),
        (
            "workers = 16",
            "workers = 0",
            "[queue] workers must be 1 to 64",
        ),
        (
            "tls://nats",
            "ws://nats",
            "[queue] url must begin with tls://, and begins with ws://",
        ),
    ];
    for (from, to, text) in all {
        assert_eq!(fault(&BOTH.replace(from, to)).1, text);
    }
    let (line, text) = fault(&BOTH.replace("replicas", "replica"));
    assert!(line.is_some() && text.contains("replica"), "{text}");
}
