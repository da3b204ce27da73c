//! Values that are in the environment or in a file.

use super::*;

/// Loads a configuration with the file `value` beside it.
fn load(text: &str, value: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("value"), value).unwrap();
    let path = dir.path().join("platform.toml");
    std::fs::write(&path, text).unwrap();
    let base = format!("{}/", dir.path().display());
    Config::load(&path).map_err(|error| error.to_string().replace(&base, ""))
}

#[test]
fn an_address_can_be_in_a_file_or_in_the_environment() {
    let text = "[platform]\ndata = { env = \"HOME\" }\n[server]\nlisten = { file = \"value\" }\n[server.issuer]\n[queue]\nworkers = { file = \"count\" }\n";
    let error = load(text, "127.0.0.1:9000\n").unwrap_err();
    assert_eq!(
        error,
        "platform.toml:7:11: the file count cannot be read: No such file or directory (os error 2)"
    );
    let config = load(
        &text
            .replace("\"count\"", "\"value\"")
            .replace("listen = { file = \"value\" }", ""),
        "7\n",
    )
    .unwrap();
    assert_eq!(config.queue.workers, 7);
    assert_eq!(config.data.to_str(), std::env::var("HOME").ok().as_deref());
    let config = load(
        &text.replace("workers = { file = \"count\" }", ""),
        " 127.0.0.1:9000\n",
    )
    .unwrap();
    assert_eq!(config.server.unwrap().listen.port(), 9000);
}

#[test]
fn a_fault_of_a_value_says_where_the_value_came_from() {
    for (text, value, expected) in [
        (
            "[platform]\n[server]\nlisten = { file = \"value\" }\n[server.issuer]\n",
            "everywhere",
            "platform.toml:3:10: invalid socket address syntax (the value is that of the file value)",
        ),
        (
            "[platform]\n[server]\npublic-url = { file = \"value\" }\n[server.issuer]\n",
            "http://koppel.example",
            "platform.toml:3:14: public-url must be https, or http on this machine: tokens and passwords go over it (the value is that of the file value)",
        ),
        (
            "[platform]\n[queue]\nworkers = { file = \"value\" }\n",
            "many",
            "platform.toml:3:11: must be a whole number, and is \"many\" (the value is that of the file value)",
        ),
        (
            "[platform]\ndata = { env = \"KOPPEL_NO_SUCH_VARIABLE\" }\n",
            "",
            "platform.toml:2:8: the environment variable KOPPEL_NO_SUCH_VARIABLE is not set",
        ),
    ] {
        assert_eq!(load(text, value).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn what_is_granted_is_never_elsewhere() {
    for (text, expected) in [
        (
            "[platform]\n[clients.a]\ncomponent = \"a\"\nactivities = { file = \"value\" }\n",
            "platform.toml:4:14: invalid type: map, expected a sequence",
        ),
        (
            "[platform]\n[[users]]\nid = { file = \"value\" }\n",
            "platform.toml:3:6: invalid type: map, expected a string",
        ),
    ] {
        assert_eq!(load(text, "x").unwrap_err(), expected);
    }
}

#[test]
fn every_fault_is_told_with_its_line_and_column() {
    let text = "[platform]\nlegder = 1\ndata = 2\n[clients.a]\ncomponent = \"a\"\nactivites = []\n  sha256 = true\n[[users]]\nid = \"a\"\nkind = \"admin\"\nrole = \"a\"\n";
    assert_eq!(
        load(text, "").unwrap_err(),
        "platform.toml:2:1: unknown field `legder`, expected one of `source`, `data`, `ledger`, `compiled`, `oci-cache`, `signatures`, `trusted-keys`, `runs`, `loket`\n\
         platform.toml:3:8: invalid type: integer `2`, expected path string\n\
         platform.toml:6:1: unknown field `activites`, expected one of `component`, `oci`, `application`, `sha256`, `activities`, `http`, `exports`, `settings`, `limits`, `cache`, `retry`, `concurrency`, `ready`\n\
         platform.toml:7:12: invalid type: boolean `true`, expected a string\n\
         platform.toml:10:8: unknown variant `admin`, expected `provider` or `employer`"
    );
}
