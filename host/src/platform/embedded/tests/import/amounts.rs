//! Amounts.

use super::*;
use crate::platform::JournalRuns;
use proptest::test_runner::{Config, TestRunner};

#[test]
fn amounts_are_exact_to_the_cent() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = Data::empty();
    let most = 99_999_999_999_999_i64;
    let cents = prop_oneof![
        -most..=most,
        -100_000..=100_000_i64,
        Just(most),
        Just(-most)
    ];
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(64)
    };
    let amounts = proptest::collection::vec((cents, 0..3_usize), 1..40);
    TestRunner::new(config)
        .run(&amounts, |amounts| {
            let json = with_amounts(&amounts);
            let imported = data.embedded.import_json(json.as_bytes(), Uuid::nil());
            runtime.block_on(imported).unwrap();
            let page = all();
            let lines = data.embedded.journal_run_results(JOURNAL_RUN, &page);
            let lines = runtime.block_on(lines).unwrap().items;
            let read: Vec<i64> = lines.iter().map(|line| line.debit_amount).collect();
            let expected: Vec<i64> = amounts.iter().map(|(cents, _)| *cents).collect();
            prop_assert_eq!(read, expected, "{}", json);
            Ok(())
        })
        .unwrap();
}

/// A file with a line for each amount, written in one of the ways of JSON.
fn with_amounts(amounts: &[(i64, usize)]) -> String {
    let mut file = file();
    let line = file["GetJournalRunResultsByJournalRunId"]["_embedded"][0].clone();
    let lines = amounts.iter().enumerate().map(|(at, _)| {
        let mut line = line.clone();
        line["debetAmount"] = json!(format!("amount {at}"));
        line
    });
    file["GetJournalRunResultsByJournalRunId"]["_embedded"] = lines.collect();
    let mut json = file.to_string();
    for (at, (cents, way)) in amounts.iter().enumerate() {
        let sign = if *cents < 0 { "-" } else { "" };
        let (euros, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
        let whole = format!("{sign}{euros}.{rest:02}");
        let amount = match way {
            0 => whole,
            // Without what is not needed.
            1 => whole.trim_end_matches('0').trim_end_matches('.').to_owned(),
            _ => format!("{sign}{}e-2", cents.unsigned_abs()),
        };
        json = json.replace(&format!("\"amount {at}\""), &amount);
    }
    json
}
