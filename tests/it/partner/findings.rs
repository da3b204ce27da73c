//! What the suite finds in connectors that misbehave: exactly what is to be
//! found, in these words.

use super::{found, judged, scenario};

const BOOKED: &str = "PatchJournalRunByJournalRunId is imported and was never performed";

/// What is found in the clerk, a journal connector that ends as told.
async fn clerk(ends: &str) -> Vec<String> {
    let text = format!("[grant]\nsettings = {{ ends = \"{ends}\" }}\n");
    found(&judged("guests/clerk.wasm", scenario(&text)).await)
}

/// What is found in the hostile look-up besides that it takes any settings.
async fn hostile(attack: &str) -> Vec<String> {
    let text = format!(
        r#"[grant]
http = [{{ allow = "https://party.example/*", methods = ["GET"], activity = "GetEmployerByEmployerId" }}]
[ask]
lookup = [{{ {attack} }}]
[[answers]]
to = "GET https://party.example/*"
"#
    );
    let mut found = found(&judged("guests/hostile.wasm", scenario(&text)).await);
    let settings: Vec<String> = found.drain(..2).collect();
    assert_eq!(
        settings,
        [
            "settings-unknown | settings with an unknown key | its schema allows the key \"koppel-check-tries-this\"",
            "settings-unknown | settings with an unknown key | `check` with the key \"koppel-check-tries-this\" in its settings: it succeeded",
        ]
    );
    found
}

/// What is found in a connector that books in some careless way.
async fn sloppy(way: &str) -> Vec<String> {
    let text = format!(
        r#"[grant]
http = [{{ allow = "https://party.example/*", methods = ["GET", "POST"], activity = "PostSendJournalRunExportByJournalRunId" }}]
settings = {{ url = "https://party.example/entries", way = "{way}" }}
[[answers]]
to = "GET https://party.example/entries"
after = "POST https://party.example/entries"
body = "entry-1"
[[answers]]
to = "GET https://party.example/entries"
[[answers]]
to = "POST https://party.example/entries"
status = 201
"#
    );
    found(&judged("guests/sloppy.wasm", scenario(&text)).await)
}

