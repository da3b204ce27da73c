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

CREATE TABLE employment (
    id TEXT PRIMARY KEY,
    payroll_administration TEXT NOT NULL REFERENCES payroll_administration (id),
    payroll_employee_number INTEGER NOT NULL,
    formatted_name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

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

-- The audit trail of the status of journal runs.
CREATE TABLE journal_run_change (
    ord INTEGER PRIMARY KEY,
    journal_run TEXT NOT NULL REFERENCES journal_run (id),
    time TEXT NOT NULL,
    action TEXT NOT NULL,
    status INTEGER NOT NULL,
    message TEXT NOT NULL
) STRICT;

CREATE TABLE vehicle (
    license_plate_number TEXT PRIMARY KEY,
    group_key INTEGER NOT NULL,
    group_value TEXT NOT NULL,
    date_of_first_admission TEXT NOT NULL,
    value_for_tax_purposes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
