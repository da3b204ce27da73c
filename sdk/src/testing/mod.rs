//! A mock host: test a connector with plain `cargo test`.
//!
//! The mock answers activities from what it was given, replies to requests
//! from a list, and keeps what the connector did. It checks no grants; use
//! [`MockHost::deny`] to see how a connector takes a denial.

mod activities;
mod declarations;
mod given;

use crate::bindings::koppel::connector::log::Level;
use crate::bindings::koppel::connector::types::RunContext;
use crate::connector::{
    self, Cancellation, Confirmation, Connector, ConnectorError, DeclarationConnector,
    JournalConnector, LookupConnector, Message, Outcome, ProductConnector, Quotation, Submission,
};
use crate::exports::{ExportError, Receipt};
use crate::http::{HttpErrorKind, Request};
use crate::types::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

thread_local! {
    static HOST: RefCell<Option<MockHost>> = const { RefCell::new(None) };
}

type Reply = (u16, Vec<(String, String)>, Vec<u8>);

/// A host that exists in the thread of a test.
#[derive(Clone, Debug, Default)]
pub struct MockHost {
    employers: BTreeMap<String, Employer>,
    payroll_administrations: Vec<PayrollAdministration>,
    payroll_runs: BTreeMap<String, (PayrollRun, Vec<PayrollRunResult>)>,
    journal_runs: BTreeMap<String, (JournalRun, Vec<JournalLine>, Vec<JournalRunError>)>,
    audit_trail: Vec<(String, ExportAuditRecord)>,
    vehicles: BTreeMap<String, AdditionalTaxLiability>,
    employees: Vec<(Employee, Option<String>)>,
    employments: Vec<Employment>,
    payroll_tax_returns: BTreeMap<String, (PayrollTaxReturn, Vec<u8>)>,
    upa_pension_declarations: BTreeMap<String, (UpaPensionDeclaration, Vec<u8>)>,
    companies: BTreeMap<String, CompanyInformation>,
    insurance_contracts: Vec<(AchmeaInsuranceContract, Vec<InsuredWagePercentage>)>,
    denied: BTreeSet<String>,
    replies: VecDeque<(String, String, Reply)>,
    requests: Vec<Request>,
    files: BTreeMap<String, Vec<u8>>,
    log: Vec<(Level, String)>,
    performed: Vec<&'static str>,
}

/// The employer that runs of the mock are for.
pub const EMPLOYER: &str = "00000000-0000-4000-8000-000000000001";

/// A payroll administration of that employer.
pub const ADMINISTRATION: &str = "00000000-0000-4000-8000-000000000002";

/// The run that connectors of the mock run in.
const RUN: &str = "00000000-0000-4000-8000-000000000003";

impl MockHost {
    /// A host with one employer and nothing else.
    pub fn new() -> Self {
        let mut host = Self::default();
        host.employers.insert(
            EMPLOYER.to_owned(),
            Employer {
                id: EMPLOYER.to_owned(),
                employer_number: 20_720,
                company_name: "Voorbeeld & Zn. B.V.".to_owned(),
                chamber_of_commerce_number: Some("18124676".to_owned()),
                street: Some("Voordijk".to_owned()),
                house_number: Some(12),
                postal_code: Some("1234AA".to_owned()),
                city: Some("Leiden".to_owned()),
                country: Some("NL".to_owned()),
            },
        );
        host.payroll_administrations.push(PayrollAdministration {
            id: ADMINISTRATION.to_owned(),
            name: "Voorbeeld".to_owned(),
            payroll_tax_number: None,
            employer_id: EMPLOYER.to_owned(),
        });
        host
    }

