//! The people and declarations that a test gives to a mock host.

use super::{ADMINISTRATION, EMPLOYER, MockHost};
use crate::types::*;

fn period(year: u32, number: u32, start: &str, end: &str) -> PayrollPeriod {
    PayrollPeriod {
        year,
        period_number: number,
        period_start_date: start.to_owned(),
        period_end_date: end.to_owned(),
    }
}

fn asked_for() -> DeclarationEvent {
    DeclarationEvent {
        time: "2022-02-01T09:00:00Z".to_owned(),
        user: "anna".to_owned(),
    }
}

/// What tests put in.
impl MockHost {
    /// Gives the payroll administration this number of the tax administration.
    pub fn payroll_tax_number(&mut self, number: &str) {
        for administration in &mut self.payroll_administrations {
            administration.payroll_tax_number = Some(number.to_owned());
        }
    }

    /// Adds an employee, with a citizen service number and an ordinary
    /// employment from 2015 on, and returns the id of the employment.
    pub fn employee(&mut self, last_name: &str, citizen_service_number: Option<&str>) -> String {
        let number = self.employees.len() as u32 + 1;
        let employee = Employee {
            id: format!("00000000-0000-4000-8000-0000000003{number:02}"),
            employee_number: number,
            initials: Some("S.L.".to_owned()),
            prefix: Some("van".to_owned()),
            last_name: last_name.to_owned(),
            date_of_birth: Some("1980-05-17".to_owned()),
            gender: Gender::Female,
            address: Some(Address {
                street: Some("Voordijk".to_owned()),
                house_number: Some(12),
                house_number_addition: Some("D".to_owned()),
                postal_code: Some("1234 AA".to_owned()),
                city: Some("Leiden".to_owned()),
                country: Some("NL".to_owned()),
            }),
        };
        let id = format!("00000000-0000-4000-8000-0000000004{number:02}");
        self.employments.push(Employment {
            id: id.clone(),
            employee_id: employee.id.clone(),
            payroll_administration_id: ADMINISTRATION.to_owned(),
            payroll_employee_number: number,
            income_relationship_number: 1,
            start_date: "2015-01-01".to_owned(),
            end_date: None,
            income_period: Some(IncomePeriod {
                income_relationship_type: "15".to_owned(),
                employment_nature: Some(1),
                wage_tax_table: "012".to_owned(),
                wage_tax_credit: true,
                insured_wao: true,
                insured_ww: true,
                insured_zw: true,
                healthcare_insurance: "K".to_owned(),
                indefinite: Some(true),
                written: Some(true),
                on_call: Some(false),
                collective_agreement: None,
            }),
        });
        let citizen_service_number = citizen_service_number.map(ToOwned::to_owned);
        self.employees.push((employee, citizen_service_number));
        id
    }

    /// Changes an employee that was added.
    pub fn change_employee(&mut self, number: u32, change: impl FnOnce(&mut Employee)) {
        let found = self
            .employees
            .iter_mut()
            .find(|(employee, _)| employee.employee_number == number);
        if let Some((employee, _)) = found {
            change(employee);
        }
    }

    /// Gives an employee that was added another citizen service number.
    pub fn citizen_service_number(&mut self, number: u32, digits: Option<&str>) {
        let found = self
            .employees
            .iter_mut()
            .find(|(employee, _)| employee.employee_number == number);
        if let Some((_, known)) = found {
            *known = digits.map(ToOwned::to_owned);
        }
    }

    /// Changes an employment that was added.
    pub fn change_employment(&mut self, id: &str, change: impl FnOnce(&mut Employment)) {
        if let Some(employment) = self.employments.iter_mut().find(|e| e.id == id) {
            change(employment);
        }
    }

    /// Adds an approved payroll run of a month of 2022 with these results:
    /// employment, key of the component, and value in cents.
    pub fn payroll_run(&mut self, month: u32, results: &[(&str, u32, i64)]) -> String {
        let number = self.payroll_runs.len() as u32 + 1;
        let id = format!("00000000-0000-4000-8000-0000000005{number:02}");
        let (start, end) = days(month);
        let run = PayrollRun {
            id: id.clone(),
            payroll_administration_id: ADMINISTRATION.to_owned(),
            payroll_period: period(2022, month, &start, &end),
            status: KeyValue {
                key: 9,
                value: "Verloning goedgekeurd".to_owned(),
            },
            sequence_number: number,
            approval_time: Some(format!("{end}T09:30:00Z")),
        };
        let result = |(employment, key, value): &(&str, u32, i64)| PayrollRunResult {
            employment_id: (*employment).to_owned(),
            payroll_component: KeyValue {
                key: *key,
                value: format!("component {key}"),
            },
            column: KeyValue {
                key: 20,
                value: "Aangifte".to_owned(),
            },
            value: *value,
        };
        let results = results.iter().map(result).collect();
        self.payroll_runs.insert(id.clone(), (run, results));
        id
    }

