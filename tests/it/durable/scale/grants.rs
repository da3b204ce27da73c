//! What is granted once is in force on all hosts.

use super::proxy::Proxy;
use super::{ANNA, EXACT, Installation, Party, Serve, clients, extract, publish, write};
use crate::cli::{json, text};
use crate::harness::{all_activities, answer, client, employer};
use koppel_host::durable::State;
use koppel_host::platform::seed;
use koppel_host::runs::{Host, Job, RunRequest};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

const SEEN: &str = "the published grants were replaced";

/// Another user with every right.
const NEW_USER: &str = "\n[[users]]\nid = \"noor\"\nkind = \"provider\"\nprovider = \"{provider}\"\nrole = \"professional\"\nrights = [\"everything\"]\nemployers = \"all\"\n";

fn with_noor(grants: &str) -> String {
    grants.to_owned() + &NEW_USER.replace("{provider}", &seed::provider_id(1).to_string())
}

async fn submit(office: &Host, client: &str, user: &str, of: usize) -> koppel_host::durable::Run {
    let request = RunRequest {
        client: client.to_owned(),
        user: user.to_owned(),
        employer: employer(of),
        job: Job::ProcessJournalRun(seed::journal_run_id(of, super::PERIOD)),
    };
    office.submit(request, None).await.unwrap().run().clone()
}

/// What a command that failed said.
#[track_caller]
fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    text(&output.stderr)
}

