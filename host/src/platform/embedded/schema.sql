-- Payroll data. Amounts are in eurocents, identifiers are UUIDs in their
-- hyphenated form. `ord` orders the items of a list; cursors hold it.
CREATE TABLE employer (
    ord INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    number INTEGER NOT NULL,
    company_name TEXT NOT NULL,
    chamber_of_commerce_number TEXT,
    street TEXT,
    house_number INTEGER,
    postal_code TEXT,
    city TEXT,
    country TEXT
) STRICT;

CREATE TABLE payroll_administration (
    ord INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    employer TEXT NOT NULL REFERENCES employer (id),
    name TEXT NOT NULL,
    payroll_tax_number TEXT
) STRICT;
CREATE INDEX payroll_administration_employer ON payroll_administration (employer, ord);

CREATE TABLE employee (
    id TEXT PRIMARY KEY,
    employer TEXT NOT NULL REFERENCES employer (id),
    -- The employee number.
    ord INTEGER NOT NULL,
    initials TEXT,
    prefix TEXT,
    last_name TEXT NOT NULL,
    date_of_birth TEXT,
    -- ISO 5218: 0 unknown, 1 male, 2 female.
    gender INTEGER NOT NULL CHECK (gender BETWEEN 0 AND 2),
    street TEXT,
    house_number INTEGER,
    house_number_addition TEXT,
    postal_code TEXT,
    city TEXT,
    country TEXT,
    citizen_service_number TEXT,
    UNIQUE (employer, ord)
) STRICT, WITHOUT ROWID;

CREATE TABLE employment (
    ord INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    employee TEXT NOT NULL REFERENCES employee (id),
    payroll_administration TEXT NOT NULL REFERENCES payroll_administration (id),
    payroll_employee_number INTEGER NOT NULL,
    income_relationship_number INTEGER NOT NULL,
    start_date TEXT NOT NULL,
    end_date TEXT,
    -- How it is insured and taxed; JSON in the form of the contract's record.
    income_period TEXT
) STRICT;
CREATE INDEX employment_employee ON employment (employee);

CREATE TABLE payroll_run (
    id TEXT PRIMARY KEY,
    payroll_administration TEXT NOT NULL REFERENCES payroll_administration (id),
    ord INTEGER NOT NULL,
    year INTEGER NOT NULL,
    period_number INTEGER NOT NULL,
    period_start TEXT NOT NULL,
    period_end TEXT NOT NULL,
    status_key INTEGER NOT NULL,
    status_value TEXT NOT NULL,
    sequence_number INTEGER NOT NULL,
    approval_time TEXT,
    UNIQUE (payroll_administration, ord)
) STRICT, WITHOUT ROWID;