    /// Adds a payroll tax return of a month of 2022 at this status and returns
    /// its id. With `corrects`, it is a correction of that one, asked for in
    /// the same year or, with `prior_year`, a later one.
    pub fn payroll_tax_return(
        &mut self,
        month: u32,
        status: DeclarationStatus,
        corrects: Option<&str>,
        prior_year: bool,
    ) -> String {
        let number = self.payroll_tax_returns.len() as u32 + 1;
        let id = format!("00000000-0000-4000-8000-0000000006{number:02}");
        let (start, end) = days(month);
        let declaration = PayrollTaxReturn {
            id: id.clone(),
            payroll_administration_id: ADMINISTRATION.to_owned(),
            payroll_period: period(2022, month, &start, &end),
            sequence_number: number,
            status,
            wage_tax_number: self.payroll_administrations[0].payroll_tax_number.clone(),
            withholding_party: self.employers[EMPLOYER].company_name.clone(),
            corrects_payroll_tax_return_id: corrects.map(ToOwned::to_owned),
            is_correction_message_prior_year: prior_year,
            message_reference: None,
            message_sha256: None,
            message_creation_time: None,
            failure: None,
            requested: asked_for(),
            approved: None,
            cancelled: None,
            send_time: None,
            response_messages: Vec::new(),
        };
        self.payroll_tax_returns
            .insert(id.clone(), (declaration, Vec::new()));
        id
    }

    /// Adds a pension declaration of a month of 2022 at this status and
    /// returns its id.
    pub fn upa_pension_declaration(
        &mut self,
        month: u32,
        status: DeclarationStatus,
        corrects: Option<&str>,
    ) -> String {
        let number = self.upa_pension_declarations.len() as u32 + 1;
        let id = format!("00000000-0000-4000-8000-0000000007{number:02}");
        let (start, end) = days(month);
        let declaration = UpaPensionDeclaration {
            id: id.clone(),
            payroll_administration_id: ADMINISTRATION.to_owned(),
            payroll_period: period(2022, month, &start, &end),
            sequence_number: number,
            status,
            payroll_taxes_number: self.payroll_administrations[0].payroll_tax_number.clone(),
            withholding_agent_name: self.employers[EMPLOYER].company_name.clone(),
            corrects_upa_pension_declaration_id: corrects.map(ToOwned::to_owned),
            message_reference: None,
            message_sha256: None,
            creation_time: None,
            failure: None,
            requested: asked_for(),
            approved: None,
            cancelled: None,
            sent_time: None,
            response_messages: Vec::new(),
        };
        self.upa_pension_declarations
            .insert(id.clone(), (declaration, Vec::new()));
        id
    }

    /// Gives a declaration of either kind this message.
    pub fn declaration_message(&mut self, id: &str, reference: &str, message: &[u8]) {
        if let Some((declaration, bytes)) = self.payroll_tax_returns.get_mut(id) {
            declaration.message_reference = Some(reference.to_owned());
            *bytes = message.to_owned();
        }
        if let Some((declaration, bytes)) = self.upa_pension_declarations.get_mut(id) {
            declaration.message_reference = Some(reference.to_owned());
            *bytes = message.to_owned();
        }
    }

    /// The responses that were stored to a payroll tax return.
    pub fn payroll_tax_return_responses(&self, id: &str) -> &[PayrollTaxReturnResponse] {
        self.payroll_tax_returns
            .get(id)
            .map_or(&[], |(declaration, _)| &declaration.response_messages)
    }

    /// The responses that were stored to a pension declaration.
    pub fn upa_responses(&self, id: &str) -> &[UpaResponse] {
        self.upa_pension_declarations
            .get(id)
            .map_or(&[], |(declaration, _)| &declaration.response_messages)
    }
}

/// The first and the last day of a month of 2022.
fn days(month: u32) -> (String, String) {
    let last = match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (
        format!("2022-{month:02}-01"),
        format!("2022-{month:02}-{last}"),
    )
}
