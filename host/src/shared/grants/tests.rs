//! Published grants on a real NATS server.

use super::*;
use crate::config::Config;
use crate::ledger::Redactor;
use crate::servers::servers;
use crate::shared::nats::connect;
use std::path::Path;
use std::time::Instant;

const FIRST: &str = "[rights]\nfirst = [\"GetEmployerByEmployerId\"]\n";
const SECOND: &str = "[rights]\nsecond = [\"GetEmployerByEmployerId\"]\n";

/// An installation of its own on the server of the tests.
struct Bench {
    context: Context,
    config: Config,
    feed: Feed,
}

impl Bench {
    /// None where the server is not installed.
    async fn new() -> Option<Self> {
        let servers = servers()?;
        let name = format!("koppel_{}", uuid::Uuid::now_v7().simple());
        let queue = "grants = \"published\"";
        let text = servers.configuration(&name, servers.ports(), queue) + "[platform]\n";
        let config = Config::parse(Path::new("platform.toml"), &text).unwrap();
        let context = connect(nats(&config), &Redactor::default()).await.unwrap();
        let feed = Feed::open(&context, nats(&config)).await.unwrap();
        Some(Self {
            context,
            config,
            feed,
        })
    }

    async fn publish(&self, text: &str, on: u64) -> Result<u64, Unpublished> {
        self.feed.publish(text, on, ("anna", "a test")).await
    }

    /// A host that follows.
    async fn follow(&self) -> (Live, DropGuard) {
        let first = Arc::new(self.feed.first().await.unwrap());
        let live = Live::new(self.config.with_grants(&first).unwrap());
        let following = self.feed.follow(live.clone());
        (live, following)
    }

    /// Writes a version past the command, as a newer koppel or something else.
    async fn write(&self, value: &str) -> u64 {
        let value = value.to_owned().into();
        self.feed.store.put(KEY, value).await.unwrap()
    }
}

fn nats(config: &Config) -> &Nats {
    &config.shared.as_ref().unwrap().nats
}