CREATE TABLE payroll_run_result (
    payroll_run TEXT NOT NULL REFERENCES payroll_run (id),
    ord INTEGER NOT NULL,
    employment TEXT NOT NULL,
    component_key INTEGER NOT NULL,
    component_value TEXT NOT NULL,
    column_key INTEGER NOT NULL,
    column_value TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (payroll_run, ord)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_run (
    id TEXT PRIMARY KEY,
    payroll_administration TEXT NOT NULL REFERENCES payroll_administration (id),
    -- Not a reference: an import may hold journal runs alone.
    payroll_run TEXT NOT NULL,
    ord INTEGER NOT NULL,
    year INTEGER NOT NULL,
    period_number INTEGER NOT NULL,
    period_start TEXT NOT NULL,
    period_end TEXT NOT NULL,
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 7),
    processing_finished_time TEXT,
    UNIQUE (payroll_administration, ord)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_line (
    journal_run TEXT NOT NULL REFERENCES journal_run (id),
    ord INTEGER NOT NULL,
    account_code TEXT NOT NULL,
    account_description TEXT NOT NULL,
    cost_center_code TEXT,
    cost_center_description TEXT,
    cost_unit_code TEXT,
    cost_unit_description TEXT,
    component_key INTEGER NOT NULL,
    component_value TEXT NOT NULL,
    debit INTEGER NOT NULL,
    credit INTEGER NOT NULL,
    PRIMARY KEY (journal_run, ord)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_run_error (
    journal_run TEXT NOT NULL REFERENCES journal_run (id),
    ord INTEGER NOT NULL,
    id TEXT NOT NULL,
    payroll_employee_number INTEGER,
    account_code TEXT,
    account_description TEXT,
    component_key INTEGER NOT NULL,
    component_value TEXT NOT NULL,
    error_key INTEGER NOT NULL,
    error_value TEXT NOT NULL,
    PRIMARY KEY (journal_run, ord)
) STRICT, WITHOUT ROWID;

-- The journal runs that are being exported, each by one run of a connector.
CREATE TABLE journal_run_claim (
    journal_run TEXT PRIMARY KEY REFERENCES journal_run (id),
    run TEXT NOT NULL,
    client TEXT NOT NULL,
    user TEXT NOT NULL,
    -- 1 send, 2 download.
    method INTEGER NOT NULL CHECK (method IN (1, 2)),
    since TEXT NOT NULL,
    -- The status before, for a run that booked nothing.
    status INTEGER NOT NULL CHECK (status IN (4, 6))
) STRICT, WITHOUT ROWID;

-- The audit trail of the status of journal runs.
CREATE TABLE journal_run_change (
    journal_run TEXT NOT NULL REFERENCES journal_run (id),
    ord INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    time TEXT NOT NULL,
    status INTEGER NOT NULL CHECK (status BETWEEN 4 AND 7),
    run TEXT NOT NULL,
    client TEXT NOT NULL,
    user TEXT NOT NULL,
    method INTEGER CHECK (method IN (1, 2)),
    reference TEXT,
    error TEXT,
    PRIMARY KEY (journal_run, ord)
) STRICT, WITHOUT ROWID;

CREATE TABLE vehicle (
    license_plate_number TEXT PRIMARY KEY,
    group_key INTEGER NOT NULL,
    group_value TEXT NOT NULL,
    date_of_first_admission TEXT NOT NULL,
    value_for_tax_purposes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Payroll tax returns (kind 1) and pension declarations (kind 2).
CREATE TABLE declaration (
    id TEXT PRIMARY KEY,
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    payroll_administration TEXT NOT NULL REFERENCES payroll_administration (id),
    -- The sequence number within the administration and kind.
    ord INTEGER NOT NULL,
    year INTEGER NOT NULL,
    period_number INTEGER NOT NULL,
    period_start TEXT NOT NULL,
    period_end TEXT NOT NULL,
    corrects TEXT REFERENCES declaration (id),
    status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 7),
    requested_time TEXT NOT NULL,
    requested_user TEXT NOT NULL,
    failure TEXT,
    message_reference TEXT,
    message BLOB,
    message_sha256 TEXT,
    message_time TEXT,
    approved_time TEXT,
    approved_user TEXT,
    -- The SHA-256 that the person confirmed.
    approved_sha256 TEXT,
    cancelled_time TEXT,
    cancelled_user TEXT,
    -- The run that is sending it, and until when (milliseconds since 1970).
    sending_run TEXT,
    sending_until INTEGER,
    -- Whether it may have reached the outside party.
    has_left INTEGER NOT NULL DEFAULT 0,
    sent_time TEXT,
    party_reference TEXT,
    UNIQUE (payroll_administration, kind, ord),
    UNIQUE (kind, message_reference),
    CHECK ((message IS NULL) = (message_sha256 IS NULL)),
    CHECK (status NOT IN (3, 5, 6) OR message IS NOT NULL),
    CHECK (status NOT IN (5, 6) OR approved_sha256 IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER declaration_message_is_frozen
BEFORE UPDATE OF message, message_sha256, message_reference, approved_sha256 ON declaration
WHEN OLD.approved_sha256 IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the message of a confirmed declaration never changes');
END;

CREATE TRIGGER declaration_stays
BEFORE DELETE ON declaration
WHEN OLD.approved_sha256 IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a confirmed declaration is never removed');
END;

CREATE TABLE declaration_response (
    declaration TEXT NOT NULL REFERENCES declaration (id),
    ord INTEGER NOT NULL,
    reference TEXT NOT NULL,
    time TEXT NOT NULL,
    -- Tax: Acknowledgement or Error. Pension: Received, Accepted or Rejected.
    status TEXT NOT NULL,
    class INTEGER,
    description TEXT NOT NULL,
    -- What is said of persons; JSON in the form of the contract's records.
    lines TEXT NOT NULL,
    file BLOB NOT NULL,
    PRIMARY KEY (declaration, ord),
    UNIQUE (declaration, reference)
) STRICT, WITHOUT ROWID;

CREATE VIEW payroll_tax_return AS
SELECT declaration.*, payroll_tax_number, company_name,
    corrects IS NOT NULL AND year < CAST(substr(requested_time, 1, 4) AS INTEGER) AS prior_year,
    (SELECT json_group_array(json_object(
        'reference', reference, 'date_of_receipt', time, 'response_type', declaration_response.status,
        'response_class', class, 'description', description) ORDER BY declaration_response.ord)
        FROM declaration_response WHERE declaration_response.declaration = declaration.id) AS responses
FROM declaration
    JOIN payroll_administration ON payroll_administration.id = declaration.payroll_administration
    JOIN employer ON employer.id = payroll_administration.employer
WHERE declaration.kind = 1;

CREATE VIEW upa_pension_declaration AS
SELECT declaration.*, payroll_tax_number, company_name,
    (SELECT json_group_array(json_object(
        'reference', reference, 'date_of_receipt', time, 'response_status', declaration_response.status,
        'lines', json(lines)) ORDER BY declaration_response.ord)
        FROM declaration_response WHERE declaration_response.declaration = declaration.id) AS responses
FROM declaration
    JOIN payroll_administration ON payroll_administration.id = declaration.payroll_administration
    JOIN employer ON employer.id = payroll_administration.employer
WHERE declaration.kind = 2;

-- What the trade register (handelsregister) knows of a company. Nobody owns it.
CREATE TABLE company (
    chamber_of_commerce_number TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    legal_form_key INTEGER,
    legal_form_value TEXT,
    sbi_key INTEGER,
    sbi_code TEXT,
    sbi_value TEXT,
    website TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE company_address (
    company TEXT NOT NULL REFERENCES company (chamber_of_commerce_number),
    postal INTEGER NOT NULL CHECK (postal IN (0, 1)),
    street TEXT,
    house_number INTEGER,
    house_number_addition TEXT,
    po_box INTEGER,
    postal_code TEXT,
    city TEXT,
    country TEXT,
    PRIMARY KEY (company, postal)
) STRICT, WITHOUT ROWID;

-- Absence insurance contracts with Achmea. Percentages are in hundredths of a
-- percent.
CREATE TABLE achmea_insurance_contract (
    ord INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    employer TEXT NOT NULL REFERENCES employer (id),
    contract_number TEXT NOT NULL,
    start_date TEXT NOT NULL,
    end_date TEXT
) STRICT;
CREATE INDEX achmea_insurance_contract_employer ON achmea_insurance_contract (employer, ord);

CREATE TABLE insured_wage_percentage (
    ord INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    contract TEXT NOT NULL REFERENCES achmea_insurance_contract (id),
    start_date TEXT NOT NULL,
    end_date TEXT,
    holiday_allowance INTEGER NOT NULL,
    year_end INTEGER NOT NULL
) STRICT;
CREATE INDEX insured_wage_percentage_contract ON insured_wage_percentage (contract, ord);

-- Modules that were turned on or off at run time, as they were left.
CREATE TABLE employer_module (
    employer TEXT NOT NULL REFERENCES employer (id),
    module TEXT NOT NULL,
    is_on INTEGER NOT NULL CHECK (is_on IN (0, 1)),
    "user" TEXT NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (employer, module)
) STRICT, WITHOUT ROWID;
