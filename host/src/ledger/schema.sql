-- The ledger: append only. Each row holds the hash of all that precedes it.
CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    run TEXT NOT NULL,
    client TEXT NOT NULL,
    "user" TEXT NOT NULL,
    employer TEXT NOT NULL,
    kind TEXT NOT NULL,
    activity TEXT,
    "check" TEXT,
    exchange TEXT,
    summary TEXT NOT NULL,
    status INTEGER,
    outcome TEXT,
    headers TEXT NOT NULL,
    body_size INTEGER NOT NULL,
    body_sha256 TEXT NOT NULL,
    hash TEXT NOT NULL,
    -- Last, so that the rest is read without it.
    body BLOB
) STRICT;
CREATE INDEX ledger_client ON ledger (client, seq);
CREATE INDEX ledger_employer ON ledger (employer, seq);
CREATE INDEX ledger_run ON ledger (run, seq);

CREATE TRIGGER ledger_never_changes BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END;
CREATE TRIGGER ledger_never_forgets BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END;
