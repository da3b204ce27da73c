//! Retries, parties and schedules.

use super::*;

const CLIENT: &str = "[platform]\n[clients.exact]\ncomponent = \"a\"\nactivities = [\"PostSendJournalRunExportByJournalRunId\"]\n";

fn schedule(more: &str) -> String {
    format!(
        "{CLIENT}[[schedules]]\nname = \"s\"\nclient = \"exact\"\nuser = \"anna\"\nemployers = []\ntask = \"check\"\n{more}\n[roles]\nr = []\n[[users]]\nid = \"anna\"\nkind = \"employer\"\nrole = \"r\"\n"
    )
}

#[test]
fn what_is_not_written_has_its_documented_default() {
    let config = resolved(CLIENT);
    assert_eq!(config.runs, Path::new("/etc/koppel/data/runs.db"));
    assert_eq!(
        config.queue,
        Queue {
            workers: 4,
            drain_seconds: 30
        }
    );
    let client = config.client("exact").unwrap();
    let documented = Retry {
        attempts: 5,
        backoff_ms: 1_000,
        max_backoff_ms: 300_000,
    };
    assert_eq!(
        (client.retry, client.concurrency, client.ready),
        (documented, None, 0)
    );
    assert!(config.parties.is_empty() && config.schedules.is_empty());
}

#[test]
fn values_without_meaning_are_faults_at_their_line() {
    for (more, expected) in [
        (
            "retry = { attempts = 0 }",
            "5: [clients.exact.retry] attempts must be 1 to 100",
        ),
        (
            "retry = { backoff-ms = 10, max-backoff-ms = 9 }",
            "5: [clients.exact.retry] backoff-ms must be 1 to max-backoff-ms, which is 9",
        ),
        (
            "concurrency = 0",
            "5: [clients.exact] concurrency = 0 would let none of its runs begin; take it out for no limit",
        ),
        (
            "ready = 33",
            "5: [clients.exact] ready = 33 is more than 32, which is how many instances of all clients together can wait",
        ),
        ("[queue]\nworkers = 0", "5: [queue] workers must be 1 to 64"),
        (
            "[[parties]]\nurl = \"https://a.nl\"",
            "5: [[parties]] url = \"https://a.nl\" limits nothing; add concurrency, per-minute or per-day",
        ),
        (
            "http = [{ allow = \"https://a.nl/b\", methods = [\"POST\"], activity = \"PostSendJournalRunExportByJournalRunId\", idempotency = \"Cookie\" }]",
            "5: idempotency = \"Cookie\" is no header that can be added; write idempotency = \"Idempotency-Key\"",
        ),
    ] {
        assert_eq!(fault(&format!("{CLIENT}{more}\n")), expected);
    }
}

#[test]
fn a_rule_says_whether_its_writes_may_be_made_again() {
    for (more, repeatable, header) in [
        ("", false, None),
        (", repeatable = true", true, None),
        (
            ", idempotency = \"Idempotency-Key\"",
            true,
            Some("idempotency-key"),
        ),
    ] {
        let config = resolved(&format!(
            "{CLIENT}http = [{{ allow = \"https://a.nl/b\", methods = [\"POST\"], activity = \"PostSendJournalRunExportByJournalRunId\"{more} }}]\n"
        ));
        let rule = &config.client("exact").unwrap().http[0];
        assert_eq!(rule.is_repeatable(), repeatable);
        assert_eq!(rule.idempotency().map(http::HeaderName::as_str), header);
    }
}

#[test]
fn a_schedule_that_could_not_be_carried_out_is_a_fault() {
    let written = |more: &str| fault(&schedule(more));
    assert_eq!(
        written("cron = \"0 6 * *\""),
        "5: [[schedules]] cron = \"0 6 * *\" must have five fields: minute, hour, day of the month, month, day of the week"
    );
    assert_eq!(
        written("cron = \"0 6 * * *\"\ntime-zone = \"Europe/Leiden\""),
        "5: [[schedules]] there is no time zone \"Europe/Leiden\"; write time-zone = \"Europe/Amsterdam\""
    );
    let wrong = written("cron = \"0 25 * * *\"");
    assert!(
        wrong.starts_with("5: [[schedules]] cron = \"0 25 * * *\": "),
        "{wrong}"
    );
    let unknown = schedule("cron = \"0 6 * * *\"")
        .replace("client = \"exact\"", "client = \"gone\"")
        .replace("user = \"anna\"", "user = \"nobody\"");
    assert_eq!(
        faults(&unknown),
        [
            "7: there is no connector \"gone\"; add `[clients.gone]` with `component` and `activities`",
            "8: there is no user \"nobody\"; add [[users]] id = \"nobody\"",
        ]
    );
    let twice = schedule(
        "cron = \"0 6 * * *\"\n[[schedules]]\nname = \"s\"\nclient = \"exact\"\nuser = \"anna\"\nemployers = []\ntask = \"check\"\ncron = \"0 6 * * *\"",
    );
    assert_eq!(
        fault(&twice),
        "12: [[schedules]] name = \"s\" must be one of its own"
    );
}

#[test]
fn a_time_of_day_is_that_of_the_netherlands_in_summer_and_winter() {
    let config = resolved(&schedule("cron = \"30 6 * * *\""));
    let next = |after: &str| {
        let after: jiff::Timestamp = after.parse().unwrap();
        let next = config.schedules[0].next_after(after.as_millisecond());
        crate::durable::moment(next.unwrap())
    };
    assert_eq!(next("2026-03-28T00:00:00Z"), "2026-03-28T05:30:00.000Z");
    assert_eq!(next("2026-03-29T00:00:00Z"), "2026-03-29T04:30:00.000Z");
    assert_eq!(next("2026-03-29T04:30:00Z"), "2026-03-30T04:30:00.000Z");
}

/// The moments of a schedule after another one.
fn moments(cron: &str, after: &str, count: usize) -> Vec<String> {
    let config = resolved(&schedule(&format!("cron = \"{cron}\"")));
    let mut moment = after.parse::<jiff::Timestamp>().unwrap();
    let mut moments = Vec::new();
    for _ in 0..count {
        let next = config.schedules[0].next_after(moment.as_millisecond());
        moment = jiff::Timestamp::from_millisecond(next.unwrap()).unwrap();
        moments.push(moment.to_string());
    }
    moments
}

#[test]
fn a_time_in_the_hour_that_comes_twice_is_carried_out_once() {
    // In Amsterdam it is 02:00 to 03:00 from midnight UTC to two o'clock.
    for (cron, expected) in [
        (
            "30 2 * * *",
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "0 2 25 10 *",
            ["2026-10-25T00:00:00Z", "2027-10-25T00:00:00Z"],
        ),
        // Once an hour, for each hour on the clock.
        (
            "30 2-4 * * *",
            ["2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"],
        ),
    ] {
        assert_eq!(moments(cron, "2026-10-24T12:00:00Z", 2), expected, "{cron}");
    }
    // Who began between the two has not carried it out.
    assert_eq!(
        moments("30 2 * * *", "2026-10-25T00:45:00Z", 2),
        ["2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]
    );
    // More than once an hour goes on as the hours go by.
    assert_eq!(
        moments("*/30 2 * * *", "2026-10-24T12:00:00Z", 5),
        [
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-26T01:00:00Z",
        ]
    );
}

#[test]
fn a_time_in_the_hour_that_is_left_out_does_not_come_that_day() {
    assert_eq!(
        moments("30 2 * * *", "2026-03-28T00:00:00Z", 2),
        ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]
    );
}