    /// Adds a journal run for January 2025 with these lines and returns its id.
    pub fn journal_run(&mut self, status: JournalRunStatus, lines: Vec<JournalLine>) -> String {
        let number = self.journal_runs.len() as u32 + 1;
        let id = format!("{number:08}-0000-4000-8000-000000000100");
        let run = JournalRun {
            id: id.clone(),
            payroll_administration_id: ADMINISTRATION.to_owned(),
            payroll_run_id: format!("00000000-0000-4000-8000-0000000002{number:02}"),
            payroll_period: PayrollPeriod {
                year: 2025,
                period_number: 1,
                period_start_date: "2025-01-01".to_owned(),
                period_end_date: "2025-01-31".to_owned(),
            },
            status,
            sequence_number: number,
            processing_finished_time: Some("2025-01-31T10:00:00Z".to_owned()),
        };
        self.journal_runs
            .insert(id.clone(), (run, lines, Vec::new()));
        id
    }

    /// Adds a company car with a value for tax purposes, in cents.
    pub fn vehicle(&mut self, license_plate_number: &str, cents: i64) {
        let car = AdditionalTaxLiability {
            license_plate_number: license_plate_number.to_owned(),
            additional_tax_liability_group: KeyValue {
                key: 1,
                value: "Standaard tarief (25% tot 2017)".to_owned(),
            },
            date_of_first_admission: "2013-01-04".to_owned(),
            value_for_tax_purposes: cents,
        };
        self.vehicles.insert(license_plate_number.to_owned(), car);
    }

    /// Adds a company to what the platform holds of the trade register.
    pub fn company(&mut self, company: CompanyInformation) {
        self.companies
            .insert(company.chamber_of_commerce_number.clone(), company);
    }

    /// Adds an absence insurance contract of Achmea from 2025 on, with the
    /// percentages of holiday allowance and year-end bonus, in hundredths of a
    /// percent.
    pub fn insurance_contract(&mut self, number: &str, holiday: u32, year_end: u32) {
        let count = self.insurance_contracts.len() + 1;
        let contract = AchmeaInsuranceContract {
            id: format!("00000000-0000-4000-8000-0000000003{count:02}"),
            contract_number: number.to_owned(),
            belongs_to_employer_id: EMPLOYER.to_owned(),
            start_date: "2025-01-01".to_owned(),
            end_date: None,
        };
        let percentage = InsuredWagePercentage {
            id: format!("00000000-0000-4000-8000-0000000004{count:02}"),
            start_date: "2025-01-01".to_owned(),
            end_date: None,
            holiday_allowance_percentage: holiday,
            year_end_percentage: year_end,
        };
        self.insurance_contracts.push((contract, vec![percentage]));
    }

    /// Denies an activity from now on.
    pub fn deny(&mut self, activity: &str) {
        self.denied.insert(activity.to_owned());
    }

    /// Denies an activity no more.
    pub fn allow(&mut self, activity: &str) {
        self.denied.remove(activity);
    }

    /// Replies once to a request with this method whose URL starts like this.
    /// Replies are used in the order in which they were given.
    pub fn reply(&mut self, method: &str, url: &str, status: u16, body: impl Into<Vec<u8>>) {
        self.reply_with(method, url, status, &[], body);
    }

    /// As [`MockHost::reply`], with headers.
    pub fn reply_with(
        &mut self,
        method: &str,
        url: &str,
        status: u16,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let reply = (status, headers.iter().map(own).collect(), body.into());
        self.replies
            .push_back((method.to_owned(), url.to_owned(), reply));
    }

    /// The requests that were made.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// The export files that were published, by name.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The log.
    pub fn log(&self) -> &[(Level, String)] {
        &self.log
    }

    /// The activities that were performed, in order.
    pub fn performed(&self) -> &[&'static str] {
        &self.performed
    }

    /// The status of a journal run.
    pub fn status(&self, journal_run: &str) -> Option<JournalRunStatus> {
        self.journal_runs
            .get(journal_run)
            .map(|(run, _, _)| run.status)
    }

