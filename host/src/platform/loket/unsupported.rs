//! What koppel has of its own, and not from another platform.
//!
//! Declarations are made, confirmed and sent by koppel; Loket's API has no
//! operations for most of these steps.

use super::Loket;
use crate::bindings::koppel::loket::employees::EmployeePage;
use crate::bindings::koppel::loket::employments::EmploymentPage;
use crate::bindings::koppel::loket::insurance::{
    AchmeaInsuranceContractPage, InsuredWagePercentagePage,
};
use crate::bindings::koppel::loket::payroll_tax_returns::{
    PayrollTaxReturn, PayrollTaxReturnPage, ResponseMessage as PayrollTaxReturnResponse,
};
use crate::bindings::koppel::loket::trade_register::CompanyInformation;
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationRequest, PageRequest};
use crate::bindings::koppel::loket::upa_pension_declarations::{
    ResponseMessage as UpaPensionDeclarationResponse, UpaPensionDeclaration,
    UpaPensionDeclarationPage,
};
use crate::platform::{
    Claim, DeclarationKind, Declarations, Employees, Employments, Frozen, Insurance, Modules,
    PayrollTaxReturns, TradeRegister, UpaPensionDeclarations,
};
use async_trait::async_trait;
use uuid::Uuid;

/// The error of everything here.
pub(super) fn unsupported<T>(what: &str) -> Result<T, ActivityError> {
    Err(ActivityError::Other(format!(
        "{what} are not available from another platform ([platform] source = \"loket\")"
    )))
}

const INSURANCE: &str = "insurance contracts";
const TAX: &str = "payroll tax returns";
const UPA: &str = "pension declarations";
const DECLARATIONS: &str = "declarations";

/// None are turned at run time; those of the configuration hold.
#[async_trait]
impl Modules for Loket {}

#[async_trait]
impl Insurance for Loket {
    async fn achmea_insurance_contracts(
        &self,
        _: Uuid,
        _: &PageRequest,
    ) -> Result<AchmeaInsuranceContractPage, ActivityError> {
        unsupported(INSURANCE)
    }

    async fn insured_wage_percentages(
        &self,
        _: Uuid,
        _: &PageRequest,
    ) -> Result<InsuredWagePercentagePage, ActivityError> {
        unsupported(INSURANCE)
    }
}

#[async_trait]
impl TradeRegister for Loket {
    async fn company_information(&self, _: &str) -> Result<CompanyInformation, ActivityError> {
        unsupported("companies of the trade register")
    }
}

#[async_trait]
impl Employees for Loket {
    async fn employees(&self, _: Uuid, _: &PageRequest) -> Result<EmployeePage, ActivityError> {
        unsupported("employees")
    }

    async fn citizen_service_number(&self, _: Uuid) -> Result<Option<String>, ActivityError> {
        unsupported("citizen service numbers")
    }
}

#[async_trait]
impl Employments for Loket {
    async fn employments(&self, _: Uuid, _: &PageRequest) -> Result<EmploymentPage, ActivityError> {
        unsupported("employments")
    }
}

#[async_trait]
impl PayrollTaxReturns for Loket {
    async fn payroll_tax_returns(
        &self,
        _: Uuid,
        _: &PageRequest,
    ) -> Result<PayrollTaxReturnPage, ActivityError> {
        unsupported(TAX)
    }

    async fn payroll_tax_return(&self, _: Uuid) -> Result<PayrollTaxReturn, ActivityError> {
        unsupported(TAX)
    }

    async fn payroll_tax_return_message(&self, _: Uuid) -> Result<Vec<u8>, ActivityError> {
        unsupported(TAX)
    }

    async fn initiate_payroll_tax_return(
        &self,
        _: Uuid,
        _: &DeclarationRequest,
        _: &str,
    ) -> Result<PayrollTaxReturn, ActivityError> {
        unsupported(TAX)
    }

    async fn add_payroll_tax_return_response(
        &self,
        _: Uuid,
        _: &PayrollTaxReturnResponse,
        _: &[u8],
    ) -> Result<PayrollTaxReturn, ActivityError> {
        unsupported(TAX)
    }
}

#[async_trait]
impl UpaPensionDeclarations for Loket {
    async fn upa_pension_declarations(
        &self,
        _: Uuid,
        _: &PageRequest,
    ) -> Result<UpaPensionDeclarationPage, ActivityError> {
        unsupported(UPA)
    }

    async fn upa_pension_declaration(
        &self,
        _: Uuid,
    ) -> Result<UpaPensionDeclaration, ActivityError> {
        unsupported(UPA)
    }

    async fn upa_pension_declaration_message(&self, _: Uuid) -> Result<Vec<u8>, ActivityError> {
        unsupported(UPA)
    }

    async fn initiate_upa_pension_declaration(
        &self,
        _: Uuid,
        _: &DeclarationRequest,
        _: &str,
    ) -> Result<UpaPensionDeclaration, ActivityError> {
        unsupported(UPA)
    }

    async fn add_upa_pension_declaration_response(
        &self,
        _: Uuid,
        _: &UpaPensionDeclarationResponse,
        _: &[u8],
    ) -> Result<UpaPensionDeclaration, ActivityError> {
        unsupported(UPA)
    }
}

#[async_trait]
impl Declarations for Loket {
    async fn declaration_kind(&self, _: Uuid) -> Result<Option<DeclarationKind>, ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn store_message(&self, _: Uuid, _: &str, _: &[u8]) -> Result<String, ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn fail_declaration(&self, _: Uuid, _: &str) -> Result<(), ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn awaits_message(&self, _: Uuid) -> Result<(), ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn confirm_declaration(&self, _: Uuid, _: &str) -> Result<String, ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn cancel_declaration(&self, _: Uuid, _: &str) -> Result<(), ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn claim_declaration(&self, _: Uuid, _: Claim) -> Result<Frozen, ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn release_declaration(&self, _: Uuid, _: Uuid, _: bool) -> Result<(), ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn mark_declaration_sent(&self, _: Uuid, _: Uuid, _: &str) -> Result<(), ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn response_count(&self, _: Uuid) -> Result<u64, ActivityError> {
        unsupported(DECLARATIONS)
    }

    async fn response_file(&self, _: Uuid, _: &str) -> Result<Vec<u8>, ActivityError> {
        unsupported(DECLARATIONS)
    }
}
