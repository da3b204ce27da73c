//! `koppel:loket/payroll-tax-returns`.

use super::{Domain, declarations, id};
use crate::bindings::koppel::loket::payroll_tax_returns::ResponseMessage;
use crate::bindings::koppel::loket::types::{DeclarationRequest, PageRequest};
use crate::catalogue::id as activity;
use crate::platform::{DeclarationKind, Entity};

pub(super) fn link(domain: &mut Domain<'_>) -> wasmtime::Result<()> {
    domain.activity(
        activity::GetPayrollTaxReturnsByPayrollAdministrationId,
        |(administration, _): &(String, PageRequest)| {
            let administration = id("payrollAdministrationId", administration)?;
            Ok(Some(Entity::PayrollAdministration(administration)))
        },
        |call, (administration, page): (String, PageRequest)| async move {
            let administration = id("payrollAdministrationId", &administration)?;
            let platform = call.platform();
            Ok(platform.payroll_tax_returns(administration, &page).await?)
        },
    )?;
    domain.record(
        activity::GetPayrollTaxReturnByPayrollTaxReturnId,
        |(of,): &(String,)| {
            Ok(Some(Entity::PayrollTaxReturn(id(
                "payrolltaxreturnId",
                of,
            )?)))
        },
        |call, (of,): (String,)| async move {
            let of = id("payrolltaxreturnId", &of)?;
            Ok(call.platform().payroll_tax_return(of).await?)
        },
    )?;
    domain.activity(
        activity::GetMessageByPayrollTaxReturnId,
        |(of,): &(String,)| {
            Ok(Some(Entity::PayrollTaxReturn(id(
                "payrolltaxreturnId",
                of,
            )?)))
        },
        |call, (of,): (String,)| async move {
            let of = id("payrolltaxreturnId", &of)?;
            Ok(call.platform().payroll_tax_return_message(of).await?)
        },
    )?;
    domain.activity(
        activity::PostInitiatePayrollTaxReturnByPayrollAdministrationId,
        |(administration, _): &(String, DeclarationRequest)| {
            let administration = id("payrollAdministrationId", administration)?;
            Ok(Some(Entity::PayrollAdministration(administration)))
        },
        |call, (administration, request): (String, DeclarationRequest)| async move {
            let administration = id("payrollAdministrationId", &administration)?;
            let what = declarations::request(&request)?;
            call.record_write(
                activity::PostInitiatePayrollTaxReturnByPayrollAdministrationId,
                format!("ask for a payroll tax return of {administration}: {what}"),
            )
            .await?;
            let (platform, user) = (call.platform(), &call.session.user);
            Ok(platform
                .initiate_payroll_tax_return(administration, &request, user)
                .await?)
        },
    )?;
    domain.activity(
        activity::PostSendResponseMessageByPayrollTaxReturnId,
        |(of, _, _): &(String, ResponseMessage, Vec<u8>)| {
            Ok(Some(Entity::PayrollTaxReturn(id(
                "payrolltaxreturnId",
                of,
            )?)))
        },
        |call, (of, response, file): (String, ResponseMessage, Vec<u8>)| async move {
            let of = id("payrolltaxreturnId", &of)?;
            declarations::response(
                &response.reference,
                &response.date_of_receipt,
                [response.description.as_str()].into_iter(),
                &file,
            )?;
            declarations::sent_elsewhere(
                &call,
                activity::PostSendResponseMessageByPayrollTaxReturnId,
                DeclarationKind::PayrollTaxReturn,
                of,
                &response.reference,
            )
            .await?;
            call.record_write(
                activity::PostSendResponseMessageByPayrollTaxReturnId,
                format!(
                    "store response message {} to payroll tax return {of}",
                    response.reference
                ),
            )
            .await?;
            Ok(call
                .platform()
                .add_payroll_tax_return_response(of, &response, &file)
                .await?)
        },
    )
}