/// What the hosts say that work, once it is so.
async fn followers(installation: &Installation, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let listed = json(&installation.koppel(&["grants", "hosts", "--json"]));
        let hosts = listed["hosts"].as_array().unwrap();
        if is_so(hosts) {
            return hosts.clone();
        }
        assert!(Instant::now() < deadline, "{listed:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a host told of something.
async fn told(folder: &Path, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let log = std::fs::read_to_string(folder.join("serve.log")).unwrap_or_default();
        if log.contains(what) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}\n{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_once_is_in_force_on_all_hosts() {
    let party = Party::start().await;
    let own = clients(party.port, "", "");
    let Some(installation) = Installation::published(8, &own).await else {
        return;
    };
    let (folders, _hosts) = installation.three();
    followers(&installation, |hosts| hosts.len() == 3).await;

    let grants = installation.grants();
    let published = installation.publish(&with_noor(&grants), 1, &[]);
    assert!(published.status.success(), "{published:?}");
    let history = json(&installation.koppel(&["grants", "history", "--json"]));
    assert_eq!(history.as_array().unwrap().len(), 2);
    assert_eq!(history[1]["by"], "the operator");
    assert_eq!(history[1]["why"], "a test");
    let since = history[1]["time"].as_str().unwrap().parse().unwrap();
    let took = Installation::reached(&folders, SEEN, 1, since).await;
    println!(
        "published grants reached three hosts within {:.1} ms",
        took.as_secs_f64() * 1e3
    );
    let hosts = followers(&installation, |hosts| {
        hosts.len() == 3 && hosts.iter().all(|host| host["version"] == 2)
    })
    .await;
    assert!(hosts.iter().all(|host| host["why"].is_null()));

    // The office follows as well: it takes what a new user submits.
    let office = &installation.office;
    let run = submit(office, EXACT, "noor", 1).await;
    super::super::until(office, run.id, &[State::Succeeded]).await;

    // What is taken out again is denied on whichever host makes the run.
    let published = installation.publish(&grants, 2, &[]);
    assert!(published.status.success(), "{published:?}");
    Installation::reached(&folders, SEEN, 2, since).await;
    let diff = installation.koppel(&["grants", "diff"]);
    assert!(text(&diff.stdout).contains("-id = \"noor\"\n"), "{diff:?}");
    let shown = installation.koppel(&["grants", "show"]);
    assert_eq!(text(&shown.stdout), grants);
    let run = submit(office, EXACT, ANNA, 2).await;
    super::super::until(office, run.id, &[State::Succeeded]).await;
    assert_eq!(party.told(|kept| kept.entries.len()), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_that_is_no_longer_published_is_denied_on_the_next_call_in_the_middle_of_a_run()
{
    let own = client("probe", &all_activities());
    let Some(installation) = Installation::published(4, &own).await else {
        return;
    };
    let request = RunRequest {
        client: "probe".to_owned(),
        user: ANNA.to_owned(),
        employer: employer(1),
        job: Job::Lookup(
            json!({"activity": "GetEmployerByEmployerId", "id": employer(1), "again": 3000})
                .to_string(),
        ),
    };
    let office = installation.office.clone();
    let run = tokio::spawn(async move { office.run(request).await });
    let grants = installation.grants();
    let (before, client) = grants.split_once("[clients.probe]").unwrap();
    let client = client.replacen("\"GetEmployerByEmployerId\", ", "", 1);
    let fewer = format!("{before}[clients.probe]{client}");
    // The component imports it, so it could not be loaded any more.
    let careful = installation.publish(&fewer, 1, &[]);
    let said = refused(&careful, 3);
    assert!(
        said.contains("client \"probe\" is not loaded: its component imports what was not granted:\n  activity GetEmployerByEmployerId")
            && said.contains("nothing was published; --anyway publishes it all the same"),
        "{said}"
    );
    let published = installation.publish(&fewer, 1, &["--anyway"]);
    assert!(published.status.success(), "{published:?}");
    let answer = answer(run.await.unwrap());
    assert_eq!(answer["denied"], "Check::Client");
    assert_eq!(
        answer["reason"],
        "client \"probe\" was not granted GetEmployerByEmployerId"
    );
    assert!(answer["attempt"].as_u64().unwrap() > 0, "{answer}");
}

/// Asks a server whether it is ready.
fn ready(port: u16) -> Option<Value> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = b"GET /health/ready HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n";
    connection.write_all(request).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_a_host_cannot_use_leaves_the_old_one_in_force_and_is_told() {
    let party = Party::start().await;
    let own = clients(party.port, "", "");
    let Some(installation) = Installation::published(8, &own).await else {
        return;
    };
    let grants = installation.grants();
    // On this host only, the connector is an application.
    let folder = installation.folder("other", installation.servers.ports());
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let file = folder.join("platform.toml");
    let text = std::fs::read_to_string(&file).unwrap()
        + &format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[server.issuer]\n[clients.desk]\napplication = {{ id = \"30cbb99f-d691-5ddb-b4af-7031857482c0\", redirect-uris = [\"https://desk.example/\"] }}\n"
        );
    std::fs::write(&file, text).unwrap();
    let _serve = Serve::talking(&folder);
    followers(&installation, |hosts| hosts.len() == 1).await;
    assert_eq!(
        ready(port),
        Some(json!({"status": "ready", "grants": {"version": 1, "followed": true}}))
    );
    let with_desk = format!("[clients.desk]\nlimits = {{ requests = 1 }}\n{grants}");
    let careful = refused(&installation.publish(&with_desk, 1, &[]), 3);
    assert!(
        careful.contains(
            "grants.toml:1:1: this host has no client \"desk\", so it does not run here;"
        ),
        "{careful}"
    );
    let published = installation.publish(&with_desk, 1, &["--anyway"]);
    assert!(published.status.success(), "{published:?}");

    let why =
        "client \"desk\" is an external application: remove `limits`, which is for connectors";
    told(&folder, why).await;
    told(
        &folder,
        "published grants are not used, the old ones stay in force",
    )
    .await;
    let hosts = followers(&installation, |hosts| hosts[0]["refused"] == 2).await;
    assert_eq!(hosts[0]["version"], 1);
    assert!(
        hosts[0]["why"].as_str().unwrap().ends_with(why),
        "{hosts:?}"
    );
    let shown = installation.koppel(&["grants", "hosts"]);
    assert!(
        self::text(&shown.stdout).contains("external application"),
        "{shown:?}"
    );
    assert_eq!(
        ready(port),
        Some(json!({"status": "ready", "grants": {"version": 1, "refused": 2, "followed": true}}))
    );
    // It goes on with what it had.
    let run = installation.book(1).await;
    super::super::until(&installation.office, run.id, &[State::Succeeded]).await;

    // The file is mended without a restart, and the version comes in force.
    let text = std::fs::read_to_string(&file).unwrap();
    let (text, _) = text.split_once("[clients.desk]").unwrap();
    std::fs::write(&file, text).unwrap();
    followers(&installation, |hosts| hosts[0]["version"] == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_read_the_published_grants_does_not_start() {
    let own = client("probe", &all_activities());
    let mut silent = None;
    let Some(installation) = Installation::with(4, &own, super::PUBLISHED, |office, text| {
        // Nothing was published yet.
        silent = Some(crate::cli::koppel(office, &["clients"]));
        let first = publish(office, &extract(text).unwrap(), 0, &[]);
        assert!(first.status.success(), "{first:?}");
    })
    .await
    else {
        return;
    };
    let said = refused(&silent.unwrap(), 1);
    assert!(
        said.contains("the published grants cannot be read: ")
            && said.contains("`koppel grants publish` puts the first there"),
        "{said}"
    );
    let known = installation.koppel(&["clients"]);
    assert!(known.status.success(), "{known:?}");
    let listed = installation.koppel(&["activities", "probe"]);
    assert!(
        text(&listed.stdout).contains("GetEmployerByEmployerId"),
        "{listed:?}"
    );

    // A version that is right elsewhere.
    let folder = installation.folder("other", installation.servers.ports());
    let file = folder.join("platform.toml");
    let other = std::fs::read_to_string(&file).unwrap()
        + "[clients.desk]\napplication = { id = \"30cbb99f-d691-5ddb-b4af-7031857482c0\" }\n";
    std::fs::write(&file, &other).unwrap();
    let with_desk = installation.grants() + "\n[clients.desk]\nlimits = { requests = 1 }\n";
    let published = installation.publish(&with_desk, 1, &["--anyway"]);
    assert!(published.status.success(), "{published:?}");
    let lines = other.lines().count();
    assert_eq!(
        refused(&crate::cli::koppel(&folder, &["clients"]), 1),
        format!(
            "error: platform.toml:{}:1: client \"desk\" is an external application: remove `limits`, which is for connectors\n",
            lines - 1
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_do_not_overwrite_each_other_unseen() {
    let own = client("probe", &all_activities());
    let Some(installation) = Installation::published(4, &own).await else {
        return;
    };
    let grants = installation.grants();
    let first = installation.publish(&with_noor(&grants), 1, &[]);
    assert!(first.status.success(), "{first:?}");
    let second = refused(&installation.publish(&grants, 1, &[]), 3);
    let newest = "error: the newest grants are version 2, published by the operator at ";
    assert!(
        second.starts_with(newest)
            && second.ends_with("Z: a test\nnothing was published; look at what you would change with `koppel grants diff 2 FILE`, and say --on 2\n"),
        "{second}"
    );
    // Nor is it guessed what is to be replaced.
    let unsaid = [
        "grants",
        "publish",
        "grants.toml",
        "--by",
        "x",
        "--why",
        "y",
    ];
    assert!(refused(&installation.koppel(&unsaid), 3).starts_with(newest));
    let diff = installation.koppel(&["grants", "diff", "2", "grants.toml"]);
    assert!(text(&diff.stdout).contains("-id = \"noor\"\n"), "{diff:?}");
    let history = json(&installation.koppel(&["grants", "history", "--json"]));
    assert_eq!(history.as_array().unwrap().len(), 2);

    // What is wrong is not published either, and neither is a secret.
    let misspelt = grants.replace(
        "professional = [\"everything\"]",
        "professional = [\"evrything\"]",
    );
    let said = refused(&installation.publish(&misspelt, 2, &[]), 3);
    assert!(
        said.starts_with("error: grants.toml:")
            && said.ends_with(
                ": there is no right \"evrything\"; add `evrything = [\"…\"]` under [rights]\n"
            ),
        "{said}"
    );
    let office = installation.dir.path().join("office");
    std::fs::write(office.join("key"), "hunter2-and-more").unwrap();
    let file = std::fs::read_to_string(office.join("platform.toml")).unwrap()
        + "[credentials.a]\nheader = \"x-key\"\nvalue = { file = \"key\" }\n";
    write(&office, &file);
    let leaking = format!("# hunter2-and-more\n{grants}");
    assert_eq!(
        refused(&installation.publish(&leaking, 2, &[]), 3),
        "error: grants.toml holds a secret of this host, and was not published: write the name of a credential in its place\n"
    );
    let gone = installation.koppel(&["grants", "show", "9"]);
    assert_eq!(
        refused(&gone, 3),
        "error: there is no version 9; `koppel grants history` lists them\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_cut_off_keeps_its_last_grants_and_follows_when_it_is_back() {
    let party = Party::start().await;
    let own = clients(party.port, "", "");
    let Some(installation) = Installation::published(8, &own).await else {
        return;
    };
    let (postgres, nats) = installation.servers.ports();
    let to_nats = Proxy::to(nats);
    let folder = installation.folder("cut-off", (postgres, to_nats.port));
    let _serve = Serve::talking(&folder);
    followers(&installation, |hosts| hosts.len() == 1).await;
    to_nats.cut();
    let published = installation.publish(&with_noor(&installation.grants()), 1, &[]);
    assert!(published.status.success(), "{published:?}");
    told(
        &folder,
        "the published grants are not followed; the last stay in force",
    )
    .await;
    let log = std::fs::read_to_string(folder.join("serve.log")).unwrap();
    assert!(!log.contains(SEEN), "{log}");
    to_nats.join();
    told(&folder, SEEN).await;
    followers(&installation, |hosts| {
        hosts
            .iter()
            .any(|host| host["version"] == 2 && host["why"].is_null())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_client_that_a_host_does_not_have_is_left_to_one_that_has_it() {
    let party = Party::start().await;
    let own = clients(party.port, "", "");
    let Some(installation) = Installation::published(8, &own).await else {
        return;
    };
    let without = installation.folder("without", installation.servers.ports());
    let file = without.join("platform.toml");
    let mut table: toml::Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    let of = table["clients"].as_table_mut().unwrap();
    of.remove(EXACT).unwrap();
    std::fs::write(&file, table.to_string()).unwrap();
    let _without = Serve::talking(&without);
    let hosts = followers(&installation, |hosts| hosts.len() == 1).await;
    let lacking = hosts[0]["lacking"][0].as_str().unwrap();
    assert!(
        lacking.starts_with("published grants, version 1:")
            && lacking.ends_with(": this host has no client \"journal-exact\", so it does not run here; add `[clients.journal-exact]` with `component` or `application`"),
        "{lacking}"
    );
    told(
        &without,
        "not in force on this host: published grants, version 1:",
    )
    .await;
    let run = installation.book(1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let waits = installation.office.kept_run(run.id).await.unwrap().unwrap();
    assert_eq!((waits.state, waits.attempts), (State::Queued, 0));
    let _with = installation.serve("with");
    super::super::until(&installation.office, run.id, &[State::Succeeded]).await;
    // Whoever runs it there is told what is missing.
    let direct = crate::cli::koppel(
        &without,
        &[
            "run",
            EXACT,
            "--user",
            ANNA,
            "--employer",
            &employer(1).to_string(),
            "--check",
        ],
    );
    let said = refused(&direct, 5);
    assert!(
        said.contains("there is no client \"journal-exact\""),
        "{said}"
    );
    let validated = crate::cli::koppel(&without, &["validate"]);
    assert!(
        text(&validated.stdout).contains("not in force on this host"),
        "{validated:?}"
    );
}
