//! Turning modules on and off, by a process of its own.

use super::{FLOWERS, koppel, quote_request, run, start, turn};
use crate::harness::{TestHost, answer, client, configuration, employer, error};
use koppel_host::ledger::Kind;
use koppel_host::platform::seed;
use koppel_host::runs::Output;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_red_until_a_provider_user_turns_its_module_on_and_then_works_at_once() {
    let (party, host) = start(FLOWERS).await;
    let e = employer(1);
    assert_eq!(
        error(run(&host, quote_request()).await),
        format!(
            "denied by check module: PostFleurtjedagQuoteByEmployerId: module \"fleurtjedag\" is off for this employer and for its provider\n\
             to allow it, put in the configuration:\n  \
             [modules.employer] \"{e}\" = [\"fleurtjedag\"]; or at run time: koppel modules on fleurtjedag --employer {e} --user <provider user>"
        )
    );
    assert_eq!(party.lock().unwrap().seen, []);

    let (code, shown, _) = turn(&host, "on", "fleurtjedag", "anna");
    assert_eq!(
        (code, shown),
        (0, format!("on fleurtjedag for employer {e}\n"))
    );
    let report = run(&host, quote_request()).await;
    assert_eq!(
        report.outcome.unwrap(),
        Output::Quote {
            reference: "Q-1".to_owned(),
            amount_cents: 2995,
            expires: "2026-03-01T12:00:00Z".to_owned(),
            details: json!({"bouquetCode": "LENTE-M", "deliveryDate": "2026-03-02"}),
        }
    );
    // For this employer, and for no other.
    let elsewhere = error(host.run(FLOWERS, "anna", 2, quote_request()).await);
    assert!(
        elsewhere.starts_with("denied by check module: "),
        "{elsewhere}"
    );

    let writes = host.rows(&[Kind::ActivityWrite]).await;
    let [write] = writes.as_slice() else {
        panic!("{writes:?}");
    };
    assert_eq!(
        write.summary,
        format!("module \"fleurtjedag\" on for employer {e}")
    );
    assert_eq!(write.activity.as_deref(), Some("PatchModulesByEmployerId"));
    assert_eq!(
        (write.context.client.as_str(), write.context.user.as_str()),
        ("koppel modules", "anna")
    );
    assert_eq!(write.context.employer, e);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_provider_user_with_right_role_and_access_turns_a_module() {
    let (_, host) = start(FLOWERS).await;
    let denied = |check: &str, reason: &str, line: &str| {
        format!(
            "error: denied by check {check}: PatchModulesByEmployerId: {reason}\nto allow it, put in the configuration:\n  {line}\n"
        )
    };
    let (one, two) = (seed::provider_id(1), seed::provider_id(2));
    for (user, check, reason, line) in [
        (
            "bas",
            "user",
            "user \"bas\" is an employer user; only provider users may turn modules on and off"
                .to_owned(),
            format!("[[users]] id = \"bas\" kind = \"provider\" provider = \"{one}\""),
        ),
        (
            "tim",
            "user",
            "user \"tim\" has no right that gives PatchModulesByEmployerId".to_owned(),
            "[[users]] id = \"tim\" rights = [\"employers\", \"everything\"]".to_owned(),
        ),
        (
            "rik",
            "role",
            "role \"reader\" has no right that gives PatchModulesByEmployerId".to_owned(),
            "[roles] reader = [\"employers\", \"everything\"]".to_owned(),
        ),
        (
            "els",
            "entity",
            "user \"els\" belongs to another provider".to_owned(),
            format!("[[users]] id = \"els\" provider = \"{one}\""),
        ),
    ] {
        let (code, shown, errors) = turn(&host, "on", "fleurtjedag", user);
        assert_eq!((code, shown.as_str()), (4, ""), "{user}");
        assert_eq!(errors, denied(check, &reason, &line));
    }
    assert_ne!(one, two);
    assert_eq!(host.denials().await.len(), 4);
    assert_eq!(host.rows(&[Kind::ActivityWrite]).await.len(), 0);
    assert!(error(run(&host, quote_request()).await).starts_with("denied by check module"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_turned_must_exist_and_not_be_on_in_the_configuration() {
    let (_, host) = start(FLOWERS).await;
    assert_eq!(
        turn(&host, "on", "flowers", "anna"),
        (
            3,
            String::new(),
            "error: there is no module \"flowers\"; the modules are: achmea, fleurtjedag, journal, payroll-tax-return, upa\n"
                .to_owned()
        )
    );
    let provider = seed::provider_id(1);
    assert_eq!(
        turn(&host, "off", "journal", "anna"),
        (
            3,
            String::new(),
            format!(
                "error: module \"journal\" is on in the configuration and cannot be turned off at run time; to turn it off, take it out of\n  [modules.provider] \"{provider}\" = [\"achmea\", \"journal\", \"payroll-tax-return\", \"upa\"]\n"
            )
        )
    );
    let nobody = Uuid::from_u128(9).to_string();
    assert_eq!(
        koppel(&host, &["modules", "list", "--employer", &nobody]),
        (
            3,
            String::new(),
            format!("error: there is no employer {nobody}\n")
        )
    );
    assert_eq!(host.rows(&[Kind::ActivityWrite]).await.len(), 0);
    // Turning twice is one change.
    assert_eq!(turn(&host, "on", "fleurtjedag", "anna").0, 0);
    let again = turn(&host, "on", "fleurtjedag", "anna");
    assert_eq!(
        again.1,
        format!("on already fleurtjedag for employer {}\n", employer(1))
    );
    assert_eq!(host.rows(&[Kind::ActivityWrite]).await.len(), 1);
    let e = employer(1).to_string();
    let (_, listed, _) = koppel(&host, &["--json", "modules", "list", "--employer", &e]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let found = |module: &str| {
        let all = listed.as_array().unwrap().iter();
        all.clone()
            .find(|row| row["module"] == module)
            .unwrap()
            .clone()
    };
    assert_eq!(found("fleurtjedag")["on"], true);
    assert_eq!(found("fleurtjedag")["turned"]["user"], "anna");
    assert_eq!(found("fleurtjedag")["line"], Value::Null);
    assert_eq!(
        found("journal")["line"],
        format!(
            "[modules.provider] \"{provider}\" = [\"achmea\", \"journal\", \"payroll-tax-return\", \"upa\"]"
        )
    );
    let explained = koppel(
        &host,
        &[
            "explain",
            "--client",
            FLOWERS,
            "--user",
            "anna",
            "--activity",
            "PostFleurtjedagOrderByEmployerId",
            "--employer",
            &e,
        ],
    );
    assert!(
        explained
            .1
            .contains("4. module  green  module \"fleurtjedag\" is on"),
        "{}",
        explained.1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_is_turned_off_is_denied_on_the_next_call_in_the_middle_of_a_run() {
    let probe = client("probe", &crate::harness::all_activities());
    let host = TestHost::new("").await;
    // Achmea is on at run time only.
    host.write_configuration(&configuration(&probe).replace(", \"achmea\"]", "]"));
    host.host.live().reload();
    assert_eq!(turn(&host, "on", "achmea", "anna").0, 0);
    let query = json!({"activity": "GetAchmeaInsuranceContractsByUserId", "again": 2000});
    let going = host.lookup("probe", &query);
    let off = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| turn(&host, "off", "achmea", "anna"))
    };
    let (report, (code, _, errors)) = tokio::join!(going, off);
    assert_eq!((code, errors.as_str()), (0, ""));
    let answer = answer(report);
    assert_eq!(
        answer["reason"],
        "module \"achmea\" is off for this employer and for its provider"
    );
    assert_eq!(answer["denied"], "Check::Module");
    assert!(
        answer["attempt"].as_u64().unwrap() > 0,
        "it was denied from the start"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_of_another_kind_takes_no_orders() {
    let host = TestHost::new(&client("probe", &crate::harness::all_activities())).await;
    assert_eq!(
        error(host.run("probe", "anna", 1, quote_request()).await),
        "client \"probe\" is no connector of kind product"
    );
}