    /// Runs a connector of kind journal on a journal run. As in the host, one
    /// that is ready or failed is being exported meanwhile, and ends as export
    /// failed if it was not marked as processed, or where it was after
    /// `unavailable`. Unlike the host, this calls the connector at any status.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn process<C: JournalConnector>(
        &mut self,
        settings: &str,
        journal_run: &str,
    ) -> Result<Outcome, ConnectorError> {
        use JournalRunStatus::{BeingExported, ExportFailed, Ready};
        let context = run_context(settings);
        let before = self.status(journal_run);
        if matches!(before, Some(Ready | ExportFailed)) {
            self.change_status(journal_run, BeingExported, None, None);
        }
        let answer =
            self.during(|| connector::process_journal_run::<C>(context, journal_run.to_owned()));
        if let Some(before) = before
            && self.status(journal_run) == Some(BeingExported)
        {
            let (status, why) = match &answer {
                Err(ConnectorError::Unavailable(_)) => (before, "not available now".to_owned()),
                other => (ExportFailed, format!("{other:?}")),
            };
            self.change_status(journal_run, status, None, Some(why));
        }
        answer
    }

    /// Changes the status of a journal run, and notes it in its audit trail.
    fn change_status(
        &mut self,
        journal_run: &str,
        status: JournalRunStatus,
        reference: Option<String>,
        error: Option<String>,
    ) {
        if let Some((run, _, _)) = self.journal_runs.get_mut(journal_run) {
            run.status = status;
        }
        let of = |(run, _): &&(String, ExportAuditRecord)| run == journal_run;
        let number = self.audit_trail.iter().filter(of).count() as u32 + 1;
        let record = ExportAuditRecord {
            id: format!("00000000-0000-4000-8000-0000000003{number:02}"),
            sequence_number: number,
            export_status: status,
            exported_by: "user".to_owned(),
            exported_on: "2025-01-31T10:00:00Z".to_owned(),
            exported_to: "client".to_owned(),
            method_of_exporting: None,
            run_id: RUN.to_owned(),
            reference,
            returned_error_message: error,
        };
        self.audit_trail.push((journal_run.to_owned(), record));
    }

    /// Runs a connector of kind lookup on a query in JSON.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn lookup<C: LookupConnector>(
        &mut self,
        settings: &str,
        query: &str,
    ) -> Result<serde_json::Value, ConnectorError> {
        let context = run_context(settings);
        let answer = self.during(|| connector::lookup::<C>(context, query.to_owned()))?;
        serde_json::from_str(&answer).map_err(|error| ConnectorError::Other(error.to_string()))
    }

    /// Has a connector of kind product ask a price, from a request in JSON.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn quote<C: ProductConnector>(
        &mut self,
        settings: &str,
        request: &str,
    ) -> Result<Quotation, ConnectorError> {
        let context = run_context(settings);
        self.during(|| connector::quote::<C>(context, request.to_owned()))
    }

    /// Has a connector of kind product place an order, from a request in JSON.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn order<C: ProductConnector>(
        &mut self,
        settings: &str,
        order_id: &str,
        request: &str,
    ) -> Result<Confirmation, ConnectorError> {
        let context = run_context(settings);
        self.during(|| connector::order::<C>(context, order_id.to_owned(), request.to_owned()))
    }

    /// Has a connector of kind product cancel an order.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn cancel<C: ProductConnector>(
        &mut self,
        settings: &str,
        order_id: &str,
    ) -> Result<Cancellation, ConnectorError> {
        let context = run_context(settings);
        self.during(|| connector::cancel::<C>(context, order_id.to_owned()))
    }

    /// Has a connector of kind declaration make the message of a declaration.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn create<C: DeclarationConnector>(
        &mut self,
        settings: &str,
        declaration: &str,
    ) -> Result<Message, ConnectorError> {
        let context = run_context(settings);
        self.during(|| connector::create::<C>(context, declaration.to_owned()))
    }

    /// Has a connector of kind declaration send a message.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn submit<C: DeclarationConnector>(
        &mut self,
        settings: &str,
        declaration: &str,
        message: &Message,
    ) -> Result<Submission, ConnectorError> {
        let (context, message) = (run_context(settings), message.clone());
        self.during(|| connector::submit::<C>(context, declaration.to_owned(), message))
    }

    /// Has a connector of kind declaration fetch what came back.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn poll_response<C: DeclarationConnector>(
        &mut self,
        settings: &str,
        declaration: &str,
    ) -> Result<(), ConnectorError> {
        let context = run_context(settings);
        self.during(|| connector::poll_response::<C>(context, declaration.to_owned()))
    }

    /// Calls `check` of a connector.
    ///
    /// # Errors
    ///
    /// What the connector answers.
    pub fn check<C: Connector>(&mut self, settings: &str) -> Result<String, ConnectorError> {
        let context = run_context(settings);
        self.during(|| connector::check::<C>(context))
    }

    fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        HOST.set(Some(std::mem::take(self)));
        let done = work();
        *self = HOST.take().unwrap_or_default();
        done
    }
}

