//! The file, read back independently of the code that writes it.

use journal_csv::JournalCsv;
use koppel_sdk::testing::{MockHost, line};
use koppel_sdk::types::{Coded, JournalLine, JournalRunStatus};
use koppel_sdk::{ConnectorError, Delivery, Outcome};

const NAME: &str = "journaal_2025-01_1_00000001.csv";

fn export(
    settings: &str,
    lines: Vec<JournalLine>,
) -> (MockHost, String, Result<Outcome, ConnectorError>) {
    let mut host = MockHost::new();
    let run = host.journal_run(JournalRunStatus::Ready, lines);
    let outcome = host.process::<JournalCsv>(settings, &run);
    (host, run, outcome)
}

fn text(host: &MockHost) -> String {
    String::from_utf8(host.files()[NAME].clone()).unwrap()
}

fn balanced() -> Vec<JournalLine> {
    let mut wages = line("40110", "Lonen; \"bruto\"", 500_087, 0);
    wages.cost_center = Some(Coded {
        code: "SAL073".to_owned(),
        description: "Sales Den Bosch".to_owned(),
    });
    vec![
        wages,
        line("40110", "Lonen", -1_00, 0),
        line("16101", "Netto lonen", 0, 499_987),
    ]
}

#[test]
fn a_journal_run_becomes_a_file_with_dutch_columns_and_is_marked_as_processed() {
    let (host, run, outcome) = export("{}", balanced());
    assert_eq!(
        outcome,
        Ok(Outcome {
            delivery: Delivery::Exported,
            reference: NAME.to_owned(),
            lines: 3,
            total: 499_987,
        })
    );
    assert_eq!(host.status(&run), Some(JournalRunStatus::Exported));
    assert_eq!(
        text(&host),
        "Dagboek;Boekstuk;Datum;Boekjaar;Periode;Regel;Grootboekrekening;Omschrijving grootboekrekening;Looncomponent;Kostenplaats;Kostendrager;Debet;Credit\r\n\
         SAL;2025-01_1;2025-01-31;2025;1;1;40110;\"Lonen; \"\"bruto\"\"\";Brutoloon;SAL073;;5000,87;0,00\r\n\
         SAL;2025-01_1;2025-01-31;2025;1;2;40110;Lonen;Brutoloon;;;-1,00;0,00\r\n\
         SAL;2025-01_1;2025-01-31;2025;1;3;16101;Netto lonen;Brutoloon;;;0,00;4999,87\r\n"
    );
}

#[test]
fn separator_and_decimal_sign_are_those_of_the_settings() {
    for (settings, separator, decimal) in [
        (r#"{"separator": ",", "decimal": "."}"#, b',', '.'),
        (r#"{"separator": ";", "decimal": ","}"#, b';', ','),
        // An amount with the separator in it is quoted.
        (r#"{"separator": ",", "decimal": ","}"#, b',', ','),
    ] {
        let (host, _, outcome) = export(settings, balanced());
        outcome.unwrap();
        let file = text(&host);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .from_reader(file.as_bytes());
        let (mut debit, mut credit) = (0, 0);
        let columns = reader.headers().unwrap().clone();
        let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        for row in &rows {
            let cents = |name: &str| -> i64 {
                let (euros, cents) = row[column(name)].split_once(decimal).unwrap();
                format!("{euros}{cents}").parse().unwrap()
            };
            debit += cents("Debet");
            credit += cents("Credit");
        }
        assert_eq!((rows.len(), debit, credit), (3, 499_987, 499_987));
        assert_eq!(
            &rows[0][column("Omschrijving grootboekrekening")],
            "Lonen; \"bruto\""
        );
        assert_eq!(&rows[2][column("Grootboekrekening")], "16101");
    }
}

#[test]
fn a_cell_that_a_spreadsheet_would_compute_is_text() {
    let mut lines = balanced();
    lines[0].general_ledger_account.description = "=HYPERLINK(\"http://x\";\"y\")".to_owned();
    lines[1].payroll_component.value = "@SUM(A1)".to_owned();
    lines[2].cost_unit = Some(Coded {
        code: "-2+3".to_owned(),
        description: String::new(),
    });
    let (host, _, outcome) = export("{}", lines);
    outcome.unwrap();
    let file = text(&host);
    assert!(
        file.contains(";\"'=HYPERLINK(\"\"http://x\"\";\"\"y\"\")\";"),
        "{file}"
    );
    assert!(file.contains(";'@SUM(A1);"), "{file}");
    assert!(file.contains(";'-2+3;0,00;4999,87\r\n"), "{file}");
    // A negative amount is a number and stays one.
    assert!(file.contains(";-1,00;0,00\r\n"), "{file}");
}

#[test]
fn a_journal_of_several_pages_is_complete() {
    let mut lines = Vec::new();
    for _ in 0..600 {
        lines.push(line("40110", "Lonen", 100, 0));
        lines.push(line("16101", "Netto lonen", 0, 100));
    }
    let (host, _, outcome) = export("{}", lines);
    assert_eq!(outcome.unwrap().lines, 1200);
    assert_eq!(text(&host).lines().count(), 1201);
}

#[test]
fn what_cannot_be_booked_is_refused_with_its_lines_and_leaves_no_file() {
    for (lines, why) in [
        (
            vec![line("", "", 1_000, 0), line("16101", "Netto", 0, 1_000)],
            "line 1 (Brutoloon) has no ledger account",
        ),
        (
            vec![
                line("40110", "Lonen", 1_000, 0),
                line("16101", "Netto", 0, 999),
            ],
            "the journal does not balance: debit 10.00, credit 9.99, difference 0.01; its lines: line 1 (Brutoloon) debit 10.00; line 2 (Brutoloon) credit 9.99",
        ),
    ] {
        let (host, run, outcome) = export("{}", lines);
        assert_eq!(outcome, Err(ConnectorError::Refused(why.to_owned())));
        assert!(host.files().is_empty());
        assert_eq!(host.status(&run), Some(JournalRunStatus::ExportFailed));
    }
}

#[test]
fn a_setting_that_there_is_not_is_named() {
    let (_, _, outcome) = export(r#"{"separator": "|"}"#, balanced());
    let Err(ConnectorError::InvalidSettings(why)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        why.starts_with("unknown variant `|`, expected `;` or `,`"),
        "{why}"
    );
}
