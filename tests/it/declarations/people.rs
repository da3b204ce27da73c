//! Who may do what: the five checks, and that no connector confirms.

use super::{Chain, DESK, TAX, UPA};
use crate::harness::{ANNA, configuration, employer, error};
use koppel_host::admission::inspect;
use koppel_host::bindings::koppel::loket::types::ActivityError;
use koppel_host::catalogue::{Activity, Surface, id};
use koppel_host::platform::{DeclarationKind, seed};
use koppel_host::runs::Job;
use koppel_host::sandbox::Sandbox;
use koppel_host::session::Fault;

#[track_caller]
fn denied<T: std::fmt::Debug>(result: Result<T, Fault>) -> (String, String) {
    match result {
        Err(Fault::Guest(ActivityError::Denied(denial))) => {
            (format!("{:?}", denial.check), denial.reason)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_component_can_even_ask_to_confirm() {
    let sandbox = Sandbox::new().unwrap();
    for (activity, interface, function) in [
        (
            id::PatchPayrollTaxReturnsByPayrollTaxReturnIds,
            "payroll-tax-returns",
            "patch-payroll-tax-returns-by-payroll-tax-return-ids",
        ),
        (
            id::PatchUpaPensionDeclarationByUpaPensionDeclarationId,
            "upa-pension-declarations",
            "patch-upa-pension-declaration-by-upa-pension-declaration-id",
        ),
    ] {
        assert_eq!(activity.row().surface, Surface::Rest);
        assert_eq!(Activity::of_function(interface, function), None);
        let text = format!(
            r#"(component (import "koppel:loket/{interface}@0.1.0" (instance (export "{function}" (func)))))"#
        );
        let refused = inspect(sandbox.engine(), &wat::parse_str(text).unwrap()).err();
        assert_eq!(
            refused.unwrap().to_string(),
            format!(
                "this component imports what koppel does not offer: koppel:loket/{interface}@0.1.0#{function}"
            )
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_confirms_through_the_same_five_checks() {
    let chain = Chain::start().await;
    let id = chain.created(TAX, 1).await;
    let patch = "PatchPayrollTaxReturnsByPayrollTaxReturnIds";
    for (client, user, check, reason) in [
        // The connector has no such activity, whoever uses its name.
        (
            "loonaangifte",
            ANNA,
            "Client",
            format!("client \"loonaangifte\" was not granted {patch}"),
        ),
        (
            DESK,
            "tim",
            "User",
            format!("user \"tim\" has no right that gives {patch}"),
        ),
        (
            DESK,
            "rik",
            "Role",
            format!("role \"reader\" has no right that gives {patch}"),
        ),
        (
            DESK,
            "els",
            "Entity",
            "user \"els\" belongs to another provider".to_owned(),
        ),
    ] {
        let desk = chain.host.host.desk(client, user, TAX.entity(id)).await;
        let desk = desk.unwrap().unwrap();
        let refused = denied(desk.confirm(TAX, id).await);
        assert_eq!(refused, (format!("Check::{check}"), reason));
    }
    assert_eq!(chain.show(TAX, id).await.status_text, "created");
    assert_eq!(chain.host.denials().await.len(), 4);
    chain.confirm(TAX, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_is_off_denies_every_step() {
    let chain = Chain::start().await;
    for kind in [TAX, UPA] {
        let module = match kind {
            DeclarationKind::PayrollTaxReturn => "payroll-tax-return",
            DeclarationKind::UpaPensionDeclaration => "upa",
        };
        let reason = format!("module \"{module}\" is off for this employer and for its provider");
        // The other provider has neither module.
        let id = chain.host.requested(kind, 4, 1).await;
        for job in [
            Job::CreateDeclaration(id),
            Job::SubmitDeclaration(id),
            Job::PollDeclaration(id),
        ] {
            let report = chain.host.run(super::client(kind), "els", 4, job).await;
            let text = error(report);
            assert!(
                text.starts_with("denied by check module: ") && text.contains(&reason),
                "{text}"
            );
            assert!(
                text.ends_with(&format!(
                    "[modules.employer] \"{employer}\" = [\"{module}\"]; or at run time: koppel modules on {module} --employer {employer} --user <provider user>",
                    employer = employer(4)
                )),
                "{text}"
            );
        }
        let desk = chain.desk("els", kind, id).await;
        assert_eq!(
            denied(desk.confirm(kind, id).await),
            ("Check::Module".to_owned(), reason.clone())
        );
        assert_eq!(
            denied(desk.list(kind, seed::payroll_administration_id(4)).await),
            ("Check::Module".to_owned(), reason)
        );
    }
    assert_eq!(chain.gateway.deliveries(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_confirms_need_not_be_who_sends() {
    let chain = Chain::start().await;
    let id = chain.created(TAX, 1).await;
    chain.confirm(TAX, id).await;
    // A right that has everything but sending.
    let send = "PostSendPayrollTaxReturnByPayrollTaxReturnId";
    let base = format!("http://party.test:{}", chain.gateway.port);
    let clients = super::clients(&base, "allow-private-addresses = true");
    let text = configuration(&clients);
    let (head, tail) = text.split_once("[roles]").unwrap();
    let head = head.replacen(&format!("\"{send}\", "), "", 1);
    chain
        .host
        .write_configuration(&format!("{head}[roles]{tail}"));
    chain.host.host.live().reload();
    let text = error(chain.submit(TAX, id).await);
    assert!(
        text.starts_with(&format!(
            "denied by check user: {send}: user \"anna\" has no right that gives {send}\n"
        )),
        "{text}"
    );
    assert_eq!(chain.gateway.deliveries(), []);
    assert_eq!(chain.show(TAX, id).await.status_text, "confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_of_another_employer_or_kind_is_refused() {
    let chain = Chain::start().await;
    let other = chain.host.requested(TAX, 2, 1).await;
    let text = error(chain.run(TAX, Job::CreateDeclaration(other)).await);
    assert!(
        text.starts_with("denied by check entity: PostInitiatePayrollTaxReturnByPayrollAdministrationId: it belongs to another employer"),
        "{text}"
    );
    let upa = chain.host.requested(UPA, 1, 1).await;
    let text = error(chain.run(TAX, Job::CreateDeclaration(upa)).await);
    assert!(
        text.starts_with("denied by check client: PostInitiateUpaPensionDeclarationByPayrollAdministrationId: client \"loonaangifte\" was not granted "),
        "{text}"
    );
    let nowhere = seed::employer_id(1);
    assert_eq!(
        error(chain.run(TAX, Job::CreateDeclaration(nowhere)).await),
        format!("there is no declaration {nowhere}")
    );
    // Only those who may learn that it does not exist.
    let report = chain
        .host
        .run("loonaangifte", "tim", 1, Job::CreateDeclaration(nowhere))
        .await;
    assert!(error(report).starts_with("denied by check user: "));
}
