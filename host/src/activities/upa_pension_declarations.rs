//! `koppel:loket/upa-pension-declarations`.

use super::{Domain, declarations, id};
use crate::bindings::koppel::loket::types::{DeclarationRequest, PageRequest};
use crate::bindings::koppel::loket::upa_pension_declarations::ResponseMessage;
use crate::catalogue::id as activity;
use crate::platform::{DeclarationKind, Entity};

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetUpaPensionDeclarationsByPayrollAdministrationId,
        |(administration, _): &(String, PageRequest)| {
            let administration = id("payrollAdministrationId", administration)?;
            Ok(Some(Entity::PayrollAdministration(administration)))
        },
        |call, (administration, page): (String, PageRequest)| async move {
            let administration = id("payrollAdministrationId", &administration)?;
            Ok(call
                .platform()
                .upa_pension_declarations(administration, &page)
                .await?)
        },
    )?;
    domain.record(
        activity::GetUpaPensionDeclarationByUpaPensionDeclarationId,
        |(of,): &(String,)| {
            let of = id("upaPensionDeclarationId", of)?;
            Ok(Some(Entity::UpaPensionDeclaration(of)))
        },
        |call, (of,): (String,)| async move {
            let of = id("upaPensionDeclarationId", &of)?;
            Ok(call.platform().upa_pension_declaration(of).await?)
        },
    )?;
    domain.activity(
        activity::GetMessageByUpaPensionDeclarationId,
        |(of,): &(String,)| {
            let of = id("upaPensionDeclarationId", of)?;
            Ok(Some(Entity::UpaPensionDeclaration(of)))
        },
        |call, (of,): (String,)| async move {
            let of = id("upaPensionDeclarationId", &of)?;
            Ok(call.platform().upa_pension_declaration_message(of).await?)
        },
    )?;
    domain.activity(
        activity::PostInitiateUpaPensionDeclarationByPayrollAdministrationId,
        |(administration, _): &(String, DeclarationRequest)| {
            let administration = id("payrollAdministrationId", administration)?;
            Ok(Some(Entity::PayrollAdministration(administration)))
        },
        |call, (administration, request): (String, DeclarationRequest)| async move {
            let administration = id("payrollAdministrationId", &administration)?;
            let what = declarations::request(&request)?;
            call.record_write(
                activity::PostInitiateUpaPensionDeclarationByPayrollAdministrationId,
                format!("ask for a pension declaration of {administration}: {what}"),
            )
            .await?;
            let (platform, user) = (call.platform(), &call.session.user);
            Ok(platform
                .initiate_upa_pension_declaration(administration, &request, user)
                .await?)
        },
    )?;
    domain.activity(
        activity::PostSendResponseMessageByUpaPensionDeclarationId,
        |(of, _, _): &(String, ResponseMessage, Vec<u8>)| {
            let of = id("upaPensionDeclarationId", of)?;
            Ok(Some(Entity::UpaPensionDeclaration(of)))
        },
        |call, (of, response, file): (String, ResponseMessage, Vec<u8>)| async move {
            let of = id("upaPensionDeclarationId", &of)?;
            declarations::response(
                &response.reference,
                &response.date_of_receipt,
                response.lines.iter().map(|line| line.description.as_str()),
                &file,
            )?;
            declarations::sent_elsewhere(
                &call,
                activity::PostSendResponseMessageByUpaPensionDeclarationId,
                DeclarationKind::UpaPensionDeclaration,
                of,
                &response.reference,
            )
            .await?;
            call.record_write(
                activity::PostSendResponseMessageByUpaPensionDeclarationId,
                format!(
                    "store response message {} to pension declaration {of}",
                    response.reference
                ),
            )
            .await?;
            Ok(call
                .platform()
                .add_upa_pension_declaration_response(of, &response, &file)
                .await?)
        },
    )
}