fn run_context(settings: &str) -> RunContext {
    RunContext {
        run_id: RUN.to_owned(),
        employer_id: EMPLOYER.to_owned(),
        settings: settings.to_owned(),
    }
}

/// A journal line, for tests: account, description, debit and credit in cents.
pub fn line(code: &str, description: &str, debit: i64, credit: i64) -> JournalLine {
    JournalLine {
        general_ledger_account: Coded {
            code: code.to_owned(),
            description: description.to_owned(),
        },
        cost_center: None,
        cost_unit: None,
        payroll_component: KeyValue {
            key: 1,
            value: "Brutoloon".to_owned(),
        },
        debit_amount: debit,
        credit_amount: credit,
    }
}

fn with<T>(work: impl FnOnce(&mut MockHost) -> T) -> T {
    HOST.with_borrow_mut(|host| match host {
        Some(host) => work(host),
        None => panic!("use MockHost to call a connector outside of a component"),
    })
}

pub(crate) fn perform<T>(
    activity: &'static str,
    work: impl FnOnce(&mut MockHost) -> Result<T, ActivityError>,
) -> Result<T, ActivityError> {
    with(|host| {
        if host.denied.contains(activity) {
            return Err(ActivityError::Denied(denial(activity)));
        }
        host.performed.push(activity);
        work(host)
    })
}

fn denial(activity: &str) -> Denial {
    Denial {
        check: Check::User,
        activity: activity.to_owned(),
        reason: "the mock host was told to deny it".to_owned(),
    }
}

pub(crate) fn write_log(level: Level, message: &str) {
    with(|host| host.log.push((level, message.to_owned())));
}

pub(crate) fn exchange(request: Request) -> Result<Reply, HttpErrorKind> {
    with(|host| {
        let fits = |(method, url, _): &(String, String, Reply)| {
            method == request.method && request.url.starts_with(url)
        };
        let found = host.replies.iter().position(fits);
        let what = format!("{} {}", request.method, request.url);
        host.requests.push(request);
        match found.and_then(|index| host.replies.remove(index)) {
            Some((_, _, reply)) => Ok(reply),
            None => Err(HttpErrorKind::Refused(format!(
                "the mock host has no reply to {what}"
            ))),
        }
    })
}

pub(crate) struct MockFile {
    name: String,
    bytes: RefCell<Vec<u8>>,
}

impl MockFile {
    pub(crate) fn create(name: &str) -> Result<Self, ExportError> {
        const ACTIVITY: &str = "PostDownloadJournalRunExportByJournalRunId";
        with(|host| {
            if host.denied.contains(ACTIVITY) {
                return Err(ExportError::Denied(denial(ACTIVITY)));
            }
            if host.files.contains_key(name) {
                return Err(ExportError::AlreadyExists);
            }
            Ok(Self {
                name: name.to_owned(),
                bytes: RefCell::default(),
            })
        })
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), ExportError> {
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn finish(&self) -> Result<Receipt, ExportError> {
        let bytes = self.bytes.take();
        let receipt = Receipt {
            name: self.name.clone(),
            size: bytes.len() as u64,
            // The host computes it; nothing in a test should depend on it.
            sha256: String::new(),
        };
        with(|host| host.files.insert(self.name.clone(), bytes));
        Ok(receipt)
    }
}