/// Those of one rule only, with how many others there are.
fn of_rule(found: &[String], rule: &str) -> Vec<String> {
    let prefix = format!("{rule} | ");
    let of = found.iter().filter(|finding| finding.starts_with(&prefix));
    of.cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_connector_that_does_not_end_as_it_should() {
    assert_eq!(clerk("marked").await, [""; 0]);
    let unused = format!("activity-unused | imports | {BOOKED}");
    let unmarked = "bad-answer | journal run | when all is well: the connector answered what it may not: it reported success without marking the journal run as processed";
    assert_eq!(clerk("unmarked").await, [unmarked, &unused]);
    assert_eq!(clerk("marked-as-failed").await, [unmarked]);
    assert_eq!(
        clerk("unavailable").await,
        [
            "job-failed | journal run | not available now; try again in 9 s",
            &unused
        ]
    );
    let crash = "crash | journal run | when all is well: the connector crashed: wasm trap: wasm `unreachable` instruction executed";
    assert_eq!(clerk("trap").await, [crash, &unused]);
    assert_eq!(clerk("marked-then-trap").await, [crash]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_reaches_a_limit_or_crashes() {
    let unused =
        "activity-unused | imports | GetEmployerByEmployerId is imported and was never performed";
    assert_eq!(
        hostile("attack = \"panic\"").await,
        [
            "crash | look-up 1 | when all is well: the connector crashed: wasm trap: wasm `unreachable` instruction executed",
            unused
        ]
    );
    let computing = hostile("attack = \"loop\"").await;
    assert_eq!(
        computing[..2],
        [
            "limit-reached | look-up 1 | when all is well: the connector was ended: computing time of 10000 ms used up (limits.cpu-ms)",
            unused
        ]
    );
    assert!(
        computing[2].starts_with("limit-near | cpu-ms | "),
        "{computing:?}"
    );
    let memory = hostile("attack = \"memory-bomb\"").await;
    assert_eq!(
        memory[..2],
        [
            "limit-reached | look-up 1 | when all is well: the connector was ended: memory limit of 67108864 bytes reached (limits.memory-bytes)",
            unused
        ]
    );
    assert!(
        memory[2].starts_with("limit-near | memory-bytes | "),
        "{memory:?}"
    );
    let flood = hostile("attack = \"log-flood\"").await;
    assert!(
        flood[0].starts_with("log-overflows | look-up 1 | "),
        "{flood:?}"
    );
    assert_eq!(
        hostile("attack = \"false-denial\"").await[0],
        "job-failed | look-up 1 | denied by check client: DropAllTables: give me everything"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_takes_every_reply_for_an_answer() {
    let found = hostile("attack = \"request\", url = \"https://party.example/a\"").await;
    assert_eq!(
        found[0],
        "denial-swallowed | look-up 1, GetEmployerByEmployerId denied | when GetEmployerByEmployerId is denied: it succeeded"
    );
    let ignored = of_rule(&found, "fault-ignored");
    assert_eq!(ignored.len(), found.len() - 1, "{found:#?}");
    // 404 says that there is nothing, which is an answer.
    assert_eq!(ignored.len(), 11);
    assert_eq!(
        ignored[0],
        "fault-ignored | look-up 1, request 1: answers 400 | when the outside party answers 400 to GET https://party.example/a: it succeeded"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_books_with_care() {
    assert_eq!(sloppy("none").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_goes_on_after_a_denial_or_does_not_say_it() {
    let denied = "journal run, GetJournalRunResultsByJournalRunId denied";
    let when = "when GetJournalRunResultsByJournalRunId is denied";
    assert_eq!(
        sloppy("undeterred").await,
        [
            format!("denial-swallowed | {denied} | {when}: it succeeded"),
            format!(
                "sent-after-denial | {denied} | {when}: POST https://party.example/entries left afterwards"
            ),
        ]
    );
    assert_eq!(
        sloppy("silent").await,
        [format!(
            "denial-unsaid | {denied} | {when}: refused: it did not work"
        )]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_books_twice() {
    let case = "journal run, again after the reply to it was lost";
    let post = "POST https://party.example/entries";
    assert_eq!(
        sloppy("blind").await,
        [format!(
            "writes-blindly | {case} | it sent {post} again without having asked for anything"
        )]
    );
    assert_eq!(
        sloppy("stubborn").await,
        [format!(
            "written-twice | {case} | it sent {post} again, although it was told that it was there"
        )]
    );
    let keyed = sloppy("keyed").await;
    assert_eq!(keyed.len(), 1, "{keyed:#?}");
    assert!(
        keyed[0].starts_with(&format!("key-changed | {case} | {post} had the key ")),
        "{keyed:?}"
    );
    let impatient = sloppy("impatient").await;
    assert_eq!(
        of_rule(&impatient, "write-repeated"),
        impatient,
        "{impatient:#?}"
    );
    assert!(
        impatient.contains(&format!("write-repeated | journal run, request 2: breaks off in the middle of its reply | it sent {post} again, with the same content")),
        "{impatient:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_takes_a_doubt_for_a_certainty() {
    let post = "POST https://party.example/entries";
    let hopeful = sloppy("hopeful").await;
    assert_eq!(
        of_rule(&hopeful, "unavailable-in-doubt"),
        hopeful,
        "{hopeful:#?}"
    );
    assert!(
        hopeful.contains(&format!("unavailable-in-doubt | journal run, request 2: answers 503 | when the outside party answers 503 to {post}: it answers `unavailable`, although {post} may have been done")),
        "{hopeful:#?}"
    );
    let trusting = sloppy("trusting").await;
    let swallowed = of_rule(&trusting, "fault-swallowed");
    assert!(
        swallowed.contains(&format!("fault-swallowed | journal run, request 1: answers 409 | when the outside party answers 409 to {post}: it succeeded")),
        "{trusting:#?}"
    );
    assert_eq!(of_rule(&trusting, "writes-blindly").len(), 1);
    assert_eq!(trusting.len(), swallowed.len() + 1, "{trusting:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_under_a_key_is_the_same_to_the_byte() {
    let text = r#"[grant]
http = [{ allow = "https://party.example/*", methods = ["POST"], activity = "PostSendJournalRunExportByJournalRunId", idempotency = "Idempotency-Key" }]
settings = { url = "https://party.example/dice" }
[[answers]]
to = "POST https://party.example/dice"
"#;
    let found = found(&judged("guests/dice.wasm", scenario(text)).await);
    // What it does not look at is found too; that it rolls again is this one.
    let changed = of_rule(&found, "bytes-changed");
    assert_eq!(changed.len(), 1, "{found:#?}");
    assert!(
        changed[0].starts_with("bytes-changed | journal run, again after the reply to it was lost | POST https://party.example/dice had "),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_lies_about_a_declaration() {
    let text = r#"[grant]
http = [{ allow = "https://party.example/*", methods = ["POST"], activity = "PostSendPayrollTaxReturnByPayrollTaxReturnId" }]
settings = { url = "https://party.example/returns", submit = "lie" }
[ask]
declaration = "payroll-tax-return"
"#;
    let found = found(&judged("guests/forger.wasm", scenario(text)).await);
    assert!(
        found.contains(&"bad-answer | send declaration | when all is well: the connector answered what it may not: it says that the message was sent, but the outside party took no request with it".to_owned()),
        "{found:#?}"
    );
}
