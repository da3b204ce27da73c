//! How long things are kept.

use super::*;

fn with(lines: &str) -> String {
    format!("[platform]\n[retention]\n{lines}\n")
}

#[test]
fn periods_are_days_months_or_years() {
    let config = resolved(&with(
        "journal = \"P8Y\"\nproduct = \"18 months\"\nlookup = \"P90D\"\nruns = \"P1Y6M\"",
    ));
    let now: jiff::Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
    let before = |period: &Period| period.before(now).to_string();
    let contents: Vec<_> = config
        .retention
        .contents
        .iter()
        .map(|(subject, period)| (subject.name(), before(period)))
        .collect();
    let expected = [
        ("journal", "2018-11-27T12:00:00Z"),
        ("product", "2025-05-27T12:00:00Z"),
        ("lookup", "2026-08-29T12:00:00Z"),
    ];
    assert_eq!(
        contents,
        expected.map(|(name, before)| (name, before.to_owned()))
    );
    assert_eq!(
        before(&config.retention.runs.unwrap()),
        "2025-05-27T12:00:00Z"
    );
    assert_eq!(config.warnings().count(), 0);
    assert!(resolved("[platform]\n").retention.is_empty());
}

#[test]
fn what_is_no_period_is_a_fault_at_its_line() {
    for text in ["", "7", "-P1D", "P0D", "PT12H", "P1DT1H", "for ever"] {
        assert_eq!(
            fault(&with(&format!("lookup = \"{text}\""))),
            format!(
                "3: [retention] lookup = \"{text}\" is no period: write days, months or years, such as \"P90D\", \"P18M\" or \"P7Y\" (ISO 8601)"
            )
        );
    }
    let unknown = fault(&with("journals = \"P7Y\""));
    assert!(
        unknown.starts_with("3: unknown field `journals`"),
        "{unknown}"
    );
}

#[test]
fn a_payroll_administration_that_is_kept_for_less_than_seven_years_is_a_warning() {
    let config = resolved(&with(
        "journal = \"P83M\"\ndeclaration = \"P6Y\"\nproduct = \"P1D\"",
    ));
    let warned = |line: usize, column: usize, key: &str, text: &str| {
        format!(
            "{PATH}:{line}:{column}: [retention] {key} = \"{text}\" is shorter than the seven years for which an employer in the Netherlands keeps its payroll administration (art. 52 AWR): unless it is kept elsewhere, write {key} = \"P8Y\", which covers seven years after the end of each"
        )
    };
    assert_eq!(
        config.warnings().collect::<Vec<_>>(),
        [
            warned(3, 11, "journal", "P83M"),
            warned(4, 15, "declaration", "P6Y")
        ]
    );
    let enough = resolved(&with("journal = \"P7Y\"\ndeclaration = \"P84M\""));
    assert_eq!(enough.warnings().count(), 0);
}

#[test]
fn what_a_row_is_about_follows_from_its_activity() {
    for (activity, subject) in [
        (
            Some("PostSendJournalRunExportByJournalRunId"),
            Subject::Journal,
        ),
        (
            Some("PostSendPayrollTaxReturnByPayrollTaxReturnId"),
            Subject::Declaration,
        ),
        (
            Some("PostSendUpaPensionDeclarationByUpaPensionDeclarationId"),
            Subject::Declaration,
        ),
        (Some("PostFleurtjedagOrderByEmployerId"), Subject::Product),
        (
            Some("GetAdditionalTaxliabilityByLicensePlateNumber"),
            Subject::Lookup,
        ),
        (Some("PatchModulesByEmployerId"), Subject::Other),
        (Some("NoActivityAnyMore"), Subject::Other),
        (None, Subject::Other),
    ] {
        assert_eq!(Subject::of(activity), subject, "{activity:?}");
    }
}