fn right(live: &Live) -> String {
    live.with(|config| config.grants.rights.keys().next().cloned())
        .unwrap_or_default()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_followed_and_its_history_is_kept() {
    let Some(bench) = Bench::new().await else {
        return;
    };
    assert!(bench.feed.newest().await.unwrap().is_none());
    assert_eq!(bench.feed.history().await.unwrap().len(), 0);
    assert_eq!(bench.publish(FIRST, 0).await.unwrap(), 1);
    let (live, _following) = bench.follow().await;
    assert_eq!(right(&live), "first");
    assert_eq!(bench.publish(SECOND, 1).await.unwrap(), 2);
    until("the second", || right(&live) == "second").await;
    assert_eq!(bench.feed.problem(), None);
    let versions = bench.feed.history().await.unwrap();
    let told: Vec<_> = versions
        .iter()
        .map(|one| (one.version, one.by.as_str(), one.why.as_str()))
        .collect();
    assert_eq!(told, [(1, "anna", "a test"), (2, "anna", "a test")]);
    let first = bench.feed.version(1).await.unwrap().unwrap();
    assert_eq!((&*first.text, first.version), (FIRST, 1));
    assert!(bench.feed.version(9).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_publish_on_the_same_version_one_is_told_of_the_other() {
    let Some(bench) = Bench::new().await else {
        return;
    };
    let (one, other) = tokio::join!(bench.publish(FIRST, 0), bench.publish(SECOND, 0));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    let refused = [one, other].into_iter().find_map(Result::err);
    let Some(Unpublished::Overtaken(Some(newest))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((newest.version, newest.by.as_str()), (1, "anna"));
    // Of grants that are not there, too.
    assert!(matches!(
        bench.publish(FIRST, 7).await,
        Err(Unpublished::Overtaken(Some(_)))
    ));
    assert_eq!(bench.feed.history().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_unknown_or_removed_leaves_the_old_grants_in_force() {
    let Some(bench) = Bench::new().await else {
        return;
    };
    bench.publish(FIRST, 0).await.unwrap();
    let (live, _following) = bench.follow().await;
    let refused = async |version: u64| {
        until("a version is refused", || {
            live.refused()
                .is_some_and(|refused| refused.version == version)
        })
        .await;
        assert_eq!(right(&live), "first");
        live.refused().unwrap().why
    };
    // Right for whoever published it, and not for this host.
    let version = bench.publish("[rights]\nfirst = [\"GetSomethingNew\"]\n", 1);
    assert_eq!(
        refused(version.await.unwrap()).await,
        "published grants, version 2:2:10: there is no activity \"GetSomethingNew\"; `koppel activities` lists them"
    );
    let version = bench.write("{\"format\": 9}").await;
    assert_eq!(
        refused(version).await,
        "version 3 of the published grants is in format 9, and this version of koppel reads 1: a newer koppel published it"
    );
    let version = bench.write("[rights]").await;
    assert_eq!(
        refused(version).await,
        "version 4 of the published grants was not written by `koppel grants publish`: expected value at line 1 column 2"
    );
    bench.feed.store.delete(KEY).await.unwrap();
    assert_eq!(
        refused(5).await,
        "version 5 of the published grants is that they were removed: publish some again"
    );
    // A host that starts now does not know what is granted.
    assert_eq!(
        bench.feed.first().await.unwrap_err(),
        "version 5 of the published grants is that they were removed: publish some again"
    );
    assert_eq!(bench.publish(SECOND, 5).await.unwrap(), 6);
    until("the next good one", || right(&live) == "second").await;
    assert!(live.refused().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_was_made_anew_brings_back_nothing_old() {
    let Some(bench) = Bench::new().await else {
        return;
    };
    bench.publish(FIRST, 0).await.unwrap();
    bench.publish(SECOND, 1).await.unwrap();
    let (live, _following) = bench.follow().await;
    let name = name(nats(&bench.config));
    bench.context.delete_key_value(&name).await.unwrap();
    let feed = Feed::open(&bench.context, nats(&bench.config))
        .await
        .unwrap();
    // Its versions begin again.
    assert_eq!(feed.publish(FIRST, 0, ("eve", "a test")).await.unwrap(), 1);
    let entry = feed.store.entry(KEY).await.unwrap().unwrap();
    feed.take(&live, &entry).await.unwrap();
    assert_eq!(right(&live), "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_was_changed_is_not_used() {
    let Some(bench) = Bench::new().await else {
        return;
    };
    bench.publish(FIRST, 0).await.unwrap();
    let (live, _following) = bench.follow().await;
    let digest = "0".repeat(64);
    let written =
        format!(r#"{{"format":1,"sha256":"{digest}","by":"eve","why":"","time":"","koppel":"0"}}"#);
    // Another text under the digest that it names.
    let name = name(nats(&bench.config));
    let texts = bench.context.get_object_store(&name).await.unwrap();
    texts
        .put(digest.as_str(), &mut SECOND.as_bytes())
        .await
        .unwrap();
    bench.write(&written).await;
    until("it is told", || bench.feed.problem().is_some()).await;
    let problem = bench.feed.problem().unwrap();
    assert!(
        problem.starts_with(&format!(
            "the object {digest} of the object store has SHA-256 "
        )),
        "{problem}"
    );
    assert_eq!(right(&live), "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_that_are_longer_than_a_message_are_published_too() {
    let Some(bench) = Bench::new().await else {
        return;
    };
    let mut text = FIRST.to_owned();
    while text.len() < 3 << 20 {
        text += "# What an office with ten thousand employers needs.\n";
    }
    bench.publish(&text, 0).await.unwrap();
    let (live, _following) = bench.follow().await;
    assert_eq!(right(&live), "first");
    let long = "#".repeat(MOST + 1);
    let Err(Unpublished::Unavailable(why)) = bench.publish(&long, 1).await else {
        panic!("it was published");
    };
    assert_eq!(why, "it has 16777217 bytes, and may have 16777216");
}
