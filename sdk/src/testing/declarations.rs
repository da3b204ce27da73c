//! What the mock host answers to activities on people and declarations.

use super::MockHost;
use super::activities::{not_found, page_as};
use crate::types::*;

fn has_no_message(message: &[u8]) -> Result<Vec<u8>, ActivityError> {
    if message.is_empty() {
        return Err(ActivityError::Conflict(
            "the declaration has no message".to_owned(),
        ));
    }
    Ok(message.to_owned())
}

fn must_be_sent(status: DeclarationStatus) -> Result<(), ActivityError> {
    if status == DeclarationStatus::Sent {
        return Ok(());
    }
    Err(ActivityError::Conflict(
        "the declaration was not sent".to_owned(),
    ))
}

/// The month that a request is about: of 2022, like everything of the mock.
fn month(
    request: &DeclarationRequest,
    corrected: impl Fn(&str) -> Option<u32>,
) -> Result<(u32, Option<&str>), ActivityError> {
    match request {
        DeclarationRequest::Period(period) => Ok((period.period_number, None)),
        DeclarationRequest::CorrectionOf(of) => {
            Ok((corrected(of).ok_or_else(|| not_found(of))?, Some(of)))
        }
    }
}

/// The activities, by the names that [`crate::activities`] calls.
impl MockHost {
    pub(crate) fn get_employees_by_employer_id(
        &self,
        employer: &str,
        request: &PageRequest,
    ) -> Result<EmployeePage, ActivityError> {
        self.get_employer_by_employer_id(employer)?;
        let all: Vec<_> = self.employees.iter().map(|(e, _)| e.clone()).collect();
        page_as!(EmployeePage, &all, request)
    }

    pub(crate) fn get_citizen_service_number_by_employee_id(
        &self,
        id: &str,
    ) -> Result<Option<String>, ActivityError> {
        let found = self
            .employees
            .iter()
            .find(|(employee, _)| employee.id == id);
        found
            .map(|(_, number)| number.clone())
            .ok_or_else(|| not_found(id))
    }

    pub(crate) fn get_employments_by_employer_id(
        &self,
        employer: &str,
        request: &PageRequest,
    ) -> Result<EmploymentPage, ActivityError> {
        self.get_employer_by_employer_id(employer)?;
        page_as!(EmploymentPage, &self.employments, request)
    }

    pub(crate) fn get_payroll_tax_returns_by_payroll_administration_id(
        &self,
        administration: &str,
        request: &PageRequest,
    ) -> Result<PayrollTaxReturnPage, ActivityError> {
        let all: Vec<_> = self
            .payroll_tax_returns
            .values()
            .rev()
            .map(|(declaration, _)| declaration.clone())
            .filter(|declaration| declaration.payroll_administration_id == administration)
            .collect();
        page_as!(PayrollTaxReturnPage, &all, request)
    }

    pub(crate) fn get_payroll_tax_return_by_payroll_tax_return_id(
        &self,
        id: &str,
    ) -> Result<PayrollTaxReturn, ActivityError> {
        let found = self.payroll_tax_returns.get(id);
        found
            .map(|(declaration, _)| declaration.clone())
            .ok_or_else(|| not_found(id))
    }

    pub(crate) fn get_message_by_payroll_tax_return_id(
        &self,
        id: &str,
    ) -> Result<Vec<u8>, ActivityError> {
        let found = self.payroll_tax_returns.get(id);
        let (_, message) = found.ok_or_else(|| not_found(id))?;
        has_no_message(message)
    }

    pub(crate) fn post_initiate_payroll_tax_return_by_payroll_administration_id(
        &mut self,
        _administration: &str,
        request: &DeclarationRequest,
    ) -> Result<PayrollTaxReturn, ActivityError> {
        let (month, corrects) = month(request, |of| {
            let found = self.payroll_tax_returns.get(of);
            found.map(|(declaration, _)| declaration.payroll_period.period_number)
        })?;
        let id = self.payroll_tax_return(month, DeclarationStatus::Requested, corrects, false);
        self.get_payroll_tax_return_by_payroll_tax_return_id(&id)
    }

    pub(crate) fn post_send_response_message_by_payroll_tax_return_id(
        &mut self,
        id: &str,
        response: &PayrollTaxReturnResponse,
        _file: &[u8],
    ) -> Result<PayrollTaxReturn, ActivityError> {
        let found = self.payroll_tax_returns.get_mut(id);
        let (declaration, _) = found.ok_or_else(|| not_found(id))?;
        must_be_sent(declaration.status)?;
        let known = &mut declaration.response_messages;
        if known.iter().all(|r| r.reference != response.reference) {
            known.push(response.clone());
        }
        Ok(declaration.clone())
    }

    pub(crate) fn get_upa_pension_declarations_by_payroll_administration_id(
        &self,
        administration: &str,
        request: &PageRequest,
    ) -> Result<UpaPensionDeclarationPage, ActivityError> {
        let all: Vec<_> = self
            .upa_pension_declarations
            .values()
            .rev()
            .map(|(declaration, _)| declaration.clone())
            .filter(|declaration| declaration.payroll_administration_id == administration)
            .collect();
        page_as!(UpaPensionDeclarationPage, &all, request)
    }

    pub(crate) fn get_upa_pension_declaration_by_upa_pension_declaration_id(
        &self,
        id: &str,
    ) -> Result<UpaPensionDeclaration, ActivityError> {
        let found = self.upa_pension_declarations.get(id);
        found
            .map(|(declaration, _)| declaration.clone())
            .ok_or_else(|| not_found(id))
    }

    pub(crate) fn get_message_by_upa_pension_declaration_id(
        &self,
        id: &str,
    ) -> Result<Vec<u8>, ActivityError> {
        let found = self.upa_pension_declarations.get(id);
        let (_, message) = found.ok_or_else(|| not_found(id))?;
        has_no_message(message)
    }

    pub(crate) fn post_initiate_upa_pension_declaration_by_payroll_administration_id(
        &mut self,
        _administration: &str,
        request: &DeclarationRequest,
    ) -> Result<UpaPensionDeclaration, ActivityError> {
        let (month, corrects) = month(request, |of| {
            let found = self.upa_pension_declarations.get(of);
            found.map(|(declaration, _)| declaration.payroll_period.period_number)
        })?;
        let id = self.upa_pension_declaration(month, DeclarationStatus::Requested, corrects);
        self.get_upa_pension_declaration_by_upa_pension_declaration_id(&id)
    }

    pub(crate) fn post_send_response_message_by_upa_pension_declaration_id(
        &mut self,
        id: &str,
        response: &UpaResponse,
        _file: &[u8],
    ) -> Result<UpaPensionDeclaration, ActivityError> {
        let found = self.upa_pension_declarations.get_mut(id);
        let (declaration, _) = found.ok_or_else(|| not_found(id))?;
        must_be_sent(declaration.status)?;
        let known = &mut declaration.response_messages;
        if known.iter().all(|r| r.reference != response.reference) {
            known.push(response.clone());
        }
        Ok(declaration.clone())
    }
}
